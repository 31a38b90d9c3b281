"""Group commit on the disk: what was committed is forced out, and only then are those answered who said it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import select
import socket
import threading
import time
from collections.abc import Callable

from models.base import traced
from models.recording.frames import packed

log = logging.getLogger(__name__)

BUSY_S = 1  # that a web process may take to take an answer
Told = tuple[socket.socket, int, str, dict[int, str]]  # an answer: to whom, and what the frame says


class FsyncQueue:
    """Answers that wait for the disk. A thread calls fsync and then sends them, while the next transaction is under way:
    synchronous=FULL would have everybody wait within it. The WAL only grows, so one fsync covers all that was committed before;
    a retry's stored words wait for it too."""

    def __init__(self, fsync: Callable[[], str], alone: bool) -> None:
        """`fsync` gives its fault, '' for none. `alone`: without a thread, for whoever counts what is done."""
        self._fsync = fsync
        self._answers: queue.SimpleQueue[list[Told] | threading.Event | None] = queue.SimpleQueue()
        self._thread = None if alone else threading.Thread(target=self._work, name="fsync", daemon=True)
        if self._thread is not None:
            self._thread.start()

    def put(self, answers: list[Told]) -> None:
        """Send them when what was written is on the disk."""
        if self._thread is None:
            self._fsync_and_send([answers])
        else:
            self._answers.put(answers)

    def _work(self) -> None:
        over = False
        while not over:
            batches = [self._answers.get()]
            while not self._answers.empty():
                batches.append(self._answers.get())
            over = None in batches
            self._fsync_and_send([answers for answers in batches if isinstance(answers, list)])
            for mark in batches:
                if isinstance(mark, threading.Event):
                    mark.set()

    def drain(self) -> None:
        """Wait until all that was put is sent."""
        if self._thread is not None:
            mark = threading.Event()
            self._answers.put(mark)
            mark.wait()

    def _fsync_and_send(self, batches: list[list[Told]]) -> None:
        fault = self._fsync()
        # All that is for one goes at once: each sending may mean to wait for the thread that writes.
        clients: dict[socket.socket, list[tuple[int, str, dict[int, str]]]] = {}
        for client, number, known, told in itertools.chain.from_iterable(batches):
            wrong = known or fault
            clients.setdefault(client, []).append((number, wrong, {} if wrong else told))
        for client, answers in clients.items():
            try:
                _send_all(client, b"".join(map(packed, answers)))
            except Exception as error:  # noqa: BLE001 - the other clients wait, too
                if not isinstance(error, OSError):  # else it has gone, or takes nothing any more
                    log.error("an answer could not be sent: %s", traced(error))
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """After the last answer."""
        if self._thread is not None:
            self._answers.put(None)
            self._thread.join()


def _send_all(client: socket.socket, answer: bytes) -> None:
    """To one who may be busy for a moment. Raises OSError."""
    left, until = memoryview(answer), time.monotonic() + BUSY_S
    while left:
        try:
            left = left[client.send(left) :]
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            room = select.poll()
            room.register(client, select.POLLOUT)
            room.poll(100)
