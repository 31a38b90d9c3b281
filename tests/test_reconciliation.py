"""The truth comes to light by itself: what was never sent, never reported, never done, or runs by another config file."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from push_cast import Office, campaign, each_office, office
from test_alarm import Post, Staff, post, staff

from jobs import worker as working
from jobs.reconciliation import reconcile
from models import alarm, in_force, push, shared, timer
from models.delivery import deliveries
from models.push import pushes
from wx.simulator import Results

__all__ = ["Staff", "each_office", "office", "post", "staff"]


def looks(office: Office) -> list[str]:
    """The books are compared; what the staff are told."""
    worker = office.workers[0] if office.workers else office.worker()
    reconcile(office.store, worker.timetable.unwritten(office.time.now()), office.time.now())
    return office.alarms()


class TestWhatWeChatNeverReported:
    @pytest.mark.parametrize("channel", ["template", "mass"])
    def test_is_told_after_a_day_and_over_when_it_comes(self, each_office: Office, channel: str) -> None:
        office = each_office
        office.hires(20)
        office.platform.results = Results(copies=0)
        push_id = office.starts(channel=channel, **({"text": "元宵快乐"} if channel == "mass" else {}))
        office.works()

        office.time.passes(hours=23)
        assert looks(office) == []
        office.time.passes(hours=2)
        (words,) = looks(office)

        assert "微信还没有告诉" in words
        assert "spring/greeting" in words
        with office.store.writing() as connection:
            mine = deliveries.update().where(deliveries.c.push_id == push_id)
            connection.execute(mine.values(result="success", result_at=office.time.now()))
        assert looks(office) == []

    def test_is_nobodys_business_while_it_is_a_receipt_or_two(self, office: Office) -> None:
        office.hires(30)
        push_id = office.starts()
        office.works()
        with office.store.writing() as connection:
            some = sa.select(deliveries.c.id).where(deliveries.c.push_id == push_id).limit(3)
            lost = deliveries.update().where(deliveries.c.id.in_(some))
            connection.execute(lost.values(result=None, result_at=None))
        office.time.passes(hours=25)

        assert looks(office) == []


class TestWhatWasNeverSent:
    def test_because_it_stands_still_is_told_and_over_when_it_moves(self, each_office: Office) -> None:
        office = each_office
        office.hires(2)
        push_id = office.starts(asked=True)
        office.time.passes(minutes=40)
        with office.store.writing() as connection:
            shared.beat(connection, "another", office.time.now())
        (words,) = looks(office)

        assert "半小时没有动静" in words
        office.works()
        assert office.stands(push_id).state == "finished"
        assert looks(office) == []

    def test_because_its_row_is_not_there_is_told(self, office: Office) -> None:
        office.hires(2)
        office.time.passes(hours=-1)
        office.campaigns = (campaign(),)
        office.works()
        office.time.passes(hours=1)
        office.works()
        with office.store.writing() as connection:
            connection.execute(deliveries.delete())
            connection.execute(pushes.delete())
        office.time.passes(minutes=11)

        (words,) = looks(office)

        assert "账上却没有它" in words
        assert "push start spring/greeting" in words

    def test_because_the_books_do_not_add_up_is_told(self, office: Office) -> None:
        office.hires(5)
        push_id = office.starts()
        office.works()
        with office.store.writing() as connection:
            first = sa.select(deliveries.c.id).where(deliveries.c.push_id == push_id).limit(1)
            connection.execute(deliveries.delete().where(deliveries.c.id.in_(first)))

        (words,) = looks(office)

        assert "账却不平" in words
        with office.store.writing() as connection:
            (one,) = alarm.standing(connection)
            alarm.clear(connection, one.name, office.time.now())
        assert looks(office) == [], "somebody has seen to it"
        office.time.passes(minutes=31)
        assert looks(office) == []


def test_what_a_person_paused_or_halted_or_what_must_wait_stands_still_rightly(office: Office) -> None:
    office.hires(2)
    paused, waiting = office.starts(asked=True), office.starts(id="later", asked=True)
    now = office.time.now()
    with office.store.writing() as connection:
        push.pause(connection, paused, now, "有人暂停了它")
        push.hold(connection, waiting, now + timedelta(hours=5), now, "今天的次数用完了")
    office.time.passes(hours=2)
    with office.store.writing() as connection:
        shared.beat(connection, "another", office.time.now())

    assert looks(office) == []


class TestTimers:
    def test_each_leaves_a_row(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("BEAT_S", "NOTE_S"):
            monkeypatch.setattr(working, name, 0.0)
        office.works(office.worker())

        with office.store.reading() as connection:
            done = timer.done(connection, office.time.now())
        assert set(done) == set(timer.TIMERS) - {"look", "backup"}, "those two are systemd's"

    def test_that_falls_silent_is_told_of_though_a_worker_lives_and_over_when_it_runs(
        self, post: Post
    ) -> None:
        def runs(*names: str) -> None:
            post.beats()
            with post.store.writing() as connection:
                timer.note(connection, names, post.time.now())

        runs("timetable", "editions")
        for _ in range(4):
            post.time.passes(seconds=61)
            runs("timetable")
            post.looks()

        (letter,) = post.staff.letters
        assert "打开和结束活动" in letter.text
        assert "systemctl restart gonghui-work" in letter.text
        runs("editions")
        post.looks()
        assert not post.stands("timer late editions")

    def test_of_a_machine_that_was_taken_away_is_forgotten(self, post: Post) -> None:
        with post.store.writing() as connection:
            timer.note(connection, ["look"], post.time.now(), "gh7")
        for days in (1, 3):
            post.time.passes(days=days)
            post.beats()
            post.looks()

        with post.store.reading() as connection:
            assert timer.silent(connection, post.time.now()) == {}


def test_a_web_process_that_was_not_restarted_is_told_of(post: Post) -> None:
    for seconds in (0, 30, 35):
        post.time.passes(seconds=seconds)
        post.beats()
        with post.store.writing() as connection:
            in_force.note(connection, "gh1 web 77", "older", post.time.now())
        post.looks()

    (letter,) = post.staff.letters
    assert "gh1 web 77" in letter.text
    assert "systemctl restart gonghui-serve" in letter.text
