"""What was said goes when its time is over, in portions, as far as a person has agreed to it; else the staff are asked to look."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from models import alarm, retention
from models.base import Store
from models.retention import Rules

log = logging.getLogger(__name__)
LOOK_S, NEXT_S = 600.0, 1.0  # until the next look; until the next portion
WAITS = "retention not agreed"  # the alarm
WORDS = (
    "有些职工说过的话到了该删的时候，还没有人看过要删哪些，所以一条也没有删。"
    "请运行 retention 看一遍，没有问题再运行 retention --agree。"
)


class Purger:
    """Clears what is due, in a thread of its own: it holds up no push."""

    def __init__(self, store: Store, rules: Rules, now: Callable[[], datetime]) -> None:
        self.store, self.rules, self.now = store, rules, now
        self._stopping = threading.Event()

    def step(self) -> int:
        """The next portion of each kind; how many rows lost their words."""
        now = self.now()
        with self.store.reading() as connection:
            agreed = retention.agreed(connection, self.rules, now)
            waits = agreed is None and retention.any_due(connection, self.rules, now)
        with self.store.writing() as connection:
            if waits and not alarm.stands(connection, WAITS):
                alarm.sound(connection, WAITS, WORDS, now)
            elif agreed:
                alarm.clear(connection, WAITS, now)
            cleared = retention.clear(connection, self.rules, now)
        if cleared:
            log.info("words cleared", extra={"rows": cleared})
        return cleared

    def run(self) -> None:
        """Look again and again until stopped, at once while there is more."""
        pause = NEXT_S
        while not self._stopping.wait(pause):
            try:
                pause = NEXT_S if self.step() else LOOK_S
            except Exception:
                pause = LOOK_S
                log.exception("clearing what is too old failed")

    def stop(self) -> None:
        self._stopping.set()
