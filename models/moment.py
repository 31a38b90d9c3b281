"""Moments of a live record, in the order in which they happened: words and a photo, written by colleagues on the spot; and who wants to
hear of the results. What was corrected stays beside what it says now.

published  everybody reads it
withdrawn  everybody reads that it was taken back, and why
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

PUBLISHED, WITHDRAWN = "published", "withdrawn"
TRIES = 50  # at a number, while others write too

moments = sa.Table(
    "moments",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("once", Id(64), nullable=False),  # what a page sends twice has the same
    sa.Column("at", Utc(), nullable=False),  # when it happened
    sa.Column("posted_at", Utc(), nullable=False),
    sa.Column("by", Id(128), nullable=False),
    sa.Column("words", Words(), nullable=False),
    sa.Column("photo", Id(32), nullable=False),  # its key, '' for none
    sa.Column("state", Id(16), nullable=False),
    sa.Column("reason", Words(), nullable=False),  # why it was withdrawn
    sa.UniqueConstraint("edition_id", "number"),
    sa.UniqueConstraint("edition_id", "once"),
    sa.Index("ix_moments_at", "edition_id", "at"),
    **MARIADB,
)

amendments = sa.Table(
    "amendments",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("moment_id", Number(), sa.ForeignKey("moments.id"), nullable=False),
    sa.Column("was", Words(), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("by", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_amendments_moment_id", "moment_id"),
    **MARIADB,
)

followings = sa.Table(
    "followings",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_followings_openid", "openid"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One row of `moments`."""

    id: int
    edition_id: int
    number: int
    at: datetime
    posted_at: datetime
    by: str
    words: str
    photo: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a moment said before, until when, and why it was changed."""

    moment_id: int
    was: str
    reason: str
    at: datetime


_COLUMNS = [moments.c[name] for name in Moment.__slots__]
_AMENDMENT = [amendments.c[name] for name in Amendment.__slots__]


# --- writing -----------------------------------------------------------------------------------------------------


def post(
    connection: Connection, edition_id: int, words: str, at: datetime, *, by: str, photo: str, once: str, now: datetime
) -> Moment:  # fmt: skip
    """Write down what happened then; what is sent twice is the first one."""
    row = {
        "edition_id": edition_id,
        "once": once,
        "at": at,
        "posted_at": now,
        "by": by,
        "words": words,
        "photo": photo,
    }
    last = sa.select(sa.func.coalesce(sa.func.max(moments.c.number), 0)).where(
        moments.c.edition_id == edition_id
    )
    same = sa.and_(moments.c.edition_id == edition_id, moments.c.once == once)
    for _ in range(TRIES):
        number = int(connection.execute(last).scalar_one()) + 1
        add(connection, moments, {**row, "number": number, "state": PUBLISHED, "reason": ""})
        found = connection.execute(sa.select(*_COLUMNS).where(same)).first()
        if found is not None:
            return Moment(*found)
    raise RuntimeError("no number for a moment")


def correct(connection: Connection, one: Moment, words: str, reason: str, by: str, now: datetime) -> bool:
    """Let it say something else; what it said stays beside it. False where somebody else changed it meanwhile."""
    here = sa.and_(moments.c.id == one.id, moments.c.words == one.words, moments.c.state == PUBLISHED)
    if not connection.execute(moments.update().where(here).values(words=words)).rowcount:
        return False
    values = {"moment_id": one.id, "was": one.words, "reason": reason, "by": by, "at": now}
    connection.execute(amendments.insert().values(values))
    return True


def move(connection: Connection, one: Moment, state: str, reason: str) -> bool:
    """Take it back, or let it stand again; False where it does already."""
    here = sa.and_(moments.c.id == one.id, moments.c.state != state)
    return bool(connection.execute(moments.update().where(here).values(state=state, reason=reason)).rowcount)


# --- reading -----------------------------------------------------------------------------------------------------


def of_edition(connection: Connection, edition_id: int, limit: int = 500) -> list[Moment]:
    """The newest first, by when it happened: what was corrected keeps its place."""
    query = sa.select(*_COLUMNS).where(moments.c.edition_id == edition_id)
    rows = connection.execute(query.order_by(moments.c.at.desc(), moments.c.number.desc()).limit(limit))
    return [Moment(*row) for row in rows]


def known(connection: Connection, edition_id: int, once: str) -> bool:
    """Whether what has this name was written down before."""
    same = sa.and_(moments.c.edition_id == edition_id, moments.c.once == once)
    return connection.execute(sa.select(moments.c.id).where(same)).first() is not None


def numbered(connection: Connection, edition_id: int, number: int) -> Moment | None:
    """The one of this number."""
    here = sa.and_(moments.c.edition_id == edition_id, moments.c.number == number)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Moment(*row) if row else None


def amended(connection: Connection, ids: Sequence[int]) -> dict[int, list[Amendment]]:
    """What each of these said before, the first first."""
    query = sa.select(*_AMENDMENT).where(amendments.c.moment_id.in_(ids)).order_by(amendments.c.id)
    found: dict[int, list[Amendment]] = {}
    for row in connection.execute(query):
        found.setdefault(row.moment_id, []).append(Amendment(*row))
    return found


# --- who follows it ----------------------------------------------------------------------------------------------


def follow(connection: Connection, edition_id: int, openid: str, now: datetime) -> bool:
    """Let this person hear of the results; False where they do already."""
    return add(connection, followings, {"edition_id": edition_id, "openid": openid, "at": now})


def follows(connection: Connection, edition_id: int, openid: str) -> bool:
    """Whether they do."""
    here = sa.and_(followings.c.edition_id == edition_id, followings.c.openid == openid)
    return connection.execute(sa.select(followings.c.at).where(here)).first() is not None


def followers(connection: Connection, edition_id: int) -> list[str]:
    """Everybody who does."""
    here = followings.c.edition_id == edition_id
    return list(connection.execute(sa.select(followings.c.openid).where(here)).scalars())


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Tell this person nothing more."""
    mine = followings.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, followings.c.at <= until)
    connection.execute(followings.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person follows."""
    rows = connection.execute(
        followings.select().where(followings.c.openid == openid).order_by(followings.c.at)
    )
    return [{"edition_id": str(row.edition_id), "at": row.at.isoformat()} for row in rows]
