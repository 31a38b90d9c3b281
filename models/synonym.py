"""Synonyms: what staff taught the chat at the desk: whoever says this means that page. They stand above the files of `menus/`.

A row is never changed but to end it; who did what stands in the audit too.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Store, StoreError, Utc, Words, metadata, named
from models.rows import add as add_row

log = logging.getLogger(__name__)
LOOK_S = 2.0
FIRST_S = 1.0  # what the first message of a process waits for them at most
LONGEST = 60  # signs of what was said, as `normal` makes it

synonyms = sa.Table(
    "synonyms",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("words", Words(), nullable=False),  # as they were written
    sa.Column("plain", Id(190), nullable=False),  # as they are compared
    sa.Column("counts", Id(190), unique=True),  # the same while it is in force: one page for the same words
    sa.Column("target", Id(64), nullable=False),  # guide:ID or a menu key
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("ended_at", Utc()),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Synonym:
    """One row of `synonyms`."""

    id: int
    words: str
    plain: str
    target: str
    staff: str
    at: datetime
    ended_at: datetime | None


_COLUMNS = [synonyms.c[name] for name in Synonym.__slots__]


def add(connection: Connection, words: str, plain: str, target: str, staff: str, now: datetime) -> bool:
    """From now on who says this means that page; False where the same words mean one already."""
    values = {
        "words": words,
        "plain": plain,
        "counts": plain,
        "target": target,
        "staff": staff,
        "at": now,
    }
    return add_row(connection, synonyms, values)


def end(connection: Connection, number: int, now: datetime) -> Synonym | None:
    """It counts no more; None where there is none in force of that number."""
    here = sa.and_(synonyms.c.id == number, synonyms.c.counts.is_not(None))
    if not connection.execute(synonyms.update().where(here).values(counts=None, ended_at=now)).rowcount:
        return None
    return Synonym(*connection.execute(sa.select(*_COLUMNS).where(synonyms.c.id == number)).one())


def last(connection: Connection, limit: int) -> list[Synonym]:
    """Those in force, the newest first."""
    counting = sa.select(*_COLUMNS).where(synonyms.c.counts.is_not(None))
    rows = connection.execute(counting.order_by(synonyms.c.id.desc()).limit(limit))
    return [Synonym(*row) for row in rows]


def in_force(connection: Connection) -> dict[str, str]:
    """What was said, as it is compared → the page that is meant."""
    counting = sa.select(synonyms.c.counts, synonyms.c.target).where(synonyms.c.counts.is_not(None))
    return dict(connection.execute(counting).all())


class InForce:
    """The synonyms as this process knows them: looked at every two seconds in a thread of its own, so that no message waits for
    the database. While it is away, the last ones stand."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Mapping[str, str] = {}
        self._stamp: tuple[object, ...] = ()
        self._pid = 0  # of the process in which the thread runs: it does not live on in a fork
        self._lock = threading.Lock()

    def current(self) -> Mapping[str, str]:
        """Those in force."""
        if self._pid != os.getpid():
            self._begin()
        return self._known

    def look(self) -> None:
        """Take up what changed."""
        if self._store.file is not None and not self._store.file.exists():
            return  # who only asks makes no database
        try:
            with self._store.reading() as connection:
                counted = sa.select(sa.func.max(synonyms.c.id), sa.func.count(synonyms.c.ended_at))
                stamp = tuple(connection.execute(counted).one())
                if stamp != self._stamp:
                    self._known, self._stamp = in_force(connection), stamp
        except (StoreError, OSError) as error:
            log.warning("synonyms could not be read", extra={"error": named(error)})

    def _begin(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            looked = threading.Event()
            threading.Thread(target=self._run, args=(looked,), name="synonyms", daemon=True).start()
            looked.wait(FIRST_S)

    def _run(self, looked: threading.Event) -> None:
        pause = threading.Event()
        while True:
            self.look()
            looked.set()
            pause.wait(LOOK_S)
