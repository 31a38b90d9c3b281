"""The condition of what we stand on: which database, whether it keeps every text, whether Redis answers, what is lacking."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

from models import schema, shared
from models.base import Connection, Store, StoreError

REDIS_S = 2.0
LEAST_DISK_BYTES = 100_000_000
OLDEST = {"PostgreSQL": (13,), "MariaDB": (10, 6), "SQLite": (3, 35)}


@dataclass(frozen=True, slots=True)
class Condition:
    """A database: its kind and version, and the places where it cannot keep Chinese or emoji."""

    kind: str
    version: tuple[int, ...]
    spoils: tuple[str, ...]

    @property
    def old(self) -> bool:
        """Older than what this program is tested on. MySQL is not MariaDB and counts as too old."""
        return self.kind not in OLDEST or self.version < OLDEST[self.kind]


def condition(store: Store) -> Condition:
    """What this database is, and where it would spoil texts."""
    with store.reading() as connection:
        dialect = connection.dialect
        version = tuple(
            int(part) for part in (dialect.server_version_info or ())[:2] if isinstance(part, int)
        )
        if dialect.name == "sqlite":
            return Condition("SQLite", version, ())
        if dialect.name == "postgresql":
            encoding = connection.execute(sa.text("SHOW server_encoding")).scalar_one()
            return Condition("PostgreSQL", version, () if encoding == "UTF8" else (f"encoding {encoding}",))
        kind = "MariaDB" if getattr(dialect, "is_mariadb", False) else "MySQL"
        return Condition(kind, version, _narrow_columns(connection))


def _narrow_columns(connection: Connection) -> tuple[str, ...]:
    """The columns that hold less than four bytes of UTF-8 in a character."""
    found = connection.execute(
        sa.text(
            "SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND character_set_name <> 'utf8mb4' ORDER BY 1 LIMIT 20"
        )
    )
    return tuple(found.scalars())


def redis_answers(url: str) -> bool:
    """Whether Redis answers within two seconds."""
    with redis.Redis.from_url(
        url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S, retry=Retry(NoBackoff(), 0)
    ) as client:
        try:
            return bool(client.ping())
        except (redis.RedisError, OSError):
            return False


def unready(store: Store, now: datetime, place: Path) -> list[str]:
    """Why this installation cannot do its work now, in words for the monitoring; none is good. `place` is on its disk."""
    reasons = []
    try:
        if not schema.standing(store).current:
            reasons.append("数据库还没有升级：请运行 db upgrade")
        with store.reading() as connection:
            if not shared.beats(connection, now):
                reasons.append("没有推送进程在运行：请启动 work（systemctl start gonghui-work）")
    except StoreError:
        reasons.append("数据库连不上：请检查 [database] url 和数据库服务")
    if shutil.disk_usage(place).free < LEAST_DISK_BYTES:
        reasons.append("磁盘快满了：请清理出至少 100 MB")
    return reasons
