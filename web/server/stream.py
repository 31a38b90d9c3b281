"""A long answer on its way: the thread that makes it gives it piece by piece, each when the client has taken the one before."""

from __future__ import annotations

import asyncio
import threading
from typing import Protocol

PATIENCE_S = 120  # more than any client gets; else the loop has gone without a word


class ClientGone(Exception):
    """Nobody takes the answer any more."""


class Taker(Protocol):
    """Who writes to the client, in the loop."""

    def begin_stream(self, head: bytes, *, delimited: bool) -> None: ...

    def write_stream(self, data: bytes) -> bool:
        """Whether there is room for more; when not, `Stream.resume` is called as soon as there is."""


class Stream:
    """Back-pressure between one thread and the loop."""

    def __init__(self, taker: Taker, *, chunks: bool) -> None:
        """`chunks`: the client understands Transfer-Encoding: chunked (HTTP/1.1)."""
        self._taker = taker
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self._room = threading.Event()
        self._gone = False
        self._head = b""
        self._left: int | None = None  # bytes that are still owed, where the application has said how many
        self.begun = False

    # --- in the thread

    def begin(self, head: bytes, length: int | None) -> None:
        """What goes before the first piece: an answer's head without framing and empty line. `length` in bytes, None where the
        application has not said."""
        self.begun, self._left = True, length
        self._chunks = self._chunks and length is None
        framing = b"" if length is None else b"Content-Length: %d\r\n" % length
        self._head = head + (b"Transfer-Encoding: chunked\r\n" if self._chunks else framing)

    def send(self, data: bytes) -> None:
        """Returns when there is room for more. Raises ClientGone, and ValueError for more than was promised."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise ValueError("the answer is longer than its Content-Length")
        self._hand_over(b"%x\r\n%b\r\n" % (len(data), data) if self._chunks else data)

    def end(self) -> None:
        """All is sent. Raises ClientGone, and ValueError for less than was promised."""
        if self._left:
            raise ValueError("the answer is shorter than its Content-Length")
        if self._chunks:
            self._hand_over(b"0\r\n\r\n")

    def _hand_over(self, data: bytes) -> None:
        self._room.clear()
        if self._gone:
            raise ClientGone
        try:
            self._loop.call_soon_threadsafe(self._write, data)
        except RuntimeError as error:  # the loop is closed
            raise ClientGone from error
        if not self._room.wait(PATIENCE_S) or self._gone:
            raise ClientGone

    # --- in the loop

    def _write(self, data: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._taker.begin_stream(head, delimited=self._chunks or self._left is not None)
        if self._taker.write_stream(data):
            self._room.set()

    def resume(self) -> None:
        """The client has taken what was written."""
        self._room.set()

    def abandon(self) -> None:
        """The client is gone."""
        self._gone = True
        self._room.set()
