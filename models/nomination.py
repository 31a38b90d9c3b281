"""Nominations: somebody says who should stand in a poll; that person confirms by a link of their own; the staff check and accept.

waits      for the nominee, who alone can say yes; nobody else sees it
confirmed  the nominee has agreed to what is written, which they may still correct
accepted   they stand as a candidate, under `number`
refused    the staff did not take it; the reason says why
withdrawn  the nominee does not want it; what was said of them is gone
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add
from models.sealed import Sealed

WAITS, CONFIRMED, ACCEPTED, REFUSED, WITHDRAWN = "waits", "confirmed", "accepted", "refused", "withdrawn"
OPEN = (WAITS, CONFIRMED)

nominations = sa.Table(
    "nominations",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # of whoever nominates
    sa.Column("slot", sa.Integer, nullable=False),  # their first, second … one
    sa.Column("link_hash", Id(64), nullable=False, unique=True),  # of the secret in the nominee's link
    sa.Column("name", Sealed("nominations.name"), nullable=False),
    sa.Column("unit", Sealed("nominations.unit"), nullable=False),
    sa.Column("words", Sealed("nominations.words"), nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("number", sa.Integer),  # as a candidate
    sa.Column("consent", Id(64), nullable=False),  # the hash of the text that the nominee agreed to
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("confirmed_at", Utc()),
    sa.UniqueConstraint("edition_id", "openid", "slot"),
    sa.Index("ix_nominations_openid", "openid"),
    sa.Index("ix_nominations_state", "edition_id", "state"),
    **MARIADB,
)

checks = sa.Table(
    "checks",
    metadata,
    sa.Column(
        "nomination_id", Number(), sa.ForeignKey("nominations.id"), primary_key=True, autoincrement=False
    ),
    sa.Column("name", Id(32), primary_key=True),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("note", Words(), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Nomination:
    """One row of `nominations`."""

    id: int
    edition_id: int
    openid: str | None
    name: str
    unit: str
    words: str
    state: str
    reason: str
    number: int | None
    created_at: datetime
    confirmed_at: datetime | None


_COLUMNS = [nominations.c[name] for name in Nomination.__slots__]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def make(
    connection: Connection,
    edition_id: int,
    openid: str,
    written: tuple[str, str, str],
    most: int,
    now: datetime,
) -> tuple[int, str] | None:
    """Nominate somebody (name, unit, words); its number and the secret of the nominee's link, which is kept nowhere. None where
    this person has made `most` already."""
    secret = secrets.token_urlsafe(16)
    row = {
        "edition_id": edition_id, "openid": openid, "link_hash": _hash(secret), "name": written[0], "unit": written[1],
        "words": written[2], "state": WAITS, "reason": "", "consent": "", "created_at": now,
    }  # fmt: skip
    if not any(add(connection, nominations, {**row, "slot": slot}) for slot in range(1, most + 1)):
        return None
    found = by_link(connection, secret)
    assert found is not None
    return found.id, secret


def by_link(connection: Connection, secret: str) -> Nomination | None:
    """The nomination to which this link leads."""
    here = nominations.c.link_hash == _hash(secret)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Nomination(*row) if row else None


def get(connection: Connection, edition_id: int, number: int) -> Nomination | None:
    """The one that staff call by this number."""
    here = sa.and_(nominations.c.id == number, nominations.c.edition_id == edition_id)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Nomination(*row) if row else None


def numbered(connection: Connection, number: int) -> Nomination | None:
    """The one of this number, of whatever edition."""
    row = connection.execute(sa.select(*_COLUMNS).where(nominations.c.id == number)).first()
    return Nomination(*row) if row else None


def of_edition(connection: Connection, edition_id: int, limit: int = 1000) -> list[Nomination]:
    """All of an edition, the oldest first."""
    query = sa.select(*_COLUMNS).where(nominations.c.edition_id == edition_id)
    return [Nomination(*row) for row in connection.execute(query.order_by(nominations.c.id).limit(limit))]


def of_person(connection: Connection, edition_id: int, openid: str) -> list[Nomination]:
    """Those that this person made."""
    here = sa.and_(nominations.c.edition_id == edition_id, nominations.c.openid == openid)
    query = sa.select(*_COLUMNS).where(here).order_by(nominations.c.id)
    return [Nomination(*row) for row in connection.execute(query)]


def confirm(connection: Connection, one: Nomination, unit: str, words: str, text: str, now: datetime) -> bool:
    """The nominee agrees to this text, with what is written of them put right; again for a correction. Whether it still could be."""
    values = {
        "state": CONFIRMED, "unit": unit, "words": words, "consent": _hash(text), "confirmed_at": now
    }  # fmt: skip
    return _move(connection, one, OPEN, values)


def withdraw(connection: Connection, one: Nomination) -> bool:
    """The nominee does not want it: what was said of them goes. Whether it still stood."""
    values = {"state": WITHDRAWN, "name": "", "unit": "", "words": "", "reason": "本人不愿参评"}
    return _move(connection, one, (*OPEN, ACCEPTED), values)


def refuse(connection: Connection, one: Nomination, reason: str) -> bool:
    """The staff do not take it."""
    return _move(connection, one, OPEN, {"state": REFUSED, "reason": reason})


def accept(connection: Connection, one: Nomination, number: int) -> bool:
    """They stand, under this number; only who has agreed."""
    return _move(connection, one, (CONFIRMED,), {"state": ACCEPTED, "number": number})


def _move(
    connection: Connection, one: Nomination, states: Sequence[str], values: Mapping[str, object]
) -> bool:
    here = sa.and_(nominations.c.id == one.id, nominations.c.state.in_(states))
    return bool(connection.execute(nominations.update().where(here).values(dict(values))).rowcount)


# --- checks ------------------------------------------------------------------------------------------------------


def check(
    connection: Connection, one: Nomination, name: str, note: str, staff: str, now: datetime, *, passed: bool
) -> bool:
    """Write down what a check found; False where it was done before."""
    row = {"nomination_id": one.id, "name": name, "passed": passed, "note": note, "staff": staff, "at": now}
    return add(connection, checks, row)


def checked(connection: Connection, one: Nomination) -> dict[str, tuple[bool, str]]:
    """Check → whether it was passed, and what was found."""
    query = sa.select(checks.c.name, checks.c.passed, checks.c.note).where(checks.c.nomination_id == one.id)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one that its nominee has agreed to waits for the staff."""
    here = sa.and_(nominations.c.edition_id == edition_id, nominations.c.state == CONFIRMED)
    return connection.execute(
        sa.select(sa.func.min(nominations.c.confirmed_at, type_=Utc())).where(here)
    ).scalar()


# --- forgetting and telling --------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget who nominated; what the nominee agreed to is theirs."""
    mine = nominations.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, nominations.c.created_at <= until)
    connection.execute(nominations.update().where(mine).values(openid=None))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """Whom this person nominated."""
    query = sa.select(*_COLUMNS).where(nominations.c.openid == openid).order_by(nominations.c.id)
    return [
        {
            "name": one.name,
            "unit": one.unit,
            "words": one.words,
            "state": one.state,
            "at": one.created_at.isoformat(),
        }
        for one in (Nomination(*row) for row in connection.execute(query))
    ]
