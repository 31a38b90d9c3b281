"""What goes wrong around a push: it stays with that push, nothing leaves after a brake, and nothing is called sent unproved."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from line_cast import desk
from push_cast import JPEG, Office, campaign, each_office, office
from pydantic import SecretStr

from jobs.brake import Lease
from jobs.hearts import STILL_S, Hearts
from models import ledger, push, shared
from models.push import pushes
from wx.simulator.faults import Fault

__all__ = ["desk", "each_office", "office"]


def test_a_run_of_errors_pauses_the_push_and_a_person_may_go_on(office: Office) -> None:
    office.limits = office.limits.model_copy(update={"errors_in_a_row": 20})
    office.hires(200)
    office.platform.faults.add("message/template/send", errcode=43004, times=None)
    push_id = office.starts()
    office.works()

    assert office.stands(push_id).state == "paused"
    assert 20 <= office.books(push_id).failed < 200
    (words,) = office.alarms()
    assert "没有发成，先停下来" in words
    assert "他没有关注本公众号" in words

    office.platform.faults.clear()
    with office.store.writing() as connection:
        push.resume(connection, push_id, office.time.now())
    office.works()
    assert office.stands(push_id).state == "finished"


class TestOneSickPush:
    def test_whose_tags_cannot_be_read_is_held_with_an_alarm_and_the_others_go_out(
        self, office: Office
    ) -> None:
        office.hires(3, "劳模")
        office.platform.faults.add("tags/get", garbage=True, times=None)
        sick = office.starts(id="sick", audience="tag:劳模")
        well = office.starts(id="well")
        mass = office.starts(id="mass", channel="mass", text="元宵快乐")

        office.works()

        assert (office.books(well).sent, office.books(mass).sent) == (3, 1)
        assert office.stands(sick).state == "due"
        (words,) = office.alarms()
        assert "spring/sick" in words
        office.platform.faults.clear()
        office.minutes_pass(2)
        assert office.books(sick).sent == 3
        assert office.alarms() == []

    def test_that_breaks_in_a_way_nobody_thought_of_is_held_and_the_others_go_out(
        self, each_office: Office
    ) -> None:
        office = each_office
        office.hires(3)
        sick, well = office.starts(id="sick"), office.starts(id="well")
        with office.store.writing() as connection:
            connection.execute(pushes.update().where(pushes.c.id == sick).values(channel="gone"))

        office.works()

        assert office.books(well).sent == 3
        assert office.stands(sick).state == "due"
        (words,) = office.alarms()
        assert "spring/sick" in words
        assert "别的推送照常" in words

    def test_whose_content_breaks_while_it_is_sent_is_held_and_the_others_go_out(
        self, office: Office
    ) -> None:
        office.hires(3)
        sick, well = office.starts(id="sick"), office.starts(id="well")
        with office.store.writing() as connection:
            connection.execute(pushes.update().where(pushes.c.id == sick).values(content="{"))

        office.works()

        assert office.books(well).sent == 3
        assert any("spring/sick" in words for words in office.alarms())

    def test_that_the_database_gave_up_for_another_is_tried_again_at_once(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.hires(3)
        push_id = office.starts()
        claims, left = ledger.claim, [1, 2]

        def given_up_twice(*words: Any, **more: Any) -> list[ledger.Claimed]:
            if left:
                left.pop()
                raise sa.exc.OperationalError("UPDATE", None, Exception("Deadlock found"))
            return claims(*words, **more)

        monkeypatch.setattr(ledger, "claim", given_up_twice)
        office.works()
        office.works()

        assert not left
        assert office.stands(push_id).state == "finished"
        assert office.books(push_id).sent == 3
        assert office.alarms() == []


class TestFindingThePeople:
    @pytest.mark.parametrize(("errcode", "minutes"), [(-1, 2), (45011, 2), (45009, 13 * 60)])
    def test_goes_on_by_itself_after_a_passing_refusal_however_late(
        self, office: Office, errcode: int, minutes: float
    ) -> None:
        office.hires(3, "劳模")
        office.platform.faults.add("tags/get", errcode=errcode)
        push_id = office.starts(audience="tag:劳模")

        office.works()
        assert office.stands(push_id).state == "due"
        assert office.alarms() == []
        office.minutes_pass(minutes)

        assert office.books(push_id).sent == 3

    def test_halts_where_nothing_can_succeed(self, office: Office) -> None:
        office.platform.faults.add("tags/get", errcode=40164)
        office.starts(audience="tag:劳模")

        office.works()

        assert is_halted(office)

    def test_of_nobody_is_told(self, office: Office) -> None:
        push_id = office.starts()

        office.works()

        assert office.stands(push_id).state == "finished"
        (words,) = office.alarms()
        assert "一个人也没有收到" in words
        assert "push start spring/greeting" in words


class TestTheBrake:
    @pytest.mark.parametrize("deed", ["halt", "pause", "cancel"])
    def test_keeps_a_mass_push_back_whose_pictures_are_still_going_up(
        self, office: Office, deed: str
    ) -> None:
        office.hires(3)
        (office.folder / "a.jpg").write_bytes(JPEG)
        office.platform.faults.add("material/add_material", delay_s=0.8)
        article = {"title": "元宵节", "content": "<p>来</p>", "cover": "a.jpg"}
        push_id = office.starts(channel="mass", article=article)
        worker = office.worker()
        wait_for(lambda: worker.step() < 1 and worker.sender.flight.of(push_id) == 1)

        brake(office, push_id, deed)
        office.works(worker)

        assert office.calls("message/mass/sendall") == 0
        assert office.platform.log == []
        if deed != "cancel":
            (row,) = office.rows(push_id).values()
            assert (row.state, row.attempts, row.tried_at) == ("planned", 0, None)

    def test_is_asked_again_before_a_call_is_repeated_with_another_token(self, office: Office) -> None:
        office.hires(3)
        office.api.token()
        office.platform.faults.add("message/mass/sendall", errcode=40001)
        office.platform.faults.add("stable_token", delay_s=0.8)
        push_id = office.starts(channel="mass", text="元宵快乐")
        worker = office.worker()
        wait_for(lambda: worker.step() < 1 and office.calls("message/mass/sendall") == 1)

        brake(office, push_id, "halt")
        office.works(worker)

        assert office.platform.log == []
        assert office.calls("message/mass/sendall") == 1

    def test_no_call_begins_after_its_lease_by_either_clock(self) -> None:
        wall = [1000.0]
        lease = Lease(timedelta(minutes=2), lambda: wall[0])

        assert not lease.over()
        wall[0] += 119
        assert not lease.over()
        wall[0] += 2
        assert lease.over()
        assert Lease(timedelta(0)).over()

    def test_of_wechat_is_known_to_all_workers_and_to_pushes_that_come_due_later(
        self, office: Office
    ) -> None:
        office.hires(3)
        office.platform.faults.add("message/template/send", errcode=45009)
        first = office.starts(id="first")
        office.works(office.worker())
        calls = office.calls("message/template/send")
        later = office.starts(id="later")

        office.works(office.worker())

        assert office.calls("message/template/send") == calls
        assert office.stands(later).not_before is not None
        office.minutes_pass(13 * 60)
        assert (office.books(first).sent, office.books(later).sent) == (3, 3)


class TestUnhalt:
    def test_asks_wechat_anew_after_a_repair(self, office: Office) -> None:
        office.hires(3)
        wrong = office.account.model_copy(update={"app_secret": SecretStr("f" * 32)})
        right, office.api._account = office.api._account, wrong
        push_id = office.starts()
        worker = office.worker()
        office.works(worker)
        assert is_halted(office)

        office.api._account = right
        with office.store.writing() as connection:
            shared.unhalt(connection)
        office.works(worker)

        assert not is_halted(office)
        assert office.books(push_id).sent == 3


class TestAPersonsWord:
    def test_outranks_late_ok_when_a_paused_push_is_resumed(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts()
        with office.store.writing() as connection:
            push.pause(connection, push_id, office.time.now())
        office.time.passes(hours=5)
        with office.store.writing() as connection:
            assert push.resume(connection, push_id, office.time.now())

        office.works()

        assert office.books(push_id).sent == 3

    def test_outranks_late_ok_when_it_was_started_while_all_was_halted(self, office: Office) -> None:
        office.hires(3)
        with office.store.writing() as connection:
            shared.halt(connection, "演练", office.time.now())
        push_id = office.starts(asked=True)
        office.works()
        office.time.passes(hours=5)
        with office.store.writing() as connection:
            shared.unhalt(connection)

        office.works()

        assert office.books(push_id).sent == 3

    def test_is_not_given_to_what_merely_came_due_while_all_was_halted(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts()
        office.time.passes(hours=5)

        office.works()

        assert office.stands(push_id).state == "missed"

    def test_push_without_any_patience_goes_out_all_the_same(self, office: Office) -> None:
        office.hires(3)
        office.campaigns = (campaign(late_ok="0m", at=office.time.now() + timedelta(seconds=30)),)
        worker = office.worker()
        office.works(worker)

        office.time.passes(seconds=31)
        office.works(worker)

        assert len(office.platform.log) == 3


class TestAWorkerWhoseHeartStopped:
    def test_gives_up_what_it_held_once_its_last_call_must_be_over(self, each_office: Office) -> None:
        office = each_office
        people = office.hires(3)
        push_id = office.starts()
        dead, heir = office.worker(), office.worker()
        office.platform.faults.add("message/template/send", delay_s=1.5, times=3)
        dead.step()  # and nothing more; its calls are in the air
        heir.sender.recover()  # sees the heart as it beat last

        office.time.passes(seconds=STILL_S - 1)
        office.works(heir)
        assert {row.holder for row in office.rows(push_id).values()} == {dead.sender.holder}
        office.time.passes(seconds=2)
        heir.sender.recover()
        office.works(heir)

        assert office.books(push_id).sent == 3
        assert sorted(row.openid for row in office.platform.log) == sorted(people)
        wait_for(lambda: sum(row.repeats for row in office.platform.log) == 3)
        assert {row.holder for row in office.rows(push_id).values()} == {None}

    def test_lives_on_for_others_whose_clock_is_set_or_runs_ahead(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts()
        living, ahead = office.worker(), office.worker()
        still = time.monotonic()
        ahead.sender.hearts = Hearts(lambda: still)  # no time passes, whatever the clock says
        office.platform.faults.add("message/template/send", delay_s=1.5, times=3)
        living.step()
        ahead.sender.recover()

        office.time.passes(seconds=STILL_S + 5)
        ahead.sender.recover()

        assert {row.holder for row in office.rows(push_id).values()} == {living.sender.holder}
        office.works(living)
        assert office.books(push_id).sent == 3
        assert len(office.platform.log) == 3

    def test_begins_no_call_until_it_beats_again(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts()
        worker = office.worker()
        worker.step()
        office.platform.settle(5)
        office.works(worker)
        other = office.starts(id="other")

        worker.sender.pulse.beats(Lease(timedelta(0)))
        for _ in range(3):
            worker.step()

        assert office.books(push_id).sent == 3
        assert (office.books(other).sent, office.books(other).open) == (0, 3)
        worker.sender.pulse.beats(Lease(timedelta(minutes=1)))
        office.works(worker)
        assert office.books(other).sent == 3


class TestTheFlight:
    def test_is_not_held_up_by_a_slow_call(self, office: Office) -> None:
        office.hires(150)
        taken, go_on, slow = office.platform.faults.take, threading.Event(), iter(range(3))

        def held(path: str) -> Fault | None:
            if path == "message/template/send" and next(slow, None) is not None:
                go_on.wait(60)
            return taken(path)

        office.platform.faults.take = held  # type: ignore[method-assign]
        push_id = office.starts()
        worker = office.worker()

        wait_for(lambda: worker.step() < 1 and office.books(push_id).sent >= 147, 60)

        assert worker.sender.flight.of(push_id) == 3  # which are still waited for
        go_on.set()
        office.works(worker)
        assert office.books(push_id).sent == 150

    def test_passes_its_speed_in_no_second(self, office: Office) -> None:
        office.hires(120)
        office.limits = office.limits.model_copy(update={"sends_per_s": 40})
        office.starts()
        moments: list[float] = []
        heard = office.platform.faults.take
        office.platform.faults.take = lambda path: (  # type: ignore[method-assign]
            moments.append(time.monotonic()) if path == "message/template/send" else None,
            heard(path),
        )[1]
        one, two = office.worker(), office.worker()
        thread = threading.Thread(target=office.works, args=(two,))
        thread.start()
        office.works(one)
        thread.join()

        moments.sort()
        assert len(moments) == 120
        most = max(sum(at <= each < at + 1 for each in moments) for at in moments)
        assert most <= 40


class TestTheSamePushTwice:
    def test_whose_time_was_corrected_after_it_went_out_asks_first(self, office: Office) -> None:
        office.hires(3)
        office.campaigns = (campaign(at=office.time.now() + timedelta(seconds=30)),)
        worker = office.worker()
        office.works(worker)
        office.time.passes(seconds=31)
        office.works(worker)
        assert len(office.platform.log) == 3

        office.campaigns = (campaign(at=office.time.now() + timedelta(minutes=5)),)
        office.works(worker)
        office.time.passes(minutes=6)
        office.works(worker)

        assert len(office.platform.log) == 3
        (words,) = office.alarms()
        assert "刚刚发过" in words
        assert "push resume spring/greeting" in words
        with office.store.writing() as connection:
            paused = push.latest(connection, "spring/greeting", (push.PAUSED,))
            assert paused is not None
            push.resume(connection, paused.id, office.time.now())
        office.works(worker)
        assert len(office.platform.log) == 6

    def test_started_by_hand_shortly_before_its_own_time_asks_first(self, office: Office) -> None:
        office.hires(3)
        office.campaigns = (campaign(at=office.time.now() + timedelta(minutes=5)),)
        worker = office.worker()
        office.works(worker)
        office.starts(asked=True)
        office.works(worker)

        office.time.passes(minutes=6)
        office.works(worker)

        assert len(office.platform.log) == 3
        assert any("刚刚发过" in words for words in office.alarms())

    def test_by_its_own_plan_goes_out_without_a_question(self, office: Office) -> None:
        office.hires(3)
        daily = {"from": "02-20", "to": "02-22", "at": "12:01"}
        office.campaigns = (campaign(daily=daily),)
        worker = office.worker()
        office.works(worker)
        for hours in (0.05, 23.9, 0.2):
            office.time.passes(minutes=60 * hours)
            with office.store.writing() as connection:  # the first of them was over only just now
                connection.execute(pushes.update().values(finished_at=office.time.now()))
            office.works(worker)

        assert len(office.platform.log) == 6
        assert office.alarms() == []


class TestALongList:
    def test_lets_a_small_push_have_its_turn(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        office.hires(3)
        monkeypatch.setattr("jobs.planning.TURN_S", 0.0)
        (office.folder / "list.txt").write_text("\n".join(f"oStranger{n:019d}" for n in range(5000)))
        long = office.starts(id="long", audience="openids:list.txt")
        small = office.starts(id="small")
        worker = office.worker()

        worker.step()
        worker.step()

        assert office.stands(long).state == "due"
        assert office.stands(small).size == 3
        for _ in range(5):
            worker.step()
        assert office.stands(long).size == 5000
        with office.store.writing() as connection:
            push.pause(connection, long, office.time.now())

    def test_is_read_by_one_worker(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("jobs.planning.TURN_S", 0.0)
        (office.folder / "list.txt").write_text("\n".join(f"oStranger{n:019d}" for n in range(3000)))
        push_id = office.starts(audience="openids:list.txt")
        one, two = office.worker(), office.worker()

        one.sender.plan()
        two.sender.plan()

        assert office.stands(push_id).planned_up_to == "oStranger" + f"{999:019d}"


class TestWhatCertainlyDidNotLeave:
    def test_is_a_service_message_whose_token_stood_in_a_database_that_was_away(self, office: Office) -> None:
        office.hires(1)
        office.phone("职工0").says("你好")
        push_id = office.starts(channel="service", text="明天开会")
        shelf, office.api._keyring._shelf = office.api._keyring._shelf, Broken()
        office.works()
        assert office.books(push_id).unknown == 0
        assert office.books(push_id).open == 1

        office.api._keyring._shelf = shelf
        office.minutes_pass(1)

        assert office.books(push_id).sent == 1

    def test_is_a_list_of_which_wechat_knows_only_one(self, office: Office) -> None:
        people = office.hires(2)
        (office.folder / "list.txt").write_text("\n".join(people))
        office.platform.faults.add("message/mass/send", errcode=40130, times=None)
        push_id = office.starts(channel="mass", text="您好", audience="openids:list.txt")

        office.works()

        assert office.books(push_id).failed == 2
        assert office.stands(push_id).state == "finished"
        assert any("一个人也没有收到" in words for words in office.alarms())


class Broken:
    """A shelf in a database that is away."""

    def read(self, name: str) -> None:
        raise sa.exc.OperationalError("SELECT", None, Exception("away"))

    write = lock = read


def is_halted(office: Office) -> bool:
    with office.store.reading() as connection:
        return shared.halted(connection) is not None


def brake(office: Office, push_id: int, deed: str) -> None:
    with office.store.writing() as connection:
        now = office.time.now()
        if deed == "halt":
            shared.halt(connection, "演练", now)
        elif deed == "pause":
            push.pause(connection, push_id, now)
        else:
            push.move(connection, push_id, push.OPEN, push.CANCELLED, now)


def wait_for(what: object, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < until
