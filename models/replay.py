"""Messages whose handler failed, taken out of the table again one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import Connection
from models.follower import Follower, followers
from models.interaction import ANSWERED, FAILED, Handled, interactions
from models.recording import FOLLOWER_COLUMNS, follower_of


@dataclass(frozen=True, slots=True)
class Failed:
    """A stored message without an answer, and its sender as known now."""

    id: int
    raw: str
    received_at: datetime
    follower: Follower


def failed(connection: Connection, ids: Sequence[int] | None = None) -> list[int]:
    """The ids of failed messages whose words are still kept (only those of `ids`, if given), oldest first."""
    query = sa.select(interactions.c.id).where(
        interactions.c.state == FAILED, interactions.c.raw.is_not(None)
    )
    if ids is not None:
        query = query.where(interactions.c.id.in_(ids))
    return list(connection.execute(query.order_by(interactions.c.id)).scalars())


def take(connection: Connection, number: int) -> Failed | None:
    """That message, locked until the transaction ends; None when it has been answered or erased meanwhile."""
    query = sa.select(interactions).where(
        interactions.c.id == number, interactions.c.state == FAILED, interactions.c.raw.is_not(None)
    )
    row = connection.execute(query.with_for_update()).first()
    if row is None:
        return None
    columns = [followers.c[name] for name in FOLLOWER_COLUMNS]
    person = connection.execute(sa.select(*columns).where(followers.c.openid == row.openid)).first()
    known = (
        follower_of(person)
        if person is not None
        else Follower(row.openid, True, row.received_at, row.received_at)
    )
    return Failed(row.id, row.raw, row.received_at, known)


def settle(connection: Connection, number: int, handled: Handled) -> None:
    """It is answered now. Where its sender stands in the dialogue stays as it is: they have gone on."""
    connection.execute(
        sa.update(interactions)
        .where(interactions.c.id == number)
        .values(reply=handled.reply, topic=handled.topic or None, missed=handled.missed, state=ANSWERED)
    )
