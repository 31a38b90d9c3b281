"""公示: while a poll's result is posted, anybody objects, by page or chat or telephone; the staff answer before it is final."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Deed, Impossible, Nothing, Refused, Taken, Visit, Work
from ground.days import minute
from ground.table import Table
from models import candidate, edition, notice, objection, poll
from models.base import Connection
from models.objection import DISMISSED, UPHELD, WAITS

LONGEST = 300
WORDS = {WAITS: "等答复", UPHELD: "成立", DISMISSED: "不成立"}
ANSWERS = {words: state for state, words in WORDS.items() if state != WAITS}


def late(visit: Visit) -> Asked | Nothing | None:
    """What may be objected to while the result is posted; None before and after."""
    here = poll.get(visit.connection, visit.edition.id)
    if visit.edition.state != edition.CLOSED or here.posted_to is None or visit.now >= here.posted_to:
        return None
    every = candidate.of_edition(visit.connection, visit.edition.id)
    options = [("0", "整个结果"), *((str(one.number), one.name) for one in every if one.stands)]
    head = (
        f"结果正在公示，到 {minute(here.posted_to)} 为止。{here.posted}有异议请写在这里，工作人员核实后答复。"
    )
    fields = {
        "objection": forms.one("对谁有异议", options),
        "why": forms.area("为什么", LONGEST, "写清楚时间、事情，怎么核实", least=5),
    }
    return Asked(forms.form_of(fields), head)


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """The objection."""
    number, words = int(answers["objection"]), str(answers["why"])
    if not objection.make(visit.connection, visit.edition.id, visit.openid, number, words, visit.now):
        return Refused("这一条您已经提过异议了，请等答复。")
    return Taken("异议收到了，工作人员核实以后答复您；答复以前，结果不会最后定下来。")


def table(connection: Connection, edition_id: int) -> Table:
    """Every objection without its person, those that wait first."""
    every = sorted(objection.of_edition(connection, edition_id), key=lambda one: one.state != WAITS)
    rows = [
        (one.id, str(one.number or "整个结果"), one.words, WORDS[one.state], one.answer, minute(one.at))
        for one in every
    ]
    return Table("异议", ("编号", "候选编号", "内容", "状态", "答复", "时间"), rows)


# --- the staff ---------------------------------------------------------------------------------------------------


def note(work: Work, words: Sequence[str]) -> str:
    """Write down an objection that came by telephone or letter."""
    here = poll.get(work.connection, work.edition.id)
    if here.posted_to is None or work.now >= here.posted_to:
        raise Impossible("现在不在公示期里。")
    if not (words[0].isascii() and words[0].isdigit()):
        raise Impossible("候选编号写数字，对整个结果有异议写 0。")
    objection.make(work.connection, work.edition.id, None, int(words[0]), words[1], work.now)
    return "异议记下了，请核实后用 settle 答复。"


def settle(work: Work, words: Sequence[str]) -> str:
    """Answer one."""
    every = objection.of_edition(work.connection, work.edition.id)
    one = next((each for each in every if str(each.id) == words[0]), None)
    if one is None or words[1] not in ANSWERS:
        raise Impossible(f"没有 {words[0]} 号异议，或者结果没有写成 {'、'.join(ANSWERS)}。")
    if not objection.settle(work.connection, one, ANSWERS[words[1]], words[2], work.now):
        raise Impossible(f"{one.id} 号异议已经答复过了。")
    told = f"【{work.edition.title}】您的异议有答复了：{words[1]}，{words[2]}。"
    people = [one.openid] if one.openid else []
    notice.tell(work.connection, f"{work.edition.campaign}/objection:{one.id}", told, people, work.now)
    then = "成立的，请用 withdraw 或 annul 处理。" if words[1] == "成立" else ""
    return f"{one.id} 号异议{words[1]}，会告诉本人。{then}"


DEEDS: Mapping[str, Deed] = {
    "note-objection": Deed("记下一个打电话、写信来的异议", ("候选编号（整个结果写 0）", "内容"), note),
    "settle": Deed("答复一个异议", ("异议编号", "成立或不成立", "答复"), settle),
}
