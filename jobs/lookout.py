"""The lookout: sees what nobody else would tell of, raises it as an alarm, and has the staff told.

A thread of every `work` process looks every few seconds, and `alarm look` does once, which a timer runs every minute: so a
dead or hung worker is told of as well. What cannot be written because the database itself is away is told at once, and a
file in the state folder keeps it from being told twice.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ground.days import SHANGHAI, minute
from jobs.alarm import Herald
from models import alarm, backup, in_force, shared, timer
from models.base import Connection, Store, StoreError
from models.condition import LEAST_DISK_BYTES

log = logging.getLogger(__name__)

LOOK_S = 10.0
PATIENCE = timedelta(minutes=1)  # what lasts shorter is a hiccup
OVER = timedelta(hours=1)  # a process that fell and has lived so long since is well
SILENT, UNREACHED, DIFFERS, DISK, NO_BACKUP = (
    "no worker", "wechat away", "config differs", "disk full", "no backup",
)  # fmt: skip
LATE = "timer late"  # and the timer
FELL = "fell "  # and the unit that ended by itself
AWAY = "数据库连不上已经超过一分钟，职工的消息可能存不下来。请检查数据库服务和磁盘，再运行 doctor。"
WORDS: Mapping[str, str] = {
    SILENT: "推送进程（work）没有动静已经超过一分钟，到点的推送不会发。请运行 systemctl restart gonghui-work，再运行 doctor。",
    UNREACHED: "连不上微信已经超过一分钟，推送发不出去。请检查这台机器的网络；恢复后会自己接着发。",
    DISK: "磁盘快满了，满了以后职工的消息就存不下来。请马上腾出地方，先看看旧备份能不能移走。",
}


@dataclass(frozen=True, slots=True)
class Place:
    """This installation on this machine: the folder of its state, that of its backups, and its config file."""

    state: Path
    backups: Path
    config: Path
    machine: str = socket.gethostname()


class Lookout:
    """Looks, and has told. `reach` calls WeChat plainly, and raises OSError when it cannot; None: not looked at.

    `in_force` gives the digest of the config by which this process runs; None where it runs by none."""

    def __init__(
        self,
        store: Store,
        herald: Herald,
        place: Place,
        now: Callable[[], datetime],
        reach: Callable[[], bool] | None = None,
        also: Callable[[], object] = lambda: None,
        in_force: Callable[[], str] | None = None,
    ) -> None:
        self.store, self.herald, self.place, self.now = store, herald, place, now
        self._reach, self._also, self._in_force = reach, also, in_force
        self._unreached_since: datetime | None = None
        self._stopping = threading.Event()

    def step(self) -> None:
        """Look once, and tell."""
        now = self.now()
        try:
            self._look(now)
            self.herald.step(now)
        except StoreError as error:
            log.warning("the lookout has no database", extra={"error": type(error).__name__})
            self._away(now)
        else:
            self._memory.unlink(missing_ok=True)

    def run(self) -> None:
        """Look every `LOOK_S` until stopped."""
        while not self._stopping.wait(LOOK_S):
            try:
                self.step()
                self._also()
            except Exception:
                log.exception("a look failed")

    def stop(self) -> None:
        self._stopping.set()

    # --- looking -------------------------------------------------------------------------------------------------

    def _look(self, now: datetime) -> None:
        unreached = self._is_unreached(now)
        full = shutil.disk_usage(self.place.state).free < LEAST_DISK_BYTES
        newest = backup.newest(self.place.backups)
        machine = self.place.machine
        with self.store.writing() as connection:
            silent = _lasts(connection, SILENT, not shared.beats(connection, now), now)
            _raise(connection, SILENT, WORDS[SILENT], silent, now)
            _raise(connection, f"{DISK} {machine}", WORDS[DISK], full, now)
            if unreached is not None:
                _raise(connection, f"{UNREACHED} {machine}", WORDS[UNREACHED], unreached, now)
            if newest is not None:
                stale = now - newest > backup.STALE
                _raise(connection, f"{NO_BACKUP} {machine}", _stale_words(newest), stale, now)
            if self._in_force is not None:
                in_force.note(connection, f"{machine} work {os.getpid()}", self._in_force(), now)
            differing = in_force.differing(connection, now)
            _raise(connection, DIFFERS, _differ_words(differing), bool(differing), now)
            if not silent:
                self._look_at_timers(connection, now)
            _settle(connection, now)

    def _look_at_timers(self, connection: Connection, now: datetime) -> None:
        """What is to be done again and again and is not, though somebody works."""
        late = timer.silent(connection, now)
        for name in timer.done(connection, now):
            words = _late_words(name, late[name]) if name in late else ""
            _raise(
                connection,
                f"{LATE} {name}",
                words,
                _lasts(connection, f"{LATE} {name}", name in late, now),
                now,
            )

    def _is_unreached(self, now: datetime) -> bool | None:
        """Whether WeChat has been away for a minute; None where nobody looks."""
        if self._reach is None:
            return None
        if self._reach():
            self._unreached_since = None
        elif self._unreached_since is None:
            self._unreached_since = now
        return self._unreached_since is not None and now - self._unreached_since >= PATIENCE

    # --- without a database ----------------------------------------------------------------------------------------

    @property
    def _memory(self) -> Path:
        return self.place.state / "database-away.json"

    def _away(self, now: datetime) -> None:
        """Tell once that the database is away, by what the file remembers."""
        try:
            known = json.loads(self._memory.read_text("utf-8"))
            since, told = datetime.fromisoformat(known["since"]), tuple(known["told"])
        except (OSError, ValueError, KeyError):
            since, told = now, ()
        if now - since >= PATIENCE:
            told = self.herald.say(AWAY, now, told)
        try:
            self._memory.write_text(json.dumps({"since": since.isoformat(), "told": told}), "utf-8")
        except OSError as error:
            log.warning("nothing can be remembered", extra={"error": str(error)})


def _raise(connection: Connection, name: str, words: str, stands: bool, now: datetime) -> None:
    """The alarm stands from now on, or is over; one that stands already is left as it is."""
    if not stands:
        alarm.clear(connection, name, now)
    elif not alarm.stands(connection, name):
        alarm.sound(connection, name, words, now)


def _lasts(connection: Connection, name: str, is_so: bool, now: datetime) -> bool:
    """Whether it has been so for a minute, whoever looked meanwhile."""
    row = f"since:{name}"
    if not is_so:
        shared.drop(connection, row)
        return False
    known = shared.read(connection, row, now)
    if known is None:
        shared.write(connection, row, now.isoformat(), now)
        return False
    return now - datetime.fromisoformat(known[0]) >= PATIENCE


def _settle(connection: Connection, now: datetime) -> None:
    """What fell an hour ago and has not fallen since is well again, if somebody was told of it."""
    for each in alarm.standing(connection):
        if each.name.startswith(FELL) and now - each.last_at > OVER and each.tries:
            alarm.clear(connection, each.name, now)


def _stale_words(newest: datetime) -> str:
    when = f"{newest.astimezone(SHANGHAI):%m月%d日 %H:%M}"
    return f"最近一份备份是 {when} 做的。请运行 db backup，再看 systemctl status gonghui-backup.timer。"


def _differ_words(processes: Sequence[str]) -> str:
    where = "、".join(processes)
    return (
        f"几个进程用的配置不一样：{where}。几台机器的配置文件不一样的，请拷成一样的，再运行 check；"
        "一样的，是有的进程还没有重新启动，请运行 systemctl restart gonghui-serve gonghui-work。"
    )


def _late_words(name: str, at: datetime) -> str:
    what, _, machine = name.partition("@")
    one, where = timer.TIMERS[what], f"（{machine}）" if machine else ""
    return f"定时要做的一件事没有动静{where}：{one.title}，上一次做完是 {minute(at)}。{one.remedy}。"
