"""The watch over the config file of a running worker: new campaigns come in, a broken file stays out."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from campaigns.campaign import AHEAD, Campaign, named
from models import alarm, shared
from models.base import Connection, Store

BROKEN = "config broken"
KEPT = "campaigns kept"  # the row that says what is still in force while the file is broken
MOST_KEPT = 50

log = logging.getLogger(__name__)


class Settings(Protocol):
    """What is read of the whole config."""

    @property
    def campaigns(self) -> tuple[Campaign, ...]: ...
    def __iter__(self) -> Iterator[tuple[str, Any]]: ...


class Reading(Protocol):
    """The config file once read: its value, or the problems that were found."""

    @property
    def value(self) -> Settings | None: ...
    @property
    def problems(self) -> Sequence[object]: ...


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an edited file: new campaigns (None = as before), faults, keys that need a restart. `kept` are the
    campaigns that stay in force while there are faults."""

    campaigns: tuple[Campaign, ...] | None = None
    kept: tuple[Campaign, ...] = ()
    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class Watch:
    """Sees that the config file was edited; a broken one is refused loudly and the old campaigns stay.

    `campaigns` are those in force; `standing` is what is wrong with the file as it is now: its faults and the keys that need
    a restart; `in_force` the digest of the last file of which nothing waits.
    """

    def __init__(self, path: Path, read: Callable[[], Reading], running: Settings) -> None:
        self._path, self._read, self._running = path, read, running
        self.campaigns = running.campaigns
        self._seen: tuple[object, str] = (None, "")
        self.standing = Change()
        self.in_force = "-"  # the digest of the file that is in force whole

    def poll(self) -> Change | None:
        """The change since the last poll, None when there is none; the first poll compares with `running`."""
        stamp = self._stamp()
        if stamp == self._seen[0]:
            return None
        digest = self._digest()
        known, self._seen = self._seen[1], (stamp, digest)
        if digest == known:
            return None
        reading = self._read()
        if reading.value is None:
            return self._refuse(tuple(str(problem) for problem in reading.problems))
        change = self._accept(reading.value)
        if not self.standing.restart:
            self.in_force = digest
        return change

    def _refuse(self, problems: tuple[str, ...]) -> Change:
        log.error("配置文件 %s 有 %d 处错误，没有采用，仍按原来的活动执行：", self._path, len(problems))
        for problem in problems:
            log.error("%s", problem)
        self.standing = Change(problems=problems, kept=self.campaigns)
        return self.standing

    def _accept(self, value: Settings) -> Change | None:
        restart = tuple(_changed(self._running, value))
        self.standing = Change(restart=restart)
        if restart:
            log.warning("这些配置改动要重新启动后才生效：%s", "、".join(restart))
        if value.campaigns == self.campaigns:
            return Change(restart=restart) if restart else None
        self.campaigns = value.campaigns
        log.info(
            "活动已按新的配置文件更新：%d 个活动，%d 次推送",
            len(value.campaigns),
            len(named(value.campaigns)),
        )
        return Change(value.campaigns, restart=restart)

    def _stamp(self) -> object:
        try:
            found = self._path.stat()
        except OSError:
            return "gone"
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _digest(self) -> str:
        try:
            with self._path.open("rb") as file:
                return hashlib.sha256(file.read(2_000_000)).hexdigest()  # more is refused anyway
        except OSError:
            return "gone"


def _changed(old: Settings, new: Settings) -> Iterator[str]:
    """The keys that differ and are not taken up, as `section.key`; the pushes themselves carry holidays and quiet hours."""
    before = dict(old)
    for section, part in new:
        if section in ("campaigns", "holidays") or part == before[section]:
            continue
        keys = dict(before[section])
        differ = (f"{section}.{key}" for key, value in part if value != keys[key])
        yield from (key for key in differ if key not in ("limits.quiet", "limits.quiet_then"))


def tell(store: Store, path: Path, standing: Change, now: datetime) -> None:
    """Raise what is wrong with the config file as alarms, and clear those that are over."""
    waiting = f"配置文件里改了 {'、'.join(standing.restart)}，要重新启动以后才生效。"
    with store.writing() as connection:
        shared.drop(connection, KEPT)
        if standing.problems:
            shared.write(connection, KEPT, json.dumps(list(_coming(standing.kept, now))), now)
        for name, words, stands in (
            (BROKEN, broken_words(path, len(standing.problems)), standing.problems),
            ("config needs restart", waiting, standing.restart),
        ):
            if stands:
                alarm.sound(connection, name, words, now)
            else:
                alarm.clear(connection, name, now)


def _coming(campaigns: Iterable[Campaign], now: datetime) -> Iterator[tuple[str, str, str]]:
    """The next pushes: when in UTC, name, channel."""
    found = (
        (due.isoformat(), each.name, each.channel)
        for each in named(campaigns).values()
        for due in each.occurrences(now, now + AHEAD)
    )
    yield from sorted(found)[:MOST_KEPT]


def kept(connection: Connection, now: datetime) -> list[tuple[datetime, str, str]] | None:
    """The next pushes of who still goes by the old file while the new one is broken: when, name, channel; None: nobody does."""
    row = shared.read(connection, KEPT, now)
    if row is None or not shared.beats(connection, now):
        return None
    found = [(datetime.fromisoformat(due), name, channel) for due, name, channel in json.loads(row[0])]
    return [each for each in found if each[0] > now]


def broken(store: Store, path: Path, faults: int, now: datetime) -> None:
    """The file cannot be taken into force, said by who is not the worker that watches it: it clears nothing."""
    with store.writing() as connection:
        if not alarm.stands(connection, BROKEN):
            alarm.sound(connection, BROKEN, broken_words(path, faults), now)


def broken_words(path: Path, faults: int) -> str:
    return (
        f"配置文件 {path} 有 {faults} 处错误，没有采用，仍按原来的活动执行。"
        "请运行 check 看错在哪里；改好存盘以后会自己读进去。"
    )


def tell_of_guides(store: Store, problems: Sequence[object], now: datetime) -> None:
    """Raise what is wrong with the files of the service directory as an alarm, and clear it when they are well."""
    words = f"办事指南的文件有 {len(problems)} 处错误，没有采用，仍按原来的回答。请运行 check 看错在哪里；改好存盘以后会自己读进去。"
    with store.writing() as connection:
        if problems:
            alarm.sound(connection, "guides broken", words, now)
        else:
            alarm.clear(connection, "guides broken", now)
