"""Requests and opinions at the desk: what waits, what may be done, two colleagues at one request, and who never sees which."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from desk_cast import Colleague, deeds
from kind_cast import OPINION, POLL, REQUEST, Pages, Union, campaign
from poll_cast import ends, newest, votes
from test_photo import jpeg

from jobs.photos import Fetcher
from models import edition, objection, shift, step
from models import staff as people
from models.base import Store
from models.step import steps
from wx.client import Api, MemoryTokens
from wx.simulator import Phone
from wx.simulator.server import PlatformServer

DAY = timedelta(days=1)


class Hall:
    """A union that takes requests and opinions, and its desk."""

    def __init__(self, store: Store) -> None:
        self.union = Union(
            store, [campaign(REQUEST, request={**REQUEST["request"], "photos": True}), campaign(OPINION)]
        )
        self.store = store
        self.pages = Pages(self.union)

    def asks(self, name: str, words: str, unit: str = "", phone: str = "") -> Phone:
        """Somebody asks the union to settle something, and perhaps leaves a number."""
        browser, one = self.pages.browser(), self.union.phone(name)
        one.says("你好")
        browser.signs_in(one, "/h5/c/request")
        browser.opens(
            "/h5/c/request?what=make&topic=困难帮扶&kind=help" + ("&way=phone" if phone else "&way=chat")
        )
        given: dict[str, Any] = {"topic": "困难帮扶", "kind": "help", "words": words, "unit": unit}
        given |= {"photo": (io.BytesIO(b""), ""), "way": "phone" if phone else "chat"}
        given |= {"consent": "yes", "phone": phone} if phone else {}
        browser.sends("/h5/c/request", **given)
        assert "您的诉求是" in browser.text
        return one

    def waits(self, span: timedelta) -> None:
        self.union.waits(span)
        self.pages.parts.clock._asked = float("-inf")  # it looks again at once

    def colleague(self, login: str, *duties: str, scope: str = "") -> Colleague:
        found = Colleague(self.pages, login).is_let_in(*duties)
        with self.store.writing() as connection:
            mine = people.staff.c.login == login
            connection.execute(people.staff.update().where(mine).values(scope=scope))
        return found

    def kinds(self, number: int) -> list[str]:
        """The steps of a request."""
        with self.store.reading() as connection:
            return [each.kind for each in step.of(connection, number)]


@pytest.fixture
def hall(sqlite_store: Store) -> Iterator[Hall]:
    made = Hall(sqlite_store)
    yield made
    made.union.close()


def does(one: Colleague, number: int, deed: str, *words: str) -> str:
    """A form of the request's page, which is open."""
    seen = re.search(r'name="steps" value="(\d+)"', one.text)
    assert seen, one.text
    fields = {f"w{at}": word for at, word in enumerate(words, 1)}
    return one.sends(f"/console/request/{number}/do/{deed}", steps=seen[1], **fields)


def test_a_request_is_taken_answered_into_the_chat_and_closed(hall: Hall) -> None:
    wang = hall.asks("王师傅", "厂里三个月没发工资了")
    qian = hall.colleague("qian", "letter")

    assert "1 件诉求等受理" in qian.opens("/console/")
    assert "厂里三个月没发工资了" in qian.opens("/console/requests?state=new")
    page = qian.opens("/console/request/1")
    assert "还可在微信答复 47 小时" in page
    assert "1月13日" in page  # taken up by then
    does(qian, 1, "accept", "今天就去厂里")
    assert "会在微信里告诉他" in qian.text
    does(qian, 1, "progress", "厂里答应周五发")
    hall.waits(3 * DAY)
    assert "微信里现在不能答复" in qian.opens("/console/request/1")
    assert "已经写在他的“我的”里" in does(qian, 1, "answer", "工资周五发放")
    does(qian, 1, "reached", "打电话说了")
    assert "办结" in does(qian, 1, "close", "电话里说满意")

    told = wang.says("S1 查看")
    for words in ("已经受理：今天就去厂里", "答复：工资周五发放", "用别的办法告诉了您：打电话说了", "办结"):
        assert words in told
    assert hall.kinds(1) == ["received", "accepted", "progress", "answered", "reached", "closed"]
    assert [deed for who, deed, _ in deeds(hall.store) if who == "qian" and deed != "look"] == [
        "accept", "progress", "answer", "reached", "close",
    ]  # fmt: skip


