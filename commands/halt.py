"""What staff type to stop everything, on all machines, and to go on: `halt`, `unhalt`. Each gives the exit code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from models import alarm, shared
from models.base import Store, place
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


# --- the database that it needs ----------------------------------------------------------------------------------


def is_there(url: str) -> bool:
    """Whether this can be the database in use: an address that we understand, and for SQLite a file."""
    try:
        found = place(url)
    except ValueError:
        return False
    return found.get_backend_name() != "sqlite" or Path(str(found.database)).exists()


def no_database(url: str) -> str:
    """What is said where nothing can be stopped because nothing has been started."""
    try:
        file = place(url).database
    except ValueError:
        return "数据库的地址（[database] url）看不懂，也没有上一次用过的地址。请运行 check 看错在哪里。"
    return f"还没有数据库（{file}）。启动 serve、work 或 run 会自己建好；也可以运行 db upgrade。"


def unwritable(error: Exception) -> str:
    """What is said where the database takes no word: the way that is left."""
    return (
        f"数据库写不了（{type(error).__name__}），这个命令没有生效。要马上停下一切发送，请在每台机器上运行：\n"
        "    sudo systemctl stop gonghui-work\n"
        "推送进程停了，什么也不会再发出；收消息和自动回复照常。数据库好了以后再启动它。"
    )
