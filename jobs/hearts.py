"""Which workers' hearts have stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from models.shared import HEART_S
from wx.wire import ANSWER_S, CONNECT_S

STILL_S = HEART_S + CONNECT_S + ANSWER_S  # so long after its last beat no call of a worker can be under way


class Hearts:
    """A heart has stopped when this process itself has seen it stand still for so long, by its own monotonic clock: a clock
    that is set, or another machine's that is ahead, takes no row from anybody who lives."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._seen: dict[
            str, tuple[datetime, float]
        ] = {}  # name → its last beat, and since when it stands there

    def stopped(self, beats: Mapping[str, datetime]) -> list[str]:
        """The names among these whose last beat has not moved for `STILL_S`."""
        now = self.monotonic()
        seen = ((name, at, self._seen.get(name)) for name, at in beats.items())
        self._seen = {name: last if last and last[0] == at else (at, now) for name, at, last in seen}
        return [name for name, (_, since) in self._seen.items() if now - since >= STILL_S]
