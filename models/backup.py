"""Backups: one SQLite file whatever the database is, proved by restoring it, and restored into any kind of database.

1. The file of a PostgreSQL or MariaDB is written row by row from one snapshot. So it also carries a union from its one
   machine with SQLite to a database server.
2. After a restore everything outgoing is halted: what went out after the backup was made is not in it, and would go out
   again.
3. What is only shared for a while (WeChat's access token, locks, the pace) is left out.
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from tqdm import tqdm

from ground.days import SHANGHAI
from models import schema, shared
from models.base import Store, make_engine

NAME = re.compile(
    r"(?P<why>gonghui|before-upgrade|before-restore)-(?P<at>\d{8}[T-]\d{6})(?P<utc>Z?)\.db(?:\.age)?"
)
KEEP = 30  # files; what a person took back stays in them no longer than that many days
STALE = timedelta(days=2)  # a newest backup that is older says that nobody makes them
BATCH = 1000
STATEMENT_S = 3600
PASSING = ("shared", "alarms", "media")  # tables that a database in use for nothing yet may have rows in
RESTORED = "数据库刚从备份恢复。备份之后发出的推送不在里面，请核对后用 unhalt 恢复发送。"
KIND_ZH = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}


class CannotBackUp(Exception):
    """A backup cannot be made or put back; the text says why and what to do, in Chinese."""


@dataclass(slots=True)
class Proof:
    """What a trial restore of a backup found: `problems` is empty when it can be relied on."""

    path: Path
    made_at: str = ""
    kind: str = ""
    revision: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


# --- commands ----------------------------------------------------------------------------------------------------


def back_up(store: Store, folder: Path, now: datetime, keep: int = KEEP) -> int:
    """`db backup`: make one, prove it, and remove the oldest beyond `keep`. The exit code."""
    try:
        path = make(store, folder, now)
    except (CannotBackUp, OSError, sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        print(f"没有备份成：{_words(error)}")
        return 1
    proof = prove(path)
    _tell(proof)
    if proof.problems:
        return 1
    for old in _regular(folder)[:-keep]:
        old.unlink()
        print(f"已删除最旧的备份 {old.name}（只保留最近 {keep} 份）")
    return 0


def verify(path: Path) -> int:
    """`db verify FILE`: restore the backup beside everything else and compare. The exit code."""
    if not path.is_file():
        print(f"找不到备份文件 {path}")
        return 1
    proof = prove(path)
    _tell(proof)
    return 1 if proof.problems else 0


def restore(store: Store, path: Path, folder: Path, now: datetime) -> int:
    """`db restore FILE`: put the backup in the database's place and halt everything outgoing. The exit code."""
    if not path.is_file():
        print(f"找不到备份文件 {path}")
        return 1
    try:
        kept = put_back(store, path, folder, now)
    except (CannotBackUp, OSError, sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        print(f"没有恢复，数据库还是原来的样子：{_words(error)}")
        return 1
    if kept:
        print(f"原来的数据库另存为 {kept}")
    print(f"已从 {path.name} 恢复。")
    print(RESTORED)
    return 0


def bring_up(store: Store, folder: Path, now: datetime) -> tuple[str, ...]:
    """Bring the schema up to date, after a backup of a SQLite database in use, and return the revisions applied.

    What `db upgrade`, `serve`, `work` and `run` begin with. Raises schema.CannotUpgrade."""

    def keep() -> None:
        if store.dialect == "sqlite":
            make(store, folder, now, "before-upgrade")

    return schema.upgrade(store, before=keep)


def upgrade(store: Store, folder: Path, now: datetime) -> int:
    """`db upgrade`. The exit code."""
    try:
        applied = bring_up(store, folder, now)
    except (schema.CannotUpgrade, sa.exc.SQLAlchemyError, OSError) as error:
        print(f"数据库没有升级：{_words(error)}")
        return 1
    print(f"数据库已升级到 {applied[-1]}。" if applied else "数据库已经是最新的，不用升级。")
    return 0


# --- making ------------------------------------------------------------------------------------------------------


def make(store: Store, folder: Path, now: datetime, why: str = "gonghui") -> Path:
    """Write a backup of this database into the folder and return its path. Work goes on meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{why}-{now.astimezone(SHANGHAI):%Y%m%d-%H%M%S}.db"
    if path.exists():
        raise CannotBackUp(f"{path} 已经有了，请过一秒再试。")
    part = path.with_suffix(".part")
    _private(part)
    try:
        if store.dialect == "sqlite":
            _copy_pages(_file(store), part)
        else:
            _copy_snapshot(store, part)
        _note(part, store.dialect, now)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _copy_pages(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite file that is being written to."""
    if not source.is_file():
        raise CannotBackUp(f"还没有数据库（{source}）。")
    with closing(sqlite3.connect(source, timeout=30)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
        written.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it


def _copy_snapshot(store: Store, target: Path) -> None:
    if not schema.standing(store).current:
        raise CannotBackUp("数据库的结构和这个版本的程序对不上，请先运行 db upgrade。")
    copy = Store(f"sqlite:///{target}")
    source = make_engine(store.url, writes=False, statement_s=STATEMENT_S)
    try:
        schema.upgrade(copy)
        with _snapshot(source) as read, copy.engine.begin() as written:
            _fill(read, written)
    finally:
        source.dispose()
        copy.close()
    for beside in ("-wal", "-shm", ".lock", ".upgrade.lock"):
        Path(f"{target}{beside}").unlink(missing_ok=True)


@contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A read of many tables as of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _fill(read: sa.Connection, written: sa.Connection) -> None:
    """Copy every row of every table, in an order that foreign keys allow."""
    tables = schema.known().sorted_tables
    total = sum(_count(read, table.name) for table in tables)
    with tqdm(total=total, unit="行", disable=None) as bar:
        for table in tables:
            streamed = read.execution_options(stream_results=True, max_row_buffer=BATCH)
            for rows in streamed.execute(sa.select(table)).partitions(BATCH):
                written.execute(table.insert(), [dict(row._mapping) for row in rows])
                bar.update(len(rows))


def _note(path: Path, kind: str, now: datetime) -> None:
    """Leave out what is shared for a while, and write down in the file what is in it."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM shared WHERE expires_at IS NOT NULL")
        revision = file.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        notes = {"made_at": now.astimezone(UTC).isoformat(), "kind": kind, "revision": revision}
        notes |= {f"rows:{name}": str(rows) for name, rows in _counts(file).items()}
        file.execute("CREATE TABLE backup_note (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        file.executemany("INSERT INTO backup_note VALUES (?, ?)", notes.items())
    with path.open("rb") as written:
        os.fsync(written.fileno())


# --- proving and putting back ------------------------------------------------------------------------------------


def prove(path: Path) -> Proof:
    """Restore a backup into a scratch file, bring it up to date there, and compare every table's rows."""
    proof = Proof(path)
    with tempfile.TemporaryDirectory(prefix="gonghui-") as folder:
        try:
            _unpack(path, Path(folder) / "scratch.db", proof)
        except (CannotBackUp, schema.CannotUpgrade) as error:
            proof.problems.append(str(error))
        except (sqlite3.Error, sa.exc.SQLAlchemyError) as error:
            proof.problems.append(f"文件损坏，或者不是备份（{type(error).__name__}）。")
    return proof


def put_back(store: Store, path: Path, folder: Path, now: datetime) -> Path | None:
    """Replace what is in the database by the backup, halted. Returns where the former SQLite database was kept.

    A database server must be empty. All of it happens or nothing. Raises CannotBackUp."""
    proof = Proof(path)
    with tempfile.TemporaryDirectory(prefix="gonghui-") as scratch:
        ready = Path(scratch) / "ready.db"
        try:
            _unpack(path, ready, proof)
        except sqlite3.Error as error:
            raise CannotBackUp("备份文件损坏，或者不是备份。") from error
        if proof.problems:
            raise CannotBackUp("；".join(proof.problems))
        _refuse_while_in_use(store, now)
        with closing(Store(f"sqlite:///{ready}")) as source:
            with source.writing() as connection:
                shared.halt(connection, RESTORED, now)
            source.close()
            if store.dialect == "sqlite":
                return _swap_pages(store, ready, folder, now)
            _swap_rows(store, source)
    return None


def _unpack(path: Path, target: Path, proof: Proof) -> None:
    """The backup as a database of today's shape in `target`, and what it says of itself in `proof`."""
    _private(target)
    _copy_pages(path, target)
    with closing(sqlite3.connect(target)) as file, file:
        problem = file.execute("PRAGMA integrity_check").fetchone()[0]
        if problem != "ok":
            raise CannotBackUp(f"文件内部有损坏：{problem}")
        notes = dict(file.execute("SELECT name, value FROM backup_note"))
        proof.made_at, proof.kind, proof.revision = notes["made_at"], notes["kind"], notes["revision"]
        proof.rows = {name[5:]: int(rows) for name, rows in notes.items() if name.startswith("rows:")}
        file.execute("DROP TABLE backup_note")
        _compare(file, proof)
    with closing(Store(f"sqlite:///{target}")) as store:
        schema.upgrade(store)
        with store.reading() as connection:
            changed = schema.drift(connection)
    if changed:
        proof.problems.append("恢复出来的结构和这个版本的程序对不上。")
    with closing(sqlite3.connect(target)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _compare(file: sqlite3.Connection, proof: Proof) -> None:
    found = _counts(file)
    for name in sorted({*found, *proof.rows}):
        if found.get(name) != proof.rows.get(name):
            proof.problems.append(
                f"{name} 表备份时有 {proof.rows.get(name, 0)} 行，恢复出来 {found.get(name, 0)} 行。"
            )


def _refuse_while_in_use(store: Store, now: datetime) -> None:
    if store.dialect == "sqlite" and not _file(store).exists():
        return
    if schema.standing(store).revision is None:
        return
    with store.reading() as connection:
        if shared.beats(connection, now):
            raise CannotBackUp("work 还在运行。请先停止 serve、work 和 run，再恢复。")


def _swap_pages(store: Store, ready: Path, folder: Path, now: datetime) -> Path | None:
    current = _file(store)
    kept = None
    if current.exists() and schema.standing(store).revision is not None:
        kept = make(store, folder, now, "before-restore")
    store.close()
    current.parent.mkdir(parents=True, exist_ok=True)
    if not current.exists():
        _private(current)
    with closing(sqlite3.connect(ready)) as read, closing(sqlite3.connect(current, timeout=30)) as written:
        read.backup(written)  # others who have the file open see the one or the other, nothing between
    return kept


def _swap_rows(store: Store, source: Store) -> None:
    schema.upgrade(store)
    engine = make_engine(store.url, writes=True, statement_s=STATEMENT_S)
    ready = make_engine(source.url, writes=False, statement_s=STATEMENT_S)
    try:
        with _snapshot(ready) as read, engine.begin() as written:
            tables = schema.known().sorted_tables
            for table in tables:
                if table.name not in PASSING and _count(written, table.name):
                    raise CannotBackUp(
                        "这个数据库里已经有内容了。请新建一个空的数据库，把它写进 [database] url，再恢复。"
                    )
            for table in reversed(tables):
                written.execute(table.delete())
            _fill(read, written)
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


def newest(folder: Path) -> datetime | None:
    """When the newest backup of `db backup` was made; None where there is none."""
    made = _regular(folder) if folder.is_dir() else []
    return _made_at(made[-1]) if made else None


def _made_at(path: Path) -> datetime:
    """The moment that a backup's name says."""
    found = NAME.fullmatch(path.name)
    assert found
    if found["utc"]:  # as they were named until November 2026
        return datetime.strptime(found["at"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return datetime.strptime(found["at"], "%Y%m%d-%H%M%S").replace(tzinfo=SHANGHAI)


# --- small things ------------------------------------------------------------------------------------------------


def _file(store: Store) -> Path:
    return Path(str(store.url.database))


def _private(path: Path) -> None:
    """An empty file that only its owner may read."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))


def _regular(folder: Path) -> list[Path]:
    """The backups made by `db backup`, oldest first; what an upgrade or a restore kept is left to a person."""
    mine = [
        path
        for path in folder.iterdir()
        if (found := NAME.fullmatch(path.name)) and found["why"] == "gonghui"
    ]
    return sorted(mine, key=_made_at)


def _counts(file: sqlite3.Connection) -> dict[str, int]:
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    mine = [name for name in tables if not name.startswith(("sqlite_", "alembic_", "backup_"))]
    return {name: file.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in mine}  # noqa: S608


def _count(connection: sa.Connection, table: str) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def _words(error: Exception) -> str:
    if isinstance(error, CannotBackUp | schema.CannotUpgrade):
        return str(error)
    if isinstance(error, OSError):
        return f"磁盘写不进去（{error.strerror}）。请查看磁盘空间和文件夹权限。"
    return f"数据库没有回应（{type(error).__name__}）。请先运行 doctor 看看数据库是否正常。"


def _tell(proof: Proof) -> None:
    if proof.problems:
        print(f"备份 {proof.path} 不能用来恢复：")
        for problem in proof.problems:
            print(f"  {problem}")
        return
    kind = KIND_ZH.get(proof.kind, proof.kind)
    print(f"备份 {proof.path}")
    print(f"做于 {proof.made_at}，来自 {kind}，结构 {proof.revision}。已试着恢复一遍，逐表核对相符：")
    for name, rows in sorted(proof.rows.items()):
        print(f"  {name:<16}{rows:>12,} 行")
