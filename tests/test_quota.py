"""What WeChat lets an account send, known before the call: by the day, by the month, and over all machines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from ledger_cast import follow, worker
from push_cast import LIVE, NOON, Office, each_office, office

from channels import CHANNELS, SendLimits
from jobs.quota import days_for, next_morning
from jobs.reach import Reckoner
from models.base import Store
from wx.account import Standing

__all__ = ["each_office", "office"]


class TestTheTableOfWhatMayBeDone:
    @pytest.mark.parametrize(
        ("standing", "open_", "monthly", "daily"),
        [
            ("unverified", set(), set(), set()),
            ("subscription", {"mass", "service"}, set(), {"mass": 1, "service": 500_000}),
            (
                "service",
                {"mass", "template", "service"},
                {"mass"},
                {"mass": 100, "template": 100_000, "service": 500_000},
            ),
        ],
    )
    def test_is_what_wechat_documents(
        self, standing: Standing, open_: set[str], monthly: set[str], daily: dict[str, int]
    ) -> None:
        limits = SendLimits()
        rows = {name: channel.can[standing] for name, channel in CHANNELS.items()}

        assert {name for name, can in rows.items() if not can.refused} == open_
        assert {name for name, can in rows.items() if can.monthly(limits)} == monthly
        allowed = {name: found.most for name, can in rows.items() if (found := can.daily(limits))}
        assert allowed == dict(daily)


class TestADaysAllowance:
    def test_is_kept_by_all_workers_and_the_rest_goes_out_on_the_days_after(
        self, each_office: Office
    ) -> None:
        office = each_office
        office.limits = SendLimits(sends_per_s=1000, templates_per_day=20)
        people = office.hires(50)
        push_id = office.starts()
        one, two = office.worker(), office.worker()

        for _ in range(6):
            one.step()
            two.step()
        office.works(two)
        office.works(one)

        assert office.calls("message/template/send") == 20
        standing = office.stands(push_id)
        assert (
            "模板消息每天最多 20 条，今天的用完了，还剩 30 份，2027-02-21 12:00 自己接着发" in standing.reason
        )
        assert "02-22 发完" in standing.reason
        next_day(office)
        assert office.calls("message/template/send") == 40
        next_day(office)

        assert office.books(push_id).sent == 50
        assert office.stands(push_id).state == "finished"
        assert office.stands(push_id).reason == ""
        assert sorted(row.openid for row in office.platform.log) == sorted(people)
        assert office.alarms() == []

    def test_used_up_by_one_push_holds_the_next_and_asks(self, office: Office) -> None:
        office.limits = SendLimits(sends_per_s=1000, templates_per_day=3)
        office.hires(3)
        office.starts(id="first")
        office.works()
        second = office.starts(id="second")

        office.works()

        (words,) = office.alarms()
        assert "推送 spring/second 今天没有发" in words
        assert office.calls("message/template/send") == 3
        next_day(office)
        assert office.books(second).sent == 3
        assert office.alarms() == []

    def test_said_by_wechat_parks_every_worker_until_midnight(self, each_office: Office) -> None:
        office = each_office
        office.hires(30)
        office.platform.faults.add("message/template/send", errcode=45009, times=None)
        push_id = office.starts()
        one, two = office.worker(), office.worker()
        office.works(one)
        tried = office.calls("message/template/send")

        office.works(two)
        assert office.calls("message/template/send") == tried
        office.platform.faults.clear()
        office.time.at = NOON.replace(hour=15, minute=58)  # two minutes before midnight in Shanghai
        office.works(office.worker())
        assert office.calls("message/template/send") == tried
        office.time.passes(minutes=4)
        office.works(office.worker())

        assert office.books(push_id).sent == 30

    def test_goes_on_at_the_pushs_own_hour_and_not_at_midnight(self) -> None:
        assert next_morning(NOON, NOON + timedelta(hours=9)) == NOON + timedelta(days=1)

    def test_takes_as_many_days_as_it_takes(self) -> None:
        template, mass = CHANNELS["template"], CHANNELS["mass"]
        limits = SendLimits(templates_per_day=100, mass_calls_per_day=2)
        account = LIVE.model_copy(update={"kind": "service", "verified": True})
        daily, calls = template.daily(account, limits), mass.daily(account, limits)
        assert daily is not None
        assert calls is not None
        assert [days_for(number, template, daily) for number in (1, 100, 101, 300, 301)] == [1, 1, 2, 3, 4]
        assert days_for(100, template, daily, left=0) == 2
        assert days_for(60_000, mass, calls) == 3  # six calls of ten thousand


class TestAMonthsAllowance:
    def test_skips_those_who_had_theirs_and_names_the_cheapest_other_way(self, office: Office) -> None:
        office.limits = SendLimits(mass_per_month=1)
        people = office.hires(5)
        (office.folder / "vip.txt").write_text("\n".join(people[:2]))
        office.starts(id="vips", channel="mass", text="甲", audience="openids:vip.txt")
        office.works()
        again = office.starts(id="again", channel="mass", text="乙", audience="active:3650d or not window")

        reach = Reckoner(office.audience, office.account, office.limits, office.time.now()).reach(
            "mass", "active:3650d or not window"
        )
        office.works()

        assert (reach.reached, reach.others) == (3, {"mass limit": 2})
        books = office.books(again)
        assert (books.sent, books.skipped) == (3, 2)
        (words,) = office.alarms()
        assert "spring/again 有 2 份没有发：本月的群发次数（1 次）已经用完" in words
        assert "请改到下个月，或者改用模板消息（不花钱）" in words


class TestAMassPushByALongList:
    def test_forms_full_batches_of_whoever_is_still_there(
        self, sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("channels.mass.Mass.batch", 10)
        office = Office(sqlite_store, tmp_path)
        people = office.hires(31)
        gone = [worker(number) for number in range(70)]
        follow(office.store, gone, subscribed=False)
        (tmp_path / "list.txt").write_text("\n".join([*people, *gone]))
        push_id = office.starts(channel="mass", text="甲", audience="openids:list.txt")

        office.works()
        books, sizes = office.books(push_id), office.calls("message/mass/send")
        office.close()

        assert (books.sent, books.skipped) == (31, 70)
        assert sizes == 4  # 10, 10, 9 and 2: nobody is left over alone


def next_day(office: Office) -> None:
    """A day later a worker that has just been started goes on."""
    office.time.passes(hours=24)
    office.works(office.worker())
