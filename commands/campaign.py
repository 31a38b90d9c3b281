"""`campaign`: the campaigns in which workers take part, as the staff see and move them. Every deed is audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from campaigns import desk, reach
from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.kind import Impossible, Kind, Setting, Work, rules_of
from campaigns.kinds import KINDS
from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.deed import staff
from commands.parts import Parts, stored
from ground.days import SHANGHAI, minute
from ground.sorted_file import write_sorted
from ground.table import Table, lines, write_csv, write_xlsx
from ground.words import EDITIONS
from ground.workdays import workdays
from models import audit, edition, entry, photo
from models import reach as reaches
from models.base import Connection, Store
from models.edition import Edition

NO_SETTING = Setting()
MOST = 30  # lines of a table on the screen


def run(options: Options, parts: Parts) -> int:
    """What was typed after `campaign`."""
    store, now, name = stored(parts).store, parts.clock.now(), options.name
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: campaign_list(store, parts.config.campaigns, now),
        "show": lambda: campaign_show(store, parts.config.campaigns, name, now),
        "extend": lambda: campaign_extend(store, name, options.until or now, now),
        "export": lambda: campaign_export(store, name, options.out),
        "do": lambda: campaign_do(store, name, options.what, options.words, now, _setting(parts)),
    }
    return deeds[options.deed]()


def _setting(parts: Parts) -> Setting:
    config = parts.config
    return Setting(workdays(config.holidays), config.limits)


def campaign_list(store: Store, campaigns: Sequence[Campaign], now: datetime) -> int:
    """Each campaign that can be joined, and how it stands."""
    with store.reading() as connection:
        rows = [_row(connection, one, now) for one in door.joinable(campaigns)]
    columns = ("代号", "名称", "种类", "状态", "截止", "参加人数")
    print("\n".join(lines(Table("可以参加的活动", columns, rows), MOST, "")))
    return GOOD


def _row(connection: Connection, campaign: Campaign, now: datetime) -> tuple[str | int, ...]:
    found = edition.latest(connection, campaign.id)
    if found is None:
        return (campaign.id, campaign.title, KINDS[campaign.kind].title, "还没有开过", "", 0)
    state = EDITIONS[found.state] if found.state != edition.OPEN or found.takes(now) else "时间到了"
    people = entry.people(connection, found.id)
    return (campaign.id, campaign.title, KINDS[campaign.kind].title, state, minute(found.closes_at), people)


def campaign_show(store: Store, campaigns: Sequence[Campaign], name: str, now: datetime) -> int:
    """One campaign: its edition, its rules, how far it reached by day, and what can be done."""
    with store.reading() as connection:
        found, kind = _found(connection, name)
        visit = door.visit(connection, found, "", found.opens_at)
        people = entry.people(connection, found.id)
        told = kind.told(visit).words
        since = desk.waiting_since(connection, found)
        last = audit.of(connection, desk.thing(found), 10)
        tables = desk.tables(connection, found)
    print(f"{found.title}（{found.campaign}，{kind.title}，{EDITIONS[found.state]}）")
    print(f"{minute(found.opens_at)} 至 {minute(found.closes_at)}，{people} 人参加。{told}")
    print(f"规则：{found.rules}\n规则的校验码：{found.rules_hash}")
    if since is not None:
        print(f"有内容等您看，最早的一条从 {minute(since)} 开始等。")
    goal = next((one.goal for one in campaigns if one.id == name), 0)
    reached = reaches.of(store, found)
    if words := reach.against_the_clock(found, reached, goal, now):
        print(words)
    with store.reading() as connection:
        shown = reach.table(connection, found, reached)
    for table in (shown, *tables):
        print("\n".join(lines(table, MOST, "请用 campaign export 导出")))
    print("\n可以做的：")
    for deed, one in desk.deeds(kind).items():
        print(f"  campaign do {name} {deed} {' '.join(one.usage)}　{one.about}")
    for done in last:
        print(f"{minute(done.at)} {done.staff} {done.deed} {done.details}")
    return GOOD


def campaign_extend(store: Store, name: str, until: datetime, now: datetime) -> int:
    """Let the open edition end then."""
    with store.writing() as connection:
        found, _ = _found(connection, name)
        if not edition.extend(connection, found, until, staff(), now):
            raise refuse(f"{name} 已经结束，或者写的时间已经过了，改不了。")
        details = {"from": found.closes_at, "to": until}
        audit.note(connection, staff(), "extend", desk.thing(found), details, now)
    print(f"{found.title}：截止时间从 {minute(found.closes_at)} 改为 {minute(until)}，对所有人一样。")
    return GOOD


def campaign_export(store: Store, name: str, folder: Path) -> int:
    """Its tables as XLSX and CSV."""
    with store.reading() as connection:
        found, kind = _found(connection, name)
        tables = desk.tables(connection, found)
        waiting = photo.of_edition(connection, found.id, (photo.PENDING,))
        pictures = {one.id: photo.data(connection, one.id, "large") for one in waiting}
        files = kind.files(connection, found, rules_of(kind, found))
    reached = reaches.of(store, found)
    with store.reading() as connection:
        tables = [reach.table(connection, found, reached), *tables]
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{found.campaign}-{found.opens_at.astimezone(SHANGHAI):%Y%m%d}"
    for file in files:
        path = folder / f"{stem}-{file.name}"
        with store.reading() as connection, path.open("wb") as opened:
            number, digest = write_sorted(file.lines(connection, found.id), opened)
        print(f"已经写好 {path}：{file.about}，{number} 行，校验码 {digest}")
    for write, ending in ((write_xlsx, "xlsx"), (write_csv, "csv")):
        path = folder / f"{stem}.{ending}"
        write(path, tables)
        print(f"已经写好 {path}")
    for number, data in pictures.items():
        path = folder / f"{stem}-photo-{number}.jpg"
        path.write_bytes(data or b"")
    if pictures:
        print(
            f"等您看的照片有 {len(pictures)} 张，也在 {folder} 里：看过以后运行 campaign do {name} show-photo 或 hide-photo。"
        )
    return GOOD


def campaign_do(
    store: Store, name: str, deed: str, words: Sequence[str], now: datetime, setting: Setting = NO_SETTING
) -> int:
    """A deed of the staff, with its trace, or words why not."""
    with store.writing() as connection:
        found, kind = _found(connection, name)
        known = desk.deeds(kind).get(deed)
        if known is not None and len(words) != len(known.usage):
            raise refuse(f"请写成：campaign do {name} {deed} {' '.join(known.usage)}")
        work = Work(connection, found, rules_of(kind, found), staff(), now, setting)
        try:
            done = desk.do(work, deed, words)
        except Impossible as fault:
            raise refuse(str(fault), code=PROBLEM) from None
    print(done)
    return GOOD


def _found(connection: Connection, name: str) -> tuple[Edition, Kind]:
    found = edition.latest(connection, name)
    if found is None:
        raise refuse(
            f"{name} 还没有开过，或者没有这个活动。有哪些、什么时候开，请运行 campaign list 和 check。"
        )
    return found, door.kind_of(found)
