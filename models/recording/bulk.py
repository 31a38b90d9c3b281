"""The few statements of the hot path, written once per kind of database, each for any number of rows.

SQLAlchemy compiles a statement per execution and binds row by row; a shared transaction of fifty messages needs neither.
Same tables, same types; only the way the rows travel differs: SQLite and MariaDB repeat one statement inside the driver,
PostgreSQL takes one array per column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import compress
from typing import Any

import sqlalchemy as sa

from models.base import Connection
from models.driver import run

REMEMBERED = 4096
Rules = dict[str, str]
"""How a row that is there changes: per column an expression over {old} and {new}, in order. One that is compared by others
comes last, for MariaDB assigns from left to right; and where {new} is NULL, it must leave {old} as it is."""
NEW = re.compile(r"\{new\}\.(\w+)")
ARRAYS = {
    "Boolean": "boolean[]",
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
        self.rules: Rules = {}
        self._kinds = {column.name: ARRAYS.get(type(column.type).__name__, "text[]") for column in table.c}
        self._conflict = self._match = ""
        self._texts: dict[tuple[str, ...], str] = {}

    def on_conflict(self, key: str, rules: Rules) -> None:
        """`write` adds the rows, and what it does to one that is there."""
        self._conflict, self.rules = key, rules

    def on_match(self, key: str, rules: Rules) -> None:
        """`write` adds none, and what it does to the one with this key, the first of the columns. SQLite only."""
        self._match, self.rules = key, rules

    def changes(self, columns: Sequence[str]) -> str:
        """The rules in SQL, for what rows of these columns say."""
        places = {name: f"?{number}" for number, name in enumerate(columns, 1)}
        sets = []
        for column, rule in self.rules.items():
            if column not in columns:
                continue
            if self._match:
                expression = NEW.sub(lambda new: places.get(new[1], "NULL"), rule).replace("{old}.", "")
            elif self.dialect in ("mysql", "mariadb"):
                expression = NEW.sub(r"VALUES(\1)", rule).replace("{old}.", "")
            else:
                expression = NEW.sub(r"excluded.\1", rule).replace("{old}", self.table)
            sets.append(f"{column} = {expression}")
        return ", ".join(sets)

    def _text(self, columns: tuple[str, ...]) -> str:
        """The statement for rows of these columns."""
        if self._match:
            return f"UPDATE {self.table} SET {self.changes(columns)} WHERE {self._match} = ?1"  # noqa: S608 - our own names
        if self.dialect == "postgresql":
            rows = f"SELECT * FROM unnest({', '.join(f'%b::{self._kinds[name]}' for name in columns)})"  # noqa: S608
        else:
            rows = f"VALUES ({', '.join('?' if self.dialect == 'sqlite' else '%s' for _ in columns)})"
        text = f"INSERT INTO {self.table} ({', '.join(columns)}) {rows}"
        if not self._conflict:
            return text
        if self.dialect in ("mysql", "mariadb"):
            return f"{text} ON DUPLICATE KEY UPDATE {self.changes(columns)}"
        return f"{text} ON CONFLICT ({self._conflict}) DO UPDATE SET {self.changes(columns)}"

    def write(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds the rows, or changes those that are there as `on_conflict` or `on_match` says; no key twice in one call. Without
        either, raises IntegrityError when one is there already."""
        if rows:
            self.write_columns(connection, list(zip(*rows, strict=True)))

    def write_columns(self, connection: Connection, values: list[Sequence[Any]]) -> None:
        """The same for at least one row, given as a sequence of values per column."""
        columns = self.columns
        if self.dialect == "sqlite":
            columns, values = _told(columns, values)
        text = self._texts.get(columns)
        if text is None:
            text = self._texts[columns] = self._text(columns)
        if self.dialect == "postgresql":
            run(connection, text, [list(column) for column in values])
        else:
            run(connection, text, list(zip(*values, strict=True)), many=True)

    def highest(self, connection: Connection, column: str) -> int:
        """The highest value there is, 0 for none."""
        found = run(connection, f"SELECT COALESCE(MAX({column}), 0) FROM {self.table}", (), fetch=True)  # noqa: S608
        return int(found[0][0])

    def select(
        self, connection: Connection, key: str, values: Sequence[str], columns: Sequence[str], also: str = ""
    ) -> Sequence[Any]:
        """The rows whose `key` is one of the values (and of which `also` holds), as tuples of `columns` as the driver
        gives them."""
        if not values:
            return []
        head = f"SELECT {', '.join(columns)} FROM {self.table} WHERE {key}"  # noqa: S608
        if self.dialect == "postgresql":
            return run(connection, f"{head} = ANY(%b){also}", [list(values)], fetch=True)
        mark = "?" if self.dialect == "sqlite" else "%s"
        return run(
            connection, f"{head} IN ({', '.join(mark for _ in values)}){also}", list(values), fetch=True
        )

    def select_pairs(
        self,
        connection: Connection,
        keys: tuple[str, str],
        values: Sequence[tuple[Any, Any]],
        columns: Sequence[str],
    ) -> Sequence[Any]:
        """The rows whose two keys together are one of the pairs, found by the index of both; otherwise as `select`."""
        if not values:
            return []
        one, other = keys
        if self.dialect == "postgresql":
            pairs = f"SELECT * FROM unnest(%b::{self._kinds[one]}, %b::{self._kinds[other]})"  # noqa: S608
            given: list[Any] = [list(column) for column in zip(*values, strict=True)]
        else:
            pair = "(?, ?)" if self.dialect == "sqlite" else "(%s, %s)"
            pairs, given = ", ".join(pair for _ in values), [value for both in values for value in both]
        wanted = ", ".join(columns)
        if self.dialect == "sqlite":  # which looks through the whole table for IN with pairs
            text = (
                f"WITH asked(one, other) AS (VALUES {pairs}) SELECT {wanted} FROM asked "  # noqa: S608
                f"CROSS JOIN {self.table} ON {one} = asked.one AND {other} = asked.other"
            )
        else:
            text = f"SELECT {wanted} FROM {self.table} WHERE ({one}, {other}) IN ({pairs})"  # noqa: S608
        return run(connection, text, given, fetch=True)


def _told(
    columns: tuple[str, ...], values: list[Sequence[Any]]
) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
    """Without the columns that say nothing: Python's SQLite takes as long for a None as for several other values."""
    count = len(values[0])
    says = [column.count(None) < count for column in values]
    return tuple(compress(columns, says)), list(compress(values, says))


def moment(value: Any) -> datetime | None:
    """A time as the driver gave it, aware and in UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(value + "+00:00")
    at: datetime = value
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
