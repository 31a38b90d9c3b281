"""Approvals: who of the staff has looked at exactly this push and wants it to leave.

given      by one person, for one push as it stood then; it counts as long as the push is the same
void       the push was changed since: it counts for nothing, until the push is as it was
withdrawn  the person has taken it back

A push is known by its digest (channel, audience, content and the files that it names; `campaigns.approval`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Connection, Id, Number, Utc, metadata

GIVEN, VOID, WITHDRAWN = "given", "void", "withdrawn"
STATES = (GIVEN, VOID, WITHDRAWN)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("push", Id(160), nullable=False),  # CAMPAIGN/PUSH
    sa.Column("digest", Id(64), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("given_at", Utc(), nullable=False),
    sa.Column("withdrawn_at", Utc()),
    sa.UniqueConstraint("push", "digest", "staff"),
    **MARIADB,
)


class OwnPush(Exception):
    """Who wrote a push does not approve it."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word for one push."""

    digest: str
    staff: str
    given_at: datetime
    withdrawn_at: datetime | None

    def state(self, digest: str) -> str:
        """What it is worth for the push that has this digest now."""
        if self.withdrawn_at is not None:
            return WITHDRAWN
        return GIVEN if self.digest == digest else VOID


_COLUMNS = [approvals.c[name] for name in Approval.__slots__]


def give(connection: Connection, name: str, digest: str, staff: str, now: datetime, author: str = "") -> bool:
    """Note that this person approves the push; False when they have already. Raises OwnPush for its `author`."""
    if staff == author:
        raise OwnPush
    mine = sa.and_(approvals.c.push == name, approvals.c.digest == digest, approvals.c.staff == staff)
    again = approvals.update().where(mine, approvals.c.withdrawn_at.is_not(None))
    if connection.execute(again.values(given_at=now, withdrawn_at=None)).rowcount:
        return True
    try:
        with connection.begin_nested():
            values = {"push": name, "digest": digest, "staff": staff, "given_at": now}
            connection.execute(approvals.insert().values(values))
    except IntegrityError:
        return False
    return True


def withdraw(connection: Connection, name: str, staff: str, now: datetime) -> int:
    """Take back what this person has approved of this push; how many stood."""
    mine = sa.and_(approvals.c.push == name, approvals.c.staff == staff, approvals.c.withdrawn_at.is_(None))
    return connection.execute(approvals.update().where(mine).values(withdrawn_at=now)).rowcount


def count(connection: Connection, name: str, digest: str) -> int:
    """How many different staff approve the push as it has this digest."""
    given = sa.and_(
        approvals.c.push == name, approvals.c.digest == digest, approvals.c.withdrawn_at.is_(None)
    )
    return connection.execute(sa.select(sa.func.count()).select_from(approvals).where(given)).scalar_one()


def of(connection: Connection, name: str) -> list[Approval]:
    """All that was ever given for this push, the newest first."""
    query = sa.select(*_COLUMNS).where(approvals.c.push == name).order_by(approvals.c.id.desc()).limit(100)
    return [Approval(*row) for row in connection.execute(query)]
