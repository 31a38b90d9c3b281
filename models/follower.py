"""Followers: who follows, since when, when they last spoke, and where they stand in the numbered dialogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata

DIFFERS = "followers differ"  # the alarm: WeChat counts others than we do
MANY = 500  # people in one statement

followers = sa.Table(
    "followers",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("subscribed", sa.Boolean, nullable=False),
    sa.Column("state_at", Utc()),  # CreateTime of the follow or unfollow that decided `subscribed`
    sa.Column("subscribed_at", Utc()),
    sa.Column("unsubscribed_at", Utc()),
    sa.Column("scene", Words()),  # of the QR code scanned last
    sa.Column("first_seen_at", Utc(), nullable=False),
    sa.Column("last_seen_at", Utc(), nullable=False),
    sa.Column("spoke_at", Utc()),  # opens the customer-service window of 48 hours
    sa.Column("tapped_at", Utc()),  # a tap, a scan or a follow: opens the one of one minute
    sa.Column("dialogue", Words()),
    sa.Column("remark", Words()),
    sa.Column("latest", Number()),  # on SQLite: the newest interaction; see models/recording/thread.py
    sa.Index("ix_followers_subscribed", "subscribed", "openid"),
    # On PostgreSQL room for a row's next version beside it: then no index of it changes.
    postgresql_with={"fillfactor": 70},
    **MARIADB,
)


@dataclass(slots=True)
class Follower:
    """One follower as a message's handling sees and changes it; `save` writes what changed."""

    openid: str
    subscribed: bool
    first_seen_at: datetime
    last_seen_at: datetime
    state_at: datetime | None = None
    subscribed_at: datetime | None = None
    unsubscribed_at: datetime | None = None
    scene: str | None = None
    spoke_at: datetime | None = None
    tapped_at: datetime | None = None
    dialogue: str = ""
    is_new: bool = False
    decided: bool = False  # a follow or unfollow in hand changed it

    def decide(self, subscribed: bool, at: datetime) -> bool:
        """Follow or unfollow as of `at` (WeChat's time). The latest decides, ties by arrival; says whether it did."""
        self.decided = True  # also by one that comes late: its own time is new
        if subscribed:
            self.subscribed_at = max(self.subscribed_at or at, at)
        else:
            self.unsubscribed_at = max(self.unsubscribed_at or at, at)
        if self.state_at is not None and at < self.state_at:
            return False
        self.state_at = at
        self.subscribed = subscribed or any(heard and heard > at for heard in (self.spoke_at, self.tapped_at))
        return True

    def hear(self, at: datetime) -> None:
        """Who is heard of later than they left follows again: of that follow we never heard."""
        if not self.subscribed and self.unsubscribed_at is not None and at > self.unsubscribed_at:
            self.subscribed = self.decided = True


def come_back(connection: Connection, openid: str, at: datetime) -> None:
    """They were heard of at that time, later than they left: they follow."""
    left = sa.and_(followers.c.subscribed.is_(False), followers.c.unsubscribed_at < at)
    connection.execute(sa.update(followers).where(followers.c.openid == openid, left).values(subscribed=True))


def follows(connection: Connection, openid: str) -> bool:
    """Whether this person follows, as far as we heard."""
    query = sa.select(followers.c.subscribed).where(followers.c.openid == openid)
    return bool(connection.execute(query).scalar())


def stays(connection: Connection, openid: str) -> bool:
    """Hold this person's row until the transaction ends, as a message of theirs does, so that nothing is written of somebody who is
    being forgotten meanwhile; whether they have not left. Who was never heard of has not."""
    mine = followers.c.openid == openid
    connection.execute(followers.update().where(mine).values(openid=followers.c.openid))
    return connection.execute(sa.select(followers.c.subscribed).where(mine)).scalar() is not False


def gone(connection: Connection, openids: Sequence[str]) -> set[str]:
    """Who of these has left; whom we never heard of has not."""
    found: set[str] = set()
    for start in range(0, len(openids), MANY):
        these = followers.c.openid.in_(openids[start : start + MANY])
        found.update(
            connection.execute(sa.select(followers.c.openid).where(these, ~followers.c.subscribed)).scalars()
        )
    return found


def count(connection: Connection) -> int:
    """How many follow the account, as far as we know."""
    query = sa.select(sa.func.count()).select_from(followers).where(followers.c.subscribed)
    return int(connection.execute(query).scalar_one())


def take_in(connection: Connection, people: Mapping[str, datetime], now: datetime) -> int:
    """Write down that these people follow, each since the time that WeChat tells; how many that was news for.

    The later decides, as with messages: who left after that time has left."""
    known = _known(connection, list(people))
    new = [openid for openid in people if openid not in known]
    again = [
        openid
        for openid, (subscribed, state_at) in known.items()
        if not subscribed and (state_at is None or state_at < people[openid])
    ]
    rows = [
        {"openid": openid, "subscribed": True, "state_at": people[openid], "subscribed_at": people[openid],
         "first_seen_at": now, "last_seen_at": now}
        for openid in new
    ]  # fmt: skip
    if rows:
        try:
            with connection.begin_nested():
                connection.execute(followers.insert(), rows)
        except IntegrityError:  # one of them spoke in this very moment
            return take_in(connection, people, now)
    for openid in again:
        values = {"subscribed": True, "state_at": people[openid], "subscribed_at": people[openid]}
        connection.execute(followers.update().where(followers.c.openid == openid).values(values))
    return len(new) + len(again)


def _known(connection: Connection, openids: Sequence[str]) -> dict[str, tuple[bool, datetime | None]]:
    found: dict[str, tuple[bool, datetime | None]] = {}
    for start in range(0, len(openids), MANY):
        columns = (followers.c.openid, followers.c.subscribed, followers.c.state_at)
        query = sa.select(*columns).where(followers.c.openid.in_(openids[start : start + MANY]))
        found |= {row.openid: (row.subscribed, row.state_at) for row in connection.execute(query)}
    return found
