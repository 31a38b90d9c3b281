"""A request's life: what its person is promised and told, what the staff do with it, and who of them never sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kind_cast import REQUEST, Pages, Union, campaign

from campaigns import desk
from campaigns import taking_part as door
from campaigns.kind import Impossible, Setting, Work, rules_of
from commands.campaign import campaign_export
from ground.workdays import Holiday, workdays
from models import alarm, edition, holder, request, scope, step
from models.base import Store
from models.delivery import deliveries
from models.push import pushes
from models.request import Request
from models.scope import Wanted
from wx.simulator import Phone

DAY = timedelta(1)


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(REQUEST)])
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = Union(store, [campaign(REQUEST)])
    yield made
    made.close()


def asks(union: Union, name: str, words: str, unit: str = "") -> Phone:
    """Somebody asks the union to settle something, and perhaps says of which unit."""
    phone = union.phone(name)
    if "您想做什么" in opens(union, phone):
        phone.says("1")
    for said in ("困难帮扶", "求助解决", words, unit or "跳过", "1", "提交"):
        phone.says(said)
    return phone


def called(phone: Phone) -> str:
    """What the request that was just made is called."""
    found = re.search(r"您的诉求是 (S\d+)", phone.last)
    assert found is not None, phone.last
    return found[1]


def opens(union: Union, phone: Phone) -> str:
    """Taps the menu item, a second later than before, and goes into the request's form."""
    union.waits(timedelta(seconds=1))
    phone.taps("YEAR")
    return phone.says("1")


def one(union: Union, number: int = 1) -> Request:
    with union.store.reading() as connection:
        found = request.get(connection, number)
    assert found is not None
    return found


def refused(union: Union, *words: str) -> None:
    with pytest.raises(SystemExit):
        union.staff_does(*words)


def told(union: Union, phone: Phone) -> list[str]:
    """The notices that are owed to somebody."""
    query = sa.select(pushes.c.content).join(deliveries, deliveries.c.push_id == pushes.c.id)
    with union.store.reading() as connection:
        found = connection.execute(query.where(deliveries.c.recipient == phone.openid).order_by(pushes.c.id))
        return [str(content) for (content,) in found]


def test_a_request_is_promised_its_days_answered_in_the_chat_and_every_step_is_on_its_time_line(
    everywhere: Union,
) -> None:
    wang = asks(everywhere, "王师傅", "厂里三个月没发工资了")
    promised, number = wang.last, called(wang)
    everywhere.staff_does("accept", number, "今天就去厂里")
    everywhere.staff_does("ask", number, "哪三个月")
    everywhere.waits(DAY)
    opens(everywhere, wang)
    for said in ("补充", "1", "九月到十一月", "提交"):
        wang.says(said)
    everywhere.staff_does("answer", number, "工资周五发放")

    # received on Tuesday at noon: a working day later, and fifteen
    assert number in promised
    assert "1月13日前有人受理" in promised
    assert "2月2日前答复" in promised
    assert [
        words
        for words in ("已经受理", "哪三个月", "工资周五发放")
        if words in " ".join(told(everywhere, wang))
    ] == [
        "已经受理",
        "哪三个月",
        "工资周五发放",
    ]
    line = wang.says(f"{number.lower()} 查看")
    for words in (
        "收到了",
        "已经受理：今天就去厂里",
        "请您补充：哪三个月",
        "您说：九月到十一月",
        "答复：工资周五发放",
    ):
        assert words in line
    assert number in wang.says("我的")
    assert "工资周五发放" not in everywhere.phone("李大姐").says(f"{number} 查看")
    assert one(everywhere, int(number[1:])).state == step.ANSWERED


def test_the_page_shows_the_time_line_and_promises_no_message_where_wechat_allows_none(union: Union) -> None:
    asks(union, "王师傅", "厂里三个月没发工资了")
    union.waits(timedelta(days=3))
    browser = Pages(union).browser()
    browser.signs_in(union.phone("李大姐"), "/h5/c/request")
    union.waits(timedelta(days=3))
    sent = browser.sends("/h5/c/request", topic="困难帮扶", kind="ask", words="困难补助怎么申请", way="chat")

    assert "您的诉求是 S2" in sent
    assert "直接发给您" not in sent
    assert "“S2 查看”" in sent
    union.staff_does("answer", "S2", "带身份证来")
    assert "答复：带身份证来" in browser.opens("/h5/me")


