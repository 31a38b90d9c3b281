"""People sign up for a slot, wait for one, give it back and are let in; and goods go to each of them once."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from crowd import openid, sign_in
from kind_cast import SIGN_UP, Pages, Union, campaign
from test_request import told
from test_sample import EXAMPLE

from campaigns import desk
from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.kind import Visit, Work
from campaigns.kinds.sign_up_line import settle
from commands.campaign import campaign_do
from models import edition, holder, sign_up, slot, stock
from models.base import Connection, Store
from models.handout import handouts
from models.sign_up import CANCELLED, CONFIRMED, LAPSED, OFFERED, WAITING, sign_ups
from models.stock import stock_moves
from wx.simulator import Phone

HOUR, DAY = timedelta(hours=1), timedelta(1)
PATH = "/h5/c/cooling"


def cooling(**keys: Any) -> Campaign:
    """The hand-out of cooling supplies, with these rules changed."""
    return campaign({**SIGN_UP, "sign-up": {**SIGN_UP["sign-up"], **keys}})


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [cooling(names=False)])
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database, with one place, and its edition open."""
    one = [{"title": "河东站", "begins": "02-03 09:00", "places": 1, "waiting": 100}]
    made = Union(
        store, [cooling(names=False, seats_each=1, slots=one, items=[{"title": "毛巾", "stock": 1}])]
    )
    made.tends()
    yield made
    made.close()


def opens(union: Union, phone: Phone) -> str:
    """Into the form, a second later than before."""
    union.waits(timedelta(seconds=1))
    phone.taps("YEAR")
    return phone.says("1")


def signs_up(union: Union, name: str, seats: str = "1") -> Phone:
    phone = union.phone(name)
    opens(union, phone)
    for said in ("1", seats, "提交"):
        phone.says(said)
    return phone


def does(union: Union, phone: Phone, what: str) -> str:
    """Takes what is offered, or gives back what they have."""
    opens(union, phone)
    for said in (what, "1", "提交"):
        phone.says(said)
    return phone.last


def number(phone: Phone) -> str:
    """What the sign-up that was just made is called."""
    found = re.search(r"您的报名是 (B\d+)", phone.last)
    assert found is not None, phone.last
    return found[1]


def states(union: Union) -> list[str]:
    with union.store.reading() as connection:
        return list(connection.execute(sa.select(sign_ups.c.state).order_by(sign_ups.c.id)).scalars())


def newest(union: Union) -> int:
    """The edition's id."""
    with union.store.reading() as connection:
        found = edition.latest(connection, "cooling")
    assert found is not None
    return found.id


def room(union: Union, place: int = 0) -> tuple[int, int]:
    """Seats used and people waiting, which must be what the rows of people come to."""
    with union.store.reading() as connection:
        here = slot.of_edition(connection, newest(union))[place]
        every = [one for one in sign_up.of_edition(connection, newest(union)) if one.slot_id == here.id]
    assert here.used == sum(one.seats for one in every if one.state in (CONFIRMED, OFFERED))
    assert here.waiting == sum(one.state == WAITING for one in every)
    return here.used, here.waiting


def left(union: Union, item: str = "毛巾") -> int:
    """How many are in stock, which must be what the ledger comes to."""
    total = sa.select(sa.func.sum(stock_moves.c.quantity)).where(stock_moves.c.item == item)
    with union.store.reading() as connection:
        balance = stock.balances(connection, newest(union))[item]
        assert balance == (connection.execute(total).scalar() or 0)
    return balance


