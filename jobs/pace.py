"""How fast things go out: each channel's own speed, kept by all processes together, asked just before each call."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from channels import Channel, SendLimits
from channels.limits import Speed
from models.shared import Leave, Shared

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
    """One channel's leaves in this process: a few are fetched at once, each is used within a moment or given back.

    Who sees that few are left fetches the next ones, while the others use what is left: nobody waits for the rows."""

    def __init__(self, shared: Shared, name: str, speed: Speed) -> None:
        self._shared, self._name, self._speed = shared, name, speed
        self._window_s = speed.window_s + SLACK_S
        self._most = max(1, min(AT_A_TIME, int(speed.calls / speed.window_s * FRESH_S)))
        self._stock: deque[Leave] = deque()  # one for each call
        self._none_until = self._fetched_at = 0.0
        self._wanted = 1
        self._mine = threading.Lock()  # never held while the rows are asked
        self._fetching = threading.Lock()

    def take(self) -> float:
        """0.0: one call may go now. Else the seconds to wait."""
        self.return_stale()
        if self._is_low() and self._fetching.acquire(blocking=not self._stock):
            try:
                if self._is_low():
                    self._fetch()
            finally:
                self._fetching.release()
        with self._mine:
            if self._stock and not self._is_stale(self._stock[0]):
                self._stock.popleft()
                return 0.0
        return max(0.001, self._none_until - time.monotonic())

    def return_stale(self) -> None:
        """What has not been used in time goes back."""
        stale = []
        with self._mine:
            while self._stock and self._is_stale(self._stock[0]):
                stale.append(self._stock.popleft().at)
            self._wanted = max(1, self._wanted - len(stale))
        if stale:
            self._shared.give_back(self._name, stale)

    @staticmethod
    def _is_stale(leave: Leave) -> bool:
        return time.monotonic() - leave.given > FRESH_S

    def _is_low(self) -> bool:
        with self._mine:
            few = len(self._stock) <= self._wanted // 3
            return few and time.monotonic() >= self._none_until

    def _fetch(self) -> None:
        """As many as the flow has lately used up in time."""
        before = time.monotonic()
        with self._mine:
            if before - self._fetched_at < FRESH_S / 2:  # the last ones were used up too soon
                self._wanted = min(self._most, self._wanted * 2)
            wanted = self._wanted
        leave = self._shared.admit(self._name, self._speed.calls, self._window_s, wanted)
        with self._mine:
            self._fetched_at = before
            self._stock.extend([leave] * leave.calls)
            self._none_until = time.monotonic() + leave.wait_s
