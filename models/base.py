"""The database: one `Store` over SQLite, PostgreSQL or MariaDB, and the column types that behave alike on all three."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL, Dialect, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from models.keyring import Keyring

Connection = sa.Connection  # the names by which other rooms, which know no SQLAlchemy, say these two
StoreError = sa.exc.SQLAlchemyError
DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
STATEMENT_S = 3  # a statement that takes longer is given up; the webhook has five seconds in all
LOCK_WAIT_S = 4.0
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)
# To be given to every Table: the server's own default may be latin1.
MARIADB: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_engine": "InnoDB"}


def Id(length: int = 64) -> sa.types.TypeEngine[str]:  # noqa: N802 - reads as a column type
    """Text compared byte by byte everywhere: openids differ by case."""
    return (
        sa.String(length)
        .with_variant(sa.String(length, collation="C"), "postgresql")
        .with_variant(
            mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb"
        )
    )


def Words() -> sa.types.TypeEngine[str]:  # noqa: N802
    """Text of any length with emoji."""
    return sa.Text().with_variant(
        mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
    )


def Data() -> sa.types.TypeEngine[bytes]:  # noqa: N802
    """Bytes, up to 16 MB."""
    return sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def Number() -> sa.types.TypeEngine[int]:  # noqa: N802
    """A row's number: 64 bits; on SQLite the one that counts by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Utc(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime with microseconds, in and out."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def masked(openid: str) -> str:
    """What a log may say of a person: the same short mark for the same openid, and no way back."""
    return "person-" + hashlib.sha256(openid.encode()).hexdigest()[:8]


def traced(error: BaseException) -> str:
    """Where an error came from, for a log: without its words, which may quote a person."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"


def named(error: BaseException) -> str:
    """What a log may say of an error of the database: its kind, never its text, for that may quote what a person wrote."""
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))


def torn(error: BaseException) -> bool:
    """Whether SQLite's file is damaged, or no database at all."""
    return named(error).startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


def unstorable(error: BaseException) -> bool:
    """Whether the database refuses the values themselves, so that trying again is no use."""
    return isinstance(
        error, sa.exc.DataError | sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.StatementError
    ) and (not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError))


class OutOfTime(Exception):
    """What was left to do would have come too late."""


def deadlocked(error: BaseException) -> bool:
    """Whether the database gave this transaction up so that another could go on: run it again."""
    return isinstance(error, DBAPIError) and "eadlock" in str(error.orig)


def disconnected(error: BaseException) -> bool:
    """Whether the database itself has gone."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def timed_out(error: BaseException) -> bool:
    """Whether a statement was given up because it took too long or waited too long for a lock."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OutOfTime)
    text = str(error.orig)
    signs = (
        "interrupted",
        "statement timeout",
        "lock timeout",
        "max_statement_time",
        "Lock wait timeout",
        "is locked",
    )
    return any(sign in text for sign in signs)


