"""docs/states.md lists every move of a push, a delivery, an alarm and an approval; here they are walked, in any order.

Triggers in the database write down each change of a state, whoever makes it: what is not listed is found, and what is listed
and never happens as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from ledger_cast import assert_books_balance, follow, worker
from simulator_cast import ACCOUNT
from spring_cast import NOON, campaign

from campaigns.campaign import Campaign
from channels import Channel, ChannelError, Gear, Parcel, SendLimits
from channels.service import Service
from channels.template import Template
from commands.steering import push_stop
from jobs.audience import Audience
from jobs.push import Sender, plan_of
from jobs.timetable import Timetable
from models import alarm, approval, delivery, ledger, push, shared, states
from models.base import Store
from models.clock import Clock
from models.follower import followers
from wx.errors import NoAnswer

ROOT = Path(__file__).parent.parent
NAME = "spring/greeting"
PEOPLE = [worker(number) for number in range(5)]
LISTED = {(life.name, move.before, move.after) for life in states.LIVES for move in life.moves}
WORDS = ("元宵灯谜", "中秋灯谜", "〔待填：时间〕")
DAILY = {"from": "01-01", "to": "12-31", "at": "12:00"}
WATCHED = {
    "push": ("pushes", "{}.state"),
    "delivery": ("deliveries", "{}.state"),
    "alarm": ("alarms", "CASE WHEN {}.cleared_at IS NULL THEN 'standing' ELSE 'cleared' END"),
}


def test_the_page_is_the_one_that_the_code_gives() -> None:
    assert (ROOT / "docs/states.md").read_text("utf-8") == states.page(), (
        "run .venv/bin/python -m models.states > docs/states.md"
    )


def test_every_state_in_the_code_has_its_meaning_and_its_word_and_a_way_in() -> None:
    for life in states.LIVES:
        assert set(life.states) == set(life.words) & set(life.states), life.name
        entered = {move.after for move in life.moves} - {states.GONE}
        assert entered == set(life.states), life.name
    assert set(push.STATES) == set(states.LIVES[0].states)


@pytest.mark.parametrize("examples", [6, pytest.param(300, marks=pytest.mark.soak)])
def test_no_order_of_events_makes_a_move_that_is_not_listed(fresh: type[Union], examples: int) -> None:
    run_state_machine_as_test(
        fresh, settings=settings(max_examples=examples, stateful_step_count=30, deadline=None)
    )


def test_every_listed_move_happens(fresh: type[Union]) -> None:
    walked: set[tuple[str, str, str]] = set()
    for opening, *tour in TOURS:
        union = fresh()
        union.opens(**{"live": True, "approvals": 0, "channel": "template"} | opening)  # type: ignore[arg-type]
        for step, *words in tour:
            getattr(union, step)(*words)
            union.every_move_is_listed()
            union.the_books_balance()
        walked |= union.walked()
        union.teardown()

    assert LISTED - walked == set(), "listed, and never happens"


WORKS, SAYS = ("a_worker_works", 8), "wechat_is_in_a_mood"
NOON_COMES, LATER = ("time_passes", 60), ("time_passes", 12)
TOURS: tuple[tuple[Any, ...], ...] = (
    ({}, NOON_COMES, WORKS, ("wechat_tells_what_became_of_it", "failed:user block")),
    ({}, NOON_COMES, (SAYS, "refuses him"), WORKS, WORKS),
    ({}, NOON_COMES, (SAYS, "busy"), WORKS, ("staff_steer", "stop"), WORKS),
    ({}, NOON_COMES, (SAYS, "silent"), WORKS, ("staff_steer", "stop"), WORKS),
    ({}, NOON_COMES, (SAYS, "silent"), WORKS, LATER, LATER, WORKS),
    ({}, NOON_COMES, (SAYS, "refuses all"), WORKS, ("staff_steer", "resume"), WORKS, ("staff_steer", "stop")),
    ({}, ("staff_steer", "start"), WORKS, NOON_COMES, WORKS, ("staff_steer", "resume"), WORKS),
    ({}, NOON_COMES, ("the_hour_strikes",), ("time_passes", 45), WORKS),
    ({}, NOON_COMES, ("the_hour_strikes",), ("staff_steer", "pause"), ("staff_steer", "stop")),
    ({}, NOON_COMES, ("the_hour_strikes",), ("staff_steer", "stop")),
    ({}, ("staff_steer", "call off"), ("staff_steer", "take back"), ("time_passes", 1440), WORKS),
    ({}, NOON_COMES, (SAYS, "spent"), WORKS, ("a_follower_leaves_or_speaks", PEOPLE[4], False), (SAYS, "takes"),
     ("time_passes", 1440), WORKS, ("staff_clear_alarms",), ("time_passes", 1440), WORKS),
    ({"live": False}, NOON_COMES, WORKS),
    ({}, NOON_COMES, (SAYS, "busy"), ("a_worker_works", 2), ("a_worker_dies", 2), LATER, WORKS),
    ({"channel": "service"}, ("a_follower_leaves_or_speaks", PEOPLE[0], True), NOON_COMES, (SAYS, "silent"), WORKS),
    ({"approvals": 1}, ("staff_approve", "approve"), ("staff_change_the_words", WORDS[1]),
     ("staff_change_the_words", WORDS[0]), ("staff_approve", "withdraw"), ("staff_approve", "approve"),
     ("staff_change_the_words", WORDS[1]), ("staff_approve", "withdraw"), NOON_COMES, WORKS),
    ({}, ("staff_change_the_words", WORDS[2]), NOON_COMES, WORKS, ("staff_clear_alarms",),
     ("staff_steer", "resume"), WORKS),
)  # fmt: skip
"""Each is an office as it opens, and what happens in it, one thing after the other."""


class Line:
    """WeChat at the other end: it answers as it is told to."""

    def __init__(self) -> None:
        self.mood = "takes"
        self.number = 0

    def gets(self, parcel: Parcel) -> str:
        self.number += 1
        if self.mood == "silent":
            raise NoAnswer("timeout")
        if self.mood != "takes":
            code = {"refuses him": 43004, "refuses all": 40037, "busy": -1, "spent": 45009}[self.mood]
            policy = {43004: "skip_person", 40037: "pause_push", -1: "retry", 45009: "wait_day"}[code]
            raise ChannelError("微信不收", permanent=False, errcode=code, policy=policy)  # type: ignore[arg-type]
        return str(self.number)


def spoken_by(base: type[Channel], line: Line) -> Channel:
    class Spoken(base):  # type: ignore[misc, valid-type]
        def send(self, parcel: Parcel) -> str:
            return line.gets(parcel)

    return Spoken(Gear(None, None, Path()))  # type: ignore[arg-type]


class Free:
    """No pace: everything may go at once."""

    def wait(self, channel: Channel, still: Callable[[], bool]) -> bool:
        return True

    def return_unused(self) -> None:
        """Nothing was fetched."""


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON - timedelta(hours=1)

    def now(self) -> Any:
        return self.at


class Union(RuleBasedStateMachine):
    """A union with one push a day, its staff, a worker, and a WeChat of many moods."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.clock, self.line = self.fresh(), Hand(), Line()
        self.seen: dict[int, str] = {}  # approval → its state
        self.moved: set[tuple[str, str, str]] = set()
        watch(self.store)
        follow(self.store, PEOPLE)

    def fresh(self) -> Store:
        raise NotImplementedError

    @initialize(
        live=st.sampled_from([True, True, True, False]),
        approvals=st.sampled_from([0, 0, 1]),
        channel=st.sampled_from(["template", "template", "service"]),
    )
    def opens(self, live: bool, approvals: int, channel: str) -> None:
        self.account = ACCOUNT.model_copy(
            update={"live": live, "approvals": approvals, "testers": tuple(PEOPLE[:2])}
        )
        self.channel, self.words = channel, WORDS[0]
        ways = {each.name: spoken_by(each, self.line) for each in (Template, Service)}
        audience = Audience(self.store, _Api(), self.account, Path())  # type: ignore[arg-type]
        limits = SendLimits(errors_in_a_row=4)
        self.sender = Sender(
            self.store, Free(), self.account, ways, audience, limits, self.clock.now, in_flight=2,  # type: ignore[arg-type]
        )  # fmt: skip
        self.timetable = Timetable(self.store, self.clock)
        self.timetable.adopt(self.campaigns())

    def campaigns(self) -> Sequence[Campaign]:
        told: dict[str, Any] = {"template": {"id": "t" * 43, "data": {"thing1": self.words}}}
        if self.channel == "service":
            told = {"text": self.words}
        return (campaign(daily=DAILY, channel=self.channel, **told),)

    def plan(self) -> push.Plan:
        return plan_of(self.campaigns()[0].pushes[0])

    # --- the clock, the worker, WeChat ---------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 12, 45, 300, 1440]))
    def time_passes(self, minutes: int) -> None:
        self.clock.at += timedelta(minutes=minutes)

    @rule(steps=st.integers(1, 4))
    def a_worker_works(self, steps: int) -> None:
        self.timetable.look(self.clock.at)
        for _ in range(steps):
            self.sender.recover()
            self.sender.plan()
            self.sender.send()

    @rule()
    def the_hour_strikes(self) -> None:
        self.timetable.look(self.clock.at)

    @rule(reached=st.integers(1, 3))
    def a_worker_dies(self, reached: int) -> None:
        with self.store.writing() as connection:
            for one in push.standing(connection, (push.SENDING,)):
                ledger.claim(connection, one, reached, "dead", self.sender._rules[one.channel], self.clock.at)

    @rule(mood=st.sampled_from(["takes", "takes", "silent", "refuses him", "refuses all", "busy", "spent"]))
    def wechat_is_in_a_mood(self, mood: str) -> None:
        self.line.mood = mood

    @rule(status=st.sampled_from(["success", "failed:user block"]))
    def wechat_tells_what_became_of_it(self, status: str) -> None:
        with self.store.writing() as connection:
            delivery.finish_template(connection, str(self.line.number), status, self.clock.at)

    @rule(who=st.sampled_from(PEOPLE), speaks=st.booleans())
    def a_follower_leaves_or_speaks(self, who: str, speaks: bool) -> None:
        values: dict[str, Any] = {"spoke_at": self.clock.at} if speaks else {"subscribed": False}
        with self.store.writing() as connection:
            connection.execute(followers.update().where(followers.c.openid == who).values(values))

    # --- the staff -----------------------------------------------------------------------------------------

    @rule(
        deed=st.sampled_from(
            ["start", "pause", "resume", "resume", "stop", "call off", "take back", "unhalt"]
        )
    )
    def staff_steer(self, deed: str) -> None:
        now = self.clock.at
        with self.store.writing() as connection:
            one = push.latest(connection, NAME, push.OPEN)
            if deed == "start" and one is None:
                push.owe(connection, self.plan(), now, now, asked=True)
            elif deed == "call off":
                due = self.campaigns()[0].pushes[0].next_due(now)
                assert due is not None
                push.owe(connection, self.plan(), due, now, push.CANCELLED, "有人提前取消了它")
            elif deed == "take back":
                push.take_back(connection, NAME, now)
            elif deed == "unhalt":
                shared.unhalt(connection)
            elif deed == "pause" and one:
                push.pause(connection, one.id, now, "有人暂停了它")
            elif deed == "resume" and one and push.resume(connection, one.id, now):
                alarm.clear(connection, f"paused {NAME}", now)
        if deed == "stop":
            push_stop(self.store, NAME, now, lambda words: None)

    @rule(words=st.sampled_from(WORDS))
    def staff_change_the_words(self, words: str) -> None:
        self.words = words
        self.timetable.adopt(self.campaigns())

    @rule(deed=st.sampled_from(["approve", "approve", "withdraw"]))
    def staff_approve(self, deed: str) -> None:
        with self.store.writing() as connection:
            if deed == "approve":
                digest = self.sender.approvals.digest(self.plan())
                approval.give(connection, NAME, digest, "cli:wang", self.clock.at)
            else:
                approval.withdraw(connection, NAME, "cli:wang", self.clock.at)

    @rule()
    def staff_clear_alarms(self) -> None:
        with self.store.writing() as connection:
            for one in alarm.standing(connection):
                alarm.clear(connection, one.name, self.clock.at)

    # --- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def every_move_is_listed(self) -> None:
        if "sender" in vars(self):
            self._see_approvals()
            assert self.walked() <= LISTED, self.walked() - LISTED

    @invariant()
    def the_books_balance(self) -> None:
        with self.store.reading() as connection:
            every = push.recent(connection)
        for one in every:
            if one.size is not None:
                assert_books_balance(self.store, one.id)

    def walked(self) -> set[tuple[str, str, str]]:
        with self.store.reading() as connection:
            rows = connection.exec_driver_sql("SELECT DISTINCT noun, before, after FROM walked").all()
        return {(noun, before, after) for noun, before, after in rows} | self.moved

    def _see_approvals(self) -> None:
        """An approval is void by what is written now, which no row says."""
        digest = self.sender.approvals.digest(self.plan())
        with self.store.reading() as connection:
            query = approval.approvals.select().order_by(approval.approvals.c.id)
            rows = connection.execute(query).all()
        for row in rows:
            one = approval.Approval(row.digest, row.staff, row.given_at, row.withdrawn_at)
            before, after = self.seen.get(row.id, ""), one.state(digest)
            if before != after:
                self.moved.add(("approval", before, after))
            self.seen[row.id] = after

    def teardown(self) -> None:
        with suppress(AttributeError):
            self.sender.close()
        self.store.close()


@pytest.fixture
def fresh(scratch: Any, tmp_path: Path) -> type[Union]:
    """Unions, each with a database of its own."""
    number = count()

    class Fresh(Union):
        def fresh(self) -> Store:
            folder = tmp_path / str(next(number))
            folder.mkdir()
            return Store(scratch.empty("sqlite", folder))

    return Fresh


class _Api:
    """Nobody is asked for tags."""

    def ask_anew(self) -> None:
        """Nothing is remembered."""


def watch(store: Store) -> None:
    """Let the database write down every change of a state."""
    with store.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE walked (noun TEXT, before TEXT, after TEXT)")
        for noun, (table, state) in WATCHED.items():
            old, new = state.format("OLD"), state.format("NEW")
            for when, values in (
                ("INSERT", f"'', {new}"),
                ("UPDATE", f"{old}, {new}"),
                ("DELETE", f"{old}, '{states.GONE}'"),
            ):
                only = f"WHEN {old} <> {new}" if when == "UPDATE" else ""
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {noun}_{when} AFTER {when} ON {table} {only} BEGIN"
                    f" INSERT INTO walked VALUES ('{noun}', {values}); END"
                )
