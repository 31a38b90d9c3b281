"""Photos as the staff look after them: which wait, showing one to everybody, and hiding it with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from ground.days import minute
from ground.table import Table
from models import notice, photo
from models.base import Connection
from models.photo import AWAITED, BROKEN, HIDDEN, PENDING, SHOWN, Photo

WORDS = {
    AWAITED: "正在从微信取来",
    PENDING: "等工作人员看过",
    SHOWN: "大家都看得到",
    HIDDEN: "没有公开",
    BROKEN: "没有存下来",
}
EVERY = tuple(WORDS)


def address(key: str, size: str = "small") -> str:
    """Where a page shows it; `size` is small or large."""
    return f"/h5/photo/{key}/{size}"


def table(connection: Connection, edition_id: int) -> Table:
    """Every photo that was sent, without its person; those that wait come first."""
    every = photo.of_edition(connection, edition_id, EVERY)
    every.sort(key=lambda one: one.state != PENDING)
    rows = [(one.id, WORDS[one.state], minute(one.sent_at or one.created_at), one.reason) for one in every]
    return Table("照片", ("编号", "状态", "交来的时间", "理由"), rows)


def _found(work: Work, word: str) -> Photo:
    number = int(word) if word.isascii() and word.isdigit() else 0
    found = photo.numbered(work.connection, work.edition.id, number)
    if found is None:
        raise Impossible(f"这一届没有 {word} 号照片。")
    return found


def show(work: Work, words: Sequence[str]) -> str:
    """Let everybody see it."""
    one = _found(work, words[0])
    if not photo.judge(work.connection, one.id, (PENDING, HIDDEN), SHOWN):
        raise Impossible(f"{one.id} 号照片现在是“{WORDS[one.state]}”，不能这样做。")
    return f"{one.id} 号照片大家都看得到了。"


def hide(work: Work, words: Sequence[str]) -> str:
    """Let nobody see it; its person learns why, and may send another or object."""
    one = _found(work, words[0])
    if not photo.judge(work.connection, one.id, (PENDING, SHOWN), HIDDEN, words[1]):
        raise Impossible(f"{one.id} 号照片现在是“{WORDS[one.state]}”，不能这样做。")
    told = f"【{work.edition.title}】您的照片没有公开：{words[1]}。觉得不对，回复“申诉”。"
    people = [one.openid] if one.openid else []
    notice.tell(
        work.connection,
        f"{work.edition.campaign}/photo:{one.id}-{work.now:%m%d%H%M%S}",
        told,
        people,
        work.now,
    )
    return f"{one.id} 号照片不再公开，会告诉本人。"


DEEDS: Mapping[str, Deed] = {
    "show-photo": Deed("让大家看到一张照片（也用来撤销 hide-photo）", ("编号",), show),
    "hide-photo": Deed("不公开一张照片", ("编号", "理由"), hide),
}
