"""Storing messages: `record` in transactions of one's own, until it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy.exc import OperationalError

from models.base import Connection
from models.interaction import Arrival
from models.recording.inside import Again, Answers, Care
from models.recording.recorder import Recorder
from models.recording.rows import Ready

TRIES = 8
LATE_S = 2.75  # of the time that WeChat waits: who has less left does not wait for another slow statement
SLOW_S = 10  # so long after a slow statement others are likely


class Committer:
    """`record` in transactions of its own, until it stands."""

    def __init__(
        self, writing: Callable[[], AbstractContextManager[Connection]], recorder: Recorder, answers: Answers
    ) -> None:
        self._writing = writing
        self._recorder = recorder
        self._answers = answers
        self._slow_until = 0.0

    def commit(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        """The reply of each, stored. By `until` (monotonic) an answer must be there. Raises what the database raises."""
        now = time.monotonic()
        care = Care(until) if until - now < LATE_S and now < self._slow_until else None
        ask = False
        for _ in range(TRIES):
            try:
                with self._writing() as connection:
                    return self._recorder.record(connection, items, self._answers, care, ask=ask)
            except Again as again:
                if again.slow:
                    self._slow_until = time.monotonic() + SLOW_S
                care, ask = again.care(until), True
        raise OperationalError("record", None, TimeoutError("the same rows were contended too often"))
