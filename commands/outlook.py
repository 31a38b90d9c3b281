"""The pushes of the months ahead: when each is due, to how many, what stands in its way, and which months are too full."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaigns.campaign import Campaign
from campaigns.push import Push
from channels import CHANNELS, Allowance, Channel, SendLimits, instead
from ground.audience import is_whole
from ground.days import LAST_YEAR, SHANGHAI, month_start
from wx.account import Account

AudienceSize = Callable[[str], int | None]
"""How many workers an audience (`all`, `tag:NAME`, `openids:FILE`) reaches, None when nobody knows."""

TWO_YEARS = timedelta(days=730)
YEARS_AHEAD = (
    10  # lunar dates move against the calendar: a month that is right this year may be full in another
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One push over the months that are looked at: its due times (UTC), its audience, what stands in its way."""

    campaign: Campaign
    push: Push
    dues: tuple[datetime, ...]
    audience: int | None
    obstacles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crowd:
    """A month with more pushes of a channel than one worker may get."""

    first: date
    words: str


@dataclass(frozen=True, slots=True)
class Spill:
    """A push of which not all can go out on its day: the last day on which it does."""

    push: Push
    due: datetime
    last: date
    rule: str

    @property
    def days(self) -> int:
        """How many days later than its own the last of it goes out."""
        return (self.last - self.due.astimezone(SHANGHAI).date()).days


def forecast(
    campaigns: Iterable[Campaign], account: Account, now: datetime, audience_size: AudienceSize
) -> list[Outlook]:
    """Every push with its due times of the next two years, the earliest first."""
    found = [
        Outlook(
            campaign,
            push,
            tuple(push.occurrences(now, now + TWO_YEARS)),
            audience_size(push.audience),
            tuple(CHANNELS[push.channel].obstacles(account, push.audience)),
        )
        for campaign in campaigns
        for push in campaign.pushes
    ]
    never = now + 2 * TWO_YEARS
    return sorted(found, key=lambda outlook: outlook.dues[0] if outlook.dues else never)


def crowds(campaigns: Iterable[Campaign], account: Account, now: datetime, limits: SendLimits) -> list[Crowd]:
    """Months of the years ahead in which a worker would get more by one channel than is delivered."""
    every = [push for campaign in campaigns for push in campaign.pushes]
    return [
        crowd
        for channel in CHANNELS.values()
        if (allowance := channel.monthly(account, limits))
        for crowd in _crowds(
            [push for push in every if push.channel == channel.name],
            f"{channel.title}，{allowance.rule}，多出的发不出去，请改日期或去掉几次{instead(channel.name, account)}",
            allowance.most,
            now,
        )
    ]


def spills(outlooks: Iterable[Outlook], account: Account, limits: SendLimits) -> list[Spill]:
    """What passes a day's allowance, as the sender goes on with it: one after the other, the rest on the next day."""
    found = []
    every = list(outlooks)
    for channel in CHANNELS.values():
        if daily := channel.daily(account, limits):
            mine = [each for each in every if each.push.channel == channel.name]
            found += list(_spills(mine, channel, daily))
    return found


def _spills(outlooks: list[Outlook], channel: type[Channel], daily: Allowance) -> Iterator[Spill]:
    day, left, most = date.min, 0, max(1, daily.most)
    for due, outlook in sorted(
        ((due, each) for each in outlooks for due in each.dues), key=lambda pair: pair[0]
    ):
        if (today := due.astimezone(SHANGHAI).date()) > day:
            day, left = today, most
        calls = _calls(outlook, channel)
        later = max(0, -(-(calls - left) // most))
        day, left = day + timedelta(later), left + later * most - calls
        if day > today:
            yield Spill(outlook.push, due, day, daily.rule)


def _calls(outlook: Outlook, channel: type[Channel]) -> int:
    """How many calls it takes; one where nobody knows how many people they are."""
    if channel.whole and is_whole(outlook.push.audience):
        return 1
    return max(1, -(-(outlook.audience or 1) // channel.batch))


def _crowds(pushes: list[Push], rule: str, most: int, now: datetime) -> Iterator[Crowd]:
    start = month_start(now)
    until = start.replace(year=min(start.year + YEARS_AHEAD, LAST_YEAR))
    spans: dict[date, list[Push]] = {}
    for push in pushes:
        for due in push.occurrences(start, until):
            day = due.astimezone(SHANGHAI).date()
            spans.setdefault(day.replace(day=1), []).append(push)
    for first, some in sorted(spans.items()):
        if _most_for_one(some) > most:
            yield Crowd(first, _crowd_words(first, some, rule))


def _most_for_one(pushes: list[Push]) -> int:
    """The pushes that a worker gets who is in the busiest audience besides `all`."""
    sizes: dict[str, int] = {}
    for push in pushes:
        sizes[push.audience] = sizes.get(push.audience, 0) + 1
    everyone = sizes.pop("all", 0)
    return everyone + max(sizes.values(), default=0)


def _crowd_words(first: date, pushes: list[Push], rule: str) -> str:
    names = [push.name for push in pushes]
    each = "、".join(f"{name}（{names.count(name)} 次）" for name in dict.fromkeys(names))
    return f"{first:%Y} 年 {first.month} 月有 {len(pushes)} 次{rule}：{each}"


def unknown(audience: str) -> int | None:
    """The size of an audience as long as nobody has counted the followers."""
    return None
