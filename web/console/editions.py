"""活动: one page for an edition of any kind: where it stands, its tables, and every deed of its kind as a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns import desk as deeds
from campaigns import reach
from campaigns import taking_part as door
from campaigns.kind import Impossible, Work, rules_of
from campaigns.kinds import poll_nominee
from ground.days import SHANGHAI, minute
from ground.table import Table
from ground.words import EDITIONS
from models import audit, edition, entry, photo
from models import reach as reaches
from models.base import Connection
from models.edition import Edition
from web.console.desk import Answer, Desk
from web.console.listing import export

NUMBER = "编号"
LONGEST = 500  # characters of what is written into a deed
FIND = 60
PENDING = 60  # photos on one page
LISTS: Mapping[str, str] = {"request": "requests", "opinion": "opinions"}
"""The kinds whose things have a list and pages of their own, for those whose duty they are."""


def look(desk: Desk, number: int) -> Answer:
    """An edition: where it stands, what waits, its tables, its deeds."""
    return _page(desk, number)


def _page(desk: Desk, number: int, what: str = "", said: Sequence[str] = (), fault: str = "") -> Response:
    wanted = request.args.get("find", "").strip()[:FIND]
    with desk.parts.store.reading() as connection:
        found = edition.get(connection, number) or abort(404)
        kind = door.kind_of(found)
        apart = LISTS.get(found.kind, "")
        tables = deeds.beside(connection, found) if apart else deeds.tables(connection, found, desk.scope)
        page = desk.page(
            "edition",
            edition=found,
            kind=kind,
            state=EDITIONS[found.state],
            people=entry.people(connection, found.id),
            since=(deeds.waiting_beside if apart else deeds.waiting_since)(connection, found),
            apart=apart,
            tables=[_found_in(table, wanted) for table in tables],
            photos=[] if kind.private else photo.of_edition(connection, found.id, (photo.PENDING,), PENDING),
            deeds=deeds.common(kind) if apart else deeds.deeds(kind),
            did=audit.of(connection, deeds.thing(found), 20),
            find=wanted,
            chosen=request.args.get("n", "")[:20],
            number=NUMBER,
            nominations=poll_nominee.TITLE if found.kind == "poll" else None,
            what=what,
            said=said,
            fault=fault,
        )
    return make_response(page, 409 if fault else 200)


def _found_in(table: Table, wanted: str) -> Table:
    """Its rows in which these words stand."""
    if not wanted:
        return table
    return replace(table, rows=[row for row in table.rows if any(wanted in str(cell) for cell in row)])


def do(desk: Desk, number: int, what: str) -> Answer:
    """One of its kind's deeds, the same that `campaign do` does; what was typed stays where it cannot be done."""
    words = [request.form.get(f"w{at}", "").strip()[:LONGEST] for at in range(len(request.form))]
    words = [word for at, word in enumerate(words) if f"w{at}" in request.form]
    with desk.parts.store.reading() as connection:
        found = edition.get(connection, number) or abort(404)
    if found.kind in LISTS and what not in deeds.common(door.kind_of(found)):
        abort(404)
    try:
        with desk.parts.store.writing() as connection:
            found = edition.get(connection, number) or abort(404)
            done = deeds.do(work_of(desk, connection, found), what, words)
            desk.tell(connection, done)
    except Impossible as fault:
        return _page(desk, number, what, words, str(fault))
    return redirect(f"/console/edition/{number}", 303)


def work_of(desk: Desk, connection: Connection, found: Edition) -> Work:
    """A deed of this colleague under way."""
    rules = rules_of(door.kind_of(found), found)
    return Work(
        connection,
        found,
        rules,
        desk.staff.login,
        desk.now,
        desk.parts.house.setting,
        desk.scope,
    )


def asks_extend(desk: Desk, number: int) -> str:
    """What is asked before the end moves."""
    return f"截止时间改成 {request.form.get('until', '')}，对所有人一样，会记下来。确定吗？"


def extend(desk: Desk, number: int) -> Answer:
    """Let the open edition end then."""
    try:
        until = datetime.fromisoformat(request.form.get("until", "")).replace(tzinfo=SHANGHAI)
    except ValueError:
        return _page(desk, number, fault="截止时间没有看懂，请用页面上的日历选。")
    with desk.parts.store.writing() as connection:
        found = edition.get(connection, number) or abort(404)
        done = edition.extend(connection, found, until, desk.staff.login, desk.now)
        if done:
            details = {"from": found.closes_at, "to": until}
            audit.note(connection, desk.staff.login, "extend", deeds.thing(found), details, desk.now)
        words = f"截止时间改到 {minute(until)}。" if done else "没有改：它已经结束，或者写的时间已经过了。"
        desk.tell(connection, words)
    return redirect(f"/console/edition/{number}", 303)


def take(desk: Desk, number: int) -> Answer:
    """All its tables as a file."""
    with desk.parts.store.reading() as connection:
        found = edition.get(connection, number) or abort(404)
        apart = found.kind in LISTS
        tables = deeds.beside(connection, found) if apart else deeds.tables(connection, found, desk.scope)
    counted = reaches.of(desk.parts.store, found)
    with desk.parts.store.reading() as connection:
        reached = reach.table(connection, found, counted)
    stem = f"{found.campaign}-{found.opens_at.astimezone(SHANGHAI):%Y%m%d}"
    return export(desk, stem, [reached, *tables])


def picture(desk: Desk, number: int, size: str) -> Answer:
    """A photo that waits to be looked at."""
    with desk.parts.store.reading() as connection:
        one = photo.get_by_id(connection, number) or abort(404)
        found = edition.get(connection, one.edition_id) or abort(404)
        if door.kind_of(found).private:
            abort(404)
        data = photo.data(connection, number, size) or abort(404)
    return jpeg(data)


def jpeg(data: bytes) -> Response:
    """A photo that nobody keeps."""
    answer = make_response(data)
    answer.headers["Content-Type"] = "image/jpeg"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
