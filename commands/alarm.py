"""What a person types about alarms, and what timers and systemd run: `alarm list|clear|test|look|fell`. Each gives the exit code."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from campaigns.watch import broken
from channels.alarm import Notice, Untold, Way
from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.parts import Parts, lacks
from ground.days import SHANGHAI
from jobs.alarm import Herald
from jobs.lookout import FELL, Lookout
from models import alarm, timer
from models.base import Connection, Store, StoreError

NO_BACKUP = "backup failed"
TEST = "这是一条试发的警报，说明出了事能告诉到您。不用处理。"
NOBODY = "还没有写出了事告诉谁。请在配置文件的 [alarms] 里填好：email、webhook、openids 至少写一样。"
Say = Callable[[str], None]


def run(options: Options, parts: Parts) -> int:
    """Tells also what keeps the program itself from starting: a broken config file is read as far as it goes."""
    problems, now = [str(problem) for problem in parts.loaded.problems], datetime.now(UTC)
    parts.salvage()
    if options.deed in ("list", "clear") and (words := lacks(parts.store)):
        raise refuse(words)
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: show(parts.store),
        "clear": lambda: clear(parts.store, options.mark, now),
        "test": lambda: try_out(parts.herald.ways(), parts.config.account.name, now),
        "look": lambda: look(parts.store, parts.lookout(reaches=False), parts.path, problems, now),
        "fell": lambda: fell(parts.store, parts.herald, options.unit, problems, now),
    }
    return deeds[options.deed]()


def show(store: Store, say: Say = print) -> int:
    """`alarm list`: what stands, with the mark by which it is cleared; 1 when anything does."""
    with store.reading() as connection:
        found = alarm.standing(connection)
    for each in found:
        say(f"{each.mark}　{each.first_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}　{each.words}")
        say(f"　　　{_told(each)}")
    say("处理好的，请运行 alarm clear 加上最前面的四个字符。" if found else "没有要处理的警报。")
    return PROBLEM if found else GOOD


def clear(store: Store, mark: str, now: datetime, say: Say = print) -> int:
    """`alarm clear MARK`: a person has seen to it."""
    with store.writing() as connection:
        each = alarm.named(connection, mark.lower())
        if each:
            alarm.clear(connection, each.name, now)
    say(f"已了结：{each.words}" if each else f"没有“{mark}”这条警报。请运行 alarm list 看一看。")
    return GOOD if each else PROBLEM


def try_out(ways: Sequence[Way], account: str, now: datetime, say: Say = print) -> int:
    """`alarm test`: one harmless notice on every way, with what became of it."""
    if not ways:
        say(NOBODY)
    bad = 0
    for way in ways:
        try:
            way.tell(Notice(account, [TEST], now))
        except Untold as fault:
            bad += 1
            say(f"✗ {way.title}：{fault}")
        else:
            say(f"✓ {way.title}：发出了，请看看收到没有")
    return GOOD if ways and not bad else PROBLEM


def look(store: Store, lookout: Lookout, path: Path, problems: Sequence[str], now: datetime) -> int:
    """`alarm look`: look once, raise a broken config file too, and tell. Nothing is said: a timer runs it."""
    if problems:
        with suppress(StoreError):  # which the lookout itself tells of
            broken(store, path, len(problems), now)
    lookout.step()
    with suppress(StoreError), store.writing() as connection:
        timer.note(connection, ["look"], now, lookout.place.machine)
    return GOOD


def fell(store: Store, herald: Herald, unit: str, problems: Sequence[str], now: datetime) -> int:
    """`alarm fell UNIT`: systemd says that a unit ended by itself. Raised as an alarm and told at once, also when the database
    is what keeps it from starting."""
    words = fell_words(unit, problems)
    try:
        with store.writing() as connection:
            alarm.sound(connection, f"{FELL}{unit}"[:190], words, now)
        herald.step(now)
    except StoreError:
        herald.say(f"{words}数据库也连不上。", now)
    return GOOD


def note_backup(connection: Connection, *, made: bool, now: datetime) -> None:
    """A backup that came to nothing is an alarm, until one is made."""
    if made:
        alarm.clear(connection, NO_BACKUP, now)
        timer.note(connection, ["backup"], now, socket.gethostname())
    else:
        alarm.sound(connection, NO_BACKUP, "备份没有做成。请运行 db backup，看看它说什么。", now)


def fell_words(unit: str, problems: Sequence[str]) -> str:
    """What happened and the one thing to do."""
    if problems:
        return f"{unit} 停了：配置文件有 {len(problems)} 处要改，第一处是 {problems[0]}。请运行 check，改好以后 systemctl restart {unit}。"
    if "backup" in unit:
        return f"备份没有做成（{unit}）。请运行 db backup 看看它说什么。"
    return f"{unit} 意外停了。请运行 doctor；一直起不来的话，运行 journalctl -u {unit} 看原因。"


def _told(each: alarm.Alarm) -> str:
    if each.told:
        return "已经告诉到人"
    return "还没有告诉到人" if each.tries else "还没有告诉人"
