"""SQLite's one writer: a process of its own that stores what all web processes hear.

One writer keeps SQLite's pages in its cache, where two would read again what the other has written; whatever arrives while
one transaction is being forced to the disk shares the next, from whichever process it comes; and no web process ever waits
for the disk. Web processes send their messages over a Unix socket (`line.py`) and get back what they do not know already: the
stored words of a retry, and the words of those who were answered inside the transaction.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import pickle
import queue
import select
import selectors
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import OperationalError

from models.base import Connection, Store, StoreError, named, traced, unstorable
from models.interaction import Arrival
from models.recording.keeper import Keeper
from models.recording.line import GONE, REFUSED, SEND_BUFFER, frames, packed
from models.recording.recorder import REPLY, Answers, Ready, openid_of
from models.recording.thread import recorder_for

log = logging.getLogger(__name__)

LARGEST = 256  # messages in a transaction
ROOM = 1 << 18  # bytes that are read at once
TICK_S = 0.25
BUSY_S = 1  # that a web process may take to take an answer
CALM_LOG = 4_000  # pages: then it is carried over into the database, where little is being written
CALM = 500  # pages written between two looks are little
LONG_LOG = 1 << 30  # bytes: then in any case, or at a share of the disk that is free
FREE_SHARE = 0.25
LOOK_S = 0.5
PAGES_EACH, PAGES_BESIDE = 3, 5  # that a message and a transaction change, roughly
CHECKPOINT_ROUNDS = 10
SHORT_LOG = 500  # pages that are quickly carried over between two transactions


def listen() -> socket.socket:
    """The socket at which the writer will be found. It has a name that nobody else knows and lives as long as it is open."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(b"\0gonghui-" + os.urandom(16).hex().encode())
    made.listen(64)
    return made


@dataclass(slots=True)
class Asked:
    """One frame's messages, and where the answer goes."""

    line: socket.socket
    number: int
    until: float
    items: list[Ready | Arrival]


Told = tuple[socket.socket, int, str, dict[int, str]]  # an answer: where it goes, and what the frame says


