"""Pushes under every kind of death and silence that several processes can meet. The platform's own log says what people got.

Small by themselves; GONGHUI_TEST_SIZE multiplies people, kills and time (10 is what the figures of docs/proofs.md stand on).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import Figures, Scratch, free_port
from crew_cast import OwnRedis, Start, office, opened, own_redis, sqlite_office, start, wait_until
from push_cast import Office
from quick_start import Process
from server_cast import flowing, serving, stored, streams
from webhook_cast import Proxy, through

from models import push, schema
from models.base import Store

__all__ = ["office", "own_redis", "sqlite_office", "start"]

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]
SIZE = float(os.environ.get("GONGHUI_TEST_SIZE", "1"))
ABSENT = {"cut": "refused", "freeze": "silent"}


class TestWorkersThatAreKilled:
    def test_leave_nobody_out_and_nobody_twice(self, office: Office, start: Start, figures: Figures) -> None:
        everybody, kills = office.hires(int(2000 * SIZE)), max(3, int(SIZE))
        push_id = office.starts()
        crew = [start(office) for _ in range(3)]
        wait_until(lambda: len(office.platform.log) > 50)

        began = time.monotonic()
        for kill in range(kills):
            crew[kill % 3].kill()
            crew[kill % 3] = start(office)
            time.sleep(2)
        finished(office, push_id)

        repeats = reached_once(office, everybody)
        took = time.monotonic() - began
        figures(
            "C11",
            office,
            f"{len(everybody):,} people, 3 workers, {kills} kills: missing 0, twice 0, "
            f"{office.books(push_id).unknown} unknown, {repeats} repeats absorbed, {took:.0f} s",
        )
        assert office.books(push_id).sent == len(everybody)

    def test_may_die_between_any_two_steps(self, office: Office, start: Start, figures: Figures) -> None:
        everybody = office.hires(40)
        every = passed_by(office, start)
        assert len(every) >= 12, every
        # the three databases share the points between them, unless there is time for more
        turn = ("sqlite", "postgresql", "mysql").index(office.store.dialect)
        points = every if SIZE >= 3 else every[turn::3]

        deaths = 0
        for point in points:
            lease_s = 2
            if point.startswith("stable_token"):
                office.platform.issuer.kill()
                lease_s = 40  # longer than the dead one's right to ask for a token lasts, as in earnest
            before, due = len(office.platform.log), soon()
            mortal = start(office, "mortal_worker.py", point=point, due=due.isoformat(), lease_s=lease_s)
            wait_until(lambda one=mortal, at=due: one.poll() is not None or is_over(office, at), 60)  # type: ignore[misc]
            deaths += mortal.poll() is not None
            mortal.kill()
            heir = start(office, due=due.isoformat(), lease_s=lease_s)
            push_id = finished(office, due)
            heir.terminate()
            assert Counter(row.openid for row in office.platform.log[before:]) == Counter(everybody), point
            assert office.books(push_id).sent == 40, point

        figures(
            "C12",
            office,
            f"{len(points)} of {len(every)} points, killed at {deaths}: missing 0, twice 0, books balance",
        )
        assert deaths >= len(points) - 3, "some points are passed by chance, most always"


class TestSeveralTimetables:
    def test_fire_once_whoever_dies(self, office: Office, start: Start, figures: Figures) -> None:
        everybody, ticks = office.hires(2), int(12 * min(SIZE, 5))
        first = soon(6)
        due = [first + timedelta(seconds=n) for n in range(ticks)]
        words = ",".join(at.isoformat() for at in due)
        crew = [start(office, due=words) for _ in range(3)]
        time.sleep(6)

        for kill in range(3):
            time.sleep(ticks / 5)
            crew[kill].kill()
            crew[kill] = start(office, due=words)
        for at in due:
            finished(office, at)

        assert Counter(row.openid for row in office.platform.log) == dict.fromkeys(everybody, ticks)
        figures("C25", office, f"3 processes, {ticks} ticks a second apart, 3 kills: {ticks} runs")


class TestTheSpeed:
    @pytest.mark.parametrize("limit", [1, 10, 60])
    def test_is_passed_in_no_second_by_four_processes(
        self, sqlite_office: Office, start: Start, figures: Figures, limit: int
    ) -> None:
        office, seconds = sqlite_office, 8 * min(SIZE, 3)
        office.hires(int(limit * seconds))
        moments = heard(office)
        push_id = office.starts()
        for _ in range(4):
            start(office, sends_per_s=limit, lease_s=120)
        finished(office, push_id, 60 + seconds * 3)

        most = max(sum(at <= each < at + 1 for each in moments) for at in moments)
        rate = len(moments) / (max(moments) - min(moments))
        figures("C20", office, f"limit {limit}/s, 4 processes: most in a second {most}, {rate:.1f}/s used")
        assert most <= limit
        assert rate >= limit * 0.6


class TestAPersonWhoCannotDecide:
    def test_loses_and_repeats_nobody(self, sqlite_office: Office, start: Start, figures: Figures) -> None:
        office, chance = sqlite_office, random.Random(7)
        everybody, orders = office.hires(200), int(8 * min(SIZE, 6))
        worker = start(office)
        for number in range(orders):
            before = len(office.platform.log)
            push_id = office.starts(id=f"push{number}")
            cancelled = False
            for _ in range(chance.randrange(2, 6)):
                time.sleep(chance.random() * 0.4)
                worker, cancelled = disturb(office, push_id, chance, worker, start)
                if cancelled:
                    break
            act(office, lambda it, now, mine=push_id: push.resume(it, mine, now))
            wait_until(lambda mine=push_id: office.books(mine).open == 0, 60)  # type: ignore[misc]
            got = Counter(row.openid for row in office.platform.log[before:])
            assert set(got.values()) <= {1}
            assert cancelled or set(got) == set(everybody)
            assert office.books(push_id).sent == len(got)
        figures(
            "C21",
            office,
            f"{orders} pushes of 200, paused, resumed, cancelled, restarted: nobody twice or left out",
        )


class TestManyWorkers:
    def test_do_not_stand_in_each_others_way(
        self, office: Office, start: Start, figures: Figures, tmp_path: Path
    ) -> None:
        if office.store.dialect == "sqlite":
            pytest.skip("one machine has no need of eight workers")
        office.hires(int(1500 * min(SIZE, 4)))
        rates = {}
        for workers in (4, 8):
            push_id = office.starts(id=f"by{workers}")
            crew = [start(office) for _ in range(workers)]
            before = len(office.platform.log)
            wait_until(lambda: len(office.platform.log) > before + 50, 60)  # noqa: B023
            began, had = time.monotonic(), len(office.platform.log)
            finished(office, push_id)
            rates[workers] = (len(office.platform.log) - had) / (time.monotonic() - began)
            for each in crew:
                each.terminate()
                each.wait()

        said = (tmp_path / "workers.log").read_text()
        figures(
            "C24", office, f"8 workers {rates[8]:.0f}/s, 4 workers {rates[4]:.0f}/s, deadlocks unhandled 0"
        )
        assert "Traceback" not in said
        assert rates[8] >= 0.8 * rates[4]


class TestATokenThatSomebodyElseKills:
    def test_again_and_again_costs_few_questions_and_nobody(
        self, office: Office, start: Start, figures: Figures
    ) -> None:
        everybody = office.hires(int(1500 * SIZE))
        push_id = office.starts()
        for _ in range(4):
            start(office)
        wait_until(lambda: len(office.platform.log) > 50)
        before, kills = office.calls("stable_token"), 0

        while office.stands(push_id).state == "sending" and kills < 30:
            office.platform.issuer.kill()
            kills += 1
            time.sleep(2)
        if office.stands(push_id).state == "paused":  # the platform gives no forced token so soon
            act(office, lambda it, now: push.resume(it, push_id, now))
        finished(office, push_id)

        asked = office.calls("stable_token") - before
        reached_once(office, everybody)
        figures(
            "C14",
            office,
            f"token killed {kills} times under 4 processes: asked for {asked}, missing 0, twice 0",
        )
        assert asked <= kills + 4


class TestRedis:
    def test_that_dies_and_comes_back_empty_changes_nothing(
        self, sqlite_office: Office, start: Start, own_redis: OwnRedis, figures: Figures
    ) -> None:
        office, kills = sqlite_office, int(3 * min(SIZE, 4))
        everybody = office.hires(int(1500 * SIZE))
        push_id = office.starts()
        for _ in range(2):
            start(office, redis_url=own_redis.url)
        for _ in range(kills):
            time.sleep(1)
            own_redis.dies()
            time.sleep(1)
            own_redis.lives()
        finished(office, push_id)

        reached_once(office, everybody)
        asked = office.calls("stable_token")
        figures(
            "C31",
            office,
            f"Redis killed {kills} times, back empty: missing 0, twice 0, {asked} tokens asked for",
        )
        assert asked <= kills + 1

    def test_that_falls_silent_holds_nobody_up(
        self, sqlite_office: Office, start: Start, own_redis: OwnRedis, figures: Figures
    ) -> None:
        office = sqlite_office
        everybody = office.hires(int(1000 * SIZE))
        with Proxy("127.0.0.1", int(own_redis.url.rpartition(":")[2])) as line:
            push_id = office.starts()
            for _ in range(2):
                start(office, redis_url=f"redis://127.0.0.1:{line.port}")
            wait_until(lambda: len(office.platform.log) > 50)
            line.freeze()
            began, had = time.monotonic(), len(office.platform.log)
            finished(office, push_id)
            rate = (len(office.platform.log) - had) / (time.monotonic() - began)
        reached_once(office, everybody)
        figures(
            "C32",
            office,
            f"Redis takes connections and is silent: {rate:.0f} calls/s go on, missing 0, twice 0",
        )
        assert rate > 20


class TestADatabase:
    @pytest.mark.parametrize("way", ABSENT)
    def test_that_goes_away_and_comes_back_loses_nobody(
        self, office: Office, start: Start, figures: Figures, way: str
    ) -> None:
        if office.store.dialect == "sqlite":
            pytest.skip("a file does not go away")
        everybody, cuts = office.hires(int(1500 * SIZE)), max(3, int(SIZE / 2))
        push_id = office.starts()
        with before_the_database(office.store) as (line, near):
            for _ in range(2):
                start(office, database=near)
            for _ in range(cuts):
                time.sleep(2)
                getattr(line, way)()
                time.sleep(3)
                line.restore()
            finished(office, push_id)
        reached_once(office, everybody)
        figures(
            "C33",
            office,
            f"{ABSENT[way]} for 3 s, {cuts} times: missing 0, twice 0, {office.books(push_id).unknown} unknown",
        )


class TestTwoMachines:
    """Each with a worker and a web server, on a loopback address of its own with its own line to database and Redis."""

    @pytest.mark.parametrize("way", ABSENT)
    def test_one_of_which_is_cut_off_and_comes_back(
        self,
        shared_office: Office,
        start: Start,
        own_redis: OwnRedis,
        figures: Figures,
        tmp_path: Path,
        way: str,
    ) -> None:
        office = shared_office
        everybody = office.hires(int(2000 * SIZE))
        push_id = office.starts()
        port = int(own_redis.url.rpartition(":")[2])
        with (
            machine(office.store, port, "127.0.0.2") as here,
            machine(office.store, port, "127.0.0.3") as there,
            serving(tmp_path / "here", here.database, free_port()) as near,
            serving(tmp_path / "there", there.database, free_port()) as far,
        ):
            for each in (here, there):
                start(office, database=each.database, redis_url=each.redis)
            wait_until(lambda: len(office.platform.log) > 100, 60)
            with streams(near.port, 2, pause_s=0.02) as kept, streams(far.port, 2, pause_s=0.02) as cut:
                flowing(*kept, *cut)
                for line in there.lines:
                    getattr(line, way)()
                time.sleep(8)
                for line in there.lines:
                    line.restore()
                finished(office, push_id)
                flowing(*kept, *cut)
            repeats = reached_once(office, everybody)

        answered, refused = (
            [number for each in (*kept, *cut) for number in getattr(each, what)]
            for what in ("answered", "refused")
        )
        url = office.store.url.render_as_string(hide_password=False)
        assert office.books(push_id).sent == len(everybody)
        assert [(each.refused, each.broken) for each in kept] == [([], [])] * 2
        assert set(refused) <= {503}
        assert {str(number) for number in answered} <= set(stored(url))
        figures(
            "two machines",
            office,
            f"{len(everybody):,} people, one of two machines {ABSENT[way]} for 8 s: missing 0, twice 0, "
            f"{repeats} repeats absorbed; {len(answered):,} messages answered, lost 0, "
            f"{len(refused)} told to come again, all by the machine that was cut off",
        )


# --- what the proofs look at -------------------------------------------------------------------------------------


def reached_once(office: Office, everybody: Sequence[str]) -> int:
    """Everybody has it, and once; how many repeats the platform absorbed."""
    office.platform.settle(30)
    got = Counter(row.openid for row in office.platform.log)
    assert set(got) == set(everybody)
    assert set(got.values()) == {1}
    return sum(row.repeats for row in office.platform.log)


def found(office: Office, which: int | datetime) -> push.Occasion | None:
    """A push by its number or its due time."""
    with office.store.reading() as connection:
        if isinstance(which, int):
            return push.get(connection, which)
        return next((each for each in push.recent(connection, 200) if each.due_at == which), None)


def is_over(office: Office, which: int | datetime) -> bool:
    occasion = found(office, which)
    return occasion is not None and occasion.state in ("finished", "paused")


def finished(office: Office, which: int | datetime, seconds: float | None = None) -> int:
    """Wait for a push and see that its books balance; its number."""
    wait_until(lambda: is_over(office, which), seconds or 90 + 60 * SIZE)
    occasion = found(office, which)
    assert occasion is not None
    assert occasion.state == "finished", occasion.reason
    office.books(occasion.id)
    return occasion.id


def passed_by(office: Office, start: Start) -> list[str]:
    """The points that a worker passes on the way of one push."""
    due = soon()
    worker = start(office, "mortal_worker.py", point="", due=due.isoformat())
    finished(office, due)
    time.sleep(1)
    worker.terminate()
    worker.wait(20)
    assert worker.stdout is not None
    return worker.stdout.read().splitlines()


def soon(seconds: float = 3) -> datetime:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)


def heard(office: Office) -> list[float]:
    """The moments at which the platform is asked to deliver, as they come."""
    moments: list[float] = []
    take = office.platform.faults.take

    def listen(path: str) -> object:
        if path == "message/template/send":
            moments.append(time.monotonic())
        return take(path)

    office.platform.faults.take = listen  # type: ignore[method-assign, assignment]
    return moments


def act(office: Office, deed: Callable[[sa.Connection, datetime], object]) -> None:
    with office.store.writing() as connection:
        deed(connection, datetime.now(UTC))


def disturb(
    office: Office, push_id: int, chance: random.Random, worker: Process, start: Start
) -> tuple[Process, bool]:
    """One thing that a person may do in the middle of a push; the worker that is there afterwards, and whether it is over."""
    deed = chance.choice(("pause", "resume", "restart", "cancel"))
    if deed == "restart":
        worker.terminate()
        worker.wait(15)
        return start(office), False
    if deed == "pause":
        act(office, lambda it, now: push.pause(it, push_id, now))
    if deed == "resume":
        act(office, lambda it, now: push.resume(it, push_id, now))
    if deed == "cancel" and chance.random() < 0.4:
        act(office, lambda it, now: push.move(it, push_id, push.OPEN, push.CANCELLED, now))
        return worker, True
    return worker, False


@contextmanager
def before_the_database(store: Store, host: str = "127.0.0.1") -> Iterator[tuple[Proxy, str]]:
    """A line to the database, and the database's address at its near end."""
    usual = 5432 if store.dialect == "postgresql" else 3306
    with Proxy("127.0.0.1", store.url.port or usual, host) as line:
        yield line, through(store.url, line.port, host)


class Machine:
    """How one machine reaches what all share."""

    def __init__(self, database: str, redis: str, lines: Sequence[Proxy]) -> None:
        self.database, self.redis, self.lines = database, redis, lines


@contextmanager
def machine(store: Store, redis_port: int, host: str) -> Iterator[Machine]:
    with before_the_database(store, host) as (line, near), Proxy("127.0.0.1", redis_port, host) as other:
        yield Machine(near, f"redis://{host}:{other.port}", (line, other))


@pytest.fixture
def shared_office(database_kind: str, scratch: Scratch, tmp_path: Path) -> Iterator[Office]:
    """An office on a database that several machines share, brought up as `serve` finds it."""
    if database_kind == "sqlite":
        pytest.skip("a file belongs to one machine")
    store = Store(scratch.bare(database_kind, tmp_path))
    schema.upgrade(store)
    yield from opened(store, tmp_path)
    store.close()
