"""Messages that are answered inside the transaction: by whom, with what care, and what an unfollow among them means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from models.base import Connection, OutOfTime, deadlocked, disconnected, timed_out
from models.batch import Batch
from models.follower import Follower
from models.interaction import Arrival, Handled


@dataclass(frozen=True, slots=True)
class Care:
    """How a group is run again after a handler raised, or in a hurry from the start. `failed`: whose handler raised, and
    what; `until` (monotonic): what is not answered by then is told that the system is busy."""

    until: float
    failed: Mapping[str, Exception] = field(default_factory=dict)

    def blaming(self, key: str, error: Exception) -> Care:
        return Care(self.until, {**self.failed, key: error})

    @property
    def left_s(self) -> float:
        return self.until - time.monotonic()


class Again(Exception):
    """The transaction must be rolled back and run again; when a handler raised, with care for it."""

    def __init__(self, care: Care | None, key: str = "", error: Exception | None = None) -> None:
        super().__init__()
        self._care, self._key, self._error = care, key, error

    @property
    def slow(self) -> bool:
        """Whether a handler's statement took too long."""
        return self._error is not None and timed_out(self._error)

    def care(self, until: float) -> Care | None:
        """The care to take. `until` is for the first time that it is taken."""
        if self._error is None:
            return self._care
        return (self._care or Care(until)).blaming(self._key, self._error)


class Later(BaseException):
    """A handler asked for the database or its follower before the transaction began; it is called again inside it. No
    Exception: a handler that answers for its own faults must not answer for this one."""


class NotYet:
    """Stands where the connection and the follower will be."""

    def __getattr__(self, name: str) -> Any:
        raise Later

    def __setattr__(self, name: str, value: Any) -> None:
        raise Later


NOT_YET: Any = NotYet()


class Answers(Protocol):
    """Who answers a message, and what is said and stored when that raised."""

    def gather(
        self, connection: Connection, rows: Sequence[Arrival], people: Mapping[str, Follower]
    ) -> Batch:
        """What these messages are answered with together."""
        ...

    def handle(
        self, connection: Connection, row: Arrival, follower: Follower, batch: Batch | None = None
    ) -> Handled: ...

    def sorry(self, row: Arrival, error: Exception) -> Handled: ...

    def arrival(self, raw: str, received_at: datetime) -> Arrival:
        """The message of a `Ready` as it came, to be answered inside."""
        ...


Answer = Callable[[Connection, Arrival, Follower], Handled]


@dataclass(slots=True)
class PendingRow:
    """An arrival answered inside the transaction and not yet written. `gone`: its words must not be kept."""

    arrival: Arrival
    handled: Handled
    gone: bool


@dataclass(slots=True)
class Pending:
    """The arrivals that are answered inside, on their way: what is known of their senders, and what was answered."""

    people: dict[str, Follower]
    rows: dict[str, PendingRow] = field(default_factory=dict)
    touched: dict[str, Follower] = field(default_factory=dict)

    def follower(self, arrival: Arrival) -> Follower:
        """Who writes to us follows us, whatever we missed; only an unfollow says otherwise."""
        found = self.people.get(arrival.openid)
        if found is None:
            found = Follower(arrival.openid, True, arrival.received_at, arrival.received_at, is_new=True)
            self.people[arrival.openid] = found
        return found

    def take(self, arrival: Arrival, follower: Follower, handled: Handled, gone: bool) -> None:
        """It is answered."""
        follower.dialogue = handled.dialogue or follower.dialogue
        if arrival.personal:
            self.touched[arrival.openid] = follower
        self.rows[arrival.key] = PendingRow(arrival, handled, gone)


def gathered(
    answers: Answers, connection: Connection, rows: Sequence[Arrival], people: Mapping[str, Follower]
) -> Batch:
    """What these messages are answered with together. Raises Again when that could not be read: then each is answered alone."""
    try:
        return answers.gather(connection, rows, people)
    except Exception as error:
        _raise_if_nobodys_fault(error, None)
        raise Again(None) from error


def quick(
    answers: Answers, batch: Batch | None, connection: Connection, arrival: Arrival, follower: Follower
) -> Handled:
    """The answer without a savepoint. Raises Again when the handler raised."""
    try:
        return answers.handle(connection, arrival, follower, batch)
    except Exception as error:  # see 5. above
        _raise_if_nobodys_fault(error, None)
        raise Again(None, arrival.key, error) from error


def careful(
    answers: Answers, care: Care, connection: Connection, arrival: Arrival, follower: Follower
) -> Handled:
    """The answer within a savepoint; an apology where the handler raises, or has no time left. Raises Again."""
    known = care.failed.get(arrival.key) or (OutOfTime() if care.left_s < 0 else None)
    if known is not None:
        return answers.sorry(arrival, known)
    savepoint = connection.begin_nested()
    try:
        handled = answers.handle(connection, arrival, follower)
    except Exception as error:
        _raise_if_nobodys_fault(error, care)
        if timed_out(error):  # it may have taken the savepoint with it
            raise Again(care, arrival.key, error) from error
        savepoint.rollback()
        return answers.sorry(arrival, error)
    savepoint.commit()
    return handled


def _raise_if_nobodys_fault(error: Exception, care: Care | None) -> None:
    """A handler may meet what is no fault of its own: another process's locks, a database that has gone."""
    if deadlocked(error):
        raise Again(care) from error
    if disconnected(error):
        raise error


def apply(arrival: Arrival, follower: Follower) -> bool:
    """What the arrival says of its sender. True when its own words must not be kept: they were said before an unfollow."""
    if not arrival.personal:
        return False
    at = arrival.sent_at or arrival.received_at
    if arrival.spoke:
        follower.spoke_at = max(follower.spoke_at or at, at)
    if arrival.tapped:
        follower.tapped_at = max(follower.tapped_at or at, at)
    if arrival.scene is not None:
        follower.scene = arrival.scene
    if arrival.follows is not None:
        follower.decide(arrival.follows, at)
    if arrival.follows is False:
        return True
    follower.hear(at)
    follower.last_seen_at = max(follower.last_seen_at, arrival.received_at)
    left = follower.unsubscribed_at
    return left is not None and (at < left or (at == left and not follower.subscribed))


def erasures(arrival: Arrival, follower: Follower) -> list[tuple[str, datetime | None]]:
    """Whose words must go now, and up to when they were said (None: all of them)."""
    found: list[tuple[str, datetime | None]] = [(arrival.erases, None)] if arrival.erases else []
    if arrival.follows is False:  # one that a later follow has overtaken erases what went before it
        until = arrival.sent_at or arrival.received_at
        found.append((arrival.openid, until if follower.subscribed else None))
    return found


def forget(
    openid: str, until: datetime | None, rows: Iterable[PendingRow], follower: Follower | None
) -> None:
    """The same as `erase` for what this transaction has in hand and not yet written."""
    for row in rows:
        if row.arrival.openid == openid and (
            until is None or row.arrival.sent_at is None or row.arrival.sent_at <= until
        ):
            row.gone = True
    if follower is not None and until is None:
        follower.dialogue = ""
