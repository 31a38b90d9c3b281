"""A live record: written on the spot from a colleague's phone, corrected in the open, with results that rank themselves, and followed
by everybody."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from desk_cast import Colleague, deeds
from hypothesis import given
from hypothesis import strategies as st
from kind_cast import LIVE_RECORD, NOON, Pages, Union, campaign
from test_photo import jpeg

from campaigns.kind import Impossible
from campaigns.kinds.live_record_staff import scored
from commands.campaign import campaign_export
from models import moment, standing
from models.base import Store
from models.delivery import deliveries
from models.moment import amendments, moments
from models.photo import photos
from models.push import pushes
from models.standing import Scored, Standing
from wx.simulator import Phone

PATH, DESK = "/h5/c/contest", "/console/live/1"
SCORES = "王大力 一车间 95.5\r\n李巧手\t二车间\t97\r\n张明，三车间，95.5"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(LIVE_RECORD)])
    made.tends()
    yield made
    made.close()


@pytest.fixture
def sun(union: Union) -> Colleague:
    """A colleague on the spot."""
    one = Colleague(Pages(union), "sun").is_let_in("campaign")
    one.opens(DESK)
    return one


def follows(union: Union, name: str) -> Phone:
    person = union.phone(name)
    union.waits(timedelta(seconds=1))
    person.taps("YEAR")
    person.says("1")
    return person


def seen(union: Union) -> str:
    """The page as somebody reads it now."""
    return Pages(union).browser().opens(PATH)


def posts(sun: Colleague, words: str, when: str = "", once: str = "", photo: bytes | None = None) -> str:
    file = {"photo": (io.BytesIO(photo), "a.jpg")} if photo else {}
    return sun.sends(f"{DESK}/post", words=words, when=when, once=once or words, **file)


# --- moments -----------------------------------------------------------------------------------------------------


def test_a_moment_with_a_photo_written_on_the_spot_is_seen_at_once_by_everybody(
    union: Union, sun: Colleague
) -> None:
    posts(sun, "焊接决赛开始了，八位师傅上场。", photo=jpeg())
    page = Pages(union).browser()
    text = page.opens(PATH)

    assert "1 号记下了" in sun.text
    assert "焊接决赛开始了" in text
    picture = text.partition('<img src="/h5/photo/')[2].partition('"')[0]
    assert page.client.get(f"/h5/photo/{picture}").status_code == 200
    assert "焊接决赛开始了" in follows(union, "王师傅").last
    assert ("sun", "post") in [(who, deed) for who, deed, _ in deeds(union.store)]


def test_moments_stand_in_the_order_in_which_they_happened_also_when_they_are_written_later(
    union: Union, sun: Colleague
) -> None:
    posts(sun, "颁奖开始", "11:50")
    posts(sun, "第一位师傅交卷", "11:05")
    posts(sun, "现在大家合影")
    union.staff_does("correct-moment", "2", "第一位师傅交件", "写错了一个字")
    text = seen(union)

    places = [text.index(words) for words in ("大家合影", "颁奖开始", "师傅交件")]
    assert places == sorted(places)
    assert "<s>第一位师傅交卷</s>" in text
    assert "更正：写错了一个字" in text
    with union.store.reading() as connection:
        assert connection.execute(sa.select(amendments.c.was)).scalars().all() == ["第一位师傅交卷"]


def test_a_double_tap_is_one_moment_and_keeps_one_photo(union: Union, sun: Colleague) -> None:
    for _ in range(3):
        posts(sun, "比赛开始", once="same", photo=jpeg())

    with union.store.reading() as connection:
        assert len(connection.execute(moments.select()).all()) == 1
        assert len(connection.execute(photos.select()).all()) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"words": "比赛开始", "when": "14:70"}, "什么时候写的是“14:70”"),
        ({"words": "比赛开始", "when": "23:59"}, "23:59 还没有到"),
        ({"words": "好"}, "要写 2 到 500 个字，现在是 1 个字"),
        ({"words": "比赛开始", "photo": b"PK\x03\x04 no photo"}, "能收的是"),
    ],
)
def test_what_cannot_be_taken_is_said_and_what_was_written_stays(
    union: Union, sun: Colleague, fields: dict[str, str | bytes], words: str
) -> None:
    posts(sun, **fields)  # type: ignore[arg-type]

    assert sun.status == 409
    assert words in sun.text
    assert str(fields["words"]) in sun.text
    with union.store.reading() as connection:
        assert connection.execute(moments.select()).all() == []


def test_what_is_withdrawn_leaves_a_mark_with_the_reason_and_can_come_back(
    union: Union, sun: Colleague
) -> None:
    posts(sun, "有人受伤了", photo=jpeg())
    page = Pages(union).browser()
    picture = page.opens(PATH).partition('<img src="')[2].partition('"')[0]
    sun.sends(f"{DESK}/do/withdraw", w0="1", w1="消息没有核实")
    assert "有人受伤了" not in page.opens(PATH)
    assert "这一条撤下了：消息没有核实" in page.text
    page.opens(picture)
    assert page.status == 404
    assert "有人受伤" not in follows(union, "王师傅").last
    sun.opens(DESK)
    sun.sends(f"{DESK}/do/restore", w0="1")
    assert "有人受伤了" in page.opens(PATH)


def test_two_colleagues_who_correct_the_same_words_do_not_lose_one_of_the_two(union: Union) -> None:
    union.staff_does("post", "现在", "决赛开始")
    with union.store.writing() as connection:
        (one,) = moment.of_edition(connection, 1)
        assert moment.correct(connection, one, "决赛开始了", "少字", "a", NOON)
        assert not moment.correct(connection, one, "决赛结束", "写反了", "b", NOON)


def test_numbers_are_given_once_on_every_database(store: Store) -> None:
    union = Union(store, [campaign(LIVE_RECORD)])
    union.tends()
    for words in ("第一", "第二", "第三"):
        union.staff_does("post", "现在", f"{words}项开始")
        union.waits(timedelta(seconds=1))
    with store.reading() as connection:
        assert sorted(connection.execute(sa.select(moments.c.number)).scalars()) == [1, 2, 3]
    union.close()


# --- results -----------------------------------------------------------------------------------------------------


def test_scores_rank_themselves_and_whoever_follows_is_told(union: Union, sun: Colleague) -> None:
    wang = follows(union, "王师傅")
    assert "要不要跟着看" in wang.last
    wang.says("1")
    sun.sends(f"{DESK}/do/result", w0="焊接", w1="高的在前", w2=SCORES)

    text = seen(union)
    rows = [cells.replace("</td><td>", "|") for cells in text.split("<tbody><tr><td>")[1].split("</td></tr>")]
    assert "1|李巧手|二车间|97" in rows[0]
    assert text.index("李巧手") < text.index("王大力") < text.index("张明")
    with union.store.reading() as connection:
        (one,) = standing.newest(standing.versions(connection, 1))
        query = sa.select(deliveries.c.recipient).join(pushes, pushes.c.id == deliveries.c.push_id)
        told = connection.execute(query.where(pushes.c.name.like("contest/result:%"))).scalars().all()
    assert [(rank, each.name) for rank, each in one.ranked] == [(1, "李巧手"), (2, "王大力"), (2, "张明")]
    assert told == [wang.openid]
    assert "焊接：第 1 名 李巧手（97）" in follows(union, "李大姐").last
    assert "有成绩出来会告诉您" in wang.says("我的")


def test_a_corrected_score_is_seen_with_what_it_was_and_why(union: Union, sun: Colleague) -> None:
    sun.sends(f"{DESK}/do/result", w0="焊接", w1="高的在前", w2=SCORES)
    sun.opens(DESK)
    sun.sends(f"{DESK}/do/correct-result", w0="焊接", w1=SCORES.replace("97", "94"), w2="加错了一项")
    browser = Pages(union).browser()

    assert "更正：加错了一项" in browser.opens(PATH)
    assert browser.text.index("王大力") < browser.text.index("李巧手")
    assert "李巧手 97" in browser.opens("/h5/result/1")
    sun.opens(DESK)
    sun.sends(f"{DESK}/do/result", w0="焊接", w1="高的在前", w2=SCORES)
    assert sun.status == 409
    assert "已经有成绩了" in sun.text


def test_with_times_the_lowest_is_the_first() -> None:
    lines = scored("王大力 一车间 3:20.5；李巧手 二车间 199；张明 3：20")
    one = Standing("换胎", 1, True, tuple(lines), "", NOON)

    assert [(rank, each.name) for rank, each in one.ranked] == [(1, "李巧手"), (2, "张明"), (3, "王大力")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("王大力 一车间", "第 1 行“王大力 一车间”应当是 姓名 单位 成绩"),
        ("王大力 一车间 95；李巧手 很好", "第 2 行“李巧手 很好”"),
        ("王大力 一车间 95；王大力 一车间 96", "第 2 行 王大力 写了两次"),
        ("；；", "有 0 个人的成绩"),
    ],
)
def test_scores_that_cannot_be_read_are_refused_whole_with_their_line(text: str, words: str) -> None:
    with pytest.raises(Impossible) as fault:
        scored(text)

    assert words in str(fault.value)


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=40), st.booleans())
def test_a_rank_is_how_many_are_better_and_one(numbers: list[int], lowest: bool) -> None:
    lines = tuple(Scored(f"{at} 号", "", f"{n / 100:.2f}") for at, n in enumerate(numbers))
    one = Standing("焊接", 1, lowest, lines, "", NOON)

    for rank, each in one.ranked:
        mine = Decimal(each.score)
        better = [n for n in numbers if (Decimal(n) / 100 < mine if lowest else Decimal(n) / 100 > mine)]
        assert rank == 1 + len(better)


# --- following ---------------------------------------------------------------------------------------------------


def test_what_the_page_asks_for_while_it_is_looked_at_is_made_once_and_sent_when_it_is_new(
    union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.h5.live.FRESH_S", 0)
    union.staff_does("post", "现在", "决赛开始")
    client = Pages(union).browser().client
    first = client.get("/h5/live/1")
    same = client.get("/h5/live/1", headers={"If-None-Match": first.headers["ETag"]})
    union.waits(timedelta(seconds=1))
    union.staff_does("post", "现在", "决赛结束")
    new = client.get("/h5/live/1", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, new.status_code) == (200, 304, 200)
    assert "决赛结束" in new.get_data(as_text=True)
    assert client.get("/h5/live/9").status_code == 404


def test_after_the_end_nothing_is_added_and_mistakes_are_still_put_right(
    union: Union, sun: Colleague
) -> None:
    posts(sun, "决赛开始了")
    period = union.campaigns[0].period(union.clock.now())
    assert period is not None
    union.waits(period[1] - union.clock.now() + timedelta(minutes=2))
    union.tends()
    with pytest.raises(SystemExit):
        union.staff_does("post", "现在", "还有一条")
    union.staff_does("correct-moment", "1", "决赛结束了", "写反了")

    assert "<s>决赛开始了</s>" in seen(union)


def test_the_export_holds_moments_standings_and_what_they_were(union: Union, tmp_path) -> None:  # type: ignore[no-untyped-def]
    union.staff_does("post", "现在", "=1+1 开始")
    union.staff_does("result", "焊接", "高的在前", "王大力 一车间 95.5；李巧手 二车间 97")
    union.staff_does("correct-moment", "1", "开始了", "手滑")
    campaign_export(union.store, "contest", tmp_path)
    written = next(tmp_path.glob("*.csv")).read_text("utf-8-sig")

    assert "1,李巧手,二车间,97" in written
    assert "'=1+1 开始" in written
