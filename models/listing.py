"""One way to look through any table: found by words, kept to one state or one parent, sorted, a page at a time.

A noun says once which rows there are (`Listing`); how many rows there are changes neither the number of queries, which is one, nor
what a page weighs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from models.base import Connection
from models.scope import within

DEEPEST = 100  # pages: whoever would turn further looks for words
LONGEST = 60  # characters of what is looked for


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; '' is anything. `page` counts from 1."""

    find: str = ""
    state: str = ""
    of: str = ""
    sort: str = ""
    down: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a noun: `columns` by the names by which they are shown and sorted, the newest first unless asked otherwise."""

    columns: Mapping[str, sa.ColumnElement[Any]]
    source: sa.FromClause
    newest: sa.ColumnElement[Any]
    finds: Sequence[sa.ColumnElement[Any]] = ()
    state: sa.ColumnElement[Any] | None = None
    of: sa.ColumnElement[Any] | None = None  # the parent's number
    only: Sequence[sa.ColumnElement[bool]] = field(default=())
    path: sa.ColumnElement[str] | None = None  # of the union whose row it is


def rows(
    connection: Connection, listing: Listing, wanted: Wanted, size: int, scope: str = ""
) -> list[Mapping[str, Any]]:
    """A page of at most `size` rows, and one more where others follow; of what lies at or below the path `scope` only. A noun whose
    rows belong to no union is shown to nobody who is responsible for a part."""
    query = sa.select(*(column.label(name) for name, column in listing.columns.items()))
    query = query.select_from(listing.source).where(*_where(listing, wanted), _seen(listing, scope))
    order = listing.columns.get(wanted.sort)
    if order is not None:
        query = query.order_by(order.desc() if wanted.down else order.asc())
    query = query.order_by(listing.newest.desc())
    first = (min(wanted.page, DEEPEST) - 1) * size
    return [dict(row._mapping) for row in connection.execute(query.offset(first).limit(size + 1))]


def _seen(listing: Listing, scope: str) -> sa.ColumnElement[bool]:
    if not scope:
        return sa.true()
    return sa.false() if listing.path is None else within(listing.path, scope)


def _where(listing: Listing, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = list(listing.only)
    if wanted.find and listing.finds:
        words = wanted.find[:LONGEST]
        found.append(sa.or_(*(column.contains(words, autoescape=True) for column in listing.finds)))
    if wanted.state and listing.state is not None:
        found.append(listing.state == wanted.state)
    if listing.of is not None and wanted.of:
        found.append(listing.of == (int(wanted.of) if wanted.of.isdigit() else -1))
    return found
