"""Timers: each thing that is done again and again leaves a row with when it was last done well; whose row grows old is silent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from models import shared
from models.base import Connection

ROW = "timer:"  # and its name; with @ and the machine where each machine has its own
FORGOTTEN = timedelta(days=3)  # a machine that was taken away is silent no longer


@dataclass(frozen=True, slots=True)
class Timer:
    """What is done, in Chinese; how old its row may be; what to do when it is older."""

    title: str
    patience: timedelta
    remedy: str = "请看日志（journalctl -u gonghui-work），再运行 systemctl restart gonghui-work"


TIMERS: Mapping[str, Timer] = {
    "timetable": Timer("看有没有推送到点", timedelta(minutes=2)),
    "recover": Timer("接着办停下的进程没办完的", timedelta(minutes=2)),
    "editions": Timer("打开和结束活动", timedelta(minutes=2)),
    "tidy": Timer("收拾过期的东西，看谁还没有批准", timedelta(minutes=5)),
    "reconcile": Timer("对账", timedelta(minutes=30)),
    "look": Timer("看有没有出事", timedelta(minutes=10), "请运行 systemctl restart gonghui-look.timer"),
    "backup": Timer(
        "备份",
        timedelta(days=2),
        "请运行 db backup，看看它说什么；再看 systemctl status gonghui-backup.timer",
    ),
}


def note(connection: Connection, names: Iterable[str], now: datetime, machine: str = "") -> None:
    """These have just been done well."""
    for name in sorted(names):
        row = f"{ROW}{name}@{machine}" if machine else f"{ROW}{name}"
        shared.write(connection, row[:190], now.isoformat(), now, now + FORGOTTEN)


def done(connection: Connection, now: datetime) -> dict[str, datetime]:
    """When each was last done, as NAME or NAME@MACHINE."""
    found = shared.living(connection, ROW, now)
    return {name.removeprefix(ROW): datetime.fromisoformat(at) for name, at in found.items()}


def silent(connection: Connection, now: datetime) -> dict[str, datetime]:
    """Those that were done once and have not been for too long, with when they last were."""
    return {
        name: at
        for name, at in done(connection, now).items()
        if (timer := TIMERS.get(name.partition("@")[0])) and now - at > timer.patience
    }
