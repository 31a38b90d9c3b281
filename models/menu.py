"""The menus that were live before, so that a change can be taken back; and those that were written at the desk, each perhaps with
the time at which it is published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Store, Utc, Words, metadata

KEPT = 50

menus = sa.Table(
    "menus",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("saved_at", Utc(), nullable=False),
    sa.Column("body", Words(), nullable=False),  # as WeChat takes it
    **MARIADB,
)


DRAFT, PLANNED, DONE, CANCELLED = "draft", "planned", "done", "cancelled"

menu_drafts = sa.Table(  # written at the desk
    "menu_drafts",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("title", Words(), nullable=False),
    sa.Column("body", Words(), nullable=False),  # as WeChat takes it
    sa.Column("state", Id(16), nullable=False),
    sa.Column("at", Utc()),  # when it is to be published
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("staff", Id(128), nullable=False),  # who changed it last
    sa.Column("changed_at", Utc(), nullable=False),
    sa.Index("ix_menu_drafts_state", "state", "at"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A menu of the desk's own.

    draft      it is being written
    planned    it will be published at its time
    done       it was published
    cancelled  it will not be, any more
    """

    id: int
    title: str
    body: Mapping[str, object]
    state: str
    at: datetime | None
    version: int
    staff: str
    changed_at: datetime


_COLUMNS = [menu_drafts.c[name] for name in Draft.__slots__]


def _draft(row: Any) -> Draft:
    return Draft(
        row.id, row.title, json.loads(row.body), row.state, row.at, row.version, row.staff, row.changed_at
    )


def drafts(connection: Connection) -> list[Draft]:
    """The newest first."""
    query = sa.select(*_COLUMNS).order_by(menu_drafts.c.id.desc()).limit(KEPT)
    return [_draft(row) for row in connection.execute(query)]


def get(connection: Connection, number: int) -> Draft | None:
    """The one of this number."""
    row = connection.execute(sa.select(*_COLUMNS).where(menu_drafts.c.id == number)).first()
    return _draft(row) if row else None


def make(connection: Connection, title: str, body: Mapping[str, object], staff: str, now: datetime) -> int:
    """One more; its number."""
    values = {"title": title, "body": json.dumps(body, ensure_ascii=False), "state": DRAFT, "version": 1}
    done = connection.execute(menu_drafts.insert().values(**values, staff=staff, changed_at=now))
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def change(
    connection: Connection, number: int, version: int, staff: str, now: datetime, **values: Any
) -> bool:
    """Change it, unless somebody changed it since this version; whether it was."""
    if "body" in values:
        values["body"] = json.dumps(values["body"], ensure_ascii=False)
    here = sa.and_(menu_drafts.c.id == number, menu_drafts.c.version == version)
    new = {"version": version + 1, "staff": staff, "changed_at": now, **values}
    return connection.execute(menu_drafts.update().where(here).values(new)).rowcount > 0


def due(connection: Connection, now: datetime) -> list[Draft]:
    """Those whose time has come, the latest last: it is the one that counts."""
    here = sa.and_(menu_drafts.c.state == PLANNED, menu_drafts.c.at <= now)
    query = sa.select(*_COLUMNS).where(here).order_by(menu_drafts.c.at, menu_drafts.c.id)
    return [_draft(row) for row in connection.execute(query)]


class Versions:
    """The shelf that `menu publish` fills and `menu rollback` reads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, body: Mapping[str, object], now: datetime) -> None:
        """Keep a menu that is about to be replaced."""
        text = json.dumps(body, ensure_ascii=False)
        with self._store.writing() as connection:
            connection.execute(menus.insert().values(saved_at=now, body=text))

    def before(self) -> Mapping[str, object] | None:
        """The menu kept last, or None."""
        kept = self.list()
        return kept[0][1] if kept else None

    def list(self) -> Sequence[tuple[datetime, Mapping[str, object]]]:
        """The kept menus with their times, the newest first."""
        with self._store.reading() as connection:
            rows: Sequence[Any] = connection.execute(
                sa.select(menus.c.saved_at, menus.c.body).order_by(menus.c.id.desc()).limit(KEPT)
            ).all()
        return [(at, json.loads(text)) for at, text in rows]
