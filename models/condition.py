"""The condition of what we stand on: which database it is, whether every text can be kept in it, whether Redis answers."""

from __future__ import annotations

from dataclasses import dataclass

import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.base import Connection, Store

REDIS_S = 2.0
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
