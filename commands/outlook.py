"""The pushes of the months ahead: when each is due, to how many, what stands in its way, and which months are too full."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from campaigns.campaign import Campaign
from campaigns.push import Push
from ground.days import LAST_YEAR, SHANGHAI
from wx.account import Account

AudienceSize = Callable[[str], int | None]
"""How many workers an audience (`all`, `tag:NAME`, `openids:FILE`) reaches, None when nobody knows."""

YEARS_AHEAD = (
    10  # lunar dates move against the calendar: a month that is right this year may be full in another
)
CHANNELS = {"mass": "群发", "template": "模板消息", "service": "客服消息"}


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
    """A month (service account) or a day (subscription account) with more mass pushes than one worker may get."""

    first: date
    words: str


def forecast(
    campaigns: Iterable[Campaign], account: Account, now: datetime, audience_size: AudienceSize
) -> list[Outlook]:
    """Every push with its due times of the next twelve months, the earliest first."""
    found = [
        Outlook(
            campaign,
            push,
            tuple(push.occurrences(now, now + timedelta(days=365))),
            audience_size(push.audience),
            tuple(_obstacles(push, account)),
        )
        for campaign in campaigns
        for push in campaign.pushes
    ]
    never = now + timedelta(days=400)
    return sorted(found, key=lambda outlook: outlook.dues[0] if outlook.dues else never)


def _obstacles(push: Push, account: Account) -> Iterator[str]:
    """What this kind of account may not send (platform guide, 接口适用范围)."""
    if not account.verified:
        yield f"账号没有认证，发不了{CHANNELS[push.channel]}"
    if account.kind == "subscription" and push.channel == "template":
        yield "订阅号没有模板消息，请改用群发"
    if account.kind == "subscription" and push.channel == "mass" and push.audience.startswith("openids:"):
        yield "订阅号不能按名单群发，请改成 all 或 tag:标签名"


def crowds(campaigns: Iterable[Campaign], account: Account, now: datetime, per_month: int) -> list[Crowd]:
    """Months or days of the years ahead on which a worker would get more mass pushes than WeChat delivers."""
    monthly = account.kind == "service"
    limit = per_month if monthly else 1
    today = now.astimezone(SHANGHAI)
    start = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    until = start.replace(year=min(start.year + YEARS_AHEAD, LAST_YEAR))
    spans: dict[date, list[Push]] = {}
    for push in (push for campaign in campaigns for push in campaign.pushes if push.channel == "mass"):
        for due in push.occurrences(start.astimezone(UTC), until.astimezone(UTC)):
            day = due.astimezone(SHANGHAI).date()
            spans.setdefault(day.replace(day=1) if monthly else day, []).append(push)
    return [
        Crowd(first, _crowd_words(first, pushes, limit, monthly))
        for first, pushes in sorted(spans.items())
        if _most_for_one(pushes) > limit
    ]


def _most_for_one(pushes: list[Push]) -> int:
    """The mass pushes that a worker gets who is in the busiest audience besides `all`."""
    sizes: dict[str, int] = {}
    for push in pushes:
        sizes[push.audience] = sizes.get(push.audience, 0) + 1
    everyone = sizes.pop("all", 0)
    return everyone + max(sizes.values(), default=0)


def _crowd_words(first: date, pushes: list[Push], limit: int, monthly: bool) -> str:
    names = [push.name for push in pushes]
    each = "、".join(f"{name}（{names.count(name)} 次）" for name in dict.fromkeys(names))
    when = f"{first:%Y} 年 {first.month} 月" + ("" if monthly else f" {first.day} 日")
    rule = f"服务号每人每月最多收到 {limit} 次" if monthly else "订阅号每天只能群发 1 次"
    return f"{when}有 {len(pushes)} 次群发，{rule}，多出的发不出去，请改日期或去掉几次：{each}"


def unknown(audience: str) -> int | None:
    """The size of an audience as long as nobody has counted the followers."""
    return None
