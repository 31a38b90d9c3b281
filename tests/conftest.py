"""What every test may ask for: scratch databases of all three kinds, Redis, programs; and the list of what was left out.

A server comes from GONGHUI_TEST_POSTGRESQL, GONGHUI_TEST_MARIADB or GONGHUI_TEST_REDIS, or from its usual place on this
machine. A test whose server is missing is left out and listed at the end; with CI=1 that is a failure.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, Protocol

import hypothesis
import pytest
import redis
import sqlalchemy as sa
from sizes import large

from models.base import Store, place, unsealed
from models.schema import known, upgrade

KINDS = ("sqlite", "postgresql", "mariadb")
SERVERS = {  # kind: where it is looked for, and the database that is always there
    "postgresql": ("GONGHUI_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432", "postgres"),
    "mariadb": ("GONGHUI_TEST_MARIADB", "mysql://root@127.0.0.1:3306", ""),
}
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")
LONGEST = ("test_week.py", "test_kill.py")
LEFT_OUT = "left out for want of "
MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 * 2**30
FIGURES: list[str] = []  # of the longer proofs, a line each

hypothesis.settings.register_profile("house", deadline=None, derandomize=IN_CI, print_blob=True)
hypothesis.settings.load_profile("house")


def left_out(what: str) -> NoReturn:
    """Give this test up because the machine lacks `what` (a server, a program); with CI=1 that fails it."""
    if IN_CI:
        pytest.fail(f"{what} is missing, and nothing may be left out here", pytrace=False)
    pytest.skip(LEFT_OUT + what)


# --- databases ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, scratch: Scratch, tmp_path: Path) -> str:
    """The address of a database with every table and no row, on each kind in turn. For tests that start processes."""
    return scratch.empty(database_kind, tmp_path)


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store with every table and no row, on each kind of database in turn, and a key for personal data."""
    opened = Store(database_url, tmp_path / "personal.key")
    assert opened.keyring
    opened.keyring.make()
    yield opened
    opened.close()


@pytest.fixture
def sqlite_url(scratch: Scratch, tmp_path: Path) -> str:
    """As `database_url`, on SQLite only: for what has nothing to do with the kind of database."""
    return scratch.empty("sqlite", tmp_path)


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """As `store`, on SQLite only: for what has nothing to do with the kind of database."""
    opened = Store(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def bare_url(database_kind: str, scratch: Scratch, tmp_path: Path) -> str:
    """The address of a database without any table, on each kind in turn."""
    return scratch.bare(database_kind, tmp_path)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Scratch]:
    """The scratch databases of this test process; they are gone when it ends."""
    made = Scratch(f"gonghui_test_{os.getpid()}_{worker_id}", tmp_path_factory.mktemp("scratch"))
    yield made
    made.drop()


