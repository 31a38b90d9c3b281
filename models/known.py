"""What a process knows of a table that staff change at the desk."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import sqlalchemy as sa

from models.base import Connection, Store, StoreError, named

log = logging.getLogger(__name__)
LOOK_S = 2.0
FIRST_S = 1.0
T = TypeVar("T")


class Known(Generic[T]):
    """The table as this process knows it: looked at every two seconds in a thread of its own, so that no message waits for
    the database. While it is away, what was known last stands. `stamp` is a row that is another one once something has changed;
    `patience` is how long whoever asks first waits."""

    def __init__(
        self,
        store: Store,
        name: str,
        stamp: sa.Executable,
        read: Callable[[Connection], T],
        none: T,
        patience: float = FIRST_S,
    ) -> None:
        self._store, self._name, self._counted, self._read = store, name, stamp, read
        self._known, self._patience = none, patience
        self._stamp: tuple[object, ...] = ()
        self._pid = 0  # of the process in which the thread runs: it does not live on in a fork
        self._looked = threading.Event()  # once, in this process
        self._lock = threading.Lock()

    def current(self) -> T:
        """What is in force."""
        if self._pid != os.getpid():
            self.begin(self._patience)
        return self._known

    def begin(self, patience: float = FIRST_S) -> None:
        """Looks from now on, and waits at most so long for the first look."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._looked = os.getpid(), threading.Event()
                run = threading.Thread(target=self._run, args=(self._looked,), name=self._name, daemon=True)
                run.start()
        self._looked.wait(patience)

    def look(self) -> None:
        """Take up what changed."""
        if self._store.file is not None and not self._store.file.exists():
            return  # who only asks makes no database
        try:
            with self._store.reading() as connection:
                stamp = tuple(connection.execute(self._counted).one())
                if stamp != self._stamp:
                    self._known, self._stamp = self._read(connection), stamp
        except (StoreError, OSError) as error:
            log.warning("%s could not be read", self._name, extra={"error": named(error)})

    def _run(self, looked: threading.Event) -> None:
        pause = threading.Event()
        while True:
            self.look()
            looked.set()
            pause.wait(LOOK_S)
