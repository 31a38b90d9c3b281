"""What the books say that cannot be left so: sent and never reported, begun and standing still, not adding up. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from models.base import Connection
from models.delivery import MASS, SENT, TEMPLATE, books, deliveries
from models.push import CANCELLED, DUE, FINISHED, SENDING, pushes

REPORTED = (MASS, TEMPLATE)  # of these WeChat tells afterwards what became of them
WAITS = timedelta(days=1)  # for what WeChat tells
A_WEEK = timedelta(days=7)
STILL = timedelta(minutes=30)
MOST = 500  # pushes looked at


@dataclass(frozen=True, slots=True)
class Unreported:
    """A push of whose `sent` copies WeChat has not told what became of so many, 0 where it has of all."""

    push_id: int
    name: str
    channel: str
    copies: int
    sent: int


def unreported(connection: Connection, now: datetime) -> list[Unreported]:
    """The pushes of the last week of which WeChat should have told by now, and of how many copies it has not."""
    silent = sa.case((deliveries.c.result_at.is_(None), 1), else_=0)
    columns = (pushes.c.id, pushes.c.name, pushes.c.channel, sa.func.sum(silent), sa.func.count())
    lately = pushes.c.due_at.between(now - A_WEEK - WAITS, now)
    sent = sa.and_(deliveries.c.state == SENT, deliveries.c.sent_at <= now - WAITS)
    joined = sa.select(*columns).join(deliveries, deliveries.c.push_id == pushes.c.id)
    asked = joined.where(lately, pushes.c.channel.in_(REPORTED), sent).group_by(pushes.c.id)
    return [
        Unreported(push_id, name, channel, int(copies), count)
        for push_id, name, channel, copies, count in connection.execute(asked)
    ]


def standing_still(connection: Connection, now: datetime) -> list[str]:
    """The names of the pushes that are due, need not wait, and of which nothing has moved for half an hour."""
    before = now - STILL
    moved = sa.exists().where(deliveries.c.push_id == pushes.c.id, deliveries.c.updated_at > before)
    under_way = sa.and_(
        pushes.c.state.in_((DUE, SENDING)),
        pushes.c.due_at <= before,
        pushes.c.updated_at <= before,
        sa.or_(pushes.c.not_before.is_(None), pushes.c.not_before <= before),
        ~moved,
    )
    return sorted(set(connection.execute(sa.select(pushes.c.name).where(under_way).limit(MOST)).scalars()))


def unbalanced(connection: Connection, since: datetime) -> list[tuple[int, str]]:
    """The ids and names of the pushes that ended since then and whose copies do not add up, or are not all over."""
    ended = sa.and_(pushes.c.state.in_((FINISHED, CANCELLED)), pushes.c.finished_at >= since)
    wrong = []
    for push_id, name, state in connection.execute(
        sa.select(pushes.c.id, pushes.c.name, pushes.c.state).where(ended).limit(MOST)
    ).all():
        found = books(connection, push_id)
        if not found.balanced or (state == FINISHED and found.open):
            wrong.append((push_id, name))
    return sorted(wrong)
