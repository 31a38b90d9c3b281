"""The calls under way: as many as may be at a time, whichever of them are slow; what has ended is settled in groups."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from jobs.policy import Verdict
from models.push import Occasion

GATHER_S = 0.2  # what ends within it is written down together


@dataclass(frozen=True, slots=True)
class _Call:
    occasion: Occasion
    hurry: bool


class Flight:
    """Threads that call; `launch` never waits."""

    def __init__(self, in_flight: int) -> None:
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="send")
        self.calls: dict[Future[Verdict], _Call] = {}

    def launch(self, occasion: Occasion, call: Callable[[], Verdict], *, hurry: bool) -> None:
        """Let a thread make this call; `hurry`: its end is to be written down at once, for nobody else remembers it."""
        self.calls[self._pool.submit(call)] = _Call(occasion, hurry)

    def of(self, push_id: int) -> int:
        """How many calls of this push are under way or wait for a thread."""
        return sum(call.occasion.id == push_id for call in self.calls.values())

    def landed(self) -> list[tuple[Occasion, list[Verdict]]]:
        """What has ended within a moment, by push."""
        hurry = any(call.hurry for call in self.calls.values())
        done, _ = wait(self.calls, timeout=GATHER_S, return_when=FIRST_COMPLETED if hurry else ALL_COMPLETED)
        found: dict[int, tuple[Occasion, list[Verdict]]] = {}
        for future in done:
            occasion = self.calls.pop(future).occasion
            found.setdefault(occasion.id, (occasion, []))[1].append(future.result())
        return list(found.values())

    def close(self) -> None:
        self._pool.shutdown(wait=False)
