"""A day at the desk: pushes looked at, started and stopped, wishes moderated, tables taken away; and what stands in them shown as text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from desk_cast import Colleague, Pages, Union, deeds
from kind_cast import NOON, WISH, campaign
from push_cast import Office
from simulator_cast import Time
from spring_cast import campaign as pushed

from campaigns.approval import Approvals
from campaigns.year import Due
from commands.push import push_test
from jobs.push import plan_of
from models import push, shared
from models.base import Store
from models.entry import entries
from models.wish import wishes
from web import Demo

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{ 7*7 }}",
    "</textarea><svg/onload=alert(1)>",
    "javascript:alert(1)",
)
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1+1")


class Day:
    """A house with wishes and a push, somebody who sends, and the desk."""

    def __init__(self, store: Store, folder: Path, approvals: int = 0) -> None:
        self.store = store
        self.folder = folder
        year = [campaign(WISH), pushed(at=NOON + timedelta(days=30))]
        self.union = Union(store, year)
        self.office = Office(store, folder, time_=Time(NOON + timedelta(hours=1)))
        self.pages = Pages(self.union, **self.more(approvals))

    def more(self, approvals: int) -> dict[str, object]:
        wanted = self.union.campaigns[1].pushes[0]
        due = wanted.next_due(NOON)
        assert due
        return {
            "plan": plan_of,
            "approvals": Approvals(approvals, self.folder, live=True),
            "size": lambda audience: 3,
            "where": lambda name: "config.toml 第 12 行",
            "year": lambda: [Due(wanted.name, "春天", due, "模板消息", "coming")],
            "test": self.tests,
            "ways": {"template": "模板消息"},
        }

    def tests(self, name: str, openid: str) -> str:
        """As app.py hands it to the desk."""
        said: list[str] = []
        office = self.office
        push_test(
            self.store, self.union.campaigns, office.account, office.channels(), name, openid, said.append
        )
        return "".join(said)

    def colleague(self, login: str, *duties: str) -> Colleague:
        return Colleague(self.pages, login).is_let_in(*duties)

    def sends(self, *there: Colleague) -> None:
        """The worker does its work; its clock is years ahead of the wall, so that it takes the colleagues for long gone."""
        self.office.works()
        for one in there:
            one.is_let_in()

    def wishes(self, who: str, words: str) -> None:
        browser = self.pages.browser()
        browser.signs_in(self.union.phone(who))
        browser.opens("/h5/c/spring-wish?what=make")
        browser.sends("/h5/c/spring-wish", words=words)

    def edition(self) -> int:
        with self.store.reading() as connection:
            return int(connection.execute(sa.text("select id from editions")).scalar_one())

    def close(self) -> None:
        self.office.close()
        self.union.close()


@pytest.fixture
def day(sqlite_store: Store, tmp_path: Path) -> Iterator[Day]:
    made = Day(sqlite_store, tmp_path)
    yield made
    made.close()


class TestAPush:
    def test_is_looked_at_started_with_a_question_and_watched_to_its_end(self, day: Day) -> None:
        day.office.hires(3)
        qian = day.colleague("qian", "push")

        assert "/console/plan/spring/greeting" in qian.opens("/console/year")
        assert "春天" in qian.opens("/console/calendar/" + str(2027 * 12 + 1))
        page = qian.opens("/console/plan/spring/greeting")
        assert "config.toml 第 12 行" in page
        assert "元宵灯谜" in page
        assert "现在 3 人" in page
        qian.sends("/console/plan/spring/greeting/start")
        assert "发出去收不回来" in qian.text
        with day.store.reading() as connection:
            assert push.latest(connection, "spring/greeting") is None  # nothing before the answer
        qian.is_sure()
        assert "正在准备名单" in qian.text

        day.sends(qian)
        page = qian.opens(qian.path)
        assert "已发完" in page
        assert "共 3 份" in page
        assert ("qian", "start", "spring/greeting") in deeds(day.store)
        assert day.office.platform.log
        number = qian.path.rpartition("/")[2]
        assert qian.opens(f"/console/deliveries?of={number}&state=sent").count("已发</td>") == 3
        assert ("qian", "look", "deliveries") in deeds(day.store)

    def test_goes_to_one_phone_first_outside_the_books(self, day: Day) -> None:
        (me,) = day.office.hires(1)
        qian = day.colleague("qian", "push")
        qian.opens("/console/plan/spring/greeting")

        assert "已发出一份测试" in qian.sends("/console/plan/spring/greeting/test", openid=me)
        assert len(day.office.platform.log) == 1
        with day.store.reading() as connection:
            assert push.latest(connection, "spring/greeting") is None
        assert ("qian", "test", "spring/greeting") in deeds(day.store)

    def test_is_paused_at_once_goes_on_and_is_cancelled_only_with_a_question(self, day: Day) -> None:
        day.office.hires(2)
        number = day.office.starts(asked=True)
        qian, at = day.colleague("qian", "push"), f"/console/push/{number}"
        qian.opens(at)
        assert "暂停了" in qian.sends(f"{at}/pause")
        assert "qian 同志暂停了它" in qian.opens("/console/")

        day.sends(qian)
        assert day.office.stands(number).state == push.PAUSED
        qian.opens(at)
        qian.sends(f"{at}/resume")
        assert "继续发送" in qian.is_sure()
        qian.sends(f"{at}/cancel")
        assert day.office.stands(number).state == push.DUE
        assert "取消了" in qian.is_sure()
        assert day.office.stands(number).state == push.CANCELLED

    def test_does_not_leave_before_another_colleague_approved_it(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        day = Day(sqlite_store, tmp_path, approvals=1)
        try:
            qian, zhao = day.colleague("qian", "push"), day.colleague("zhao", "lead")
            day.union.waits(timedelta(days=24))
            day.pages = Pages(day.union, **day.more(1))
            qian, zhao = day.colleague("qian", "push"), day.colleague("zhao", "lead")
            assert "还差 1 位同志批准，2027-02-11 12:00 要发" in zhao.opens("/console/")
            assert "还差 1 位" in qian.opens("/console/plan/spring/greeting")
            qian.sends("/console/plan/spring/greeting/start")
            assert "没有开始：还差 1 位" in qian.is_sure()
            zhao.opens("/console/plan/spring/greeting")
            assert "批准够了" in zhao.sends("/console/plan/spring/greeting/approve")
            assert ("zhao", "approve", "spring/greeting") in deeds(day.store)
        finally:
            day.close()

    def test_all_stop_when_anybody_presses_the_red_button(self, day: Day) -> None:
        day.office.hires(1)
        number = day.office.starts(asked=True)
        li = day.colleague("li", "letter")
        li.opens("/console/")
        li.sends("/console/halt")
        with day.store.reading() as connection:
            assert shared.halted(connection) is None  # asked first
        li.is_sure()
        day.sends(li)

        assert day.office.stands(number).state == push.DUE
        assert day.office.platform.log == []
        assert "所有发送都停着" in li.opens("/console/")


class TestAnActivity:
    def test_shows_what_waits_and_the_desk_does_the_same_deeds_as_the_command(self, day: Day) -> None:
        day.wishes("王师傅", "我想赌博")
        sun, at = day.colleague("sun", "campaign"), f"/console/edition/{day.edition()}"

        assert "有内容等您看" in sun.opens("/console/")
        assert "我想赌博" in sun.opens(at)
        page = sun.sends(f"{at}/do/hide", w0="1", w1="这里不能写这个")
        assert "没有公开" in page
        assert ("sun", "hide", f"spring-wish/{day.edition()}") in deeds(day.store)
        assert "有内容等您看" not in sun.opens("/console/")
        told = re.search(r"/console/push/\d+", sun.opens("/console/pushes"))
        assert told
        assert "发给这件事关系到的人" in sun.opens(told[0])
        again = sun.sends(f"{at}/do/hide", w0="99", w1="写错的理由还在")
        assert sun.status == 409
        assert "没有 99 号心愿" in again
        assert "写错的理由还在" in again

    def test_gives_its_tables_only_with_a_purpose_and_no_cell_runs(self, day: Day) -> None:
        for number, words in enumerate(FORMULAS):
            day.wishes(f"职工{number}", words)
        sun, at = day.colleague("sun", "campaign"), f"/console/edition/{day.edition()}"
        sun.opens(at)
        export = f"/console/export/edition/{day.edition()}"
        assert "先写明用途" in sun.sends(export)

        answer = sun.client.post(export, data={"csrf": sun.csrf(), "purpose": "福利会议", "as": "csv"})
        cells = [cell for line in answer.get_data(as_text=True).splitlines() for cell in line.split(",")]
        assert any(cell == "'=1+1" for cell in cells)
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "-1"))]
        answer = sun.client.post(export, data={"csrf": sun.csrf(), "purpose": "福利会议", "as": "xlsx"})
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        assert not [cell for sheet in book for row in sheet for cell in row if cell.data_type == "f"]
        assert [row for row in deeds(day.store) if row[1] == "export"]


def test_duties_go_to_another_in_one_step_with_a_sheet_of_what_is_open(day: Day) -> None:
    day.wishes("王师傅", "我想赌博")
    sun, qian = day.colleague("sun", "campaign"), day.colleague("qian", "push")
    an = day.colleague("an", "security")
    assert qian.opens(f"/console/entries?of={day.edition()}")
    assert qian.status == 403
    an.opens("/console/colleague/sun")
    an.sends("/console/colleague/sun/hand-over", to="qian")
    sheet = an.is_sure()

    assert "“春节发福利”有内容等您看" in sheet
    assert "春节发福利，2027年2月1日" in sheet
    assert "我想赌博" not in sheet
    assert "登录工作台" in sun.opens("/console/")
    qian.opens(f"/console/entries?of={day.edition()}")
    assert qian.status == 200
    assert ("an", "hand over", "staff/sun") in deeds(day.store)


def test_what_people_wrote_is_shown_as_text_on_every_page(day: Day) -> None:
    for number, words in enumerate(PAYLOADS):
        day.wishes(f"职工{number}", words)
    with day.store.writing() as connection:
        shared.halt(connection, PAYLOADS[0], NOON)
        connection.execute(sa.update(entries).values(told=PAYLOADS[0], number=PAYLOADS[1][:32]))
        connection.execute(sa.update(wishes).values(reason=PAYLOADS[1]))
    zhao = day.colleague("zhao", "lead")
    for path in ("/console/", f"/console/edition/{day.edition()}", f"/console/entries?of={day.edition()}",
                 "/console/audit?find=%3Cscript%3Ealert(1)%3C/script%3E"):  # fmt: skip
        page = zhao.opens(path)
        assert zhao.status == 200
        for payload in (PAYLOADS[0], PAYLOADS[1], PAYLOADS[4]):
            assert payload not in page, path
        assert "nonce-" in zhao.client.get(path).headers["Content-Security-Policy"]


def test_a_demonstration_lets_one_be_any_of_five_colleagues_at_a_click(day: Day) -> None:
    demo = Demo("http://127.0.0.1:1", lambda: None)
    visitor = Colleague(Pages(day.union, **day.more(0), demo=demo))

    assert "/console/" in visitor.opens("/")
    assert visitor.opens("/console/").count("/console/sign-in/as/") == 5
    assert "钱干事（推送）" in visitor.sends("/console/sign-in/as/qian")
    stranger = Colleague(day.pages)
    stranger.opens("/console/sign-in")
    stranger.sends("/console/sign-in/as/qian")
    assert stranger.status == 404


def test_a_list_turns_sorts_finds_and_asks_the_database_as_often_for_many_rows_as_for_few(day: Day) -> None:
    people = day.office.hires(130)
    number = day.office.starts(asked=True)
    day.office.works()
    zhao = day.colleague("zhao", "lead")

    first = zhao.opens(f"/console/deliveries?of={number}")
    assert first.count("<tr>") == 51
    assert "下一页" in first
    assert len(first) < 200_000
    assert queries(day.store, lambda: zhao.opens(f"/console/deliveries?of={number}")) == queries(
        day.store, lambda: zhao.opens(f"/console/deliveries?of={number}&find={people[7]}")
    )
    assert zhao.opens(f"/console/deliveries?of={number}&page=3").count("<tr>") == 31
    assert zhao.opens(f"/console/deliveries?of={number}&find={people[7]}").count("<tr>") == 2
    assert 'aria-sort="descending"' in zhao.opens(f"/console/deliveries?of={number}&sort=recipient&down=1")
    assert "看全部" in zhao.opens(f"/console/deliveries?of={number}&find=nobody")


def queries(store: Store, look: Callable[[], str]) -> int:
    """How often the database is asked for one page."""
    asked: list[str] = []
    with store.reading() as connection:
        engines = {store.engine, connection.engine}
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    look()
    return len(asked)
