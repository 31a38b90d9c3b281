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
6. Those who are answered inside for the first time may share what they read and write (`models/batch.py`); run again, each has
   statements of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from models import holder
from models.base import STATEMENT_S, Connection, deadlocked, hurry
from models.batch import Batch
from models.follower import Follower, come_back, followers
from models.interaction import ANONYMOUS, NO_TIME, Arrival, Handled, interactions
from models.keyring import Keyring, KeyTrouble, is_sealed
from models.recording.bulk import Bulk, moment, stamp
from models.recording.inside import (
    Again,
    Answer,
    Answers,
    Care,
    Pending,
    apply,
    careful,
    erasures,
    forget,
    gathered,
    quick,
)
from models.recording.rows import (
    DECIDED_RULES,
    FOLLOWER_COLUMNS,
    HEARD_COLUMNS,
    HEARD_RULES,
    IN_FORM,
    INTERACTION_COLUMNS,
    LEFT_COLUMNS,
    MSG_TYPE,
    OPENID,
    RAW,
    RECEIVED,
    REPLY,
    SAID,
    SEALED,
    SENT,
    Ready,
    follower_of,
    key_of,
    people_of,
    wordless,
)


def _write(connection: Connection, batch: Batch) -> None:
    """What was put off. Raises Again where one of the rows fits no column: whose it is shows when each is written alone."""
    try:
        batch.write(connection)
    except DataError as error:
        raise Again(None) from error


