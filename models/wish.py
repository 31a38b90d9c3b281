"""Wishes: what people ask for, who supports which, what was decided of it and what came of it.

pending    nobody of the staff has looked at it yet, where the rules ask for that
open       everybody sees it and may support it
merged     another says the same; `merged_into` holds it and its supporters
hidden     it is not shown; the reason says why, and its person may object
declined   it will not be; the reason says why
accepted   it will be; cost and day say how
fulfilled  it is
withdrawn  its person took it back or was erased
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

PENDING, OPEN, MERGED, HIDDEN = "pending", "open", "merged", "hidden"
DECLINED, ACCEPTED, FULFILLED, WITHDRAWN = "declined", "accepted", "fulfilled", "withdrawn"
SHOWN = (OPEN, DECLINED, ACCEPTED, FULFILLED)
OWN, SUPPORT, FROM_MERGED = "own", "support", "merged"  # why somebody stands behind a wish

wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),  # the number that people see
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("slot", sa.Integer, nullable=False),  # the person's first, second … wish
    sa.Column("words", Words(), nullable=False),
    sa.Column("photo", Id(32)),  # the key of a photo that shows what is wished for
    sa.Column("state", Id(16), nullable=False),
    sa.Column("merged_into", Number(), sa.ForeignKey("wishes.id")),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("cost", sa.BigInteger),  # yuan
    sa.Column("due", Words(), nullable=False),  # when, as the staff say it
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("decided_at", Utc()),
    sa.UniqueConstraint("edition_id", "openid", "slot"),
    sa.Index("ix_wishes_state", "edition_id", "state"),
    sa.Index("ix_wishes_openid", "openid"),
    **MARIADB,
)

supports = sa.Table(
    "supports",
    metadata,
    sa.Column("wish_id", Number(), sa.ForeignKey("wishes.id"), primary_key=True, autoincrement=False),
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("source", Id(8), nullable=False),
    sa.Column("via", Number()),  # the wish that was merged, where that is why
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_supports_openid", "openid"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish with the number of people behind it, its own person included."""

    id: int
    edition_id: int
    openid: str | None
    words: str
    state: str
    merged_into: int | None
    reason: str
    cost: int | None
    due: str
    created_at: datetime
    photo: str | None
    supporters: int


_COUNT = (
    sa.select(sa.func.count())
    .select_from(supports)
    .where(supports.c.wish_id == wishes.c.id)
    .scalar_subquery()
)
_COLUMNS = [*(wishes.c[name] for name in Wish.__slots__[:-1]), _COUNT.label("supporters")]


def make(
    connection: Connection, edition_id: int, openid: str, words: str, most: int, state: str, now: datetime,
    photo: str | None = None,
) -> int | None:  # fmt: skip
    """Write down a wish and its person's support; its number, or None where they have `most` already."""
    for slot in range(1, most + 1):
        values = {
            "edition_id": edition_id,
            "openid": openid,
            "slot": slot,
            "words": words,
            "photo": photo,
            "state": state,
            "reason": "",
            "due": "",
            "created_at": now,
        }
        if add(connection, wishes, values):
            mine = sa.and_(
                wishes.c.edition_id == edition_id, wishes.c.openid == openid, wishes.c.slot == slot
            )
            number = int(connection.execute(sa.select(wishes.c.id).where(mine)).scalar_one())
            support(connection, number, openid, now, OWN)
            return number
    return None


def support(connection: Connection, wish_id: int, openid: str, now: datetime, source: str = SUPPORT) -> bool:
    """Stand behind a wish; whether this is new."""
    values = {"wish_id": wish_id, "openid": openid, "source": source, "at": now}
    return add(connection, supports, values)


def unsupport(connection: Connection, wish_id: int, openid: str) -> bool:
    """Stand behind it no longer; a wish of one's own is withdrawn instead. Whether that changed anything."""
    mine = sa.and_(supports.c.wish_id == wish_id, supports.c.openid == openid, supports.c.source != OWN)
    return bool(connection.execute(supports.delete().where(mine)).rowcount)


def get(connection: Connection, wish_id: int) -> Wish | None:
    """The wish of this number."""
    row = connection.execute(sa.select(*_COLUMNS).where(wishes.c.id == wish_id)).first()
    return Wish(*row) if row else None


