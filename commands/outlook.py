"""The pushes of the months ahead: when each is due, to how many, what stands in its way, and which months are too full."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaigns.campaign import Campaign
from campaigns.push import Push
from channels import CHANNELS, Allowance, Channel, SendLimits
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
    """A month (service account) or a day (subscription account) with more pushes of a channel than one worker may get."""

    first: date
    words: str


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
    """Months or days of the years ahead on which a worker would get more by one channel than is delivered."""
    every = [push for campaign in campaigns for push in campaign.pushes]
    return [
        crowd
        for channel in CHANNELS.values()
        if (allowance := channel.allowance(account, limits))
        for crowd in _crowds(
            [push for push in every if push.channel == channel.name], channel, allowance, now
        )
    ]


def _crowds(
    pushes: list[Push], channel: type[Channel], allowance: Allowance, now: datetime
) -> Iterator[Crowd]:
    start = month_start(now)
    until = start.replace(year=min(start.year + YEARS_AHEAD, LAST_YEAR))
    spans: dict[date, list[Push]] = {}
    for push in pushes:
        for due in push.occurrences(start, until):
            day = due.astimezone(SHANGHAI).date()
            spans.setdefault(day.replace(day=1) if allowance.monthly else day, []).append(push)
    for first, some in sorted(spans.items()):
        if _most_for_one(some) > allowance.most:
            yield Crowd(first, _crowd_words(first, some, channel, allowance))


def _most_for_one(pushes: list[Push]) -> int:
    """The pushes that a worker gets who is in the busiest audience besides `all`."""
    sizes: dict[str, int] = {}
    for push in pushes:
        sizes[push.audience] = sizes.get(push.audience, 0) + 1
    everyone = sizes.pop("all", 0)
    return everyone + max(sizes.values(), default=0)


def _crowd_words(first: date, pushes: list[Push], channel: type[Channel], allowance: Allowance) -> str:
    names = [push.name for push in pushes]
    each = "、".join(f"{name}（{names.count(name)} 次）" for name in dict.fromkeys(names))
    when = f"{first:%Y} 年 {first.month} 月" + ("" if allowance.monthly else f" {first.day} 日")
    much = f"{when}有 {len(pushes)} 次{channel.title}，{allowance.rule}"
    return f"{much}，多出的发不出去，请改日期或去掉几次：{each}"


def unknown(audience: str) -> int | None:
    """The size of an audience as long as nobody has counted the followers."""
    return None