class TestAPlace:
    def test_is_taken_in_the_chat_shown_with_its_code_and_given_back(self, union: Union) -> None:
        wang = signs_up(union, "王师傅", "2")
        done, b = wang.last, number(wang)
        mine = wang.says("我的")

        assert re.search(r"签到码 [2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", done)
        assert "2 人，报上了，签到码" in mine
        assert "河东路 8 号" in wang.says(f"{b} 查看")
        assert room(union) == (2, 0)
        assert f"{b} 取消了" in does(union, wang, "取消报名")
        assert room(union) == (0, 0)
        assert "取消了" in wang.says("我的")

    def test_is_taken_on_the_page_with_a_name_that_is_asked_with_consent(self, sqlite_store: Store) -> None:
        union = Union(sqlite_store, [cooling(phones=True)])
        wang, browser = union.phone("王师傅"), Pages(union).browser()
        browser.signs_in(wang, PATH)
        form = browser.opens(f"{PATH}?slot=1")
        browser.sends(PATH, slot="1", seats="1", consent="yes", name="王建国", phone="12")
        wrong = browser.text
        browser.sends(PATH, slot="1", seats="1", consent="yes", name="王建国", phone="13912345678")

        assert "活动结束 180 天后删掉" in form
        assert "手机号应是 11 位" in wrong
        assert 'value="王建国"' in wrong
        assert "报上了！" in browser.text
        assert "取消报名" in browser.opens(PATH)
        union.close()

    def test_is_one_for_each_person_and_a_second_slot_only_where_the_rules_allow(self, union: Union) -> None:
        wang = signs_up(union, "王师傅")
        asked = opens(union, wang)

        assert "报名" not in asked.replace("取消报名", "")
        assert states(union) == [CONFIRMED]

    def test_may_be_given_back_after_the_end_until_the_slot_begins(self, union: Union) -> None:
        wang, li = signs_up(union, "王师傅"), signs_up(union, "李大姐")
        union.waits(21 * DAY)  # the end was on January 31, the slot begins on February 3
        assert "您想做什么" in wang.says("报名")
        for said in ("取消报名", "1", "提交"):
            wang.says(said)
        assert "取消了" in wang.last
        union.waits(2 * DAY)
        late = opens(union, li)

        assert "结束" in late
        assert states(union) == [CANCELLED, CONFIRMED]

    def test_is_asked_for_by_its_own_word_while_there_is_one(self, union: Union) -> None:
        wang = union.phone("王师傅")
        inside = wang.says("报名")
        union.waits(300 * DAY)

        assert "报哪一场" in inside
        assert "报哪一场" not in wang.says("报名")

    def test_that_was_given_back_can_be_taken_again_with_a_new_code(self, union: Union) -> None:
        wang = signs_up(union, "王师傅")
        before = wang.last
        does(union, wang, "取消报名")
        opens(union, wang)
        for said in ("1", "1", "提交"):
            wang.says(said)

        assert "报上了" in wang.last
        assert wang.last != before
        assert states(union) == [CONFIRMED]


class TestTheWaitingList:
    @pytest.fixture
    def full(self, union: Union) -> tuple[Union, Phone, Phone, Phone]:
        """Three places are taken by one person; two more wait."""
        return union, signs_up(union, "王师傅", "3"), signs_up(union, "李大姐"), signs_up(union, "小张", "3")

    def test_says_where_one_stands_and_the_first_who_fits_is_offered_a_place(
        self, full: tuple[Union, Phone, Phone, Phone]
    ) -> None:
        union, wang, li, zhang = full
        assert "候补第 1 位" in li.last
        assert "候补第 2 位" in zhang.last
        does(union, wang, "取消报名")

        assert states(union) == [CANCELLED, OFFERED, WAITING]  # three seats do not fit beside one
        assert "有空位了，给您留到 1月13日" in told(union, li)[0]
        assert "候补第 1 位" in zhang.says("我的")
        assert "名额是您的了" in does(union, li, "要这个名额")
        assert room(union) == (1, 1)

    def test_an_offer_that_lapses_goes_to_the_next_also_when_everything_was_down_at_that_hour(
        self, full: tuple[Union, Phone, Phone, Phone]
    ) -> None:
        union, wang, li, zhang = full
        does(union, wang, "取消报名")
        union.waits(3 * DAY)  # nobody works meanwhile
        union.restarts()
        union.tends()

        assert states(union) == [CANCELLED, LAPSED, OFFERED]
        assert "让给下一位" in told(union, li)[-1]
        assert "给您留到 1月16日" in told(union, zhang)[-1]  # the whole time from now on
        assert "没有按时确认" in li.says("我的")
        union.waits(timedelta(seconds=1))
        union.tends()
        assert len(told(union, zhang)) == 1
        assert room(union) == (3, 0)

    def test_an_offer_is_over_by_the_clock_whether_or_not_anything_runs(
        self, full: tuple[Union, Phone, Phone, Phone]
    ) -> None:
        union, wang, li, _ = full
        does(union, wang, "取消报名")
        opens(union, li)
        li.says("要这个名额")
        li.says("1")
        union.waits(25 * HOUR)
        li.says("提交")

        assert "名额是您的了" not in li.last
        assert "名额" not in opens(union, li).replace("把名额让出来", "")

    def test_somebody_new_does_not_pass_who_waits(self, full: tuple[Union, Phone, Phone, Phone]) -> None:
        union, wang, _, _ = full
        does(union, wang, "取消报名")
        union.waits(25 * HOUR)
        zhao = signs_up(union, "老赵")  # before any job ran: who waits is served first

        assert states(union) == [CANCELLED, LAPSED, OFFERED, WAITING]
        assert "候补第 1 位" in zhao.last

    def test_nobody_is_offered_a_place_in_what_has_begun(
        self, full: tuple[Union, Phone, Phone, Phone]
    ) -> None:
        union, wang, li, _ = full
        union.waits(22 * DAY)
        with union.store.writing() as connection:
            holder.erase(connection, wang.openid, None)
        union.tends()

        assert states(union) == [CANCELLED, WAITING, WAITING]
        assert told(union, li) == []
        assert "没有排到" in li.says("我的")

    def test_a_list_that_is_full_says_so_and_another_slot_is_there(self, sqlite_store: Store) -> None:
        slots = [{"title": "一", "places": 1, "waiting": 0}, {"title": "二", "places": 1, "waiting": 0}]
        union = Union(sqlite_store, [cooling(names=False, seats_each=1, slots=slots)])
        for name in ("王师傅", "李大姐"):
            phone = union.phone(name)
            opens(union, phone)
            phone.says("1") if name == "王师傅" else phone.says("2")
            phone.says("提交")
        zhang = union.phone("小张")

        assert states(union) == [CONFIRMED, CONFIRMED]
        assert "名额和候补都满了" in opens(union, zhang)
        union.close()


