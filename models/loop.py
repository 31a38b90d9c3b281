"""The Store seen from an event loop: the same transactions, without holding up the loop where the driver allows it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.base import Connection, Store, StoreError, connect_args

Seen = TypeVar("Seen")
Result = TypeVar("Result")
POLL_S = 0.001  # the loop's own timers are no finer
SILENT_S = 4.0  # no statement takes so long: this server has gone without a word
CONNECT_S = 2
STRANGER_MS = 100


class LoopStore:
    """`await run(look, work)` calls `work(connection, look(connection))` in one writing transaction.

    SQLite: in the loop itself, once the file lock is ours (polled, so that the loop goes on meanwhile). PostgreSQL: libpq
    driven by the loop. MariaDB: in a thread, for its driver knows only blocking calls.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reader: Connection | None = (
            None  # SQLite's two are kept: a check-out costs as much as a statement
        )
        self._writer: Connection | None = None
        self._fd: int | None = None  # of SQLite's lock
        self._log: int | None = None  # of SQLite's write-ahead log
        self._by_hand = False  # whether it is forced to the disk by us
        self._async: AsyncEngine | None = None
        self._raw: Any = None  # PostgreSQL's connection as the driver has it
        if store.dialect == "postgresql":
            self._async = create_async_engine(
                store.url,
                connect_args=connect_args(store.url) | {"connect_timeout": CONNECT_S},
                pool_size=1,
                max_overflow=0,
                pool_timeout=SILENT_S,
                hide_parameters=True,
            )
            sa.event.listen(self._async.sync_engine, "connect", self._opened)

    async def run(
        self, look: Callable[[Connection], Seen], work: Callable[[Connection, Seen], Result]
    ) -> Result:
        """What `work` gives, committed; `look` only reads, on SQLite before the turn. Raises what they raise, rolled back."""
        if self._store.lock is not None:
            try:
                reader = self._reader = self._reader or self._store.reader()
                seen = look(reader)  # without a transaction: each of its statements sees what is committed
                return await self._in_turn(partial(_second, work, seen))
            except StoreError:
                self._drop()  # whatever state they are in
                raise
        both = partial(_both, look, work)
        if self._async is None:
            return await asyncio.to_thread(self._blocking, both)
        watch = asyncio.get_running_loop().call_later(SILENT_S, self.hang_up)
        try:
            async with self._async.begin() as opened:
                return await opened.run_sync(both)
        finally:
            watch.cancel()

    def _opened(self, adapted: Any, record: Any) -> None:
        self._raw = adapted.driver_connection

    def hang_up(self) -> None:
        """End the conversation with a PostgreSQL that says nothing. Cancelling would first ask that server to cancel, and wait
        for its answer; a socket that is shut down fails at once, and with it what waits for it."""
        if self._raw is not None and not self._raw.closed:
            with socket.socket(fileno=os.dup(self._raw.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    async def _in_turn(self, work: Callable[[Connection], Result]) -> Result:
        lock = self._store.lock
        assert lock is not None
        if self._fd is None:
            self._fd = lock.open()
        while not lock.take(self._fd):  # noqa: ASYNC110 - other processes hold it
            await asyncio.sleep(POLL_S)
        try:
            writer = self._writer = self._writer or self._patient()
            with writer.begin():
                result = work(writer)
        finally:
            lock.free(self._fd)
        self._make_durable()
        return result

    def _make_durable(self) -> None:
        """What synchronous=FULL does at a commit, done by hand after it: force the log to the disk. Within the writers' turn
        everybody would wait for our disk; so only those wait who wait for this answer. Retries of what another process
        committed a moment ago come this way too, so they are not answered before it is safe either."""
        if not self._by_hand:
            return
        if self._log is None:
            self._log = os.open(f"{self._store.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
        os.fdatasync(self._log)

    def _patient(self) -> Connection:
        """A connection for writing that does not hold up the loop when a stranger to our lock holds the database, and that
        leaves the disk to `_make_durable`."""
        opened = self._store.engine.connect()
        raw = opened.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute(f"PRAGMA busy_timeout={STRANGER_MS}")
        self._by_hand = raw.cursor().execute("PRAGMA journal_mode").fetchone() == ("wal",)
        if self._by_hand:  # some file systems allow no such log: there each commit forces itself out
            raw.cursor().execute("PRAGMA synchronous=NORMAL")
        return opened

    def _drop(self) -> None:
        for kept in (self._reader, self._writer):
            if kept is not None:
                kept.invalidate()
                kept.close()
        self._reader = self._writer = None
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def _blocking(self, work: Callable[[Connection], Result]) -> Result:
        with self._store.writing() as connection:
            return work(connection)

    async def close(self) -> None:
        """Give the connections back."""
        self._drop()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        if self._async is not None:
            await self._async.dispose()


def _both(
    look: Callable[[Connection], Seen], work: Callable[[Connection, Seen], Result], connection: Connection
) -> Result:
    return work(connection, look(connection))


def _second(work: Callable[[Connection, Seen], Result], seen: Seen, connection: Connection) -> Result:
    return work(connection, seen)
