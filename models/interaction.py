"""Everything that was said to the account, once, with the words that answered it.

`record` writes many messages in one transaction. A retry is seen by its key and gets the stored words. How it stays right:

1. Known keys are read first; the rest are answered by their handlers and inserted with their answer in one go. When
   another process stored the same message meanwhile, the unique key refuses our whole transaction, handlers' writes
   included, and `record` is run again: now the message is known (`Again`).
2. A handler that raises spoils the transaction, so it too is run again, this time with `Care`: that handler is not called
   any more, each other has a savepoint, and only the messages whose handlers raised are stored as failed. Savepoints cost
   more than the rest of a message, so they are paid only then. The time that WeChat waits bounds all of it.
3. Handlers that need no database are called before the transaction (`look`), for on SQLite writers take turns and what
   is done within a turn is what bounds everybody. One that touches its connection is called again inside (`Later`), so a
   handler must not do anything lasting before its first statement.
4. Rows are written in the order of their keys: two processes that hold each other's retries wait, but never deadlock.
5. Who was read as a follower may have left through another process meanwhile. An unfollow locks the follower's row before
   it erases, so it sees what was said; what is said locks that row too and looks again: then the words are not kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from models.base import (
    MARIADB,
    STATEMENT_S,
    Connection,
    Id,
    OutOfTime,
    Store,
    Utc,
    Words,
    deadlocked,
    disconnected,
    hurry,
    metadata,
    timed_out,
)
from models.bulk import Bulk, moment, stamp
from models.follower import Follower, followers

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("dedupe_key", Id(64), nullable=False, unique=True),
    sa.Column("openid", Id(128), nullable=False),
    sa.Column("msg_type", Id(64), nullable=False),
    sa.Column("event", Id(64)),
    sa.Column("event_key", Words()),
    sa.Column("content", Words()),
    sa.Column("msg_id", Id(64)),
    sa.Column("sent_at", Utc()),
    sa.Column("received_at", Utc(), nullable=False),
    sa.Column("raw", Words()),
    sa.Column("reply", Words()),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("topic", Words()),  # what answered
    sa.Column("missed", sa.Boolean, nullable=False),  # its words found no answer
    sa.Index("ix_interactions_openid", "openid"),
    sa.Index("ix_interactions_received_at", "received_at"),
    **MARIADB,
)

ANSWERED, FAILED = "answered", "failed"
TRIES = 8
PATIENCE_S = 4.0  # of the five seconds that WeChat waits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


@dataclass(slots=True)
class Arrival:
    """A message on its way into the table, and what it says of its sender."""

    key: str
    openid: str
    msg_type: str
    event: str
    event_key: str
    content: str | None
    msg_id: str
    sent_at: datetime | None
    received_at: datetime
    raw: str
    message: Any = None  # as parsed, for the handler
    follows: bool | None = None  # True for a follow, False for an unfollow
    spoke: bool = False
    tapped: bool = False
    scene: str | None = None
    place: tuple[float, float] | None = None
    erases: str = ""  # the openid whose words must go
    personal: bool = True  # False: WeChat itself speaks (a job's result), and nobody was seen


class Outcome(NamedTuple):
    """What a handler made of an arrival. `reply` is the answer's XML before encryption, '' for none."""

    reply: str
    topic: str = ""
    missed: bool = False
    dialogue: str = ""
    state: str = ANSWERED


@dataclass(slots=True)
class Row:
    """An answered arrival, not yet written. `gone`: its words must not be kept."""

    arrival: Arrival
    outcome: Outcome
    gone: bool
    values: tuple[Any, ...] | None = None  # for the table, where they could be made before the transaction


@dataclass(slots=True)
class Draft:
    """A group of arrivals on its way: what is known of them, what was answered, and what still waits for its turn."""

    arrivals: Sequence[Arrival]
    replies: dict[str, str]
    people: dict[str, Follower]
    rows: dict[str, Row] = field(default_factory=dict)
    touched: dict[str, Follower] = field(default_factory=dict)
    later: list[Arrival] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)

    def follower(self, arrival: Arrival) -> Follower:
        """Who writes to us follows us, whatever we missed; only an unfollow says otherwise."""
        found = self.people.get(arrival.openid)
        if found is None:
            found = Follower(arrival.openid, True, arrival.received_at, arrival.received_at, is_new=True)
            self.people[arrival.openid] = found
        return found

    def wait(self, arrival: Arrival) -> None:
        """Answered in the transaction, as is everything that this person said after it."""
        self.later.append(arrival)
        self.waiting.update((arrival.openid, arrival.erases))

    def take(self, arrival: Arrival, follower: Follower, outcome: Outcome, gone: bool) -> None:
        """It is answered."""
        follower.dialogue = outcome.dialogue
        if arrival.personal:
            self.touched[arrival.openid] = follower
        self.replies[arrival.key] = outcome.reply
        self.rows[arrival.key] = Row(arrival, outcome, gone)


