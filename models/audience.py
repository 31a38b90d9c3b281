"""Whom an audience means among the followers, as one condition of the database: read in order, a portion at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from ground.audience import Both, Either, Not, Those, Whom, edition, span
from ground.days import SHANGHAI
from models.base import Connection
from models.binding import bindings
from models.edition import ANNULLED, editions
from models.entry import entries
from models.follower import followers
from models.scope import within
from models.union import unions

STRETCH = 5000  # followers that one statement looks at
KEPT_HERE = (
    "all",
    "active",
    "window",
    "joined",
    "union",
    "members",
)  # the kinds of people whom our tables know


@dataclass(frozen=True, slots=True)
class Frame:
    """What a condition is frozen with: the moment, how long a follower's words may be answered, the editions by name, and
    the unions' paths by code."""

    at: datetime
    window: timedelta
    editions: Mapping[str, int]
    unions: Mapping[str, str] = field(default_factory=dict)


def edition_of(connection: Connection, name: str) -> int | None:
    """The edition that `joined:NAME` means: the newest, or the newest that opened in that year. None where there is none."""
    campaign, year = edition(name)
    mine = sa.and_(editions.c.campaign == campaign, editions.c.state != ANNULLED)
    if year is not None:
        first, last = (datetime(each, 1, 1, tzinfo=SHANGHAI).astimezone(UTC) for each in (year, year + 1))
        mine = sa.and_(mine, editions.c.opens_at >= first, editions.c.opens_at < last)
    newest = sa.select(editions.c.id).where(mine).order_by(editions.c.opens_at.desc()).limit(1)
    return connection.execute(newest).scalar()


def condition(whom: Whom, frame: Frame) -> sa.ColumnElement[bool]:
    """Which followers these are; only kinds that are kept here."""
    if isinstance(whom, Not):
        return sa.not_(condition(whom.those, frame))
    if isinstance(whom, Both):
        return sa.and_(*(condition(part, frame) for part in whom.parts))
    if isinstance(whom, Either):
        return sa.or_(*(condition(part, frame) for part in whom.parts))
    return _those(whom, frame)


def _those(whom: Those, frame: Frame) -> sa.ColumnElement[bool]:
    if whom.kind == "joined":
        here = sa.and_(
            entries.c.edition_id == frame.editions[whom.of], entries.c.openid == followers.c.openid
        )
        return sa.exists().where(here)
    if whom.kind == "members":
        return sa.exists().where(bindings.c.openid == followers.c.openid, bindings.c.member_id.is_not(None))
    if whom.kind == "union":
        return sa.exists().where(
            bindings.c.openid == followers.c.openid,
            bindings.c.union_id == unions.c.id,
            within(unions.c.path, frame.unions[whom.of]),
        )
    if whom.kind == "all":
        return sa.true()
    if whom.kind == "window":
        return _since(followers.c.spoke_at, frame.at - frame.window)
    since = frame.at - span(whom.of)
    return sa.or_(_since(followers.c.spoke_at, since), _since(followers.c.tapped_at, since))


def _since(column: sa.Column[datetime], since: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(column.is_not(None), column > since)  # never NULL, so that `not` means the others


def following(connection: Connection, wanted: sa.ColumnElement[bool], after: str) -> tuple[list[str], str]:
    """The wanted openids among the next STRETCH of those who follow the account, in the order of their bytes, and where that
    stretch ends ("" where it is the last): no statement grows with the number of followers."""
    ahead = sa.and_(followers.c.subscribed, followers.c.openid > after)
    last = sa.select(followers.c.openid).where(ahead).order_by(followers.c.openid)
    end = connection.execute(last.offset(STRETCH - 1).limit(1)).scalar()
    here = ahead if end is None else sa.and_(ahead, followers.c.openid <= end)
    query = sa.select(followers.c.openid).where(here, wanted).order_by(followers.c.openid)
    return list(connection.execute(query).scalars()), end or ""
