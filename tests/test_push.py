"""A timed push from its due time to everybody's phone, on the ledger and over HTTP to a simulated WeChat."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import slowness
from ledger_cast import NOON, leave
from push_cast import JPEG, LIVE, TEMPLATE, Office, campaign, each_office, office

from jobs.push import AHEAD, IN_FLIGHT
from models import push, shared
from models.base import Store
from wx.account import Account

__all__ = ["each_office", "office"]

ARTICLE = {
    "title": "元宵节猜灯谜",
    "content": '<p>来猜灯谜</p><img src="lantern.jpg"/><img src="lantern.jpg"/>',
    "cover": "cover.jpg",
}


class TestATemplatePush:
    def test_reaches_everyone_once_and_is_finished(self, each_office: Office) -> None:
        people = each_office.hires(30)
        push_id = each_office.starts()

        each_office.works()

        books = each_office.books(push_id)
        assert (books.size, books.sent) == (30, 30)
        assert each_office.stands(push_id).state == "finished"
        assert sorted(row.openid for row in each_office.platform.log) == sorted(people)
        rows = each_office.rows(push_id)
        assert all(row.result == "success" and row.far_id for row in rows.values())

    def test_of_two_thousand_is_over_in_seconds(self, office: Office) -> None:
        office.hires(2000)
        push_id = office.starts()

        begun = time.process_time()  # the machine may have other work
        office.works(seconds=100)

        assert time.process_time() - begun < 15 * slowness()
        assert office.books(push_id).sent == 2000

    def test_finds_who_blocks_the_account_only_afterwards(self, office: Office) -> None:
        people = office.hires(2)
        office.phone("职工0").blocks(True)
        push_id = office.starts()

        office.works()

        row = office.rows(push_id)[people[0]]
        assert (row.state, row.reason) == ("failed", "他拒收本公众号的消息")
        assert office.books(push_id).sent == 1

    @pytest.mark.parametrize(("early", "copies"), [(True, 1), (False, 2), (False, 0)])
    def test_has_right_books_whenever_results_come(self, office: Office, early: bool, copies: int) -> None:
        office.hires(5)
        office.platform.results.early, office.platform.results.copies = early, copies
        push_id = office.starts()

        office.works()

        assert office.books(push_id).sent == 5
        told = [row.result for row in office.rows(push_id).values()]
        assert told == ["success" if copies else None] * 5

    def test_skips_the_one_who_left_and_goes_on(self, office: Office) -> None:
        people = office.hires(3)
        with office.platform.world.lock:
            office.platform.world.followers[people[1]].following = False
        push_id = office.starts()

        office.works()

        assert (office.books(push_id).sent, office.books(push_id).failed) == (2, 1)
        assert office.rows(push_id)[people[1]].errcode == 43004

    def test_tries_again_when_wechat_is_busy(self, office: Office) -> None:
        office.hires(3)
        office.platform.faults.add("message/template/send", errcode=-1, times=3)
        push_id = office.starts()

        office.works()
        assert office.books(push_id).open == 3
        office.minutes_pass(0.2)

        assert office.books(push_id).sent == 3
        assert {row.attempts for row in office.rows(push_id).values()} == {2}

    def test_gives_up_after_five_attempts(self, office: Office) -> None:
        office.hires(1)
        office.platform.faults.add("message/template/send", errcode=-1, times=None)
        push_id = office.starts()

        for _ in range(8):
            office.minutes_pass(3)

        (row,) = office.rows(push_id).values()
        assert (row.state, row.attempts, row.errcode) == ("failed", 5, -1)
        assert office.calls("message/template/send") == 5

    @pytest.mark.parametrize("repeat_answer", ["same", "new"])
    def test_whose_answer_was_lost_is_sent_again_and_absorbed(
        self, office: Office, repeat_answer: str
    ) -> None:
        people = office.hires(3)
        office.platform.world.repeat_answer = repeat_answer  # type: ignore[assignment]
        office.platform.faults.add("message/template/send", reset=True, times=3)
        push_id = office.starts()

        office.works()
        office.minutes_pass(0.5)

        assert office.books(push_id).sent == 3
        assert sorted(row.openid for row in office.platform.log) == sorted(people)
        assert sum(row.repeats for row in office.platform.log) == 3

    @pytest.mark.parametrize("errcode", [-1, 99999])
    def test_is_never_called_sent_on_an_answer_that_proves_nothing(
        self, office: Office, errcode: int
    ) -> None:
        office.hires(3)
        office.platform.faults.add("message/template/send", reset=True, done=False, times=3)
        push_id = office.starts()
        office.works()
        office.platform.faults.add("message/template/send", errcode=errcode, times=None)

        office.minutes_pass(0.5)
        assert office.books(push_id).sent == 0
        for _ in range(6):
            office.minutes_pass(2)

        assert office.platform.log == []
        assert office.books(push_id).unknown == 3

    def test_with_a_wrong_template_pauses_and_says_what_to_do(self, office: Office) -> None:
        office.hires(50)
        office.platform.add_template("another", "别的", {"thing1": "内容"})
        push_id = office.starts()

        office.works()

        standing = office.stands(push_id)
        assert (standing.state, standing.errcode) == ("paused", 40037)
        assert office.calls("message/template/send") <= 16
        assert office.books(push_id).open == 50
        (words,) = office.alarms()
        assert "模板编号" in words
        assert "push resume spring/greeting" in words

    def test_waits_for_midnight_when_the_day_is_used_up(self, office: Office) -> None:
        office.hires(100)
        office.platform.limits.daily["message/template/send"] = 40
        push_id = office.starts()

        office.works()
        assert office.books(push_id).sent == 40
        assert office.calls("message/template/send") <= 40 + 16
        office.minutes_pass(11 * 60)  # 23:00 in Shanghai
        assert office.books(push_id).sent == 40
        office.platform.limits.daily["message/template/send"] = 1000
        office.minutes_pass(65)

        assert office.books(push_id).sent == 100

    def test_waits_a_minute_when_it_goes_too_fast(self, office: Office) -> None:
        office.hires(3)
        office.platform.faults.add("message/template/send", errcode=45011, times=1)
        push_id = office.starts()

        office.works()
        assert office.books(push_id).open >= 1
        assert office.calls("message/template/send") <= 3
        office.minutes_pass(1.1)

        assert office.books(push_id).sent == 3

    def test_stops_everything_and_alarms_once_when_the_address_is_not_allowed(self, office: Office) -> None:
        office.hires(40)
        office.platform.faults.add("message/template/send", errcode=40164, times=None)
        push_id = office.starts()

        office.works()
        office.minutes_pass(10)

        with office.store.reading() as connection:
            halted = shared.halted(connection)
        assert halted is not None
        assert "白名单" in halted
        (words,) = office.alarms()
        assert "unhalt" in words
        assert office.calls("message/template/send") <= 16
        assert office.books(push_id).open == 40

    def test_pauses_on_a_token_that_stays_bad_and_asks_for_few_new_ones(self, office: Office) -> None:
        office.hires(40)
        office.platform.faults.add("message/template/send", errcode=40001, times=None)
        push_id = office.starts()

        office.works()
        office.minutes_pass(4)

        assert office.calls("stable_token") <= 3
        assert office.stands(push_id).state == "paused"
        assert office.books(push_id).open == 40
        assert len(office.alarms()) == 1

    def test_loses_nobody_when_tokens_die_under_it(self, office: Office) -> None:
        people = office.hires(200)
        push_id = office.starts()
        worker = office.worker()
        for _ in range(3):
            worker.step()
            office.platform.issuer.kill()

        office.works(worker)
        office.minutes_pass(6)

        if office.stands(push_id).state == "paused":  # WeChat allows a forced new token only now and then
            with office.store.writing() as connection:
                push.resume(connection, push_id, office.time.now())
            office.works(worker)
        assert sorted(row.openid for row in office.platform.log) == sorted(people)
        assert office.books(push_id).sent == 200
        assert office.calls("stable_token") <= 3 + 4

    def test_waits_for_a_wechat_that_is_down_and_loses_nobody(self, office: Office) -> None:
        office.hires(40)
        office.api.token()
        dead = office.account.model_copy(update={"api_base": "http://127.0.0.1:9"})
        real, office.api._account = office.api._account, dead
        push_id = office.starts()
        worker = office.worker()
        for _ in range(5):
            worker.step()
        assert any("连不上微信" in words for words in office.alarms())

        office.api._account = real
        office.api._mine = threading.local()  # without the connections of before
        worker.sender.far_end._rest_until = 0.0
        office.minutes_pass(1)

        assert office.books(push_id).sent == 40
        assert office.alarms() == []


class TestAMassPush:
    def test_to_all_is_one_row_and_wechat_counts(self, each_office: Office) -> None:
        office = each_office
        office.hires(6)
        office.phone("职工0").blocks(True)
        push_id = office.starts(channel="mass", text="元宵快乐")

        office.works()

        assert list(office.rows(push_id)) == ["all"]
        books = office.books(push_id)
        assert (books.size, books.sent) == (1, 1)
        assert books.told == {"total": 6, "filtered": 5, "sent": 5, "failed": 0}
        assert office.stands(push_id).state == "finished"

    def test_of_an_article_uploads_each_picture_once(self, office: Office) -> None:
        office.hires(3)
        (office.folder / "lantern.jpg").write_bytes(JPEG)
        (office.folder / "cover.jpg").write_bytes(JPEG + b"cover")
        push_id = office.starts(channel="mass", article=ARTICLE)

        office.works()

        assert office.books(push_id).sent == 1
        assert office.calls("media/uploadimg") == 1
        assert office.calls("material/add_material") == 1
        entry = office.phone("职工1").received[-1]
        assert entry.articles[0]["title"] == "元宵节猜灯谜"
        (article,) = office.platform.world.articles.values()
        assert article["content"].count("<img") == 2

    def test_without_its_picture_pauses_and_names_the_file(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts(channel="mass", article=ARTICLE)

        office.works()

        assert office.stands(push_id).state == "paused"
        assert "lantern.jpg" in office.stands(push_id).reason
        assert office.platform.log == []

    def test_by_tag_goes_to_the_tag(self, office: Office) -> None:
        office.hires(2, "劳模")
        others = [office.platform.add_follower(f"别人{n}").openid for n in range(3)]
        push_id = office.starts(channel="mass", text="劳模您好", audience="tag:劳模")

        office.works()

        (recipient,) = office.rows(push_id)
        assert recipient == "tag:100"
        assert len(office.platform.log) == 2
        assert not {row.openid for row in office.platform.log} & set(others)

    def test_to_a_tag_that_is_not_there_pauses(self, office: Office) -> None:
        push_id = office.starts(channel="mass", text="劳模您好", audience="tag:劳模")

        office.works()

        assert office.stands(push_id).state == "paused"
        assert "没有标签“劳模”" in office.stands(push_id).reason

    def test_by_a_list_is_one_row_per_person_and_one_call(self, office: Office) -> None:
        people = office.hires(5)
        (office.folder / "list.txt").write_text("\n".join([*people, "", "# 说明", people[0]]))
        push_id = office.starts(channel="mass", text="您好", audience="openids:list.txt")

        office.works()

        rows = office.rows(push_id)
        assert sorted(rows) == sorted(people)
        assert len({row.far_id for row in rows.values()}) == 1
        assert office.calls("message/mass/send") == 1
        assert office.books(push_id).sent == 5

    def test_by_a_list_that_is_gone_pauses(self, office: Office) -> None:
        push_id = office.starts(channel="mass", text="您好", audience="openids:list.txt")

        office.works()

        assert "list.txt" in office.stands(push_id).reason
        assert office.stands(push_id).state == "paused"

    def test_whose_answer_was_lost_is_found_again_by_its_id(self, office: Office) -> None:
        office.hires(3)
        (office.folder / "lantern.jpg").write_bytes(JPEG)
        (office.folder / "cover.jpg").write_bytes(JPEG)
        office.platform.faults.add("message/mass/sendall", reset=True)
        push_id = office.starts(channel="mass", article=ARTICLE)

        office.works()
        assert office.books(push_id).open == 1
        office.minutes_pass(2)

        books = office.books(push_id)
        assert books.sent == 1
        assert books.told["sent"] == 3
        assert len(office.platform.log) == 3
        assert office.calls("message/mass/sendall") == 2

    def test_that_wechat_refuses_afterwards_is_failed(self, office: Office) -> None:
        office.hires(3)
        office.platform.world.mass_status = "err(40002)"
        push_id = office.starts(channel="mass", text="元宵快乐")

        office.works()

        assert office.books(push_id).failed == 1
        assert office.reasons(push_id)[0][1] == "管理员 30 分钟内没有确认，微信没有群发"

    def test_is_refused_before_calling_when_the_months_four_are_used(self, office: Office) -> None:
        office.hires(3)
        for day in range(5):
            last = office.starts(channel="mass", text=f"第 {day} 次")
            office.works()
            office.time.passes(hours=20)

        assert office.calls("message/mass/sendall") == 4
        assert office.reasons(last) == [("skipped", "mass limit", 1)]
        (words,) = office.alarms()
        assert "本月的群发次数（4 次）已经用完" in words

    def test_may_go_again_next_month(self, office: Office) -> None:
        office.hires(3)
        for day in range(4):
            office.starts(channel="mass", text=f"第 {day} 次")
            office.works()
            office.time.passes(minutes=2)
        office.time.at = NOON + timedelta(days=9)
        again = office.starts(channel="mass", text="三月")

        office.works()

        assert office.books(again).sent == 1

    def test_of_a_subscription_account_goes_once_a_day_and_the_second_waits_for_the_next(
        self, sqlite_store: Store, tmp_path: Path
    ) -> None:
        account = LIVE.model_copy(update={"kind": "subscription"})
        office = Office(sqlite_store, tmp_path, account)
        office.hires(3)
        first, second = (office.starts(id=name, channel="mass", text=name) for name in ("one", "two"))
        office.works()
        books, (words,) = office.books(second), office.alarms()
        office.time.passes(hours=24)
        office.works(office.worker())
        later, alarms = office.books(second), office.alarms()
        office.close()

        assert (office.books(first).sent, books.sent, books.open) == (1, 0, 1)
        assert "推送 spring/two 今天没有发" in words
        assert "push cancel spring/two" in words
        assert (later.sent, alarms) == (1, [])
        assert office.calls("message/mass/sendall") == 2


class TestAServicePush:
    def test_goes_only_to_those_whose_window_is_open(self, office: Office) -> None:
        people = office.hires(4)
        office.phone("职工0").says("你好")
        office.phone("职工1").says("你好")
        push_id = office.starts(channel="service", text="明天开会")

        office.works()

        rows = office.rows(push_id)
        assert [rows[one].state for one in people] == ["sent", "sent", "skipped", "skipped"]
        assert rows[people[2]].reason == "outside the service window"
        assert len([row for row in office.platform.log if row.channel == "service"]) == 2

    def test_stops_at_what_the_window_holds(self, office: Office) -> None:
        (person,) = office.hires(1)
        office.phone("职工0").says("你好")
        for number in range(6):
            last = office.starts(channel="service", text=f"第 {number} 条")
            office.works()
            office.time.passes(minutes=2)

        assert office.rows(last)[person].reason == "service window used up"
        assert len(office.platform.log) == 5

    def test_after_a_tap_has_one_minute(self, office: Office) -> None:
        office.hires(1)
        office.phone("新人").follows()
        push_id = office.starts(channel="service", text="欢迎")
        office.works()
        office.time.passes(minutes=2)
        late = office.starts(channel="service", text="还在吗")
        office.works()

        assert office.books(push_id).sent == 1
        assert office.books(late).sent == 0

    def test_of_an_article_or_a_menu_arrives_as_one(self, office: Office) -> None:
        office.hires(1)
        office.phone("职工0").says("你好")
        card = {"title": "灯谜", "url": "https://union.example/h5", "digest": "来猜"}
        menu = {"head": "满意吗？", "items": [{"id": "1", "content": "满意"}, {"id": "2", "content": "一般"}]}
        office.starts(channel="service", article=card)
        office.works()
        office.time.passes(minutes=1)
        office.starts(channel="service", menu=menu)
        office.works()

        news, items = office.phone("职工0").received[-2:]
        assert news.articles[0]["title"] == "灯谜"
        assert [item["content"] for item in items.items] == ["满意", "一般"]

    def test_whose_answer_was_lost_is_shown_to_a_person_and_never_sent_again(self, office: Office) -> None:
        office.hires(1)
        office.phone("职工0").says("你好")
        office.platform.faults.add("message/custom/send", reset=True)
        push_id = office.starts(channel="service", text="明天开会")

        office.works()
        office.minutes_pass(30)

        assert office.books(push_id).unknown == 1
        assert office.stands(push_id).state == "finished"
        assert office.calls("message/custom/send") == 1


class TestAnAccountThatIsNotLive:
    def test_sends_a_template_to_testers_only(self, sqlite_store: Store, tmp_path: Path) -> None:
        with _not_live(sqlite_store, tmp_path) as office:
            people = office.hires(4)
            worker = office.worker(account=_testers(office.account, people[1], "stranger"))
            push_id = office.starts()

            office.works(worker)

            rows = office.rows(push_id)
            assert rows[people[1]].state == "sent"
            assert rows["stranger"].errcode == 40003
            others = [rows[one] for one in people if one != people[1]]
            assert {(row.state, row.reason) for row in others} == {("skipped", "not live")}
            assert [row.openid for row in office.platform.log] == [people[1]]

    def test_sends_a_mass_push_for_all_to_its_testers(self, sqlite_store: Store, tmp_path: Path) -> None:
        with _not_live(sqlite_store, tmp_path) as office:
            people = office.hires(4)
            worker = office.worker(account=_testers(office.account, *people[:2]))
            push_id = office.starts(channel="mass", text="元宵快乐")

            office.works(worker)

            rows = office.rows(push_id)
            assert (rows["all"].state, rows["all"].reason) == ("skipped", "not live")
            assert sorted(row.openid for row in office.platform.log) == sorted(people[:2])
            assert office.calls("message/mass/sendall") == 0
            assert office.stands(push_id).state == "finished"

    def test_sends_no_mass_push_to_a_single_tester(self, sqlite_store: Store, tmp_path: Path) -> None:
        with _not_live(sqlite_store, tmp_path) as office:
            people = office.hires(4)
            worker = office.worker(account=_testers(office.account, people[0]))
            push_id = office.starts(channel="mass", text="元宵快乐")

            office.works(worker)

            assert office.rows(push_id)[people[0]].reason == "audience of one"
            assert office.platform.log == []

    def test_that_was_live_when_the_push_began_sends_no_more(self, office: Office) -> None:
        office.hires(3)
        push_id = office.starts()
        worker = office.worker()
        worker.sender.plan()
        cautious = office.worker(account=_testers(office.account))

        office.works(cautious)

        assert office.books(push_id).skipped == 3
        assert office.platform.log == []


class TestStoppingAPush:
    def test_pause_and_resume_lose_and_repeat_nobody(self, each_office: Office) -> None:
        office = each_office
        people = office.hires(200)
        push_id = office.starts()
        worker = office.worker()
        worker.step()
        with office.store.writing() as connection:
            assert push.pause(connection, push_id, office.time.now())
        before = len(office.platform.log)
        office.works(worker)
        after = len(office.platform.log)
        assert after - before <= IN_FLIGHT * AHEAD  # what was held at that moment; nothing new is begun
        assert 0 < after < 200

        with office.store.writing() as connection:
            assert push.resume(connection, push_id, office.time.now())
        office.works(worker)

        assert sorted(row.openid for row in office.platform.log) == sorted(people)
        assert office.books(push_id).sent == 200

    def test_a_started_push_says_what_it_said_when_it_started(self, office: Office) -> None:
        office.hires(40)
        office.campaigns = (campaign(),)
        worker = office.worker()
        worker.step()
        changed = {**TEMPLATE, "data": {"thing1": "改了"}}
        office.campaigns = (campaign(template=changed),)

        office.works(worker)

        assert {row.content["data"]["thing1"]["value"] for row in office.platform.log} == {"元宵灯谜"}

    def test_the_audience_is_that_of_the_beginning_less_those_who_left(self, office: Office) -> None:
        people = office.hires(200)
        push_id = office.starts()
        worker = office.worker()
        worker.step()
        open_ones = [openid for openid, row in office.rows(push_id).items() if row.state == "planned"]
        leave(office.store, open_ones[:5])
        for n in range(5):
            office.phone(f"后来的{n}").follows()

        office.works(worker)

        books = office.books(push_id)
        assert (books.size, books.sent, books.skipped) == (200, 195, 5)
        assert {row.openid for row in office.platform.log} <= set(people)


def _testers(account: Account, *openids: str) -> Account:
    return account.model_copy(update={"live": False, "testers": openids})


class _not_live:  # noqa: N801 - read as words
    def __init__(self, store: Store, folder: Path) -> None:
        self.office = Office(store, folder)

    def __enter__(self) -> Office:
        return self.office

    def __exit__(self, *_: object) -> None:
        self.office.close()
