"""What staff wrote at the desk of an entry of the service directory: it stands above the files of `menus/`.

Each deed adds a version, and none is ever changed: who wrote what, and when, can be seen and taken back to. A version without
words means what the file says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Store, Utc, Words, metadata
from models.known import Known
from models.rows import add as add_row

SHOWN = 20
Fields = Mapping[str, Any]  # the entry's keys that are written at the desk, as JSON has them

guide_versions = sa.Table(
    "guide_versions",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("guide", Id(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of this entry, from 1
    sa.Column("words", Words(), nullable=False),  # the fields as JSON, '' for those of the file
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.UniqueConstraint("guide", "version"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Version:
    """One row: `fields` is None where the file counts."""

    guide: str
    version: int
    fields: Fields | None
    staff: str
    at: datetime


_COLUMNS = [guide_versions.c[name] for name in ("guide", "version", "words", "staff", "at")]


def _version(row: Any) -> Version:
    return Version(row.guide, row.version, json.loads(row.words) if row.words else None, row.staff, row.at)


def add(
    connection: Connection, guide: str, seen: int, fields: Fields | None, staff: str, now: datetime
) -> bool:
    """The version after the one that was seen, 0 being the file; False where somebody else has written it meanwhile."""
    words = "" if fields is None else json.dumps(fields, ensure_ascii=False)
    values = {"guide": guide, "version": seen + 1, "words": words, "staff": staff, "at": now}
    return add_row(connection, guide_versions, values)


def of(connection: Connection, guide: str) -> list[Version]:
    """Those of this entry, the newest first: it counts."""
    here = sa.select(*_COLUMNS).where(guide_versions.c.guide == guide)
    rows = connection.execute(here.order_by(guide_versions.c.version.desc()).limit(SHOWN))
    return [_version(row) for row in rows]


def get(connection: Connection, guide: str, number: int) -> Version | None:
    """One of this entry."""
    here = sa.and_(guide_versions.c.guide == guide, guide_versions.c.version == number)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return _version(row) if row else None


def in_force(connection: Connection) -> dict[str, Fields]:
    """Entry → its fields, for those that do not stand as in their file."""
    newest = sa.select(sa.func.max(guide_versions.c.id)).group_by(guide_versions.c.guide).scalar_subquery()
    rows = connection.execute(sa.select(*_COLUMNS).where(guide_versions.c.id.in_(newest)))
    return {one.guide: one.fields for one in map(_version, rows) if one.fields is not None}


class InForce(Known[Mapping[str, Fields]]):
    """What the desk wrote, as this process knows it. No message waits for it: a process begins before it has one."""

    def __init__(self, store: Store) -> None:
        stamp = sa.select(sa.func.max(guide_versions.c.id), sa.func.count())
        super().__init__(store, "guide versions", stamp, in_force, {}, patience=0.0)
