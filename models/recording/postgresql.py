"""Messages kept on PostgreSQL: a whole group in one durable statement, one round trip, nothing read before.

Columns travel as text joined by a separator, which costs the client one `join` each and the server less than arrays or JSON.
What the statement cannot do goes the careful way, in a transaction of `Recorder.record`: a message that is known already, one
that must be answered inside, a value with the separator in it, and whatever the server refuses.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.base import Connection, Store, connect_args
from models.interaction import Arrival
from models.recording.keeper import Keeper
from models.recording.recorder import (
    HEARD_COLUMNS,
    INTERACTION_COLUMNS,
    REPLY,
    Answers,
    Ready,
    Recorder,
    people_of,
)

MARK = "\x1f"  # no XML document may contain it
NAME = b"keep"
SILENT_S = 4.0  # no statement takes so long: this server has gone without a word
CONNECT_S = 2
KINDS = {"missed": "boolean", "place_x": "float8", "place_y": "float8"}
# Mostly the same in a whole group: then sent once.
ALIKE = frozenset(
    (
        "msg_type", "sent_at", "received_at", "state", "missed", "first_seen_at", "last_seen_at", "spoke_at", "tapped_at",
        "place_at",
    )
)  # fmt: skip


class Unfit(ValueError):
    """A value has the separator in it."""


# --- the statement -------------------------------------------------------------------------------------------------


def _source(columns: Sequence[str], first: int) -> tuple[str, str, int]:
    """The rows that were sent, as FROM takes them; their values by the names of the columns; the next parameter."""
    arrays, values = [], []
    for name in columns:
        kind = "float8" if name.endswith("_at") else KINDS.get(name, "")
        arrays.append(f"string_to_array(${first}, E'\\x1f', ''){f'::{kind}[]' if kind else ''}")
        value, first = f"u.{name}", first + 1
        if name in ALIKE:
            value, first = f"coalesce({value}, ${first}{f'::{kind}' if kind else ''})", first + 1
        values.append(f"{f'to_timestamp({value})' if name.endswith('_at') else value} AS {name}")
    return f"unnest({', '.join(arrays)}) AS u({', '.join(columns)})", ", ".join(values), first


def statement(changes: str) -> str:
    """First the people, in the order of their openids, then what they said, in that of the keys, without the words of those
    who left after they had said them: the sort and the join need all the people before the first word is written.
    `changes`: of a follower that is there."""
    heard, people, first = _source(HEARD_COLUMNS, 1)
    said, words, end = _source(INTERACTION_COLUMNS, first)
    at = "coalesce(s.sent_at, s.received_at)"
    gone = f"{at} < p.unsubscribed_at OR ({at} = p.unsubscribed_at AND NOT p.subscribed)"
    kept = {"content": "s.content", "raw": "s.raw", "reply": "coalesce(s.reply, '')"}
    wanted = [
        f"CASE WHEN {gone} THEN NULL ELSE {kept[name]} END" if name in kept else f"s.{name}"
        for name in INTERACTION_COLUMNS
    ]
    return (
        f"PREPARE {NAME.decode()}({', '.join(['text'] * (end - 1))}) AS WITH person AS ("  # noqa: S608 - our own names
        f"INSERT INTO followers (subscribed, {', '.join(HEARD_COLUMNS)}) SELECT TRUE, {people} FROM {heard} "
        f'ORDER BY u.openid COLLATE "C" ON CONFLICT (openid) DO UPDATE SET {changes} '
        "RETURNING followers.openid, followers.subscribed, followers.unsubscribed_at) "
        f"INSERT INTO interactions ({', '.join(INTERACTION_COLUMNS)}) SELECT {', '.join(wanted)} "
        f"FROM (SELECT {words} FROM {said}) AS s LEFT JOIN person AS p ON p.openid = s.openid "
        'ORDER BY s.dedupe_key COLLATE "C"'
    )


@lru_cache(2048)
def _epoch(at: datetime) -> str:
    return repr(at.timestamp())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _epoch(value)
    return "" if value is None else str(value)


def sent(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[bytes | None]:
    """The parameters that carry these rows. A column that is NULL throughout costs nothing: unnest fills it up. Raises
    Unfit."""
    found: list[bytes | None] = []
    marks = len(rows) - 1
    for values, name in zip(zip(*rows, strict=True), columns, strict=True):
        one = values[0]
        same = (one is None or one == "" or name in ALIKE) and values.count(one) == len(values)
        if same:
            found.append(None)
        else:
            whole = name not in KINDS and name[-3:] != "_at" and None not in values
            joined = MARK.join(values if whole else map(_text, values))
            if joined.count(MARK) != marks:
                raise Unfit
            found.append(joined.encode())
        if name in ALIKE:
            found.append(_text(one).encode() or None if same else None)
    return found


class Direct:
    """One connection, driven by the loop through libpq itself: half of what psycopg's own awaiting costs a statement. One
    statement at a time. After an OperationalError without a sqlstate, or a cancelled call, it is of no more use."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection, self._pg, self._fd = connection, connection.pgconn, connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[Any] | None = None
        self._result: Any = None
        self._pg.nonblocking = 1
        self._loop.add_reader(self._fd, self._read)

    @classmethod
    async def open(cls, conninfo: str, prepared: str, **options: Any) -> Direct:
        connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True, **options)
        await connection.execute(prepared.encode())
        return cls(connection)

    async def run(self, given: list[bytes | None]) -> None:
        """The prepared statement, durable. Raises psycopg.Error; nothing is stored then."""
        # Text as binary is the same with its length: else a NUL would cut it.
        self._pg.send_query_prepared(NAME, given, [pq.Format.BINARY] * len(given))
        waiting = self._waiting = self._loop.create_future()
        if self._pg.flush():
            self._loop.add_writer(self._fd, self._write)
        try:
            result = await waiting
        except asyncio.CancelledError:
            self.hang_up()
            raise
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)

    def hang_up(self) -> None:
        """What waits for the server fails at once."""
        if self._pg.status == pq.ConnStatus.OK:
            _shut(self._fd)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    self._settle(None)
                    return
                self._result = result
        except psycopg.Error as error:
            self._forget()
            self._settle(error)

    def _write(self) -> None:
        self._read()  # a server that has something to say may not listen before it is heard
        try:
            left = self._pg.status == pq.ConnStatus.OK and self._pg.flush()
        except psycopg.Error as error:
            self._forget()
            self._settle(error)
            return
        if not left:
            self._loop.remove_writer(self._fd)

    def _forget(self) -> None:
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)

    def _settle(self, error: Exception | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            if error is None:
                waiting.set_result(self._result)
            else:
                waiting.set_exception(error)

    async def close(self) -> None:
        if self._pg.status == pq.ConnStatus.OK:
            self._forget()
        await self._connection.close()


def _shut(fd: int) -> None:
    with socket.socket(fileno=os.dup(fd)) as line:
        line.shutdown(socket.SHUT_RDWR)


# --- keeping -------------------------------------------------------------------------------------------------------


class Postgresql:
    """Keeps groups from an event loop, one at a time."""

    lanes = 1

    def __init__(self, store: Store, recorder: Recorder, answers: Answers) -> None:
        self._url = store.url
        self._prepared = statement(recorder.heard.changes(HEARD_COLUMNS))
        self._direct: Direct | None = None
        self._keeper = Keeper(self._writing, recorder, answers)
        self._raw: Any = None  # the careful way's connection as the driver has it
        self._opened: Connection | None = None
        self._engine: AsyncEngine = create_async_engine(
            store.url,
            connect_args=connect_args(store.url) | {"connect_timeout": CONNECT_S},
            pool_size=1,
            max_overflow=0,
            pool_timeout=SILENT_S,
            hide_parameters=True,
        )
        sa.event.listen(self._engine.sync_engine, "connect", self._note)

    def _note(self, adapted: Any, record: Any) -> None:
        self._raw = adapted.driver_connection

    async def open(self) -> None:
        """The first group opens it."""

    async def keep(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        """The reply of each, stored. By `until` (monotonic) an answer must be there. Raises what the database raises."""
        watch = asyncio.get_running_loop().call_later(SILENT_S, self.hang_up)
        try:
            ready = [item for item in items if type(item) is tuple]
            if len(ready) == len(items) and await self._at_once(ready):
                return [values[REPLY] for values, _ in ready]
            async with self._engine.connect() as opened:
                return await opened.run_sync(self._carefully, items, until)
        finally:
            watch.cancel()

    async def _at_once(self, ready: Sequence[Ready]) -> bool:
        """Stores the group in one statement; False where that is not to be done. Raises OSError where the server is gone."""
        try:
            people = people_of(ready)
            given = (
                sent(HEARD_COLUMNS, people)
                if people
                else [None] * (len(HEARD_COLUMNS) + len(ALIKE.intersection(HEARD_COLUMNS)))
            )
            given += sent(INTERACTION_COLUMNS, [values for values, _ in ready])
        except Unfit:
            return False
        try:
            if self._direct is None:
                self._direct = await self._reached()
            await self._direct.run(given)
        except psycopg.Error as error:
            if error.sqlstate is not None and not isinstance(error, psycopg.errors.QueryCanceled):
                return False
            await self._drop()
            raise ConnectionError(type(error).__name__) from None  # its text may quote what a person wrote
        return True

    async def _reached(self) -> Direct:
        options = connect_args(self._url)
        more = " -c jit=off -c plan_cache_mode=force_generic_plan"
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        given = options | {"options": options["options"] + more, "connect_timeout": CONNECT_S}
        return await Direct.open(url, self._prepared, **given)

    async def _drop(self) -> None:
        direct, self._direct = self._direct, None
        if direct is not None:
            await direct.close()

    def _carefully(self, opened: Connection, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        self._opened = opened
        return self._keeper.keep(items, until)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        assert self._opened is not None
        with self._opened.begin():
            yield self._opened

    def hang_up(self) -> None:
        """End the conversation with a server that says nothing. Cancelling would first ask that server to cancel, and wait
        for its answer; a socket that is shut down fails at once, and with it what waits for it."""
        if self._direct is not None:
            self._direct.hang_up()
        if self._raw is not None and not self._raw.closed:
            _shut(self._raw.fileno())

    async def close(self) -> None:
        """Give the connections back."""
        await self._drop()
        await self._engine.dispose()
