"""Evaluations: bound to what somebody has had to do with, once each and changed for a day; figures with how many of how many, and
nothing of fewer than five, neither by the difference between two tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kind_cast import EVALUATION, REQUEST, WISH, Pages, Union, campaign

from campaigns.kinds.evaluation_staff import result, tables
from commands.campaign import campaign_do
from ground.few import FEWEST
from models import edition, evaluation
from models.base import Store
from models.delivery import deliveries
from models.evaluation import Figure, evaluations
from models.push import pushes
from wx.simulator import Phone

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
PATH = "/h5/c/summary"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(EVALUATION)])
    yield made
    made.close()


@pytest.fixture
def whole(sqlite_store: Store) -> Iterator[Union]:
    """With an activity and requests beside it."""
    made = Union(sqlite_store, [campaign(EVALUATION), campaign(WISH), campaign(REQUEST)])
    yield made
    made.close()


def asks(union: Union, person: Phone) -> str:
    """Somebody opens the evaluation."""
    return person.says("评一评")


def gives(
    union: Union, name: str, stars: int, words: str = "跳过", subject: str = "这一年的工会工作"
) -> Phone:
    person = union.phone(name)
    asks(union, person)
    for said in (subject, str(stars), words):
        person.says(said)
    return person


def figures(union: Union, of: Any = tables) -> dict[str, tuple[Any, ...]]:
    """The rows of the figures, by what they are of."""
    with union.store.reading() as connection:
        found = edition.latest(connection, "summary")
        assert found is not None
        every = of(connection, found, union.campaigns[0].rules)
    return {row[0]: row[1:] for one in every if one.title.startswith("满意度") for row in one.rows}


def ends(union: Union) -> None:
    period = union.campaigns[0].period(union.clock.now())
    assert period is not None
    union.waits(period[1] - union.clock.now() + timedelta(minutes=2))
    union.tends()


def recomputed(union: Union, about: str = "year") -> list[int]:
    """Of 5, 4, 3, 2 and 1 stars how many were given, in plain Python over all rows."""
    with union.store.reading() as connection:
        rows = connection.execute(
            sa.select(evaluations.c.stars).where(evaluations.c.about == about)
        ).scalars()
        stars = Counter(rows)
    return [stars[n] for n in (5, 4, 3, 2, 1)]


# --- what may be evaluated ---------------------------------------------------------------------------------------


def test_somebody_evaluates_the_year_by_chat_and_may_change_it_for_a_day(union: Union) -> None:
    wang = gives(union, "王师傅", 4, "食堂办得好")
    assert "记下了：这一年的工会工作 ★★★★☆" in wang.last
    assert "★★★★☆，您说：食堂办得好" in wang.says("我的")

    union.waits(HOUR)
    assert "改一改，现在是 ★★★★☆" in asks(union, wang)
    for said in ("1", "2", "跳过"):
        wang.says(said)
    assert "★★☆☆☆" in wang.says("我的")
    union.waits(DAY)
    assert "改一改" not in asks(union, wang)
    assert recomputed(union) == [0, 0, 0, 1, 0]


def test_on_a_page_it_is_given_without_javascript_and_old_pages_change_nothing_after_a_day(
    union: Union,
) -> None:
    li = union.phone("李大姐")
    browser = Pages(union).browser()
    browser.signs_in(li, PATH)
    assert "★★★★★ 很满意" in browser.opens(f"{PATH}?subject=year")
    browser.sends(PATH, stars="5", words="")
    union.waits(DAY + SECOND)
    later = Pages(union).browser()
    later.signs_in(li, PATH)
    later.opens(f"{PATH}?subject=service:legal-aid")
    later.sends(PATH, subject="year", stars="1", words="")

    assert recomputed(union) == [1, 0, 0, 0, 0]


def test_only_who_took_part_evaluates_an_activity_and_only_ones_own_request_once_it_is_answered(
    whole: Union,
) -> None:
    wang, li = whole.phone("王师傅"), whole.phone("李大姐")
    whole.opens_wishes(wang)
    for said in ("1", "1", "一张电影票", "提交"):
        wang.says(said)
    for person in (wang, li):
        person.says("提诉求")
        for said in ("1", "1", "厂里三个月没发工资了", "1", "提交"):
            person.says(said)
    assert "诉求 S" not in asks(whole, wang)
    assert "春节发福利" in wang.last
    wang.says("00")
    campaign_do(whole.store, "request", "accept", ("S1", "去了解"), whole.clock.now())
    campaign_do(whole.store, "request", "answer", ("S1", "工资周五发"), whole.clock.now())

    assert "我的诉求 S1" in asks(whole, wang)
    assert "春节发福利" not in asks(whole, li)
    assert "S1" not in li.last
    wang.says("我的诉求 S1")
    wang.says("5")
    assert "我的诉求 S1" in wang.says("跳过")
    with whole.store.reading() as connection:
        assert connection.execute(sa.select(evaluations.c.about)).scalars().all() == ["request:权益保障部"]


def test_a_page_cannot_be_made_to_take_what_somebody_had_nothing_to_do_with(whole: Union) -> None:
    wang = whole.phone("王师傅")
    browser = Pages(whole).browser()
    browser.signs_in(wang, PATH)
    browser.opens(f"{PATH}?subject=year")
    for forged in ("request:S1", "activity:spring-wish", "nothing"):
        browser.sends(PATH, subject=forged, stars="1", words="")
        browser.opens(f"{PATH}?subject=year")

    assert recomputed(whole, "request:权益保障部") == recomputed(whole, "activity:spring-wish") == [0] * 5


def test_what_wechat_brings_three_times_counts_once(store: Store) -> None:
    union = Union(store, [campaign(EVALUATION)])
    wang = union.phone("王师傅")
    asks(union, wang)
    wang.says("1")
    wang.says("5")
    with wang.delivers(3):
        wang.says("跳过")
    assert recomputed(union) == [1, 0, 0, 0, 0]
    union.close()


# --- figures -----------------------------------------------------------------------------------------------------


def test_every_figure_says_of_how_many_and_nothing_is_shown_of_fewer_than_five(union: Union) -> None:
    for number, stars in enumerate([5, 4, 4, 2]):
        gives(union, f"{number} 号", stars)
    union.phone("只看看")
    ends(union)
    assert figures(union) == figures(union, result) == {}


def test_at_the_end_all_are_counted_with_the_rate_of_those_who_could_have(union: Union) -> None:
    for number, stars in enumerate([5, 4, 4, 2, 1, 5]):
        gives(union, f"{number} 号", stars)
    for number in range(6):
        union.phone(f"看客 {number}")
    assert figures(union) == {}
    ends(union)

    assert recomputed(union) == [2, 2, 0, 1, 1]
    assert (
        figures(union)
        == figures(union, result)
        == {"这一年的工会工作": (6, 12, "50%", "3.5", "66%", 2, 2, 0, 1, 1, "")}
    )
    browser = Pages(union).browser()
    assert "平均 3.5 星，满意的占 66%（6 份，占能评的 50%）" in browser.opens(PATH)
    assert "满意度" in browser.opens("/h5/result/1")


def test_no_two_looks_at_an_open_edition_differ_by_fewer_than_five_people(union: Union) -> None:
    looks = []
    for number in range(17):
        gives(union, f"{number} 号", 1 + number % 5)
        union.waits(timedelta(hours=13))
        union.tends()
        looks.append(figures(union).get("这一年的工会工作", (0,))[0])
    ends(union)
    looks.append(figures(union)["这一年的工会工作"][0])

    steps = [after - before for before, after in pairwise(looks) if after != before]
    assert looks[-1] == 17
    assert len(steps) >= 2
    assert min(steps) >= FEWEST


def test_who_is_forgotten_changes_no_figure_and_leaves_no_words(union: Union) -> None:
    people = [gives(union, f"{number} 号", 5, "都很好") for number in range(5)]
    ends(union)
    before = figures(union)
    people[0].unfollows()

    assert figures(union) == before
    with union.store.reading() as connection:
        left = connection.execute(sa.select(evaluations.c.words).where(evaluations.c.openid.is_(None)))
        assert left.scalars().all() == [""]


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 40), min_size=5, max_size=5).filter(sum), st.integers(0, 300))
def test_a_figure_is_what_its_stars_say(stars: list[int], asked: int) -> None:
    one = Figure("year", asked, tuple(stars))
    people = [n for n, count in zip((5, 4, 3, 2, 1), stars, strict=True) for _ in range(count)]

    assert one.number == len(people)
    assert float(one.mean) <= sum(people) / len(people) < float(one.mean) + 0.1001
    assert int(one.content[:-1]) == 100 * sum(n >= 4 for n in people) // len(people)
    assert int(one.rate[:-1]) <= 100


# --- words -------------------------------------------------------------------------------------------------------


def test_words_are_read_by_others_only_when_the_staff_have_looked_and_five_have_spoken(union: Union) -> None:
    people = [gives(union, f"{number} 号", 5, f"第 {number} 句") for number in range(5)]
    with pytest.raises(SystemExit):
        union.staff_does("show-words", "1")
    ends(union)
    with union.store.reading() as connection:
        assert evaluation.waiting_since(connection, 1) is not None
    page = Pages(union).browser()
    assert "第 0 句" not in page.opens(PATH)
    union.staff_does("show-words", "1")
    union.staff_does("hide-words", "2", "写了别人的名字")

    assert "第 0 句" in page.opens(PATH)
    assert "第 1 句" not in page.opens(PATH)
    with union.store.reading() as connection:
        query = sa.select(deliveries.c.recipient).join(pushes, pushes.c.id == deliveries.c.push_id)
        told = connection.execute(query.where(pushes.c.name.like("summary/words:2-%"))).scalars().all()
    assert told == [people[1].openid]
    assert "申诉 编号 理由" in people[1].says("申诉")


def test_rules_that_ask_for_nothing_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="没有写评什么"):
        campaign({**EVALUATION, "evaluation": {"longest": 100}})
