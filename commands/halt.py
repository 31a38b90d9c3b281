"""What staff type to stop everything, on all machines, and to go on: `halt`, `unhalt`. Each gives the exit code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from commands.command_line import GOOD, Options, refuse
from commands.deed import note_afterwards
from commands.parts import STATE, Parts
from models import alarm, last_address, shared
from models.address import Database
from models.base import Store, StoreError, place
from models.shared import Shared

Say = Callable[[str], None]


def run(options: Options, parts: Parts) -> int:
    """`halt`."""
    return braking(parts, halt)


def run_again(options: Options, parts: Parts) -> int:
    """`unhalt`."""
    return braking(parts, lambda store, now: unhalt(store, Shared(store, ""), now))


def braking(parts: Parts, deed: Callable[[Store, datetime], int]) -> int:
    """A deed that needs the database and nothing else: neither a config file without faults nor guides nor WeChat."""
    url = address(parts)
    try:
        with closing(Store(url)) as store:
            return deed(store, datetime.now(UTC))
    except (StoreError, OSError) as error:
        raise refuse(unwritable(error)) from None


def halt(store: Store, now: datetime, words: str = "有人运行了 halt", say: Say = print) -> int:
    """Stop everything that goes out, on all machines."""
    with store.writing() as connection:
        shared.halt(connection, words, now)
    say("已停止：两秒之内，所有机器都不再发出任何推送。收消息和自动回复照常。继续请运行 unhalt。")
    note_afterwards(store, "halt", "everything", now)
    return GOOD


def unhalt(store: Store, common: Shared, now: datetime, say: Say = print) -> int:
    """Let things go out again."""
    with store.writing() as connection:
        was = shared.unhalt(connection)
        alarm.clear(connection, "halted", now)
    common.ring()
    say("推送恢复了，没发完的会接着发。" if was else "推送本来就没有停。")
    if was:
        note_afterwards(store, "unhalt", "everything", now)
    return GOOD


# --- the database that it needs ----------------------------------------------------------------------------------


def address(parts: Parts) -> str:
    """The database's address: the environment's, else the file's, else the last good one. Ends the program with words
    where there is no database."""
    kept = last_address.recall(STATE)
    written, exists = parts.written("database", "url"), parts.path.exists()
    default = Database().url.get_secret_value() if exists else None
    for url in (written, kept, default):
        if url is not None and is_there(url):
            return url
    if not exists and written is None:
        raise refuse(str(parts.loaded.problems[0]))
    raise refuse(no_database(written or default or ""))


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
