"""What is wrong, or surely a mistake, in the pushes of a config file that is well written."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path

from campaigns.campaign import OPEN_END, Campaign
from campaigns.push import Push
from channels import CHANNELS, title
from commands.outlook import Outlook
from ground import audience, roster
from ground.days import LAST_YEAR, SHANGHAI, minute, periods, read_day
from ground.workdays import unannounced

EARLY, LATE = 7, 22  # o'clock; outside them people sleep
FAR = timedelta(days=30)  # so far from its campaign's days a push belongs to another one
EVER = datetime(2000, 1, 1, tzinfo=UTC)
HALF_A_YEAR = timedelta(days=180)
FIELD = re.compile(
    r"\$?\{+\s*[^{}\s:;]{1,20}\s*\}+|｛[^｛｝\n]{1,20}｝|%(?:\(\w+\))?s(?![A-Za-z0-9])|[【\[<＜](?:姓名|名字|称呼|昵称|单位)[】\]>＞]"
)
"""What a program of letters would fill in for each person; WeChat sends it as it stands."""


def faults(folder: Path, push: Push) -> Iterator[str]:
    """What the sender would refuse in the files that the push names: the sender's own reading of them."""
    for name in _named(push, "openids"):
        try:
            for _ in roster.pages(folder, name):
                pass
        except roster.RosterError as fault:
            yield str(fault)
    yield from CHANNELS[push.channel].faults(folder, push.content)


def hints(
    folder: Path,
    campaigns: Iterable[Campaign],
    outlooks: Sequence[Outlook],
    now: datetime,
    tags: Mapping[str, int] | None,
) -> Iterator[str]:
    """What can be sent and is hardly meant, a sentence each."""
    for campaign in campaigns:
        yield from _reversed(campaign)
    for outlook in outlooks:
        words = (
            *_past(outlook, now),
            *_asleep(outlook),
            *_hushed(outlook.push),
            *_stray(outlook),
            *_fields(outlook.push),
            *_nobody(folder, outlook.push),
            *_unknown_tag(outlook.push, tags),
            *CHANNELS[outlook.push.channel].hints(outlook.push.content),
        )
        yield from (f"{outlook.push.name}：{each}" for each in words)
    yield from _together(outlooks)
    yield from _unannounced(outlooks)


def never(outlooks: Sequence[Outlook]) -> Iterator[str]:
    """The pushes whose days do not come in any year, past or future: a plan that cannot be kept."""
    for push in (outlook.push for outlook in outlooks if not outlook.dues and not outlook.push.at):
        if next(push.occurrences(EVER, EVER.replace(year=LAST_YEAR)), None) is None:
            yield f"{push.name}：照这样写，哪一年也没有这一天，永远不会发；请改时间，或改 or、workday"


# --- times -------------------------------------------------------------------------------------------------------


def _past(outlook: Outlook, now: datetime) -> Iterator[str]:
    at = outlook.push.at
    if at is not None and at <= now:
        yield f"时间 {minute(at)} 已经过去，不会再发；要发就改时间，发过了可以不管"


def _asleep(outlook: Outlook) -> Iterator[str]:
    hours = {due.astimezone(SHANGHAI).hour for due in outlook.dues}
    if odd := sorted(hour for hour in hours if hour < EARLY or hour >= LATE):
        yield f"定在 {odd[0]} 点多发，大家正在休息，请核对几点（24 小时制，下午 3 点写 15:00）"


def _hushed(push: Push) -> Iterator[str]:
    quiet = push.calendar.quiet
    if quiet and quiet.holds(push.clock):
        yield f"定在 {push.clock:%H:%M}，是安静时间，会等到 {quiet.end:%H:%M} 再发；late_ok 从那时算起"


def _unannounced(outlooks: Sequence[Outlook]) -> Iterator[str]:
    """The years whose working days are asked for and not known."""
    asked = {
        due.astimezone(SHANGHAI).year: outlook.push.calendar.workdays
        for outlook in outlooks
        if outlook.push.workday
        for due in outlook.dues
    }
    for year, workdays in sorted(asked.items(), key=lambda pair: pair[0]):
        if lacking := workdays.lacking(year):
            yield unannounced(year, lacking)


