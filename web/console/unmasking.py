"""What belongs to a person, in clear: for a purpose that is written down, shown once, and so often an hour for each colleague.

Everywhere else at the desk it is covered. What has something to uncover stands as one line in `KEPT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import abort, make_response, request
from werkzeug.wrappers import Response

from ground.personal import numbers
from ground.text import masked_digits, masked_name
from models import handout, letter, member, nomination, scope, shared, sign_up, step, timeline
from models import request as requests
from models.base import Connection
from models.staff import ANSWERING, CAMPAIGN, LEAD, LETTER
from web.console.desk import Answer, Desk
from web.cookie import wall

MOST, SPAN = 30, timedelta(hours=1)  # so often for one colleague
LONGEST = 200  # characters of a purpose
PURPOSE = "没有给您看：请先写明用途，会记在操作记录里。"
TOO_OFTEN = f"没有给您看：一位同志一小时里最多看 {MOST} 次，请过一会儿再看。真有急事，请另一位同志看。"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that belongs to a person: its name, as it is, and as it is covered."""

    words: str
    clear: str
    covered: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked for: what it is called, the page on which it stands, and what can be uncovered."""

    title: str
    back: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Kept:
    """A noun that names people: whose duty it is, and where it is found; `below`: also for whoever has a part of the tree."""

    duties: Sequence[str]
    find: Callable[[Connection, Desk, int], Found | None]
    below: bool = False


def _name(words: str, text: str) -> Line:
    return Line(words, text, masked_name(text))


def _digits(words: str, text: str) -> Line:
    return Line(words, text, masked_digits(text))


def _written(texts: Iterable[str]) -> list[Line]:
    """The numbers that somebody wrote among other words, each once."""
    found = dict.fromkeys(each for text in texts for each in numbers(text))
    return [_digits(f"话里写的{kind}", plain) for kind, plain in found]


def _request(connection: Connection, desk: Desk, number: int) -> Found | None:
    one = requests.get(connection, number)
    if one is None or not scope.may_see(one, desk.scope):
        return None
    said = [one.words, *(each.words for each in step.of(connection, one.id))]
    return Found(one.number, f"/console/request/{one.id}", [_digits("电话", one.phone), *_written(said)])


def _sign_up(connection: Connection, desk: Desk, number: int) -> Found | None:
    one = sign_up.get(connection, number)
    if one is None:
        return None
    proxies = [_name("代领人", each.proxy) for each in handout.of_sign_up(connection, one.id)]
    lines = [_name("姓名", one.name), _digits("手机", one.phone), *proxies]
    return Found(one.number, f"/console/check-in/{one.edition_id}?q={one.number}", lines)


def _member(connection: Connection, desk: Desk, number: int) -> Found | None:
    one = member.get(connection, desk.scope, number)
    if one is None:
        return None
    lines = [_name("姓名", one.name), _digits("手机号", one.phone), _digits("会员编号", one.number)]
    return Found(f"{number} 号会员", "/console/members", lines)


def _nomination(connection: Connection, desk: Desk, number: int) -> Found | None:
    one = nomination.numbered(connection, number)
    return (
        Found(f"{one.id} 号推荐", f"/console/edition/{one.edition_id}", [_name("姓名", one.name)])
        if one
        else None
    )


def _letter(connection: Connection, desk: Desk, number: int) -> Found | None:
    one = letter.get(connection, number)
    if one is None:
        return None
    said = [each.words for each in timeline.of(connection, one.openid)]
    noted = [each.words for each in letter.steps(connection, number)]
    return Found(f"来信 {number}", f"/console/letter/{number}", _written([*said, *noted]))


KEPT = {
    "letter": Kept(ANSWERING, _letter),
    "member": Kept((LEAD, CAMPAIGN, LETTER), _member, below=True),
    "nomination": Kept((LEAD, CAMPAIGN), _nomination),
    "request": Kept(ANSWERING, _request, below=True),
    "sign-up": Kept((LEAD, CAMPAIGN), _sign_up),
}
DUTIES = tuple(sorted({duty for kept in KEPT.values() for duty in kept.duties}))


def _find(connection: Connection, desk: Desk, what: str, number: int) -> Found:
    """For whoever may see it; for everybody else there is none."""
    kept = KEPT.get(what) or abort(404)
    if not desk.staff.has(kept.duties) or (desk.staff.scope and not kept.below):
        abort(404)
    return kept.find(connection, desk, number) or abort(404)


def look(desk: Desk, what: str, number: int) -> Answer:
    """What could be uncovered, covered; and the question what for."""
    with desk.parts.store.reading() as connection:
        return _page(desk, _find(connection, desk, what, number))


def show(desk: Desk, what: str, number: int) -> Answer:
    """Uncover it, this once."""
    purpose = request.form.get("purpose", "").strip()[:LONGEST]
    with desk.parts.store.writing() as connection:
        found = _find(connection, desk, what, number)
        if not purpose:
            return _page(desk, found, fault=PURPOSE, status=409)
        bucket = f"unmask:{desk.staff.login}"
        leave = shared.admit(connection, bucket, MOST, SPAN.total_seconds(), 1, wall().timestamp)
        if not leave.calls:
            return _page(desk, found, fault=TOO_OFTEN, status=429)
        desk.note(connection, "look in clear", f"{what}/{number}", purpose=purpose)
    return _page(desk, found, clear=True)


def _page(desk: Desk, found: Found, *, fault: str = "", clear: bool = False, status: int = 200) -> Response:
    lines = [each for each in found.lines if each.clear]
    page = desk.page("unmask", found=found, lines=lines, clear=clear, fault=fault, most=MOST, longest=LONGEST)
    return make_response(page, status)
