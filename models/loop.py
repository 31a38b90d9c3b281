"""The Store seen from an event loop: the same transactions, without holding up the loop where the driver allows it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.base import Connection, Store, StoreError, connect_args

Seen = TypeVar("Seen")
Result = TypeVar("Result")
POLL_S = 0.001  # the loop's own timers are no finer
ANSWER_S = 4.0  # for a database that has gone silent
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
        self._async: AsyncEngine | None = None
        if store.dialect == "postgresql":
            self._async = create_async_engine(
                store.url,
                connect_args=connect_args(store.url),
                pool_size=1,
                max_overflow=1,
                hide_parameters=True,
            )

    async def run(
        self, look: Callable[[Connection], Seen], work: Callable[[Connection, Seen], Result]
    ) -> Result:
        """What `work` gives, committed; `look` only reads, on SQLite before the turn. Raises what they raise, rolled back."""
        if self._store.lock is not None:
            try:
                reader = self._reader = self._reader or self._store.reader()
                with reader.begin():
                    seen = look(reader)
                return await self._in_turn(partial(_second, work, seen))
            except StoreError:
                self._drop()  # whatever state they are in
                raise
        if self._async is not None:
            async with asyncio.timeout(ANSWER_S):
                async with self._async.begin() as opened:
                    return await opened.run_sync(partial(_both, look, work))
        return await asyncio.to_thread(self._blocking, partial(_both, look, work))

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
                return work(writer)
        finally:
            lock.free(self._fd)

    def _patient(self) -> Connection:
        """A connection for writing that does not hold up the loop when a stranger to our lock holds the database."""
        opened = self._store.engine.connect()
        raw = opened.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute(f"PRAGMA busy_timeout={STRANGER_MS}")
        return opened

    def _drop(self) -> None:
        for kept in (self._reader, self._writer):
            if kept is not None:
                kept.invalidate()
                kept.close()
        self._reader = self._writer = None

    def _blocking(self, work: Callable[[Connection], Result]) -> Result:
        with self._store.writing() as connection:
            return work(connection)

    async def close(self) -> None:
        """Give the connections back."""
        self._drop()
        if self._fd is not None:
            os.close(self._fd)
        if self._async is not None:
            await self._async.dispose()


def _both(
    look: Callable[[Connection], Seen], work: Callable[[Connection, Seen], Result], connection: Connection
) -> Result:
    return work(connection, look(connection))


def _second(work: Callable[[Connection, Seen], Result], seen: Seen, connection: Connection) -> Result:
    return work(connection, seen)
