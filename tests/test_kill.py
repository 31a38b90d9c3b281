"""Real worker processes that die: killed, stopped, told to end; and the books that balance all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from crew_cast import OwnRedis, Start, leases_end, office, own_redis, sqlite_office, start, wait_until
from ledger_cast import states
from push_cast import Office
from quick_start import Process

from jobs.push import AHEAD, IN_FLIGHT
from models import push, shared
from models.base import Store

__all__ = ["office", "own_redis", "sqlite_office", "start"]


def test_a_worker_killed_three_times_leaves_nobody_out_and_nobody_twice(office: Office, start: Start) -> None:
    people = 800 if office.store.dialect == "sqlite" else 400
    everybody = office.hires(people)
    push_id = office.starts()

    crew = [start(office)]
    for kill in range(1, 4):
        wait_until(lambda so_many=people // 5 * kill: _reached(office, so_many, *crew[:-1]))  # type: ignore[misc]
        crew[-1].kill()
        crew[-1].wait()
        crew.append(start(office))
    wait_until(lambda: leases_end(office, *crew[:-1]) and _finished(office.store))
    office.platform.settle(30)

    sent = Counter(row.openid for row in office.platform.log)
    repeats = sum(row.repeats for row in office.platform.log)
    books = office.books(push_id)
    assert set(sent) == set(everybody)
    assert set(sent.values()) == {1}
    assert (books.size, books.sent, books.unknown) == (people, people, 0)
    cut_short = (
        office.calls("message/template/send") - people - repeats
    )  # requests that died with their sender
    assert 0 <= cut_short <= 3 * IN_FLIGHT
    assert repeats <= 3 * IN_FLIGHT * AHEAD
    print(f"{office.store.dialect}: {people} recipients, 3 kills, {repeats} repeats absorbed")


def test_three_workers_share_a_push_and_one_of_them_dies(office: Office, start: Start) -> None:
    everybody = office.hires(300)
    push_id = office.starts()
    workers = [start(office) for _ in range(3)]

    wait_until(lambda: _reached(office, 100))
    workers[0].kill()
    wait_until(lambda: leases_end(office, workers[0]) and _finished(office.store))

    assert sorted(row.openid for row in office.platform.log) == sorted(everybody)
    assert office.books(push_id).sent == 300


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_a_worker_that_is_told_to_end_finishes_its_calls_within_ten_seconds(
    sqlite_office: Office, start: Start, told: signal.Signals
) -> None:
    office = sqlite_office
    office.hires(600)
    push_id = office.starts()
    worker = start(office)
    wait_until(lambda: _reached(office, 100))

    begun = time.monotonic()
    worker.send_signal(told)

    assert worker.wait(10) == 0
    assert time.monotonic() - begun < 10
    assert "sending" not in states(office.store, push_id)
    assert 0 < office.books(push_id).open < 600
    with office.store.reading() as connection:
        assert shared.beats(connection, datetime.now(UTC)) == {}


def test_every_signal_that_ends_a_program_ends_a_worker_in_order() -> None:
    program = Path(__file__).parent / "signalled.py"
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=True
    )

    codes = dict(line.split() for line in done.stdout.splitlines())

    assert {"SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPWR"} <= set(codes)
    assert set(codes.values()) == {"0"}, codes


def test_a_worker_whose_wechat_hangs_ends_all_the_same(sqlite_office: Office, start: Start) -> None:
    office = sqlite_office
    office.hires(10)
    office.platform.faults.add("message/template/send", hang=True, times=None)
    office.starts()
    worker = start(office)
    wait_until(lambda: office.calls("message/template/send") >= 5)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(12) == 0


def test_a_worker_that_slept_through_its_lease_changes_nothing(office: Office, start: Start) -> None:
    everybody = office.hires(300)
    office.platform.faults.clear()
    office.platform.faults.add("message/template/send", delay_s=1.0, times=16)
    push_id = office.starts()
    sleeper = start(office, lease_s=3)
    wait_until(lambda: not office.platform.faults._script)
    sleeper.send_signal(signal.SIGSTOP)  # all its calls are under way, and no transaction
    start(office)
    wait_until(lambda: _finished(office.store))

    sleeper.send_signal(signal.SIGCONT)
    time.sleep(1)

    assert sorted(row.openid for row in office.platform.log) == sorted(everybody)
    assert office.books(push_id).sent == 300


def test_three_processes_make_one_push_of_one_due_time(office: Office, start: Start) -> None:
    everybody = office.hires(20)
    due = datetime.now(UTC) + timedelta(seconds=3)
    for _ in range(3):
        start(office, due=due.isoformat())
    wait_until(lambda: _living(office.store) == 3)
    in_time = datetime.now(UTC) < due

    wait_until(lambda: _finished(office.store))

    with office.store.reading() as connection:
        (only,) = push.recent(connection)
    assert only.due_at == due
    assert sorted(row.openid for row in office.platform.log) == sorted(everybody)
    first = min(row.at for row in office.platform.log)
    assert timedelta(0) <= first - due < timedelta(seconds=10) or not in_time


def test_workers_with_redis_go_on_without_it(
    sqlite_office: Office, start: Start, own_redis: OwnRedis
) -> None:
    office = sqlite_office
    everybody = office.hires(600)
    push_id = office.starts()
    start(office, redis_url=own_redis.url)
    start(office, redis_url=own_redis.url)

    wait_until(lambda: _reached(office, 100))
    own_redis.dies()
    wait_until(lambda: _finished(office.store))

    assert sorted(row.openid for row in office.platform.log) == sorted(everybody)
    assert office.books(push_id).sent == 600
    assert office.calls("stable_token") <= 2


def _reached(office: Office, so_many: int, *dead: Process) -> bool:
    """Whether so many people have got it by now; what the dead held is freed."""
    return leases_end(office, *dead) and len(office.platform.log) >= so_many


def _living(store: Store) -> int:
    with store.reading() as connection:
        return len(shared.beats(connection, datetime.now(UTC)))


def _finished(store: Store) -> bool:
    with store.reading() as connection:
        return any(each.state == "finished" for each in push.recent(connection))