class Recorder:
    """`record` for one kind of database, its statements ready."""

    def __init__(self, dialect: str, keyring: Keyring | None = None) -> None:
        self._keyring = keyring
        self._seals = keyring is not None and keyring.messages
        self._stamp = stamp(dialect)
        self._no_time = self._stamp(NO_TIME)
        self._flag: Callable[[bool], Any] = int if dialect == "sqlite" else bool
        self._interactions = Bulk(interactions, INTERACTION_COLUMNS, dialect)
        self._followers = Bulk(followers, FOLLOWER_COLUMNS, dialect)
        self._followers.on_conflict("openid", DECIDED_RULES)
        # Who was only heard keeps what an unfollow looks at: SQLite rewrites the index of a column that is set, also to itself.
        self.heard = Bulk(followers, (*HEARD_COLUMNS, "subscribed"), dialect)
        self.heard.on_conflict("openid", HEARD_RULES)

    def ready(self, arrival: Arrival, handled: Handled) -> Ready:
        """The rows of an arrival that is answered without its follower; not for one that follows, leaves or erases."""
        values = self._values(arrival, handled)
        if not arrival.personal:
            return values, None
        received = values[RECEIVED]
        at = received if arrival.sent_at is None else values[SENT]
        return values, (
            arrival.openid, arrival.scene, received, received, at if arrival.spoke else None,
            at if arrival.tapped else None, handled.dialogue or None,
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
                together = not ask and care is None and len(later) > 1
                self._answer_inside(connection, later, replies, answers, care, together=together)
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
        people = list({item[0][OPENID] for item in items if type(item) is tuple})
        asked = {row[0] for row in self._followers.select(connection, "openid", people, ("openid",), IN_FORM)}
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
        opened = ((key, self._opened(reply)) for key, reply in rows)
        return {key: "" if reply in (None, ANONYMOUS) else reply for key, reply in opened}

    def _opened(self, reply: str | None) -> str | None:
        """The stored words of an answer; a retry gets none where the key has gone."""
        if self._keyring is None or not reply or not is_sealed(reply):
            return reply
        try:
            return self._keyring.open(reply, "interactions.reply")
        except KeyTrouble:
            return None

    def closed(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """The rows of `interactions` as they go into the table: what was said sealed, where the config says so."""
        return self._keyring.seal_rows(rows, SEALED) if self._seals and self._keyring else rows

    # --- what is answered already

    def _write_ready(self, connection: Connection, ready: Sequence[Ready]) -> None:
        """See 2. above. No key twice."""
        people = people_of(ready)
        openids = [person[0] for person in people]
        self._hear(connection, people)
        left = self._followers.select(
            connection, "openid", openids, LEFT_COLUMNS, " AND unsubscribed_at IS NOT NULL"
        )
        rows = [values for values, _ in ready]
        if left:
            rows = self._since_leaving(connection, ready, {openid: (state, at) for openid, state, at in left})
        self._insert(connection, sorted(rows))  # no two have the same key, and nothing behind it is compared

    def _hear(self, connection: Connection, people: Sequence[tuple[Any, ...]]) -> None:
        self.heard.write(connection, [(*person, True) for person in people])

    def _insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        self._interactions.write(connection, self.closed(rows))

    # --- what is answered inside

    def _answer_inside(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        replies: dict[str, str],
        answers: Answers,
        care: Care | None,
        *,
        together: bool,
    ) -> None:
        pending = Pending(self._people(connection, arrivals))
        batch = self._batch(connection, arrivals, replies, answers, pending) if together else None
        within: Answer = partial(careful, answers, care) if care else partial(quick, answers, batch)
        if care:
            hurry(connection, care.left_s / 2)
        for arrival in arrivals:
            if arrival.key not in replies:
                self._answer_one(connection, pending, arrival, within)
                replies[arrival.key] = pending.rows[arrival.key].handled.reply
        if batch is not None:
            _write(connection, batch)
        if care:
            hurry(connection, STATEMENT_S)
        rows, touched = pending.rows, pending.touched
        people = [touched[openid] for openid in sorted(touched)]
        self._followers.write(connection, [self._follower_values(each) for each in people if each.decided])
        self._hear(connection, [self._heard_values(each) for each in people if not each.decided])
        values = [self._values(row.arrival, row.handled, row.gone) for _, row in sorted(rows.items())]
        self._insert(connection, values)
        here = [openid for openid, follower in touched.items() if follower.subscribed]
        if self._followers.select(connection, "openid", here, ("openid",), " AND subscribed = FALSE"):
            raise Again(care)  # somebody has left since we looked

    @staticmethod
    def _batch(
        connection: Connection,
        arrivals: Sequence[Arrival],
        replies: Mapping[str, str],
        answers: Answers,
        pending: Pending,
    ) -> Batch:
        """What is read together for those that are not known."""
        new = [arrival for arrival in arrivals if arrival.key not in replies]
        return gathered(answers, connection, new, pending.people)

    def _people(self, connection: Connection, arrivals: Sequence[Arrival]) -> dict[str, Follower]:
        openids = list({arrival.openid for arrival in arrivals})
        rows = self._followers.select(connection, "openid", openids, FOLLOWER_COLUMNS)
        return {row[0]: follower_of(row) for row in rows}

    def _answer_one(self, connection: Connection, pending: Pending, arrival: Arrival, answer: Answer) -> None:
        follower = pending.follower(arrival)
        gone = apply(arrival, follower)
        if arrival.follows is False:
            self._followers.write(connection, [self._follower_values(follower)])  # see 2. above
        for openid, until in erasures(arrival, follower):
            holder.forget(connection, openid, until, arrival.sent_at or arrival.received_at)
            forget(openid, until, pending.rows.values(), pending.people.get(openid))
        pending.take(arrival, follower, answer(connection, arrival, follower), gone)

    # --- rows

    def _values(self, arrival: Arrival, handled: Handled, gone: bool = False) -> tuple[Any, ...]:
        content, raw, reply = arrival.content, arrival.raw, handled.reply
        if handled.hushed:
            content = raw = reply = ANONYMOUS
        row = (
            arrival.key,
            arrival.openid,
            arrival.msg_type,
            arrival.event or None,
            arrival.event_key or None,
            content,
            arrival.msg_id or None,
            self._stamp(arrival.sent_at or NO_TIME),
            self._stamp(arrival.received_at),
            raw,
            reply,
            handled.state,
            handled.topic or None,
            self._flag(handled.missed),
        )
        return wordless(row) if gone else row

    def _follower_values(self, f: Follower) -> tuple[Any, ...]:
        at = self._stamp
        state = (at(f.state_at), at(f.subscribed_at), at(f.unsubscribed_at))
        return f.openid, self._flag(f.subscribed), *state, *self._heard_values(f)[1:]

    def _heard_values(self, f: Follower) -> tuple[Any, ...]:
        at = self._stamp
        return (
            f.openid, f.scene, at(f.first_seen_at), at(f.last_seen_at), at(f.spoke_at), at(f.tapped_at), f.dialogue or None,
        )  # fmt: skip

    def _since_leaving(
        self, connection: Connection, ready: Sequence[Ready], left: Mapping[str, tuple[Any, Any]]
    ) -> list[tuple[Any, ...]]:
        """The rows, without the words of those who left after they had said them; who speaks later than they left follows again.
        `left`: subscribed, unsubscribed_at."""
        found, back = [], dict[str, Any]()
        for row, person in ready:
            openid = row[OPENID]
            here, until = left.get(openid, (True, None))
            at = row[RECEIVED] if row[SENT] == self._no_time else row[SENT]
            if until is None or at > until:
                if not here and person is not None:
                    back[openid] = at
            elif at < until or not (here or openid in back):
                row = wordless(row)
            found.append(row)
        for openid, at in back.items():
            come_back(connection, openid, moment(at) or NO_TIME)
        return found
