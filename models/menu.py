"""The menus that were live before, so that a change can be taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Store, Utc, Words, metadata

KEPT = 50

menus = sa.Table(
    "menus",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("saved_at", Utc(), nullable=False),
    sa.Column("body", Words(), nullable=False),  # as WeChat takes it
    **MARIADB,
)


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
