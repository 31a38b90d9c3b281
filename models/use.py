"""Who uses a database: `serve`, `work` and `run` say so as long as they live, and a restore sees it.

On SQLite by a lock on a file beside the database, shared among them, which goes with the last of their processes; on a server
by the connections that it lists itself.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from models.base import Store

GONE_S = 2.0  # a server may list a connection a moment longer than it lives
OTHERS = {
    "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}


class InUse(Exception):
    """Others are at it; the text says what to do, in Chinese."""


def occupy(store: Store) -> int | None:
    """Say that this process, and those that it forks, use the database until they end; the descriptor that says so.

    Raises InUse while a restore is under way. Nothing is to be said to a server, which knows."""
    if store.dialect != "sqlite":
        return None
    held = _open(store)
    if not _locked(held, fcntl.LOCK_SH):
        os.close(held)
        raise InUse("正在从备份恢复数据库，请等它做完再启动。")
    return held


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """While nobody else uses the database, and on SQLite nobody begins to. Raises InUse."""
    if store.dialect != "sqlite":
        _no_others(store)
        yield
        return
    held = _open(store)
    try:
        if not _locked(held, fcntl.LOCK_EX):
            raise InUse(
                "serve、work 或 run 还在运行。请先停止它们：systemctl stop gonghui-serve.socket gonghui-serve gonghui-work。"
            )
        yield
    finally:
        os.close(held)


def _open(store: Store) -> int:
    return os.open(f"{store.url.database}.use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(held: int, how: int) -> bool:
    try:
        fcntl.flock(held, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _no_others(store: Store) -> None:
    store.close()
    until = time.monotonic() + GONE_S
    while others := _others(store):
        if time.monotonic() > until:
            raise InUse(f"还有 {others} 个连接在用这个数据库。请先在每台机器上停止 serve、work 和 run。")
        time.sleep(0.1)


def _others(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(sa.text(OTHERS[store.dialect])).scalar_one())
