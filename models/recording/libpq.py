"""One connection to PostgreSQL, driven by the event loop through libpq itself."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import psycopg
from psycopg import pq

NAME = b"record_group"  # of the prepared statement


class LibpqConnection:
    """One connection without psycopg's own awaiting, which costs a statement as much again. One
    statement at a time. After an OperationalError without a sqlstate, or a cancelled call, it is of no more use."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection, self._pg, self._fd = connection, connection.pgconn, connection.pgconn.socket
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[Any] | None = None
        self._result: Any = None
        self._pg.nonblocking = 1
        self._loop.add_reader(self._fd, self._read)

    @classmethod
    async def open(cls, conninfo: str, prepared: str, **options: Any) -> LibpqConnection:
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
            shut(self._fd)

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


def shut(fd: int) -> None:
    """Fail at once whatever waits on this socket."""
    with socket.socket(fileno=os.dup(fd)) as line:
        line.shutdown(socket.SHUT_RDWR)
