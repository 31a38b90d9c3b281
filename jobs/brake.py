"""What tells a worker to make no call now: a halt, a pause, a lease that is over, or a WeChat that cannot be reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from jobs.policy import Effect
from models import push, shared
from models.base import Store, StoreError
from models.push import Occasion

MISSES = 5  # calls in a row that reached nobody, before only one is tried now and then
REST_S = 10.0
STALE_S = 0.5  # so old may be what a call to one person knows of halts and pauses


class Brake:
    """Tells the calls of one push, moments before each is made, whether they may still be made.

    `fresh`: the rows are asked each time, as for what goes to everyone and cannot be taken back."""

    def __init__(self, store: Store, occasion: Occasion, now: Callable[[], datetime], *, fresh: bool) -> None:
        self.store, self.occasion, self.now = store, occasion, now
        self._stale_s = 0.0 if fresh else STALE_S
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
            if not self._pressed and time.monotonic() - self._looked_at >= self._stale_s:
                self._pressed = self._stopped()
                self._looked_at = time.monotonic()
            return self._pressed

    def _stopped(self) -> bool:
        try:
            with self.store.reading() as connection:
                standing = push.get(connection, self.occasion.id)
                return (
                    standing is None
                    or standing.state != push.SENDING
                    or shared.halted(connection) is not None
                    or self.occasion.channel in shared.resting(connection, self.now())
                )
        except StoreError:
            return True  # who cannot know whether he may, does not


class Lease:
    """How long rows are ours, by the wall clock and by the machine's own, so that a process or a machine that stood still
    (SIGSTOP, suspend) knows that it did. Made before the claim."""

    def __init__(self, lasts: timedelta, wall: Callable[[], float] = time.time) -> None:
        self._clocks = (wall, _steady)
        self._ends = tuple(clock() + lasts.total_seconds() for clock in self._clocks)

    def over(self) -> bool:
        return any(clock() >= end for clock, end in zip(self._clocks, self._ends, strict=True))


class Pulse:
    """Whether a worker's heart beats, as the others see it: they free its rows once it has been silent and its last call is
    over, so it begins none from then on. Where no heart has ever beaten, leases alone count."""

    def __init__(self) -> None:
        self._lasts: Lease | None = None

    def beats(self, lasts: Lease) -> None:
        """`lasts` was made before the beat was written down."""
        self._lasts = lasts

    def stopped(self) -> bool:
        return self._lasts is not None and self._lasts.over()


def _steady() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Departure:
    """Asked immediately before the request that delivers, and before each repeat: waits for the pace, then says whether
    it may go. `asked` and `gone` tell afterwards whether anything can have left."""

    def __init__(
        self,
        brake: Brake,
        lease: Lease,
        pulse: Pulse,
        paced: Callable[[Callable[[], bool]], bool],
        stopping: threading.Event,
    ) -> None:
        self._brake, self._lease, self._pulse, self._paced, self._stopping = (
            brake,
            lease,
            pulse,
            paced,
            stopping,
        )
        self.asked = self.gone = False

    def __call__(self) -> bool:
        self.asked, self.gone = True, False
        self.gone = self._free() and self._paced(self._free) and self._free()
        return self.gone

    def _free(self) -> bool:
        over = self._stopping.is_set() or self._lease.over() or self._pulse.stopped()
        return not (over or self._brake.pressed())


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
