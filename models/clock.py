"""The one clock. Only web and jobs ask it; everybody else is told the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Now, in UTC. With `offset` (the demonstration's movable clock) it is now plus that; asked at most 5 times a second."""

    def __init__(self, offset: Callable[[], timedelta] | None = None) -> None:
        self._offset = offset
        self._known = timedelta(0)
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def offset(self) -> timedelta:
        """How far this clock is ahead of the wall clock."""
        if self._offset is None:
            return self._known
        with self._lock:
            if time.monotonic() - self._asked > 0.2:
                self._known = self._offset()
                self._asked = time.monotonic()
            return self._known

    def now(self) -> datetime:
        """This moment, aware, in UTC."""
        return datetime.now(UTC) + self.offset()
