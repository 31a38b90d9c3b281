"""What staff type to stop everything, on all machines, and to go on: `halt`, `unhalt`. Each gives the exit code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from models import alarm, shared
from models.base import Store
from models.shared import Shared

GOOD = 0
Say = Callable[[str], None]


def halt(store: Store, now: datetime, words: str = "有人运行了 halt", say: Say = print) -> int:
    """Stop everything that goes out, on all machines."""
    with store.writing() as connection:
        shared.halt(connection, words, now)
    say("已停止：两秒之内，所有机器都不再发出任何推送。收消息和自动回复照常。继续请运行 unhalt。")
    return GOOD


def unhalt(store: Store, common: Shared, now: datetime, say: Say = print) -> int:
    """Let things go out again."""
    with store.writing() as connection:
        was = shared.unhalt(connection)
        alarm.clear(connection, "halted", now)
    common.ring()
    say("推送恢复了，没发完的会接着发。" if was else "推送本来就没有停。")
    return GOOD
