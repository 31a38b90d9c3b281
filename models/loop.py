"""The Store seen from an event loop: the same transactions, without holding up the loop where the driver allows it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.base import Connection, Store, connect_args

Result = TypeVar("Result")
POLL_S = 0.001  # the loop's own timers are no finer
ANSWER_S = 4.0  # for a database that has gone silent


class LoopStore:
    """`await run(work)` calls `work(connection)` in one writing transaction.

    SQLite: in the loop itself, once the file lock is ours (polled, so that the loop goes on meanwhile). PostgreSQL: libpq
    driven by the loop. MariaDB: in a thread, for its driver knows only blocking calls.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None
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

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` gives, committed. Raises what it raises, rolled back."""
        if self._store.lock is not None:
            return await self._in_turn(work)
        if self._async is not None:
            async with asyncio.timeout(ANSWER_S):
                async with self._async.begin() as connection:
                    return await connection.run_sync(work)
        return await asyncio.to_thread(self._blocking, work)

    async def _in_turn(self, work: Callable[[Connection], Result]) -> Result:
        lock = self._store.lock
        assert lock is not None
        if self._fd is None:
            self._fd = lock.open()
        while not lock.take(self._fd):  # noqa: ASYNC110 - other processes hold it
            await asyncio.sleep(POLL_S)
        try:
            with self._kept().begin():
                return work(self._kept())
        finally:
            lock.free(self._fd)

    def _kept(self) -> Connection:
        """One connection for this loop's lifetime: a check-out costs as much as a statement."""
        if self._connection is None:
            self._connection = self._store.engine.connect()
        return self._connection

    def _blocking(self, work: Callable[[Connection], Result]) -> Result:
        with self._store.writing() as connection:
            return work(connection)

    async def close(self) -> None:
        """Give the connections back."""
        if self._connection is not None:
            self._connection.close()
        if self._fd is not None:
            os.close(self._fd)
        if self._async is not None:
            await self._async.dispose()
