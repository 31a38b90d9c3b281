"""The shape of the database: every table known, and brought up to date by one process at a time, forward only.

A change is made in a noun's table and then written down by `python -m models.schema "What it changes"`, which adds a
file to migrations/versions. Types are written there by the names of models/base.py.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from models.base import FileLock, Store, Utc, make_engine, metadata
from models.keyring import MARK_SIGNS
from models.sealed import Marked, Sealed

FOLDER = Path(__file__).parent
MIGRATIONS = FOLDER / "migrations"
LOCK = 0x676F6E67  # PostgreSQL names such locks by number
STATEMENT_S = 3600  # copying a table of ten million rows takes its time
WAIT_S = 600.0
AGAIN = (
    (re.compile(r"^\s*CREATE TABLE (?!IF )"), "CREATE TABLE IF NOT EXISTS "),
    (re.compile(r"^\s*CREATE (UNIQUE )?INDEX (?!IF )"), r"CREATE \1INDEX IF NOT EXISTS "),
    (re.compile(r"^\s*DROP (TABLE|INDEX) (?!IF )"), r"DROP \1 IF EXISTS "),
    (re.compile(r"^(\s*ALTER TABLE \S+ )ADD COLUMN (?!IF )"), r"\1ADD COLUMN IF NOT EXISTS "),
    (re.compile(r"^(\s*ALTER TABLE \S+ )DROP COLUMN (?!IF )"), r"\1DROP COLUMN IF EXISTS "),
)


class CannotUpgrade(Exception):
    """The schema cannot be brought up to date; the text says why and what to do, in Chinese."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database stands: its revision (None when empty), the newest one, and the revisions between them."""

    revision: str | None
    newest: str
    pending: tuple[str, ...]
    known: bool  # False: a newer release of this program made it

    @property
    def current(self) -> bool:
        return self.known and not self.pending


def known() -> sa.MetaData:
    """The metadata with the tables of every noun in this package, whoever imported them so far."""
    for found in pkgutil.iter_modules([str(FOLDER)], "models."):
        if not found.ispkg:
            importlib.import_module(found.name)
    return metadata


def standing(store: Store) -> Standing:
    """Where this database stands. For readiness checks: one short read."""
    with store.reading() as connection:
        return _standing(connection)


def upgrade(
    store: Store, *, before: Callable[[], object] = lambda: None, wait_s: float = WAIT_S
) -> tuple[str, ...]:
    """Bring the schema up to date and return the revisions applied, oldest first.

    Other processes that try at the same moment wait, up to `wait_s` seconds, and find nothing left to do. `before` is
    called when there is something to apply to a database that is in use, unless a long revision was stopped on its way. Such
    a one has a `prepare`, whose steps stand by themselves and change nothing for those who read; on SQLite and PostgreSQL all
    the rest happens or nothing; MariaDB commits each step. Raises CannotUpgrade.
    """
    engine = make_engine(store.url, writes=True, statement_s=STATEMENT_S)
    if engine.dialect.name == "sqlite":
        sa.event.listen(
            engine, "connect", _without_foreign_keys
        )  # a table is changed by copying and dropping it
    elif engine.dialect.name != "postgresql":
        sa.event.listen(engine, "before_cursor_execute", _go_on, retval=True)
    try:
        with _alone(engine, wait_s) as own:
            with engine.connect() as connection:
                found = _standing(connection)
                going = any(script.module.begun(connection) for script in _long(found.pending))
            if not found.known:
                raise CannotUpgrade(
                    f"数据库是更新版本的程序建的（{found.revision}），这个版本读不懂。请换回新版本的程序。"
                )
            if found.pending:
                if found.revision and not going:
                    before()
                with store.lock.held(wait_s) if store.lock else nullcontext():
                    if found.revision:
                        _prepare(engine, own, found.pending)
                    _apply(engine, "head")
            return found.pending
    finally:
        engine.dispose()