def test_an_answer_after_the_window_is_not_sent_and_the_staff_read_the_other_way(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    wang = asks(union, "王师傅", "厂里三个月没发工资了")
    union.staff_does("accept", "S1", "去厂里")
    assert "还可在微信答复 47 小时 · 5 条" in capsys.readouterr().out
    union.waits(timedelta(hours=49))
    union.staff_does("answer", "S1", "工资周五发放")

    assert "微信里现在不能答复" in capsys.readouterr().out
    assert not any("周五" in words for words in told(union, wang))
    assert "工资周五发放" in wang.says("S1 查看")


def test_who_is_not_content_has_it_opened_again_once_and_thanks_start_nothing(union: Union) -> None:
    wang = asks(union, "王师傅", "厂里三个月没发工资了")
    union.staff_does("answer", "S1", "等通知")
    opens(union, wang)
    for said in ("不满意", "1", "没有说哪天", "提交"):
        wang.says(said)
    assert "重新办理" in wang.last
    assert (one(union).reopens, one(union).state, one(union).owner) == (1, "new", "职工服务中心")
    union.staff_does("answer", "S1", "周五")
    assert "不满意" not in opens(union, wang)
    wang.says("谢谢")
    assert one(union).due_at is None


def test_what_is_not_ours_goes_back_with_a_reason_and_the_second_time_to_the_leader_while_the_days_run_on(
    union: Union,
) -> None:
    asks(union, "王师傅", "厂里三个月没发工资了")
    due = one(union).due_at
    refused(union, "return", "S1", "不归我们", "权益保障部")
    refused(union, "return", "S1", "", "河东区总工会")
    union.staff_does("return", "S1", "属地管理", "河东区总工会")
    assert (one(union).owner, one(union).owner_unit) == ("河东区总工会", "河东区/")
    union.staff_does("return", "S1", "也不归我们", "权益保障部")
    assert one(union).owner == "职工服务中心"
    refused(union, "return", "S1", "不归我们", "权益保障部")

    assert one(union).due_at == due


def test_a_deadline_that_passes_is_told_upward_once_and_nothing_escalates_that_was_answered_or_merged(
    union: Union,
) -> None:
    for name in ("王师傅", "李大姐", "小张"):
        asks(union, name, "食堂太贵了")
    union.staff_does("answer", "S2", "已经降价")
    union.staff_does("merge", "S3", "S1")
    union.waits(4 * DAY)
    union.tends()
    union.tends()
    levels = [one(union, number).level for number in (1, 2, 3)]
    with union.store.reading() as connection:
        alarms = [each.words for each in alarm.standing(connection)]
    union.staff_does("answer", "S1", "已经降价")
    union.tends()
    with union.store.reading() as connection:
        left = [each.words for each in alarm.standing(connection) if "诉求" in each.words]

    assert levels == [1, 0, 0]
    assert any("1 件诉求超过了期限" in words for words in alarms)
    assert left == []


def test_the_answer_reaches_both_whose_requests_are_one_and_a_part_of_one_keeps_its_first_day(
    union: Union,
) -> None:
    wang, li = asks(union, "王师傅", "食堂太贵了，宿舍也冷"), asks(union, "李大姐", "食堂太贵了")
    union.staff_does("merge", "S2", "S1")
    union.waits(DAY)
    union.staff_does("split", "S1", "权益保障部", "宿舍冷")
    union.staff_does("answer", "S1", "食堂已经降价")

    assert all(any("降价" in words for words in told(union, each)) for each in (wang, li))
    assert "答复：食堂已经降价" in li.says("S2 查看")
    assert "宿舍冷" in wang.says("S3 查看")
    assert one(union, 3).received_at == one(union, 1).received_at
    assert one(union, 3).split_from == 1


def test_holidays_of_the_config_move_the_days(union: Union) -> None:
    named = Holiday.model_validate({"name": "厂庆", "from": "2027-01-13", "to": "2027-01-15"})
    union.campaigns[0]._calendar = type(union.campaigns[0].calendar)(workdays([named]))
    union.restarts()
    wang = asks(union, "王师傅", "厂里三个月没发工资了")

    assert "1月18日前有人受理" in wang.last


class TestWhoSees:
    def sees(self, union: Union, path: str) -> tuple[list[int], int, list[int], str]:
        """What the staff of a unit find: in the list, in the count, in the search, in what they may take away."""
        with union.store.reading() as connection:
            found = edition.latest(connection, "request")
            assert found is not None
            listed = [each.id for each in scope.listed(connection, ["request"], path, Wanted())]
            number = sum(scope.counted(connection, ["request"], path, Wanted()).values())
            searched = [
                each.id for each in scope.listed(connection, ["request"], path, Wanted(words="师傅打人"))
            ]
            return listed, number, searched, repr(desk.tables(connection, found, path))

    def test_nobody_at_or_below_the_unit_complained_of_sees_it_anywhere(self, everywhere: Union) -> None:
        number = called(asks(everywhere, "王师傅", "纺织厂的师傅打人", "纺织厂"))
        asks(everywhere, "李大姐", "食堂太贵了", "河西区")
        everywhere.staff_does("assign", number, "河东区总工会", "属地")
        refused(everywhere, "assign", number, "纺织厂工会", "离得近")

        assert self.sees(everywhere, "河东区/")[:3] == ([int(number[1:])], 1, [int(number[1:])])
        assert "打人" in self.sees(everywhere, "河东区/")[3]
        for path in ("河东区/纺织厂/", "河西区/", "河东/"):
            listed, number, searched, tables = self.sees(everywhere, path)
            assert (listed, number, searched) == ([], 0, [])
            assert "打人" not in tables

    def test_who_turns_out_to_be_complained_of_loses_it_at_once_and_cannot_touch_it(
        self, union: Union
    ) -> None:
        asks(union, "王师傅", "那个厂的师傅打人", "那个厂")
        refused(union, "assign", "S1", "纺织厂工会", "离得近")  # nobody has settled which one it is
        union.staff_does("against", "S1", "无")
        union.staff_does("assign", "S1", "纺织厂工会", "离得近")
        assert self.sees(union, "河东区/纺织厂/")[1] == 1
        union.staff_does("against", "S1", "河东区")

        assert self.sees(union, "河东区/纺织厂/")[:3] == ([], 0, [])
        assert one(union).owner == "职工服务中心"
        with union.store.writing() as connection:
            found = edition.latest(connection, "request")
            assert found is not None
            kind = door.kind_of(found)
            work = Work(
                connection, found, rules_of(kind, found), "x", union.clock.now(), Setting(), "河东区/"
            )
            with pytest.raises(Impossible, match="没有编号"):
                kind.deeds["accept"].act(work, ["S1", "看看"])

    def test_the_export_names_nobody_and_nothing_in_it_runs(self, union: Union, tmp_path: Path) -> None:
        wang = asks(union, "王师傅", "=HYPERLINK(1) 食堂太贵了")
        campaign_export(union.store, "request", tmp_path)
        text = "".join(path.read_text("utf-8-sig") for path in tmp_path.glob("*.csv"))

        assert "食堂太贵了" in text
        assert ",=HYPERLINK" not in text
        assert wang.openid not in text


def test_who_leaves_is_forgotten_and_an_open_request_is_kept_without_a_way_back(everywhere: Union) -> None:
    wang = asks(everywhere, "王师傅", "厂里三个月没发工资了")
    first = called(wang)
    second = called(asks(everywhere, "王师傅", "食堂太贵了"))
    everywhere.staff_does("answer", second, "已经降价")
    everywhere.staff_does("ask", first, "哪三个月")
    wang.unfollows()
    everywhere.tends()

    assert (one(everywhere, int(first[1:])).openid, one(everywhere, int(first[1:])).words) == (
        None,
        "厂里三个月没发工资了",
    )
    assert one(everywhere, int(first[1:])).state == "in work"  # nobody will answer the question
    assert (one(everywhere, int(second[1:])).openid, one(everywhere, int(second[1:])).words) == (None, "")
    everywhere.staff_does("answer", first, "工资周五发放")
    everywhere.waits(DAY)
    everywhere.tends()
    assert (one(everywhere, int(first[1:])).state, one(everywhere, int(first[1:])).words) == (step.CLOSED, "")
    with everywhere.store.reading() as connection:
        assert holder.export(connection, wang.openid)["诉求"] == []


def test_what_is_open_at_the_end_of_the_year_goes_on(union: Union) -> None:
    wang = asks(union, "王师傅", "厂里三个月没发工资了")
    union.waits(datetime(2028, 1, 4, 4, tzinfo=UTC) - union.clock.now())
    union.tends()
    opens(union, wang)
    for said in ("补充", "1", "还没有发", "提交"):
        wang.says(said)
    union.staff_does("answer", "S1", "今天发")

    assert one(union).level >= 1
    assert "答复：今天发" in wang.says("S1 查看")
    with union.store.reading() as connection:
        assert len(edition.of(connection, "request")) == 2


class TestTheDirectory:
    def test_an_entry_leads_into_a_request_that_knows_what_it_is_about(self, union: Union) -> None:
        wang = union.phone("王师傅")
        assert "提诉求" in wang.says("困难帮扶")
        asked = wang.says("提诉求")
        assert "哪方面的事" in asked  # typed: nothing is known of the entry
        wang.says("00")
        browser = Pages(union).browser()
        page = browser.opens("/guide/hardship")
        assert "请工会的人来办" in page
        browser.signs_in(wang, "/h5/c/request")
        form = browser.opens("/h5/c/request?what=make&topic=困难帮扶")
        assert "困难帮扶" in form

        assert "提诉求" in wang.says("入会")
        assert "提诉求" not in wang.says("年假")
        for item in ("JOIN", "AID", "LAW", "HOTLINE"):  # the menu
            assert "提诉求" in wang.taps(item), item
        assert "提诉求" not in wang.taps("JOBS")

    def test_where_nobody_reads_it_says_so_and_names_the_number(self, sqlite_store: Store) -> None:
        union = Union(sqlite_store)
        wang = union.phone("王师傅")
        words = wang.says("困难帮扶")
        tapped = wang.taps("HOTLINE")
        page = Pages(union).browser().opens("/guide/hardship")
        union.close()

        assert "没有人看留言" in words
        assert "没有人看留言；要人来办，请拨 12351" in tapped
        assert "请拨 12351" in words
        assert "没有人看留言" in page