class Scribe:
    """Stores what comes over its lines, all that is there in one transaction."""

    def __init__(
        self, listener: socket.socket, store: Store, answers: Answers, *, alone: bool = False
    ) -> None:
        """`alone`: without a thread for the disk, for whoever counts what is done."""
        self._listener = listener
        self._store = store
        self._desk = Desk(store)
        self._keeper = Keeper(self._desk.writing, recorder_for(store.dialect), answers)
        self._lines: dict[socket.socket, bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._asked: list[Asked] = []
        self._room = memoryview(bytearray(ROOM))
        self._out = Outbox(self._desk, alone)
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
        while self._lines and time.monotonic() < end and not replaced():
            tick()
            self.turn(TICK_S)
        self.close()

    def turn(self, wait_s: float) -> None:
        """Stores what is there, or comes within that time."""
        ready = self._selector.select(wait_s)
        for key, _ in ready:
            if key.fileobj is self._listener:
                self._welcome()
            else:
                self._read(key.fileobj)  # type: ignore[arg-type]
        while self._asked:
            if self._write() == GONE:  # the others need not wait for the same thing, one after the other
                self._out.put([(asked.line, asked.number, GONE, {}) for asked in self._asked])
                self._asked.clear()
        self._desk.tidy()

    def close(self) -> None:
        """Hang up on everybody, and give the connection back."""
        self._out.close()
        for line in list(self._lines):
            self._hang_up(line)
        self._selector.close()
        self._listener.close()
        self._desk.close()

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):  # it has gone again, or went to another writer
            line, _ = self._listener.accept()
            user = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
            if user != os.getuid():
                line.close()
                return
            line.setblocking(False)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self._lines[line] = bytearray()
            self._selector.register(line, selectors.EVENT_READ)

    def _hang_up(self, line: socket.socket) -> None:
        if self._lines.pop(line, None) is not None:
            self._selector.unregister(line)
            line.close()

    def _read(self, line: socket.socket) -> None:
        try:
            count = line.recv_into(self._room)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if not count:
            self._hang_up(line)
            return
        buffer = self._lines[line]
        buffer += self._room[:count]
        for number, until, items in frames(buffer):
            whole = [pickle.loads(item) if isinstance(item, bytes) else item for item in items]  # noqa: S301 - our own
            self._asked.append(Asked(line, number, until, whole))

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
        fault = self._kept(batch)
        if fault == REFUSED and len(batch) > 1:
            for asked in batch:
                self._kept([asked])
        return fault

    def _kept(self, batch: Sequence[Asked]) -> str:
        """Stores the batch and answers, unless each of it must be tried alone."""
        items = [item for asked in batch for item in asked.items]
        fault, replies = "", [""] * len(items)
        try:
            replies = self._keeper.keep(items, min(asked.until for asked in batch))
            self._desk.pages += PAGES_EACH * len(items) + PAGES_BESIDE
        except (StoreError, OSError) as error:
            self._out.rest()  # what is written waits for the log that is given back now
            self._desk.close()  # whatever state it is in
            fault = REFUSED if unstorable(error) else GONE
            log.error("%d messages could not be stored: %s", len(items), named(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait get an answer
            fault = REFUSED
            log.error("a fault of ours: %s", traced(error))
        if fault == REFUSED and len(batch) > 1:
            return fault
        begin = 0
        answers: list[Told] = []
        for asked in batch:
            end = begin + len(asked.items)
            told = {} if fault else _unknown(asked.items, replies[begin:end])
            answers.append((asked.line, asked.number, fault, told))
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


def _deliver(line: socket.socket, words: bytes) -> None:
    """All of it, to one who may be busy for a moment. Raises OSError."""
    left, until = memoryview(words), time.monotonic() + BUSY_S
    while left:
        try:
            left = left[line.send(left) :]
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            room = select.poll()
            room.register(line, select.POLLOUT)
            room.poll(100)


class Outbox:
    """Answers that wait for the disk. A thread forces the log out and then sends them, while the next transaction is under
    way: synchronous=FULL would have everybody wait within it. The log only grows, so what is forced out holds all that was
    committed before; a retry's stored words wait for it too."""

    def __init__(self, desk: Desk, alone: bool) -> None:
        self._desk = desk
        self._answers: queue.SimpleQueue[list[Told] | threading.Event | None] = queue.SimpleQueue()
        self._thread = None if alone else threading.Thread(target=self._work, name="disk", daemon=True)
        if self._thread is not None:
            self._thread.start()

    def put(self, answers: list[Told]) -> None:
        """Send them when what was written is on the disk."""
        if self._thread is None:
            self._release([answers])
        else:
            self._answers.put(answers)

    def _work(self) -> None:
        over = False
        while not over:
            batches = [self._answers.get()]
            while not self._answers.empty():
                batches.append(self._answers.get())
            over = None in batches
            self._release([answers for answers in batches if isinstance(answers, list)])
            for mark in batches:
                if isinstance(mark, threading.Event):
                    mark.set()

    def rest(self) -> None:
        """Wait until all that was put is sent."""
        if self._thread is not None:
            mark = threading.Event()
            self._answers.put(mark)
            mark.wait()

    def _release(self, batches: list[list[Told]]) -> None:
        fault = self._desk.force()
        # All that is for one goes at once: each sending may mean to wait for the thread that writes.
        lines: dict[socket.socket, list[tuple[int, str, dict[int, str]]]] = {}
        for line, number, known, told in itertools.chain.from_iterable(batches):
            wrong = known or fault
            lines.setdefault(line, []).append((number, wrong, {} if wrong else told))
        for line, answers in lines.items():
            try:
                _deliver(line, b"".join(map(packed, answers)))
            except Exception as error:  # noqa: BLE001 - the other lines wait, too
                if not isinstance(error, OSError):  # else it has gone, or takes nothing any more
                    log.error("an answer could not be sent: %s", traced(error))
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """After the last answer."""
        if self._thread is not None:
            self._answers.put(None)
            self._thread.join()


class Desk:
    """The writer's own connection, kept, and the care for SQLite's log.

    The log takes a whole burst and is carried over into the database (a checkpoint) when that has passed: in a large table
    nearly every page that a message changes is changed by no other, and the disk would have to write each of them elsewhere
    while everybody waits for it. A thread does it, for it takes longer than anybody may wait; the rest that has come meanwhile
    is carried over between two transactions, so that the log can begin anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None
        self._by_hand = False  # whether the log is forced to the disk by us
        self._log: int | None = None  # a descriptor of it
        self._turn: int | None = None  # one of the writers' lock
        self._doubted = False  # the disk has failed since we last knew what is on it
        self._thread: threading.Thread | None = None
        self.pages = 0  # that we have written since the log was carried over, roughly
        self._look_at = 0.0
        self._seen = 0  # of the pages, at the last look
        self._carried = 0  # bytes that the log had when it was carried over last

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, in the turn of those who write."""
        lock = self._store.lock
        assert lock is not None
        if self._turn is None:
            self._turn = lock.open()
        lock.wait(self._turn)
        try:
            if self._doubted:
                self._trust_again()
            if self._connection is None:
                self._connection = self._opened()
            with self._connection.begin():
                yield self._connection
        finally:
            lock.free(self._turn)
        if self._by_hand and self._log is None:
            self._log = os.open(f"{self._store.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def _opened(self) -> Connection:
        opened = self._store.engine.connect()
        raw: Any = opened.connection.dbapi_connection
        raw.execute("PRAGMA wal_autocheckpoint=0")
        self._by_hand = raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        if self._by_hand:
            raw.execute("PRAGMA synchronous=NORMAL")  # `force` does the rest
        return opened

    def force(self) -> str:
        """What synchronous=FULL does at a commit: force the log to the disk. Some file systems allow no such log; there each
        commit forces itself out. The fault, '' for none."""
        if not self._by_hand:
            return ""
        if self._doubted or self._log is None:
            return GONE
        try:
            os.fdatasync(self._log)
        except OSError as error:
            log.error("what was written cannot be forced to the disk: %s", type(error).__name__)
            self._doubted = True
            return GONE
        return ""

    def _trust_again(self) -> None:
        """After a disk has failed, the system may call clean what it has lost: so the whole log is carried over into the
        database, with SQLite's own forcing, before anybody is answered again. Raises OperationalError."""
        with contextlib.closing(self._beside()) as own:
            try:
                busy, _, _ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise OperationalError("wal_checkpoint", None, error) from error
        if busy:
            raise OperationalError("wal_checkpoint", None, sqlite3.OperationalError("database is locked"))
        self._doubted = False

    def tidy(self) -> None:
        """Begin or end a checkpoint where it is time. Call it between transactions, and a few times a second."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
            self.pages = self._seen = 0
            self._checkpoint()
            self._carried = os.fstat(self._log).st_size if self._log is not None else 0
        elif self._due():
            self._thread = threading.Thread(target=self._carry_over, name="checkpoint", daemon=True)
            self._thread.start()

    def _due(self) -> bool:
        """Whether the log is to be carried over now. Others write into it too, so the length of its file counts, when it has
        changed since: the file is cut to `journal_size_limit` only by who writes next, and then used anew from its beginning.
        """
        now = time.monotonic()
        if now < self._look_at or self._log is None:
            return False
        self._look_at = now + LOOK_S
        written, self._seen = self.pages - self._seen, self.pages
        if self.pages >= CALM_LOG and written < CALM:
            return True
        disk, size = os.fstatvfs(self._log), os.fstat(self._log).st_size
        return size != self._carried and size > min(LONG_LOG, disk.f_bavail * disk.f_frsize * FREE_SHARE)

    def _checkpoint(self) -> tuple[int, int]:
        """How many pages are in the log, and how many of them in the database."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._beside()) as own:
            _, logged, carried = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return logged, carried
        return 0, 0

    def _carry_over(self) -> None:
        for _ in range(CHECKPOINT_ROUNDS):
            logged, carried = self._checkpoint()
            if logged - carried < SHORT_LOG:
                break

    def _beside(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self._store.url.database), isolation_level=None, timeout=1)

    def close(self) -> None:
        """Give the connection back; the next transaction opens another."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        for held in (self._log, self._turn):
            if held is not None:
                os.close(held)
        self._log = self._turn = None
