"""Objections to a result while it is posted: once for each person and candidate, answered with a reason before anything is final."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add
from models.sealed import Sealed

WAITS, UPHELD, DISMISSED = "waits", "upheld", "dismissed"

objections = sa.Table(
    "objections",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL for one that came by telephone or letter
    sa.Column("number", sa.Integer, nullable=False),  # the candidate's; 0 for the whole result
    sa.Column("words", Sealed("objections.words"), nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("answer", Words(), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("answered_at", Utc()),
    sa.UniqueConstraint("edition_id", "openid", "number"),
    sa.Index("ix_objections_openid", "openid"),
    sa.Index("ix_objections_state", "edition_id", "state"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Objection:
    """One row of `objections`."""

    id: int
    edition_id: int
    openid: str | None
    number: int
    words: str
    state: str
    answer: str
    at: datetime


_COLUMNS = [objections.c[name] for name in Objection.__slots__]


def make(
    connection: Connection, edition_id: int, openid: str | None, number: int, words: str, now: datetime
) -> int | None:
    """Write it down; its number, or None where this person has objected to the same before."""
    values = {"edition_id": edition_id, "openid": openid, "number": number, "words": words}
    if not add(connection, objections, {**values, "state": WAITS, "answer": "", "at": now}):
        return None
    mine = sa.and_(
        objections.c.edition_id == edition_id, objections.c.openid == openid, objections.c.number == number
    )
    return int(connection.execute(sa.select(sa.func.max(objections.c.id)).where(mine)).scalar_one())


def of_edition(connection: Connection, edition_id: int, limit: int = 1000) -> list[Objection]:
    """All of an edition, the oldest first."""
    query = sa.select(*_COLUMNS).where(objections.c.edition_id == edition_id)
    return [Objection(*row) for row in connection.execute(query.order_by(objections.c.id).limit(limit))]


def settle(connection: Connection, one: Objection, state: str, answer: str, now: datetime) -> bool:
    """Answer it; whether it still waited."""
    here = sa.and_(objections.c.id == one.id, objections.c.state == WAITS)
    values = {"state": state, "answer": answer, "answered_at": now}
    return bool(connection.execute(objections.update().where(here).values(values)).rowcount)


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits for an answer."""
    here = sa.and_(objections.c.edition_id == edition_id, objections.c.state == WAITS)
    return connection.execute(sa.select(sa.func.min(objections.c.at, type_=Utc())).where(here)).scalar()


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget who objected; what they said is kept until it is answered, for the result depends on it."""
    mine = objections.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, objections.c.at <= until)
    connection.execute(objections.update().where(mine).values(openid=None))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person objected to, and the answers."""
    query = sa.select(*_COLUMNS).where(objections.c.openid == openid).order_by(objections.c.id)
    return [
        {"words": one.words, "state": one.state, "answer": one.answer, "at": one.at.isoformat()}
        for one in (Objection(*row) for row in connection.execute(query))
    ]
