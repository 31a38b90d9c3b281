"""Statements by the driver's own cursor: for what runs with every message, page or ballot.

SQLAlchemy still writes them and knows the types; what it does anew for each execution costs several times what the database does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from models.base import Connection

KEPT = "prepared"  # of an engine's dialect
Processor = Callable[[Any], Any] | None


def run(
    connection: Connection, text: str, given: Sequence[Any], *, many: bool = False, fetch: bool = False
) -> Sequence[Any]:
    """One statement by the driver's own cursor, for SQLAlchemy's costs as much again; its errors are SQLAlchemy's."""
    cursor = _opened(connection)
    try:
        (cursor.executemany if many else cursor.execute)(text, given)
        return cursor.fetchall() if fetch else ()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error, text) from error
    finally:
        cursor.close()


def run_counted(connection: Connection, text: str, given: Any) -> int:
    """One statement, and how many rows it wrote."""
    cursor = _opened(connection)
    try:
        cursor.execute(text, given)
        return int(cursor.rowcount)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error, text) from error
    finally:
        cursor.close()


def _opened(connection: Connection) -> Any:
    """A cursor; whoever looks how long statements take sees that one begins. No context manager: it costs with every message."""
    fairy = connection.connection
    if "started" in connection.info:
        connection.info["started"][0] = time.monotonic()
    return fairy.cursor()


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


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement in the words of one kind of database, and how what goes in and comes out is turned."""

    text: str
    order: tuple[str, ...] | None  # where the driver takes values by their places
    given: Mapping[str, Any]  # what the statement says itself, such as a limit
    binds: Mapping[str, Callable[[Any], Any]]
    results: tuple[Processor, ...]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """As the driver takes them."""
        every = {**self.given, **values}
        for name, turn in self.binds.items():
            every[name] = turn(every[name])
        return every if self.order is None else [every[name] for name in self.order]

    def row(self, raw: Sequence[Any]) -> tuple[Any, ...]:
        """As SQLAlchemy would give it."""
        turned = zip(self.results, raw, strict=True)
        return tuple(value if turn is None else turn(value) for turn, value in turned)


class Prepared:
    """A statement that is compiled once for each engine. Its values are its bindparams, by name; of one that writes
    rows, these `columns`."""

    def __init__(self, statement: sa.Executable, columns: Sequence[str] | None = None) -> None:
        self._statement: Any = statement
        self._columns = columns

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All rows that it gives."""
        found = self._for(connection.dialect)
        raw = run(connection, found.text, found.parameters(values), fetch=True)
        return [found.row(one) for one in raw]

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The first of them."""
        return next(iter(self.rows(connection, **values)), None)

    def change(self, connection: Connection, **values: Any) -> int:
        """How many rows it wrote."""
        found = self._for(connection.dialect)
        return run_counted(connection, found.text, found.parameters(values))

    def _for(self, dialect: Dialect) -> Compiled:
        known: dict[Prepared, Compiled] = dialect.__dict__.setdefault(KEPT, {})  # it goes with the engine
        found = known.get(self)
        if found is None:
            found = known[self] = compiled(self._statement, dialect, self._columns)
        return found


def compiled(statement: Any, dialect: Dialect, columns: Sequence[str] | None) -> Compiled:
    """The statement for this kind of database."""
    made: Any = statement.compile(
        dialect=dialect, column_keys=columns, compile_kwargs={"render_postcompile": True}
    )
    binds = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for bind, name in made.bind_names.items()
    }
    gives = getattr(statement, "selected_columns", ())
    return Compiled(
        str(made),
        tuple(made.positiontup) if made.positional else None,
        {name: value for name, value in made.params.items() if value is not None},
        {name: turn for name, turn in binds.items() if turn is not None},
        tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in gives),
    )
