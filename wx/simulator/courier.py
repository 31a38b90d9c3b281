"""Threads that carry results to the callback a little later."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Courier:
    """Runs errands after a delay, several at once; the threads start with the first errand."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = threads
        self._errands: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._open = 0  # waiting or under way
        self._changed = threading.Condition()
        self._crew: list[threading.Thread] = []
        self._closed = False

    def later(self, delay_s: float, errand: Callable[[], None]) -> None:
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._errands, (time.monotonic() + delay_s, next(self._order), errand))
            self._open += 1
            if len(self._crew) < self._threads:
                self._crew.append(threading.Thread(target=self._work, daemon=True))
                self._crew[-1].start()
            self._changed.notify()

    def settle(self, timeout_s: float) -> bool:
        """Waits until nothing is left to carry; False when that takes too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout_s)

    def close(self) -> None:
        """Drops what waits and ends the threads."""
        with self._changed:
            self._closed = True
            self._errands.clear()
            self._changed.notify_all()
        for thread in self._crew:
            thread.join(timeout=10)

    def _work(self) -> None:
        while (errand := self._next()) is not None:
            try:
                errand()
            except Exception:  # the loop of a thread: the next errand must run
                log.exception("a result could not be carried to the callback")
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                if self._errands and self._errands[0][0] <= time.monotonic():
                    return heapq.heappop(self._errands)[2]
                wait = self._errands[0][0] - time.monotonic() if self._errands else None
                self._changed.wait(wait)
            return None
