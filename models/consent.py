"""Consents: who agreed to which text, in which version, when, and when it was withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata

consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("openid", Id(128), nullable=False),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("version", Id(64), nullable=False),  # of the text that was read: its name and hash
    sa.Column("given_at", Utc(), nullable=False),
    sa.Column("withdrawn_at", Utc()),
    sa.Index("ix_consents_openid", "openid", "edition_id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Consent:
    """One agreement; `withdrawn_at` None while it stands."""

    id: int
    edition_id: int
    version: str
    given_at: datetime
    withdrawn_at: datetime | None


def give(connection: Connection, openid: str, edition_id: int, version: str, now: datetime) -> None:
    """Note that this person agreed."""
    values = {"openid": openid, "edition_id": edition_id, "version": version, "given_at": now}
    connection.execute(consents.insert().values(values))


def of(connection: Connection, openid: str) -> list[Consent]:
    """What this person agreed to, the newest first."""
    columns = [consents.c[name] for name in Consent.__slots__]
    query = sa.select(*columns).where(consents.c.openid == openid).order_by(consents.c.id.desc()).limit(200)
    return [Consent(*row) for row in connection.execute(query)]


def withdraw(connection: Connection, openid: str, edition_id: int, now: datetime) -> int:
    """Take back what was agreed to for this edition; how many stood."""
    mine = sa.and_(consents.c.openid == openid, consents.c.edition_id == edition_id)
    stands = sa.and_(mine, consents.c.withdrawn_at.is_(None))
    return int(connection.execute(consents.update().where(stands).values(withdrawn_at=now)).rowcount)


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what this person agreed to."""
    mine = consents.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, consents.c.given_at <= until)
    connection.execute(consents.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person agreed to."""
    return [
        {
            "version": one.version,
            "given_at": one.given_at.isoformat(),
            "withdrawn_at": str(one.withdrawn_at or ""),
        }
        for one in of(connection, openid)
    ]