class Later(Exception):
    """A handler asked for the database before the transaction began; it is called again inside it."""


class NotYet:
    """Stands where the connection will be."""

    def __getattr__(self, name: str) -> Any:
        raise Later


NOT_YET: Any = NotYet()

Answer = Callable[[Connection, Arrival, Follower], Outcome]
Sorry = Callable[[Arrival, Exception], Outcome]

INTERACTION_COLUMNS = (
    "dedupe_key", "openid", "msg_type", "event", "event_key", "content", "msg_id", "sent_at", "received_at", "raw", "reply",
    "state", "topic", "missed",
)  # fmt: skip
FOLLOWER_COLUMNS = (
    "openid", "subscribed", "state_at", "subscribed_at", "unsubscribed_at", "scene", "first_seen_at", "last_seen_at",
    "spoke_at", "tapped_at", "dialogue", "place_x", "place_y", "place_at",
)  # fmt: skip
READ_COLUMNS = FOLLOWER_COLUMNS[
    :-3
]  # a place is written when it is told and never written back: it may be erased by then


UNDECIDED = (None, None, None)  # the table's own times of following stay as they are


def _with(at: str, column: str) -> tuple[str, str]:
    """The column goes with the newer of two times."""
    newer = f"{{new}}.{at} IS NOT NULL AND ({{old}}.{at} IS NULL OR {{new}}.{at} >= {{old}}.{at})"
    return column, f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


def _latest(column: str) -> tuple[str, str]:
    newer = f"{{old}}.{column} IS NULL OR {{new}}.{column} > {{old}}.{column}"
    return column, f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