def of_edition(
    connection: Connection, edition_id: int, states: Sequence[str], limit: int = 500
) -> list[Wish]:
    """Its wishes in these states, those with most people behind them first, then the older."""
    mine = sa.and_(wishes.c.edition_id == edition_id, wishes.c.state.in_(states))
    query = sa.select(*_COLUMNS).where(mine).order_by(sa.desc("supporters"), wishes.c.id).limit(limit)
    return [Wish(*row) for row in connection.execute(query)]


def of_person(connection: Connection, edition_id: int, openid: str) -> list[Wish]:
    """The wishes that this person stands behind, their own included."""
    theirs = sa.select(supports.c.wish_id).where(supports.c.openid == openid)
    mine = sa.and_(wishes.c.edition_id == edition_id, wishes.c.id.in_(theirs))
    return [Wish(*row) for row in connection.execute(sa.select(*_COLUMNS).where(mine).order_by(wishes.c.id))]


def supporters(connection: Connection, wish_id: int) -> list[str]:
    """The openids of those who stand behind it, in the order of their bytes."""
    query = sa.select(supports.c.openid).where(supports.c.wish_id == wish_id).order_by(supports.c.openid)
    return list(connection.execute(query).scalars())


def reach(connection: Connection, wish_ids: Sequence[int]) -> set[str]:
    """Everybody who stands behind at least one of these."""
    query = sa.select(supports.c.openid).where(supports.c.wish_id.in_(wish_ids)).distinct()
    return set(connection.execute(query).scalars())


def move(connection: Connection, wish_id: int, states: Sequence[str], values: dict[str, Any]) -> bool:
    """Bring a wish from one of these states to another; False where it stands elsewhere by now."""
    here = sa.and_(wishes.c.id == wish_id, wishes.c.state.in_(states))
    return bool(connection.execute(wishes.update().where(here).values(values)).rowcount)


def merge(connection: Connection, wish_id: int, into: int, now: datetime) -> list[str] | None:
    """Let another wish hold this one and everybody behind it, once each; who they are, None where that cannot be."""
    if wish_id == into or not move(
        connection, wish_id, (PENDING, OPEN), {"state": MERGED, "merged_into": into}
    ):
        return None
    people = supporters(connection, wish_id)
    for openid in people:
        values = {"wish_id": into, "openid": openid, "source": FROM_MERGED, "via": wish_id, "at": now}
        add(connection, supports, values)
    return people


def unmerge(connection: Connection, wish_id: int) -> bool:
    """Take a merging back, with the support that came by it."""
    found = get(connection, wish_id)
    if found is None or not move(connection, wish_id, (MERGED,), {"state": OPEN, "merged_into": None}):
        return False
    came = sa.and_(supports.c.wish_id == found.merged_into, supports.c.via == wish_id)
    connection.execute(supports.delete().where(came))
    return True


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest wish waits for somebody to look at it."""
    mine = sa.and_(wishes.c.edition_id == edition_id, wishes.c.state == PENDING)
    return connection.execute(sa.select(sa.func.min(wishes.c.created_at, type_=Utc())).where(mine)).scalar()


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take this person's wishes back, words and all, and their support away."""
    mine, theirs = wishes.c.openid == openid, supports.c.openid == openid
    if until is not None:
        mine, theirs = sa.and_(mine, wishes.c.created_at <= until), sa.and_(theirs, supports.c.at <= until)
    gone = {"openid": None, "words": "", "photo": None, "state": WITHDRAWN}
    connection.execute(wishes.update().where(mine).values(gone))
    connection.execute(supports.delete().where(theirs))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person wished for."""
    query = sa.select(wishes.c.id, wishes.c.words, wishes.c.state, wishes.c.created_at)
    rows = connection.execute(query.where(wishes.c.openid == openid).order_by(wishes.c.id))
    return [
        {"number": str(row.id), "words": row.words, "state": row.state, "at": row.created_at.isoformat()}
        for row in rows
    ]


def export_supports(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person stands behind."""
    query = sa.select(supports.c.wish_id, supports.c.source, supports.c.at)
    rows = connection.execute(query.where(supports.c.openid == openid).order_by(supports.c.wish_id))
    return [{"number": str(row.wish_id), "source": row.source, "at": row.at.isoformat()} for row in rows]
