"""Offices whose workers are processes of their own, started, killed and watched by tests; and a Redis that may die."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
import quick_start
import sqlalchemy as sa
from conftest import free_port
from push_cast import LIVE, Office, Wall
from quick_start import Process

from jobs.push import LEASE
from models import shared
from models.base import Store
from models.delivery import deliveries

HERE = Path(__file__).parent


class Start(Protocol):
    """Starts a worker of this office; further words go to the program."""

    def __call__(self, office: Office, program: str = "one_worker.py", **words: object) -> Process: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts worker processes; those that still live are killed at the end. What they said is shown when the test fails."""
    started: list[Process] = []
    log = (tmp_path / "workers.log").open("a")

    def go(office: Office, program: str = "one_worker.py", **words: object) -> Process:
        known = {
            "database": office.store.url.render_as_string(hide_password=False),
            "far": office.server.url,
            "app_id": LIVE.app_id,
            "secret": LIVE.app_secret.get_secret_value(),
            "lease_s": LEASE.total_seconds(),
        } | words
        line = [str(HERE / program), *(f"{name}={value}" for name, value in known.items())]
        reads, writes = os.pipe()
        with os.fdopen(writes, "w") as said:
            process = quick_start.start(line, HERE.parent, said, faults=log)
        process.stdout = os.fdopen(reads)
        started.append(process)
        return process

    yield go
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    log.close()
    print(Path(log.name).read_text())


@pytest.fixture
def office(store: Store, tmp_path: Path) -> Iterator[Office]:
    """An office whose workers are processes, on each kind of database."""
    yield from opened(store, tmp_path)


@pytest.fixture
def sqlite_office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    """The same on SQLite only: for what has nothing to do with the kind of database."""
    yield from opened(sqlite_store, tmp_path)


def opened(store: Store, folder: Path) -> Iterator[Office]:
    made = Office(store, folder, LIVE, time_=Wall())
    made.platform.faults.add("message/template/send", delay_s=0.02, times=None)  # as far away as WeChat is
    yield made
    made.close()


class OwnRedis:
    """A Redis that a test may kill; it comes back empty, at the same address."""

    def __init__(self, program: str, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}"
        words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        self._line = [program, *words]
        self.lives()

    def lives(self) -> None:
        self._process = subprocess.Popen(self._line, stdout=subprocess.DEVNULL)

    def dies(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def own_redis(program: Callable[..., str], tmp_path: Path) -> Iterator[OwnRedis]:
    made = OwnRedis(program("redis-server"), tmp_path)
    yield made
    made.dies()


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def leases_end(office: Office, *dead: Process) -> bool:
    """As if two minutes had passed since these died, so that the others may free what they held: True, for `wait_until`."""
    now = datetime.now(UTC)
    with office.store.reading() as connection:
        names = shared.beats(connection, datetime.fromtimestamp(0, UTC))  # those that stopped as well
        holders = [name.rpartition(":")[2] for name in names if any(f":{one.pid}:" in name for one in dead)]
        held = sa.and_(deliveries.c.holder.in_(holders), deliveries.c.lease_until > now)
        ids = connection.execute(sa.select(deliveries.c.id).where(held)).scalars().all()
    if ids:
        with office.store.writing() as connection:
            connection.execute(deliveries.update().where(held).values(lease_until=now))
    return True
