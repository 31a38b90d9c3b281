"""Everything that was said to the account, once, with the words that answered it.

`record` writes many messages in one transaction. A retry is seen by its key and gets the stored words. How it stays right:

1. A handler that needs neither the database nor what is known of the sender is called before the transaction; its message
   comes here `Ready`, as the rows that it becomes. All others are answered inside, one after the other.
2. Who wrote is written first, in the order of the openids, and what they said after it, in the order of the keys: two
   processes that hold each other's retries wait, but never deadlock. Once a person's row is ours, so is the order of what
   they say and of their leaving: an unfollow that came before is seen here, and their words are not kept; one that comes
   after waits for us, and erases them.
3. A group of `Ready` messages is written without asking which are known. When one was stored before, the unique key refuses
   our whole transaction and `record` is run again, asking first (`Again`). Whoever is answered inside is asked for first:
   a handler must not act twice.
4. Who is filling in a form stands there in their row; what they say, ready or not, is answered inside.
5. A handler that raises spoils the transaction, so it too is run again, this time with `Care`: that handler is not called
   any more, each other has a savepoint, and only the messages whose handlers raised are stored as failed. Savepoints cost
   more than the rest of a message, so they are paid only then. The time that WeChat waits bounds all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sqlalchemy.exc import IntegrityError, OperationalError

from models.base import STATEMENT_S, Connection, OutOfTime, deadlocked, disconnected, hurry, timed_out
from models.follower import Follower, followers
from models.holder import erase
from models.interaction import ANONYMOUS, NO_TIME, Arrival, Outcome, interactions
from models.recording.bulk import Bulk, Rules, moment, stamp


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

    def handle(self, connection: Connection, row: Arrival, follower: Follower) -> Outcome: ...

    def sorry(self, row: Arrival, error: Exception) -> Outcome: ...

    def arrival(self, raw: str, received_at: datetime) -> Arrival:
        """The message of a `Ready` as it came, to be answered inside."""
        ...


Answer = Callable[[Connection, Arrival, Follower], Outcome]

INTERACTION_COLUMNS = (
    "dedupe_key", "openid", "msg_type", "event", "event_key", "content", "msg_id", "sent_at", "received_at", "raw", "reply",
    "state", "topic", "missed",
)  # fmt: skip
# What is said of somebody who was only heard; and what a follow or an unfollow says besides.
HEARD_COLUMNS = (
    "openid", "scene", "first_seen_at", "last_seen_at", "spoke_at", "tapped_at", "dialogue",
)  # fmt: skip
FOLLOWER_COLUMNS = (
    "openid",
    "subscribed",
    "state_at",
    "subscribed_at",
    "unsubscribed_at",
    *HEARD_COLUMNS[1:],
)
CONTENT, SENT, RECEIVED, RAW, REPLY = (
    INTERACTION_COLUMNS.index(name) for name in ("content", "sent_at", "received_at", "raw", "reply")
)
OPENID, MSG_TYPE = INTERACTION_COLUMNS.index("openid"), INTERACTION_COLUMNS.index("msg_type")
SAID = ("text", "voice", "image")
IN_FORM = " AND SUBSTR(dialogue, 1, 5) = 'form|'"  # see handlers/taking_part.py
LEFT_COLUMNS = ("openid", "subscribed", "unsubscribed_at")
TIMES = tuple(HEARD_COLUMNS.index(name) for name in ("last_seen_at", "spoke_at", "tapped_at"))

Ready = tuple[tuple[Any, ...], tuple[Any, ...] | None]
"""An answered message: its row of `interactions`, and what it says of its sender, a row of HEARD_COLUMNS (None where WeChat
itself speaks). Plain values as the driver takes them, for they cross to another process on SQLite."""


def _with(at: str, column: str) -> str:
    """The column goes with the newer of two times."""
    newer = f"{{new}}.{at} IS NOT NULL AND ({{old}}.{at} IS NULL OR {{new}}.{at} >= {{old}}.{at})"
    return f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


def _latest(column: str) -> str:
    newer = f"{{old}}.{column} IS NULL OR {{new}}.{column} > {{old}}.{column}"
    return f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


HEARD_RULES: Rules = {
    **{name: f"COALESCE({{new}}.{name}, {{old}}.{name})" for name in ("scene", "dialogue")},
    **{name: _latest(name) for name in ("last_seen_at", "spoke_at", "tapped_at")},
}
DECIDED_RULES: Rules = {
    **HEARD_RULES,
    **{name: _latest(name) for name in ("subscribed_at", "unsubscribed_at")},
    **{name: _with("state_at", name) for name in ("subscribed", "state_at")},
}


@dataclass(slots=True)
class Row:
    """An arrival answered inside the transaction and not yet written. `gone`: its words must not be kept."""

    arrival: Arrival
    outcome: Outcome
    gone: bool


@dataclass(slots=True)
class Draft:
    """The arrivals that are answered inside, on their way: what is known of their senders, and what was answered."""

    people: dict[str, Follower]
    rows: dict[str, Row] = field(default_factory=dict)
    touched: dict[str, Follower] = field(default_factory=dict)

    def follower(self, arrival: Arrival) -> Follower:
        """Who writes to us follows us, whatever we missed; only an unfollow says otherwise."""
        found = self.people.get(arrival.openid)
        if found is None:
            found = Follower(arrival.openid, True, arrival.received_at, arrival.received_at, is_new=True)
            self.people[arrival.openid] = found
        return found

    def take(self, arrival: Arrival, follower: Follower, outcome: Outcome, gone: bool) -> None:
        """It is answered."""
        follower.dialogue = outcome.dialogue or follower.dialogue
        if arrival.personal:
            self.touched[arrival.openid] = follower
        self.rows[arrival.key] = Row(arrival, outcome, gone)


class Recorder:
    """`record` for one kind of database, its statements ready."""

    def __init__(self, dialect: str) -> None:
        self._stamp = stamp(dialect)
        self._no_time = self._stamp(NO_TIME)
        self._flag: Callable[[bool], Any] = int if dialect == "sqlite" else bool
        self._interactions = Bulk(interactions, INTERACTION_COLUMNS, dialect)
        self._followers = Bulk(followers, FOLLOWER_COLUMNS, dialect)
        self._followers.on_conflict("openid", DECIDED_RULES)
        # Who was only heard keeps what an unfollow looks at: SQLite rewrites the index of a column that is set, also to itself.
        self.heard = Bulk(followers, (*HEARD_COLUMNS, "subscribed"), dialect)
        self.heard.on_conflict("openid", HEARD_RULES)

    def ready(self, arrival: Arrival, outcome: Outcome) -> Ready:
        """The rows of an arrival that is answered without its follower; not for one that follows, leaves or erases."""
        values = self._values(arrival, outcome)
        if not arrival.personal:
            return values, None
        received = values[RECEIVED]
        at = received if arrival.sent_at is None else values[SENT]
        return values, (
            arrival.openid, arrival.scene, received, received, at if arrival.spoke else None,
            at if arrival.tapped else None, outcome.dialogue or None,
        )  # fmt: skip

    def record(
        self,
        connection: Connection,
        items: Sequence[Ready | Arrival],
        answers: Answers,
        care: Care | None = None,
        *,
        ask: bool = True,
    ) -> list[str]:
        """The reply of each item, in order, all of them stored when the transaction commits. Without `ask` it is taken that
        none is known. Raises Again."""
        try:
            items = self._with_forms(connection, items, answers)
            later = [item for item in items if isinstance(item, Arrival)]
            replies = self._known(connection, items) if ask or later else {}
            ready = []
            for item in items:
                if type(item) is tuple and item[0][0] not in replies:
                    ready.append(item)
                    replies[item[0][0]] = item[0][REPLY]
            if ready:
                self._write_ready(connection, ready)
            if later:
                self._answer_inside(connection, later, replies, answers, care)
        except IntegrityError as error:
            raise Again(care) from error
        except OperationalError as error:
            if deadlocked(error):
                raise Again(care) from error
            raise
        return [replies[key_of(item)] for item in items]

    def _with_forms(
        self, connection: Connection, items: Sequence[Ready | Arrival], answers: Answers
    ) -> Sequence[Ready | Arrival]:
        """What is said by somebody who is filling in a form is no word for the service directory: it is answered inside."""
        said = list({item[0][OPENID] for item in items if type(item) is tuple and item[0][MSG_TYPE] in SAID})
        asked = {row[0] for row in self._followers.select(connection, "openid", said, ("openid",), IN_FORM)}
        if not asked:
            return items
        return [
            answers.arrival(item[0][RAW], moment(item[0][RECEIVED]) or NO_TIME)
            if type(item) is tuple and item[0][OPENID] in asked and item[0][MSG_TYPE] in SAID
            else item
            for item in items
        ]

    def _known(self, connection: Connection, items: Sequence[Ready | Arrival]) -> dict[str, str]:
        keys = [
            (self._stamp(item.sent_at or NO_TIME), item.key)
            if isinstance(item, Arrival)
            else (item[0][SENT], item[0][0])
            for item in items
        ]
        rows = self._interactions.select_pairs(
            connection, ("sent_at", "dedupe_key"), keys, ("dedupe_key", "reply")
        )
        return {key: "" if reply in (None, ANONYMOUS) else reply for key, reply in rows}

    # --- what is answered already

    def _write_ready(self, connection: Connection, ready: Sequence[Ready]) -> None:
        """See 2. above. No key twice."""
        people = people_of(ready)
        openids = [person[0] for person in people]
        self._hear(connection, people)
        left = self._followers.select(
            connection, "openid", openids, LEFT_COLUMNS, " AND unsubscribed_at IS NOT NULL"
        )
        rows = sorted(
            values for values, _ in ready
        )  # no two have the same key, and nothing behind it is compared
        if left:
            rows = self._without_words(rows, {openid: (state, at) for openid, state, at in left})
        self._insert(connection, rows)

    def _hear(self, connection: Connection, people: Sequence[tuple[Any, ...]]) -> None:
        self.heard.write(connection, [(*person, True) for person in people])

    def _insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        self._interactions.write(connection, rows)

    # --- what is answered inside

    def _answer_inside(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        replies: dict[str, str],
        answers: Answers,
        care: Care | None,
    ) -> None:
        within: Answer = partial(_careful, answers, care) if care else partial(_quick, answers)
        draft = Draft(self._people(connection, arrivals))
        if care:
            hurry(connection, care.left_s / 2)
        for arrival in arrivals:
            if arrival.key not in replies:
                self._answer_one(connection, draft, arrival, within)
                replies[arrival.key] = draft.rows[arrival.key].outcome.reply
        if care:
            hurry(connection, STATEMENT_S)
        rows, touched = draft.rows, draft.touched
        people = [touched[openid] for openid in sorted(touched)]
        self._followers.write(connection, [self._follower_values(each) for each in people if each.decided])
        self._hear(connection, [self._heard_values(each) for each in people if not each.decided])
        values = [self._values(row.arrival, row.outcome, row.gone) for _, row in sorted(rows.items())]
        self._insert(connection, values)
        here = [openid for openid, follower in touched.items() if follower.subscribed]
        if self._followers.select(connection, "openid", here, ("openid",), " AND subscribed = FALSE"):
            raise Again(care)  # somebody has left since we looked

    def _people(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, Follower]:
        openids = list({arrival.openid for arrival in arrivals})
        rows = self._followers.select(connection, "openid", openids, FOLLOWER_COLUMNS)
        return {row[0]: follower_of(row) for row in rows}

    def _answer_one(self, connection: Connection, draft: Draft, arrival: Arrival, answer: Answer) -> None:
        follower = draft.follower(arrival)
        gone = _apply(arrival, follower)
        if arrival.follows is False:
            self._followers.write(connection, [self._follower_values(follower)])  # see 2. above
        for openid, until in _erasures(arrival, follower):
            erase(connection, openid, until)
            _forget(openid, until, draft.rows.values(), draft.people.get(openid))
        draft.take(arrival, follower, answer(connection, arrival, follower), gone)

    # --- rows

    def _values(self, arrival: Arrival, outcome: Outcome, gone: bool = False) -> tuple[Any, ...]:
        content, raw, reply = arrival.content, arrival.raw, outcome.reply
        if outcome.hushed:
            content = raw = reply = ANONYMOUS
        return (
            arrival.key,
            arrival.openid,
            arrival.msg_type,
            arrival.event or None,
            arrival.event_key or None,
            None if gone else content,
            arrival.msg_id or None,
            self._stamp(arrival.sent_at or NO_TIME),
            self._stamp(arrival.received_at),
            None if gone else raw,
            None if gone else reply,
            outcome.state,
            outcome.topic or None,
            self._flag(outcome.missed),
        )

    def _follower_values(self, f: Follower) -> tuple[Any, ...]:
        at = self._stamp
        state = (at(f.state_at), at(f.subscribed_at), at(f.unsubscribed_at))
        return f.openid, self._flag(f.subscribed), *state, *self._heard_values(f)[1:]

    def _heard_values(self, f: Follower) -> tuple[Any, ...]:
        at = self._stamp
        return (
            f.openid, f.scene, at(f.first_seen_at), at(f.last_seen_at), at(f.spoke_at), at(f.tapped_at), f.dialogue or None,
        )  # fmt: skip

    def _without_words(
        self, rows: list[tuple[Any, ...]], left: Mapping[str, tuple[Any, Any]]
    ) -> list[tuple[Any, ...]]:
        """The rows, without the words of those who left after they had said them. `left`: subscribed, unsubscribed_at."""
        found = []
        for row in rows:
            here, until = left.get(row[1], (True, None))
            at = row[RECEIVED] if row[SENT] == self._no_time else row[SENT]
            if until is not None and (at < until or (at == until and not here)):
                row = (*row[:CONTENT], None, *row[CONTENT + 1 : RAW], None, None, *row[REPLY + 1 :])
            found.append(row)
        return found


def key_of(item: Ready | Arrival) -> str:
    """The dedupe key."""
    return item.key if isinstance(item, Arrival) else item[0][0]


def openid_of(item: Ready | Arrival) -> str:
    """Its sender's."""
    return item.openid if isinstance(item, Arrival) else item[0][1]


