"""What every kind of taking part must do through both doors; and by chat step by step, with a way back and a way out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from kind_cases import CASES, Case
from kind_cast import NOON, Browser, Pages, Union, campaign
from phone_cast import ACCOUNT

from campaigns import taking_part as door
from campaigns.kind import rules_of
from campaigns.kinds import KINDS
from models import draft, edition, entry, holder, reach, wish
from models.base import Store
from models.interaction import interactions
from models.wish import wishes
from wx.simulator import Phone

MINUTE = timedelta(minutes=1)


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = Union(store)
    yield made
    made.close()


def words_of(union: Union) -> list[str]:
    with union.store.reading() as connection:
        return list(connection.execute(sa.select(wishes.c.words).order_by(wishes.c.id)).scalars())


def rows(union: Union, case: Case) -> int:
    with union.store.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(case.table)).scalar_one())


def by_chat(union: Union, case: Case, name: str = "王师傅") -> Phone:
    phone = union.phone(name)
    phone.taps(case.tap)
    for said in case.chat:
        phone.says(said)
    return phone


def by_page(pages: Pages, case: Case, name: str = "王师傅") -> Browser:
    browser = pages.browser()
    browser.signs_in(pages.union.phone(name), case.path)
    browser.opens(case.path + case.query)
    browser.sends(case.path, **case.page)
    return browser


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
class TestAKind:
    """The contract of a kind."""

    @pytest.fixture
    def union(self, sqlite_store: Store, case: Case) -> Iterator[Union]:
        made = Union(sqlite_store, [campaign(dict(case.keys))])
        yield made
        made.close()

    def test_is_taken_part_in_through_either_door_with_the_same_end(self, union: Union, case: Case) -> None:
        phone = by_chat(union, case)
        browser = by_page(Pages(union), case, "李大姐")

        assert case.done in phone.last
        assert case.done in browser.text
        assert rows(union, case) == 2
        with union.store.reading() as connection:
            assert entry.people(connection, 1) == 2
            found = edition.get(connection, 1)
        assert found is not None
        (day,) = reach.of(union.store, found).days
        assert (day.people, day.chat, day.page) == (2, 1, 1)

    def test_counts_what_is_sent_again_once_and_gives_the_first_words(self, union: Union, case: Case) -> None:
        phone = union.phone("王师傅")
        phone.taps(case.tap)
        for said in case.chat[:-1]:
            phone.says(said)
        with phone.delivers(3):
            phone.says(case.chat[-1])
        browser = Pages(union).browser()
        browser.signs_in(union.phone("李大姐"), case.path)
        form = browser.opens(case.path + case.query)
        for _ in range(3):
            browser.text = form
            browser.sends(case.path, **case.page)

        assert {answer.reply.text for answer in phone.answers} == {phone.last}
        assert case.done in browser.text
        assert rows(union, case) == 2

    def test_takes_nothing_after_the_end_and_shows_what_there_was(self, union: Union, case: Case) -> None:
        browser = by_page(Pages(union), case)
        period = union.campaigns[0].period(union.clock.now())
        assert period is not None
        union.waits(period[1] - union.clock.now() + MINUTE)
        li = by_chat(union, case, "李大姐")
        pages = Pages(union)
        late = by_page(pages, case, "小张")

        assert case.done not in li.last
        assert case.done not in late.text
        assert "结束" in late.opens(case.path)
        assert rows(union, case) == 1
        assert browser.status == 200

    def test_takes_nothing_before_the_beginning(self, union: Union, case: Case) -> None:
        period = union.campaigns[0].period(union.clock.now())
        assert period is not None
        union.waits(period[0] - union.clock.now() - MINUTE)
        by_chat(union, case)
        by_page(Pages(union), case, "李大姐")

        assert rows(union, case) == 0

    def test_takes_nothing_from_others_than_testers_before_the_account_is_live(
        self, sqlite_store: Store, case: Case
    ) -> None:
        union = Union(sqlite_store, [campaign(dict(case.keys))], account=ACCOUNT)
        by_chat(union, case)
        by_page(Pages(union), case, "李大姐")
        union.close()

        assert rows(union, case) == 0

    def test_forgets_and_tells_of_somebody_in_every_table(self, union: Union, case: Case) -> None:
        phone = by_chat(union, case)
        with union.store.writing() as connection:
            told = holder.export(connection, phone.openid)
            holder.erase(connection, phone.openid, None)
            left = holder.export(connection, phone.openid)

        assert told["参加过的"]
        assert {title for title, held in left.items() if held} <= {"关注", "说过的话", "收到的推送"}
        assert all(not row["said"] for row in left["说过的话"])

    def test_shows_tables_that_name_nobody_and_ends_once(self, union: Union, case: Case) -> None:
        phone = by_chat(union, case)
        with union.store.writing() as connection:
            found = edition.latest(connection, case.keys["id"])
            assert found is not None
            kind = door.kind_of(found)
            rules = rules_of(kind, found)
            tables = kind.tables(connection, found, rules)
            looked = kind.told(door.visit(connection, found, "", union.clock.now()))
            kind.ended(connection, found, rules, union.clock.now())

        assert tables
        assert looked.words
        assert not looked.mine
        assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
        assert phone.openid not in repr(tables)
        assert found.rules_hash

    def test_says_how_each_deed_is_typed(self, case: Case) -> None:
        assert all(deed.about and deed.usage for deed in KINDS[case.kind].deeds.values())


class TestByChat:
    def test_somebody_wishes_from_the_menu_to_the_number(self, everywhere: Union) -> None:
        wang = everywhere.phone("王师傅")

        assert "回复 1" in wang.taps("WISH")
        assert "1 写下我的心愿" in wang.says("1")
        assert "您的心愿" in wang.says("1")
        recap = wang.says("一张电影票")
        assert "一张电影票" in recap
        assert "您的心愿是" in wang.says("提交")

        assert words_of(everywhere) == ["一张电影票"]
        assert "一张电影票" in wang.says("我的")

    def test_a_choice_is_made_by_number_or_by_name_and_0_leads_back(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("写下我的心愿")

        assert "您想做什么" in wang.says("0")
        assert "没有“七”这个选项" in wang.says("七")
        assert "您的心愿" in wang.says("第1个")

    def test_words_of_the_directory_are_an_answer_inside_a_form_and_a_question_outside(
        self, everywhere: Union
    ) -> None:
        wang = everywhere.phone("王师傅")
        outside = wang.says("体检")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")

        inside = wang.says("体检")
        left = wang.says("00")

        assert "请看一看对不对" in inside
        assert "体检" in outside
        assert "继续" in left
        assert wang.says("体检") == outside

    def test_a_menu_item_is_answered_as_usual_and_the_form_can_be_gone_on_with(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")

        assert "入会" in wang.taps("JOIN")
        assert "您的心愿" in wang.says("继续")
        assert "您想做什么" in wang.says("从头")

    def test_a_form_survives_a_restart(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")
        union.restarts()
        wang.says("电影票")
        union.restarts()

        assert "您的心愿是" in wang.says("1")

    def test_after_half_an_hour_words_are_no_answer_and_the_way_on_is_said(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")
        union.waits(31 * MINUTE)

        late = wang.says("体检")
        assert "继续" in late
        assert "请看一看" not in late
        assert "您的心愿" in wang.says("继续")

    def test_a_draft_is_gone_after_seven_days(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")
        union.waits(timedelta(days=7, minutes=1))

        assert "您的心愿" not in wang.says("继续")
        with union.store.writing() as connection:
            assert draft.sweep(connection, union.clock.now()) == 1

    def test_voice_is_heard_by_its_words_or_kindly_refused_and_a_picture_too(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")

        assert "没有听清" in wang.sends_voice()
        assert "请用文字" in wang.sends_picture()
        assert "一张电影票" in wang.sends_voice("一张电影票。")

    def test_words_of_danger_come_first_and_the_form_waits(self, union: Union) -> None:
        wang = union.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")

        assert "12356" in wang.says("我不想活了")
        assert "一张电影票" in wang.says("一张电影票")

    def test_what_wechat_brings_three_times_counts_once(self, everywhere: Union) -> None:
        wang = everywhere.phone("王师傅")
        wang.taps("WISH")
        wang.says("1")
        wang.says("1")
        wang.says("电影票")
        with wang.delivers(3):
            first = wang.says("1")

        assert "您的心愿是" in first
        assert words_of(everywhere) == ["电影票"]
        with everywhere.store.reading() as connection:
            assert len(entry.of(connection, wang.openid)) == 1

    def test_after_the_end_nobody_takes_part_and_what_came_before_it_counts(self, union: Union) -> None:
        union.waits(datetime(2027, 1, 31, 15, 58, tzinfo=UTC) - NOON)
        wang, li = union.phone("王师傅"), union.phone("李大姐")
        for person in (wang, li):
            person.taps("WISH")
            person.says("1")
            person.says("1")
            person.says("电影票" if person is wang else "一袋大米")
        assert "您的心愿是" in wang.says("1")

        union.waits(3 * MINUTE)
        assert "结束" in li.says("1")

        assert words_of(union) == ["电影票"]

    def test_before_the_account_is_live_only_testers_take_part(self, sqlite_store: Store) -> None:
        union = Union(sqlite_store, account=ACCOUNT)
        wang = union.phone("王师傅")
        union.account = ACCOUNT.model_copy(update={"testers": (wang.openid,)})
        union.restarts()
        li = union.phone("李大姐")

        assert "还没有开始" in li.taps("WISH")
        assert "回复 1" in wang.taps("WISH")
        wang.says("1")
        wang.says("1")
        wang.says("电影票")
        wang.says("1")
        union.account = union.account.model_copy(update={"live": True})
        union.restarts()
        li.taps("WISH")
        li.says("1")
        with union.store.reading() as connection:
            states = [(one.state, one.reason) for one in edition.of(connection, "spring-wish")]
        union.close()

        assert states == [("open", ""), ("annulled", "not live")]

    def test_with_pages_the_menu_item_is_a_card_that_opens_them(self, sqlite_store: Store) -> None:
        union = Union(sqlite_store, base_url="https://union.example")
        wang = union.phone("王师傅")
        wang.taps("WISH")
        card = wang.received[-1]
        union.close()

        assert card.kind == "news"
        assert card.articles[0]["url"] == "https://union.example/h5/c/spring-wish"
        assert "还有 19 天" in card.articles[0]["description"]

    def test_forty_people_in_forms_do_not_disturb_who_asks_the_directory(self, everywhere: Union) -> None:
        wang = everywhere.phone("王师傅")
        before = wang.says("工伤")
        li = everywhere.phone("李大姐")
        li.taps("WISH")
        li.says("1")
        after = wang.says("工伤")
        with everywhere.store.reading() as connection:
            states = set(connection.execute(sa.select(interactions.c.state)).scalars())

        assert before == after
        assert states == {"answered"}


class TestAWish:
    def wishes(self, union: Union, name: str, words: str, *more: str) -> str:
        person = union.phone(name)
        person.taps("WISH")
        for said in ("1", "1", words, *more, "1"):
            last = person.says(said)
        return last

    def test_those_like_it_are_shown_before_it_is_sent_and_may_be_supported_instead(
        self, union: Union
    ) -> None:
        self.wishes(union, "王师傅", "想要一张电影票")
        li = union.phone("李大姐")
        li.taps("WISH")
        li.says("1")
        li.says("1")

        near = li.says("我也想要电影票一张")
        assert "想要一张电影票" in near
        li.says("1")
        assert "2 个人" in li.says("1")

        assert words_of(union) == ["想要一张电影票"]

    def test_one_person_has_as_many_as_the_rules_say(self, union: Union) -> None:
        wang = union.phone("王师傅")
        for words in ("电影票", "一袋大米"):
            wang.taps("WISH")
            for said in ("1", "1", words, "1"):
                wang.says(said)
        wang.taps("WISH")

        assert "写下我的心愿" not in wang.says("1")

    def test_a_sensitive_word_waits_for_the_staff(self, union: Union) -> None:
        assert "工作人员看过" in self.wishes(union, "王师傅", "想要赌博机")
        with union.store.reading() as connection:
            found = wish.of_edition(connection, 1, (wish.PENDING,))

        assert [one.words for one in found] == ["想要赌博机"]