def _reversed(campaign: Campaign) -> Iterator[str]:
    spans = [(campaign.id, campaign.from_, campaign.to)]
    spans += [(push.name, push.daily.from_, push.daily.to) for push in campaign.pushes if push.daily]
    for name, first, last in spans:
        start = read_day(first) if first and last else None
        if start is None or start.year:
            continue
        begin, end = periods(start, read_day(last), range(2026, 2027))[0]
        if begin.year != end.year and end - begin > HALF_A_YEAR:
            days = (end - begin).days + 1
            yield f"{name}：从 {first} 到第二年的 {last}，共 {days} 天；请核对 from 和 to 是不是写反了"


def _stray(outlook: Outlook) -> Iterator[str]:
    """A push under the last `[[campaigns]]` of the file that was meant for another."""
    campaign, days = outlook.campaign, [due.astimezone(SHANGHAI).date() for due in outlook.dues]
    if campaign.from_ and days and all(_distance(campaign, day) > FAR for day in days):
        until = f" 至 {campaign.to}" if campaign.to else ""
        yield (
            f"它写在活动“{campaign.title}”（{campaign.from_}{until}）下面，可是 {days[0]} 离那时很远；"
            "请核对是不是少写了一段 [[campaigns]]，或者写到了别的活动下面"
        )


def _distance(campaign: Campaign, day: date) -> timedelta:
    """How far the day is from the nearest period of the campaign."""
    patience = timedelta(0) if campaign.to else OPEN_END
    years = range(day.year - 2, day.year + 2)
    around = periods(read_day(campaign.from_), read_day(campaign.to or campaign.from_), years)
    return min(max(start - day, day - end - patience, timedelta(0)) for start, end in around)


def _together(outlooks: Sequence[Outlook]) -> Iterator[str]:
    """Two pushes to everyone or to a tag that reach the same people in one minute."""
    wholes = [
        each
        for each in outlooks
        if CHANNELS[each.push.channel].whole and audience.is_whole(each.push.audience)
    ]
    for one, other in combinations(wholes, 2):
        audiences = {one.push.audience, other.push.audience}
        both = {minute(due) for due in one.dues} & {minute(due) for due in other.dues}
        if both and ("all" in audiences or len(audiences) == 1):
            what = f"{one.push.name} 和 {other.push.name} 在同一分钟（{min(both)}）{title(one.push.channel)}"
            yield f"{what}，同一个人会连收两条，请错开或去掉一个"


# --- words and people --------------------------------------------------------------------------------------------


def _fields(push: Push) -> Iterator[str]:
    if found := FIELD.search("\n".join(texts(push.content))):
        yield f"内容里有 {found[0]}，微信不会替换成每个人的名字，大家会原样看到；请改掉"


def texts(value: object) -> Iterator[str]:
    """Every text that people will read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in ("id", "url", "cover", "image"):
                yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def _nobody(folder: Path, push: Push) -> Iterator[str]:
    for name in _named(push, "openids"):
        try:
            number = roster.count(folder, name)
        except roster.RosterError:
            continue
        if number == 0:
            yield f"名单 {name} 里一个人也没有，到时谁也收不到"
        elif number == 1 and CHANNELS[push.channel].batch > 1 and push.audience == f"openids:{name}":
            yield "名单里只有一个人，微信不能按一个人群发，会跳过"


def _unknown_tag(push: Push, tags: Mapping[str, int] | None) -> Iterator[str]:
    if tags is None:
        return
    for name in _named(push, "tag"):
        if name not in tags:
            known = f"（现有：{'、'.join(list(tags)[:20])}）" if tags else ""
            yield f"公众号里没有标签“{name}”{known}，到时发不出去；请在微信公众平台的用户管理里建好，或改正 audience"
        elif not tags[name]:
            yield f"标签“{name}”下面一个人也没有，到时谁也收不到"


def _named(push: Push, kind: str) -> list[str]:
    """The tags or the lists that its audience names."""
    return [each.of for each in audience.all_of(audience.read(push.audience)) if each.kind == kind]
