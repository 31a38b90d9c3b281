"""SQLite's write-ahead log (WAL) in the hands of its one writer: when it is forced to the disk, and when checkpointed."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import OperationalError

from models.base import Connection, Store
from models.recording.frames import GONE

log = logging.getLogger(__name__)

CALM_WAL = 4_000  # pages: then there is a checkpoint, where little is being written
CALM = 500  # pages written between two looks are little
LONG_WAL = 1 << 30  # bytes: then in any case, or at a share of the disk that is free
FREE_SHARE = 0.25
LOOK_S = 0.5
CHECKPOINT_ROUNDS = 10
EMPTY_S = 60.0  # so often, where little is being written, the WAL is cut to nothing: erased words stand there until then
BUSY_S = 5.0  # when somebody was reading from it
SHORT_WAL = 500  # pages that are quickly checkpointed between two transactions


class WalConnection:
    """The writer's own connection, kept, with the fsyncs and checkpoints of its WAL, which are ours.

    The WAL takes a whole burst and is checkpointed when that has passed: in a large table nearly every page that a message
    changes is changed by no other, and the disk would have to write each of them in a place of its own while everybody waits
    for it. A thread does it, for it takes longer than anybody may wait; the rest that has come meanwhile is checkpointed between
    two transactions, so that the WAL can begin anew.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: Connection | None = None
        self._is_wal = False  # some file systems allow none; there each commit is durable by itself
        self._wal: int | None = None  # a descriptor of it
        self._lock: int | None = None  # a descriptor of the writers' lock
        self._fsync_failed = False  # since we last knew what is on the disk
        self._checkpointing: threading.Thread | None = None
        self.pages = 0  # that we have written since the last checkpoint, roughly
        self._look_at = 0.0
        self._seen = 0  # of the pages, at the last look
        self._empty_at = time.monotonic() + EMPTY_S
        self._emptying = False  # after this checkpoint
        self._checkpointed = 0  # bytes that the WAL had at the last checkpoint

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, once the writers' lock is ours."""
        lock = self._store.lock
        assert lock is not None
        if self._lock is None:
            self._lock = lock.open()
        lock.wait(self._lock)
        try:
            if self._fsync_failed:
                self._checkpoint_all()
            if self._connection is None:
                self._connection = self._opened()
            with self._connection.begin():
                yield self._connection
        finally:
            lock.free(self._lock)
        if self._is_wal and self._wal is None:
            self._wal = os.open(f"{self._store.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def _opened(self) -> Connection:
        opened = self._store.engine.connect()
        raw: Any = opened.connection.dbapi_connection
        raw.execute("PRAGMA wal_autocheckpoint=0")
        self._is_wal = raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        if self._is_wal:
            raw.execute("PRAGMA synchronous=NORMAL")  # `fsync` does the rest
        return opened

    def fsync(self) -> str:
        """What synchronous=FULL does at a commit. The fault, '' for none."""
        if not self._is_wal:
            return ""
        if self._fsync_failed or self._wal is None:
            return GONE
        try:
            os.fdatasync(self._wal)
        except OSError as error:
            log.error("fsync of the WAL failed: %s", type(error).__name__)
            self._fsync_failed = True
            return GONE
        return ""

    def _checkpoint_all(self) -> None:
        """After a failed fsync the system may call clean what it has lost: so the whole WAL is checkpointed, with SQLite's own
        fsyncs, before anybody is answered again. Raises OperationalError."""
        with contextlib.closing(self._beside()) as own:
            try:
                busy, _, _ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.Error as error:
                raise OperationalError("wal_checkpoint", None, error) from error
        if busy:
            raise OperationalError("wal_checkpoint", None, sqlite3.OperationalError("database is locked"))
        self._fsync_failed = False

    def checkpoint_if_due(self) -> None:
        """Begin or end a checkpoint where it is time. Call it between transactions, and a few times a second."""
        if self._checkpointing is not None:
            if self._checkpointing.is_alive():
                return
            self._checkpointing = None
            self.pages = self._seen = 0
            self._checkpoint()
            if self._emptying:
                self._emptying = False
                self._empty_at = time.monotonic() + (EMPTY_S if self._truncate() else BUSY_S)
            self._checkpointed = os.fstat(self._wal).st_size if self._wal is not None else 0
        elif self._due():
            self._checkpointing = threading.Thread(
                target=self._checkpoint_rounds, name="checkpoint", daemon=True
            )
            self._checkpointing.start()

    def _due(self) -> bool:
        """Whether it is time for a checkpoint. Others write into the WAL too, so the length of its file counts, when it has
        changed since: the file is cut to `journal_size_limit` only by who writes next, and then used anew from its beginning.
        """
        now = time.monotonic()
        if now < self._look_at or self._wal is None:
            return False
        self._look_at = now + LOOK_S
        written, self._seen = self.pages - self._seen, self.pages
        if self.pages >= CALM_WAL and written < CALM:
            return True
        disk, size = os.fstatvfs(self._wal), os.fstat(self._wal).st_size
        if size and written < CALM and now >= self._empty_at:
            self._emptying = True
            return True
        return size != self._checkpointed and size > min(LONG_WAL, disk.f_bavail * disk.f_frsize * FREE_SHARE)

    def _checkpoint(self) -> tuple[int, int]:
        """How many pages are in the WAL, and how many of them in the database."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._beside()) as own:
            _, written, done = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return written, done
        return 0, 0

    def _truncate(self) -> bool:
        """Cut the WAL to nothing, with all that was erased; False while somebody reads from it."""
        with contextlib.suppress(sqlite3.Error), contextlib.closing(self._beside(0.05)) as own:
            busy, _, _ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
        return False

    def _checkpoint_rounds(self) -> None:
        for _ in range(CHECKPOINT_ROUNDS):
            written, done = self._checkpoint()
            if written - done < SHORT_WAL:
                break

    def _beside(self, timeout_s: float = 1) -> sqlite3.Connection:
        return sqlite3.connect(str(self._store.url.database), isolation_level=None, timeout=timeout_s)

    def close(self) -> None:
        """Give the connection back; the next transaction opens another."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
        for held in (self._wal, self._lock):
            if held is not None:
                os.close(held)
        self._wal = self._lock = None
