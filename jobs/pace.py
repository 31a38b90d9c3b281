"""How fast things go out: each channel's own speed, kept by all processes together, asked just before each call."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from channels import Channel, SendLimits
from channels.limits import Speed
from models.shared import Shared

FRESH_S = 0.1  # so long after it was given may a leave be used: what goes later would crowd another moment
SLACK_S = FRESH_S + 0.05  # and calls do not all reach WeChat equally late
GLANCE_S = 0.25  # so often a call that waits looks whether it may still be made
AT_A_TIME = 64


class Pace:
    """Lets calls go, never more in any window than the limit, over all processes."""

    def __init__(self, shared: Shared, limits: SendLimits) -> None:
        self.shared = shared
        self.limits = limits
        self._gates: dict[str, Gate] = {}
        self._mine = threading.Lock()

    def wait(self, channel: Channel, still: Callable[[], bool]) -> bool:
        """Wait until one call by this channel may go; False when `still` says no meanwhile."""
        gate = self._gate(channel)
        while wait_s := gate.take():
            time.sleep(min(wait_s, GLANCE_S))
            if not still():
                return False
        return True

    def return_unused(self) -> None:
        """What was given and has not been used for a moment goes back, so that other processes can use it."""
        for gate in list(self._gates.values()):
            gate.return_stale()

    def _gate(self, channel: Channel) -> Gate:
        with self._mine:
            if channel.name not in self._gates:
                self._gates[channel.name] = Gate(self.shared, channel.name, channel.speed(self.limits))
            return self._gates[channel.name]


class Gate:
    """One channel's leaves in this process: a few are fetched at once, each is used within a moment or given back."""

    def __init__(self, shared: Shared, name: str, speed: Speed) -> None:
        self._shared, self._name, self._speed = shared, name, speed
        self._window_s = speed.window_s + SLACK_S
        self._most = max(1, min(AT_A_TIME, int(speed.calls / speed.window_s * FRESH_S)))
        self._stock: deque[tuple[float, float]] = (
            deque()
        )  # when each was given: by our clock, and as the rows have it
        self._none_until = self._fetched_at = 0.0
        self._wanted = 1
        self._mine = threading.Lock()

    def take(self) -> float:
        """0.0: one call may go now. Else the seconds to wait."""
        with self._mine:
            self._drop_stale()
            if not self._stock and time.monotonic() >= self._none_until:
                self._fetch()
            if self._stock:
                self._stock.popleft()
                return 0.0
            return max(0.001, self._none_until - time.monotonic())

    def return_stale(self) -> None:
        with self._mine:
            self._drop_stale()

    def _fetch(self) -> None:
        """As many as the flow has lately used up in time."""
        before = time.monotonic()
        if before - self._fetched_at < FRESH_S / 2:  # the last ones were used up too soon
            self._wanted = min(self._most, self._wanted * 2)
        granted, wait_s, at = self._shared.admit(self._name, self._speed.calls, self._window_s, self._wanted)
        self._fetched_at = before
        self._stock.extend([(before, at)] * granted)
        self._none_until = time.monotonic() + wait_s

    def _drop_stale(self) -> None:
        late = time.monotonic() - FRESH_S
        stale = [at for given, at in self._stock if given < late]
        if stale:
            self._stock.clear()  # all are of one fetch
            self._wanted = max(1, self._wanted - len(stale))
            self._shared.give_back(self._name, stale)
