"""`retention`: how long what people said is kept, and what would go now. Nothing goes before somebody agreed to it here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from commands.asking import sure
from commands.command_line import GOOD, Options
from commands.deed import staff
from commands.parts import Parts, stored
from ground.days import minute
from menus.directory import Directory
from models import audit, retention
from models.base import Store, hurry
from models.retention import KINDS, Due, Rules, spoken

NOTICE = "privacy"  # the guide that tells workers how long
COUNTING_S = 120.0  # a table of many millions of rows is read once


def run(options: Options, parts: Parts) -> int:
    """What was typed after `retention`."""
    store, now = stored(parts).store, parts.clock.now()
    rules = Rules(parts.config.data.kept)
    with store.reading() as connection:
        hurry(connection, COUNTING_S)
        due, known = retention.due(connection, rules, now), retention.agreed(connection, rules, now)
    for line in lines(rules, due):
        print(line)
    if known:
        print(f"{known[0]} 在 {minute(known[1])} 看过并同意了，推送进程（work）会自己一批一批删。")
        return GOOD
    if not options.agree:
        print("还没有人同意，一条也不会删。看过没有问题，请运行 retention --agree。改了期限要再看一次。")
        return GOOD
    return agree(store, rules, due, now, yes=options.yes)


def lines(rules: Rules, due: Mapping[str, Due]) -> list[str]:
    """The dry run: a line for each kind."""
    found = []
    for name, days in rules.days.items():
        kind, one = KINDS[name], due[name]
        found.append(f"{kind.title}：{kind.since}留 {spoken(days)}；到期删掉{kind.goes}，时间和条数留下。")
        if one.rows:
            found.append(
                f"    现在到期的 {one.rows:,} 条，最早 {_when(one.oldest)}，最晚 {_when(one.newest)}"
            )
        else:
            found.append("    现在没有到期的")
    return found


def agree(store: Store, rules: Rules, due: Mapping[str, Due], now: datetime, *, yes: bool) -> int:
    """Write down that this person has seen it."""
    print("同意以后，上面到期的会删掉，以后到期的也会自己删。删掉的找不回来，只有备份里还会留最多三十天。")
    if not sure(yes):
        return GOOD
    details = {"rows": {KINDS[name].title: one.rows for name, one in due.items()}, "days": dict(rules.days)}
    with store.writing() as connection:
        retention.agree(connection, rules, staff(), now)
        audit.note(connection, staff(), "agree retention", f"retention/{rules.hash[:8]}", details, now)
    print("记下了。推送进程（work）会自己一批一批删。")
    return GOOD


def promised(directory: Directory, kept: Mapping[str, int]) -> list[str]:
    """Where the notice to the workers tells other days than the config file, so that one of the two must be changed."""
    guide = directory.by_id.get(NOTICE)
    if guide is None:
        return []
    told = " ".join((guide.answer, *guide.how))
    lacking = sorted({spoken(days) for days in kept.values() if spoken(days) not in told})
    words = f"办事指南“{guide.title}”里没有写 {'、'.join(lacking)}，和配置文件 [data] 里的天数不一样，请改成一样的"
    return [words] if lacking else []


def _when(at: datetime | str | None) -> str:
    return minute(at) if isinstance(at, datetime) else str(at)
