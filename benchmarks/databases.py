"""Fresh databases for those who store, and the count of what they stored."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

PATIENCE_S = 10


class NoDatabase(Exception):
    """The database server cannot be used; the text says why."""


def _admin(url: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=PATIENCE_S)
    except psycopg.Error as error:
        raise NoDatabase(f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}") from error


def postgres_durability(url: str) -> str:
    """The server's version and whether its commits are durable, for the report; raises NoDatabase."""
    return _settings(url, "server_version", "fsync", "synchronous_commit")


def postgres_memory(url: str) -> str:
    """What decides how large tables feel, for the report; raises NoDatabase."""
    return _settings(
        url, "server_version", "shared_buffers", "max_wal_size", "checkpoint_timeout", "wal_compression"
    )


def _settings(url: str, *names: str) -> str:
    with _admin(url) as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in names]
    return ", ".join(f"{name} {row[0] if row else '?'}" for name, row in zip(names, shown, strict=True))


@contextlib.contextmanager
def database(store: str, folder: Path, name: str, postgres: str) -> Iterator[str]:
    """The URL of an empty database that is gone when the block ends; '' for one who stores nothing."""
    if store == "postgresql":
        with _admin(postgres) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield _with_driver(psycopg.conninfo.conninfo_to_dict(postgres), name)
        finally:
            with _admin(postgres) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        return
    file = folder / "bench.sqlite"
    _remove(file)
    yield {"sqlite": f"sqlite:///{file}", "file": str(file)}.get(store, "")
    _remove(file)


def _with_driver(parts: Mapping[str, object], name: str) -> str:
    password = f":{parts['password']}" if parts.get("password") else ""
    user = f"{parts.get('user', 'postgres')}{password}@"
    return f"postgresql+psycopg://{user}{parts.get('host', '127.0.0.1')}:{parts.get('port', 5432)}/{name}"


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal", ".lock"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def stored(url: str) -> int:
    """How many interactions the database holds."""
    query = "SELECT count(*) FROM interactions"
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=PATIENCE_S)) as file:
            return int(file.execute(query).fetchone()[0])
    with psycopg.connect(url.replace("+psycopg", ""), connect_timeout=PATIENCE_S) as connection:
        row = connection.execute("SELECT count(*) FROM interactions").fetchone()
        return int(row[0]) if row else 0