class Recorder:
    """`record` for one kind of database, its statements ready."""

    def __init__(self, dialect: str) -> None:
        self._stamp = stamp(dialect)
        self._interactions = Bulk(interactions, INTERACTION_COLUMNS, dialect)
        self._followers = Bulk(followers, FOLLOWER_COLUMNS, dialect)
        plain = [(name, f"{{new}}.{name}") for name in ("scene", "dialogue")]
        times = ("last_seen_at", "spoke_at", "tapped_at", "subscribed_at", "unsubscribed_at")
        latest = [_latest(name) for name in times]
        placed = [_with("place_at", name) for name in ("place_x", "place_y", "place_at")]
        decided = [_with("state_at", name) for name in ("subscribed", "state_at")]
        self._followers.on_conflict("openid", [*plain, *latest, *placed, *decided])
        # Who was only heard keeps what an unfollow looks at: SQLite rewrites the index of a column that is set, also to itself.
        self._heard = Bulk(followers, FOLLOWER_COLUMNS, dialect)
        self._heard.on_conflict("openid", [*plain, *latest[:3], *placed])

    def record(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        answer: Answer,
        sorry: Sorry,
        care: Care | None = None,
    ) -> list[str]:
        """The reply of each arrival, in order, all of them stored when the transaction commits. Raises Again."""
        draft = self.look(connection, arrivals, None if care else answer)
        return self.write(connection, draft, answer, sorry, care)

    def look(self, connection: Connection, arrivals: Sequence[Arrival], answer: Answer | None) -> Draft:
        """Everything that only reads: the retries and followers that are known, and the handlers that need no database.
        On SQLite this goes before the writers' turn. Without `answer` every handler waits for `write`. Raises Again."""
        draft = Draft(arrivals, self._known(connection, arrivals), self._people(connection, arrivals))
        for arrival in arrivals:
            if arrival.key in draft.replies:
                continue
            if (
                answer is None
                or arrival.follows is False
                or arrival.erases
                or arrival.openid in draft.waiting
            ):
                draft.wait(arrival)
                continue
            follower = draft.follower(arrival)
            gone = _apply(arrival, follower)
            try:
                outcome = answer(NOT_YET, arrival, follower)
            except Later:
                draft.wait(arrival)
                continue
            except Exception as error:  # see 2. above
                raise Again(None, arrival.key, error) from error
            draft.take(arrival, follower, outcome, gone)
        for row in draft.rows.values():
            row.values = self._values(row)
        return draft

    def write(
        self, connection: Connection, draft: Draft, answer: Answer, sorry: Sorry, care: Care | None = None
    ) -> list[str]:
        """The handlers that waited, then all rows. Raises Again."""
        within = partial(self._careful, answer, sorry, care) if care else partial(self._quick, answer)
        try:
            if care:
                hurry(connection, care.left_s / 2)
            for arrival in draft.later:
                if arrival.key not in draft.replies:
                    self._late(connection, draft, arrival, within)
            if care:
                hurry(connection, STATEMENT_S)
            rows, touched = draft.rows, draft.touched
            self._interactions.insert(
                connection, [rows[key].values or self._values(rows[key]) for key in sorted(rows)]
            )
            for table, decided in ((self._followers, True), (self._heard, False)):
                some = [
                    self._follower_values(touched[each])
                    for each in sorted(touched)
                    if touched[each].decided is decided
                ]
                table.upsert(connection, some)
            self._check_still_here(connection, touched, care)
        except IntegrityError as error:
            raise Again(care) from error
        except OperationalError as error:
            if deadlocked(error):
                raise Again(care) from error
            raise
        return [draft.replies[arrival.key] for arrival in draft.arrivals]

    def _check_still_here(
        self, connection: Connection, touched: Mapping[str, Follower], care: Care | None
    ) -> None:
        """See 5. above. Raises Again when somebody has left since `look`."""
        here = [openid for openid, follower in touched.items() if follower.subscribed]
        if self._followers.select(connection, "openid", here, ("openid",), " AND subscribed = FALSE"):
            raise Again(care)

    def _late(self, connection: Connection, draft: Draft, arrival: Arrival, answer: Answer) -> None:
        follower = draft.follower(arrival)
        gone = _apply(arrival, follower)
        if arrival.follows is False:
            self._followers.upsert(connection, [self._follower_values(follower)])  # see 5. above
        for openid, until in _erasures(arrival, follower):
            erase(connection, openid, until)
            _forget(openid, until, draft.rows.values(), draft.people.get(openid))
        draft.take(arrival, follower, answer(connection, arrival, follower), gone)

    def _known(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, str]:
        keys = [arrival.key for arrival in arrivals]
        rows = self._interactions.select(connection, "dedupe_key", keys, ("dedupe_key", "reply"))
        return {key: reply or "" for key, reply in rows}

    def _people(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, Follower]:
        openids = list({arrival.openid for arrival in arrivals})
        rows = self._followers.select(connection, "openid", openids, READ_COLUMNS)
        return {row[0]: follower_of(row) for row in rows}

    @staticmethod
    def _quick(answer: Answer, connection: Connection, arrival: Arrival, follower: Follower) -> Outcome:
        try:
            return answer(connection, arrival, follower)
        except Exception as error:  # see 2. above
            _raise_if_nobodys_fault(error, None)
            raise Again(None, arrival.key, error) from error

    @staticmethod
    def _careful(
        answer: Answer,
        sorry: Sorry,
        care: Care,
        connection: Connection,
        arrival: Arrival,
        follower: Follower,
    ) -> Outcome:
        known = care.failed.get(arrival.key) or (OutOfTime() if care.left_s < 0 else None)
        if known is not None:
            return sorry(arrival, known)._replace(dialogue=follower.dialogue)
        savepoint = connection.begin_nested()
        try:
            outcome = answer(connection, arrival, follower)
        except Exception as error:
            _raise_if_nobodys_fault(error, care)
            if timed_out(error):  # it may have taken the savepoint with it
                raise Again(care, arrival.key, error) from error
            savepoint.rollback()
            return sorry(arrival, error)._replace(dialogue=follower.dialogue)
        savepoint.commit()
        return outcome

    def _values(self, row: Row) -> tuple[Any, ...]:
        arrival, outcome, gone = row.arrival, row.outcome, row.gone
        return (
            arrival.key,
            arrival.openid,
            arrival.msg_type,
            arrival.event or None,
            arrival.event_key or None,
            None if gone else arrival.content,
            arrival.msg_id or None,
            self._stamp(arrival.sent_at),
            self._stamp(arrival.received_at),
            None if gone else arrival.raw,
            None if gone else outcome.reply,
            outcome.state,
            outcome.topic or None,
            outcome.missed,
        )

    def _follower_values(self, f: Follower) -> tuple[Any, ...]:
        at = self._stamp
        place = f.place or (None, None, None)
        state = (at(f.state_at), at(f.subscribed_at), at(f.unsubscribed_at)) if f.decided else UNDECIDED
        return (
            f.openid, f.subscribed, *state, f.scene, at(f.first_seen_at), at(f.last_seen_at), at(f.spoke_at), at(f.tapped_at),
            f.dialogue or None, place[0], place[1], at(place[2]),
        )  # fmt: skip


