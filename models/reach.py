"""How far a campaign's edition reached, day by day (Shanghai): delivered, opened, taken part, finished. Counts only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ground.days import SHANGHAI
from models import delivery, view
from models.base import Connection, Store, make_engine
from models.draft import drafts
from models.edition import Edition
from models.entry import entries
from models.interaction import interactions
from models.push import pushes

STATEMENT_S = 300.0
BEFORE = timedelta(days=7)  # a push of its own may announce it


@dataclass(slots=True)
class Day:
    """One day of Shanghai, as 2027-02-21."""

    day: str
    delivered: int = 0  # copies of its pushes that arrived
    pages: int = 0  # times that its page was opened
    taps: int = 0  # times that it was shown in the chat
    people: int = 0  # who took part for the first time
    chat: int = 0  # times that somebody finished, by door
    page: int = 0

    @property
    def opened(self) -> int:
        """Times that somebody looked at it."""
        return self.pages + self.taps


@dataclass(frozen=True, slots=True)
class Reach:
    """Every day on which something happened, and how many people are in the middle of the form now."""

    days: tuple[Day, ...] = ()
    unfinished: int = 0

    def on(self, day: str) -> Day:
        """What happened on that day."""
        return next((one for one in self.days if one.day == day), Day(day))


class _Days(dict[str, Day]):
    def __missing__(self, day: str) -> Day:
        return self.setdefault(day, Day(day))


def of(store: Store, edition: Edition) -> Reach:
    """The reach of this edition. It reads every message of its days, which takes its time in a large account."""
    engine = make_engine(store.url, writes=False, statement_s=STATEMENT_S, keyring=store.keyring)
    days = _Days()
    try:
        with engine.connect() as connection, connection.begin():
            _delivered(connection, edition, days)
            for day, times in view.by_day(connection, edition.id).items():
                days[day].pages = times
            for day, times in _tapped(connection, edition):
                days[day].taps = times
            for day, times in _first(connection, edition):
                days[day].people = times
            for day, door, times in _finished(connection, edition):
                setattr(days[day], door, times)
            unfinished = sa.select(sa.func.count()).where(drafts.c.edition_id == edition.id)
            ordered = tuple(days[day] for day in sorted(days))
            return Reach(ordered, int(connection.execute(unfinished).scalar_one()))
    finally:
        engine.dispose()


def announced(edition: Edition) -> sa.ColumnElement[bool]:
    """The pushes that tell of this edition."""
    return sa.and_(
        pushes.c.name.like(f"{edition.campaign}/%"),
        pushes.c.name.not_like("%:%"),  # a notice of a deed tells, and brings nobody
        pushes.c.due_at >= edition.opens_at - BEFORE,
        pushes.c.due_at < edition.closes_at,
    )


def delivered(connection: Connection, edition: Edition) -> int:
    """How many copies of its pushes arrived."""
    days = _Days()
    _delivered(connection, edition, days)
    return sum(day.delivered for day in days.values())


def _delivered(connection: Connection, edition: Edition, days: _Days) -> None:
    here = announced(edition)
    for push_id, due_at in connection.execute(sa.select(pushes.c.id, pushes.c.due_at).where(here)).all():
        books = delivery.books(connection, push_id)
        arrived = books.told.get("sent", 0) if books.whole else books.sent
        days[f"{due_at.astimezone(SHANGHAI):%Y-%m-%d}"].delivered += arrived


def _tapped(connection: Connection, edition: Edition) -> Iterable[tuple[str, int]]:
    i, day = interactions.c, _day(connection, interactions.c.received_at)
    names = [f"card:{edition.campaign}", f"campaign:{edition.campaign}"]
    shown = sa.or_(i.topic.in_(names), *(i.topic.like(f"{name}{mark}%") for name in names for mark in "?#"))
    here = sa.and_(i.received_at >= edition.opens_at, i.received_at < edition.closes_at, shown)
    query = sa.select(day, sa.func.count()).where(here).group_by(day)
    return [(row[0], row[1]) for row in connection.execute(query)]


def _first(connection: Connection, edition: Edition) -> Iterable[tuple[str, int]]:
    """Who was erased counts as somebody each time."""
    whose = sa.func.coalesce(entries.c.openid, sa.cast(entries.c.id, sa.String(32)))
    first = sa.func.min(entries.c.received_at).label("first")
    people = sa.select(first).where(entries.c.edition_id == edition.id).group_by(whose).subquery()
    day = _day(connection, people.c.first)
    return [(row[0], row[1]) for row in connection.execute(sa.select(day, sa.func.count()).group_by(day))]


def _finished(connection: Connection, edition: Edition) -> Iterable[tuple[str, str, int]]:
    day = _day(connection, entries.c.received_at)
    query = sa.select(day, entries.c.door, sa.func.count()).where(entries.c.edition_id == edition.id)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.group_by(day, entries.c.door))]


def _day(connection: Connection, at: sa.ColumnElement[datetime]) -> sa.ColumnElement[str]:
    """The day of Shanghai, which has been eight hours before Greenwich since 1991."""
    match connection.dialect.name:
        case "sqlite":
            return sa.func.strftime("%Y-%m-%d", at, "+8 hours", type_=sa.String())
        case "postgresql":
            return sa.func.to_char(sa.func.timezone("Asia/Shanghai", at), "YYYY-MM-DD", type_=sa.String())
        case _:
            return sa.func.date_format(at + sa.text("INTERVAL 8 HOUR"), "%Y-%m-%d", type_=sa.String())
