"""Making backups: one SQLite file whatever the database is, sealed, and the old ones removed in time.

1. The file of a PostgreSQL or MariaDB is written row by row from one snapshot. So it also carries a union from its one
   machine with SQLite to a database server.
2. What is only shared for a while (WeChat's access token, locks, the pace) is left out.
3. Who was forgotten stands in a file beside the backups, which is copied with them (models/erasure.py).
4. A backup that was killed leaves parts; the next one removes them.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from tqdm import tqdm

from ground.days import SHANGHAI
from models import erasure, resealing, schema, seal
from models.base import FileLock, Store, StoreError, make_engine

NAME = re.compile(
    r"(?P<why>gonghui|before-upgrade|before-restore)-(?P<at>\d{8}[T-]\d{6})(?P<utc>Z?)\.db(?:\.age)?"
)
KEEP = 30  # of those of `db backup`
LONGEST = timedelta(days=30)  # of all kinds: what a person took back stays in them no longer than that
STALE = timedelta(days=2)  # a newest backup that is older says that nobody makes them
WAIT_S = 3600.0
BATCH = 1000
STATEMENT_S = 3600
PART, SCRATCH = ".part", "scratch-"
# What a revision on its way lays beside the tables (migrations/versions/0004_key.py); it begins anew in a copy.
HALF_DONE = ("DROP TRIGGER IF EXISTS interactions_follow", "DROP TABLE IF EXISTS interactions_new")


class CannotBackUp(Exception):
    """A backup cannot be made or put back; the text says why and what to do, in Chinese."""


def bring_up(store: Store, folder: Path, now: datetime, recipients: Sequence[str] = ()) -> tuple[str, ...]:
    """Bring the schema up to date, after a backup of a SQLite database in use, seal what lies in clear, and return the revisions
    applied.

    What `db upgrade`, `serve`, `work` and `run` begin with. Raises schema.CannotUpgrade, KeyTrouble."""

    def keep() -> None:
        if store.dialect == "sqlite":
            make(store, folder, now, "before-upgrade", recipients)

    applied = schema.upgrade(store, before=keep)
    resealing.bring_up(store, now)
    return applied


def make(
    store: Store, folder: Path, now: datetime, why: str = "gonghui", recipients: Sequence[str] = ()
) -> Path:
    """Write a sealed backup of this database into the folder and return its path; encrypted where `recipients` are given.
    Work goes on meanwhile. Raises CannotBackUp."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{why}-{now.astimezone(SHANGHAI):%Y%m%d-%H%M%S}.db"
    with alone(folder):
        path = folder / (f"{name}{seal.ENCRYPTED}" if recipients else name)
        if path.exists():
            raise CannotBackUp(f"{path} 已经有了，请过一秒再试。")
        part = folder / f"{name}{PART}"
        try:
            write(store, part, folder, now)
            if recipients:
                part = _encrypted(part, recipients)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        note_erasures(store, folder)
    return path


def write(store: Store, target: Path, folder: Path, now: datetime) -> None:
    """A sealed backup in this very file."""
    private(target)
    if store.dialect == "sqlite":
        copy_pages(Path(str(store.url.database)), target)
    else:
        _copy_snapshot(store, target)
    _note(target, store.dialect, now, seal.key_of(folder))


