"""How fast things go out: each channel's own speed, kept by all processes together."""

from __future__ import annotations

from channels import Channel, SendLimits
from models.shared import Shared


class Pace:
    """Lets calls go, never more in any window than the limit, over all processes."""

    def __init__(self, shared: Shared, limits: SendLimits) -> None:
        self.shared = shared
        self.limits = limits

    def admit(self, channel: Channel, want: int) -> tuple[int, float]:
        """How many of `want` calls may go now, and the seconds to wait when none may."""
        speed = channel.speed(self.limits)
        return self.shared.admit(channel.name, speed.calls, speed.window_s, want)
