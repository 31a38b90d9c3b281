"""What tells a worker to make no call now: a halt, a pause, or a WeChat that cannot be reached."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from jobs.policy import Effect
from models import push, shared
from models.base import Store, StoreError

MISSES = 5  # calls in a row that reached nobody, before only one is tried now and then
REST_S = 10.0
STALE_S = 0.5  # so old may be what a call knows of halts and pauses


class Brake:
    """Tells the calls of one claim, moments before each is made, whether they may still be made."""

    def __init__(self, store: Store, push_id: int) -> None:
        self.store, self.push_id = store, push_id
        self._mine = threading.Lock()
        self._looked_at = time.monotonic()  # the claim itself has just looked
        self._pressed = False
        self._misses = 0

    def note(self, effect: Effect) -> None:
        """What one call came to: a refusal of everything, or nobody reached again and again, stops the other calls."""
        with self._mine:
            self._misses += effect == "unreached"
            self._pressed |= effect in ("halt", "pause", "hold") or self._misses >= MISSES

    def pressed(self) -> bool:
        with self._mine:
            if not self._pressed and time.monotonic() - self._looked_at > STALE_S:
                self._pressed = self._stopped()
                self._looked_at = time.monotonic()
            return self._pressed

    def _stopped(self) -> bool:
        try:
            with self.store.reading() as connection:
                standing = push.get(connection, self.push_id)
                return (
                    standing is None
                    or standing.state != push.SENDING
                    or shared.halted(connection) is not None
                )
        except StoreError:
            return True  # who cannot know whether he may, does not


class FarEnd:
    """Whether WeChat can be reached: after a few misses in a row only one call is tried now and then."""

    def __init__(self) -> None:
        self.misses = 0
        self.since: datetime | None = None
        self._rest_until = 0.0

    def missed(self, now: datetime) -> None:
        self.misses += 1
        self.since = self.since or now
        if self.misses >= MISSES:
            self._rest_until = time.monotonic() + REST_S

    def reached(self) -> bool:
        """Note that WeChat answered; whether that is news."""
        news = self.misses >= MISSES
        self.misses, self.since = 0, None
        return news

    @property
    def broken(self) -> bool:
        return self.misses >= MISSES

    @property
    def resting(self) -> bool:
        return self.broken and time.monotonic() < self._rest_until
