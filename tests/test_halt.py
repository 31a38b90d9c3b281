"""The brake: everything that goes out stops within two seconds on all machines, and goes on where it stood."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from crew_cast import wait_until
from push_cast import Office, campaign

from campaigns.approval import Approvals
from commands import halt
from commands.outlook import unknown
from commands.push import push_list, push_preview, push_test
from commands.steering import push_cancel, push_pause, push_resume, push_start
from jobs.audience import sizes
from jobs.push import AHEAD, IN_FLIGHT
from models import push
from models.base import Store


def test_halt_stops_two_busy_workers_within_two_seconds_and_unhalt_goes_on(running: Office) -> None:
    office = running
    office.platform.faults.clear()
    office.platform.faults.add("message/template/send", delay_s=0.25, times=None)
    everybody = office.hires(400)
    push_id = office.starts()
    wait_until(lambda: len(office.platform.log) >= 40)

    said: list[str] = []
    assert halt.halt(office.store, office.time.now(), say=said.append) == 0
    time.sleep(2)
    stopped_at = len(office.platform.log)
    time.sleep(1)
    assert len(office.platform.log) == stopped_at < 400
    assert office.books(push_id).open == 400 - stopped_at
    assert "unhalt" in said[0]

    office.platform.faults.clear()
    assert halt.unhalt(office.store, office.common, office.time.now(), say=said.append) == 0
    wait_until(lambda: office.stands(push_id).state == "finished")

    assert sorted(row.openid for row in office.platform.log) == sorted(everybody)
    assert office.books(push_id).sent == 400


def test_halt_stops_slow_calls_that_were_not_made_yet(running: Office) -> None:
    office = running
    office.platform.faults.clear()
    office.platform.faults.add("message/template/send", delay_s=1.2, times=None)
    office.hires(100)
    office.starts()
    wait_until(lambda: office.calls("message/template/send") >= 16)

    halt.halt(office.store, office.time.now(), say=quiet)
    time.sleep(2)
    stopped_at = office.calls("message/template/send")
    time.sleep(1.5)

    assert office.calls("message/template/send") == stopped_at <= 64


def test_a_push_that_waited_too_long_behind_a_halt_is_missed_not_late(office: Office) -> None:
    office.hires(3)
    halt.halt(office.store, office.time.now(), say=quiet)
    push_id = office.starts(late_ok="30m")
    office.works()
    assert office.stands(push_id).state == "due"

    office.time.passes(hours=2)
    halt.unhalt(office.store, office.common, office.time.now(), say=quiet)
    office.works()

    assert office.stands(push_id).state == "missed"
    assert office.platform.log == []
    assert any("push start spring/greeting" in words for words in office.alarms())


def test_a_halted_account_sends_no_test_copy_either(office: Office) -> None:
    (person,) = office.hires(1)
    halt.halt(office.store, office.time.now(), say=quiet)
    said: list[str] = []

    code = push_test(
        office.store, [campaign()], office.account, office.channels(), "spring/greeting", person, said.append
    )

    assert code == 1
    assert "unhalt" in said[0]
    assert office.platform.log == []


class TestTheStaffsCommands:
    @pytest.mark.alone
    def test_start_is_noticed_by_a_running_worker_within_a_second(self, running: Office) -> None:
        office = running
        office.hires(3)
        begun = time.monotonic()

        code = starts(office, quiet)
        wait_until(lambda: len(office.platform.log) > 0)

        assert code == 0
        assert time.monotonic() - begun < 1.5

    def test_start_and_wait_ends_with_the_books(self, running: Office) -> None:
        office = running
        office.hires(30)
        said: list[str] = []

        code = starts(office, said.append, wait=True)

        assert code == 0
        assert said[-1].startswith("共 30 份：已发 30，")

    def test_start_of_what_is_under_way_is_refused(self, office: Office) -> None:
        office.starts()
        said: list[str] = []

        code = starts(office, said.append)

        assert code == 1
        assert "没有重新开始" in said[0]

    def test_start_without_a_worker_says_what_to_start(self, office: Office) -> None:
        said: list[str] = []

        starts(office, said.append)

        assert any("请启动 work" in words for words in said)

    def test_a_name_that_is_not_there_gets_the_nearest(self, office: Office) -> None:
        said: list[str] = []

        code = push_preview(
            office.store,
            [campaign()],
            office.account,
            "spring/greting",
            office.time.now(),
            unknown,
            said.append,
        )

        assert code == 1
        assert "是不是 spring/greeting" in said[0]

    def test_pause_resume_and_cancel_say_what_they_did(self, office: Office) -> None:
        office.hires(200)  # more than one step takes up
        push_id = office.starts()
        worker = office.worker()
        worker.step()
        said: list[str] = []
        name, now = "spring/greeting", office.time.now()

        assert push_pause(office.store, name, now, said.append) == 0
        assert push_pause(office.store, name, now, said.append) == 1
        assert push_resume(office.store, office.common, name, now, said.append) == 0
        assert cancels(office, said.append) == 0
        office.works(worker)

        books = office.books(push_id)
        assert office.stands(push_id).state == "cancelled"
        assert (books.open, books.sent + books.skipped) == (0, 200)
        assert books.skipped >= 200 - IN_FLIGHT * AHEAD
        assert "已取消" in said[-1]

    def test_cancel_before_its_time_leaves_that_one_out(self, office: Office) -> None:
        office.time.passes(hours=-2)
        office.campaigns = (campaign(),)
        said: list[str] = []

        assert cancels(office, said.append) == 0
        office.hires(2)
        office.works()
        office.time.passes(hours=3)
        office.works()

        assert office.platform.log == []
        with office.store.reading() as connection:
            assert [one.state for one in push.recent(connection)] == ["cancelled"]

    def test_list_shows_books_reasons_and_alarms(self, office: Office) -> None:
        people = office.hires(3)
        with office.platform.world.lock:
            office.platform.world.followers[people[0]].following = False
        office.starts()
        office.works()
        said: list[str] = []

        push_list(office.store, [campaign(yearly="03-08 10:00")], office.time.now(), said.append)

        text = "\n".join(said)
        assert "spring/greeting　模板消息　已发完" in text
        assert "共 3 份：已发 2，没发成 1" in text
        assert "没发成 1 份：他没有关注本公众号" in text
        assert "2027-03-08 10:00　spring/greeting" in text

    def test_preview_shows_the_words_and_how_many_get_them(self, office: Office) -> None:
        office.hires(3)
        said: list[str] = []
        pushes = [campaign(channel="mass", text="元宵快乐")]

        code = push_preview(
            office.store,
            pushes,
            office.account,
            "spring/greeting",
            office.time.now(),
            sizes(office.audience, office.time.now()),
            said.append,
        )

        assert code == 0
        assert "全体关注者（现在 3 人）" in said[0]
        assert "  元宵快乐" in said

    def test_a_test_copy_stands_in_no_books(self, office: Office) -> None:
        people = office.hires(2)

        code = push_test(
            office.store, [campaign()], office.account, office.channels(), "spring/greeting", people[0], quiet
        )

        assert code == 0
        assert [row.openid for row in office.platform.log] == [people[0]]
        with office.store.reading() as connection:
            assert push.recent(connection) == []

    def test_a_test_copy_goes_only_to_testers_until_the_account_is_live(self, office: Office) -> None:
        people = office.hires(2)
        cautious = office.account.model_copy(update={"live": False, "testers": (people[0],)})
        codes = [
            push_test(office.store, [campaign()], cautious, office.channels(), "spring/greeting", one, quiet)
            for one in people
        ]

        assert codes == [0, 1]
        assert [row.openid for row in office.platform.log] == [people[0]]


def starts(office: Office, say: Callable[[str], None], *, wait: bool = False) -> int:
    """Somebody types `push start` and is sure."""
    now, size = office.time.now(), sizes(office.audience, office.time.now())
    return push_start(
        office.store, office.common, [campaign()], office.account, "spring/greeting", now, size,
        lambda: True, approvals=Approvals(0, office.folder, live=True), wait=wait, say=say,
    )  # fmt: skip


def cancels(office: Office, say: Callable[[str], None]) -> int:
    """Somebody types `push cancel` and is sure."""
    now, size = office.time.now(), sizes(office.audience, office.time.now())
    return push_cancel(
        office.store, [campaign()], office.account, "spring/greeting", now, size, lambda: True, say
    )


def quiet(words: str) -> None:
    """Nobody listens."""


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_store, tmp_path)
    yield made
    made.close()


@pytest.fixture
def running(office: Office) -> Iterator[Office]:
    """The office with two workers that run; each call takes 50 ms."""
    office.platform.faults.add("message/template/send", delay_s=0.05, times=None)
    workers = [office.worker(lease=timedelta(minutes=2)) for _ in range(2)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    yield office
    for worker in workers:
        worker.stop()
    for thread in threads:
        thread.join(15)
