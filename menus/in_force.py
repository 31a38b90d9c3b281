"""The directory in force: read anew when one of its files was edited; while one is wrong, the old one stays."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from menus.directory import Directory
from menus.reading import HERE, Reading, files, read

log = logging.getLogger(__name__)
LOOK_S = 2.0
Stamp = tuple[tuple[str, int, int], ...]


class InForce:
    """Gives the directory in force, once it was opened with one. `ready` is called with a new one before it comes into force, so that no
    worker waits for what is laid out once; `hears` with each reading of edited files."""

    def __init__(
        self,
        folder: Path = HERE,
        ready: Callable[[Directory], object] = lambda directory: None,
        hears: Callable[[Reading], object] = lambda reading: None,
    ) -> None:
        self._folder, self._ready, self._hears = folder, ready, hears
        self._stamp: Stamp = ()
        self._look_at = float("-inf")
        self._lock = threading.Lock()

    def current(self) -> Directory:
        """The directory in force. Looks every two seconds for edited files, and reads them in a thread of its own."""
        if monotonic() > self._look_at:
            self._look()
        return self._directory

    def open(self, directory: Directory) -> "InForce":
        """The same with a directory that was read before."""
        self._directory, self._stamp = directory, self._stamped()
        self._ready(directory)
        return self

    def poll(self) -> None:
        """Looks every two seconds for edited files, and reads them in this thread."""
        if monotonic() > self._look_at:
            self._look_at = monotonic() + LOOK_S
            self._read()

    def _read(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        reading = read(self._folder)
        if reading.directory is None:
            for problem in reading.problems:
                log.error("办事指南有错，没有采用，仍按原来的回答：%s", problem)
        else:
            self._ready(reading.directory)
            self._directory = reading.directory
        self._hears(reading)

    def _look(self) -> None:
        self._look_at = monotonic() + LOOK_S
        if self._stamped() != self._stamp and self._lock.acquire(blocking=False):
            threading.Thread(target=self._read_aside, name="menus", daemon=True).start()

    def _read_aside(self) -> None:
        try:
            self._read()
        finally:
            self._lock.release()

    def _stamped(self) -> Stamp:
        return tuple(_stamp(path) for path in files(self._folder))


def _stamp(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, 0)
    return (str(path), found.st_mtime_ns, found.st_size)
