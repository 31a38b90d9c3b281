"""A union's followers and pushes for the ledger's tests, and the one sentence that must hold after everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from spring_cast import NOON

from models import delivery, ledger, push
from models.base import Store
from models.delivery import deliveries
from models.follower import followers
from models.ledger import Outcome, Owed, Rules
from models.push import Occasion

TEN_MINUTES = timedelta(minutes=10)
TEMPLATE = Rules(lease=timedelta(minutes=2), remembers_for=TEN_MINUTES)
MASS = Rules(lease=timedelta(minutes=10), remembers_for=timedelta(hours=24), batch=10_000)
SERVICE = Rules(lease=timedelta(minutes=2))


def worker(number: int) -> str:
    """An openid like WeChat's: 28 characters, upper and lower case."""
    return f"oWorker{number:021d}"


def follow(store: Store, openids: Sequence[str], now: datetime = NOON, **columns: object) -> None:
    """These people follow the account."""
    row = {"subscribed": True, "state_at": now, "first_seen_at": now, "last_seen_at": now, **columns}
    with store.writing() as connection:
        connection.execute(followers.insert(), [{"openid": openid, **row} for openid in openids])


def leave(store: Store, openids: Sequence[str]) -> None:
    """These people stop following."""
    with store.writing() as connection:
        connection.execute(followers.update().where(followers.c.openid.in_(openids)).values(subscribed=False))


def begin(
    store: Store,
    recipients: Sequence[str | Owed],
    channel: str = "template",
    name: str = "spring/greeting",
    due_at: datetime = NOON,
    content: str = "{}",
) -> Occasion:
    """A push whose recipients are written down and that may be sent."""
    with store.writing() as connection:
        plan = push.Plan(name, channel, "all", content)
        push_id = push.owe(connection, plan, due_at, due_at)
        assert push_id is not None
        found = push.get(connection, push_id)
        assert found is not None
        owed = [one if isinstance(one, Owed) else Owed(one) for one in recipients]
        assert ledger.plan(connection, found, owed, "", "end", due_at)
        assert ledger.planned(connection, push_id, due_at) == len(owed)
    return at(store, push_id)


def at(store: Store, push_id: int) -> Occasion:
    """The push as it stands now."""
    with store.reading() as connection:
        found = push.get(connection, push_id)
    assert found is not None
    return found


def take(
    store: Store,
    occasion: Occasion,
    wanted: int = 8,
    holder: str = "ada",
    now: datetime = NOON,
    rules: Rules = TEMPLATE,
) -> list[ledger.Claimed]:
    """A worker claims some rows."""
    with store.writing() as connection:
        return ledger.claim(connection, occasion, wanted, holder, rules, now)


def settle(store: Store, outcome: Outcome, holder: str = "ada", now: datetime = NOON) -> int:
    """A worker says what became of its rows; how many it still held."""
    with store.writing() as connection:
        return ledger.settle(connection, holder, [outcome], now)


def states(store: Store, push_id: int) -> dict[str, int]:
    """How many rows of a push are in which state."""
    with store.reading() as connection:
        query = sa.select(deliveries.c.state, sa.func.count()).where(deliveries.c.push_id == push_id)
        rows = connection.execute(query.group_by(deliveries.c.state)).all()
    return {state: number for state, number in rows}  # noqa: C416 - a row is no pair to the type checker


def rows(store: Store, push_id: int) -> list[sa.Row]:  # type: ignore[type-arg]
    """Every row of a push, in the order in which it was written down."""
    with store.reading() as connection:
        mine = deliveries.c.push_id == push_id
        return list(connection.execute(sa.select(deliveries).where(mine).order_by(deliveries.c.id)).all())


def assert_books_balance(store: Store, push_id: int) -> delivery.Books:
    """sent + failed + skipped + unknown + open = audience, and finished only when nothing is open."""
    with store.reading() as connection:
        books = delivery.books(connection, push_id)
        occasion = push.get(connection, push_id)
    assert books.balanced, books
    assert occasion is not None
    if occasion.state == push.FINISHED:
        assert books.open == 0, books
    return books
