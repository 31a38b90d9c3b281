"""`union` and `member`: the tree of unions and the members' lists, as staff type them. Every deed is audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from tqdm import tqdm

from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.deed import staff as who
from commands.parts import Parts, stored
from ground.long_sheet import open_sheet
from ground.sheet import UnusableError
from ground.table import Table, lines, write_csv
from models import audit, intake, month, tree, union
from models.base import Connection, Store
from models.intake import File, Report
from models.intake_lines import MEMBERS, UNIONS
from models.tree import Refused
from models.union import LEVELS

SHOWN = 20  # lines with a fault that a terminal shows
Say = Callable[[str], None]


def run(options: Options, parts: Parts) -> int:
    """What was typed after `union`."""
    store, now = stored(parts).store, parts.clock.now()
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: listed(store),
        "import": lambda: take_in(store, options, now, "union"),
        "move": lambda: move(store, options.name, options.to_code, now),
        "merge": lambda: merge(store, options.name, options.to_code, now),
        "close": lambda: close(store, options.name, now),
    }
    return deeds[options.deed]()


def run_members(options: Options, parts: Parts) -> int:
    """What was typed after `member`: there is only `import`."""
    return take_in(stored(parts).store, options, parts.clock.now(), "member")


def listed(store: Store, say: Say = print) -> int:
    """The tree with the members and followers of each union and all below it."""
    with store.reading() as connection:
        found, totals = union.every(connection), month.totals(connection)
    for one in found:
        if one.closed_at is None:
            count, deep = totals[one.path], "　" * one.path.count("/")
            say(
                f"{deep}{one.name}（{one.code}，{LEVELS[one.level]}）会员 {count.members:,}，绑定 {count.bound:,}"
            )
    if not found:
        say("还没有单位。先写一份名单（单位代码、单位名称、上级代码），运行 union import 名单 --dry-run")
    return GOOD


# --- lists -------------------------------------------------------------------------------------------------------


def take_in(store: Store, options: Options, now: datetime, noun: str, say: Say = print) -> int:
    """Look over a list, or take it in."""
    read = intake.unions if noun == "union" else intake.members
    path, dry = options.file, options.dry_run
    try:
        with (
            open_sheet(UNIONS if noun == "union" else MEMBERS, path) as data,
            tqdm(unit="行", leave=False, disable=None, delay=0.5) as bar,
        ):
            report = read(store, File(path.name, data), now, dry=dry, skip=options.skip, tick=bar.update)
    except intake.NotSeen as fault:
        raise refuse(f"{fault}运行：{noun} import {path} --dry-run") from None
    except intake.Faulty as fault:
        raise refuse(f"{fault}（跳过：再加 --skip）") from None
    except (UnusableError, Refused) as fault:
        raise refuse(str(fault)) from None
    if not dry:
        _note(
            store,
            f"import {noun}",
            path.name,
            now,
            lines=report.lines,
            new=report.came.new,
            changed=report.came.changed,
        )
    return _told(report, options, noun, say)


def _told(report: Report, options: Options, noun: str, say: Say) -> int:
    rows = [(fault.line, fault.column, fault.value, fault.reason) for fault in report.faults]
    table = Table("不能导入的行", ("行", "哪一列", "写的是", "为什么"), rows)
    if report.before:
        say(f"接着上一次的，从第 {report.before} 行后面开始。")
    if rows and not (options.skip and not options.dry_run):
        for line in lines(table, SHOWN, "加 --faults 文件名，全部存成表格"):
            say(line)
    if options.faults is not None:
        write_csv(options.faults, [table])
        say(f"不能导入的行都写在 {options.faults} 里。")
    say(("试读完了：" if options.dry_run else "导入完了：") + report.words)
    if options.dry_run:
        say(
            f"没有写进数据库。要导入：{noun} import {options.file}{' --skip（跳过不对的行）' if report.wrong else ''}"
        )
    return PROBLEM if report.wrong and options.dry_run else GOOD


# --- the tree ----------------------------------------------------------------------------------------------------


def move(store: Store, code: str, to: str, now: datetime, say: Say = print) -> int:
    """Hang a union under another."""

    def done(connection: Connection) -> str:
        one = tree.move(connection, code, to, now)
        return f"{one.name} 移好了，现在的位置是 {one.path}。"

    return _does(store, "move union", code, now, done, say, to=to)


def merge(store: Store, code: str, into: str, now: datetime, say: Say = print) -> int:
    """All of a union goes to another."""

    def done(connection: Connection) -> str:
        other = tree.merge(connection, code, into, now)
        return f"{code} 并入了 {other.name}（{other.code}），会员、关注者和二维码都归它。"

    return _does(store, "merge union", code, now, done, say, into=into)


def close(store: Store, code: str, now: datetime, say: Say = print) -> int:
    """A union is no more."""

    def done(connection: Connection) -> str:
        return f"{tree.close(connection, code, now).name} 撤销了；它的会员记为退会，关注者归上一级。"

    return _does(store, "close union", code, now, done, say)


def _does(
    store: Store,
    deed: str,
    code: str,
    now: datetime,
    done: Callable[[Connection], str],
    say: Say,
    **details: object,
) -> int:
    try:
        with store.writing() as connection:
            words = done(connection)
            audit.note(connection, who(), deed, f"union/{code}", details, now)
    except Refused as fault:
        raise refuse(str(fault)) from None
    say(words)
    return GOOD


def _note(store: Store, deed: str, thing: str, now: datetime, **details: object) -> None:
    with store.writing() as connection:
        audit.note(connection, who(), deed, Path(thing).name[:190], details, now)