def place(url: str) -> URL:
    """The database's address with our driver where none is named. Raises ValueError in words."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as error:
        raise ValueError("not a database address") from error
    name, _, driver = parsed.drivername.partition("+")
    if name not in DRIVERS:
        raise ValueError(f"unknown kind of database {name!r}")
    if driver and f"{name}+{driver}" not in {*DRIVERS.values(), "mariadb+pymysql"}:
        raise ValueError(f"unsupported driver {driver!r}")
    parsed = parsed.set(drivername=DRIVERS[name])
    if name == "sqlite" and not parsed.database:
        raise ValueError("SQLite needs a file")
    if name in ("mysql", "mariadb"):
        parsed = parsed.update_query_dict({"charset": "utf8mb4"})
    return parsed


class FileLock:
    """One writer at a time among threads and processes, in fair short turns. SQLite's own busy handler lets the
    unlucky wait for its whole time-out (measured: p99 6 ms with this lock, 35-97 ms without)."""

    def __init__(self, path: str) -> None:
        self.path = path

    def open(self) -> int:
        """A file descriptor for one taker. It must not outlive a fork."""
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @staticmethod
    def take(fd: int) -> bool:
        """Whether the lock is now held through this descriptor; closing it, or the death of the process, frees it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @staticmethod
    def free(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def wait(self, fd: int, wait_s: float = LOCK_WAIT_S) -> None:
        """Take the lock through this descriptor. Raises OperationalError when it cannot be had in that time."""
        until = time.monotonic() + wait_s
        pause = 0.0002
        while not self.take(fd):
            if time.monotonic() > until:
                raise OperationalError("file lock", None, sqlite3.OperationalError("database is locked"))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.005)

    @contextmanager
    def held(self, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """The lock for one turn. Raises as `wait` does."""
        fd = self.open()
        try:
            self.wait(fd, wait_s)
            yield
        finally:
            os.close(fd)


def connect_args(url: URL, statement_s: float = STATEMENT_S, *, lasting: bool = True) -> dict[str, Any]:
    """How a connection is opened: UTC, READ COMMITTED, bounded waits."""
    if url.drivername.startswith("postgresql"):
        options = (
            f"-c timezone=UTC -c statement_timeout={int(statement_s * 1000)} "
            "-c default_transaction_isolation=read\\ committed -c idle_in_transaction_session_timeout=30000"
        ) + ("" if lasting else " -c synchronous_commit=off")
        # A server that has gone without a word: the kernel gives up on it, not after its usual quarter of an hour.
        silent = {
            "tcp_user_timeout": 5000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        }
        return {"options": options, "connect_timeout": 3, **silent}
    if url.drivername.startswith("mysql"):
        session = (
            f"SET SESSION time_zone='+00:00', max_statement_time={statement_s}, "
            f"innodb_lock_wait_timeout={max(1, int(statement_s))}, sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', "
            "tx_isolation='READ-COMMITTED', "
            "idle_transaction_timeout=30"  # a process that sleeps in a transaction must not hold its rows for ever
        )
        silent_s = int(statement_s) + 2
        return {
            "connect_timeout": 3,
            "read_timeout": silent_s,
            "write_timeout": silent_s,
            "init_command": session,
            **unsealed(url),
        }
    return {"timeout": LOCK_WAIT_S, "check_same_thread": False, "cached_statements": 512}


def unsealed(url: URL) -> dict[str, Any]:
    """For MariaDB on this machine, unless the address speaks of TLS: pymysql would read every certificate authority for each
    connection, thirty milliseconds of processor time, and MariaDB then mostly has no TLS to offer."""
    here = url.host in (None, "127.0.0.1", "::1", "localhost")
    return {"ssl_disabled": True} if here and not any(key.startswith("ssl") for key in url.query) else {}


def keyed(engine: Engine, keyring: Keyring | None) -> Engine:
    """The same engine, which seals and opens by these keys (models/sealed.py); without, it moves what is sealed as it lies."""
    engine.dialect.gonghui_keyring = keyring  # type: ignore[attr-defined]  # a dialect belongs to one engine
    return engine


def keyring_of(dialect: Dialect) -> Keyring | None:
    """The keys of the engine whose dialect this is."""
    return getattr(dialect, "gonghui_keyring", None)


def make_engine(
    url: URL, *, writes: bool, statement_s: float = STATEMENT_S, lasting: bool = True,
    keyring: Keyring | None = None,
) -> Engine:  # fmt: skip
    """An engine whose every transaction is a writer's (SQLite: BEGIN IMMEDIATE) or a reader's.

    Not `lasting`: a commit does not wait for the disk, and a power cut may take back the last of them. Without a keyring it moves
    what is sealed as it lies."""
    engine = sa.create_engine(
        url,
        connect_args=connect_args(url, statement_s, lasting=lasting),
        pool_size=5,
        max_overflow=20,
        pool_timeout=4,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text must not carry what a person wrote
    )
    keyed(engine, keyring)
    if engine.dialect.name == "sqlite":
        _tame_sqlite(engine, writes=writes, statement_s=statement_s, lasting=lasting)
    elif engine.dialect.name != "postgresql":

        @sa.event.listens_for(engine, "begin")
        def _take_time_again(connection: Connection) -> None:
            if connection.info.pop("hurried", False):
                connection.exec_driver_sql(f"SET SESSION max_statement_time = {statement_s}")

    return engine


def _tame_sqlite(engine: Engine, *, writes: bool, statement_s: float, lasting: bool) -> None:
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @sa.event.listens_for(engine, "connect")
    def _open(raw: sqlite3.Connection, record: Any) -> None:
        raw.isolation_level = None
        started = record.info.setdefault("started", [float("inf")])
        limit = record.info.setdefault("limit", [statement_s])
        raw.set_progress_handler(lambda: int(time.monotonic() - started[0] > limit[0]), 20_000)
        for pragma in (
            f"busy_timeout={int(LOCK_WAIT_S * 1000)}",  # before WAL: two first starts would race otherwise
            "page_size=4096",  # of a new file: a message touches a page of each index, and pages are what a commit writes
            "journal_mode=WAL",
            # with FULL an answered message survives a power cut
            "synchronous=FULL" if lasting else "synchronous=NORMAL",
            "foreign_keys=ON",
            "secure_delete=ON",  # what is erased is overwritten; by itself only Debian's build does it
            "wal_autocheckpoint=320000",  # 1.3 GB; SQLite's writer does it before, when it disturbs nobody
            "journal_size_limit=268435456",
            "cache_size=-16384",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.info["limit"][0] = statement_s
        raw: Any = connection.connection.driver_connection
        try:
            raw.execute(begin)
        except sqlite3.Error as error:
            raise OperationalError(begin, None, error) from error

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _start(connection: Connection, *_: Any) -> None:
        connection.info["started"][0] = time.monotonic()


def hurry(connection: Connection, seconds: float) -> None:
    """Give each statement of this transaction only that long."""
    seconds = max(seconds, 0.05)
    match connection.dialect.name:
        case "sqlite":
            connection.info["limit"][0] = seconds
        case "postgresql":
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        case _:
            connection.info["hurried"] = True
            connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds:.3f}")


@dataclass(frozen=True, slots=True)
class Engines:
    """A process's connections: those that write, by whether what they write lasts through a power cut; those that read."""

    pid: int
    writers: Mapping[bool, Engine]
    reader: Engine


class Store:
    """The database as everybody uses it: `writing()` and `reading()` give a Connection inside a transaction.

    Reads never wait for writers. A statement is given up after `STATEMENT_S` seconds (`timed_out(error)`).
    Engines are made on first use in each process, so a Store may be built before a fork. `keys` is the file of the keys that seal
    personal data; on SQLite it lies beside the database unless it is named, and is made at first need. With `raw` nothing is
    sealed or opened: what is sealed moves as it lies.
    """

    def __init__(
        self, url: str, keys: Path | None = None, *, raw: bool = False, seal_messages: bool = False
    ) -> None:
        self.url = place(url)
        self.dialect: str = self.url.get_backend_name()
        self._engines: Engines | None = None
        self.lock: FileLock | None = None
        self.file: Path | None = None  # on SQLite
        if self.dialect == "sqlite":
            self.file = Path(str(self.url.database))
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.lock = FileLock(f"{self.file}.lock")
            keys = keys or Path(f"{self.file}.key")
        makes = self.file is not None
        self.keyring = None if raw else Keyring(keys, makes=makes, messages=seal_messages)

    def _each(self) -> Engines:
        if self._engines is None or self._engines.pid != os.getpid():
            make = partial(make_engine, self.url, keyring=self.keyring)
            kept = {True: make(writes=True)}
            kept[False] = kept[True] if self.dialect == "mysql" else make(writes=True, lasting=False)
            reader = make(writes=False) if self.dialect == "sqlite" else kept[True]
            self._engines = Engines(os.getpid(), kept, reader)
        return self._engines

    @property
    def engine(self) -> Engine:
        """The writers' engine, for what needs one (migrations, bulk loads)."""
        return self._each().writers[True]

    @contextmanager
    def writing(self, *, lasting: bool = True) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back when the block raises.

        Not `lasting`: for what a power cut may take back, where waiting for the disk would hold up calls."""
        engine = self._each().writers[lasting]
        if self.lock is None:
            with engine.begin() as connection:
                yield connection
            return
        with self.lock.held(), engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: a consistent picture on SQLite, READ COMMITTED elsewhere."""
        with self._each().reader.connect() as connection, connection.begin():
            yield connection

    def reader(self) -> Connection:
        """A connection to keep, whose transactions only read."""
        return self._each().reader.connect()

    def close(self) -> None:
        """Give all connections back to the system."""
        if self._engines is not None and self._engines.pid == os.getpid():
            for engine in {*self._engines.writers.values(), self._engines.reader}:
                engine.dispose()
        self._engines = None
