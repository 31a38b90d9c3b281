"""Two ways to write a row that are one statement on every database: add it unless it is there, and put it whatever is there.

A raised IntegrityError would cost a whole group of messages its transaction, so nothing here raises one for a row that is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from models.base import Connection
from models.driver import Prepared

Values = Mapping[str, Any]


def add(connection: Connection, table: sa.Table, values: Values) -> bool:
    """Write the row unless one with such a key is there; whether this call wrote it."""
    return _adding(connection.dialect.name, table, tuple(values)).change(connection, **values) > 0


@lru_cache(maxsize=256)
def _adding(dialect: str, table: sa.Table, names: tuple[str, ...]) -> Prepared:
    match dialect:
        case "sqlite":
            insert: Any = sqlite.insert(table).on_conflict_do_nothing()
        case "postgresql":
            insert = postgresql.insert(table).on_conflict_do_nothing()
        case _:  # ON DUPLICATE KEY would count a row that stays as it is as one that was written
            insert = mysql.insert(table).prefix_with("IGNORE")
    return Prepared(insert.inline(), names)


def put(connection: Connection, table: sa.Table, key: Sequence[str], values: Values) -> None:
    """Write the row, or all its other columns where one with this key is there. `key` is the primary key."""
    rest = {name: value for name, value in values.items() if name not in key}
    if connection.dialect.name in ("mysql", "mariadb"):
        connection.execute(mysql.insert(table).values(**values).on_duplicate_key_update(**rest))
        return
    make: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(
        make(table).values(**values).on_conflict_do_update(index_elements=list(key), set_=rest)
    )
