"""What check says of the words that go out: the rule that they break is quoted, and honest words pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from conftest import free_port
from line_cast import Desk, desk

__all__ = ["desk"]

SHARE, FOLLOW, PRIVACY = "诱导用户将消息分享至朋友圈", "诱导用户关注公众帐号", "《个人信息保护法》第二十五条"
STRANGER, WORD = "链接到了别人的网站", "敏感词表里的"
BAD = {
    "转发到朋友圈即可参加抽奖": SHARE,
    "分享给三个工友后才能看答案，快来领取": SHARE,
    "集满 38 个赞送保温杯": SHARE,
    "不转不是工会人": SHARE,
    "凡是转发本条的，都送一份": SHARE,
    "为了保平安，求转发": SHARE,
    "邀请好友满三人，就可以免费领电影票": SHARE,
    "关注本号以后即可领红包": FOLLOW,
    "想参加，先关注再说": FOLLOW,
    "得奖的是王师傅，身份证 11010519491231002X": PRIVACY,
    "请打到 4111 1111 1111 1111": PRIVACY,
    "有事找张师傅 138 1234 5678": PRIVACY,
    "详情看 https://example.com/a": STRANGER,
    "看这里 https://weixin.qq.com.evil.example/": STRANGER,
    "谁也不许聚众 赌 博": WORD,
    "本市首家最高级的活动": WORD,
}
GOOD = (
    "欢迎转告身边的工友，也欢迎分享到朋友圈。",
    "领奖请带身份证，关注我们的人都能参加。",
    "工会热线 12351，办公电话 0427-2812351，文号辽工发〔2026〕12号",
    "活动编号 20270220100000123，订单 123456789012345",
    "看这里 https://mp.weixin.qq.com/s/abc 和 https://www.panjin.gov.cn/，或者 https://www.lnszgh.org/x",
    "读书分享会，会后可以参加抽奖。",
    "号码 6222 0210 0111 6245 8 的末位不对，不是银行卡",
)
MODERATION = '[moderation]\nwords = ["赌博"]\nfile = "words.txt"\nsites = ["lnszgh.org"]\n'


def test_each_kind_of_bad_words_is_told_with_its_rule_and_honest_words_pass(desk: Desk) -> None:
    texts = [*BAD, *GOOD]
    (desk.folder / "words.txt").write_text("# 绝对的说法\n首家  # 说不清\n")
    desk.writes(MODERATION + year(texts))

    told = desk.types("check")

    said = {
        number: [line for line in told.out.splitlines() if f"week/p{number}：" in line and "时间" not in line]
        for number in range(len(texts))
    }
    for number, text in enumerate(texts):
        wanted = BAD.get(text, "")
        assert bool(said[number]) == bool(wanted), (text, said[number])
        assert wanted in "".join(said[number]), text
    must = [line for line in told.out.splitlines() if line.strip().startswith("✗ week/")]
    assert told.code == 1
    assert not any(STRANGER in line or WORD in line for line in must), "worth a look, no more"
    assert "11010519491231002X" not in told.out
    assert "138****5678" in told.out
    assert desk.built().house.sensitive == ("赌博", "首家"), "workers' words are looked at by the same list"


def test_whoever_sends_a_push_is_told_before_they_are_asked(desk: Desk) -> None:
    desk.writes(year(["转发即可参加抽奖", "您好"]))
    desk.types("db", "upgrade")

    for deed in ("preview", "start", "approve"):
        assert SHARE in desk.types("push", deed, "week/p0").out, deed
        assert SHARE not in desk.types("push", deed, "week/p1").out


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.txt", None, "读不出来"),
        ("words.txt", b"PK\x03\x04rest", "不是文字文件"),
        ("words.txt", "好词\n？？？\n".encode(), "words.txt:2"),
        ("../words.txt", None, "只写文件名"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_with_its_line(
    desk: Desk, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (desk.folder / name).write_bytes(content)
    desk.writes(f'[moderation]\nfile = "{name}"\n')

    told = desk.types("check")

    assert told.code == 1
    assert words in told.out


def test_a_list_that_windows_saved_is_read(desk: Desk) -> None:
    (desk.folder / "words.txt").write_bytes("首家\r\n第一".encode("gb18030"))
    desk.writes('[moderation]\nfile = "words.txt"\n')

    assert desk.built().house.sensitive == ("首家", "第一")


def test_dead_links_are_told_when_somebody_asks(desk: Desk, shop: str) -> None:
    closed = f"http://127.0.0.1:{free_port()}/"
    desk.writes(year([f"看 {shop}/there 和 {shop}/gone", f"也看 {closed}"]))

    unasked, told = desk.types("check"), desk.types("check", "--links")

    assert "打不开" not in unasked.out
    dead = [line for line in told.out.splitlines() if "打不开" in line]
    assert [("/gone（网站回答 404）" in line, f"{closed}（连不上）" in line) for line in dead] == [
        (True, False),
        (False, True),
    ]
    assert told.code == 1


def year(texts: list[str]) -> str:
    """One push for each of these texts."""
    pushes = "".join(
        f'[[campaigns.pushes]]\nid = "p{number}"\nyearly = "03-{number + 1:02} 10:00"\nchannel = "service"\n'
        f'text = "{text}"\n'
        for number, text in enumerate(texts)
    )
    return f'[[campaigns]]\nid = "week"\ntitle = "一周"\n{pushes}'


@pytest.fixture
def shop() -> Iterator[str]:
    """A site with one page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/there" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nobody listens."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
