"""Whom a push would reach if it went out now, by the same rules as the sender's, counted before anything is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add

from channels import CHANNELS, Channel, SendLimits
from ground import audience as spelled
from ground.days import SHANGHAI, month_start
from jobs.audience import Audience, NoAudience, tags
from jobs.quota import days_for
from models import delivery, follower, quota
from models.base import Connection
from models.delivery import EVERYONE, LEFT, SPENT
from wx.account import Account

REACHED = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people there are for each reason why they get nothing (REACHED for those who do), how many calls the day has
    left of how many, and the last day on which it goes out."""

    by_reason: Mapping[str, int]
    left_today: int | None
    last: date

    @property
    def reached(self) -> int:
        return self.by_reason.get(REACHED, 0)

    @property
    def gone(self) -> int:
        """Who does not follow any more: nothing in WeChat reaches them."""
        return self.by_reason.get(LEFT, 0)

    @property
    def others(self) -> Mapping[str, int]:
        """Who follows and gets nothing this way."""
        return {why: number for why, number in self.by_reason.items() if why not in (REACHED, LEFT)}


class Reckoner:
    """Counts for one account; `now` is the moment for which it is true."""

    def __init__(self, audience: Audience, account: Account, limits: SendLimits, now: datetime) -> None:
        self.audience, self.account, self.limits, self.now = audience, account, limits, now

    def reach(self, channel_name: str, text: str, due_at: datetime | None = None) -> Reach:
        """Raises NoAudience and WeChatError."""
        channel = CHANNELS[channel_name]
        whole = channel.whole and spelled.is_whole(text)
        counted = (
            self._of_tag(channel, text) if whole and text != EVERYONE else self._of_people(channel, text)
        )
        number = 1 if whole else counted[REACHED]
        return Reach(counted, *self._days(channel, number, due_at or self.now))

    def _of_tag(self, channel: type[Channel], text: str) -> Counter[str]:
        """WeChat alone knows who they are; how many, it says."""
        whom = spelled.read(text)
        assert isinstance(whom, spelled.Those)
        known = tags(self.audience.api)
        if whom.of not in known:
            raise NoAudience(f"公众号里没有标签“{whom.of}”")
        with self.audience.store.reading() as connection:
            full = self._full(connection, channel, [text])
        return Counter({SPENT if full else REACHED: known[whom.of]})

    def _of_people(self, channel: type[Channel], text: str) -> Counter[str]:
        return reduce(add, self._portions(channel, self.audience.people(text, self.now)), Counter())

    def _portions(self, channel: type[Channel], people: Iterable[list[str]]) -> Iterator[Counter[str]]:
        for some in people:
            with self.audience.store.reading() as connection:
                yield Counter(self._why_not(connection, channel, some))

    def _why_not(
        self, connection: Connection, channel: type[Channel], people: Sequence[str]
    ) -> Iterator[str]:
        gone, full = follower.gone(connection, people), self._full(connection, channel, people)
        closed = self._closed(connection, channel, people) if channel.window else {}
        for one in people:
            yield LEFT if one in gone else SPENT if one in full else closed.get(one, REACHED)

    def _full(self, connection: Connection, channel: type[Channel], people: Sequence[str]) -> set[str]:
        monthly = channel.monthly(self.account, self.limits)
        if monthly is None:
            return set()
        return quota.full(connection, channel.name, people, month_start(self.now), monthly.most, 0)

    def _closed(
        self, connection: Connection, channel: type[Channel], people: Sequence[str]
    ) -> dict[str, str]:
        since = self.now - (channel.window or timedelta(0))
        acts = delivery.last_acts(connection, people)
        went = delivery.sent_since(connection, channel.name, people, since, 0)
        return {
            one: channel.closed(*acts.get(one, (None, None)), went.get(one, []), self.limits, self.now)
            for one in people
        }

    def _days(self, channel: type[Channel], number: int, due_at: datetime) -> tuple[int | None, date]:
        """What today has left, and the last day. A push of another day finds that day's allowance whole."""
        first = due_at.astimezone(SHANGHAI).date()
        daily = channel.daily(self.account, self.limits)
        if daily is None:
            return None, first
        left = daily.most
        if first <= self.now.astimezone(SHANGHAI).date():
            with self.audience.store.reading() as connection:
                left -= quota.calls(connection, channel.name, self.now)
        return max(0, left), first + timedelta(days=days_for(number, channel, daily, left) - 1)
