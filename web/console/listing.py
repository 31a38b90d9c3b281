"""The one list of the desk: found, kept to a state, sorted, turned, and taken away as XLSX or CSV with a purpose that is written down.

A noun that has a list stands as one line in `web.console.lists`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from ground.days import minute
from ground.table import Cell, Table, csv_of, xlsx_of
from models import listing
from models.base import Connection
from models.listing import Listing, Wanted
from web.console.desk import Answer, Desk, came_from
from web.console.route import Route

SIZE = 50  # rows of a page
MOST = 50_000  # of an export
KINDS = {
    "xlsx": (xlsx_of, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (csv_of, "text/csv; charset=utf-8"),
}
Rows = Sequence[Mapping[str, Any]]
Find = Callable[[Connection, Desk, Wanted, int], Rows]


def plain(value: Any) -> Cell:
    """A cell as it is, an hour of Beijing for a moment."""
    if isinstance(value, datetime):
        return minute(value)
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool)
        else ""
        if value is None
        else str(value)
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the rows, its heading, and how its value is told."""

    name: str
    words: str
    told: Callable[[Any], Cell] = plain


@dataclass(frozen=True, slots=True)
class List:
    """One noun's list. `find` gives a page of rows and one more where others follow; `link` leads from a row to its page."""

    name: str  # its address below /console
    title: str
    duties: Sequence[str]
    columns: Sequence[Column]
    find: Find
    empty: str  # what will stand there, and how to begin
    menu: str = ""
    states: Mapping[str, str] = field(default_factory=dict)  # by which it can be kept to some
    finds: str = ""  # what the search looks in, '' where it cannot search
    link: Callable[[Mapping[str, Any]], str] | None = None
    people: bool = False  # names people: whoever looks is written down
    below: bool = False  # also for whoever is responsible for a part of the tree: `find` goes by desk.scope
    more: Sequence[
        tuple[str, str, str]
    ] = ()  # pages that stand beside it: the route's name, address and words


def of(source: Listing) -> Find:
    """The rows of a table."""

    def find(connection: Connection, desk: Desk, wanted: Wanted, size: int) -> Rows:
        return listing.rows(connection, source, wanted, size, desk.scope)

    return find


def held(make: Callable[[Connection, Desk], Rows]) -> Find:
    """Rows that are few and made anew each time."""

    def find(connection: Connection, desk: Desk, wanted: Wanted, size: int) -> Rows:
        rows = [row for row in make(connection, desk) if _fits(row, wanted)]
        if wanted.sort and rows and wanted.sort in rows[0]:
            rows.sort(key=lambda row: (row[wanted.sort] is None, row[wanted.sort]), reverse=wanted.down)
        first = (wanted.page - 1) * size
        return rows[first : first + size + 1]

    return find


def _fits(row: Mapping[str, Any], wanted: Wanted) -> bool:
    found = not wanted.find or any(wanted.find.lower() in str(value).lower() for value in row.values())
    return found and (not wanted.state or row.get("state") == wanted.state)


def routes(lists: Sequence[List]) -> list[Route]:
    """The two routes of each list: to look at it, and to take it away."""
    found = []
    for each in lists:
        shown = partial(show, each)
        taken = partial(take, each)
        shown.__name__, taken.__name__ = each.name, f"{each.name}_export"  # type: ignore[attr-defined]
        shown.__module__ = taken.__module__ = "lists"
        found.append(Route(f"/{each.name}", shown, each.duties, menu=each.menu, below=each.below))
        found.append(Route(f"/export/{each.name}", taken, each.duties, post=True, below=each.below))
    return found


def show(each: List, desk: Desk) -> Answer:
    """A page of the list."""
    wanted = _wanted(request.args)
    with desk.parts.store.reading() as connection:
        found = each.find(connection, desk, wanted, SIZE)
    if each.people and found:
        with desk.parts.store.writing() as connection:
            desk.note(connection, "look", each.name, find=bool(wanted.find), of=wanted.of, page=wanted.page)
    rows = [(each.link(row) if each.link else "", _told(each, row)) for row in found[:SIZE]]
    to = partial(_address, each, wanted)
    return desk.page("list", list=each, wanted=wanted, rows=rows, more=len(found) > SIZE, to=to)


def take(each: List, desk: Desk) -> Answer:
    """All of the list that was found, as a file."""
    wanted = replace(_wanted(request.form), page=1)
    with desk.parts.store.reading() as connection:
        found = each.find(connection, desk, wanted, MOST)
    columns = tuple(column.words for column in each.columns)
    return export(desk, each.name, [Table(each.title, columns, [_told(each, row) for row in found[:MOST]])])


def export(desk: Desk, name: str, tables: Sequence[Table]) -> Response:
    """Tables as a file, with the purpose written down; without one, back to the page."""
    purpose, kind = request.form.get("purpose", "").strip()[:200], request.form.get("as", "xlsx")
    make, mimetype = KINDS.get(kind) or abort(400)
    with desk.parts.store.writing() as connection:
        if not purpose:
            desk.tell(connection, "没有导出：请先写明用途，会记在操作记录里。")
            return redirect(came_from(), 303)
        rows = sum(len(table.rows) for table in tables)
        desk.note(connection, "export", name, purpose=purpose, rows=rows, kind=kind)
    answer = make_response(make(tables))
    answer.headers["Content-Type"] = mimetype
    answer.headers["Content-Disposition"] = f"attachment; filename={name}.{kind}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _told(each: List, row: Mapping[str, Any]) -> tuple[Cell, ...]:
    return tuple(column.told(row[column.name]) for column in each.columns)


def _wanted(given: Mapping[str, str]) -> Wanted:
    page = given.get("page", "1")
    return Wanted(
        given.get("find", "").strip()[: listing.LONGEST],
        given.get("state", "")[:32],
        given.get("of", "")[:20],
        given.get("sort", "")[:32],
        given.get("down") == "1",
        max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
    )


def _address(each: List, wanted: Wanted, **changed: Any) -> str:
    """The list's address with something else wanted."""
    named = {name: getattr(wanted, name) for name in Wanted.__slots__} | {"page": 1} | changed
    named["down"] = 1 if named["down"] else ""
    named["page"] = "" if named["page"] == 1 else named["page"]
    query = urlencode({name: value for name, value in named.items() if value})
    return f"/console/{each.name}" + (f"?{query}" if query else "")
