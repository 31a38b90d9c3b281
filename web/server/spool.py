"""A body that is too large for memory: a temporary file, written by a thread while the loop goes on."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

log = logging.getLogger(__name__)
SPOOL_AT = 1024 * 1024  # bytes: up to here a body stays in memory
WRITE_SIZE = 256 * 1024
BEHIND = 1024 * 1024  # bytes that wait for the disk: then nothing more is read
ON_DISK = Path("/var/tmp")  # /tmp may be memory  # noqa: S108 - the file there has no name


class Spool:
    """Takes what arrives, in the loop; when `whole`, a page reads it from `file`, in a thread."""

    def __init__(self, threads: Executor, written: Callable[[], None]) -> None:
        """`written` is called in the loop each time that the disk has taken something. Raises OSError."""
        self.file = tempfile.TemporaryFile(dir=ON_DISK if ON_DISK.is_dir() else None)  # noqa: SIM115 - `close` closes it
        self.failed = False
        self._threads = threads
        self._written = written
        self._size = 0
        self._pending = bytearray()
        self._writing = False
        self._ended = False
        self._closed = False

    def __len__(self) -> int:
        return self._size

    @property
    def behind(self) -> bool:
        """Whether the disk is slower than the client."""
        return len(self._pending) > BEHIND

    @property
    def whole(self) -> bool:
        """Whether all of it is in the file, or (`failed`) never will be."""
        return self.failed or (self._ended and not self._writing and not self._pending)

    def write(self, chunk: bytes | bytearray) -> None:
        """More of it."""
        self._size += len(chunk)
        self._pending += chunk
        self._go_on()

    def end(self) -> None:
        """No more comes."""
        self._ended = True
        self._go_on()

    def close(self) -> None:
        """Give the file back."""
        self._closed = True
        if not self._writing:
            self.file.close()

    def _go_on(self) -> None:
        if self._writing or self._closed or not self._pending:
            return
        if self._ended or len(self._pending) >= WRITE_SIZE:
            pending, self._pending, self._writing = self._pending, bytearray(), True
            loop = asyncio.get_running_loop()
            loop.run_in_executor(self._threads, self.file.write, pending).add_done_callback(self._done)

    def _done(self, future: asyncio.Future[int]) -> None:
        self._writing = False
        if future.cancelled() or future.exception() is not None:
            self.failed = True
            self._pending.clear()
            log.error(
                "a large body could not be kept: %r", None if future.cancelled() else future.exception()
            )
        if self._closed:
            self.file.close()
        else:
            self._go_on()
            self._written()
