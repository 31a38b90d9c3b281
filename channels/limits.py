"""`[limits]`, and what follows from it: how fast calls may go, and how many a follower may get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, StrictInt

from ground.days import Duration, day_start, month_start
from ground.part import Part
from ground.quiet import QuietText


class SendLimits(Part):
    """`[limits]`: how much WeChat lets this account send (platform guide, 接口调用额度说明; its console shows the real ones)."""

    mass_per_month: StrictInt = Field(default=4, ge=0, le=1000)  # to one follower, by a service account
    service_messages: StrictInt = Field(default=5, ge=0, le=100)  # in the 48 hours after a follower spoke
    service_messages_after_tap: StrictInt = Field(
        default=3, ge=0, le=100
    )  # in the minute after a tap or scan
    sends_per_s: StrictInt = Field(default=200, ge=1, le=1000)  # template and service each, over all machines
    mass_wait: Duration = timedelta(0)  # before a mass push that somebody started by hand goes out
    errors_in_a_row: StrictInt = Field(default=100, ge=0, le=100_000)  # before a push is paused; 0: never
    quiet: QuietText = ""  # when no push begins
    quiet_then: Literal["after", "refuse"] = "after"  # what becomes of one that is written for it


@dataclass(frozen=True, slots=True)
class Speed:
    """At most so many calls in a window of so many seconds, over all processes together."""

    calls: int
    window_s: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often the far end lets one follower get something: in a calendar month, or (then by calls) in a day of Shanghai.

    `rule` and `remedy` say in Chinese what the limit is and what staff can do about it."""

    most: int
    monthly: bool
    rule: str
    remedy: str

    def since(self, now: datetime) -> datetime:
        """From when on is counted, in UTC."""
        return month_start(now) if self.monthly else day_start(now)
