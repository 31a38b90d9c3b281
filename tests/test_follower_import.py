"""Everybody who follows the account is written down when somebody asks for it, and it is told when WeChat counts others."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from ledger_cast import follow, leave
from push_cast import Office, campaign, each_office, office

from commands.follower import import_followers
from commands.push import push_preview
from jobs.audience import sizes
from jobs.followers import compare
from models import follower
from models.follower import followers

__all__ = ["each_office", "office"]


class TestFollowerImport:
    def test_writes_down_everybody_page_by_page(self, each_office: Office) -> None:
        office = each_office
        office.platform.limits.page = 120
        people = {office.platform.add_follower(f"职工{n}").openid for n in range(250)}
        said: list[str] = []

        assert import_followers(office.store, office.api, office.time.now, said.append) == 0

        assert known(office) == people
        assert "新记下或改正了 250 人" in said[-1]
        assert office.platform.log == []

    def test_that_was_broken_off_goes_on_where_it_was(self, office: Office) -> None:
        office.platform.limits.page = 100
        people = {office.platform.add_follower(f"职工{n}").openid for n in range(250)}
        said: list[str] = []
        office.platform.faults.add("user/get", errcode=0, times=3)  # the count, and two pages
        office.platform.faults.add("user/get", errcode=-1, times=None)
        assert import_followers(office.store, office.api, office.time.now, said.append) == 1
        assert len(known(office)) == 200
        assert "再运行一次 follower import" in said[-1]
        office.platform.faults.clear()
        asked = office.calls("user/info/batchget")

        assert import_followers(office.store, office.api, office.time.now, said.append) == 0

        assert known(office) == people
        assert office.calls("user/info/batchget") == asked + 1

    def test_corrects_who_was_taken_for_gone_and_believes_who_left_later(self, office: Office) -> None:
        back, gone = office.hires(2)
        leave(office.store, [back, gone])
        with office.store.writing() as connection:
            for openid, at in ((back, -2), (gone, 2)):
                moment = office.time.now() + timedelta(days=at)
                row = followers.update().where(followers.c.openid == openid)
                connection.execute(row.values(state_at=moment))

        import_followers(office.store, office.api, office.time.now, lambda _: None)

        assert known(office) == {back}

    def test_makes_a_push_to_everyone_reach_who_never_wrote(self, office: Office) -> None:
        for n in range(30):
            office.platform.add_follower(f"职工{n}")
        import_followers(office.store, office.api, office.time.now, lambda _: None)
        push_id = office.starts()

        office.works()

        assert office.books(push_id).sent == 30


class TestWeChatsCount:
    @pytest.mark.parametrize(("ours", "told"), [(0, True), (30, True), (99, False), (100, False)])
    def test_that_differs_from_ours_is_an_alarm_until_they_agree(
        self, office: Office, ours: int, told: bool
    ) -> None:
        people = [office.platform.add_follower(f"职工{n}").openid for n in range(100)]
        if ours:
            follow(office.store, people[:ours])

        compare(office.store, office.api, office.time.now)
        compare(office.store, office.api, office.time.now)

        assert any("follower import" in words for words in office.alarms()) == told
        assert office.calls("user/get") == 1
        import_followers(office.store, office.api, office.time.now, lambda _: None)
        assert office.alarms() == []

    def test_is_told_where_a_push_to_everyone_is_looked_over(self, office: Office) -> None:
        people = [office.platform.add_follower(f"职工{n}").openid for n in range(100)]
        follow(office.store, people[:30])
        said: list[str] = []

        year, account, when = (campaign(),), office.account, office.time.now()
        push_preview(
            office.store,
            year,
            account,
            "spring/greeting",
            when,
            sizes(office.audience, office.time.now()),
            said.append,
            office.api.total,
        )

        assert any("微信说有 100 位关注者，系统只认得 30 位" in words for words in said)


def known(office: Office) -> set[str]:
    with office.store.reading() as connection:
        query = sa.select(followers.c.openid).where(followers.c.subscribed)
        found = set(connection.execute(query).scalars())
        assert len(found) == follower.count(connection)
    return found
