"""诉求: the list, and one request: its deadlines, its whole time-line, the way back to its person, and every deed that fits now.

Whoever looks sees what `models.scope` lets them see, here as in the list; of the rest there is nothing, not even that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns import desk as deeds
from campaigns.kind import Impossible, rules_of
from campaigns.kinds import KINDS
from campaigns.kinds.request_rules import Rules, terms_of
from campaigns.kinds.request_staff import NONE, owners_for, possible
from campaigns.kinds.request_tables import KINDS as WISHED
from campaigns.kinds.request_tables import STATES
from campaigns.way_back import way
from ground.personal import covered
from ground.text import masked_digits
from models import edition, photo, scope, step
from models import request as requests
from models.base import Connection
from models.deadline import CLOSE, FIRST, NEW, NEWS, OPEN, Life, life
from models.edition import Edition
from models.listing import Wanted
from models.request import Request
from models.step import CLOCK, PERSON
from web.console.desk import Answer, Desk
from web.console.editions import jpeg, work_of

KIND = "request"
LONGEST = 600  # characters of what is written into a deed
PHONE = "phone"  # a deed that is typed; at the desk it is `unmasking`
LATE, UNDONE = "late", "open"
CHOICES = {LATE: "超过期限的", UNDONE: "没办完的", **STATES}
DEADLINES = {FIRST: "受理", NEWS: "告诉本人进展", CLOSE: "答复"}
STEPS = {
    step.RECEIVED: "收到", step.ASSIGNED: "交办", step.RETURNED: "退回", step.ACCEPTED: "受理", step.ASKED: "请本人补充",
    step.TOLD: "本人说", step.PROGRESS: "进展", step.ANSWERED: "答复", step.CLOSED: "办结", step.REOPENED: "本人不满意，重新办理",
    step.ESCALATED: "超过期限，报告负责人", step.MERGED: "合并", step.UNMERGED: "撤销合并", step.SPLIT: "拆出一件",
    step.AGAINST: "写明反映的单位", step.REACHED: "用别的办法告诉了本人", step.GONE: "没有本人的微信",
}  # fmt: skip
WHO = {PERSON: "本人", CLOCK: "到期自动"}
AGAIN = "您看的时候，刚有别人办了一步。请先看看下面的经过，再决定要不要做。"


# --- the list ----------------------------------------------------------------------------------------------------


def find(connection: Connection, desk: Desk, wanted: Wanted, size: int) -> Sequence[Mapping[str, Any]]:
    """What this colleague may see: what is overdue and due next first, then the newest."""
    looked = scope.Wanted(
        states=OPEN if wanted.state in (LATE, UNDONE) else (wanted.state,) if wanted.state else (),
        before=desk.now if wanted.state == LATE else None,
        words=wanted.find,
        sort=wanted.sort,
        down=wanted.down,
    )
    campaigns = edition.campaigns(connection, KIND)
    first = (wanted.page - 1) * size
    found = scope.listed(connection, campaigns, desk.scope, looked, size + 1, first)
    return [_row(one, desk) for one in found]


def _row(one: Request, desk: Desk) -> dict[str, Any]:
    late = one.due_at is not None and one.due_at <= desk.now
    return {
        "id": one.id,
        "number": one.number,
        "state": f"{STATES[one.state]}{'，超期' if late else ''}",
        "due_at": one.due_at,
        "owner": one.owner,
        "level": one.level,
        "kind": WISHED[one.kind],
        "topic": one.topic,
        "words": covered(one.words),
        "received_at": one.received_at,
    }


def late(connection: Connection, desk: Desk) -> int:
    """How many of theirs have passed a deadline."""
    wanted = scope.Wanted(states=OPEN, before=desk.now)
    return sum(scope.counted(connection, edition.campaigns(connection, KIND), desk.scope, wanted).values())


def unread(connection: Connection, desk: Desk) -> int:
    """How many of theirs nobody works on."""
    wanted = scope.Wanted(states=(NEW,))
    return sum(scope.counted(connection, edition.campaigns(connection, KIND), desk.scope, wanted).values())


# --- one of them -------------------------------------------------------------------------------------------------


def look(desk: Desk, number: int) -> Answer:
    """A request: where it stands, its time-line, its deeds."""
    with desk.parts.store.writing() as connection:
        one, _ = _seen(connection, desk, number)
        desk.note(connection, "look", one.number)
    return _page(desk, number)


def _seen(connection: Connection, desk: Desk, number: int) -> tuple[Request, Edition]:
    """The request and its edition, for whoever may see it; for everybody else there is none."""
    one = requests.get(connection, number)
    if one is None or not scope.may_see(one, desk.scope):
        abort(404)
    return one, edition.get(connection, one.edition_id) or abort(404)


def _page(desk: Desk, number: int, what: str = "", said: Sequence[str] = (), fault: str = "") -> Response:
    with desk.parts.store.reading() as connection:
        one, found = _seen(connection, desk, number)
        rules: Rules = rules_of(KINDS[KIND], found)
        steps = step.of(connection, one.id)
        here = life(steps, terms_of(connection, one, desk.parts.house.setting))
        back = way(connection, one.openid, desk.parts.house.setting.limits, desk.now)
        page = desk.page(
            "request",
            one=one,
            words=covered(one.words),
            hides=bool(one.phone)
            or any(covered(text) != text for text in (one.words, *(s.words for s in steps))),
            edition=found,
            facts=_facts(one, here),
            deadlines=_deadlines(here),
            late=one.due_at is not None and one.due_at <= desk.now,
            back=back.words(desk.now) if one.openid else "没有本人的微信",
            photo=photo.get(connection, one.photo) if one.photo else None,
            steps=[
                (
                    replace(each, words=covered(each.words)),
                    STEPS.get(each.kind, each.kind),
                    WHO.get(each.by, each.by),
                )
                for each in steps
            ],
            beside=_beside(connection, desk, one),
            deeds={name: deed for name, deed in possible(one, here, rules).items() if name != PHONE},
            choices={"部门": owners_for(one, rules), "单位": [*rules.units, NONE]},
            what=what,
            said=said,
            fault=fault,
        )
    return make_response(page, 409 if fault else 200)


def _facts(one: Request, here: Life) -> list[tuple[str, str]]:
    unit = one.against.rstrip("/").replace("-", "核对过，不反映单位") if one.against else "还没有核对"
    facts = [
        ("状态", STATES[one.state]),
        ("承办部门", one.owner),
        ("种类", WISHED[one.kind]),
        ("哪方面", one.topic),
        ("超期次数", str(one.level) if one.level else ""),
        ("重新办理", "本人不满意过一次" if one.reopens else ""),
        ("退回", f"{here.returns} 次" if here.returns else ""),
        ("职工说的单位", one.unit),
        ("反映的单位", unit if one.unit or one.against else ""),
        ("来自", "投票公示期里的异议" if one.source else ""),
        ("电话", masked_digits(one.phone)),
    ]
    return [(name, words) for name, words in facts if words]


def _deadlines(here: Life) -> list[tuple[str, Any, str]]:
    """Each deadline of this round: what is due, when, and how it stands."""
    rounds, order = here.reopens + 1, list(DEADLINES)
    found: list[tuple[str, Any, str]] = []
    for each in sorted(here.deadlines, key=lambda each: order.index(each.kind)):
        if each.round != rounds:
            continue
        name = DEADLINES[each.kind]
        if each.met_at is not None:
            found.append((name, each.met_at, "按时做到了" if each.in_time else "做到了，超过了期限"))
        elif each.due is None:
            found.append((name, None, "暂停，等本人补充" if here.is_open else "暂停"))
        else:
            found.append((name, each.due, "期限"))
    return found


def _beside(connection: Connection, desk: Desk, one: Request) -> list[tuple[str, Request]]:
    """The requests that it has to do with, and how, as far as they may be seen."""
    others = [each for each in requests.tied(connection, one) if scope.may_see(each, desk.scope)]
    return [(_tie(one, each), each) for each in others]


def _tie(one: Request, other: Request) -> str:
    if other.id == one.merged_into:
        return "并入"
    if other.id == one.split_from:
        return "拆自"
    return "并进来的" if other.merged_into == one.id else "拆出去的"


def picture(desk: Desk, number: int, size: str) -> Answer:
    """The photo of a request, for whoever may see the request."""
    with desk.parts.store.reading() as connection:
        one, _ = _seen(connection, desk, number)
        found = photo.get(connection, one.photo or "") or abort(404)
        return jpeg(photo.data(connection, found.id, size) or abort(404))


def do(desk: Desk, number: int, what: str) -> Answer:
    """A deed, the same that `campaign do` does; what was typed stays where it cannot be done."""
    typed = [
        request.form.get(f"w{at}", "").strip()[:LONGEST] for at in range(1, 4) if f"w{at}" in request.form
    ]
    said = [requests.number_of(number), *typed]
    try:
        with desk.parts.store.writing() as connection:
            requests.hold(connection, number)
            _, found = _seen(connection, desk, number)
            if what not in KINDS[KIND].deeds or what == PHONE:
                abort(404)
            if request.form.get("steps", "") != str(len(step.of(connection, number))):
                raise Impossible(AGAIN)
            done = deeds.do(work_of(desk, connection, found), what, said)
            desk.tell(connection, done)
    except Impossible as fault:
        return _page(desk, number, what, said, str(fault))
    return redirect(f"/console/request/{number}", 303)
