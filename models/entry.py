"""Entries: each time that somebody took part in an edition, with the words that they got for it. A repeat gets the same words.

After an erasure the row stays without its person and its words: the counts must balance.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.batch import Batch
from models.driver import Prepared
from models.listing import Listing
from models.rows import add
from models.sealed import Sealed

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("once", Id(64), nullable=False),  # what is sent twice has the same
    sa.Column("door", Id(8), nullable=False),  # chat or page
    sa.Column("number", Id(32), nullable=False),  # of the thing it made, such as a wish; '' for none
    sa.Column("receipt", Id(32), unique=True),
    sa.Column("told", Sealed("entries.told", must=False), nullable=False),
    sa.Column("received_at", Utc(), nullable=False),
    sa.UniqueConstraint("edition_id", "openid", "once"),
    sa.Index("ix_entries_openid", "openid"),
    sa.Index("ix_entries_received_at", "edition_id", "received_at"),
    **MARIADB,
)


LISTING = Listing(
    {name: entries.c[name] for name in ("id", "received_at", "openid", "door", "number", "told")},
    entries,
    entries.c.id,
    finds=(entries.c.openid, entries.c.number),
    of=entries.c.edition_id,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `entries`."""

    id: int
    edition_id: int
    number: str
    receipt: str | None
    told: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class New:
    """An entry to be written."""

    edition_id: int
    openid: str
    once: str
    door: str
    received_at: datetime
    told: str
    number: str = ""
    receipt: str | None = None


_COLUMNS = [entries.c[name] for name in Entry.__slots__]
_KNOWN = Prepared(
    sa.select(*_COLUMNS)
    .where(entries.c.edition_id == sa.bindparam("edition"), entries.c.openid == sa.bindparam("whose"))
    .where(entries.c.once == sa.bindparam("name"))
)


def new_receipt() -> str:
    """A receipt of 80 bits, in four groups that can be read aloud: no 0, 1, 8 and 9."""
    text = base64.b32encode(secrets.token_bytes(10)).decode()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def write(connection: Connection, new: New, batch: Batch | None = None) -> bool:
    """Write it down; False where it was written before. With a batch it is put off."""
    row = {name: getattr(new, name) for name in New.__slots__}
    if batch is None:
        return add(connection, entries, row)
    batch.put_off(entries, row)
    return True


def known(connection: Connection, edition_id: int, openid: str, once: str) -> Entry | None:
    """What was written for this before."""
    row = _KNOWN.first(connection, edition=edition_id, whose=openid, name=once)
    return Entry(*row) if row else None


def of(connection: Connection, openid: str, limit: int = 50) -> list[Entry]:
    """What this person took part in, the newest first."""
    query = sa.select(*_COLUMNS).where(entries.c.openid == openid).order_by(entries.c.id.desc()).limit(limit)
    return [Entry(*row) for row in connection.execute(query)]


def has(connection: Connection, edition_id: int, openid: str) -> bool:
    """Whether this person took part."""
    mine = sa.and_(entries.c.edition_id == edition_id, entries.c.openid == openid)
    return connection.execute(sa.select(entries.c.id).where(mine).limit(1)).first() is not None


def by_door(connection: Connection, edition_id: int) -> dict[str, int]:
    """How often people took part through each door."""
    query = sa.select(entries.c.door, sa.func.count()).where(entries.c.edition_id == edition_id)
    return {row[0]: row[1] for row in connection.execute(query.group_by(entries.c.door))}


def people(connection: Connection, edition_id: int) -> int:
    """How many people took part; those who are erased count as one each time that they did."""
    one = sa.func.coalesce(entries.c.openid, sa.cast(entries.c.id, sa.String(32)))
    query = sa.select(sa.func.count(sa.distinct(one))).where(entries.c.edition_id == edition_id)
    return int(connection.execute(query).scalar_one())


def openids(connection: Connection, edition_id: int) -> list[str]:
    """Everybody who took part and is not forgotten."""
    query = sa.select(entries.c.openid).distinct().where(entries.c.edition_id == edition_id)
    return list(connection.execute(query.where(entries.c.openid.is_not(None))).scalars())


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take the person and the words out."""
    mine = entries.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, entries.c.received_at <= until)
    connection.execute(entries.update().where(mine).values(openid=None, told=""))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person took part in."""
    return [
        {
            "edition_id": str(one.edition_id),
            "number": one.number,
            "receipt": one.receipt or "",
            "told": one.told,
            "received_at": one.received_at.isoformat(),
        }
        for one in of(connection, openid, 10_000)
    ]
