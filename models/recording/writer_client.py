"""A web process's side of the way to SQLite's writer (`writer.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import pickle
import socket
from collections.abc import Awaitable, Sequence
from typing import Any

from models.interaction import Arrival
from models.recording.frames import SEND_BUFFER, UNSTORABLE, Gone, Unstorable, frames, packed
from models.recording.rows import REPLY, Ready


class WriterClient(asyncio.Protocol):
    """A web process's connection to the writer."""

    max_in_flight = 64  # frames: the writer gathers them

    def __init__(self, address: Any) -> None:
        self._address = address
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[tuple[str, dict[int, str]]]] = {}
        self._transport: Any = None
        self._socket: Any = None  # the transport's own
        self._opening: asyncio.Task[None] | None = None
        self._buffer = bytearray()

    def commit(self, items: Sequence[Ready | Arrival], until: float) -> Awaitable[list[str]]:
        """The reply of each, stored, to be awaited; they are sent at once. Raises Unstorable when one of them cannot be stored,
        Gone when none can."""
        if self._transport is None:
            return self._connect_and_commit(items, until)
        return self._replies(items, self._send(items, until))

    async def _connect_and_commit(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        await self._connected()
        return await self._replies(items, self._send(items, until))

    def _send(self, items: Sequence[Ready | Arrival], until: float) -> int:
        """Past the loop, which would send it only when everything else has been read: the writer can begin meanwhile."""
        number = next(self._numbers)
        whole = [item if type(item) is tuple else pickle.dumps(item, 5) for item in items]
        frame, sent = packed((number, until, whole)), 0
        self._waiting[number] = asyncio.get_running_loop().create_future()
        if self._transport.get_write_buffer_size() == 0:
            with contextlib.suppress(OSError):  # the loop will meet it too
                sent = self._socket.send(frame)
        if sent < len(frame):
            self._transport.write(frame[sent:])
        return number

    async def _replies(self, items: Sequence[Ready | Arrival], number: int) -> list[str]:
        try:
            fault, told = await self._waiting[number]
        finally:
            self._waiting.pop(number, None)
        if fault:
            raise Unstorable if fault == UNSTORABLE else Gone
        return [told[at] if at in told else item[0][REPLY] for at, item in enumerate(items)]  # type: ignore[index]

    async def open(self) -> None:
        """Connect to the writer; it is connected to again when it has gone."""
        with contextlib.suppress(Gone):
            await self._connected()

    async def _connected(self) -> None:
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._connect())
        await asyncio.shield(self._opening)

    async def _connect(self) -> None:
        try:
            own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            own.setblocking(False)
            try:
                own.connect(self._address)  # at once, or not at all: it is on this machine
                self._socket = own.dup()
                await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=own)
            except OSError as error:
                own.close()
                raise Gone from error
        finally:
            self._opening = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._buffer.clear()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        for number, fault, told in frames(self._buffer):
            done = self._waiting.get(number)
            if done is not None and not done.done():
                done.set_result((fault, told))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._socket.close()
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(Gone())

    def abandon(self) -> None:
        """Wait no longer for the writer."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Say goodbye."""
        if self._transport is not None:
            self._transport.close()
