"""What WeChat still lets this account send today, asked before each claim; and how many days the rest will take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from channels import Allowance, Channel, SendLimits
from ground.days import SHANGHAI
from models import quota
from models.base import Connection
from models.ledger import Claimed, Outcome
from wx.account import Account


class Quota:
    """The day's calls of each channel, over all machines: counted in the transaction of the claim, so that none too many go."""

    def __init__(self, account: Account, limits: SendLimits) -> None:
        self.account = account
        self.limits = limits

    def daily(self, channel: Channel) -> Allowance | None:
        """The day's allowance, None where nobody counts."""
        return channel.daily(self.account, self.limits)

    def left(self, connection: Connection, channel: Channel, wanted: int, now: datetime) -> int:
        """How many of so many calls may be made; 0 when today's are used up. Other workers wait for this transaction."""
        daily = self.daily(channel)
        if daily is None:
            return wanted
        return max(0, min(wanted, daily.most - quota.calls_alone(connection, channel.name, now)))

    def spend(
        self, connection: Connection, channel: Channel, claimed: Sequence[Claimed], now: datetime
    ) -> None:
        """Count what was claimed; what may have gone out before was counted then."""
        if self.daily(channel) is not None:
            new = sum(not one.repeat for one in claimed)
            quota.count(connection, channel.name, min(new, 1) if channel.batch > 1 else new, now)

    def give_back(
        self, connection: Connection, channel: Channel, outcomes: Sequence[Outcome], now: datetime
    ) -> None:
        """Calls that were never made; of a mass message also those that WeChat refused, for it counts what it accepts."""
        if self.daily(channel) is not None:
            batched = channel.batch > 1
            vain = [each for each in outcomes if each.in_vain and (batched or not each.counted)]
            spared = len(vain) if batched else sum(len(each.ids) for each in vain)
            quota.count(connection, channel.name, -spared, now)


def days_for(number: int, channel: type[Channel] | Channel, daily: Allowance, left: int | None = None) -> int:
    """How many days so many recipients take, from a day on of which so many calls are left (all of them, where it is not said)."""
    calls = -(-number // channel.batch)
    first = daily.most if left is None else max(0, left)
    return 1 if calls <= first else 1 + -(-(calls - first) // max(1, daily.most))


def next_morning(due_at: datetime, now: datetime) -> datetime:
    """The push's own hour on the next day: nobody is rung at midnight because a day begins there."""
    due, tomorrow = due_at.astimezone(SHANGHAI), now.astimezone(SHANGHAI) + timedelta(days=1)
    return tomorrow.replace(hour=due.hour, minute=due.minute, second=0, microsecond=0)
