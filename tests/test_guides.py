"""The service directory: complete, honest, found by the words that workers use."""

import re
from dataclasses import replace
from datetime import date

import pytest

from menus import directory, tree
from menus.directory import BadDirectory, load, normal, overdue, sections, shown, unfilled
from menus.guide import TEXT_BYTES, Guide, placeholders, stale, text, withheld

PROMISED = [
    "入会",
    "转会",
    "会员卡",
    "帮扶",
    "大病救助",
    "金秋助学",
    "法律援助",
    "劳动争议",
    "欠薪",
    "12351",
    "互助保障",
    "就业",
    "技能培训",
    "工匠学院",
    "合理化建议",
    "五小",
    "先锋杯",
    "技能竞赛",
    "创新工作室",
    "创业扶持",
    "劳模评选",
    "女职工权益",
    "高温津贴",
    "集体合同",
    "工伤",
    "退会",
    "心理关爱",
    "职工书屋",
    "疗休养",
    "婚恋交友",
    "普惠",
    "文体活动",
    "微心愿",
]


@pytest.mark.parametrize("words", PROMISED)
def test_a_worker_finds_each_service_by_its_name(words: str) -> None:
    assert load().find(words) is not None


@pytest.mark.parametrize("words", ["工伤", " 工 伤 ", "工伤？？", "工伤😭", "工伤[大哭]", "【工伤】"])
def test_spaces_marks_and_faces_around_a_word_do_not_matter(words: str) -> None:
    found = load().find(words)

    assert found is not None
    assert found.id == "injury"


def test_only_a_face_says_nothing() -> None:
    assert normal("😀👍[微笑]～～！！") == ""


@pytest.mark.parametrize("guide", directory.GUIDES, ids=lambda guide: guide.id)
def test_every_entry_says_who_how_and_until_when_in_one_message(guide: Guide) -> None:
    assert guide.who
    assert 2 <= len(guide.how) <= 9
    assert guide.updated < guide.valid_until
    assert len(stale(guide).encode()) <= TEXT_BYTES
    assert "12351" in text(guide)


@pytest.mark.parametrize("guide", directory.GUIDES, ids=lambda guide: guide.id)
def test_no_entry_names_a_telephone_number_but_12351_or_a_link(guide: Guide) -> None:
    words = text(guide).replace(f"{guide.updated:%Y-%m-%d}", "")

    assert set(re.findall(r"\d{4,}", words)) <= {"12351"}
    assert "http" not in words


@pytest.mark.parametrize("guide", directory.GUIDES, ids=lambda guide: guide.id)
def test_a_number_in_an_entry_stands_on_a_named_rule(guide: Guide) -> None:
    steps = "".join((*guide.how, guide.note)).replace("12351", "")

    assert not re.search(r"\d", steps) or "《" in guide.source


def test_an_entry_with_a_blank_is_shown_before_the_account_is_live_and_not_after() -> None:
    guide = load().by_id["card"]

    assert placeholders(guide) == ("〔待填：会员卡申领和补办网点〕",)
    assert shown(guide, live=False)
    assert not shown(guide, live=True)
    assert "12351" in withheld(guide)
    assert "待填" not in withheld(guide)


def test_staff_get_the_list_of_blanks_and_of_entries_past_their_day() -> None:
    whole = load()

    assert "会员卡怎么领、丢了怎么补" in unfilled(whole)
    assert "怎样退会" not in unfilled(whole)
    assert overdue(whole, date(2027, 12, 31)) == ()
    assert len(overdue(whole, date(2028, 1, 1))) == len(whole.guides)


def test_two_entries_that_claim_the_same_word_are_refused_with_both_names() -> None:
    join, quit_ = load().by_id["join"], load().by_id["quit"]

    with pytest.raises(BadDirectory) as refused:
        load((join, replace(quit_, words=("退会", "入 会！"))))

    assert "怎样加入工会" in str(refused.value)
    assert "怎样退会" in str(refused.value)


def test_every_fault_of_a_bad_directory_is_told_at_once() -> None:
    join = load().by_id["join"]

    with pytest.raises(BadDirectory) as refused:
        load((join, replace(join, title="又一条", words=("😀",), item="NOWHERE", note="长" * 700)))

    for words in ("用了两次", "空的叫法", "NOWHERE", "太长"):
        assert words in str(refused.value)


def test_a_word_of_a_menu_item_cannot_be_taken_by_an_entry() -> None:
    with pytest.raises(BadDirectory, match="灯谜"):
        load((replace(load().by_id["join"], words=("灯谜",)),))


def test_each_section_lists_only_what_stands_under_its_own_menu_items() -> None:
    for button in tree.MENU:
        keys = {item.key for item in button.sub_button}

        assert {guide.item for guide in sections()[button.name]} <= keys


def test_the_directory_is_large_enough_to_be_of_use() -> None:
    assert sum(len(guides) for guides in sections().values()) == len(load().guides) >= 28
