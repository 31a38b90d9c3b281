"""A push found late: whether it still goes out, when, and who is told, as its writer says; never at night by itself."""

from __future__ import annotations

import pytest
from push_cast import Office, campaign, each_office, office

from campaigns.campaign import follow
from campaigns.schedule import Calendar
from ground.quiet import read_quiet
from models import push, shared

__all__ = ["each_office", "office"]
LUNCH = "12:30-15:00"  # the push is due at 12:00


@pytest.mark.parametrize("held_by", ["a worker that was down", "a halt"])
class TestInTheQuietHours:
    def test_it_waits_for_their_end_where_that_is_not_too_late(self, office: Office, held_by: str) -> None:
        found_late(office, held_by, late_ok="4h")
        assert office.platform.log == []
        assert "12:00" not in standing(office).reason
        assert "15:00" in standing(office).reason

        office.minutes_pass(139)
        assert office.platform.log == []
        office.minutes_pass(2)

        assert len(office.platform.log) == 3
        assert office.alarms() == []

    @pytest.mark.parametrize("missed", ["ask", "skip"])
    def test_it_is_missed_where_their_end_is_too_late(
        self, office: Office, held_by: str, missed: str
    ) -> None:
        found_late(office, held_by, late_ok="2h", missed=missed)
        office.minutes_pass(200)

        assert standing(office).state == "missed"
        assert office.platform.log == []
        assert [("push start" in words) for words in office.alarms()] == ([True] if missed == "ask" else [])


def test_in_the_quiet_hours_a_push_that_a_person_wants_goes_at_once(office: Office) -> None:
    office.hires(3)
    quiet(office, late_ok="2h")
    office.time.passes(minutes=40)

    office.starts(asked=True)
    office.works()

    assert len(office.platform.log) == 3


def test_a_push_held_up_until_its_writers_skip_is_left_out_without_an_alarm(each_office: Office) -> None:
    office = each_office
    found_late(office, "a halt", late_ok="20m", missed="skip", hours="")

    assert standing(office).state == "missed"
    assert 'missed = "skip"' in standing(office).reason
    assert office.alarms() == []


def test_what_waits_for_the_next_day_waits_for_the_end_of_the_night(office: Office) -> None:
    office.hires(3)
    quiet(office, hours="22:00-07:00")
    office.platform.faults.add("message/template/send", errcode=45009, times=None)
    office.works()
    office.platform.faults.clear()

    office.minutes_pass(18 * 60)  # six in the morning
    assert office.platform.log == []
    office.minutes_pass(62)

    assert len(office.platform.log) == 3


def found_late(office: Office, held_by: str, hours: str = LUNCH, **wanted: str) -> None:
    """Three people follow; nobody worked between 12:00 and 12:40."""
    office.hires(3)
    quiet(office, hours, **wanted)
    if held_by == "a halt":
        with office.store.writing() as connection:
            shared.halt(connection, "有人运行了 halt", office.time.now())
        office.works()
    office.time.passes(minutes=40)
    with office.store.writing() as connection:
        shared.unhalt(connection)
    office.works()


def quiet(office: Office, hours: str = LUNCH, **wanted: str) -> None:
    office.campaigns = (campaign(**wanted),)
    follow(office.campaigns, Calendar(quiet=read_quiet(hours)), refuse=False)


def standing(office: Office) -> push.Occasion:
    with office.store.reading() as connection:
        (only,) = push.recent(connection)
    return only