def test_what_is_late_stands_first_and_somebody_is_told(hall: Hall) -> None:
    hall.asks("王师傅", "头一件事情")
    hall.waits(5 * DAY)
    hall.asks("李大姐", "第二件事情")
    hall.union.tends()
    qian = hall.colleague("qian", "letter")

    assert "1 件诉求超过了期限" in qian.opens("/console/")
    page = qian.opens("/console/requests")
    assert page.index("头一件事情") < page.index("第二件事情")
    assert "等受理，超期" in page
    assert "第二件事情" not in qian.opens("/console/requests?state=late")
    assert "第二件事情" in qian.opens("/console/requests?find=S2")
    assert "头一件事情" in qian.opens(
        "/console/requests?find=" + quote("权益保障部") + "&sort=received_at&down=1"
    )
    assert "超期次数" in qian.opens("/console/request/1")


def test_the_second_of_two_colleagues_is_told_and_keeps_the_words(hall: Hall) -> None:
    hall.asks("王师傅", "厂里三个月没发工资了")
    qian, sun = hall.colleague("qian", "letter"), hall.colleague("sun", "letter")
    qian.opens("/console/request/1")
    sun.opens("/console/request/1")
    does(qian, 1, "accept", "我来办")

    does(sun, 1, "answer", "写了很久的答复")
    assert sun.status == 409
    assert "刚有别人办了一步" in sun.text
    assert "写了很久的答复" in sun.text
    assert hall.kinds(1) == ["received", "accepted"]


def test_a_return_says_why_and_whose_and_the_second_goes_to_the_leader(hall: Hall) -> None:
    hall.asks("王师傅", "厂里三个月没发工资了")
    qian = hall.colleague("qian", "letter")
    qian.opens("/console/request/1")
    does(qian, 1, "return", "", "职工服务中心")
    assert "退回要写明理由" in qian.text
    does(qian, 1, "return", "这是区里的", "河东区总工会")
    does(qian, 1, "return", "也不是我们的", "纺织厂工会")

    assert "第二次退回，交给 职工服务中心 决定" in qian.text
    assert "建议交给 纺织厂工会" in qian.text
    does(qian, 1, "return", "还不是", "纺织厂工会")
    assert qian.status == 409
    assert "现在由负责人决定" in qian.text


def test_two_that_are_one_and_one_that_is_two_lead_to_each_other(hall: Hall) -> None:
    hall.asks("王师傅", "厂里三个月没发工资了")
    hall.asks("李大姐", "我们厂不发工资")
    qian = hall.colleague("qian", "lead")
    qian.opens("/console/request/2")
    does(qian, 2, "merge", "S1")
    assert '并入 <a href="/console/request/1">' in qian.text
    assert "并进来的" in qian.opens("/console/request/1")
    does(qian, 1, "split", "职工服务中心", "加班费也没有给")
    assert "拆出去的" in qian.text
    assert '拆自 <a href="/console/request/1">' in qian.opens("/console/request/3")
    assert "撤销合并" in qian.opens("/console/request/2")


def test_a_telephone_number_is_covered_shown_for_a_purpose_and_kept_nowhere_else(hall: Hall) -> None:
    hall.asks("王师傅", "厂里三个月没发工资了", phone="13812345678")
    qian = hall.colleague("qian", "letter")

    assert "138****5678" in qian.opens("/console/request/1")
    assert "13812345678" not in qian.text
    assert "/console/unmask/request/1" in qian.text
    assert "138****5678" in qian.opens("/console/unmask/request/1")
    assert "请先写明用途" in qian.sends("/console/unmask/request/1", purpose=" ")
    assert "13812345678" not in qian.text
    assert "13812345678" in qian.sends("/console/unmask/request/1", purpose="约他来签字")
    assert "13812345678" not in qian.opens("/console/request/1")
    assert deeds(hall.store).count(("qian", "look in clear", "request/1")) == 1
    with hall.store.reading() as connection:
        assert "13812345678" not in str(connection.execute(shift.shifts.select()).all())
        assert "13812345678" not in str(connection.execute(steps.select()).all())


