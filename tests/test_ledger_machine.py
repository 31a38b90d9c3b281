"""The ledger under every order of claims, crashes, clocks and pauses, against a far end that knows what it delivered."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ledger_cast import NOON, TEMPLATE, TEN_MINUTES, assert_books_balance, at, begin, follow, rows, worker

from models import delivery, ledger, push
from models.base import Store
from models.ledger import Claimed, Outcome

PEOPLE = [worker(number) for number in range(6)]
HOLDERS = st.sampled_from(["ada", "bob"])
STEPS = st.sampled_from(
    [timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=3), timedelta(minutes=11)]
)


class Far:
    """WeChat: it delivers each id once in ten minutes."""

    def __init__(self) -> None:
        self.known: dict[str, datetime] = {}
        self.delivered: dict[str, int] = dict.fromkeys(PEOPLE, 0)
        self.ids = count(1)

    def gets(self, one: Claimed, now: datetime) -> str:
        if one.key not in self.known or now - self.known[one.key] >= TEN_MINUTES:
            self.known[one.key] = now
            self.delivered[one.recipient] += 1
        return str(next(self.ids))


class Union(RuleBasedStateMachine):
    """One push to six people, two workers that may die at any moment."""

    store: Store  # given by the test

    def __init__(self) -> None:
        super().__init__()
        self.store = self.fresh()
        self.now, self.far = NOON, Far()
        self.hands: dict[str, list[Claimed]] = {
            "ada": [],
            "bob": [],
        }  # what each worker holds, as it believes
        follow(self.store, PEOPLE)
        self.push_id = begin(self.store, PEOPLE).id

    def fresh(self) -> Store:
        raise NotImplementedError

    @rule(holder=HOLDERS, wanted=st.integers(1, 4))
    def claims(self, holder: str, wanted: int) -> None:
        with self.store.writing() as connection:
            push_now = push.get(connection, self.push_id)
            assert push_now is not None
            got = ledger.claim(connection, push_now, wanted, holder, TEMPLATE, self.now)
        assert not {one.id for one in got} & {one.id for one in self.hands[holder]}
        self.hands[holder] += got

    @precondition(lambda self: any(self.hands.values()))
    @rule(holder=HOLDERS, end=st.sampled_from(["sent", "refused", "busy", "no answer", "lost", "not made"]))
    def calls(self, holder: str, end: str) -> None:
        if not self.hands[holder]:
            return
        one = self.hands[holder].pop()
        far_id = self.far.gets(one, self.now) if end in ("sent", "no answer") else None
        later, vain = self.now + timedelta(seconds=5), not one.repeat
        outcome = {
            "sent": Outcome((one.id,), "sent", far_id=far_id),
            "refused": Outcome((one.id,), "failed" if vain else "unknown", "43004", in_vain=vain),
            "busy": Outcome((one.id,), "planned", "-1", not_before=later, in_vain=vain),
            "no answer": Outcome((one.id,), "planned", "no answer", not_before=later),
            "lost": Outcome((one.id,), "planned", "no answer", not_before=later),
            "not made": Outcome((one.id,), "planned", counted=False, in_vain=vain),
        }[end]
        with self.store.writing() as connection:
            ledger.settle(connection, holder, [outcome], self.now)

    @rule(holder=HOLDERS, reached=st.integers(0, 4))
    def dies(self, holder: str, reached: int) -> None:
        for one in self.hands[holder][:reached]:
            self.far.gets(one, self.now)
        self.hands[holder] = []

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        # A call is over long before its lease is; who holds rows for longer is dead.
        if step >= TEMPLATE.lease:
            self.hands = {"ada": [], "bob": []}
        self.now += step

    @rule()
    def recovers(self) -> None:
        with self.store.writing() as connection:
            ledger.release(connection, "template", TEN_MINUTES, self.now)
            ledger.call_off(connection, self.now)
            delivery.apply_early(connection, self.now)
            ledger.close(connection, self.push_id, self.now)

    @rule(deed=st.sampled_from(["pause", "resume", "resume", "resume", "cancel"]))
    def staff_act(self, deed: str) -> None:
        with self.store.writing() as connection:
            if deed == "pause":
                push.pause(connection, self.push_id, self.now)
            elif deed == "resume":
                push.resume(connection, self.push_id, self.now)
            else:
                push.move(connection, self.push_id, push.OPEN, push.CANCELLED, self.now)

    @rule(number=st.integers(1, 12), status=st.sampled_from(["success", "failed:user block"]))
    def a_result_comes(self, number: int, status: str) -> None:
        with self.store.writing() as connection:
            delivery.finish_template(connection, str(number), status, self.now)

    @invariant()
    def the_books_balance(self) -> None:
        assert_books_balance(self.store, self.push_id)

    @invariant()
    def nobody_gets_it_twice_and_the_rows_tell_the_truth(self) -> None:
        assert max(self.far.delivered.values()) <= 1
        for row in rows(self.store, self.push_id):
            times = self.far.delivered[row.recipient]
            if row.state == "sent":
                assert times == 1, row
            elif row.state == "skipped" or (row.state == "failed" and row.result is None):
                assert times == 0, row

    def teardown(self) -> None:
        for _ in range(3):  # in the end nothing stays open that nobody holds
            self.hands = {"ada": [], "bob": []}
            self.now += timedelta(minutes=11)
            self.recovers()
        if at(self.store, self.push_id).state == "cancelled":
            assert assert_books_balance(self.store, self.push_id).open == 0
        self.store.close()


def test_every_order_of_events_keeps_the_books(scratch: Any, tmp_path: Path) -> None:
    number = count()

    class Fresh(Union):
        def fresh(self) -> Store:
            folder = tmp_path / str(next(number))
            folder.mkdir()
            return Store(scratch.empty("sqlite", folder))

    run_state_machine_as_test(
        Fresh, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
    )
