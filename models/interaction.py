"""Everything that was said to the account, once, with the words that answered it.

`record` writes many messages in one transaction. A retry is seen by its key and gets the stored words. How it stays right:

1. Known keys are read first; the rest are answered by their handlers and inserted with their answer in one go. When
   another process stored the same message meanwhile, the unique key refuses our whole transaction, handlers' writes
   included, and `record` is run again: now the message is known (`Again`).
2. A handler that raises spoils the transaction, so it too is run again, this time `careful`: one savepoint per message,
   and only the message whose handler raised is stored as failed. Savepoints cost more than the rest of a message, so
   they are paid only then.
3. Handlers that need no database are called before the transaction (`look`), for on SQLite writers take turns and what
   is done within a turn is what bounds everybody. One that touches its connection is called again inside (`Later`), so a
   handler must not do anything lasting before its first statement.
4. Rows are written in the order of their keys: two processes that hold each other's retries wait, but never deadlock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from models.base import MARIADB, Connection, Id, Store, Utc, Words, metadata
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
TRIES = 6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Again(Exception):
    """The transaction must be rolled back and run again, `careful` if it says so."""

    def __init__(self, careful: bool) -> None:
        super().__init__()
        self.careful = careful


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


@dataclass(frozen=True, slots=True)
class Outcome:
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
        self.waiting.add(arrival.openid)

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
DECIDED = "{new}.state_at IS NOT NULL AND ({old}.state_at IS NULL OR {new}.state_at >= {old}.state_at)"


def _if_decided(column: str) -> tuple[str, str]:
    return column, f"CASE WHEN {DECIDED} THEN {{new}}.{column} ELSE {{old}}.{column} END"


def _latest(column: str) -> tuple[str, str]:
    newer = f"{{old}}.{column} IS NULL OR {{new}}.{column} > {{old}}.{column}"
    return column, f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


class Recorder:
    """`record` for one kind of database, its statements ready."""

    def __init__(self, dialect: str) -> None:
        self._stamp = stamp(dialect)
        self._interactions = Bulk(interactions, INTERACTION_COLUMNS, dialect)
        self._followers = Bulk(followers, FOLLOWER_COLUMNS, dialect)
        plain = [
            (name, f"{{new}}.{name}") for name in ("scene", "dialogue", "place_x", "place_y", "place_at")
        ]
        latest = [_latest(name) for name in ("last_seen_at", "spoke_at", "tapped_at")]
        decided = [
            _if_decided(name) for name in ("subscribed", "subscribed_at", "unsubscribed_at", "state_at")
        ]
        self._followers.on_conflict("openid", [*plain, *latest, *decided])

    def record(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        answer: Answer,
        sorry: Sorry,
        careful: bool = False,
    ) -> list[str]:
        """The reply of each arrival, in order, all of them stored when the transaction commits. Raises Again."""
        draft = self.look(connection, arrivals, None if careful else answer)
        return self.write(connection, draft, answer, sorry, careful)

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
                raise Again(careful=True) from error
            draft.take(arrival, follower, outcome, gone)
        return draft

    def write(
        self, connection: Connection, draft: Draft, answer: Answer, sorry: Sorry, careful: bool = False
    ) -> list[str]:
        """The handlers that waited, then all rows. Raises Again."""
        try:
            for arrival in draft.later:
                if arrival.key not in draft.replies:
                    self._late(connection, draft, arrival, partial(self._answer, answer, sorry, careful))
            rows, touched = draft.rows, draft.touched
            self._interactions.insert(connection, [self._values(rows[key]) for key in sorted(rows)])
            self._followers.upsert(
                connection, [self._follower_values(touched[each]) for each in sorted(touched)]
            )
        except IntegrityError as error:
            raise Again(careful=careful) from error
        except OperationalError as error:
            if "eadlock" in str(error.orig):
                raise Again(careful=careful) from error
            raise
        return [draft.replies[arrival.key] for arrival in draft.arrivals]

    def _late(self, connection: Connection, draft: Draft, arrival: Arrival, answer: Answer) -> None:
        follower = draft.follower(arrival)
        gone = _apply(arrival, follower)
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
        rows = self._followers.select(connection, "openid", openids, FOLLOWER_COLUMNS)
        return {row[0]: _follower(row) for row in rows}

    def _answer(
        self,
        answer: Answer,
        sorry: Sorry,
        careful: bool,
        connection: Connection,
        arrival: Arrival,
        follower: Follower,
    ) -> Outcome:
        if not careful:
            try:
                return answer(connection, arrival, follower)
            except Exception as error:  # see 2. above
                raise Again(careful=True) from error
        savepoint = connection.begin_nested()
        try:
            outcome = answer(connection, arrival, follower)
        except Exception as error:  # noqa: BLE001 - the one place that turns a handler's bug into plain words
            savepoint.rollback()
            return sorry(arrival, error)
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
        return (
            f.openid, f.subscribed, at(f.state_at), at(f.subscribed_at), at(f.unsubscribed_at), f.scene, at(f.first_seen_at),
            at(f.last_seen_at), at(f.spoke_at), at(f.tapped_at), f.dialogue or None, place[0], place[1], at(place[2]),
        )  # fmt: skip


def _follower(row: Sequence[Any]) -> Follower:
    values: Any = list(row)
    openid, subscribed, state, since, until, scene, first, last, spoke, tapped, dialogue, x, y, at = values
    follower = Follower(
        openid, bool(subscribed), moment(first) or EPOCH, moment(last) or EPOCH, moment(state)
    )
    follower.subscribed_at, follower.unsubscribed_at = moment(since), moment(until)
    follower.spoke_at, follower.tapped_at = moment(spoke), moment(tapped)
    follower.scene, follower.dialogue = scene, dialogue or ""
    placed = moment(at)
    if placed is not None:
        follower.place = (x, y, placed)
    return follower


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
    return not follower.subscribed and follower.state_at is not None and at <= follower.state_at


def _erasures(arrival: Arrival, follower: Follower) -> list[tuple[str, datetime | None]]:
    """Whose words must go now, and up to when they were said (None: all of them)."""
    found: list[tuple[str, datetime | None]] = [(arrival.erases, None)] if arrival.erases else []
    if arrival.follows is False:  # one that a later follow has overtaken erases what went before it
        found.append((arrival.openid, arrival.sent_at if follower.subscribed else None))
    return found


def _forget(openid: str, until: datetime | None, rows: Iterable[Row], follower: Follower | None) -> None:
    """The same as `erase` for what this transaction has in hand and not yet written."""
    for row in rows:
        if row.arrival.openid == openid and (
            until is None or row.arrival.sent_at is None or row.arrival.sent_at <= until
        ):
            row.gone = True
    if follower is not None and until is None:
        follower.dialogue, follower.place = "", None


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what a person said (until that time of WeChat's, or ever), where they were and what staff noted of them.
    The openid, the times and the deliveries' states stay: the books must balance (platform guide, 取消关注)."""
    said = (
        sa.update(interactions)
        .where(interactions.c.openid == openid)
        .values(content=None, raw=None, reply=None)
    )
    if until is not None:
        said = said.where(sa.or_(interactions.c.sent_at <= until, interactions.c.sent_at.is_(None)))
    connection.execute(said)
    if until is None:
        blank = {"place_x": None, "place_y": None, "place_at": None, "remark": None, "dialogue": None}
        connection.execute(sa.update(followers).where(followers.c.openid == openid).values(blank))


def keep(
    store: Store, recorder: Recorder, arrivals: Sequence[Arrival], answer: Answer, sorry: Sorry
) -> list[str]:
    """`record` in transactions of its own until it stands. Raises what the database raises when it cannot be."""
    careful = False
    for _ in range(TRIES):
        try:
            with store.writing() as connection:
                return recorder.record(connection, arrivals, answer, sorry, careful)
        except Again as again:
            careful = again.careful
    raise OperationalError("record", None, TimeoutError("the same rows were contended too often"))