class TestTheStaff:
    def test_let_people_in_by_number_or_code_once_and_undo_it(
        self, union: Union, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wang = signs_up(union, "王师傅")
        code = re.search(r"签到码 ([2-9A-Z-]{14})", wang.last)
        assert code is not None
        b = number(wang)
        union.staff_does("come", f"https://union.example/console/check-in/1?q={code[1].lower()}")
        refuses(union, capsys, "已经签过到了", "come", b)
        union.staff_does("not-come", b)
        union.staff_does("come", b)

        assert "已经签到" in wang.says("我的")
        refuses(union, capsys, "先撤销", "cancel", b, "来晚了")

    def test_sign_up_who_has_no_wechat_change_the_places_and_take_one_back_with_a_reason(
        self, union: Union, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wang = signs_up(union, "王师傅", "3")
        li = signs_up(union, "李大姐")
        refuses(union, capsys, "只剩 0 个名额", "add", "河东站", "老孙", "1")
        union.staff_does("places", "河东站", "5")
        assert states(union) == [CONFIRMED, OFFERED]
        union.staff_does("add", "1", "老孙", "1")
        union.staff_does("cancel", number(wang), "这一场只给户外岗位")

        assert "这一场只给户外岗位" in told(union, wang)[0]
        assert "有空位了" in told(union, li)[0]
        assert states(union) == [CANCELLED, OFFERED, CONFIRMED]
        assert room(union) == (2, 0)
        refuses(union, capsys, "1 到 100000 的整数", "places", "河东站", "很多")
        refuses(union, capsys, "可以写的是：1 河东站、2 河西站", "places", "河北站", "3")


class TestGoods:
    def test_go_to_each_person_once_by_their_own_hand_or_a_proxys(
        self, union: Union, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wang, li = signs_up(union, "王师傅", "2"), signs_up(union, "李大姐")
        union.staff_does("give", number(wang), "毛巾")
        refuses(union, capsys, "每人只领一次", "give-proxy", number(wang), "毛巾", "王建军")
        refuses(union, capsys, "只剩 0 份，不够 4 份", "give", number(wang), "绿豆")
        union.staff_does("stock", "绿豆", "5", "从仓库拉来")
        union.staff_does("give", number(wang), "绿豆")
        union.staff_does("give-proxy", number(li), "毛巾", "李秀兰")

        assert left(union) == 8
        assert left(union, "绿豆") == 1
        assert "领了 毛巾 1 份、绿豆 4 份" in wang.says("我的")
        refuses(union, capsys, "可以写的是：毛巾、绿豆", "give", number(li), "大米")

    def test_given_by_mistake_are_taken_back_and_the_ledger_is_put_right_with_a_trace(
        self, union: Union, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wang = signs_up(union, "王师傅")
        union.staff_does("give", number(wang), "毛巾")
        union.staff_does("take-back", number(wang), "毛巾", "拿错了")
        union.staff_does("give", number(wang), "毛巾")
        union.staff_does("stock-correct", "毛巾", "-2", "有两条破了")
        refuses(union, capsys, "现存 7 份，不能再减 9 份", "stock-correct", "毛巾", "-9", "没了")
        refuses(union, capsys, "大于 0", "stock", "毛巾", "-1", "少了")

        assert left(union) == 7
        with union.store.reading() as connection:
            kinds = [(one.kind, one.quantity) for one in reversed(stock.moves(connection, newest(union)))]
        assert kinds == [("in", 10), ("out", -1), ("out", 1), ("out", -1), ("correction", -2)]

    def test_do_not_go_twice_to_who_was_forgotten_and_comes_back(
        self, union: Union, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wang = signs_up(union, "王师傅")
        union.staff_does("come", number(wang))
        union.staff_does("give", number(wang), "毛巾")
        wang.unfollows()
        wang.follows()
        again = signs_up_again(union, wang)

        refuses(union, capsys, "每人只领一次", "give", again, "毛巾")
        with union.store.reading() as connection:
            (kept,) = connection.execute(sa.select(handouts)).all()
        assert (kept.item, kept.held, kept.proof) == ("毛巾", "毛巾", "self")
        assert wang.openid not in repr(kept)


def test_names_and_proofs_go_when_their_time_is_over(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [cooling(keep_days=30)])
    wang = union.phone("王师傅")
    opens(union, wang)
    for said in ("1", "1", "同意", "王建国", "提交"):
        wang.says(said)
    union.staff_does("give-proxy", number(wang), "毛巾", "王建军")
    union.waits(51 * DAY)
    union.tends()
    with union.store.reading() as connection:
        (kept,) = connection.execute(sa.select(handouts)).all()
        names = list(connection.execute(sa.select(sign_ups.c.name)).scalars())
    union.close()

    assert names == [""]
    assert (kept.openid, kept.proxy, kept.signed, kept.item) == (None, "", "", "毛巾")


@pytest.mark.parametrize(
    ("name", "at", "said", "place"),
    [
        ("spring-visit", datetime(2027, 2, 4, 3, tzinfo=UTC), ("1", "同意", "王建国", "提交"), "2月4日 16:00"),
        ("contest-sign-up", datetime(2027, 6, 12, 3, tzinfo=UTC), ("焊工", "同意", "王建国", "13912345678", "提交"), "7月1日 09:00"),
        ("cooling", datetime(2027, 8, 11, 3, tzinfo=UTC), ("3", "同意", "王建国", "提交"), "8月20日 09:00"),
    ],
)  # fmt: skip
def test_the_years_sign_ups_work_in_the_demonstration(
    sqlite_store: Store, name: str, at: datetime, said: tuple[str, ...], place: str
) -> None:
    union = Union(sqlite_store, EXAMPLE.demonstration.told(EXAMPLE.campaigns), at=at)
    wang = union.phone("王师傅")
    wang.says("报名")
    for words in said:
        wang.says(words)
    told = wang.last
    with union.store.reading() as connection:
        found = edition.latest(connection, name)
    union.close()

    assert "报上了！" in told
    assert place in told
    assert "河湾县" in told
    assert found is not None


def test_an_entry_of_the_directory_leads_into_a_sign_up_while_it_is_on(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [cooling(names=False, guides=["hardship"])])
    wang = union.phone("王师傅")
    before = wang.says("困难补助")
    form = wang.says("报名")  # what is tapped is said
    wang.says("00")
    union.waits(30 * DAY)
    after = wang.says("困难补助")
    union.close()

    assert "“送清凉”现在可以：" in before
    assert "报哪一场" in form
    assert "送清凉" not in after


class TestManyMoves:
    """Whatever people, staff and clock do, in any order: nobody has a seat that is not there, and nobody is passed."""

    def test_of_a_slot_seat_nobody_twice_and_pass_nobody(self, sqlite_store: Store) -> None:
        one = [{"title": "河东站", "places": 6, "waiting": 8}]
        union = Union(sqlite_store, [cooling(slots=one, names=False, offer_hours=2)])
        union.tends()
        dice, now = random.Random(7), union.clock.now()
        with union.store.reading() as connection:
            found = edition.latest(connection, "cooling")
        assert found is not None
        for _ in range(8):
            with union.store.writing() as connection:
                for _ in range(50):
                    now += timedelta(minutes=dice.randrange(1, 25))
                    self.moves(door.visit(connection, found, f"person {dice.randrange(20)}", now), dice)
                    self.holds(connection, found.id, now)
        union.close()

    def moves(self, visit: Visit, dice: random.Random) -> None:
        """Somebody takes what there is, the staff change the places, or the worker looks."""
        what = dice.choice(("make", "make", "make", "accept", "accept", "cancel", "places", "look"))
        mine = sign_up.of_person(visit.connection, visit.edition.id, visit.openid)
        standing = [one for one in mine if one.stands]
        if what == "places":
            work = Work(visit.connection, visit.edition, visit.rules, "cli:test", visit.now)
            desk.do(work, "places", ["1", str(dice.randrange(2, 9))])
        elif what == "look":
            here = slot.of_edition(visit.connection, visit.edition.id)[0]
            settle(visit.connection, visit.edition, visit.rules, here.id, visit.now)
        elif what == "make" and not standing:
            said = {"slot": "1", "seats": str(dice.randrange(1, 4))}
            door.take(visit.with_said(said).named(f"{visit.now}"))
        elif standing:
            said = {"what": what, "number": standing[0].number}
            door.take(visit.with_said(said).named(f"{visit.now}"))

    def holds(self, connection: Connection, edition_id: int, now: datetime) -> None:
        (here,) = slot.of_edition(connection, edition_id)
        every = sign_up.of_edition(connection, edition_id)
        seated = [one for one in every if one.state in (CONFIRMED, OFFERED)]
        line = sorted((one for one in every if one.state == WAITING), key=lambda one: (one.since, one.id))
        assert here.used == sum(one.seats for one in seated)
        assert here.waiting == len(line) <= here.most_waiting
        late = any(one.state == OFFERED and one.until and one.until <= now for one in every)
        assert late or not any(one.seats <= here.free for one in line), (
            "a seat is free and somebody waits who fits"
        )
        held = [one.openid for one in every if one.stands]
        assert len(held) == len(set(held))


# --- many at once ------------------------------------------------------------------------------------------------


def test_the_last_place_goes_to_one_of_fifty(everywhere: Union) -> None:
    sign_in(everywhere.store, range(50))
    pages = Pages(everywhere)
    shown = at_once(lambda person: by_page(pages, person), range(50))

    assert sum("报上了！" in page for page in shown) == 1
    assert sum("候补第" in page for page in shown) == 49
    assert room(everywhere) == (1, 49)
    with everywhere.store.reading() as connection:
        first = next(
            one for one in sign_up.of_edition(connection, newest(everywhere)) if one.state == CONFIRMED
        )
        assert first.openid
    with everywhere.store.writing() as connection:
        holder.erase(connection, first.openid, None)
    at_once(lambda _: everywhere.tends(), range(8))
    assert sorted(states(everywhere)) == [CANCELLED, OFFERED, *[WAITING] * 48]
    assert room(everywhere) == (1, 48)


def test_the_last_piece_goes_to_one_of_fifty(everywhere: Union) -> None:
    everywhere.staff_does("places", "1", "50")
    for _ in range(50):
        everywhere.staff_does("add", "1", "老孙", "1")
    with everywhere.store.reading() as connection:
        every = [one.number for one in sign_up.of_edition(connection, newest(everywhere))]
    given = at_once(lambda at: gave(everywhere, every[at]), range(50))

    assert sum(given) == 1
    assert left(everywhere) == 0
    with everywhere.store.reading() as connection:
        assert len(connection.execute(sa.select(handouts)).all()) == 1


def test_who_waits_too_long_for_the_others_is_asked_to_try_again_and_nothing_is_lost(union: Union) -> None:
    union.tends()
    sign_in(union.store, [1])
    pages = Pages(union)
    with union.store.writing():  # somebody else writes, for longer than anybody is let wait
        shown = by_page(pages, 1, seats="1")

    assert "系统正忙" in shown
    assert states(union) == []
    assert "报上了！" in by_page(pages, 1, seats="1")


def at_once(act: Callable[[int], Any], every: Iterable[int]) -> list[Any]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(act, every))


def by_page(pages: Pages, person: int, **more: str) -> str:
    secret = f"secret of {openid(person)}"
    client = pages.app.test_client()
    client.set_cookie("visit", secret)
    token = hashlib.sha256(f"form {secret}".encode()).hexdigest()[:32]
    fields = {"csrf": token, "once": f"once {person}", "slot": "1", **more}
    return client.post(PATH, data=fields, follow_redirects=True).get_data(as_text=True)


def gave(union: Union, word: str) -> bool:
    try:
        campaign_do(union.store, "cooling", "give", (word, "毛巾"), union.clock.now())
    except SystemExit:
        return False
    return True


def refuses(union: Union, capsys: pytest.CaptureFixture[str], words: str, deed: str, *said: str) -> None:
    """The deed cannot be done, and these words say why."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as fault:
        union.staff_does(deed, *said)
    assert words in f"{fault.value}{capsys.readouterr().err}"


def signs_up_again(union: Union, phone: Phone) -> str:
    opens(union, phone)
    for said in ("1", "1", "提交"):
        phone.says(said)
    return number(phone)
