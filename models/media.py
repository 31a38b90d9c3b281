"""The shelf of uploaded media: what a picture's content became at WeChat, until WeChat forgets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Id, Store, Utc, Words, metadata

media = sa.Table(
    "media",
    metadata,
    sa.Column("key", Id(128), primary_key=True),  # what for, and the SHA-256 of the content: "thumb:3f2a…"
    sa.Column("value", Words(), nullable=False),  # the media id or the address that WeChat gave
    sa.Column("kept_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc()),
    **MARIADB,
)


class Shelf:
    """Remembers uploads between processes, so that the same picture goes up once."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self.store = store
        self.now = now

    def read(self, key: str) -> str | None:
        """The media id or address kept under this key, or None."""
        now = self.now()
        alive = sa.or_(media.c.expires_at.is_(None), media.c.expires_at > now)
        with self.store.reading() as connection:
            return connection.execute(sa.select(media.c.value).where(media.c.key == key, alive)).scalar()

    def keep(self, key: str, value: str, lasts: timedelta | None = None) -> None:
        """Keep what WeChat gave; `lasts` says how long WeChat keeps it (None: for good)."""
        now = self.now()
        values = {"value": value, "kept_at": now, "expires_at": now + lasts if lasts else None}
        with self.store.writing() as connection:
            if connection.execute(media.update().where(media.c.key == key).values(values)).rowcount:
                return
            try:
                with connection.begin_nested():
                    connection.execute(media.insert().values(key=key, **values))
            except IntegrityError:  # another process uploaded the same picture; either id is good
                pass

    def forget(self, key: str) -> None:
        """WeChat no longer knows it."""
        with self.store.writing() as connection:
            connection.execute(media.delete().where(media.c.key == key))