class TestScope:
    """Nobody at or below the unit complained of sees it: in lists, counts, search, exports, pages and deeds."""

    def test_of_each_unit(self, hall: Hall) -> None:
        hall.asks("王师傅", "河东的人打人", unit="河东区")
        hall.asks("李大姐", "河东管的小事")
        qian = hall.colleague("qian", "letter")
        qian.opens("/console/request/2")
        does(qian, 2, "assign", "河东区总工会", "离得近")
        with hall.store.writing() as connection:  # as if somebody had settled it wrongly
            connection.execute(sa.text("update requests set owner_unit = '河东区/' where id = 1"))
        hall.waits(5 * DAY)
        hall.union.tends()
        east = hall.colleague("east", "lead", scope="河东区")
        works = hall.colleague("works", "lead", scope="河东区/纺织厂")

        assert "1 件诉求超过了期限" in east.opens("/console/")
        assert "有 2 件诉求超过了期限" not in east.text
        assert "有 2 件诉求超过了期限" in hall.colleague("zhao", "lead").opens("/console/")
        page = east.opens("/console/requests")
        assert "河东管的小事" in page
        assert "打人" not in page
        assert "没有找到" in east.opens("/console/requests?find=" + quote("打人"))
        assert "没有找到" in east.opens("/console/requests?find=S1")
        east.opens("/console/request/1")
        assert east.status == 404
        east.opens("/console/request/2")
        does(east, 1, "accept", "我来办")
        assert east.status == 404
        east.opens("/console/requests")
        taken = east.sends("/console/export/requests", purpose="看看", **{"as": "csv"})
        assert "河东管的小事" in taken
        assert "打人" not in taken
        assert "还没有人提诉求" in works.opens("/console/requests")
        works.opens("/console/request/2")
        assert works.status == 404
        for path in ("editions", "edition/1", "opinions", "entries", "alarms"):
            east.opens(f"/console/{path}")
            assert east.status == 403, path

    def test_the_activitys_page_shows_no_words_to_whoever_looks_after_activities(self, hall: Hall) -> None:
        hall.asks("王师傅", "厂里三个月没发工资了")
        li = hall.colleague("li", "campaign")
        with hall.store.reading() as connection:
            found = edition.latest(connection, "request")
        assert found
        page = li.opens(f"/console/edition/{found.id}")
        assert "没发工资" not in page
        assert "一件一件地看和办" not in page
        li.sends(f"/console/edition/{found.id}/do/answer", w0="S1", w1="好")
        assert li.status == 404
        assert "没发工资" not in li.sends(
            f"/console/export/edition/{found.id}", purpose="看", **{"as": "csv"}
        )
        assert (
            hall.colleague("qian", "letter").opens(f"/console/edition/{found.id}").count("/console/requests")
        )