def follower_of(row: Sequence[Any]) -> Follower:
    """The follower in a row of READ_COLUMNS."""
    values: Any = list(row)
    openid, subscribed, state, since, until, scene, first, last, spoke, tapped, dialogue = values
    follower = Follower(
        openid, bool(subscribed), moment(first) or EPOCH, moment(last) or EPOCH, moment(state)
    )
    follower.subscribed_at, follower.unsubscribed_at = moment(since), moment(until)
    follower.spoke_at, follower.tapped_at = moment(spoke), moment(tapped)
    follower.scene, follower.dialogue = scene, dialogue or ""
    return follower


def _raise_if_nobodys_fault(error: Exception, care: Care | None) -> None:
    """A handler may meet what is no fault of its own: another process's locks, a database that has gone."""
    if deadlocked(error):
        raise Again(care) from error
    if disconnected(error):
        raise error


def _apply(arrival: Arrival, follower: Follower) -> bool:
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
    if arrival.place is not None:
        follower.place = (*arrival.place, at)
    if arrival.follows is not None:
        follower.decide(arrival.follows, at)
    if arrival.follows is False:
        return True
    follower.last_seen_at = max(follower.last_seen_at, arrival.received_at)
    left = follower.unsubscribed_at
    return left is not None and (at < left or (at == left and not follower.subscribed))


def _erasures(arrival: Arrival, follower: Follower) -> list[tuple[str, datetime | None]]:
    """Whose words must go now, and up to when they were said (None: all of them)."""
    found: list[tuple[str, datetime | None]] = [(arrival.erases, None)] if arrival.erases else []
    if arrival.follows is False:  # one that a later follow has overtaken erases what went before it
        until = arrival.sent_at or arrival.received_at
        found.append((arrival.openid, until if follower.subscribed else None))
    return found


def _forget(openid: str, until: datetime | None, rows: Iterable[Row], follower: Follower | None) -> None:
    """The same as `erase` for what this transaction has in hand and not yet written."""
    for row in rows:
        if row.arrival.openid == openid and (
            until is None or row.arrival.sent_at is None or row.arrival.sent_at <= until
        ):
            row.gone, row.values = True, None
    if follower is None:
        return
    if until is None:
        follower.dialogue = ""
    if follower.place is not None and (until is None or follower.place[2] <= until):
        follower.place = None


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what a person said (until that time of WeChat's, or ever), where they were and what staff noted of them.
    The openid, the times and the deliveries' states stay: the books must balance (platform guide, 取消关注)."""
    said = sa.update(interactions).where(interactions.c.openid == openid)
    person = sa.update(followers).where(followers.c.openid == openid)
    placed = person
    if until is None:
        person = person.values(dialogue=None)
    else:
        said = said.where(sa.or_(interactions.c.sent_at <= until, interactions.c.sent_at.is_(None)))
        placed = placed.where(followers.c.place_at <= until)
    connection.execute(person.values(remark=None))
    connection.execute(placed.values(place_x=None, place_y=None, place_at=None))
    connection.execute(said.values(content=None, raw=None, reply=None))


def keep(
    store: Store, recorder: Recorder, arrivals: Sequence[Arrival], answer: Answer, sorry: Sorry
) -> list[str]:
    """`record` in transactions of its own until it stands. Raises what the database raises when it cannot be."""
    until = time.monotonic() + PATIENCE_S
    care: Care | None = None
    for _ in range(TRIES):
        try:
            with store.writing() as connection:
                return recorder.record(connection, arrivals, answer, sorry, care)
        except Again as again:
            care = again.care(until)
    raise OperationalError("record", None, TimeoutError("the same rows were contended too often"))
