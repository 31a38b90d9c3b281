"""What `check` says: the next two years of pushes, and what this account cannot do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaigns import sensitive
from campaigns.campaign import KIND_WORDS, OPEN_END, Campaign
from campaigns.kinds import KINDS
from campaigns.push import Push
from channels import SendLimits, title
from commands import compliance, doubts
from commands.audience import counted, tags_of
from commands.command_line import GOOD, Options
from commands.config import Config, risks
from commands.outlook import TWO_YEARS, AudienceSize, Outlook, Spill, crowds, forecast, spills, unknown
from commands.parts import Parts, lacks
from commands.retention import promised
from ground import audience
from ground.address import lacking
from ground.days import SHANGHAI, lunar_words, minute
from ground.text import BLANK
from ground.toml import Loaded
from jobs.audience import sizes
from menus.directory import reminders
from menus.facts import table
from menus.reading import load, read
from models.base import StoreError
from wx.account import WORDS, Account, missing

SHOWN = 3  # full months of later years that are told one by one
FAR_BEHIND = 30  # days
A_MONTH, A_YEAR = timedelta(days=31), timedelta(days=365)
WEEKDAYS = "一二三四五六日"
BY_NAME = (
    "推送要批准才发（account.approvals）：请在工作台按各人的登录名批准；命令行（push approve）只认得登录这台机器的名字，"
    "几个人共用一个名字就只算一位"
)


def run(options: Options, parts: Parts) -> int:
    """Also with a broken config file, without a database and without WeChat; what cannot be known then is said."""
    if options.facts:
        print(table(load()))
        return GOOD
    now, loaded = datetime.now(UTC), parts.loaded
    if loaded.value is None:
        return check(parts.path, loaded, now=now)
    reading, notes = read(), [*risks(loaded.value, parts.environ), *lacking(loaded.value.site)]
    try:
        size = unknown if lacks(parts.store) else sizes(parts.audience, now)
    except (StoreError, OSError):
        size = unknown
        notes.append("数据库现在连不上，启动不了服务；请检查 [database] url 和数据库服务")
    notes += [str(hint) for hint in reading.hints]
    words = sensitive.read(loaded.value.moderation, parts.path.absolute().parent)
    wrong, look = compliance.told(loaded.value, reading.directory, words)
    notes += look
    if options.links:
        wrong += compliance.dead_links(loaded.value, reading.directory)
    if reading.directory:
        notes += reminders(reading.directory, now.astimezone(SHANGHAI).date())
        notes += promised(reading.directory, loaded.value.data.kept)
    return check(
        parts.path,
        loaded,
        now=now,
        audience_size=size,
        limits=loaded.value.limits,
        notes=notes,
        wrong=[*map(str, reading.problems), *wrong],
        tags=tags_of(parts, notes),
    )


def check(
    path: Path,
    loaded: Loaded[Config],
    *,
    now: datetime,
    audience_size: AudienceSize = unknown,
    limits: SendLimits = SendLimits(),  # noqa: B008  - it never changes
    notes: Iterable[str] = (),
    wrong: Iterable[str] = (),
    tags: Mapping[str, int] | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Says what the config file means; 0 when it can go into service, 1 when something must be changed first.

    `notes` and `wrong` are sentences of other parts, such as the blanks and the faults in the service directory.
    `tags` are those that WeChat knows, with the number of people who have each; None when it was not asked.
    """
    value = loaded.value
    if value is None:
        say(f"配置文件有 {len(loaded.problems)} 处要改：")
        for problem in loaded.problems:
            say(f"  ✗ {problem}")
        return 1
    sizes = counted(path.parent, audience_size, tags)
    outlooks = forecast(value.campaigns, value.account, now, sizes)
    say(f"配置文件 {path} 能用：{len(value.campaigns)} 个活动，{len(outlooks)} 次推送。")
    say(_account_words(value.account))
    for heading, lines in _two_years(outlooks, now):
        say(f"\n{heading}：")
        for line in lines:
            say(f"  {line}")
    blanks = list(_blanks(path))
    faults, hints = _judged(path, value, outlooks, now, limits, tags)
    (faults if value.account.live and blanks else hints).extend(blanks)
    hints.extend(notes)
    faults.extend(wrong)
    for heading, mark, sentences in (("必须改", "✗", faults), ("请留意", "·", hints)):
        if sentences:
            say(f"\n{heading}（{len(sentences)}）：")
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


def _two_years(outlooks: list[Outlook], now: datetime) -> Iterator[tuple[str, list[str]]]:
    """The next twelve months, then the twelve after them, each under its heading; last what does not come in either."""
    middle = now + A_YEAR
    for heading, first, last in (
        ("未来十二个月的推送（北京时间）", now, middle),
        ("再往后十二个月", middle, now + TWO_YEARS),
    ):
        yield heading, list(_year(outlooks, first, last)) or ["没有"]
    if rest := list(_never_in_two_years(outlooks, now)):
        yield "这两年里不发", rest


