"""What processes share, in rows and in Redis: the same promises from both."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models import alarm, shared
from models.base import Store
from models.media import Shelf
from models.shared import Shared

NOON = datetime(2027, 2, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Promises:
    """What a shelf between processes does; rows and Redis are held to it below."""

    @pytest.fixture
    def common(self) -> Shared:
        raise NotImplementedError

    def test_a_value_is_there_until_its_end(self, common: Shared, hand: list[datetime]) -> None:
        assert common.read("token") is None

        common.write("token", "abc 😀", hand[0] + MINUTE)

        value, ends = common.read("token") or ("", None)
        assert (value, ends) == ("abc 😀", hand[0] + MINUTE)

    def test_a_lock_has_one_holder(self, common: Shared) -> None:
        with (
            common.lock("token", 30) as mine,
            common.lock("token", 30) as other,
            common.lock("another", 30) as free,
        ):
            assert (mine, other, free) == (True, False, True)
        with common.lock("token", 30) as again:
            assert again

    def test_a_lock_is_free_after_its_time(self, common: Shared, hand: list[datetime]) -> None:
        with common.lock("token", 0.05) as mine:
            time.sleep(0.1)
            hand[0] += MINUTE
            with common.lock("token", 30) as other:
                assert (mine, other) == (True, True)

    def test_of_many_threads_one_gets_the_lock(self, common: Shared) -> None:
        got, everybody = [], threading.Barrier(12)

        def reach() -> None:
            everybody.wait()
            with common.lock("token", 30) as mine:
                got.append(mine)
                everybody.wait()  # held until all have reached for it

        threads = [threading.Thread(target=reach) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(got) == 1

    def test_pace_lets_no_more_go_than_the_limit(self, common: Shared) -> None:
        granted, wait_s, *_ = common.admit("template", 10, 0.5, 7)
        more = common.admit("template", 10, 0.5, 7)[0]
        none, then_wait_s, *_ = common.admit("template", 10, 0.5, 7)

        assert (granted, wait_s, more, none) == (7, 0.0, 3, 0)
        assert 0 < then_wait_s <= 0.5

    def test_another_bucket_has_its_own_pace(self, common: Shared) -> None:
        common.admit("template", 1, 0.5, 1)

        assert common.admit("service", 1, 0.5, 1)[:2] == (1, 0.0)

    def test_what_was_not_used_goes_to_others(self, common: Shared) -> None:
        at = common.admit("template", 10, 0.5, 10).at

        common.give_back("template", [at] * 4)

        assert common.admit("template", 10, 0.5, 9)[0] == 4


class TestRows(Promises):
    @pytest.fixture
    def common(self, store: Store, hand: list[datetime]) -> Shared:
        return Shared(store, wall=lambda: hand[0])

    def test_a_value_is_gone_at_its_end(self, common: Shared, hand: list[datetime]) -> None:
        common.write("token", "abc", hand[0] + MINUTE)
        hand[0] += MINUTE

        assert common.read("token") is None

    def test_pace_goes_on_when_the_window_has_passed(self, common: Shared, hand: list[datetime]) -> None:
        common.admit("template", 10, 1, 10)
        hand[0] += timedelta(seconds=1)

        assert common.admit("template", 10, 1, 4)[0] == 4

    def test_a_clock_that_goes_back_does_not_stop_the_pace_for_ever(
        self, common: Shared, hand: list[datetime]
    ) -> None:
        common.admit("template", 10, 1, 10)
        hand[0] -= timedelta(hours=1)

        assert common.admit("template", 10, 1, 4)[0] == 4

    def test_workers_that_live_are_seen(self, store: Store) -> None:
        with store.writing() as connection:
            shared.beat(connection, "a:1", NOON)
            shared.beat(connection, "b:2", NOON + MINUTE)

            assert shared.beats(connection, NOON + MINUTE) == {"b:2": NOON + MINUTE}

    def test_old_rows_are_swept(self, store: Store) -> None:
        with store.writing() as connection:
            shared.write(connection, "old", "1", NOON, NOON + MINUTE)
            shared.write(connection, "for ever", "1", NOON)

            assert shared.sweep(connection, NOON + timedelta(hours=2)) == 1

    def test_an_alarm_stands_once_however_often_it_is_raised(self, store: Store) -> None:
        with store.writing() as connection:
            for minute in range(3):
                alarm.sound(connection, "halted", "停了", NOON + minute * MINUTE)
            (only,) = alarm.standing(connection)
            assert (only.times, only.first_at) == (3, NOON)
            assert alarm.clear(connection, "halted", NOON)
            assert alarm.standing(connection) == []
            alarm.sound(connection, "halted", "又停了", NOON + 9 * MINUTE)
            (again,) = alarm.standing(connection)
            assert (again.times, again.words, again.first_at) == (1, "又停了", NOON + 9 * MINUTE)

    def test_a_shelf_knows_an_upload_until_wechat_forgets_it(self, store: Store) -> None:
        now = [NOON]
        shelf = Shelf(store, lambda: now[0])
        shelf.keep("media:1", "a", timedelta(days=3))
        shelf.keep("thumb:1", "b")
        shelf.keep("thumb:1", "c")
        now[0] += timedelta(days=4)

        assert (shelf.read("media:1"), shelf.read("thumb:1"), shelf.read("other")) == (None, "c", None)


class TestRedis(Promises):
    @pytest.fixture
    def common(self, sqlite_store: Store, redis_url: str, hand: list[datetime]) -> Iterator[Shared]:
        hand[0] = datetime.now(UTC)
        made = Shared(sqlite_store, redis_url)
        yield made
        made.close()

    def test_a_ring_is_heard(self, common: Shared, sqlite_store: Store, redis_url: str) -> None:
        other = Shared(sqlite_store, redis_url)
        before = common.bell()
        other.ring()
        other.close()

        assert common.bell() != before

    def test_when_it_is_gone_the_rows_do_its_work(self, sqlite_store: Store) -> None:
        common = Shared(sqlite_store, "redis://127.0.0.1:9")

        common.write("token", "abc", datetime.now(UTC) + MINUTE)
        common.ring()

        assert (common.read("token") or ("",))[0] == "abc"
        assert common.admit("template", 5, 0.5, 9)[0] == 5
        assert common.bell() is None
        with common.lock("token", 5) as mine:
            assert mine
        common.close()

    def test_when_it_does_not_answer_nobody_waits_long(self, sqlite_store: Store, deaf: str) -> None:
        common = Shared(sqlite_store, deaf)
        begun = time.monotonic()

        for _ in range(20):
            common.read("token")

        assert time.monotonic() - begun < 1
        common.close()


PACER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from models.base import Store
from models.shared import Shared
common, until = Shared(Store(sys.argv[2]), sys.argv[3]), time.time() + 2.5
while time.time() < until:
    before = time.time()
    granted, wait_s, *_ = common.admit("calls", 10, 1.0, 3)
    for _ in range(granted):
        print(before, time.time(), flush=True)
    time.sleep(wait_s or 0.001)
"""


@pytest.mark.parametrize("with_redis", [False, True])
def test_four_processes_keep_one_pace_in_every_window(
    sqlite_store: Store, sqlite_url: str, redis_url: str, with_redis: bool
) -> None:
    words = [str(Path(__file__).parent.parent), sqlite_url, redis_url if with_redis else ""]
    crew = [
        subprocess.Popen([sys.executable, "-c", PACER, *words], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    lines = [line.split() for each in crew for line in each.communicate()[0].splitlines()]
    grants = [
        (float(before), float(after)) for before, after in lines
    ]  # somewhere between, however busy the machine is

    windows = [sum(start <= before and after < start + 1 for before, after in grants) for start, _ in grants]
    assert max(windows) <= 10
    assert len(grants) >= 20


@pytest.fixture
def hand() -> list[datetime]:
    """The wall clock, in a list so that a test can move it."""
    return [NOON]


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a Redis that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"
