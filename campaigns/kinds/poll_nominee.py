"""推荐: who should stand in a poll. Nobody stands who has not agreed, by a link of their own, to what is written of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Deed, Impossible, Nothing, Refused, Taken, Visit, Work
from ground.days import SHANGHAI, minute
from ground.table import Table
from ground.text import masked_name
from models import candidate, nomination
from models.base import Connection
from models.nomination import ACCEPTED, CONFIRMED, REFUSED, WAITS, WITHDRAWN, Nomination

LINK = "/h5/nominee/"
TITLE = "推荐"  # of the table of nominations
STATES = {
    WAITS: "等本人确认",
    CONFIRMED: "本人同意",
    ACCEPTED: "成为候选",
    REFUSED: "没有采用",
    WITHDRAWN: "本人不愿参评",
}
ASKS = "被推荐人的姓名、单位和事迹会交给工会；要本人用自己的链接确认同意，才会审核和公开。请先和本人说一声。"
AGREES = (
    "我同意把这里写的姓名、单位和事迹交给工会，用于这次评选的审核、公示和投票，成为候选后大家都能看到。"
    "我可以随时用这个链接更正；不愿参评了，可以用它退出。"
)
LONGEST = {"unit": 40, "words": 300}


def form(visit: Visit) -> Asked | Nothing:
    """Whom somebody nominates."""
    mine = nomination.of_person(visit.connection, visit.edition.id, visit.openid) if visit.openid else []
    if len(mine) >= visit.rules.nominate.per_person:
        return Nothing(f"每人最多推荐 {visit.rules.nominate.per_person} 个，您已经推荐满了，谢谢您！")
    fields = {
        "agreed": forms.consent(ASKS),
        "name": forms.name("您推荐谁"),
        "unit": forms.line("在哪个单位、做什么", LONGEST["unit"], "例如：供水公司抢修工", least=2),
        "words": forms.area("好在哪里", LONGEST["words"], "写一两件实在的事", least=10),
    }
    return Asked(forms.form_of(fields))


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """The nomination, and the link for whom it is about."""
    written = (str(answers["name"]), str(answers["unit"]), str(answers["words"]))
    most = visit.rules.nominate.per_person
    made = nomination.make(visit.connection, visit.edition.id, visit.openid, written, most, visit.now)
    if made is None:
        return Refused(f"每人最多推荐 {most} 个，您已经推荐满了，谢谢您！")
    number, secret = made
    words = f"收到了！您的推荐是 {number} 号。"
    if not visit.site:
        return Taken(f"{words}工作人员会和本人联系，本人同意以后才会审核和公开。", str(number))
    link = f"{visit.site}{LINK}{secret}"
    return Taken(
        f"{words}请把这个链接转给本人，本人点开同意以后才会审核和公开（只给本人，不要发到群里）：{link}",
        str(number),
    )


def mine(visit: Visit) -> tuple[str, ...]:
    """What became of those that this person made."""
    found = nomination.of_person(visit.connection, visit.edition.id, visit.openid)
    return tuple(
        f"推荐 {one.id} 号{f' {one.name}' if one.name else ''}：{STATES[one.state]}"
        + (f"，{one.reason}" if one.state == REFUSED else "")
        for one in found
    )


# --- the nominee -------------------------------------------------------------------------------------------------


def answer(
    connection: Connection, one: Nomination, deed: str, written: Mapping[str, str], now: datetime
) -> str:
    """What the nominee decides, by their link: `confirm` (also to put something right) or `withdraw`; what they are told."""
    if deed == "withdraw":
        if not nomination.withdraw(connection, one):
            return "已经退出了。"
        if one.number is not None:
            every = candidate.of_edition(connection, one.edition_id)
            for each in every:
                if each.number == one.number:
                    candidate.withdraw(connection, each, "本人不愿参评")
        return "好的，您已经退出这次评选，写您的内容也删掉了。"
    unit, words = (" ".join(written.get(name, "").split())[: LONGEST[name]] for name in ("unit", "words"))
    if not unit or not words:
        return "单位和事迹都要写。"
    if not nomination.confirm(connection, one, unit, words, AGREES, now):
        return "已经审核完了，要更正请拨 12351；不愿参评了，可以在这里退出。"
    return "记下了，您同意参评。工会审核以后会公布候选名单；要更正或者退出，再打开这个链接。"


# --- the staff ---------------------------------------------------------------------------------------------------


def table(connection: Connection, edition_id: int, names: Sequence[str]) -> Table:
    """Every nomination, without whoever made it and with the nominee's name covered."""
    rows = []
    for one in nomination.of_edition(connection, edition_id):
        found = nomination.checked(connection, one)
        done = "、".join(
            f"{name}{'通过' if found[name][0] else '没有通过'}" if name in found else f"{name}未查"
            for name in names
        )
        state = f"{STATES[one.state]}{f'：{one.reason}' if one.state == REFUSED else ''}"
        rows.append((one.id, masked_name(one.name), one.unit, one.words, state, done, minute(one.created_at)))
    return Table(TITLE, ("编号", "姓名", "单位", "事迹", "状态", "审核", "推荐的时间"), rows)


