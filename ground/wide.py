"""Signs of Chinese typing where a program wants its own: “ ＝ ； － and the full-width blank; and names of keys in Chinese."""

import unicodedata

SIGNS = {
    **dict.fromkeys("“”＂„", '"'),
    **dict.fromkeys("‘’＇", "'"),
    **dict.fromkeys("，、；", ","),
    **dict.fromkeys("【［", "["),
    **dict.fromkeys("】］", "]"),
    **dict.fromkeys("—–−－", "-"),
    **dict.fromkeys("～", "~"),
    "。": ".",
    "　": "空格",
    "\xa0": "空格",
}
NAMES = {
    **dict.fromkeys(("标题", "题目", "活动名称"), "title"),
    **dict.fromkeys(("编号", "代号"), "id"),
    **dict.fromkeys(("名称", "名字"), "name"),
    **dict.fromkeys(("类型", "种类", "类别"), "kind"),
    **dict.fromkeys(("说明", "介绍", "简介"), "about"),
    **dict.fromkeys(("开始", "开始日期", "开始时间", "从"), "from"),
    **dict.fromkeys(("结束", "结束日期", "结束时间", "到"), "to"),
    **dict.fromkeys(("时间", "发送时间", "日期"), "at"),
    **dict.fromkeys(("每年", "公历"), "yearly"),
    **dict.fromkeys(("每天", "每日"), "daily"),
    **dict.fromkeys(("渠道", "方式", "发送方式"), "channel"),
    **dict.fromkeys(("对象", "发给", "接收人", "人群"), "audience"),
    **dict.fromkeys(("文字", "文本"), "text"),
    **dict.fromkeys(("内容", "正文"), "text、content"),
    **dict.fromkeys(("链接", "网址"), "url"),
    "农历": "lunar",
    "图文": "article",
    "图片": "image",
    "模板": "template",
    "封面": "cover",
    "摘要": "digest",
    "作者": "author",
    "活动": "campaigns",
    "推送": "campaigns.pushes",
    "账号": "account",
    "公众号": "account",
    "测试人员": "testers",
    "数据库": "database",
    "令牌": "token",
}


def narrow(sign: str) -> str:
    """What should stand instead of this sign, '' when it is not one of them."""
    if known := SIGNS.get(sign):
        return known
    plain = unicodedata.normalize("NFKC", sign)
    return plain if plain != sign and len(plain) == 1 and plain.isascii() else ""


def hint(text: str) -> str:
    """Names the first such sign of a word that should have none, with what to write instead; '' when there is none."""
    for sign in text:
        if right := narrow(sign):
            if right == "空格":
                return "（里面有全角空格，请换成普通的空格）"
            kind = "全角字符" if sign.isalnum() else "中文标点"
            return f"（里面有{kind} {sign} ，请换成英文的 {right} ）"
    return ""


def key_hint(name: str) -> str:
    """A question after a key that was written in Chinese, '' for a word that we do not know."""
    meant = NAMES.get(name.strip().strip("\"'"))
    return f"（“{name.strip()}”是不是想写 {meant}？）" if meant else ""


def shown(text: str, most: int = 40) -> str:
    """What was written, in one line, with blanks that nobody sees made visible."""
    signs = {"\n": "⏎", "\r": "⏎", "\t": "⇥", "　": "□"}
    marked = "".join(
        signs.get(sign, sign if sign.isprintable() else "�") for sign in text.replace("\r\n", "\n")
    )
    head, tail = len(marked) - len(marked.lstrip()), len(marked) - len(marked.rstrip())
    if marked.strip():
        marked = "␣" * head + marked.strip() + "␣" * tail
    return marked if len(marked) <= most else f"{marked[:most]}…"
