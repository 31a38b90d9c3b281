"""The ledger on each kind of database: what is owed, who holds it, and what came of it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from ledger_cast import (
    MASS,
    NOON,
    SERVICE,
    TEMPLATE,
    TEN_MINUTES,
    assert_books_balance,
    at,
    begin,
    follow,
    leave,
    rows,
    settle,
    states,
    take,
    worker,
)

from models import delivery, ledger, push, reconciliation, shared
from models.base import Store
from models.delivery import deliveries, results
from models.ledger import Outcome, Owed, Rules

PLAN = push.Plan("spring/greeting", "template", "all", "{}")
MINUTE = timedelta(minutes=1)


class TestAPushIsOwed:
    def test_once_however_many_processes_say_so(self, store: Store) -> None:
        with store.writing() as connection:
            first = push.owe(connection, PLAN, NOON, NOON)
            second = push.owe(connection, PLAN, NOON, NOON + MINUTE)
            next_year = push.owe(connection, PLAN, NOON + timedelta(days=365), NOON)

        assert first is not None
        assert second is None
        assert next_year not in (None, first)

    def test_under_the_same_id_towards_wechat_on_a_database_made_anew(self, store: Store) -> None:
        first = take(store, begin(store, [worker(1)]))
        with store.writing() as connection:
            connection.execute(deliveries.delete())
            connection.execute(push.pushes.delete())

        again = take(store, begin(store, [worker(1)]))

        assert [one.key for one in again] == [one.key for one in first]
        assert len(again[0].key) == 32

    def test_openids_that_differ_by_case_are_two_people(self, store: Store) -> None:
        occasion = begin(store, ["oABCdef", "oabcdef", "oabcdef "])

        assert states(store, occasion.id) == {"planned": 3}

    def test_its_audience_is_written_down_once_by_two_planners(self, store: Store) -> None:
        with store.writing() as connection:
            push_id = push.owe(connection, PLAN, NOON, NOON)
            assert push_id is not None
            occasion = push.get(connection, push_id)
            assert occasion is not None
            assert ledger.plan(connection, occasion, [Owed(worker(1))], "", worker(1), NOON)

        with store.writing() as connection:
            assert not ledger.plan(connection, occasion, [Owed(worker(1))], "", worker(1), NOON)

        assert states(store, push_id) == {"planned": 1}


class TestAClaim:
    def test_gives_each_row_to_one_worker(self, store: Store) -> None:
        occasion = begin(store, [worker(n) for n in range(200)])
        got: list[int] = []

        def work(holder: str) -> None:
            while claimed := take(store, occasion, 7, holder):
                got.extend(one.id for one in claimed)
                settle(store, Outcome(tuple(one.id for one in claimed), "sent", far_id=holder), holder)

        threads = [threading.Thread(target=work, args=(f"worker{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(got) == len(set(got)) == 200
        with store.writing() as connection:
            assert delivery.books(connection, occasion.id).sent == 200
            assert ledger.close(connection, occasion.id, NOON)
        assert_books_balance(store, occasion.id)

    def test_skips_those_who_left_since_the_plan(self, store: Store) -> None:
        follow(store, [worker(1), worker(2)])
        occasion = begin(store, [worker(1), worker(2)])
        leave(store, [worker(1)])

        claimed = take(store, occasion)

        assert [one.recipient for one in claimed] == [worker(2)]
        assert next((row.state, row.reason) for row in rows(store, occasion.id)) == (
            "skipped",
            "unsubscribed",
        )
        assert_books_balance(store, occasion.id)

    def test_gives_nothing_to_anyone_but_testers_while_not_live(self, store: Store) -> None:
        occasion = begin(store, [worker(1), worker(2)])

        claimed = take(store, occasion, rules=Rules(only=frozenset([worker(2)])))

        assert [one.recipient for one in claimed] == [worker(2)]
        assert next((row.state, row.reason) for row in rows(store, occasion.id)) == ("skipped", "not live")

    def test_takes_nothing_while_halted_or_paused(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        with store.writing() as connection:
            shared.halt(connection, "停", NOON)
        assert take(store, occasion) == []

        with store.writing() as connection:
            assert shared.unhalt(connection)
            assert push.pause(connection, occasion.id, NOON, "歇一下")
        assert take(store, occasion) == []

        with store.writing() as connection:
            assert push.resume(connection, occasion.id, NOON)
        assert len(take(store, occasion)) == 1

    def test_waits_until_a_row_may_be_tried_again(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        (one,) = take(store, occasion)
        settle(store, Outcome((one.id,), "planned", "busy", not_before=NOON + MINUTE, in_vain=True))

        assert take(store, occasion) == []
        (again,) = take(store, occasion, now=NOON + MINUTE)
        assert again.attempts == 2
        assert not again.repeat


class TestAMassBatch:
    def test_to_everyone_is_one_row(self, store: Store) -> None:
        occasion = begin(store, ["all"], "mass")

        claimed = take(store, occasion, rules=MASS)

        assert [one.recipient for one in claimed] == ["all"]

    @pytest.mark.parametrize(
        ("people", "batches"),
        [(2, [2]), (5, [5]), (6, [4, 2]), (7, [5, 2]), (10, [5, 5]), (11, [5, 4, 2])],
    )
    def test_never_leaves_one_alone(self, store: Store, people: int, batches: list[int]) -> None:
        occasion = begin(store, [worker(n) for n in range(people)], "mass")
        rules = Rules(remembers_for=timedelta(hours=24), batch=5)

        sizes = []
        while claimed := take(store, occasion, rules=rules):
            assert len({one.key for one in claimed}) == 1
            settle(store, Outcome(tuple(one.id for one in claimed), "sent", far_id=f"{len(sizes)}"))
            sizes.append(len(claimed))

        assert sizes == batches
        assert states(store, occasion.id) == {"sent": people}

    def test_to_one_person_is_skipped_with_that_reason(self, store: Store) -> None:
        follow(store, [worker(1), worker(2)])
        occasion = begin(store, [worker(1), worker(2)], "mass")
        leave(store, [worker(2)])

        assert take(store, occasion, rules=MASS) == []

        assert [row.reason for row in rows(store, occasion.id)] == ["audience of one", "unsubscribed"]
        with store.writing() as connection:
            assert ledger.close(connection, occasion.id, NOON)
        assert_books_balance(store, occasion.id)

    def test_goes_again_with_the_same_people_and_the_same_id(self, store: Store) -> None:
        occasion = begin(store, [worker(n) for n in range(6)], "mass")
        first = take(store, occasion, rules=MASS)
        later = NOON + timedelta(hours=1)
        with store.writing() as connection:
            assert ledger.release(connection, "mass", MASS.remembers_for, later) == 6

        again = take(store, occasion, holder="bob", now=later, rules=MASS)

        assert [(one.id, one.key) for one in again] == [(one.id, one.key) for one in first]
        assert all(one.repeat for one in again)

    def test_of_ten_thousand_is_claimed_in_one_go(self, store: Store) -> None:
        occasion = begin(store, [worker(n) for n in range(10_001)], "mass")

        claimed = take(store, occasion, rules=MASS)
        assert len(claimed) == 9_999
        assert settle(store, Outcome(tuple(one.id for one in claimed), "sent", far_id="7")) == 9_999
        assert len(take(store, occasion, rules=MASS)) == 2


class TestADeadWorker:
    def test_is_followed_by_another_with_the_same_id_while_wechat_remembers(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        (held,) = take(store, occasion)
        later = NOON + 3 * MINUTE

        with store.writing() as connection:
            assert ledger.release(connection, "template", TEN_MINUTES, NOON + MINUTE) == 0
            assert ledger.release(connection, "template", TEN_MINUTES, later) == 1
        (again,) = take(store, occasion, holder="bob", now=later)

        assert again.key == held.key
        assert again.repeat

    def test_leaves_its_row_unknown_when_wechat_has_forgotten(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        take(store, occasion)

        with store.writing() as connection:
            ledger.release(connection, "template", TEN_MINUTES, NOON + TEN_MINUTES)

        assert states(store, occasion.id) == {"unknown": 1}

    def test_leaves_its_row_unknown_when_wechat_never_remembers(self, store: Store) -> None:
        occasion = begin(store, [worker(1)], "service")
        take(store, occasion, rules=SERVICE)

        with store.writing() as connection:
            ledger.release(connection, "service", None, NOON + 3 * MINUTE)

        assert states(store, occasion.id) == {"unknown": 1}

    def test_that_wakes_up_changes_nothing(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        (held,) = take(store, occasion, holder="ada")
        later = NOON + 3 * MINUTE
        with store.writing() as connection:
            ledger.release(connection, "template", TEN_MINUTES, later)
        take(store, occasion, holder="bob", now=later)

        assert settle(store, Outcome((held.id,), "failed", "too late"), holder="ada") == 0
        assert settle(store, Outcome((held.id,), "sent", far_id="9"), holder="bob") == 1
        assert states(store, occasion.id) == {"sent": 1}

    def test_is_followed_without_waiting_for_a_row_that_another_worker_has_in_hand(
        self, store: Store
    ) -> None:
        if store.dialect == "sqlite":
            return  # one writer at a time: nobody ever waits for a row
        occasion = begin(store, [worker(1), worker(2)])
        first, second = take(store, occasion)
        later = NOON + 3 * MINUTE

        with store.writing() as one, store.writing() as other:
            assert ledger.settle(one, "ada", [Outcome((second.id,), "sent", far_id="9")], later) == 1
            freed = ledger.release(other, "template", TEN_MINUTES, later)  # and does not wait
        with (
            store.writing() as other
        ):  # InnoDB, in a table of two rows, may lock the neighbour too: then it is freed a moment later
            assert freed + ledger.release(other, "template", TEN_MINUTES, later) == 1

        assert [row.state for row in rows(store, occasion.id)] == ["planned", "sent"]
        assert not take(store, occasion, now=NOON + TEN_MINUTES)
        assert [one.id for one in take(store, occasion, now=later)] == [first.id]

    def test_does_not_come_back_for_ever(self, store: Store) -> None:
        occasion = begin(store, [worker(1)], "mass")
        begin(store, [worker(2), worker(3)], "mass", "other/push")
        occasion = begin(store, ["all"], "mass", "every/one")
        now = NOON
        for _ in range(ledger.ATTEMPTS):
            assert take(store, occasion, now=now, rules=MASS)
            now += timedelta(minutes=11)
            with store.writing() as connection:
                ledger.release(connection, "mass", MASS.remembers_for, now)

        assert states(store, occasion.id) == {"unknown": 1}

    def test_is_not_followed_once_the_push_waited_longer_than_wechat_remembers(self, store: Store) -> None:
        occasion = begin(store, [worker(1)])
        take(store, occasion)
        with store.writing() as connection:
            ledger.release(connection, "template", TEN_MINUTES, NOON + 3 * MINUTE)
            push.pause(connection, occasion.id, NOON + 3 * MINUTE)

        with store.writing() as connection:
            ledger.release(connection, "template", TEN_MINUTES, NOON + 11 * MINUTE)

        assert states(store, occasion.id) == {"unknown": 1}


class TestCancelling:
    def test_leaves_what_went_out_and_lets_go_of_the_rest(self, store: Store) -> None:
        occasion = begin(store, [worker(n) for n in range(4)])
        first, second, third = take(store, occasion, 3)
        settle(store, Outcome((first.id,), "sent", far_id="1"))
        settle(store, Outcome((second.id,), "planned", "no answer", not_before=NOON + MINUTE))
        with store.writing() as connection:
            assert push.move(connection, occasion.id, push.OPEN, push.CANCELLED, NOON)
            ledger.call_off(connection, NOON)
        settle(store, Outcome((third.id,), "sent", far_id="3"))

        assert states(store, occasion.id) == {"sent": 2, "unknown": 1, "skipped": 1}
        assert at(store, occasion.id).state == "cancelled"
        assert_books_balance(store, occasion.id)


class TestResults:
    def test_of_a_mass_push_are_its_books(self, store: Store) -> None:
        occasion = begin(store, ["all"], "mass")
        (one,) = take(store, occasion, rules=MASS)
        settle(store, Outcome((one.id,), "sent", far_id="34182"))

        for _ in range(2):
            with store.writing() as connection:
                delivery.finish_mass(connection, "34182", "send success", 74, 1, 80, 75, NOON)

        books = assert_books_balance(store, occasion.id)
        assert books.told == {"total": 80, "filtered": 75, "sent": 74, "failed": 1}
        assert (books.size, books.sent) == (1, 1)

    def test_that_come_before_our_answer_is_stored_are_kept_for_it(self, store: Store) -> None:
        occasion = begin(store, [worker(1), worker(2)])
        first, second = take(store, occasion)
        with store.writing() as connection:
            delivery.finish_template(connection, "1", "failed:user block", NOON)
            delivery.finish_template(connection, "2", "success", NOON)

        settle(store, Outcome((first.id,), "sent", far_id="1"))
        settle(store, Outcome((second.id,), "sent", far_id="2"))
        with store.writing() as connection:
            assert delivery.apply_early(connection, NOON) == 2
            assert delivery.apply_early(connection, NOON) == 0

        assert [(row.state, row.reason) for row in rows(store, occasion.id)] == [
            ("failed", "他拒收本公众号的消息"),
            ("sent", ""),
        ]
        assert_books_balance(store, occasion.id)

    def test_of_strangers_are_forgotten_after_two_days(self, store: Store) -> None:
        with store.writing() as connection:
            delivery.finish_template(connection, "77", "success", NOON)
            delivery.finish_mass(connection, "78", "err(20001)", 0, 0, 0, 0, NOON)
            assert delivery.apply_early(connection, NOON) == 0
            assert delivery.forget_strangers(connection, NOON + timedelta(days=3)) == 2
            assert connection.execute(sa.select(sa.func.count()).select_from(results)).scalar() == 0

    def test_of_a_refused_mass_push_say_why(self, store: Store) -> None:
        occasion = begin(store, ["all"], "mass")
        (one,) = take(store, occasion, rules=MASS)
        settle(store, Outcome((one.id,), "sent", far_id="34182"))

        with store.writing() as connection:
            delivery.finish_mass(connection, "34182", "err(20001)", 0, 0, 0, 0, NOON)
            assert delivery.reasons(connection, occasion.id) == [("failed", "微信审核：涉嫌政治", 1)]

    def test_that_never_come_are_reported_after_a_day(self, store: Store) -> None:
        occasion = begin(store, ["all"], "mass")
        (one,) = take(store, occasion, rules=MASS)
        settle(store, Outcome((one.id,), "sent", far_id="34182"))

        with store.reading() as connection:
            assert reconciliation.unreported(connection, NOON + timedelta(hours=23)) == []
            (one,) = reconciliation.unreported(connection, NOON + timedelta(hours=25))
            assert (one.name, one.copies, one.sent) == ("spring/greeting", 1, 1)


def test_releasing_one_channel_leaves_the_others_alone(store: Store) -> None:
    occasion = begin(store, [worker(1)])
    take(store, occasion, rules=TEMPLATE)
    with store.writing() as connection:
        assert ledger.release(connection, "mass", timedelta(hours=24), NOON + timedelta(hours=1)) == 0