def _found(work: Work, word: str) -> Nomination:
    number = int(word) if word.isascii() and word.isdigit() else 0
    found = nomination.get(work.connection, work.edition.id, number)
    if found is None:
        raise Impossible(f"这一届没有 {word} 号推荐。")
    return found


def check(work: Work, words: Sequence[str]) -> str:
    """Write down what a check found."""
    one = _found(work, words[0])
    known = work.rules.nominate.checks if work.rules.nominate else ()
    if words[1] not in known:
        raise Impossible(f"没有“{words[1]}”这项审核，规则里写的是：{'、'.join(known) or '没有'}。")
    if words[2] not in ("通过", "不通过"):
        raise Impossible("结果只写 通过 或 不通过。")
    passed = words[2] == "通过"
    if not nomination.check(work.connection, one, words[1], words[3], work.staff, work.now, passed=passed):
        raise Impossible(f"{one.id} 号的“{words[1]}”已经查过了。")
    return f"{one.id} 号 {words[1]}：{words[2]}。"


def accept(work: Work, words: Sequence[str]) -> str:
    """Let who has agreed, and passed every check, stand under a number."""
    one = _found(work, words[0])
    found = nomination.checked(work.connection, one)
    left = [name for name in work.rules.nominate.checks if not found.get(name, (False, ""))[0]]
    if left:
        raise Impossible(f"还没有通过：{'、'.join(left)}。")
    number = int(words[1]) if words[1].isascii() and words[1].isdigit() else 0
    values = {"name": one.name, "unit": one.unit, "words": one.words, "groups": _groups(words[2])}
    if not 1 <= number <= 9999 or not nomination.accept(work.connection, one, number):
        raise Impossible(
            f"{one.id} 号现在是“{STATES[one.state]}”，本人同意了才能成为候选；编号是 1 到 9999。"
        )
    if not candidate.lay(work.connection, work.edition.id, number, values):
        raise Impossible(f"已经有 {number} 号候选了，请换一个编号。")
    return f"{one.name} 成为 {number} 号候选。"


def _groups(word: str) -> tuple[str, ...]:
    return tuple(piece for piece in word.replace("，", "、").split("、") if piece and piece != "无")


def refuse(work: Work, words: Sequence[str]) -> str:
    """Do not take it; whoever made it reads why."""
    one = _found(work, words[0])
    if not nomination.refuse(work.connection, one, words[1]):
        raise Impossible(f"{one.id} 号现在是“{STATES[one.state]}”。")
    return f"{one.id} 号没有采用：{words[1]}。推荐的人在“我的”里能看到。"


def moment(at: datetime) -> str:
    """4月15日 18:00"""
    here = at.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 {here:%H:%M}"


DEEDS: Mapping[str, Deed] = {
    "check": Deed("记下一项审核", ("推荐编号", "哪一项", "通过或不通过", "说明"), check),
    "accept": Deed("本人同意、审核通过的，成为候选", ("推荐编号", "候选编号", "类别（没有写 无）"), accept),
    "refuse": Deed("不采用一个推荐", ("推荐编号", "理由"), refuse),
}
