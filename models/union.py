"""Unions: the federation's tree, from the city down to the enterprises, as it stands now.

A union's `path` is the codes of all above it from the county down, its own last, each followed by a slash: 2111/018/. The city's
own is ''. So all below a union begin as it does (`models.scope.within`). What changes the tree: `models.tree`; how it stood in a
month that is over: `models.month`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.scope import path_of

LEVELS: Mapping[str, str] = {"city": "市级", "county": "县区级", "town": "乡镇街道级", "base": "基层"}
KINDS: Mapping[str, str] = {
    "federation": "地方工会",
    "zone": "园区工会",
    "trade": "行业工会",
    "enterprise": "企业",
    "institution": "事业单位",
    "office": "机关",
    "other": "其他",
}
LONGEST_PATH = 190
OPEN, CLOSED = "open", "closed"

unions = sa.Table(
    "unions",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("code", Id(32), nullable=False, unique=True),
    sa.Column("name", Words(), nullable=False),
    sa.Column("level", Id(16), nullable=False),
    sa.Column("kind", Id(16), nullable=False),
    sa.Column(
        "parent_id", Number()
    ),  # NULL for the city's own; no foreign key: rows are put back in any order
    sa.Column("path", Id(LONGEST_PATH), nullable=False, unique=True),
    sa.Column("word", Id(32), unique=True),  # which binds whoever says it, NULL for none
    sa.Column("opened_at", Utc(), nullable=False),
    sa.Column("closed_at", Utc()),
    sa.Column("merged_into", Number()),
    sa.Index("ix_unions_parent_id", "parent_id"),
    sa.Index("ix_unions_merged_into", "merged_into"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Union:
    """One row of `unions`."""

    id: int
    code: str
    name: str
    level: str
    kind: str
    parent_id: int | None
    path: str
    word: str | None
    opened_at: datetime
    closed_at: datetime | None
    merged_into: int | None

    @property
    def state(self) -> str:
        """Whether it still is."""
        return CLOSED if self.closed_at else OPEN


COLUMNS = [unions.c[name] for name in Union.__slots__]


def every(connection: Connection) -> list[Union]:
    """All of them, closed ones too, in the order of the tree."""
    return [Union(*row) for row in connection.execute(sa.select(*COLUMNS).order_by(unions.c.path))]


def get(connection: Connection, number: int) -> Union | None:
    """The union of this number."""
    return _one(connection, unions.c.id == number)


def coded(connection: Connection, code: str) -> Union | None:
    """The union of this code."""
    return _one(connection, unions.c.code == code)


def worded(connection: Connection, word: str) -> Union | None:
    """The open union that this word binds to."""
    return _one(connection, sa.and_(unions.c.word == word, unions.c.closed_at.is_(None)))


def chain(connection: Connection, one: Union) -> list[Union]:
    """The union and all above it, the county's first and the city's left out."""
    codes = [code for code in one.path.split("/") if code]
    found = {each.code: each for each in _these(connection, unions.c.code.in_(codes))} if codes else {}
    return [found[code] for code in codes if code in found]


def scope_path(connection: Connection, scope: str) -> str:
    """The path at and below which somebody with this scope (a union's code, or a path of units) sees anything; '' where it is all.
    Where the union has been merged, that of the one it went to."""
    found = coded(connection, scope) if scope else None
    while found is not None and found.merged_into is not None:
        found = get(connection, found.merged_into)
    return path_of(scope) if found is None else found.path


def _these(connection: Connection, which: sa.ColumnElement[bool]) -> list[Union]:
    return [Union(*row) for row in connection.execute(sa.select(*COLUMNS).where(which))]


def _one(connection: Connection, which: sa.ColumnElement[bool]) -> Union | None:
    row: Any = connection.execute(sa.select(*COLUMNS).where(which)).first()
    return Union(*row) if row else None