def _long(pending: Sequence[str]) -> list[Script]:
    """Those of these revisions that have a part to be done before them, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    found = [scripts.get_revision(revision) for revision in pending]
    return [script for script in found if hasattr(script.module, "prepare")]


def _prepare(engine: sa.Engine, own: sa.Connection | None, pending: Sequence[str]) -> None:
    """The long parts, each on what comes before it. On a server by the connection that holds the lock: what is under way there
    when this process is killed goes on, and nobody begins it a second time meanwhile."""
    for script in _long(pending):
        _apply(engine, str(script.down_revision))
        if own is not None:
            script.module.prepare(own)
            continue
        with engine.connect() as connection:
            script.module.prepare(connection)


def _apply(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)
        _check_foreign_keys(connection)


def tables_on(dialect: str) -> sa.MetaData:
    """The metadata as this kind of database has it: without the indexes that only others have."""
    found = sa.MetaData(naming_convention=metadata.naming_convention)
    for table in known().sorted_tables:
        others = {index.name for index in table.indexes if dialect not in index.info.get("on", (dialect,))}
        copy = table.to_metadata(found)
        copy.indexes -= {index for index in copy.indexes if index.name in others}
    return found


def drift(connection: sa.Connection) -> list[Any]:
    """How the tables in this database differ from those in the code; empty when they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
    return list(compare_metadata(context, tables_on(connection.dialect.name)))


def rendered(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """How a type is written in a revision: by the name that it has in models/base.py."""
    if kind != "type":
        return False
    if isinstance(item, Utc):
        return "Utc()"
    if isinstance(item, Sealed):
        return "Words()"
    if isinstance(item, Marked):
        return f"Id({MARK_SIGNS})"
    if isinstance(item, sa.BigInteger) and item._variant_mapping:
        return "Number()"
    if isinstance(item, sa.Text) and item._variant_mapping:
        return "Words()"
    if isinstance(item, sa.LargeBinary):
        return "Data()"
    if isinstance(item, sa.String) and item._variant_mapping:
        return f"Id({item.length})"
    return False


def _standing(connection: sa.Connection) -> Standing:
    scripts = ScriptDirectory.from_config(_config())
    revision = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head() or ""
    revisions = [script.revision for script in scripts.walk_revisions()]  # newest first
    if revision is not None and revision not in revisions:
        return Standing(revision, newest, (), known=False)
    pending = revisions[: revisions.index(revision)] if revision else revisions
    return Standing(revision, newest, tuple(reversed(pending)), known=True)


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(engine: sa.Engine, wait_s: float) -> Iterator[sa.Connection | None]:
    """Only one process changes the schema; the others wait here. Gives the connection that holds the lock, if one does."""
    if engine.dialect.name == "sqlite":
        with FileLock(f"{engine.url.database}.upgrade.lock").held(wait_s):
            yield None
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        take, free = _locks(connection)
        until = time.monotonic() + wait_s
        while not connection.execute(take).scalar():
            if time.monotonic() > until:
                raise CannotUpgrade("另一个程序一直在升级数据库，等得太久了。请查看那个程序的日志。")
            time.sleep(0.2)
        connection.rollback()
        try:
            yield connection
        finally:
            connection.rollback()
            if not connection.invalidated:  # else the lock is gone with it
                connection.execute(free)


def _locks(connection: sa.Connection) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The statements that take and free this database's upgrade lock; it also goes with a connection that dies."""
    if connection.dialect.name == "postgresql":
        return sa.select(sa.func.pg_try_advisory_lock(LOCK)), sa.select(sa.func.pg_advisory_unlock(LOCK))
    database = hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:16]
    name = f"gonghui-{database}"  # such a lock is known to the whole server
    return sa.select(sa.func.get_lock(name, 0)), sa.select(sa.func.release_lock(name))


def _without_foreign_keys(raw: Any, _record: Any) -> None:
    raw.execute("PRAGMA foreign_keys=OFF")


def _go_on(*told: Any) -> tuple[str, Any]:
    """MariaDB commits each step, and may have been stopped after any: what is there already is no fault."""
    statement, given = told[2:4]
    for pattern, words in AGAIN:
        statement = pattern.sub(words, statement)
    return statement, given


def _check_foreign_keys(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise CannotUpgrade(f"升级后 {broken[0]} 表里有一行找不到它所属的那一行，升级已撤销。")


def _revise(message: str) -> None:
    """Write the revision that leads from the newest one to the tables as the code has them."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/revision.db")
        upgrade(store)
        with store.engine.begin() as connection:
            command.revision(_config(connection), message=message, autogenerate=True, rev_id=_next_revision())
        store.close()


def _next_revision() -> str:
    """Revisions are numbered, so that a folder listing shows their order."""
    return f"{1 + len(list(ScriptDirectory.from_config(_config()).walk_revisions())):04d}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or os.path.sep in sys.argv[1]:
        sys.exit('usage: python -m models.schema "What this revision changes"')
    _revise(sys.argv[1])