class TestAnOpinion:
    def test_without_a_name_is_answered_read_by_its_code_and_shown_to_all(self, hall: Hall) -> None:
        browser = hall.pages.browser()
        browser.opens("/h5/opinion/say")
        page = browser.sends("/h5/opinion/say", topic="食堂", words="饭菜太咸了")
        code = re.search(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", page)
        assert code, page
        qian = hall.colleague("qian", "letter")

        assert "1 条意见等答复" in qian.opens("/console/")
        assert "饭菜太咸了" in qian.opens("/console/opinions?state=received")
        assert "饭菜太咸了" in qian.opens("/console/opinions?find=" + quote("太咸"))
        assert "没有找到" in qian.opens("/console/opinions?find=" + quote("太辣"))
        qian.opens("/console/opinions")
        link = re.search(r"/console/opinion/[0-9a-f]{32}", qian.text)
        assert link
        assert "没有署名：我们不知道是谁" in qian.opens(link[0])
        seen = re.search(r'name="seen" value="([^"]*)"', qian.text)
        assert seen
        qian.sends(f"{link[0]}/do/adopt", seen=seen[1], w1="下周起少放盐")
        assert "用查询码才看得到" in qian.text
        qian.sends(f"{link[0]}/do/show", seen=seen[1])
        assert qian.status == 409  # the page is the one from before
        qian.sends(f"{link[0]}/do/show", seen="adopted 下周起少放盐")
        assert "大家都看得到了" in qian.text
        assert "下周起少放盐" in hall.union.phone("李大姐").says(code[0])
        assert "下周起少放盐" in hall.pages.browser().opens("/h5/c/say")


class TestAPhoto:
    def test_from_the_page_or_the_chat_is_seen_by_whoever_may_see_the_request(self, hall: Hall) -> None:
        browser, wang, li = hall.pages.browser(), hall.union.phone("王师傅"), hall.union.phone("李大姐")
        browser.signs_in(wang, "/h5/c/request")
        browser.opens("/h5/c/request?what=make&topic=困难帮扶&kind=help&way=chat")
        given: dict[str, Any] = {
            "topic": "困难帮扶",
            "kind": "help",
            "words": "工资条在这里",
            "unit": "",
            "way": "chat",
        }
        browser.sends("/h5/c/request", **given, photo=(io.BytesIO(jpeg()), "a.jpg"))
        assert "您的诉求是 S1" in browser.text
        li.says("诉求")
        for said in ("困难帮扶", "咨询", "这是什么通知"):
            li.says(said)
        with PlatformServer(hall.union.platform) as far:
            account = hall.union.account.model_copy(update={"api_base": far.url})
            fetcher = Fetcher(hall.store, Api(account, MemoryTokens()), hall.union.clock.now)
            assert "照片收到了" in li.sends_picture(jpeg(400, 300))
            for said in ("1", "提交"):
                li.says(said)
            qian, sun = hall.colleague("qian", "letter"), hall.colleague("sun", "campaign")
            assert "正在从微信取来" in qian.opens("/console/request/2")
            assert fetcher.step() == 1

        for number in (1, 2):
            assert f"/console/request/{number}/photo/small" in qian.opens(f"/console/request/{number}")
            assert qian.client.get(f"/console/request/{number}/photo/large").data.startswith(b"\xff\xd8")
            assert sun.client.get(f"/console/request/{number}/photo/large").status_code == 403
            assert sun.client.get(f"/console/photo/{number}/large").status_code == 404
        east = hall.colleague("east", "letter", scope="河东区")
        assert east.client.get("/console/request/1/photo/large").status_code == 404
        with hall.store.reading() as connection:
            found = edition.latest(connection, "request")
        assert found
        page = sun.opens(f"/console/edition/{found.id}")
        assert "等您看的照片" not in page
        assert "让大家看到一张照片" not in page


def test_an_objection_to_a_posted_result_is_a_request_that_its_person_follows(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [campaign(POLL), campaign(REQUEST)])
    union.tends()
    wang, li = union.phone("王师傅"), union.phone("李大姐")
    votes(union, wang, "3")
    ends(union)
    union.staff_does("post", "名单贴在职工服务中心。")
    told = votes(union, li, "张明", "他的票是花钱买的，有转账记录", "1")
    union.staff_does("note-objection", "0", "来信：没有人监督计票")
    pages = Pages(union)
    qian = Colleague(pages, "qian").is_let_in("letter")

    assert "回复“S1 查看”" in told
    assert "职工诉求" in li.says("我的") or "S1" in li.says("我的")
    assert "3 号 张明，他的票是花钱买的" in qian.opens("/console/request/1")
    assert "投票公示期里的异议" in qian.text
    assert "没有人监督计票" in qian.opens("/console/request/2")
    qian.opens("/console/request/1")
    assert "写明成立还是不成立" in does(qian, 1, "answer", "不归我管")
    union.staff_does("settle", "1", "不成立", "查过银行流水")
    union.staff_does("settle", "2", "成立", "补了监督记录")
    assert "答复：不成立，查过银行流水" in li.says("S1 查看")
    with union.store.reading() as connection:
        assert {one.state for one in objection.of_edition(connection, newest(union))} == {
            "upheld",
            "dismissed",
        }
        states = connection.execute(sa.text("select state from requests order by id")).scalars().all()
    assert states == ["answered", "answered"]
    union.close()
