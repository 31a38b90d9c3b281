"""Appeals against what the staff hid: how they are made through both doors, and how the staff answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from campaigns.kind import Deed, Hidden, Impossible, Visit, Work
from campaigns.kinds import KINDS
from ground.days import minute
from ground.table import Table
from models import appeal, notice, photo
from models.appeal import GRANTED, REFUSED, WAITS, Appeal
from models.base import Connection

LONGEST = 300  # characters of a reason
WORDS = {WAITS: "等您答复", GRANTED: "同意", REFUSED: "维持"}
TO_THE_PERSON = {WAITS: "申诉已经交上去了，等答复", GRANTED: "申诉成功", REFUSED: "申诉没有成功"}
RECEIVED = "申诉收到了，工作人员会再看一遍，结果会告诉您，也写在“我的”里。"
ONCE = "这一条您已经申诉过了，请等答复。"


@dataclass(frozen=True, slots=True)
class Appealable:
    """Something of one's own that is hidden, and what became of an appeal against that, if there was one."""

    hidden: Hidden
    made: Appeal | None

    @property
    def told(self) -> str:
        """How it stands."""
        answer = f"：{self.made.answer}" if self.made and self.made.answer else ""
        state = f"，{TO_THE_PERSON[self.made.state]}{answer}" if self.made else ""
        why = f"：{self.hidden.reason}" if self.hidden.reason else ""
        return f"{self.hidden.words}没有公开{why}{state}"


def open_to(visit: Visit) -> list[Appealable]:
    """Everything of this person's that is hidden in this edition, always in the same order."""
    if not visit.openid:
        return []
    made = appeal.of_person(visit.connection, visit.edition.id, visit.openid)
    hidden = [*KINDS[visit.edition.kind].hidden(visit), *_photos(visit)]
    return [Appealable(one, made.get(one.undo)) for one in hidden]


def _photos(visit: Visit) -> list[Hidden]:
    mine = photo.mine(visit.connection, visit.openid, (photo.HIDDEN,))
    here = sorted((one for one in mine if one.edition_id == visit.edition.id), key=lambda one: one.id)
    return [Hidden(f"show-photo {one.id}", "您的照片", one.reason) for one in here]


def make(visit: Visit, one: Appealable, words: str) -> str:
    """Take an appeal; what its person is told."""
    plain = " ".join(words.split())[:LONGEST] or "没有写理由"
    new = appeal.make(visit.connection, visit.edition.id, visit.openid, one.hidden.undo, plain, visit.now)
    return RECEIVED if new else ONCE


# --- the staff ---------------------------------------------------------------------------------------------------


def table(connection: Connection, edition_id: int) -> Table:
    """Every appeal without its person, those that wait first."""
    every = sorted(appeal.of_edition(connection, edition_id), key=lambda one: one.state != WAITS)
    rows = [(one.id, one.against, one.words, WORDS[one.state], one.answer, minute(one.at)) for one in every]
    return Table("申诉", ("编号", "要求", "理由", "状态", "答复", "时间"), rows)


def _found(work: Work, word: str) -> Appeal:
    number = int(word) if word.isascii() and word.isdigit() else 0
    found = appeal.get(work.connection, work.edition.id, number)
    if found is None or found.state != WAITS:
        raise Impossible(f"没有 {word} 号申诉在等答复。")
    return found


def deeds(every: Callable[[Work], Mapping[str, Deed]]) -> Mapping[str, Deed]:
    """To grant an appeal is to do what undoes the deed; `every` gives the deeds of an edition."""

    def grant(work: Work, words: Sequence[str]) -> str:
        one = _found(work, words[0])
        deed, _, number = one.against.partition(" ")
        done = every(work)[deed].act(work, [number])
        _answer(work, one, GRANTED, words[1])
        return f"{one.id} 号申诉已经同意，会告诉本人。{done}"

    def refuse(work: Work, words: Sequence[str]) -> str:
        one = _found(work, words[0])
        _answer(work, one, REFUSED, words[1])
        return f"{one.id} 号申诉维持原来的决定，会告诉本人。"

    return {
        "grant-appeal": Deed("同意一个申诉，按他的要求办", ("编号", "答复"), grant),
        "refuse-appeal": Deed("不同意一个申诉，维持原来的决定", ("编号", "答复"), refuse),
    }


def _answer(work: Work, one: Appeal, state: str, words: str) -> None:
    appeal.settle(work.connection, one, state, words, work.now)
    told = f"【{work.edition.title}】您的申诉有答复了：{TO_THE_PERSON[state]}，{words}。"
    people = [one.openid] if one.openid else []
    notice.tell(work.connection, f"{work.edition.campaign}/appeal:{one.id}", told, people, work.now)
