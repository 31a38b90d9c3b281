"""A mass push to a list of openids, from the file to the last call: how much memory it adds to the process that does it."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.compare import say
from benchmarks.pushing import far_end, is_over, sender_of
from channels import SendLimits
from models import delivery, push, schema
from models.base import Store
from wx.account import Account

WANTED_MB = 100
LISTMONK_MB = 57  # as its authors publish it, for seven million
CALL = 10_000
# A real account has 100 calls a day and 60 a minute; here the machine's own speed is asked.
LIMITS = SendLimits(mass_calls_per_day=100_000, mass_per_minute=1000)


def show(people: int) -> int:
    """Prints a line; 0 where it adds less than 100 MB and everybody was reached."""
    with far_end() as url, tempfile.TemporaryDirectory() as folder:
        account = Account(
            kind="service",
            verified=True,
            live=True,
            app_id="wx",
            app_secret=SecretStr("s" * 32),
            api_base=url,
        )
        with (Path(folder) / "list.txt").open("w") as file:
            file.writelines(_openids(people))
        near, far = multiprocessing.Pipe()
        worker = multiprocessing.get_context("spawn").Process(target=_send, args=(far, folder, account))
        worker.start()
        began_mb, planned_s, sent_s, memory_mb, sent = near.recv()
        worker.join()
    say(
        f"mass: a list of {people:,} planned in {planned_s:.0f} s and sent in {sent_s:.0f} s ({sent:,} reached, "
        f"{-(-people // CALL)} calls), {memory_mb - began_mb:.0f} MB added to a worker of {began_mb:.0f} MB "
        f"(wanted: {WANTED_MB}; listmonk says {LISTMONK_MB} in all for 7,000,000)"
    )
    return 0 if memory_mb - began_mb < WANTED_MB and sent == people else 1


def _openids(people: int) -> Iterator[str]:
    """In no order, each once."""
    return (f"o{number * 7_368_787 % people:027d}\n" for number in range(people))


def _send(told: Any, folder: str, account: Account) -> None:
    """In a process of its own, so that its memory is what the push takes."""
    store, now = Store(f"sqlite:///{folder}/mass.db"), datetime.now(UTC)
    schema.upgrade(store)
    with store.writing() as connection:
        plan = push.Plan("bench/mass", "mass", "openids:list.txt", '{"text": "元宵快乐"}', timedelta(hours=1))
        push_id = push.owe(connection, plan, now, now)
    assert push_id is not None
    sender = sender_of(store, account, Path(folder), LIMITS)
    began, began_mb = time.monotonic(), _mb()
    while _size(store, push_id) is None:
        sender.plan()
    planned = time.monotonic()
    while not is_over(store, push_id):
        sender.send()
    over = time.monotonic()
    with store.reading() as connection:
        sent = delivery.number(connection, push_id, delivery.SENT)
    sender.close()
    store.close()
    told.send((began_mb, planned - began, over - planned, _mb(), sent))


def _size(store: Store, push_id: int) -> int | None:
    with store.reading() as connection:
        found = push.get(connection, push_id)
    return found.size if found else 0


def _mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
