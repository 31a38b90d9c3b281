"""The audit: every deed of staff, each row holding the hash of the one before it, so that none can be changed or taken out unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models import shared
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.listing import Listing

TURN = "audit turn"  # the row that whoever writes has locked, so that no two follow the same one

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("staff", Id(128), nullable=False),  # cli:LOGIN for what is typed
    sa.Column("deed", Id(64), nullable=False),
    sa.Column("object", Id(190), nullable=False),
    sa.Column("details", Words(), nullable=False),  # JSON
    sa.Column("previous", Id(64), nullable=False, unique=True),  # '' of the first
    sa.Column("hash", Id(64), nullable=False, unique=True),
    sa.Index("ix_audit_object", "object"),
    **MARIADB,
)


LISTING = Listing(
    {name: audit.c[name] for name in ("id", "at", "staff", "deed", "object", "details")},
    audit,
    audit.c.id,
    finds=(audit.c.staff, audit.c.deed, audit.c.object),
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the audit."""

    id: int
    at: datetime
    staff: str
    deed: str
    object: str
    details: str
    previous: str
    hash: str


_COLUMNS = [audit.c[name] for name in Deed.__slots__]


def note(
    connection: Connection, staff: str, deed: str, thing: str, details: Mapping[str, Any], now: datetime
) -> None:
    """Write down what somebody of the staff does, in the transaction that does it."""
    shared.write(connection, TURN, "", now)
    last = sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
    previous = connection.execute(last).scalar() or ""
    text = json.dumps(details, ensure_ascii=False, sort_keys=True, default=str)
    digest = _hash(previous, now, staff, deed, thing, text)
    values = {
        "at": now,
        "staff": staff,
        "deed": deed,
        "object": thing,
        "details": text,
        "previous": previous,
        "hash": digest,
    }
    connection.execute(audit.insert().values(values))


def of(connection: Connection, thing: str, limit: int = 100) -> list[Deed]:
    """What was done to an object, the newest first."""
    query = sa.select(*_COLUMNS).where(audit.c.object == thing).order_by(audit.c.id.desc()).limit(limit)
    return [Deed(*row) for row in connection.execute(query)]


def head(connection: Connection) -> tuple[int, str]:
    """How many rows there are, and the hash of the last: whoever wrote it down can tell later that none was taken out."""
    number = connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one()
    last = connection.execute(sa.select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)).scalar()
    return int(number), last or ""


def broken(connection: Connection) -> int | None:
    """The id of the first row that does not follow from the one before it; None where the chain is whole."""
    previous = ""
    for row in connection.execute(sa.select(*_COLUMNS).order_by(audit.c.id)):
        one = Deed(*row)
        whole = _hash(previous, one.at, one.staff, one.deed, one.object, one.details)
        if one.previous != previous or one.hash != whole:
            return one.id
        previous = one.hash
    return None


def _hash(previous: str, at: datetime, *words: str) -> str:
    return hashlib.sha256("\n".join((previous, at.isoformat(), *words)).encode()).hexdigest()
