"""What `check` says: the next twelve months of pushes, and what this account cannot do."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

from campaigns.campaign import KIND_WORDS, OPEN_END, Campaign
from campaigns.kinds import KINDS
from campaigns.push import Push
from campaigns.watch import Settings
from ground.days import LAST_YEAR, SHANGHAI, lunar_words
from ground.text import BLANK
from wx.account import WORDS, Account, missing

AudienceSize = Callable[[str], int | None]
"""How many workers an audience (`all`, `tag:NAME`, `openids:FILE`) reaches, None when nobody knows."""

YEARS_AHEAD = (
    10  # lunar dates move against the calendar: a month that is right this year may be full in another
)
CHANNELS = {"mass": "群发", "template": "模板消息", "service": "客服消息"}
WEEKDAYS = "一二三四五六日"
PICTURE = re.compile(r"<img[^>]*\ssrc=[\"']([^\"']+)[\"']", re.IGNORECASE)


class Whole(Settings, Protocol):
    """What `check` reads of the whole config."""

    @property
    def account(self) -> Account: ...


class Reading(Protocol):
    """The config file once read: its value, or the problems that were found."""

    @property
    def value(self) -> Whole | None: ...
    @property
    def problems(self) -> Sequence[object]: ...


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


# --- the command -------------------------------------------------------------------------------------------


def unknown(audience: str) -> int | None:
    """The size of an audience as long as nobody has counted the followers."""
    return None


def check(
    path: Path,
    reading: Reading,
    *,
    now: datetime,
    audience_size: AudienceSize = unknown,
    per_month: int = 4,
    notes: Iterable[str] = (),
    wrong: Iterable[str] = (),
    say: Callable[[str], None] = print,
) -> int:
    """Says what the config file means; 0 when it can go into service, 1 when something must be changed first.

    `notes` and `wrong` are sentences of other parts, such as the blanks and the faults in the service directory.
    """
    value = reading.value
    if value is None:
        say(f"配置文件有 {len(reading.problems)} 处要改：")
        for problem in reading.problems:
            say(f"  ✗ {problem}")
        return 1
    sizes = _counted(path.parent, audience_size)
    outlooks = forecast(value.campaigns, value.account, now, sizes)
    say(f"配置文件 {path} 能用：{len(value.campaigns)} 个活动，{len(outlooks)} 次推送。")
    say(_account_words(value.account))
    say("\n未来十二个月的推送（北京时间）：")
    for line in _year(outlooks, now):
        say(f"  {line}")
    blanks = list(_blanks(path))
    faults, hints = _judged(path, value, outlooks, now, per_month)
    (faults if value.account.live and blanks else hints).extend(blanks)
    hints.extend(notes)
    faults.extend(wrong)
    for title, mark, sentences in (("必须改", "✗", faults), ("请留意", "·", hints)):
        if sentences:
            say(f"\n{title}（{len(sentences)}）：")
            for sentence in sentences:
                say(f"  {mark} {sentence}")
    say(f"\n{_verdict(bool(faults), missing(value.account))}")
    return 1 if faults else 0


def _verdict(faulty: bool, lacking: Sequence[str]) -> str:
    if faulty:
        return "检查没有通过，请改好上面打 ✗ 的地方再启动。"
    if lacking:
        words = "、".join(WORDS[key] for key in lacking)
        return f"配置没有写错，可是还不能启动服务：{words} 还没有填。"
    return "检查通过。"


def _account_words(account: Account) -> str:
    kind = "服务号" if account.kind == "service" else "订阅号"
    state = (
        "已正式开通（live = true），推送会发给所有人"
        if account.live
        else f"还没有正式开通（live = false），推送只发给 {len(account.testers)} 位测试人员，其他人一律不发"
    )
    return f"账号：{account.name}，{'已' if account.verified else '未'}认证的{kind}；{state}。"


def _year(outlooks: list[Outlook], now: datetime) -> Iterator[str]:
    """One line for each due time, in order; a daily push takes one line for all its days in a row."""
    lines: list[tuple[datetime, str]] = []
    for outlook in outlooks:
        what = f"{_what(outlook)}{''.join(f'　✗ {each}' for each in outlook.obstacles)}"
        for first, last, count in _runs(outlook.dues):
            lines.append((first, f"{_when(first, last, count)}　{what}"))
    if not lines:
        yield "没有"
    yield from (line for _, line in sorted(lines))
    for outlook in outlooks:
        if not outlook.dues:
            following = next(outlook.push.occurrences(now, now + timedelta(days=800)), None)
            when = f"下一次是 {_when(following, following, 1)}" if following else "时间已经过去，不会再发"
            yield f"这十二个月里不发：{_what(outlook)}（{when}）"


def _runs(dues: tuple[datetime, ...]) -> Iterator[tuple[datetime, datetime, int]]:
    """Due times one day apart taken together: first, last, how many."""
    start = 0
    for position in range(1, len(dues) + 1):
        if position == len(dues) or dues[position] - dues[position - 1] != timedelta(days=1):
            yield dues[start], dues[position - 1], position - start
            start = position


def _when(first: datetime, last: datetime, count: int) -> str:
    begin, end = first.astimezone(SHANGHAI), last.astimezone(SHANGHAI)
    words = f"{begin:%Y-%m-%d} 周{WEEKDAYS[begin.weekday()]} {lunar_words(begin.date())}"
    if count == 1:
        return f"{words} {begin:%H:%M}"
    return f"{words} 至 {end:%m-%d} 每天 {begin:%H:%M}（{count} 次）"


def _what(outlook: Outlook) -> str:
    push = outlook.push
    word, _, name = push.audience.partition(":")
    whom = {"all": "全体关注者", "tag": f"标签“{name}”", "openids": f"名单 {name}"}[word]
    size = "人数未知" if outlook.audience is None else f"{outlook.audience} 人"
    return f"{push.name}　{CHANNELS[push.channel]}　{whom}（{size}）　{outlook.campaign.title}"


def _judged(
    path: Path, value: Whole, outlooks: list[Outlook], now: datetime, per_month: int
) -> tuple[list[str], list[str]]:
    """What must be changed, and what is only worth knowing."""
    faults = [f"{each.push.name}：{words}" for each in outlooks for words in each.obstacles]
    hints = [f"还没有填 {WORDS[key]}（{key}）；填好之前不能启动服务" for key in missing(value.account)]
    horizon = (now.astimezone(SHANGHAI) + timedelta(days=365)).date()
    for crowd in crowds(value.campaigns, value.account, now, per_month):
        (faults if crowd.first <= horizon else hints).append(crowd.words)
    for campaign in value.campaigns:
        hints.extend(f"{campaign.id}：{words}" for words in _joining(campaign))
        for push in campaign.pushes:
            faults.extend(f"{push.name}：{words}" for words in _files(path.parent, push))
            if push.audience.startswith("openids:") and _people(path.parent, push.audience) == 1:
                hints.append(f"{push.name}：名单里只有一个人，微信不能按一个人群发，会跳过")
    return faults, hints


def _joining(campaign: Campaign) -> Iterator[str]:
    """What is worth knowing of how workers can take part in it."""
    if campaign.kind not in KIND_WORDS:
        yield f"kind「{campaign.kind}」不在常用的几种里（{'、'.join(KIND_WORDS)}），按通知处理"
    elif campaign.kind in KINDS and campaign.rules is None:
        yield f"没有写 [campaigns.{campaign.kind}]，职工只能看介绍，不能参加"
    elif campaign.rules is not None and not campaign.from_:
        yield "没有写 from，职工什么时候都不能参加"
    elif campaign.rules is not None and not campaign.to:
        yield f"没有写 to，开始以后 {OPEN_END.days} 天结束"


def _files(folder: Path, push: Push) -> Iterator[str]:
    """The files that the push names and that are not there."""
    named = [push.image or ""]
    if push.audience.startswith("openids:"):
        named.append(push.audience.partition(":")[2])
    if push.article and push.channel == "mass":
        named += [push.article.cover, *PICTURE.findall(push.article.content)]
    for name in named:
        if name and not name.startswith(("https://", "http://")) and not (folder / name).is_file():
            yield f"没有找到文件 {name}（从配置文件所在的文件夹算起）"


def _counted(folder: Path, audience_size: AudienceSize) -> AudienceSize:
    """Counts lists itself, because they stand beside the config file, and leaves the rest to the followers' table."""

    def count(audience: str) -> int | None:
        return _people(folder, audience) if audience.startswith("openids:") else audience_size(audience)

    return count


def _people(folder: Path, audience: str) -> int | None:
    try:
        text = (folder / audience.partition(":")[2]).read_text("utf-8-sig")
    except (OSError, ValueError):
        return None
    return len({line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")})


def _blanks(path: Path) -> Iterator[str]:
    """Where the config file still has 〔待填：…〕, outside its comments."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError):
        return
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("#"):
            yield from (f"{path}:{number}：还没有填 {blank}" for blank in BLANK.findall(line))
