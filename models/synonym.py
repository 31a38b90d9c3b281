"""Synonyms: what staff taught the chat at the desk: whoever says this means that page. They stand above the files of `menus/`.

A row is never changed but to end it; who did what stands in the audit too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Store, Utc, Words, metadata
from models.known import Known
from models.rows import add as add_row

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


class InForce(Known[Mapping[str, str]]):
    """The synonyms as this process knows them."""

    def __init__(self, store: Store) -> None:
        stamp = sa.select(sa.func.max(synonyms.c.id), sa.func.count(synonyms.c.ended_at))
        super().__init__(store, "synonyms", stamp, in_force, {})
