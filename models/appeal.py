"""Appeals: somebody says that what the staff hid of theirs should be seen after all; once for each thing, answered with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add
from models.sealed import Sealed

WAITS, GRANTED, REFUSED = "waits", "granted", "refused"

appeals = sa.Table(
    "appeals",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("against", Id(64), nullable=False),  # what would undo it, as staff type it: "show 12"
    sa.Column("words", Sealed("appeals.words"), nullable=False),
    sa.Column("state", Id(8), nullable=False),
    sa.Column("answer", Words(), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("answered_at", Utc()),
    sa.UniqueConstraint("edition_id", "openid", "against"),
    sa.Index("ix_appeals_openid", "openid"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Appeal:
    """One row of `appeals`."""

    id: int
    edition_id: int
    openid: str | None
    against: str
    words: str
    state: str
    answer: str
    at: datetime


_COLUMNS = [appeals.c[name] for name in Appeal.__slots__]


def make(
    connection: Connection, edition_id: int, openid: str, against: str, words: str, now: datetime
) -> bool:
    """Write it down; False where this person has objected to the same before."""
    values = {"edition_id": edition_id, "openid": openid, "against": against, "words": words}
    return add(connection, appeals, {**values, "state": WAITS, "answer": "", "at": now})


def get(connection: Connection, edition_id: int, number: int) -> Appeal | None:
    """The appeal of this number in this edition."""
    here = sa.and_(appeals.c.id == number, appeals.c.edition_id == edition_id)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Appeal(*row) if row else None


def of_person(connection: Connection, edition_id: int, openid: str) -> dict[str, Appeal]:
    """This person's appeals in an edition, by what they are against."""
    mine = sa.and_(appeals.c.edition_id == edition_id, appeals.c.openid == openid)
    return {row.against: Appeal(*row) for row in connection.execute(sa.select(*_COLUMNS).where(mine))}


def of_edition(connection: Connection, edition_id: int, limit: int = 1000) -> list[Appeal]:
    """All of an edition, the oldest first."""
    query = sa.select(*_COLUMNS).where(appeals.c.edition_id == edition_id).order_by(appeals.c.id).limit(limit)
    return [Appeal(*row) for row in connection.execute(query)]


def settle(connection: Connection, one: Appeal, state: str, answer: str, now: datetime) -> bool:
    """Answer it; whether it still waited."""
    here = sa.and_(appeals.c.id == one.id, appeals.c.state == WAITS)
    values = {"state": state, "answer": answer, "answered_at": now}
    return bool(connection.execute(appeals.update().where(here).values(values)).rowcount)


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits for an answer."""
    here = sa.and_(appeals.c.edition_id == edition_id, appeals.c.state == WAITS)
    return connection.execute(sa.select(sa.func.min(appeals.c.at, type_=Utc())).where(here)).scalar()


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget who objected and what they said."""
    mine = appeals.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, appeals.c.at <= until)
    connection.execute(appeals.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person objected to, and the answers."""
    query = sa.select(*_COLUMNS).where(appeals.c.openid == openid).order_by(appeals.c.id)
    return [
        {"words": one.words, "state": one.state, "answer": one.answer, "at": one.at.isoformat()}
        for one in (Appeal(*row) for row in connection.execute(query))
    ]
