"""实录: the page for a colleague on the spot, on a phone: write a moment with a photo, put in scores, and put right what was wrong."""

from __future__ import annotations

import secrets

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns import desk as deeds
from campaigns.kind import Impossible
from campaigns.kinds import live_record_staff as live
from campaigns.photo import address
from models import edition, moment, photo, standing
from models.base import Connection
from models.edition import Edition
from web.console.desk import Answer, Desk
from web.console.editions import work_of
from web.h5 import photo as sent

KIND = "live-record"
LONGEST = 10_000  # characters of a sheet of scores
SHOWN = 100  # moments on the page


def look(desk: Desk, number: int) -> Answer:
    """The form, and what was written so far, the newest first."""
    return _page(desk, number)


def _page(desk: Desk, number: int, what: str = "", fault: str = "") -> Response:
    with desk.parts.store.reading() as connection:
        found = _edition(connection, number)
        every = moment.of_edition(connection, number, SHOWN)
        page = desk.page(
            "live",
            edition=found,
            is_open=found.takes(desk.now),
            moments=every,
            before=moment.amended(connection, [one.id for one in every]),
            standings=standing.newest(standing.versions(connection, number)),
            states=live.WORDS,
            orders=list(live.ORDERS),
            most=live.LONGEST,
            address=address,
            once=secrets.token_hex(16),
            what=what,
            said=request.form,
            fault=fault,
        )
    return make_response(page, 409 if fault else 200)


def _edition(connection: Connection, number: int) -> Edition:
    found = edition.get(connection, number)
    return found if found is not None and found.kind == KIND else abort(404)


def post(desk: Desk, number: int) -> Answer:
    """Write a moment down; a double tap is the first one."""
    words = request.form.get("words", "").strip()[:LONGEST].replace("\r\n", "\n")
    when, once = request.form.get("when", "")[:20], request.form.get("once", "")[:64] or abort(400)
    came = sent.sent()  # read before the transaction begins: a large photo takes a second
    try:
        if came.faults:
            raise Impossible(next(iter(came.faults.values())))
        with desk.parts.store.writing() as connection:
            work = work_of(desk, connection, _edition(connection, number))
            read = None if moment.known(connection, number, once) else came.read.get("photo")
            key = photo.add(connection, number, None, read, photo.SHOWN, desk.now) if read else None
            desk.tell(connection, live.posted(work, when, words, key or "", once))
            desk.note(
                connection,
                "post",
                deeds.thing(work.edition),
                什么时候=when,
                话=words,
                照片="有" if key else "",
            )
    except Impossible as fault:
        return _page(desk, number, "post", str(fault))
    return redirect(f"/console/live/{number}", 303)


def do(desk: Desk, number: int, what: str) -> Answer:
    """One of the other deeds, as `campaign do` does it."""
    known = live.DEEDS.get(what) or abort(404)
    words = [request.form.get(f"w{at}", "").strip()[:LONGEST] for at in range(len(known.usage))]
    try:
        with desk.parts.store.writing() as connection:
            work = work_of(desk, connection, _edition(connection, number))
            desk.tell(connection, deeds.do(work, what, words))
    except Impossible as fault:
        return _page(desk, number, what, str(fault))
    return redirect(f"/console/live/{number}", 303)
