"""What the staff see and do in an edition of any kind: its kind's own tables and deeds, and those that every kind has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from campaigns import appeal as appeals
from campaigns import photo as photos
from campaigns.kind import Deed, Impossible, Kind, Work, rules_of
from campaigns.kinds import KINDS
from ground.table import Table
from models import appeal, audit, entry, notice, photo, push
from models.base import Connection
from models.edition import Edition

CORRECT = "correct"
Look = Callable[[Connection, int], datetime | None]


def _thank(work: Work, words: Sequence[str]) -> str:
    """Thank everybody who took part, once; who cannot be written to any more reads it in 我的 and on the result's page."""
    if work.edition.takes(work.now):
        raise Impossible("活动还没有结束，结束以后再感谢大家。")
    name = f"{work.edition.campaign}/thank:{work.edition.id}"
    if push.latest(work.connection, name) is not None:
        raise Impossible("已经感谢过大家了。")
    people = entry.openids(work.connection, work.edition.id)
    told = f"【{work.edition.title}】{words[0]}回复“我的”看您参加的结果。"
    number = notice.tell(work.connection, name, told, people, work.now)
    if not number:
        raise Impossible("没有人参加。")
    return f"会告诉参加过的 {number} 人；微信不让发的（48 小时内没有和公众号说过话），他们回复“我的”也能看到结果。"


def _correct(work: Work, words: Sequence[str]) -> str:
    """Say publicly what was wrong and how it is right; the audit is where it stands."""
    if not words[0].strip():
        raise Impossible("更正里要有字。")
    return "更正已经写在结果页上。"


EVERY: Mapping[str, Deed] = {
    **photos.DEEDS,
    **appeals.deeds(lambda work: deeds(KINDS[work.edition.kind])),
    "thank": Deed("结束以后感谢所有参加的人", ("话",), _thank),
    CORRECT: Deed("在结果页上写一条更正，大家都看得到", ("说明",), _correct),
}


def deeds(kind: Kind) -> Mapping[str, Deed]:
    """What can be done in an edition of this kind."""
    return {**kind.deeds, **common(kind)}


def common(kind: Kind) -> Mapping[str, Deed]:
    """What can be done in an edition of any kind; in one whose photos nobody else sees, those are not looked at one by one."""
    return {name: deed for name, deed in EVERY.items() if not (kind.private and name in photos.DEEDS)}


def do(work: Work, deed: str, words: Sequence[str]) -> str:
    """Do a deed of its kind, with its trace; the words that say what was done. Raises Impossible."""
    known = deeds(KINDS[work.edition.kind]).get(deed)
    if known is None:
        raise Impossible(f"没有 {deed} 这件事，可以做的是：{'、'.join(deeds(KINDS[work.edition.kind]))}。")
    if len(words) != len(known.usage):
        raise Impossible(f"{deed} 后面要写：{' '.join(known.usage)}")
    done = known.act(work, words)
    said = zip(known.usage, words, strict=True)
    details = {name: "（不记）" if name in known.personal else word for name, word in said}
    audit.note(work.connection, work.staff, deed, thing(work.edition), details, work.now)
    return done


def thing(found: Edition) -> str:
    """What the audit calls an edition."""
    return f"{found.campaign}/{found.id}"


def tables(connection: Connection, found: Edition, scope: str = "") -> Sequence[Table]:
    """Everything that may be shown and taken away, without the people; to the staff of one unit only what the kind lets them see."""
    kind = KINDS[found.kind]
    if scope:
        return kind.within(connection, found, rules_of(kind, found), scope)
    return [*kind.tables(connection, found, rules_of(kind, found)), *beside(connection, found)]


def beside(connection: Connection, found: Edition) -> list[Table]:
    """The tables that every kind has, those that are empty left out."""
    shown = [] if KINDS[found.kind].private else [photos.table(connection, found.id)]
    return [one for one in (*shown, appeals.table(connection, found.id)) if one.rows]


def waiting_since(connection: Connection, found: Edition) -> datetime | None:
    """Since when the oldest thing waits for somebody of the staff to look at it; None where nothing does."""
    looks = (KINDS[found.kind].waiting_since, *_beside(found))
    return _oldest(connection, found, looks)


def waiting_beside(connection: Connection, found: Edition) -> datetime | None:
    """The same of what every kind has: photos and appeals."""
    return _oldest(connection, found, _beside(found))


def _beside(found: Edition) -> Sequence[Look]:
    return (
        (appeal.waiting_since,) if KINDS[found.kind].private else (photo.waiting_since, appeal.waiting_since)
    )


def _oldest(connection: Connection, found: Edition, looks: Sequence[Look]) -> datetime | None:
    return min((at for look in looks if (at := look(connection, found.id)) is not None), default=None)
