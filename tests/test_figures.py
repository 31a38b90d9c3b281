"""数据 at the desk: what came of the account, the whole and each part, on the page and in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from desk_cast import Colleague, Pages, Union, deeds
from kind_cast import NOON, REQUEST, WISH, campaign
from union_cast import NOW, settled

from campaigns.kind import Setting
from campaigns.kinds.request_rules import Rules, terms
from commands.union import move
from jobs import editions
from models import binding, edition, entry, figures, month, request, step, union
from models import staff as people
from models.base import Connection, Store
from models.request import requests
from models.step import steps
from wx.simulator import Phone

NEXT = NOW + timedelta(days=31)  # the list was brought in at `NOW`


@pytest.fixture
def city(sqlite_store: Store, tmp_path: Path) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(WISH), campaign(REQUEST)])
    settled(sqlite_store, tmp_path)
    made.tends()
    yield made
    made.close()


def wishes(city: Union, name: str, code: str) -> Phone:
    """Somebody of this union, who made a wish."""
    phone = city.phone(name)
    with city.store.writing() as connection:
        one = union.coded(connection, code)
        assert one
        binding.bind(connection, phone.openid, one.id, binding.SCAN, NOON)
        found = edition.latest(connection, "spring-wish")
        assert found
        new = entry.New(found.id, phone.openid, "1", "chat", NOON, "您的心愿是 1 号。")
        assert entry.write(connection, new)
    return phone


def table(page: str, title: str) -> list[list[str]]:
    """The cells of the table below this heading."""
    body = page.partition(f"<h2>{title}</h2>")[2].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [
            re.sub(r"<[^>]*>", "", cell).strip()
            for cell in re.findall(r"<t[hd](?! class=\"bar\")[^>]*>.*?</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


class TestThePage:
    def test_tells_members_activities_messages_and_requests(self, city: Union) -> None:
        wishes(city, "王师傅", "018")
        wishes(city, "李师傅", "019")
        wang = Colleague(Pages(city)).is_let_in("lead")

        page = wang.opens("/console/figures")

        assert table(page, "会员和绑定")[0] == ["现在", "4", "2", "50.0%"]
        (wish,) = [row for row in table(page, "活动") if row[0].startswith("春节发福利")]
        assert wish[-2:] == ["2", "50.0%"]
        assert table(page, "关注")[0][:2] == ["2027-01", "2"]
        assert table(page, "来信")[0] == ["2027-01", "2"]
        assert '<rect width="100"' in page
        assert "style=" not in page

    def test_tells_each_union_and_the_rows_make_up_the_city(self, city: Union) -> None:
        wishes(city, "王师傅", "018")
        wishes(city, "李师傅", "020")
        wishes(city, "孙师傅", "019")
        wishes(city, "局里的", "211100")
        wang = Colleague(Pages(city)).is_let_in("lead")
        wang.opens("/console/figures")
        link = re.search(r'<a href="(/console/figures/edition/\d+)">春节发福利', wang.text)
        assert link

        rows = table(wang.opens(link[1]), "春节发福利：各单位")

        assert [(row[0], row[4]) for row in rows] == [
            ("双台子区总工会", "2"), ("大洼区总工会", "1"), ("盘锦市总工会本级", "1"), ("合计", "4"),
        ]  # fmt: skip
        for column in range(1, 5):
            assert sum(int(row[column]) for row in rows[:-1]) == int(rows[-1][column])

    def test_keeps_a_month_that_is_over_as_it_was(self, city: Union) -> None:
        with city.store.reading() as connection:
            before = figures.members(connection, NOON, "2111/").rows[0]
        move(city.store, "018", "2112", NEXT)
        move(city.store, "018", "2111", NEXT + timedelta(days=1))
        move(city.store, "018", "2112", NEXT + timedelta(days=2))

        with city.store.reading() as connection:
            rows = figures.members(connection, NEXT, "2111/").rows

        assert rows[0][:2] == ("现在", 0)
        assert rows[1] == ("2027-03", *before[1:])

    def test_is_taken_away_with_a_purpose(self, city: Union) -> None:
        wishes(city, "王师傅", "018")
        wang = Colleague(Pages(city)).is_let_in("lead")
        wang.opens("/console/figures")

        taken = wang.sends("/console/export/figures/activities", purpose="半年报", **{"as": "csv"})

        assert "春节发福利" in taken
        assert ("wang", "export", "figures-activities") in deeds(city.store)
        wang.opens("/console/figures")
        wang.sends("/console/export/figures/nothing", purpose="半年报", **{"as": "csv"})
        assert wang.status == 404

    def test_says_what_will_stand_there_before_there_is_anything(self, sqlite_store: Store) -> None:
        union_ = Union(sqlite_store)
        page = Colleague(Pages(union_)).is_let_in("guide").opens("/console/figures")
        union_.close()

        assert "导入名单以后，这里就有数" in page
        assert "还没有开过活动" in page

    def test_counts_requests_in_time_and_who_was_content(self, city: Union) -> None:
        with city.store.writing() as connection:
            one = edition.latest(connection, "request")
            assert one
            for number, (level, reopens, by) in enumerate(
                [(0, 0, "person"), (0, 0, "clock"), (1, 1, "person"), (0, 0, "person")]
            ):
                new = request.New(one.id, "request", f"o{number}", "help", "食堂", "职工服务中心")
                asked = made(connection, new)
                values = {"level": level, "reopens": reopens, "state": "closed"}
                connection.execute(requests.update().where(requests.c.id == asked).values(values))
                row = {
                    "request_id": asked,
                    "at": NOON,
                    "by": by,
                    "kind": step.CLOSED,
                    "owner": "",
                    "words": "",
                    "note": "",
                }
                connection.execute(steps.insert().values(row))

        with city.store.reading() as connection:
            row = figures.kept(connection, NOON, "").rows[0]

        assert row == ("2027-01", 4, 3, "75.0%", 3, "66.7%")


class TestAPart:
    def test_reads_its_own_and_nothing_of_the_whole(self, city: Union) -> None:
        wishes(city, "王师傅", "018")
        wishes(city, "李师傅", "019")
        county = Colleague(Pages(city), "qu").is_let_in("lead")
        with city.store.writing() as connection:
            connection.execute(people.staff.update().values(scope="2111"))

        page = county.opens("/console/figures")

        assert table(page, "会员和绑定")[0] == ["现在", "3", "1", "33.3%"]
        (wish,) = [row for row in table(page, "活动") if row[0].startswith("春节发福利")]
        assert wish[1:] == ["1", "33.3%"]
        assert "<h2>来信</h2>" not in page
        assert "<h2>关注</h2>" not in page
        link = re.search(r'<a href="(/console/figures/edition/\d+)">春节发福利', page)
        assert link
        page = county.opens(link[1])
        assert "红海滩" not in page
        assert table(page, "春节发福利：各单位")[-1][:2] == ["合计", "3"]
        county.sends("/console/export/figures/growth", purpose="看看", **{"as": "csv"})
        assert county.status == 404


def made(connection: Connection, new: request.New) -> int:
    return request.receive(connection, new, terms(Rules(), "help", Setting()), NOON).id


def test_the_month_is_written_down_by_the_clock_once(city: Union) -> None:
    for at in (NEXT, NEXT + timedelta(days=1)):
        with city.store.writing() as connection:
            editions.sweep(connection, at, at)

    with city.store.reading() as connection:
        assert month.known(connection) == ["2027-03"]
        assert month.of_month(connection, "2027-03")[""].members == 4


def test_a_month_before_the_first_list_came_has_no_figures(city: Union) -> None:
    with city.store.writing() as connection:
        editions.sweep(connection, NOW, NOW)

        assert month.known(connection) == []
