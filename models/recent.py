"""What came in and went out last, as it stands in the tables, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from models.base import Connection
from models.delivery import FAILED, PLANNED, UNKNOWN, deliveries
from models.follower import followers
from models.interaction import interactions
from models.push import OPEN, SENDING, pushes

LATELY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class HeardRow:
    """One row of `interactions`."""

    id: int
    dedupe_key: str
    openid: str
    msg_type: str
    event: str | None
    event_key: str | None
    content: str | None
    msg_id: str | None
    sent_at: datetime
    received_at: datetime
    state: str
    topic: str | None
    raw: str | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class SentRow:
    """One row of `deliveries`, with its push's name and due time."""

    id: int
    push_id: int
    name: str
    due_at: datetime
    channel: str
    recipient: str
    state: str
    attempts: int
    errcode: int | None
    reason: str
    far_id: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows of one kind there are; `state` is '' where the kind is not divided."""

    kind: str
    state: str
    value: int


def interactions_last(connection: Connection, limit: int) -> list[HeardRow]:
    """The newest interactions, newest first."""
    columns = [interactions.c[name] for name in HeardRow.__slots__]
    found = connection.execute(sa.select(*columns).order_by(interactions.c.id.desc()).limit(limit))
    return [HeardRow(*row) for row in found]


def deliveries_last(connection: Connection, limit: int) -> list[SentRow]:
    """The newest deliveries, newest first."""
    ours = {"name": pushes.c.name, "due_at": pushes.c.due_at}
    columns = [ours[name] if name in ours else deliveries.c[name] for name in SentRow.__slots__]
    joined = sa.select(*columns).join(pushes, pushes.c.id == deliveries.c.push_id)
    found = connection.execute(joined.order_by(deliveries.c.id.desc()).limit(limit))
    return [SentRow(*row) for row in found]


def counts(connection: Connection, now: datetime) -> list[Count]:
    """What a monitor watches: followers, interactions of the last five minutes, pushes and deliveries that are not done.

    Every count runs over an index and over what is recent or open, so that years of rows do not slow it down.
    """
    i, f, p, d = interactions.c, followers.c, pushes.c, deliveries.c
    total = sa.func.count()
    lately = sa.select(i.state, total).where(i.received_at > now - LATELY).group_by(i.state)
    undone = (
        sa.select(d.state, total).where(d.state.in_((PLANNED, SENDING, UNKNOWN, FAILED))).group_by(d.state)
    )
    unfinished = sa.select(p.state, total).where(p.state.in_(OPEN)).group_by(p.state)
    following = sa.select(total).select_from(followers).where(f.subscribed.is_(True))
    found = [Count("followers", "", connection.execute(following).scalar_one())]
    for kind, query in (("interactions", lately), ("pushes", unfinished), ("deliveries", undone)):
        found += [Count(kind, str(state), int(number)) for state, number in connection.execute(query)]
    return found
