"""What has gone out, as WeChat counts it against its limits: the calls of a day, and what one follower got in a month.

A claim counts its calls in its own transaction, before they are made; a call that certainly did nothing is given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ground.days import SHANGHAI
from models import shared
from models.base import Connection
from models.delivery import EVERYONE, OUT, chunked, deliveries

KEPT = timedelta(days=2)
_AT = sa.func.coalesce(deliveries.c.sent_at, deliveries.c.tried_at)


def calls(connection: Connection, channel: str, now: datetime) -> int:
    """How many calls of a channel today's claims have counted, over all machines."""
    found = shared.read(connection, _name(channel, now), now)
    return int(found[0]) if found else 0


def calls_alone(connection: Connection, channel: str, now: datetime) -> int:
    """The same, and whoever else counts them waits until our transaction is over."""
    name = _name(channel, now)
    held = shared.shared.update().where(shared.shared.c.name == name).values(updated_at=now)
    if not connection.execute(held).rowcount:
        shared.write(connection, name, "0", now, now + KEPT)
        connection.execute(held)
    return calls(connection, channel, now)


def count(connection: Connection, channel: str, number: int, now: datetime) -> None:
    """So many more calls of today; fewer, where the number is negative."""
    if number:
        used = max(0, calls_alone(connection, channel, now) + number)
        shared.write(connection, _name(channel, now), str(used), now, now + KEPT)


def _name(channel: str, now: datetime) -> str:
    return f"calls:{channel}:{now.astimezone(SHANGHAI):%Y-%m-%d}"


def full(
    connection: Connection, channel: str, recipients: Sequence[str], since: datetime, most: int, but: int
) -> set[str]:
    """Who of these has got `most` since then by this channel, counting what went to everyone, apart from the push `but`."""
    went = sa.and_(
        deliveries.c.channel == channel,
        deliveries.c.push_id != but,
        deliveries.c.state.in_(OUT),
        since <= _AT,
    )
    to_all = sa.select(sa.func.count(sa.distinct(deliveries.c.key))).where(
        went, deliveries.c.recipient == EVERYONE
    )
    left = most - int(connection.execute(to_all).scalar_one())
    if left <= 0:
        return set(recipients)
    found: set[str] = set()
    for some in chunked([one for one in recipients if one != EVERYONE]):
        own = sa.select(deliveries.c.recipient).where(went, deliveries.c.recipient.in_(some))
        often = own.group_by(deliveries.c.recipient).having(sa.func.count() >= left)
        found.update(connection.execute(often).scalars())
    return found
