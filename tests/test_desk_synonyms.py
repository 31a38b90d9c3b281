"""说法: what found no answer is seen at the desk, and one click teaches the chat."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

import pytest
from desk_cast import Colleague, Pages, Union, deeds
from kind_cast import NOON
from markupsafe import escape

from handlers.route import route
from handlers.turn import House
from models import synonym, unanswered
from models.base import Store
from models.interaction import interactions

UNKNOWN = "嘎拉哈旮旯咕嘟噶哒"
PAGE = "guide:hardship"
PHRASES = Path(__file__).parent / "phrases" / "phrases.csv"


class Taught(Union):
    """A union whose processes look at what staff taught."""

    @cached_property
    def learned(self) -> synonym.InForce:
        return synonym.InForce(self.store)

    def house(self) -> House:
        return replace(super().house(), synonyms=self.learned.current)

    def learns(self) -> None:
        """Two seconds later."""
        self.learned.look()

    def gathers(self) -> None:
        """What a worker does every few seconds."""
        self.waits(timedelta(seconds=10))
        with self.store.writing() as connection:
            unanswered.gather(connection, self.clock.now())


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Taught]:
    made = Taught(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def sun(union: Taught) -> Colleague:
    pages = Pages(union)
    return Colleague(pages, "sun").is_let_in("guide")


def test_what_found_no_answer_is_ranked_and_one_click_lets_the_chat_answer_it(
    union: Taught, sun: Colleague
) -> None:
    wang, li = union.phone("王师傅"), union.phone("李师傅")
    for phone, words in ((wang, UNKNOWN), (li, f"{UNKNOWN}？"), (li, "qqxxzz")):
        assert "这个我不会" in phone.says(words)
    union.gathers()
    page = sun.opens("/console/synonyms")
    assert page.index("嘎拉哈") < page.index("qqxxzz")
    assert "2 人说过 2 次" in page

    assert "记下了" in sun.sends("/console/synonyms", words=UNKNOWN, page=PAGE)
    assert f"{UNKNOWN}</b><small>2 人" not in sun.text.replace(" ", "")
    union.learns()
    answered = wang.says(f"请问{UNKNOWN}！")
    assert "【" in answered
    assert "这个我不会" not in answered
    assert ("sun", "teach", f"synonym/{PAGE}") in deeds(union.store)
    with union.store.reading() as connection:
        (one,) = synonym.last(connection, 9)
        topic = connection.execute(interactions.select().order_by(interactions.c.id.desc())).first().topic
    assert topic == PAGE

    assert "别的同志已经教过了" in sun.sends("/console/synonyms", words=UNKNOWN, page=PAGE)
    assert "收回了" in sun.sends(f"/console/synonyms/{one.id}/take-back")
    assert "已经收回" in sun.sends(f"/console/synonyms/{one.id}/take-back")
    union.learns()
    assert "这个我不会" in wang.says(UNKNOWN)
    assert "记下了" in sun.sends("/console/synonyms", words=UNKNOWN, page=PAGE)


def test_another_process_knows_it_within_two_seconds_without_being_told(
    union: Taught, sun: Colleague
) -> None:
    other = synonym.InForce(union.store)
    assert other.current() == {}
    sun.opens("/console/synonyms")
    sun.sends("/console/synonyms", words=UNKNOWN, page=PAGE)
    other.look()

    assert list(other.current().values()) == [PAGE]


@pytest.mark.parametrize(
    ("words", "page", "why"),
    [
        ("12351", PAGE, "不能只是数字"),
        ("……", PAGE, "要有字"),
        ("说" * 90, PAGE, "最多 60 个字"),
        (UNKNOWN, "没有这一页", "没有叫“没有这一页”的页"),
        ("我不想活了", PAGE, "永远先说急救电话"),
    ],
)
def test_what_cannot_be_taught_is_said_and_stays_in_the_field(
    union: Taught, sun: Colleague, words: str, page: str, why: str
) -> None:
    sun.opens("/console/synonyms")
    shown = sun.sends("/console/synonyms", words=words, page=page)

    assert why in shown
    assert words in shown
    with union.store.reading() as connection:
        assert synonym.in_force(connection) == {}


def test_staff_see_which_rule_would_answer_and_which_would_not(sun: Colleague) -> None:
    page = sun.opens("/console/synonyms?words=工伤")

    assert "就是它的叫法" in page
    assert "分）" in page
    assert "没有够像的" in sun.opens(f"/console/synonyms?words={UNKNOWN}")


def test_a_guess_shows_what_was_offered_and_chosen(union: Taught, sun: Colleague) -> None:
    wang = union.phone("王师傅")
    with PHRASES.open() as file:
        sayings = [row["phrase"] for row in csv.DictReader(file)]
    asked = next(words for words in sayings if route(union.house(), NOON, words).kind == "choice")
    assert "您想问的是哪一件" in wang.says(asked)
    wang.says("1")
    union.gathers()
    page = sun.opens("/console/synonyms").partition("猜着答的")[2]

    assert str(escape(asked)) in page
    assert "后来选了" in page
    assert "就答“" in page


def test_nobody_waits_for_what_was_taught_when_the_database_is_away(tmp_path) -> None:  # type: ignore[no-untyped-def]
    away = synonym.InForce(Store(f"sqlite:///{tmp_path}/none.db"))

    assert away.current() == {}
    assert not (tmp_path / "none.db").exists()


def test_the_directory_is_listed_with_what_is_due_first(union: Taught, sun: Colleague) -> None:
    rows = sun.opens("/console/guides").partition("<tbody>")[2]
    assert "没问题" in rows
    union.waits(timedelta(days=3650))
    later = Colleague(Pages(union), "sun").is_let_in("guide")

    assert "没问题" not in later.opens("/console/guides").partition("<tbody>")[2]
    assert "过了核对日期" in later.text
