"""The few statements of the hot path, written once per kind of database, each for any number of rows.

SQLAlchemy compiles a statement per execution and binds row by row; a shared transaction of fifty messages needs neither.
Same tables, same types; only the way the rows travel differs: SQLite and MariaDB repeat one statement inside the driver,
PostgreSQL takes one array per column.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from models.base import Connection

REMEMBERED = 4096
ARRAYS = {
    "Boolean": "boolean[]",
    "Double": "float8[]",
    "Utc": "timestamptz[]",
    "BigInteger": "bigint[]",
    "Integer": "int[]",
}


def stamp(dialect: str) -> Callable[[datetime | None], Any]:
    """How that database's driver takes a time."""
    if dialect == "postgresql":
        return lambda at: at
    return lru_cache(REMEMBERED)(
        _iso if dialect == "sqlite" else _naive
    )  # a group's times are mostly the same few


def _iso(at: datetime | None) -> str | None:
    """As SQLAlchemy writes a time into SQLite."""
    return None if at is None else at.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _naive(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None)


class Bulk:
    """Reads and writes many rows of one table. Rows are tuples in the order of `columns`, times through `stamp`."""

    def __init__(self, table: sa.Table, columns: Sequence[str], dialect: str) -> None:
        self.dialect = dialect
        self.table = table.name
        self.columns = tuple(columns)
        self.kinds = [table.c[name].type for name in columns]
        mark = "?" if dialect == "sqlite" else "%s"
        listed = ", ".join(columns)
        if dialect == "postgresql":
            source = (
                "SELECT * FROM unnest("  # noqa: S608 - names from our own tables
                + ", ".join(f"%b::{self._array(kind)}" for kind in self.kinds)
                + ")"
            )
        else:
            source = "VALUES (" + ", ".join(mark for _ in columns) + ")"
        self._insert = f"INSERT INTO {table.name} ({listed}) {source}"
        self._upsert = self._update = self.rules = ""

    @staticmethod
    def _array(kind: Any) -> str:
        return ARRAYS.get(type(kind).__name__, "text[]")

    def on_conflict(self, key: str, rules: Sequence[tuple[str, str]]) -> None:
        """What an upsert does to a row that is there: per column an expression over {old} and {new}, in order; one that
        is compared by others comes last, for MariaDB assigns from left to right."""
        sets = []
        for column, rule in rules:
            if self.dialect in ("mysql", "mariadb"):
                expression = rule.replace("{old}.", "").replace("{new}.", "\0")
                parts = expression.split("\0")
                expression = parts[0] + "".join(_values(part) for part in parts[1:])
            else:
                expression = rule.replace("{old}", self.table).replace("{new}", "excluded")
            sets.append(f"{column} = {expression}")
        head = (
            "ON DUPLICATE KEY UPDATE"
            if self.dialect in ("mysql", "mariadb")
            else f"ON CONFLICT ({key}) DO UPDATE SET"
        )
        self.rules = ", ".join(sets)
        self._upsert = f"{self._insert} {head} {self.rules}"

    def on_match(self, key: str, rules: Sequence[tuple[str, str]]) -> None:
        """What an `update` does, as for `on_conflict`. SQLite only."""
        places = {name: f"?{number}" for number, name in enumerate(self.columns, 1)}
        sets = []
        for column, rule in rules:
            expression = rule.replace("{old}.", "")
            for name in sorted(self.columns, key=len, reverse=True):
                expression = expression.replace(f"{{new}}.{name}", places[name])
            sets.append(f"{column} = {expression}")
        self._update = f"UPDATE {self.table} SET {', '.join(sets)} WHERE {key} = {places[key]}"  # noqa: S608

    def update(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Changes the rows that are there as `on_match` says."""
        self._many(connection, self._update, rows)

    def set(self, connection: Connection, column: str, key: str, pairs: Sequence[tuple[Any, ...]]) -> None:
        """Sets one column of the rows with these keys; pairs are (value, key). SQLite only."""
        self._many(connection, f"UPDATE {self.table} SET {column} = ? WHERE {key} = ?", pairs)  # noqa: S608

    def highest(self, connection: Connection, column: str) -> int:
        """The highest value there is, 0 for none."""
        found = _run(connection, f"SELECT COALESCE(MAX({column}), 0) FROM {self.table}", (), fetch=True)  # noqa: S608
        return int(found[0][0])

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds the rows. Raises IntegrityError when one is there already."""
        self._many(connection, self._insert, rows)

    def upsert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds the rows, or changes those that are there as `on_conflict` says. No key twice in one call."""
        self._many(connection, self._upsert, rows)

    def _many(self, connection: Connection, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if self.dialect == "postgresql":
            _run(connection, text, [list(column) for column in zip(*rows, strict=True)])
        else:
            _run(connection, text, rows, many=True)

    def select(
        self, connection: Connection, key: str, values: Sequence[str], columns: Sequence[str], also: str = ""
    ) -> Sequence[Any]:
        """The rows whose `key` is one of the values (and of which `also` holds), as tuples of `columns` as the driver
        gives them."""
        if not values:
            return []
        head = f"SELECT {', '.join(columns)} FROM {self.table} WHERE {key}"  # noqa: S608
        if self.dialect == "postgresql":
            return _run(connection, f"{head} = ANY(%b){also}", [list(values)], fetch=True)
        mark = "?" if self.dialect == "sqlite" else "%s"
        return _run(
            connection, f"{head} IN ({', '.join(mark for _ in values)}){also}", list(values), fetch=True
        )


def _run(
    connection: Connection, text: str, given: Sequence[Any], *, many: bool = False, fetch: bool = False
) -> Sequence[Any]:
    """One statement by the driver's own cursor, for SQLAlchemy's costs as much again; its errors are SQLAlchemy's."""
    fairy = connection.connection
    if "started" in connection.info:
        connection.info["started"][0] = time.monotonic()
    cursor = fairy.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(text, given)
        return cursor.fetchall() if fetch else ()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error, text) from error
    finally:
        cursor.close()


def _translated(connection: Connection, error: Exception, text: str) -> Exception:
    dialect = connection.dialect
    gone = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    if gone:
        connection.invalidate(error)
    found: Exception = sa.exc.DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=gone,
        dialect=dialect,
    )
    return found


def _values(part: str) -> str:
    """MariaDB names the incoming value VALUES(column)."""
    end = 0
    while end < len(part) and (part[end].isalnum() or part[end] == "_"):
        end += 1
    return f"VALUES({part[:end]}){part[end:]}"


def moment(value: Any) -> datetime | None:
    """A time as the driver gave it, aware and in UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(value + "+00:00")
    at: datetime = value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
