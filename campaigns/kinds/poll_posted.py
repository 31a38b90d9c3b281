"""公示: while a poll's result is posted, anybody objects, by page or chat or telephone; the staff answer before it is final."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Deed, Impossible, Nothing, Refused, Taken, Visit, Work
from campaigns.kinds import request_objection
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
    made = objection.make(visit.connection, visit.edition.id, visit.openid, number, words, visit.now)
    if made is None:
        return Refused("这一条您已经提过异议了，请等答复。")
    text = _named(visit.connection, visit.edition.id, number, words)
    one = request_objection.taken(
        visit.connection, visit.edition, made, visit.openid, text, visit.setting, visit.now
    )
    where = f"编号是 {one.number}，办到哪一步，回复“{one.number} 查看”或者打开“我的”随时看。" if one else ""
    return Taken(f"异议收到了，工作人员核实以后答复您；答复以前，结果不会最后定下来。{where}")


def _named(connection: Connection, edition_id: int, number: int, words: str) -> str:
    """The objection with what it is against."""
    names = {one.number: one.name for one in candidate.of_edition(connection, edition_id)}
    return f"{f'{number} 号 {names.get(number, str())}' if number else '整个结果'}，{words}"


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
    made = objection.make(work.connection, work.edition.id, None, int(words[0]), words[1], work.now)
    assert made is not None  # who calls has no name, so that nobody calls twice
    text = _named(work.connection, work.edition.id, int(words[0]), words[1])
    one = request_objection.taken(work.connection, work.edition, made, None, text, work.setting, work.now)
    return f"异议记下了{f'，是诉求 {one.number}' if one else ''}，请核实后用 settle 答复。"


def settle(work: Work, words: Sequence[str]) -> str:
    """Answer one."""
    every = objection.of_edition(work.connection, work.edition.id)
    one = next((each for each in every if str(each.id) == words[0]), None)
    if one is None or words[1] not in ANSWERS:
        raise Impossible(f"没有 {words[0]} 号异议，或者结果没有写成 {'、'.join(ANSWERS)}。")
    if not objection.settle(work.connection, one, ANSWERS[words[1]], words[2], work.now):
        raise Impossible(f"{one.id} 号异议已经答复过了。")
    then = "成立的，请用 withdraw 或 annul 处理。" if words[1] == "成立" else ""
    if done := request_objection.settled(work, one.id, f"{words[1]}，{words[2]}"):
        return f"{one.id} 号异议{words[1]}。{done}{then}"
    told = f"【{work.edition.title}】您的异议有答复了：{words[1]}，{words[2]}。"
    people = [one.openid] if one.openid else []
    notice.tell(work.connection, f"{work.edition.campaign}/objection:{one.id}", told, people, work.now)
    return f"{one.id} 号异议{words[1]}，会告诉本人。{then}"


DEEDS: Mapping[str, Deed] = {
    "note-objection": Deed("记下一个打电话、写信来的异议", ("候选编号（整个结果写 0）", "内容"), note),
    "settle": Deed("答复一个异议", ("异议编号", "成立或不成立", "答复"), settle),
}
