"""SQLite's one writer: a process of its own that stores what all web processes hear.

One writer keeps SQLite's pages in its cache, where two would read again what the other has written; whatever arrives while
one transaction is being forced to the disk shares the next, from whichever process it comes; and no web process ever waits
for the disk. Web processes send their messages over a Unix socket (`writer_client.py`) and get back what they do not know already: the
stored words of a retry, and the words of those who were answered inside the transaction.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.base import Store, StoreError, named, traced, unstorable
from models.interaction import Arrival
from models.recording.committer import Committer
from models.recording.frames import GONE, SEND_BUFFER, UNSTORABLE, frames
from models.recording.fsync import FsyncQueue, Told
from models.recording.inside import Answers
from models.recording.rows import REPLY, Ready, openid_of
from models.recording.thread import recorder_for
from models.recording.wal import WalConnection

log = logging.getLogger(__name__)

LARGEST = 256  # messages in a transaction
READ_SIZE = 1 << 18  # bytes
TICK_S = 0.25
PAGES_EACH, PAGES_BESIDE = 3, 5  # that a message and a transaction change, roughly


def listen() -> socket.socket:
    """The socket at which the writer will be found, as long as it is open. Its name is one of its own, not a secret: everybody
    finds it in /proc/net/unix, and who knocks is judged by their user."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(b"\0gonghui-" + os.urandom(16).hex().encode())
    made.listen(64)
    return made


@dataclass(slots=True)
class Asked:
    """One frame's messages, and where the answer goes."""

    client: socket.socket
    number: int
    until: float
    items: list[Ready | Arrival]


class Writer:
    """Stores what its clients send, all that is there in one transaction."""

    def __init__(
        self, listener: socket.socket, store: Store, answers: Answers, *, alone: bool = False
    ) -> None:
        """`alone`: without a thread for fsync, for whoever counts what is done."""
        self._listener = listener
        self._store = store
        self._database = WalConnection(store)
        self._committer = Committer(self._database.writing, recorder_for(store), answers)
        self._clients: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._asked: list[Asked] = []
        self._received = memoryview(bytearray(READ_SIZE))
        self._out = FsyncQueue(self._database.fsync, alone)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def run(
        self, tick: Callable[[], bool], grace_s: float, replaced: Callable[[], bool] = lambda: False
    ) -> None:
        """Works until `tick`, called at least every `TICK_S`, says no; then until nobody is there any more, or `replaced` says
        that they will find another, at most `grace_s`."""
        while tick():
            self.turn(TICK_S)
        end = time.monotonic() + grace_s
        while self._clients and time.monotonic() < end and not replaced():
            tick()
            self.turn(TICK_S)
        self.close()

    def turn(self, wait_s: float) -> None:
        """Stores what is there, or comes within that time."""
        ready = self._selector.select(wait_s)
        for key, _ in ready:
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._read(key.fileobj)  # type: ignore[arg-type]
        while self._asked:
            if self._write() == GONE:  # the others need not wait for the same thing, one after the other
                self._out.put([(asked.client, asked.number, GONE, {}) for asked in self._asked])
                self._asked.clear()
        self._database.checkpoint_if_due()

    def close(self) -> None:
        """Hang up on everybody, and give the connection back."""
        self._out.close()
        for client in list(self._clients):
            self._disconnect(client)
        self._selector.close()
        self._listener.close()
        self._database.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it has gone again, or went to another writer
            client, _ = self._listener.accept()
            user = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
            if user != os.getuid():
                client.close()
                return
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self._clients[client] = bytearray()
            self._selector.register(client, selectors.EVENT_READ)

    def _disconnect(self, client: socket.socket) -> None:
        if self._clients.pop(client, None) is not None:
            self._selector.unregister(client)
            client.close()

    def _read(self, client: socket.socket) -> None:
        try:
            count = client.recv_into(self._received)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._disconnect(client)
            return
        buffer = self._clients[client]
        buffer += self._received[:count]
        for number, until, items in frames(buffer):
            whole = [pickle.loads(item) if isinstance(item, bytes) else item for item in items]  # noqa: S301 - our own
            self._asked.append(Asked(client, number, until, whole))

    def _write(self) -> str:
        """One transaction for all that is there, up to where somebody who is answered inside it says more; its fault."""
        count = some = 0
        inside: set[str] = set()
        while some < len(self._asked) and count < LARGEST:
            items = self._asked[some].items
            if inside and not inside.isdisjoint(map(openid_of, items)):
                break
            for item in items:
                if isinstance(item, Arrival):
                    inside |= {item.openid, item.erases}
            count += len(items)
            some += 1
        batch, self._asked = self._asked[:some], self._asked[some:]
        fault = self._commit(batch)
        if fault == UNSTORABLE and len(batch) > 1:
            for asked in batch:
                self._commit([asked])
        return fault

    def _commit(self, batch: Sequence[Asked]) -> str:
        """Stores the batch and answers, unless each of it must be tried alone."""
        items = [item for asked in batch for item in asked.items]
        fault, replies = "", [""] * len(items)
        try:
            replies = self._committer.commit(items, min(asked.until for asked in batch))
            self._database.pages += PAGES_EACH * len(items) + PAGES_BESIDE
        except (StoreError, OSError) as error:
            self._out.drain()  # what is written waits for the WAL that is given back now
            self._database.close()  # whatever state it is in
            fault = UNSTORABLE if unstorable(error) else GONE
            log.error("%d messages could not be stored: %s", len(items), named(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait get an answer
            fault = UNSTORABLE
            log.error("a fault of ours: %s", traced(error))
        if fault == UNSTORABLE and len(batch) > 1:
            return fault
        begin = 0
        answers: list[Told] = []
        for asked in batch:
            end = begin + len(asked.items)
            told = {} if fault else _unknown(asked.items, replies[begin:end])
            answers.append((asked.client, asked.number, fault, told))
            begin = end
        self._out.put(answers)
        return fault


def _unknown(items: Sequence[Ready | Arrival], replies: Sequence[str]) -> dict[int, str]:
    """The replies that the asker does not know already, by their places."""
    return {
        place: reply
        for place, (item, reply) in enumerate(zip(items, replies, strict=True))
        if isinstance(item, Arrival) or reply is not item[0][REPLY]
    }
