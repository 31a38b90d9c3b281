"""Putting a backup in the database's place: whole or not at all, halted, and without those who were forgotten since.

After a restore everything outgoing is halted: what went out after the backup was made is not in it, and would go out again.
Who was forgotten after it was made is forgotten again, as the database that is replaced remembers it and the files beside
the backups do (models/erasure.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from ground.days import SHANGHAI
from models import erasure, holder, schema, seal, shared, use
from models.backup import STATEMENT_S, CannotBackUp, count, fill, make, private, snapshot
from models.base import Connection, Store, StoreError, make_engine, torn
from models.proof import Proof, scratch, unpack

PASSING = (
    "shared",
    "alarms",
    "media",
    "erasures",
)  # tables that a database in use for nothing yet may have rows in
RESTORED = "数据库刚从备份恢复。备份之后发出的推送不在里面，请核对后用 unhalt 恢复发送。"


@dataclass(frozen=True, slots=True)
class Restored:
    """Where the former SQLite database was kept, and how many people were forgotten again."""

    kept: Path | None
    forgotten: int


def put_back(
    store: Store,
    path: Path,
    folder: Path,
    now: datetime,
    *,
    identity: Path | None = None,
    unproved: bool = False,
    recipients: Sequence[str] = (),
) -> Restored:
    """Replace what is in the database by the backup. A database server must be empty. Raises CannotBackUp.

    With `unproved` a backup whose seal cannot be looked at is taken as well, never one whose seal is broken."""
    proof = Proof(path)
    with scratch(folder) as place:
        ready = place / "ready.db"
        try:
            unpack(path, ready, proof, folder, identity)
        except sqlite3.Error as error:
            raise CannotBackUp("备份文件损坏，或者不是备份。") from error
        except seal.Sealed as error:
            raise CannotBackUp(str(error)) from None
        problems = [*proof.problems, *(() if unproved else proof.unproved)]
        if problems:
            raise CannotBackUp("；".join(problems))
        try:
            with use.alone(store):
                _refuse_while_in_use(store, now)
                memories = [*_remembered(store), *erasure.beside(folder, path.absolute().parent)]
                forgotten = _prepare(ready, memories, now)
                return Restored(_swap(store, ready, folder, now, recipients), forgotten)
        except (use.InUse, ValueError) as error:
            raise CannotBackUp(str(error)) from None


def _prepare(ready: Path, memories: Sequence[erasure.Memory], now: datetime) -> int:
    """Halt it, and forget again; how many people that were."""
    with closing(Store(f"sqlite:///{ready}", raw=True)) as source, source.writing() as connection:
        shared.halt(connection, RESTORED, now)
        forgotten = _forget(connection, memories, now)
    with closing(sqlite3.connect(ready)) as file:
        file.execute("PRAGMA journal_mode=DELETE")
        file.execute("VACUUM")  # what was forgotten is in no free page either
    return forgotten


def _forget(connection: Connection, memories: Sequence[erasure.Memory], now: datetime) -> int:
    found = {openid: at for openid in _people(connection) if (at := _latest(memories, openid))}
    if memories:
        erasure.adopt(connection, memories[0], now)
    for openid, at in found.items():
        holder.forget(connection, openid, at, at)
    return len(found)


def _latest(memories: Sequence[erasure.Memory], openid: str) -> datetime | None:
    return max((at for memory in memories if (at := memory.at(openid))), default=None)


def _people(connection: Connection) -> set[str]:
    """Everybody whom any table names."""
    columns = [each.table.c[name] for each in holder.HOLDERS for name in holder.NAMES if name in each.table.c]
    asked = sa.union(*(sa.select(column).where(column.is_not(None)) for column in columns))
    return set(connection.execute(asked).scalars())


def _remembered(store: Store) -> list[erasure.Memory]:
    """What the database that is replaced remembers; nothing where it is new, older than that, or broken."""
    try:
        if store.file and not store.file.exists():
            return []
        with store.reading() as connection:
            memory = erasure.recall(connection)
    except (StoreError, ValueError):
        return []
    return [memory] if memory else []


def _refuse_while_in_use(store: Store, now: datetime) -> None:
    if store.file and not store.file.exists():
        return
    try:
        if schema.standing(store).revision is None:
            return
        with store.reading() as connection:
            at_work = shared.beats(connection, now)
    except StoreError as error:
        if not torn(error):
            raise
        return  # nobody works with it, and it is what a restore is for
    if at_work:
        raise CannotBackUp("work 还在运行。请先停止 serve、work 和 run，再恢复。")


def _swap(store: Store, ready: Path, folder: Path, now: datetime, recipients: Sequence[str]) -> Path | None:
    if store.dialect == "sqlite":
        return _swap_pages(store, ready, folder, now, recipients)
    with closing(Store(f"sqlite:///{ready}", raw=True)) as source:
        _swap_rows(store, source)
    return None


def _swap_pages(
    store: Store, ready: Path, folder: Path, now: datetime, recipients: Sequence[str]
) -> Path | None:
    current = Path(str(store.url.database))
    kept = None
    try:
        if current.exists() and schema.standing(store).revision is not None:
            kept = make(store, folder, now, "before-restore", recipients)
    except (StoreError, sqlite3.Error) as error:
        if not torn(error):
            raise
        store.close()
        kept = _set_aside(current, now)
    store.close()
    current.parent.mkdir(parents=True, exist_ok=True)
    if not current.exists():
        private(current)
    with closing(sqlite3.connect(ready)) as read, closing(sqlite3.connect(current, timeout=30)) as written:
        read.backup(written)  # others who have the file open see the one or the other, nothing between
    return kept


def _set_aside(current: Path, now: datetime) -> Path:
    """The damaged file under another name, with what belongs to it."""
    aside = current.with_name(f"{current.name}.torn-{now.astimezone(SHANGHAI):%Y%m%d-%H%M%S}")
    for end in ("", "-wal", "-shm"):
        part = current.with_name(f"{current.name}{end}")
        if part.exists():
            part.rename(aside.with_name(f"{aside.name}{end}"))
    return aside


def _swap_rows(store: Store, source: Store) -> None:
    schema.upgrade(store)
    engine = make_engine(store.url, writes=True, statement_s=STATEMENT_S)
    ready = make_engine(source.url, writes=False, statement_s=STATEMENT_S)
    try:
        with snapshot(ready) as read, engine.begin() as written:
            tables = schema.known().sorted_tables
            for table in tables:
                if table.name not in PASSING and count(written, table.name):
                    raise CannotBackUp(
                        "这个数据库里已经有内容了。请新建一个空的数据库，把它写进 [database] url，再恢复。"
                    )
            for table in reversed(tables):
                written.execute(table.delete())
            fill(read, written)
            _go_on_counting(written)
    finally:
        engine.dispose()
        ready.dispose()


def _go_on_counting(connection: sa.Connection) -> None:
    """PostgreSQL numbers the next row from a sequence, which knows nothing of rows that brought their number."""
    if connection.dialect.name != "postgresql":
        return
    for table in schema.known().sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            newest = f"SELECT COALESCE(MAX({column.name}), 0) + 1 FROM {table.name}"  # noqa: S608 - our own names
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), ({newest}), false)"
            )
