"""Editions: one period of one campaign, with the rules as they were when it opened.

open       it was opened; whether somebody may still take part is judged by the clock, never by this word
closed     a job has written down that the clock was over
published  its result is out
annulled   it does not count; the reason says why

What was received before the end counts, also when it is handled later: `at` looks at the clock and lets `closed` pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.driver import Prepared
from models.listing import Listing
from models.rows import add

OPEN, CLOSED, PUBLISHED, ANNULLED = "open", "closed", "published", "annulled"
NOT_LIVE = "not live"
AN_INSTANT = timedelta(microseconds=1)

editions = sa.Table(
    "editions",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("campaign", Id(64), nullable=False),
    sa.Column("kind", Id(32), nullable=False),
    sa.Column("title", Words(), nullable=False),
    sa.Column("opens_at", Utc(), nullable=False),
    sa.Column("closes_at", Utc(), nullable=False),  # itself excluded
    sa.Column("state", Id(16), nullable=False),
    # the campaign while the edition is open, else NULL: so at most one is
    sa.Column("current", Id(64), unique=True),
    sa.Column(
        "live", sa.Boolean, nullable=False
    ),  # False: only testers took part, before the account went live
    sa.Column("rules", Words(), nullable=False),  # JSON, as it was at the opening
    sa.Column("rules_hash", Id(64), nullable=False),
    sa.Column("extended", Words(), nullable=False),  # JSON: what each extension changed, oldest first
    sa.Column("reason", Words(), nullable=False),  # why it was annulled
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("closed_at", Utc()),
    sa.Column("published_at", Utc()),
    sa.UniqueConstraint("campaign", "opens_at"),
    sa.Index("ix_editions_state", "state", "closes_at"),
    **MARIADB,
)


LISTING = Listing(
    {
        name: editions.c[name]
        for name in ("id", "title", "campaign", "kind", "opens_at", "closes_at", "state")
    },
    editions,
    editions.c.opens_at,
    finds=(editions.c.title, editions.c.campaign),
    state=editions.c.state,
)


@dataclass(frozen=True, slots=True)
class Edition:
    """One row of `editions`."""

    id: int
    campaign: str
    kind: str
    title: str
    opens_at: datetime
    closes_at: datetime
    state: str
    live: bool
    rules: str
    rules_hash: str
    extended: str
    reason: str

    def takes(self, at: datetime) -> bool:
        """Whether what was received at this moment counts."""
        return self.state in (OPEN, CLOSED) and self.opens_at <= at < self.closes_at


@dataclass(frozen=True, slots=True)
class Opening:
    """What an edition is opened with. `rules` are plain values, frozen as JSON."""

    campaign: str
    kind: str
    title: str
    opens_at: datetime
    closes_at: datetime
    rules: Mapping[str, Any]
    live: bool = True


_COLUMNS = [editions.c[name] for name in Edition.__slots__]
_GET = Prepared(sa.select(*_COLUMNS).where(editions.c.id == sa.bindparam("number")))
_LATEST = Prepared(
    sa.select(*_COLUMNS)
    .where(editions.c.campaign == sa.bindparam("name"), editions.c.state != ANNULLED)
    .order_by(editions.c.opens_at.desc())
    .limit(1)
)


def frozen(rules: Mapping[str, Any]) -> tuple[str, str]:
    """The rules as they are kept, and their hash (SHA-256 hex)."""
    text = json.dumps(rules, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


def get(connection: Connection, edition_id: int) -> Edition | None:
    """The edition of this id."""
    row = _GET.first(connection, number=edition_id)
    return Edition(*row) if row else None


def latest(connection: Connection, campaign: str) -> Edition | None:
    """The campaign's newest edition that was not annulled."""
    row = _LATEST.first(connection, name=campaign)
    return Edition(*row) if row else None


def on(connection: Connection, kind: str, now: datetime, *, live: bool) -> Edition | None:
    """An edition of this kind that is on now, the newest of several."""
    here = sa.and_(
        editions.c.kind == kind,
        editions.c.state == OPEN,
        editions.c.opens_at <= now,
        editions.c.closes_at > now,
    )
    query = (
        sa.select(*_COLUMNS).where(here, editions.c.live.is_(live)).order_by(editions.c.id.desc()).limit(1)
    )
    row = connection.execute(query).first()
    return Edition(*row) if row else None


