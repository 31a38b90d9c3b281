"""A web process's line to SQLite's writer (`scribe.py`), and the frames that cross it.

A frame is its length and a marshalled tuple. Asked: (number, until, items), an item being a `Ready` or a pickled `Arrival`.
Answered: (number, fault, {place of the item: reply}) with what the asker does not know already; the fault is '' for none,
or one of the two below.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import marshal
import pickle
import socket
import struct
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any

from models.interaction import Arrival
from models.recording.recorder import REPLY, Ready

GONE = "gone"  # the database cannot be written: try again
REFUSED = "refused"  # it refuses one of them: each must be tried alone
SEND_BUFFER = 1 << 21
LENGTH = struct.Struct("=I")


class Refused(Exception):
    """The database refuses one of the messages."""


class Gone(OSError):
    """The database, or the process that writes into it, is not there."""


def packed(content: tuple[Any, ...]) -> bytes:
    """A frame."""
    body = marshal.dumps(content)
    return LENGTH.pack(len(body)) + body


def frames(buffer: bytearray) -> Iterator[Any]:
    """The whole frames at the buffer's beginning, which are taken out of it."""
    at = 0
    while len(buffer) - at >= LENGTH.size:
        end = at + LENGTH.size + LENGTH.unpack_from(buffer, at)[0]
        if end > len(buffer):
            break
        yield marshal.loads(buffer[at + LENGTH.size : end])  # noqa: S302 - from a process of ours
        at = end
    del buffer[:at]


class Line(asyncio.Protocol):
    """A web process's line to the writer."""

    lanes = 64  # frames that may be on their way at once: the writer gathers them

    def __init__(self, address: Any) -> None:
        self._address = address
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[tuple[str, dict[int, str]]]] = {}
        self._transport: Any = None
        self._socket: Any = None  # the transport's own
        self._opening: asyncio.Task[None] | None = None
        self._buffer = bytearray()

    def keep(self, items: Sequence[Ready | Arrival], until: float) -> Awaitable[list[str]]:
        """The reply of each, stored, to be awaited; they are sent at once. Raises Refused when one of them cannot be stored,
        Gone when none can."""
        if self._transport is None:
            return self._reach_and_keep(items, until)
        return self._kept(items, self._send(items, until))

    async def _reach_and_keep(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        await self._reach()
        return await self._kept(items, self._send(items, until))

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

    async def _kept(self, items: Sequence[Ready | Arrival], number: int) -> list[str]:
        try:
            fault, told = await self._waiting[number]
        finally:
            self._waiting.pop(number, None)
        if fault:
            raise Refused if fault == REFUSED else Gone
        return [told[at] if at in told else item[0][REPLY] for at, item in enumerate(items)]  # type: ignore[index]

    async def open(self) -> None:
        """Reach the writer, so that it knows us; it is reached again when it has gone."""
        with contextlib.suppress(Gone):
            await self._reach()

    async def _reach(self) -> None:
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

    def hang_up(self) -> None:
        """Wait no longer for the writer."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Say goodbye."""
        if self._transport is not None:
            self._transport.close()
