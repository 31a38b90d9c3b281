"""The directory in force: read anew when one of its files was edited, laid anew when something was written at the desk above it; while a
file is wrong, the old one stays."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from menus.directory import Directory
from menus.edit import Fields, overlaid
from menus.reading import HERE, Reading, files, read

log = logging.getLogger(__name__)
LOOK_S = 2.0
Stamp = tuple[tuple[str, int, int], ...]


class InForce:
    """Gives the directory in force, once it was opened with one. `ready` is called with a new one before it comes into force, so that no
    worker waits for what is laid out once; `hears` with each reading of edited files; `written` gives what the desk wrote."""

    def __init__(
        self,
        folder: Path = HERE,
        ready: Callable[[Directory], object] = lambda directory: None,
        hears: Callable[[Reading], object] = lambda reading: None,
        written: Callable[[], Mapping[str, Fields]] = dict,
    ) -> None:
        self._folder, self._ready, self._hears, self._written = folder, ready, hears, written
        self._stamp: Stamp = ()
        self._above: Mapping[str, Fields] = {}  # of what the desk wrote, what the directory in force has
        self._look_at = float("-inf")
        self._lock = threading.Lock()

    def current(self) -> Directory:
        """The directory in force. Looks every two seconds for what was edited, and takes it up in a thread of its own."""
        if monotonic() > self._look_at:
            self._look()
        return self._directory

    def open(self, directory: Directory) -> "InForce":
        """The same with a directory that was read before."""
        self._files = self._directory = directory
        self._stamp = self._stamped()
        self._ready(directory)
        return self

    def poll(self) -> None:
        """Looks every two seconds for what was edited, and takes it up in this thread."""
        if monotonic() > self._look_at:
            self.look()

    def look(self) -> None:
        """Takes up in this thread what was edited."""
        self._look_at = monotonic() + LOOK_S
        with self._lock:
            self._read()

    def _read(self) -> None:
        stamp, above = self._stamped(), self._written()
        edited = stamp != self._stamp
        if not edited and above == self._above:
            return
        self._stamp, self._above = stamp, above
        reading = read(self._folder) if edited else None
        if reading is not None and reading.directory is None:
            for problem in reading.problems:
                log.error("办事指南有错，没有采用，仍按原来的回答：%s", problem)
        self._files = (reading and reading.directory) or self._files
        directory = overlaid(self._files, above)
        if directory is not self._directory:
            self._ready(directory)
            self._directory = directory
        if reading is not None:
            self._hears(reading)

    def _look(self) -> None:
        self._look_at = monotonic() + LOOK_S
        edited = self._stamped() != self._stamp or self._written() != self._above
        if edited and self._lock.acquire(blocking=False):
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
