"""`[limits]`, and what follows from it: how fast calls may go, how many in a day, and how many a follower may get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import Field, StrictInt

from ground.days import Duration
from ground.part import Part
from ground.quiet import QuietText
from wx.account import Standing


class SendLimits(Part):
    """`[limits]`: how much WeChat lets this account send (platform guide, 接口调用额度说明; its console shows the real ones)."""

    mass_per_month: StrictInt = Field(default=4, ge=0, le=1000)  # to one follower, by a service account
    mass_per_day: StrictInt = Field(default=1, ge=0, le=1000)  # calls, by a subscription account
    mass_calls_per_day: StrictInt = Field(default=100, ge=0, le=100_000)  # by a service account
    mass_per_minute: StrictInt = Field(default=60, ge=1, le=1000)  # calls, over all machines
    templates_per_day: StrictInt = Field(default=100_000, ge=0, le=1_000_000_000)
    service_messages: StrictInt = Field(default=5, ge=0, le=100)  # in the 48 hours after a follower spoke
    service_messages_after_tap: StrictInt = Field(
        default=3, ge=0, le=100
    )  # in the minute after a tap or scan
    service_messages_per_day: StrictInt = Field(default=500_000, ge=0, le=1_000_000_000)
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
    """At most so many in a month or a day of Shanghai. `rule` says in Chinese what the limit is."""

    most: int
    rule: str


Allowed = Callable[[SendLimits], Allowance | None]


@dataclass(frozen=True, slots=True)
class Can:
    """What accounts of one standing may do by a channel: `refused` says why not at all, `by_list` why not to a list of people;
    "" where they may.

    `monthly` is what one follower may get in a calendar month: what goes beyond is never delivered. `daily` is how many calls
    the account may make in a day: what goes beyond waits for the next one. None where nobody counts."""

    refused: str = ""
    by_list: str = ""
    monthly: Allowed = lambda _: None
    daily: Allowed = lambda _: None


EVERYBODY: Mapping[Standing, Can] = dict.fromkeys(("unverified", "subscription", "service"), Can())