class Scratch:
    """Makes databases under one name, each once, and empties them for each test."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.pattern = folder / "pattern.db"
        self.names: set[str] = set()
        self.servers: dict[str, sa.Engine | None] = {}
        self.made: dict[str, sa.Engine] = {}  # with every table, by kind
        self.walked: dict[str, str] = {}  # as the revisions make it, by kind

    def empty(self, kind: str, folder: Path) -> str:
        """The address of a database with every table and no row."""
        if kind == "sqlite":
            if not self.pattern.exists():
                self._lay_pattern()
            shutil.copyfile(self.pattern, folder / "gonghui.db")
            return f"sqlite:///{folder}/gonghui.db"
        server = self._server(kind)
        if kind in self.made:
            self._sweep(kind)
        else:
            self.made[kind] = _engine(self._fresh(server, self.name))
            known().create_all(self.made[kind])
        return _text(server.url.set(database=self.name))

    def revised(self, kind: str, folder: Path, name: str = "revised") -> str:
        """The address of a database as the revisions make it: walked once, then copied; another one under each name."""
        if kind not in self.walked:
            self.walked[kind] = self.bare(kind, self.pattern.parent, "walked")
            with closing(Store(self.walked[kind])) as store:
                upgrade(store)
        if kind == "sqlite":
            shutil.copyfile(place(self.walked[kind]).database or "", folder / f"{name}.db")
            return f"sqlite:///{folder}/{name}.db"
        server, walked = self._server(kind), f"{self.name}_walked"
        if kind == "postgresql":
            return _text(self._fresh(server, f"{self.name}_{name}", f" TEMPLATE {walked}"))
        made = self._fresh(server, f"{self.name}_{name}")
        with server.connect() as connection:
            tables = connection.exec_driver_sql(f"SHOW TABLES FROM {walked}").scalars().all()
            connection.exec_driver_sql(f"USE {self.name}_{name}")
            connection.exec_driver_sql("SET foreign_key_checks = 0")
            for table in tables:
                (_, words) = connection.exec_driver_sql(f"SHOW CREATE TABLE {walked}.{table}").one()
                connection.exec_driver_sql(words.replace("%", "%%"))
                connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {walked}.{table}")
        return _text(made)

    def bare(self, kind: str, folder: Path, name: str = "bare") -> str:
        """The address of a database without any table; another one under each name."""
        if kind == "sqlite":
            return f"sqlite:///{folder}/{name}.db"
        server = self._server(kind)
        return _text(self._fresh(server, f"{self.name}_{name}"))

    def drop(self) -> None:
        for engine in self.made.values():
            engine.dispose()
        for server in self.servers.values():
            if server is not None:
                for name in self.names:
                    _drop(server, name)
                server.dispose()

    def _lay_pattern(self) -> None:
        engine = sa.create_engine(f"sqlite:///{self.pattern}")
        known().create_all(engine)
        engine.dispose()

    def _fresh(self, server: sa.Engine, name: str, how: str = "") -> sa.URL:
        _drop(server, name)
        self.names.add(name)
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}{how}")
            if server.dialect.name == "postgresql":  # no test cuts the server's power
                connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
        return server.url.set(database=name)

    def _sweep(self, kind: str) -> None:
        """Remove all rows, also where a test that failed left a transaction open."""
        with self.made[kind].connect() as connection:
            if kind == "postgresql":
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            else:
                others = connection.exec_driver_sql(
                    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
                )
                for (other,) in others.all():
                    connection.exec_driver_sql(f"KILL {other}")
            connection.exec_driver_sql("BEGIN")  # one commit for all, and none where nothing is deleted
            for table in _full(connection):
                connection.execute(table.delete())
            connection.exec_driver_sql("COMMIT")

    def _server(self, kind: str) -> sa.Engine:
        if kind not in self.servers:
            self.servers[kind] = _reached(kind)
        server = self.servers[kind]
        if server is None:
            left_out(f"{kind} (start one here or set {SERVERS[kind][0]})")
        return server


def _full(connection: sa.Connection) -> list[sa.Table]:
    """The tables that hold rows, those first that refer to others."""
    tables, words = _look(connection.dialect.name)
    return [tables[place] for place in sorted(connection.exec_driver_sql(words).scalars())]


@cache
def _look(dialect: str) -> tuple[list[sa.Table], str]:
    """All tables, those first that refer to others, and the question which of them hold rows; made once, for it is long."""
    tables = list(reversed(known().sorted_tables))
    looks = (f"SELECT {place} FROM {each.name} LIMIT 1" for place, each in enumerate(tables))
    return tables, " UNION ALL ".join(f"({look})" for look in looks)


def _reached(kind: str) -> sa.Engine | None:
    variable, usual, database = SERVERS[kind]
    url = place(os.environ.get(variable) or usual)
    engine = _engine(url if url.database else url.set(database=database))
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        engine.dispose()
        return None
    return engine


def _engine(url: sa.URL) -> sa.Engine:
    quick = unsealed(url) if url.drivername.startswith("mysql") else {}
    return sa.create_engine(
        url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool, connect_args={"connect_timeout": 3, **quick}
    )


def _drop(server: sa.Engine, name: str) -> None:
    force = " WITH (FORCE)" if server.dialect.name == "postgresql" else ""
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}{force}")


def _text(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


# --- Redis and programs ------------------------------------------------------------------------------------------


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of a real Redis that holds nothing."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of our own, so that test runs beside each other do not meet; or the one that is named."""
    named = os.environ.get("GONGHUI_TEST_REDIS")
    if named:
        yield named
        return
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    words = [
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    with subprocess.Popen([found("redis-server"), *words], stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 10
        while not _listens(port):
            assert time.monotonic() < until, "Redis did not start"
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """Gives the path of an installed program by any of its names; the test is left out where there is none."""
    return found


def found(*names: str) -> str:
    """The path of the first of these programs that is installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # where Debian keeps nginx, out of a user's PATH
    for name in names:
        if where := shutil.which(name, path=path):
            return where
    left_out(f"{names[0]} (install it)")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def slowness() -> float:
    """How much longer things take on this machine, busy as it is, than on an idle one."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import sqlalchemy, flask"], check=True)
    return max(1.0, (time.monotonic() - began) / 0.35)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Figures(Protocol):
    """Notes one line of figures of a proof, told at the end of the run."""

    def __call__(self, check: str, office: Any, words: str) -> None: ...


@pytest.fixture
def figures() -> Figures:
    def note(check: str, office: Any, words: str) -> None:
        FIGURES.append(f"{check} {office.store.dialect}: {words}")

    return note


# --- the run -----------------------------------------------------------------------------------------------------


def pytest_configure() -> None:
    """What the person running the tests has set for a real account has no say in them."""
    # The programs that tests start, more than a hundred, read our modules compiled instead of compiling them each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and _is_roomy(MEMORY):
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)  # where a commit does not wait for a disk
    for name in list(os.environ):
        if name.startswith("GONGHUI_") and not name.startswith("GONGHUI_TEST_"):
            del os.environ[name]


def _is_roomy(folder: Path) -> bool:
    """Whether the tests' files fit there and programs among them can be started."""
    if not os.access(folder, os.W_OK | os.X_OK) or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free >= ROOM_BYTES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that at the end no single one is waited for."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What is larger than we like, and what was left out for want of a server or a program."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if LEFT_OUT in reason:
            reasons[reason.partition(LEFT_OUT)[2]] += 1
    if terminalreporter.config.args == ["tests"]:  # the whole run, not somebody's own file
        terminalreporter.section("large modules and functions")
        for line in large():
            terminalreporter.line(line)
    if FIGURES:
        terminalreporter.section("figures")
        for line in FIGURES:
            terminalreporter.line(line)
    terminalreporter.section("left out")
    for what, count in sorted(reasons.items()):
        terminalreporter.line(f"{count} tests for want of {what}")
    if not reasons:
        terminalreporter.line("nothing")
