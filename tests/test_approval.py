"""Approval: a push leaves when so many different staff have looked at exactly what leaves; whatever changes, they look again."""

from __future__ import annotations

import getpass
from datetime import timedelta
from typing import Any

import pytest
from line_cast import YEAR, Desk, desk
from push_cast import JPEG, Office, campaign, each_office, office
from test_asking import RIDDLES
from test_command_line import enrol, stored, works

from jobs.approval import note_setting
from jobs.push import plan_of
from models import approval, audit, notice, push

__all__ = ["desk", "each_office", "office"]
NAME = "spring/greeting"


def careful(office: Office, number: int = 1) -> None:
    """From now on so many must approve."""
    office.account = office.account.model_copy(update={"approvals": number})


def approves(office: Office, staff: str, **wanted: Any) -> None:
    """Somebody looks at the push as it is written and approves it."""
    approvals = office.worker().sender.approvals
    (plan,) = (plan_of(each) for each in campaign(**wanted).pushes)
    with office.store.writing() as connection:
        approval.give(connection, NAME, approvals.digest(plan), staff, office.time.now())


class TestWhatIsDue:
    def test_stays_until_as_many_different_staff_as_must_have_approved_it(self, each_office: Office) -> None:
        office = each_office
        office.hires(3)
        careful(office, 2)
        approves(office, "cli:wang")
        approves(office, "cli:wang")
        push_id = office.starts(asked=True)
        office.works()

        assert office.stands(push_id).state == "paused"
        assert "还差 1 位同志批准" in office.stands(push_id).reason
        assert any(f"push approve {NAME}" in words for words in office.alarms())
        assert office.platform.log == []

        approves(office, "cli:li")
        with office.store.writing() as connection:
            push.resume(connection, push_id, office.time.now())
        office.works()
        assert len(office.platform.log) == 3

    @pytest.mark.parametrize("changed", ["its words", "its list", "its picture", "its people"])
    def test_stays_when_something_was_changed_since(self, office: Office, changed: str) -> None:
        people = office.hires(3)
        careful(office)
        listed, picture = office.folder / "vip.txt", office.folder / "lantern.jpg"
        listed.write_text("\n".join(people[:2]))
        picture.write_bytes(JPEG)
        wanted: dict[str, Any] = {"channel": "mass", "audience": "openids:vip.txt", "image": "lantern.jpg"}
        if changed == "its words":
            wanted = {"audience": "openids:vip.txt"}
        approves(office, "cli:wang", **wanted)

        if changed == "its list":
            listed.write_text("\n".join(people))
        if changed == "its picture":
            picture.write_bytes(JPEG + JPEG)
        if changed == "its people":
            wanted["audience"] = "all"
        if changed == "its words":
            wanted["template"] = {"id": "t" * 43, "data": {"thing1": "中秋灯谜"}}
        push_id = office.starts(**wanted)
        office.works()

        assert office.stands(push_id).state == "paused"
        assert office.platform.log == []

    def test_goes_to_testers_and_as_a_notice_of_a_deed_without(self, office: Office) -> None:
        (tester,) = office.hires(1)
        other = office.phone("王师傅")
        other.follows()
        other.says("你好")
        office.platform.settle(5)
        careful(office)
        with office.store.writing() as connection:
            notice.tell(connection, "spring/accept:12", "您的心愿被采纳了", [other.openid], office.time.now())
        office.works()
        assert [row.openid for row in office.platform.log] == [other.openid]

        trial = office.account.model_copy(update={"live": False, "testers": (tester,)})
        office.starts()
        office.works(office.worker(account=trial))

        assert [row.openid for row in office.platform.log] == [other.openid, tester]

    def test_is_told_of_an_hour_before_and_no_more_when_it_is_approved(self, office: Office) -> None:
        careful(office)
        office.campaigns = (campaign(at=office.time.now() + timedelta(minutes=50)),)
        office.works()
        (words,) = office.alarms()
        assert "到时没有批准就不发" in words

        approves(office, "cli:wang", at=office.time.now() + timedelta(minutes=50))
        office.works(office.worker())

        assert office.alarms() == []


def test_who_wrote_a_push_does_not_approve_it_and_who_took_a_word_back_may_give_it_again(
    office: Office,
) -> None:
    now = office.time.now()
    with office.store.writing() as connection:
        with pytest.raises(approval.OwnPush):
            approval.give(connection, NAME, "d", "desk:wang", now, author="desk:wang")
        assert approval.give(connection, NAME, "d", "desk:li", now, author="desk:wang")
        assert approval.withdraw(connection, NAME, "desk:li", now) == 1
        assert approval.count(connection, NAME, "d") == 0
        (taken_back,) = approval.of(connection, NAME)
        assert approval.give(connection, NAME, "d", "desk:li", now)
        assert approval.count(connection, NAME, "d") == 1

    assert taken_back.state("d") == approval.WITHDRAWN


def test_lowering_how_many_must_approve_is_audited_and_told(office: Office) -> None:
    for number in (2, 2, 1):
        note_setting(office.store, number, office.time.now())

    (words,) = office.alarms()
    assert "从 2 位改成了 1 位" in words
    with office.store.reading() as connection:
        (deed,) = audit.of(connection, "account.approvals")
    assert deed.deed == "lower approvals"


class TestAtTheCommandLine:
    def test_a_push_is_shown_asked_about_approved_audited_and_taken_back(self, desk: Desk) -> None:
        desk.writes(YEAR, approvals=1)
        desk.types("db", "upgrade")
        enrol(desk, 3)

        early = desk.types("push", "start", RIDDLES, "--yes")
        asked = desk.types("push", "approve", RIDDLES)
        given = desk.types("push", "approve", RIDDLES, "--yes")
        again = desk.types("push", "approve", RIDDLES, "--yes")

        assert (early.code, asked.code, given.code, again.code) == (1, 2, 0, 1)
        assert f"push approve {RIDDLES}" in early.out
        assert "元宵灯谜" in asked.out
        assert "可以发了" in given.out
        with stored(desk) as store, store.reading() as connection:
            deeds = audit.of(connection, RIDDLES)
            assert [(one.staff, one.deed) for one in deeds] == [(f"cli:{getpass.getuser()}", "approve")]

        back = desk.types("push", "withdraw", RIDDLES)
        assert back.code == 0
        assert desk.types("push", "start", RIDDLES, "--yes").code == 1
        desk.types("push", "approve", RIDDLES, "--yes")
        assert desk.types("push", "start", RIDDLES, "--yes").code == 0
        works(desk)
        assert len(desk.platform.log) == 3

    def test_check_says_where_it_is_given(self, desk: Desk) -> None:
        desk.writes(YEAR, approvals=2)

        assert "请在工作台按各人的登录名批准" in desk.types("check").out
