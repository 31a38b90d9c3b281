"""How fast and how often things go out: the limits of WeChat as settings, kept by all processes together."""

from __future__ import annotations

from pydantic import Field, StrictInt

from channels.service import Window
from ground.part import Part
from models.shared import Shared

SLACK_S = 1.0  # calls reach WeChat a little later than they were let go, and not all equally late


class Limits(Part):
    """`[limits]`: how much WeChat lets this account send (platform guide, 接口调用额度说明; its console shows the real ones)."""

    mass_per_month: StrictInt = Field(default=4, ge=0, le=1000)  # to one follower, by a service account
    service_messages: StrictInt = Field(default=5, ge=0, le=100)  # in the 48 hours after a follower spoke
    service_messages_after_tap: StrictInt = Field(
        default=3, ge=0, le=100
    )  # in the minute after a tap or scan
    sends_per_s: StrictInt = Field(default=200, ge=1, le=1000)  # template and service each, over all machines

    @property
    def window(self) -> Window:
        return Window(self.service_messages, self.service_messages_after_tap)


MASS_PER_MINUTE = 60  # platform guide, 群发接口
MASS_PER_DAY = 1  # by a subscription account


class Pace:
    """Lets calls go, never more in any window than the limit, over all processes."""

    def __init__(self, shared: Shared, limits: Limits) -> None:
        self.shared = shared
        self.windows = {
            "mass": (MASS_PER_MINUTE, 60.0 + SLACK_S),
            "template": (limits.sends_per_s, 1.0),
            "service": (limits.sends_per_s, 1.0),
        }

    def admit(self, channel: str, want: int) -> tuple[int, float]:
        """How many of `want` calls may go now, and the seconds to wait when none may."""
        limit, window_s = self.windows[channel]
        return self.shared.admit(channel, limit, window_s, want)
