"""办事指南 at the desk: an entry is edited above its file, looked at before it counts, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from html import unescape

import pytest
from desk_cast import Colleague, Pages, Union, deeds
from guides_cast import WHOLE

from handlers.turn import House
from menus.edit import fields, overlaid
from menus.in_force import InForce
from models import guide_version
from models.base import Store

GUIDE = "injury"
AT = f"/console/guides/{GUIDE}"
ANSWER = "先拨 12351，河湾县工会的人陪您去办。"
FIELD = re.compile(
    r'<(?:textarea|input) id="(\w+)" name="\w+"[^>]*?(?:value="([^"]*)"[^>]*>|>([^<]*)</textarea>)'
)


class Edited(Union):
    """A union whose processes look at what staff wrote of its guides."""

    @cached_property
    def known(self) -> guide_version.InForce:
        return guide_version.InForce(self.store)

    @cached_property
    def guides(self) -> InForce:
        return InForce(written=self.known.current).open(WHOLE)

    def house(self) -> House:
        return replace(super().house(), guides=self.guides.current)

    def looks(self) -> None:
        """Two seconds later."""
        self.known.look()
        self.guides.look()


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Edited]:
    made = Edited(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def pages(union: Edited) -> Pages:
    return Pages(union)


@pytest.fixture
def sun(pages: Pages) -> Colleague:
    return Colleague(pages, "sun").is_let_in("guide")


def form(one: Colleague) -> dict[str, str]:
    """What stands in the form that is shown."""
    found = {name: unescape(value or text) for name, value, text in FIELD.findall(one.text)}
    seen = re.search(r'name="seen" value="(\d+)"', one.text)
    return found | {"seen": seen[1] if seen else ""}


def saves(one: Colleague, **changed: str) -> str:
    """Writes over these fields of the form that is shown and saves it."""
    return one.sends(AT, **(form(one) | changed), do="save")


def test_an_edited_entry_is_what_the_chat_and_the_page_say_a_look_later_and_can_be_taken_back(
    union: Edited, pages: Pages, sun: Colleague
) -> None:
    wang, title = union.phone("王师傅"), WHOLE.by_id[GUIDE].title
    before = wang.says(title)
    assert AT in sun.opens(f"/console/guides?find={title}")
    sun.opens(AT)
    assert form(sun)["answer"] == WHOLE.by_id[GUIDE].answer
    assert form(sun)["how"].split("\n") == list(WHOLE.by_id[GUIDE].how)

    shown = sun.sends(AT, **(form(sun) | {"answer": ANSWER}), do="look")
    assert shown.count(ANSWER) == 3  # in the form, and in the chat at first and whole
    assert "河湾县工会的人陪您去办。</p>" in shown.partition("网页上这样写")[2]  # where the number is a link
    assert "还没有保存" in shown
    union.looks()
    assert wang.says(title) == before

    assert "保存好了" in saves(sun, answer=ANSWER)
    union.looks()
    assert ANSWER in wang.says(title)
    assert ANSWER in pages.app.test_client().get(f"/guide/{GUIDE}").get_data(as_text=True)
    assert ("sun", "change guide", f"guide/{GUIDE}") in deeds(union.store)
    assert "改了回答" in sun.opens(AT)
    assert "sun" in sun.text.partition("改过几次")[2]

    saves(sun, note="带上身份证。")
    assert "换回第 1 版" in sun.sends(f"{AT}/take-back/1")
    union.looks()
    assert ANSWER in wang.says(title)
    assert form(sun)["note"] == WHOLE.by_id[GUIDE].note

    assert "换回文件里写的" in sun.sends(f"{AT}/take-back/0")
    union.looks()
    assert wang.says(title) == before
    with union.store.reading() as connection:
        versions = guide_version.of(connection, GUIDE)
    assert [(one.version, one.staff) for one in versions] == [(n, "sun") for n in (4, 3, 2, 1)]
    assert versions[0].fields is None
    assert versions[3].fields == fields(WHOLE.by_id[GUIDE]) | {"answer": ANSWER}


def test_of_two_who_edit_one_entry_the_second_is_told_and_loses_no_word(
    union: Edited, pages: Pages, sun: Colleague
) -> None:
    li = Colleague(pages, "li").is_let_in("lead")
    for one in (sun, li):
        one.opens(AT)
    saves(li, answer=ANSWER)
    shown = saves(sun, note="早上人少。")

    assert sun.status == 409
    assert "别的同志（li）先改了" in shown
    assert "早上人少。" in form(sun)["note"]
    assert ANSWER in shown.partition("改过几次")[2]
    with union.store.reading() as connection:
        assert [one.staff for one in guide_version.of(connection, GUIDE)] == ["li"]

    assert "保存好了" in saves(sun, answer=ANSWER)
    union.looks()
    assert union.guides.current().by_id[GUIDE].note == "早上人少。"
    assert union.guides.current().by_id[GUIDE].answer == ANSWER


@pytest.mark.parametrize(
    ("field", "words", "why"),
    [
        ("answer", "", "先用一句话答所问"),
        ("answer", "长" * 201, "最多 200 个字，现在是 201 个"),
        ("answer", "到〔待填：窗口〕办。", "这里不能有〔待填〕"),
        ("how", "一步\n" * 13, "最多 12 步"),
        ("how", "看 https://example.com", "不能写网址"),
        ("note", '<a href="x">点这里</a>', "不能写网址"),
        ("phones", "13800000000", "号码“13800000000”不在"),
        ("valid_until", "2020-01-01", "要晚于更新的日子"),
        ("valid_until", "明年", "日期"),
        ("note", "长" * 900, "微信一条消息放不下"),
    ],
)
def test_what_the_files_may_not_say_is_told_at_its_field_and_nothing_is_lost(
    union: Edited, sun: Colleague, field: str, words: str, why: str
) -> None:
    sun.opens(AT)
    shown = saves(sun, **{field: words})

    assert sun.status == 409
    told = re.search(rf'id="wrong-{field}">([^<]*)<', shown)
    assert why in unescape(told[1] if told else shown)
    assert form(sun)[field].split() == words.split()
    with union.store.reading() as connection:
        assert guide_version.of(connection, GUIDE) == []


def test_another_process_answers_so_too_from_its_first_look(union: Edited, sun: Colleague) -> None:
    sun.opens(AT)
    saves(sun, answer=ANSWER)
    known = guide_version.InForce(union.store)
    later = InForce(written=known.current).open(WHOLE)
    known.begin(60)
    later.look()

    assert later.current().by_id[GUIDE].answer == ANSWER
    assert later.current().written(GUIDE) is WHOLE.by_id[GUIDE]


def test_what_is_written_of_an_entry_that_left_the_files_or_cannot_be_read_changes_nothing() -> None:
    assert overlaid(WHOLE, {"gone": {"answer": ANSWER}}).guides == WHOLE.guides
    assert overlaid(WHOLE, {GUIDE: {"valid_until": "bald"}}).guides == WHOLE.guides
    assert overlaid(WHOLE, {}) is WHOLE


def test_there_is_nothing_to_edit_or_take_back_where_there_is_none(sun: Colleague) -> None:
    sun.opens(AT)
    for path in ("/console/guides/no-such", f"{AT}/take-back/7", f"{AT}/take-back/0"):
        sun.sends(path, do="save")
        assert sun.status == 404
        sun.opens(AT)
