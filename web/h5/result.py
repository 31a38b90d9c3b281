"""The public result of an edition at an address that stays: rules, figures, files with their digests, corrections, whom to ask."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import IO

from flask import Blueprint, Response, abort, render_template, stream_with_context

from campaigns import desk
from campaigns import taking_part as door
from campaigns.kind import rules_of
from ground.days import SHANGHAI, minute, moment
from ground.sorted_file import write_sorted
from ground.table import Table, csv_of
from models import audit, edition, entry
from models.base import Connection
from models.edition import Edition
from web.parts import Parts

RULES, TABLES = "rules.json", "result.csv"
LISTED = 100  # rows of a table on the page; the file has all
PIECE = 64 * 1024
FRESH_S = 5.0
KEPT = 50  # pages


def pages(blueprint: Blueprint, parts: Parts) -> None:
    """`/h5/result/EDITION` and `/h5/file/EDITION/NAME`."""

    seen: dict[int, tuple[float, str]] = {}  # nobody makes us count a million entries many times a second

    @blueprint.get("/result/<int:number>")
    def result(number: int) -> str:
        made, page = seen.get(number, (0.0, ""))
        if time.monotonic() - made > FRESH_S:
            page = _rendered(parts, number)
            if len(seen) > KEPT:
                seen.clear()
            seen[number] = (time.monotonic(), page)
        return page

    @blueprint.get("/file/<int:number>/<name>")
    def file(number: int, name: str) -> Response:
        with parts.store.reading() as connection:
            found = edition.get(connection, number) or abort(404)
            kind = door.kind_of(found)
            if name == RULES:
                return _attached(found.rules.encode(), name)
            if name == TABLES:
                return _attached(csv_of(published(connection, found)), name)
            files = kind.files(connection, found, rules_of(kind, found))
            one = next((each for each in files if each.name == name), None) or abort(404)
            written = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been sent
            write_sorted(one.lines(connection, found.id), written)
        return _attached(stream_with_context(_pieces(written)), name)


def _rendered(parts: Parts, number: int) -> str:
    with parts.store.reading() as connection:
        found = edition.get(connection, number) or abort(404)
        tables = published(connection, found)
        kind = door.kind_of(found)
        files = kind.files(connection, found, rules_of(kind, found))
        visit = door.visit(connection, found, "", parts.clock.now())
        return render_template(
            "h5/result.html",
            edition=found,
            state=_state(found, parts),
            days=f"{_beginning(found)} 至 {moment(found.closes_at)}",
            words=kind.told(visit).words,
            rules=json.dumps(json.loads(found.rules), ensure_ascii=False, indent=1),
            people=entry.people(connection, found.id),
            doors=entry.by_door(connection, found.id),
            tables=tables,
            listed=LISTED,
            files=[(RULES, "活动开始时定下的规则", found.rules_hash)]
            + ([(TABLES, "上面的表，全部", sha256(csv_of(tables)).hexdigest())] if tables else [])
            + [(one.name, one.about, "") for one in files],
            corrections=list(_corrections(connection, found)),
            others=[one for one in edition.of(connection, found.campaign) if one.id != found.id],
        )


def _pieces(written: IO[bytes]) -> Iterator[bytes]:
    """From its beginning."""
    with written:
        written.seek(0)
        while piece := written.read(PIECE):
            yield piece


def published(connection: Connection, found: Edition) -> list[Table]:
    """The tables of the result that have rows."""
    kind = door.kind_of(found)
    return [one for one in kind.result(connection, found, rules_of(kind, found)) if one.rows]


def _beginning(found: Edition) -> str:
    here = found.opens_at.astimezone(SHANGHAI)
    return f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}"


def _state(found: Edition, parts: Parts) -> str:
    now = parts.clock.now()
    if found.state == edition.ANNULLED:
        why = "是正式开通以前的试用" if found.reason == edition.NOT_LIVE else found.reason
        return f"这一次不算数：{why}。"
    if found.takes(now):
        return f"还在进行，{moment(found.closes_at)} 截止；下面是到现在为止的。"
    if found.state == edition.PUBLISHED:
        return "已经结束，结果已经公布。"
    return "已经结束，结果还可以提出异议，公布以前可能会变。"


def _corrections(connection: Connection, found: Edition) -> Iterator[str]:
    """Everything that was changed after the beginning, in the open: the days, and what the staff put right."""
    for one in json.loads(found.extended):
        at, before, after = (datetime.fromisoformat(one[name]) for name in ("at", "from", "to"))
        yield f"{minute(at)}：截止时间从 {minute(before)} 改为 {minute(after)}，对所有人一样。"
    for deed in reversed(audit.of(connection, desk.thing(found), 1000)):
        if deed.deed == desk.CORRECT:
            yield f"{minute(deed.at)}：{'；'.join(json.loads(deed.details).values())}"


def _attached(data: bytes | Iterator[bytes], name: str) -> Response:
    answer = Response(
        data, content_type="application/json" if name.endswith("json") else "text/plain; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    return answer