def prune(folder: Path, now: datetime, keep: int = KEEP) -> list[Path]:
    """Remove what is there in excess: of `db backup` beyond the newest `keep`, of every kind what is older than `LONGEST`. The
    newest of `db backup` stays, however old. Returns what was removed."""
    mine = _regular(folder)
    dated = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    old = {path for path in dated if now - _made_at(path) > LONGEST}
    gone = sorted((old | set(mine[:-keep])) - set(mine[-1:]))
    for path in gone:
        path.unlink()
    return gone


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One at a time works in this folder; what one that was killed left is removed first."""
    held = os.open(folder, os.O_RDONLY)
    try:
        FileLock(str(folder)).wait(held, WAIT_S)
        for part in folder.glob(f"*{PART}*"):
            part.unlink()
        for place in folder.glob(f"{SCRATCH}*"):
            if _is_left(place):
                shutil.rmtree(place)
        yield
    finally:
        os.close(held)


def _is_left(place: Path) -> bool:
    """Whether who opened something there (models/proof.py) has been killed: they hold a lock as long as they live."""
    held = os.open(place, os.O_RDONLY)
    try:
        return FileLock.take(held)
    finally:
        os.close(held)


def note_erasures(store: Store, folder: Path) -> None:
    """Bring the file beside the backups up to date with who was forgotten."""
    try:
        with store.reading() as connection:
            memory = erasure.recall(connection)
    except StoreError:  # of a schema that does not know it yet
        return
    if memory is not None and memory.marks:
        erasure.save(memory, folder)


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


def _regular(folder: Path) -> list[Path]:
    """The backups made by `db backup`, oldest first."""
    mine = [
        path
        for path in folder.iterdir()
        if (found := NAME.fullmatch(path.name)) and found["why"] == "gonghui"
    ]
    return sorted(mine, key=_made_at)


# --- how the rows get there ----------------------------------------------------------------------------------------


def copy_pages(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite file that is being written to."""
    if not source.is_file():
        raise CannotBackUp(f"还没有数据库（{source}）。")
    with closing(sqlite3.connect(source, timeout=30)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
        written.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it


def _copy_snapshot(store: Store, target: Path) -> None:
    if not schema.standing(store).current:
        raise CannotBackUp("数据库的结构和这个版本的程序对不上，请先运行 db upgrade。")
    copy = Store(f"sqlite:///{target}", raw=True)
    source = make_engine(store.url, writes=False, statement_s=STATEMENT_S)
    try:
        schema.upgrade(copy)
        with snapshot(source) as read, copy.engine.begin() as written:
            fill(read, written)
    finally:
        source.dispose()
        copy.close()
    for beside in ("-wal", "-shm", ".lock", ".upgrade.lock"):
        Path(f"{target}{beside}").unlink(missing_ok=True)


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A read of many tables as of one moment."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def fill(read: sa.Connection, written: sa.Connection) -> None:
    """Copy every row of every table, in an order that foreign keys allow."""
    tables = schema.known().sorted_tables
    total = sum(count(read, table.name) for table in tables)
    with tqdm(total=total, unit="行", disable=None) as bar:
        for table in tables:
            streamed = read.execution_options(stream_results=True, max_row_buffer=BATCH)
            for rows in streamed.execute(sa.select(table)).partitions(BATCH):
                written.execute(table.insert(), [dict(row._mapping) for row in rows])
                bar.update(len(rows))


def _note(path: Path, kind: str, now: datetime, key: bytes) -> None:
    """Leave out what is shared for a while, write down in the file what is in it, and seal it."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA secure_delete=ON")
        for statement in HALF_DONE:
            file.execute(statement)
        file.execute("DELETE FROM shared WHERE expires_at IS NOT NULL")
        revision = file.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        notes = {"made_at": now.astimezone(UTC).isoformat(), "kind": kind, "revision": revision}
        notes |= {f"rows:{name}": str(rows) for name, rows in counts(file).items()}
        notes |= {f"mac:{name}": digest for name, digest in seal.digests(file, key).items()}
        notes["key"] = seal.mark(key)
        notes["seal"] = seal.seal(notes, key)
        file.execute("CREATE TABLE backup_note (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        file.executemany("INSERT INTO backup_note VALUES (?, ?)", notes.items())
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _encrypted(part: Path, recipients: Sequence[str]) -> Path:
    closed = part.with_name(f"{part.name}{seal.ENCRYPTED}")
    private(closed)
    seal.encrypt(part, closed, recipients)
    part.unlink()
    return closed


def private(path: Path) -> None:
    """An empty file that only its owner may read."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))


def counts(file: sqlite3.Connection) -> dict[str, int]:
    """The rows of every table of ours."""
    tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    mine = [name for name in tables if not name.startswith(("sqlite_", "alembic_", "backup_"))]
    return {name: file.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in mine}  # noqa: S608


def count(connection: sa.Connection, table: str) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
