"""The audit's rows in the words of staff. What a row holds is left as it is: it is hashed, and what is typed names it so."""

from __future__ import annotations

import json
from collections.abc import Mapping

from campaigns.desk import deeds
from campaigns.kind import Deed
from campaigns.kinds import KINDS

DEEDS: Mapping[str, str] = {
    "add staff": "添加工作人员",
    "agree retention": "同意到期就删",
    "approve": "批准推送",
    "begin": "第一次登录",
    "call off": "不发这一次",
    "call off menu": "取消定好的换菜单",
    "cancel": "取消推送",
    "change guide": "改办事指南",
    "change menu": "改菜单",
    "answered": "答复来信",
    "clear alarm": "消除警报",
    "close union": "撤销单位",
    "export": "导出表格",
    "extend": "延长截止时间",
    "give": "发放物资",
    "halt": "停止一切发送",
    "hand over": "移交分工",
    "lock staff": "锁上工作人员",
    "look": "查看",
    "look in clear": "查看完整的个人信息",
    "look at proof": "查看领取凭证",
    "look up": "查找",
    "lower approvals": "批准的人数改少了",
    "make code": "做二维码",
    "make menu": "新写一份菜单",
    "merge union": "合并单位",
    "move union": "移动单位",
    "moved": "转办来信",
    "noted": "来信里记了一笔",
    "opened": "打开来信",
    "pause": "暂停推送",
    "plan menu": "定时换菜单",
    "publish menu": "发布菜单",
    "reset staff": "重新发登录链接",
    "resume": "继续推送",
    "roll back menu": "退回上一份菜单",
    "share out": "改分工",
    "sign in": "登录",
    "sign out": "退出",
    "start": "现在发送",
    "take back": "收回",
    "teach": "教会一句说法",
    "test": "试发",
    "unhalt": "恢复发送",
    "verify": "验证操作记录",
    "withdraw approval": "收回批准",
}
DETAILS: Mapping[str, str] = {
    "after": "改成",
    "at": "时间",
    "days": "天数",
    "before": "原来",
    "done": "办成了",
    "due_at": "发送时间",
    "duties": "分工",
    "find": "查找",
    "from": "来自",
    "kind": "格式",
    "list": "名单",
    "of": "范围",
    "owner": "承办",
    "page": "页",
    "purpose": "用途",
    "reason": "理由",
    "rows": "行数",
    "state": "状态",
    "to": "到",
    "version": "第几版",
    "words": "写的",
}
YES = {True: "是", False: "否"}


def deed(name: str) -> str:
    """What was done; a deed of an activity in its kind's own words, and one that is not listed by its name."""
    return DEEDS.get(name) or next((known[name].about for known in _of_kinds() if name in known), name)


def details(text: str) -> str:
    """The details of a row, a JSON object, as `来自：127.0.0.1；分工：统筹`; what is no such object as it is."""
    try:
        given = json.loads(text)
    except ValueError:
        return text
    if not isinstance(given, dict):
        return text
    return "；".join(
        f"{DETAILS.get(name, name)}：{_value(value)}"
        for name, value in given.items()
        if value not in ("", None)
    )


def _of_kinds() -> list[Mapping[str, Deed]]:
    return [deeds(kind) for kind in KINDS.values()]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return YES[value]
    if isinstance(value, (list, tuple)):
        return "、".join(map(_value, value))
    return "" if value is None else str(value)