def campaigns(connection: Connection, kind: str) -> list[str]:
    """The campaigns that ever had an edition of this kind."""
    query = sa.select(editions.c.campaign).where(editions.c.kind == kind).distinct()
    return sorted(connection.execute(query).scalars())


def of(connection: Connection, campaign: str, limit: int = 50) -> list[Edition]:
    """All the campaign's editions, the newest first."""
    query = sa.select(*_COLUMNS).where(editions.c.campaign == campaign)
    return [Edition(*row) for row in connection.execute(query.order_by(editions.c.id.desc()).limit(limit))]


def between(connection: Connection, since: datetime, until: datetime, limit: int = 200) -> list[Edition]:
    """The editions that were on in this time, by their beginning; annulled ones are left out."""
    on = sa.and_(editions.c.opens_at < until, editions.c.closes_at > since, editions.c.state != ANNULLED)
    query = sa.select(*_COLUMNS).where(on).order_by(editions.c.opens_at, editions.c.id).limit(limit)
    return [Edition(*row) for row in connection.execute(query)]


def over(connection: Connection, before: datetime, limit: int = 20) -> list[Edition]:
    """The open editions whose end lies before this moment."""
    due = sa.and_(editions.c.state == OPEN, editions.c.closes_at <= before)
    query = sa.select(*_COLUMNS).where(due).order_by(editions.c.closes_at, editions.c.id).limit(limit)
    return [Edition(*row) for row in connection.execute(query)]


def open_anew(connection: Connection, opening: Opening, now: datetime) -> Edition | None:
    """Open an edition, by whichever process comes first; None where the campaign's last one is not over, or overlaps.

    A period that begins before the last edition ended is that edition with its days changed: changing it is `extend`.
    """
    before = latest(connection, opening.campaign)
    opens_at = opening.opens_at
    if before is not None and before.live != opening.live and opening.live:
        annul(connection, before, NOT_LIVE, now)  # a rehearsal; the real one may begin at the same moment
        opens_at, before = (opens_at + AN_INSTANT if before.opens_at == opens_at else opens_at), None
    if before is not None and (before.closes_at > opens_at or before.closes_at > now):
        return None
    if before is not None:
        close(connection, before, now)
    text, digest = frozen(opening.rules)
    values = {
        "campaign": opening.campaign,
        "kind": opening.kind,
        "title": opening.title,
        "opens_at": opens_at,
        "closes_at": opening.closes_at,
        "state": OPEN,
        "current": opening.campaign,
        "live": opening.live,
        "rules": text,
        "rules_hash": digest,
        "extended": "[]",
        "reason": "",
        "created_at": now,
    }
    add(connection, editions, values)
    return latest(connection, opening.campaign)


def close(connection: Connection, edition: Edition, now: datetime) -> bool:
    """Write down that its time is over; whether this call did it."""
    return _move(connection, edition, (OPEN,), {"state": CLOSED, "closed_at": now, "current": None})


def publish(connection: Connection, edition: Edition, now: datetime) -> bool:
    """Its result is out; whether this call did it."""
    return _move(connection, edition, (CLOSED,), {"state": PUBLISHED, "published_at": now})


def annul(connection: Connection, edition: Edition, reason: str, now: datetime) -> bool:
    """It does not count; whether this call did it."""
    values = {"state": ANNULLED, "reason": reason, "closed_at": now, "current": None}
    return _move(connection, edition, (OPEN, CLOSED, PUBLISHED), values)


def _move(connection: Connection, edition: Edition, states: tuple[str, ...], values: dict[str, Any]) -> bool:
    here = sa.and_(editions.c.id == edition.id, editions.c.state.in_(states))
    return bool(connection.execute(editions.update().where(here).values(values)).rowcount)


def extend(connection: Connection, edition: Edition, closes_at: datetime, staff: str, now: datetime) -> bool:
    """Let it end later (or earlier, but not in the past), logged with what it was before; False where it is over."""
    log = json.loads(edition.extended)
    log.append(
        {
            "at": now.isoformat(),
            "by": staff,
            "from": edition.closes_at.isoformat(),
            "to": closes_at.isoformat(),
        }
    )
    here = sa.and_(
        editions.c.id == edition.id, editions.c.state == OPEN, editions.c.closes_at == edition.closes_at
    )
    values = {"closes_at": closes_at, "extended": json.dumps(log)}
    return (
        closes_at > now
        and edition.closes_at > now
        and bool(connection.execute(editions.update().where(here).values(values)).rowcount)
    )
