"""What staff do to a push, typed or pressed: start it now, pause, go on, end it, call off the next time. Each is done in the caller's
transaction, which also writes down who did it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models import alarm, delivery, ledger, push
from models.base import Connection
from models.delivery import Books
from models.push import Plan


@dataclass(frozen=True, slots=True)
class Resumed:
    """What going on came to: a paused push goes on, or the next time is no longer called off (`back`, when it is due)."""

    going_on: bool = False
    back: datetime | None = None


def start(connection: Connection, plan: Plan, due_at: datetime, now: datetime) -> int | None:
    """Make it due then, as a person wants it: its number, None where one is under way already."""
    if push.latest(connection, plan.name, push.OPEN) is not None:
        return None
    number = push.owe(connection, plan, due_at, now, asked=True)
    if number is not None:
        alarm.clear(connection, f"missed {plan.name}", now)
    return number


def pause(connection: Connection, name: str, now: datetime, why: str) -> bool:
    """Stop it where it stands; False where nothing is under way."""
    standing = push.latest(connection, name, (push.DUE, push.SENDING))
    return standing is not None and push.pause(connection, standing.id, now, why)


def resume(connection: Connection, name: str, now: datetime) -> Resumed:
    """Go on where it stood, or take back that the next time was called off."""
    standing = push.latest(connection, name, (push.PAUSED,))
    if standing is not None and push.resume(connection, standing.id, now):
        alarm.clear(connection, f"paused {name}", now)
        return Resumed(going_on=True)
    return Resumed(back=push.take_back(connection, name, now))


def stop(connection: Connection, name: str, now: datetime, why: str) -> Books | None:
    """End it; what has gone out stays out. Its books, None where nothing is under way."""
    standing = push.latest(connection, name, push.OPEN)
    if standing is None:
        return None
    push.move(connection, standing.id, push.OPEN, push.CANCELLED, now, reason=why)
    ledger.call_off(connection, now)
    alarm.clear(connection, f"paused {name}", now)
    return delivery.books(connection, standing.id)


def call_off(connection: Connection, plan: Plan, due_at: datetime, now: datetime, why: str) -> bool:
    """Let it not go out at that time; False where that time has a row already."""
    return push.owe(connection, plan, due_at, now, push.CANCELLED, why) is not None
