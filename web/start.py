"""The demonstration's page: the phone, the year and the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from flask import Blueprint, Response, jsonify, render_template

from campaigns.taking_part import joinable
from campaigns.year import Due
from models import recent
from web.parts import Parts
from web.rows import PushLine, dated, heard, lines, sent

BOARD_ROWS = 12


def pages(parts: Parts) -> Blueprint:
    """What keeps the demonstration's page fresh."""
    blueprint = Blueprint("start", __name__)

    @blueprint.get("/phone/api/board")
    def fresh() -> Response:
        return jsonify(board(parts, parts.clock.now()))

    return blueprint


def demonstration(parts: Parts, now: datetime) -> str:
    """The page itself."""
    on = [one for one in joinable(parts.house.campaigns()) if one.period(now)]
    return render_template("demo.html", board=board(parts, now), on=on)


def board(parts: Parts, now: datetime) -> dict[str, str]:
    """What changes on the demonstration's page, each piece as HTML."""
    rows = parts.year()
    with parts.store.reading() as connection:
        said = [heard(row) for row in recent.interactions_last(connection, BOARD_ROWS)]
        titles = {row.name: row.title for row in rows}
        gone = [
            sent(row, titles, parts.ways, parts.why) for row in recent.deliveries_last(connection, BOARD_ROWS)
        ]
    return {
        "now": dated(now),
        "alarms": render_template("alarms.html"),
        "next": render_template("board/next.html", push=_next(rows, now)),
        "year": render_template("board/year.html", months=_months(lines(rows, now))),
        "said": render_template("board/said.html", rows=said),
        "sent": render_template("board/sent.html", rows=gone),
    }


def _next(rows: Sequence[Due], now: datetime) -> PushLine | None:
    coming = [row for row in rows if row.due_at > now]
    return lines(coming[:1], now)[0] if coming else None


def _months(found: list[PushLine]) -> list[tuple[str, list[PushLine]]]:
    return [(month, list(group)) for month, group in groupby(found, key=lambda line: line.month)]
