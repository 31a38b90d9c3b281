"""What comes due, once, however many look; what is found late; and clocks that are moved."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from spring_cast import NOON, campaign

from commands.push import push_list
from jobs.timetable import Timetable
from models import alarm, push
from models.base import Store
from models.clock import Clock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TestAPushComesDue:
    def test_once_for_many_processes(self, store: Store) -> None:
        clock = Hand(NOON - MINUTE)
        tables = [Timetable(store, clock) for _ in range(4)]
        for table in tables:
            table.adopt([campaign()])
        clock.at = NOON

        threads = [threading.Thread(target=table.look, args=(NOON,)) for table in tables]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert dues(store) == [("spring/greeting", NOON, "due")]

    def test_each_day_of_a_month(self, store: Store) -> None:
        clock = Hand(datetime(2027, 4, 29, 2, 0, 1, tzinfo=UTC))
        table = Timetable(store, clock)
        table.adopt([campaign(daily={"from": "05-01", "to": "05-31", "at": "10:00"})])

        while clock.at < datetime(2027, 6, 2, tzinfo=UTC):
            clock.at += DAY
            table.keep(clock.at)

        found = dues(store)
        assert len(found) == 31
        assert {state for _, _, state in found} == {"due"}

    def test_frozen_as_it_was_written_then(self, table: Timetable, hand: Hand, store: Store) -> None:
        hand.at = NOON
        table.keep(NOON)
        table.adopt([campaign(late_ok="2h", audience="tag:劳模")])

        with store.reading() as connection:
            (only,) = push.recent(connection)
        assert (only.audience, only.late_ok_s) == ("all", 1800)

    def test_when_the_wall_clock_says_so_without_anybody_asking(self, sqlite_store: Store) -> None:
        due = datetime.now(UTC) + timedelta(seconds=1.5)
        rung = threading.Event()
        table = Timetable(sqlite_store, Clock(), rung.set)
        table.adopt([campaign(at=due)])
        table.start()

        assert rung.wait(5)
        late = datetime.now(UTC) - due
        table.stop()

        assert timedelta(0) <= late < timedelta(seconds=1)
        assert dues(sqlite_store) == [("spring/greeting", due, "due")]


class TestFoundLate:
    def test_inside_late_ok_it_is_still_due(self, table: Timetable, hand: Hand, store: Store) -> None:
        hand.at = NOON + 20 * MINUTE
        table.keep(hand.at)

        assert dues(store) == [("spring/greeting", NOON, "due")]

    def test_later_it_is_missed_with_an_alarm_that_says_how_to_send_it(
        self, table: Timetable, hand: Hand, store: Store
    ) -> None:
        hand.at = NOON + 2 * DAY
        table.keep(hand.at)

        assert dues(store) == [("spring/greeting", NOON, "missed")]
        with store.reading() as connection:
            (only,) = alarm.standing(connection)
        assert "push start spring/greeting" in only.words

    def test_what_is_to_be_skipped_is_missed_without_an_alarm_and_says_so_in_the_list(
        self, hand: Hand, store: Store
    ) -> None:
        yearly = campaign(yearly="02-20 12:00", missed="skip")
        Timetable(store, hand).adopt([yearly])
        hand.at = NOON + 2 * DAY
        said: list[str] = []

        Timetable(store, hand).adopt([yearly])
        code = push_list(store, [yearly], hand.at, said.append)

        assert dues(store) == [("spring/greeting", NOON, "missed")]
        assert code == 0, "nobody has to do anything"
        assert '按 missed = "skip" 没有发' in "\n".join(said)

    def test_by_a_process_that_was_down_meanwhile(self, hand: Hand, store: Store) -> None:
        yearly = campaign(yearly="02-20 12:00", late_ok="1h")
        Timetable(store, hand).adopt([yearly])
        hand.at = NOON + 20 * MINUTE

        Timetable(store, hand).adopt([yearly])
        Timetable(store, hand).adopt([yearly])

        assert dues(store) == [("spring/greeting", NOON, "due")]

    def test_by_a_process_that_was_down_for_two_days(self, hand: Hand, store: Store) -> None:
        yearly = campaign(yearly="02-20 12:00", late_ok="1h")
        Timetable(store, hand).adopt([yearly])
        hand.at = NOON + 2 * DAY

        Timetable(store, hand).adopt([yearly])

        assert dues(store) == [("spring/greeting", NOON, "missed")]

    def test_the_years_before_a_push_was_written_are_nobodys_business(self, hand: Hand, store: Store) -> None:
        hand.at = NOON + 40 * MINUTE

        Timetable(store, hand).adopt([campaign(yearly="02-20 12:00")])

        assert dues(store) == []

    def test_a_day_that_was_over_when_it_was_written_is_missed_aloud(self, hand: Hand, store: Store) -> None:
        hand.at = NOON + 2 * HOUR

        Timetable(store, hand).adopt([campaign(at=NOON)])

        assert dues(store) == [("spring/greeting", NOON, "missed")]

    def test_a_push_moved_to_a_time_just_past_is_still_sent(
        self, table: Timetable, hand: Hand, store: Store
    ) -> None:
        hand.at = NOON - 30 * MINUTE
        table.keep(hand.at)

        table.adopt([campaign(at=NOON - 40 * MINUTE)])

        assert dues(store) == [("spring/greeting", NOON - 40 * MINUTE, "due")]


class TestAClock:
    def test_that_goes_back_an_hour_brings_nothing_twice(
        self, table: Timetable, hand: Hand, store: Store
    ) -> None:
        for at in (NOON, NOON - HOUR, NOON - MINUTE, NOON + MINUTE):
            hand.at = at
            table.keep(at)

        assert len(dues(store)) == 1

    @pytest.mark.parametrize(("jump", "state"), [(HOUR, "missed"), (MINUTE, "due"), (400 * DAY, "missed")])
    def test_that_jumps_ahead_finds_what_it_jumped_over(
        self, table: Timetable, hand: Hand, store: Store, jump: timedelta, state: str
    ) -> None:
        hand.at = NOON - MINUTE / 2
        table.keep(hand.at)
        hand.at += jump
        table.keep(hand.at)

        assert [found for _, _, found in dues(store)] == [state]

    def test_of_the_demonstration_that_is_moved_brings_the_push_within_two_seconds(
        self, sqlite_store: Store
    ) -> None:
        offset = [timedelta(0)]
        clock = Clock(lambda: offset[0])
        due = datetime(2031, 2, 6, 2, 0, tzinfo=UTC)  # far ahead: the wall clock would take years
        rung = threading.Event()
        table = Timetable(sqlite_store, clock, rung.set)
        table.adopt([campaign(at=due)])
        table.start()

        offset[0] = due - datetime.now(UTC) - timedelta(seconds=1)
        until = time.monotonic() + 3
        while not rung.is_set() and time.monotonic() < until:
            table.keep(clock.now())
            time.sleep(0.2)
        table.stop()

        assert rung.is_set()
        assert dues(sqlite_store) == [("spring/greeting", due, "due")]


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


def dues(store: Store) -> list[tuple[str, datetime, str]]:
    with store.reading() as connection:
        return [(one.name, one.due_at, one.state) for one in reversed(push.recent(connection, 500))]


@pytest.fixture
def hand() -> Hand:
    """An hour before the push is due."""
    return Hand(NOON - HOUR)


@pytest.fixture
def table(store: Store, hand: Hand) -> Timetable:
    """A timetable that has known the push for an hour."""
    made = Timetable(store, hand)
    made.adopt([campaign()])
    return made


@pytest.mark.parametrize(
    "before", [datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)]
)
@pytest.mark.parametrize("again", [False, True], ids=["first start", "after a year of service"])
def test_a_machine_that_boots_without_knowing_the_time_misses_nothing_when_it_does(
    store: Store, before: datetime, again: bool
) -> None:
    clock, yearly = Hand(NOON - DAY), campaign(daily={"from": "01-01", "to": "12-31", "at": "10:00"})
    if again:
        Timetable(store, clock).adopt([yearly])
    known = dues(store)
    clock.at = before
    table = Timetable(store, clock)
    table.adopt([yearly])
    for _ in range(3):
        clock.at += MINUTE
        table.keep(clock.at)

    clock.at = NOON - DAY + HOUR
    table.keep(clock.at)

    assert [due for due in dues(store) if due not in known and due[2] == "missed"] == []
    with store.reading() as connection:
        assert alarm.standing(connection) == []