def people_of(ready: Sequence[Ready]) -> list[tuple[Any, ...]]:
    """What the messages say of their senders, one row for each, in the order of the openids."""
    people: dict[str, tuple[Any, ...]] = {}
    for _, person in ready:
        if person is not None:
            before = people.get(person[0])
            people[person[0]] = person if before is None else _merged(before, person)
    return [people[openid] for openid in sorted(people)]


def _merged(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """What two messages of one group say of the same person, the second having come after the first."""
    both = [old if new is None else new for old, new in zip(one, other, strict=True)]
    for at in TIMES:
        if one[at] is not None and one[at] > both[at]:
            both[at] = one[at]
    return tuple(both)


def follower_of(row: Sequence[Any]) -> Follower:
    """The follower in a row of FOLLOWER_COLUMNS."""
    values: Any = list(row)
    openid, subscribed, state, since, until, scene, first, last, spoke, tapped, dialogue = values
    follower = Follower(
        openid, bool(subscribed), moment(first) or NO_TIME, moment(last) or NO_TIME, moment(state)
    )
    follower.subscribed_at, follower.unsubscribed_at = moment(since), moment(until)
    follower.spoke_at, follower.tapped_at = moment(spoke), moment(tapped)
    follower.scene, follower.dialogue = scene, dialogue or ""
    return follower


def _quick(answers: Answers, connection: Connection, arrival: Arrival, follower: Follower) -> Outcome:
    try:
        return answers.handle(connection, arrival, follower)
    except Exception as error:  # see 5. above
        _raise_if_nobodys_fault(error, None)
        raise Again(None, arrival.key, error) from error


def _careful(
    answers: Answers, care: Care, connection: Connection, arrival: Arrival, follower: Follower
) -> Outcome:
    known = care.failed.get(arrival.key) or (OutOfTime() if care.left_s < 0 else None)
    if known is not None:
        return answers.sorry(arrival, known)
    savepoint = connection.begin_nested()
    try:
        outcome = answers.handle(connection, arrival, follower)
    except Exception as error:
        _raise_if_nobodys_fault(error, care)
        if timed_out(error):  # it may have taken the savepoint with it
            raise Again(care, arrival.key, error) from error
        savepoint.rollback()
        return answers.sorry(arrival, error)
    savepoint.commit()
    return outcome


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
            row.gone = True
    if follower is not None and until is None:
        follower.dialogue = ""