def _year(outlooks: list[Outlook], after: datetime, until: datetime) -> Iterator[str]:
    """One line for each due time, in order; what comes daily or weekly takes one line for all its days in a row."""
    lines: list[tuple[datetime, str]] = []
    for outlook in outlooks:
        what = f"{_what(outlook)}{''.join(f'　✗ {each}' for each in outlook.obstacles)}"
        gap, how = _rhythm(outlook.push)
        dues = [due for due in outlook.dues if after < due <= until]
        for first, last, count in _runs(dues, gap):
            lines.append((first, f"{_when(first, last, count, how)}　{what}"))
    yield from (line for _, line in sorted(lines))


def _never_in_two_years(outlooks: list[Outlook], now: datetime) -> Iterator[str]:
    for outlook in outlooks:
        if not outlook.dues:
            following = outlook.push.next_due(now)
            when = f"下一次是 {_when(following, following, 1)}" if following else "没有下一次了"
            yield f"{_what(outlook)}（{when}）"


def _rhythm(push: Push) -> tuple[timedelta, str]:
    """How far apart two days may lie that are told in one line, and what is said of them."""
    if push.weekly:
        return timedelta(days=14 if push.workday else 7), f"每{'、'.join(push.weekly.on)}"
    if push.workday:
        return timedelta(days=12), "每个工作日"
    return timedelta(days=1), "每天"


def _runs(dues: Sequence[datetime], gap: timedelta) -> Iterator[tuple[datetime, datetime, int]]:
    """Due times no farther apart than this taken together: first, last, how many."""
    start = 0
    for position in range(1, len(dues) + 1):
        if position == len(dues) or dues[position] - dues[position - 1] > gap:
            yield dues[start], dues[position - 1], position - start
            start = position


def _when(first: datetime, last: datetime, count: int, how: str = "每天") -> str:
    begin, end = first.astimezone(SHANGHAI), last.astimezone(SHANGHAI)
    words = f"{begin:%Y-%m-%d} 周{WEEKDAYS[begin.weekday()]} {lunar_words(begin.date())}"
    if count == 1:
        return f"{words} {begin:%H:%M}"
    until = f"{end:%m-%d}" if begin.year == end.year or end - begin < A_MONTH else f"{end:%Y-%m-%d}"
    return f"{words} 至 {until} {how} {begin:%H:%M}（{count} 次）"


def _what(outlook: Outlook) -> str:
    push = outlook.push
    whom = audience.words(push.audience)
    size = "人数未知" if outlook.audience is None else f"{outlook.audience} 人"
    return f"{push.name}　{title(push.channel)}　{whom}（{size}）　{push.title or outlook.campaign.title}"


def _judged(
    path: Path,
    value: Config,
    outlooks: list[Outlook],
    now: datetime,
    limits: SendLimits,
    tags: Mapping[str, int] | None,
) -> tuple[list[str], list[str]]:
    """What must be changed, and what is only worth knowing."""
    faults = [f"{each.push.name}：{words}" for each in outlooks for words in each.obstacles]
    hints = [f"还没有填 {WORDS[key]}（{key}）；填好之前不能启动服务" for key in missing(value.account)]
    if value.account.approvals:
        hints.append(BY_NAME)
    horizon = (now.astimezone(SHANGHAI) + timedelta(days=365)).date()
    found = crowds(value.campaigns, value.account, now, limits)
    faults.extend(crowd.words for crowd in found if crowd.first <= horizon)
    later = [crowd.words for crowd in found if crowd.first > horizon]
    hints.extend(later[:SHOWN])
    if len(later) > SHOWN:
        hints.append(f"再往后的十年里，另有 {len(later) - SHOWN} 处也超出了群发的次数")
    never, spilt = _spilt(outlooks, value.account, limits)
    faults.extend(never)
    hints.extend(spilt)
    faults.extend(doubts.never(outlooks))
    for campaign in value.campaigns:
        hints.extend(f"{campaign.id}：{words}" for words in _joining(campaign))
        for push in campaign.pushes:
            faults.extend(f"{push.name}：{words}" for words in doubts.faults(path.parent, push))
    hints.extend(doubts.hints(path.parent, value.campaigns, outlooks, now, tags))
    return faults, hints


def _spilt(outlooks: list[Outlook], account: Account, limits: SendLimits) -> tuple[list[str], list[str]]:
    """The pushes that one day's allowance does not hold: those that fall behind further and further, and those that end."""
    by_push: dict[str, list[Spill]] = {}
    for spill in spills(outlooks, account, limits):
        by_push.setdefault(spill.push.name, []).append(spill)
    never, hints = [], []
    for name, some in by_push.items():
        first, worst = some[0], max(some, key=lambda each: each.days)
        more = f"（这样的有 {len(some)} 次）" if len(some) > 1 else ""
        if worst.days > FAR_BEHIND:
            never.append(
                f"{name}：{worst.rule}，照这样排，{minute(worst.due)} 的一次要拖到 {worst.last} 才发完，越拖越晚；"
                "请减少次数或人数"
            )
        else:
            hints.append(
                f"{name}：{first.rule}，{minute(first.due)} 的一次当天发不完，第二天同一时间自己接着发，"
                f"{first.last} 发完{more}；来不及就改日期或减少人数"
            )
    return never, hints


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


def _blanks(path: Path) -> Iterator[str]:
    """Where the config file still has 〔待填：…〕, outside its comments."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, ValueError):
        return
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("#"):
            yield from (f"{path}:{number}：还没有填 {blank}" for blank in BLANK.findall(line))
