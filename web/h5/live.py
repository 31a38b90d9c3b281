"""What a live record's page asks for while somebody looks at it: its moments and standings alone, made at most once in a short while."""

from __future__ import annotations

import time

from flask import Blueprint, abort, make_response, render_template, request
from werkzeug.wrappers import Response

from campaigns import taking_part as door
from models import edition
from web.parts import Parts

KIND = "live-record"
FRESH_S = 2.0
KEPT = 20  # editions


def pages(blueprint: Blueprint, parts: Parts) -> None:
    """`/h5/live/EDITION`."""
    seen: dict[int, tuple[float, str]] = {}  # however many people look at it

    @blueprint.get("/live/<int:number>")
    def live(number: int) -> Response:
        made, text = seen.get(number, (0.0, ""))
        if time.monotonic() - made > FRESH_S:
            text = rendered(number)
            if len(seen) > KEPT:
                seen.clear()
            seen[number] = (time.monotonic(), text)
        answer = make_response(text)
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        return answer.make_conditional(request)

    def rendered(number: int) -> str:
        with parts.store.reading() as connection:
            found = edition.get(connection, number)
            if found is None or found.kind != KIND:
                abort(404)
            visit = door.visit(connection, found, "", parts.clock.now())
            return render_template("h5/live.html", told=door.kind_of(found).told(visit))
