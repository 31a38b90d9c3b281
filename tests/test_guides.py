"""The service directory as data files: whole, honest, found by its names; and every fault of a clerk told with its line."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from guides_cast import ENTRY, OTHER, WHOLE, Clerk, copied, small

from campaigns.watch import tell_of_guides
from ground.normal import normal
from ground.text import BLANK
from menus import in_force
from menus.directory import BadDirectory, aged, overdue, reminders, unfilled
from menus.facts import table
from menus.guide import Guide, texts
from menus.in_force import InForce
from menus.reading import load
from menus.telling import SHORT, short, whole
from models import alarm
from models.base import Store

PROMISED = [
    "入会", "转会", "会员卡", "帮扶", "大病救助", "金秋助学", "法律援助", "劳动争议", "欠薪", "12351", "互助保障", "就业",
    "技能培训", "工匠学院", "合理化建议", "五小", "先锋杯", "技能竞赛", "创新工作室", "创业扶持", "劳模评选", "女职工权益",
    "高温津贴", "集体合同", "工伤", "退会", "心理关爱", "职工书屋", "疗休养", "婚恋交友", "普惠", "文体活动", "微心愿",
]  # fmt: skip


@pytest.mark.parametrize("words", PROMISED)
def test_a_worker_finds_each_service_by_its_name(words: str) -> None:
    assert WHOLE.find(words) is not None


@pytest.mark.parametrize("words", ["工伤", " 工 伤 ", "工伤？？", "工伤😭", "工伤[大哭]", "【工伤】"])
def test_spaces_marks_and_faces_around_a_word_do_not_matter(words: str) -> None:
    found = WHOLE.find(words)

    assert found is not None
    assert found.id == "injury"


def test_only_a_face_says_nothing() -> None:
    assert normal("😀👍[微笑]～～！！") == ""


@pytest.mark.parametrize("guide", WHOLE.guides, ids=lambda guide: guide.id)
def test_every_entry_answers_in_one_short_message(guide: Guide) -> None:
    words, more = short(WHOLE, guide, "live")

    assert words.startswith(f"【{guide.title}】")
    assert len(words) <= SHORT
    assert not BLANK.search(words)
    assert more == (len(whole(WHOLE, guide, "live")) > len(words)) or not more
    assert guide.updated < guide.valid_until


@pytest.mark.parametrize("guide", WHOLE.guides, ids=lambda guide: guide.id)
def test_no_entry_holds_a_link_or_a_telephone_number_that_nobody_vouches_for(guide: Guide) -> None:
    words = "\n".join(texts(guide))

    assert "http" not in words
    assert set(guide.phones) <= WHOLE.numbers.keys()


def test_every_telephone_number_has_a_name_a_source_and_a_date() -> None:
    assert {"12351", "12333", "12356", "110", "119", "120", "96110"} <= WHOLE.numbers.keys()
    assert all(one.name and one.source and one.date >= date(2026, 11, 27) for one in WHOLE.numbers.values())


def test_a_blank_hides_its_own_line_from_workers_and_never_the_entry(tmp_path: Path) -> None:
    clerk = small(tmp_path)
    clerk.replaces(
        "guides/join.toml", "\n[[guides]]", '\n[sample]\n"窗口" = "河湾县工会（示例）"\n\n[[guides]]'
    )
    directory = load(clerk.folder)
    guide = directory.by_id["join"]

    assert "到〔待填：窗口〕办" in whole(directory, guide, "draft")
    assert "到河湾县工会（示例）办" in whole(directory, guide, "sample")
    live = whole(directory, guide, "live")
    assert "待填" not in live
    assert "① 填申请书" in live
    assert "向单位工会申请就行。" in live
    assert "窗口" not in "".join(texts(directory.seen(guide, "live")))


def test_staff_get_the_list_of_blanks_of_entries_past_their_day_and_of_facts_not_looked_up_for_a_year(
    tmp_path: Path,
) -> None:
    directory = load(small(tmp_path).folder)

    assert unfilled(directory) == {"怎样加入工会": ("窗口",)}
    assert overdue(directory, date(2027, 12, 31)) == ()
    assert len(overdue(directory, date(2028, 1, 1))) == 2
    assert aged(directory, date(2027, 11, 27)) == []
    assert "中国工会章程" in aged(directory, date(2027, 11, 28))[0]
    assert len(reminders(directory, date(2028, 1, 1))) == 4


def test_an_entry_shows_what_was_asked_first_then_how_and_ends_with_whom_to_call(tmp_path: Path) -> None:
    directory = load(small(tmp_path).folder)

    lines = whole(directory, directory.by_id["join"], "live").splitlines()

    assert lines[:4] == ["【怎样加入工会】", "向单位工会申请就行。", "怎么办：", "① 填申请书。"]
    assert "12351（工会职工服务热线）" in lines[-2]
    assert "依据：《中国工会章程》第六条" in whole(directory, directory.by_id["quit"], "live")


def test_what_does_not_fit_is_left_out_from_behind_and_said_to_be_more(tmp_path: Path) -> None:
    clerk = small(tmp_path)
    clerk.replaces(
        "guides/join.toml", '"填申请书。"', ", ".join(f'"第{n}步：{"走" * 50}。"' for n in range(9))
    )
    directory = load(clerk.folder)

    words, more = short(directory, directory.by_id["join"], "live")

    assert more
    assert len(words) <= SHORT
    assert "第0步" in words
    assert "电话：12351" in words


# --- a clerk's faults --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"入会", "加入工会"', '"入会" "加入工会"', "join.toml:6：第 15 个字：列表没有结束"),
        ('"怎样加入工会"', "“怎样加入工会”", "join.toml:4：第 9 个字：等号后面的值写法不对；文字要放在英文双引号里（这一行有中文标点 “"),
        ('item = "JOIN"', 'item = "JION"', "join.toml:5：guides[join].item：菜单里没有“JION”，是否想写 JOIN？"),
        ('item = "JOIN"', 'itme = "JOIN"', "join.toml:5：guides[join].itme：不认识的配置项，是否想写 item？"),
        ('"加入工会"', '"退 会！"', "同时属于"),
        ('"加入工会"', '"😀"', "空的叫法"),
        ('"加入工会"', '"灯谜"', "菜单项 RIDDLE"),
        ('"加入工会"', '"谢谢"', "闲聊 thanks"),
        ('"12351"', '"12352"', "join.toml:11：guides[join].phones[第 1 个]：号码“12352”不在 menus/numbers.toml 里"),
        ("向单位工会申请就行。", "到〔待填：窗口〕申请。", "join.toml:8：guides[join].answer：这里不能有〔待填〕"),
        ('id = "quit"', 'id = "join"', "「join」重复了"),
        ('phones = ["12351"]', 'phones = ["12351"]\nrelated = ["qiut"]', "没有编号是“qiut”的另一条，是否想写 quit？"),
        ("updated = 2026-11-27", "updated = 2026-11-31", "没有这个日期或时间"),
        ('article = "第六条"', 'article = ""', "article：不能空着"),
        ('article = "第六条"\n', "", "article：缺少这一项，必须写"),
        ('title = "怎样退会"', f'title = "{"长" * 17}"', "最多 16 个字，现在是 17 个"),
    ],
)  # fmt: skip
def test_every_fault_of_a_clerk_is_told_with_file_line_what_was_found_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    clerk = small(tmp_path)
    clerk.replaces("guides/join.toml", old, new)

    assert said in clerk.hears()
    assert clerk.reads().directory is None
    with pytest.raises(BadDirectory):
        load(clerk.folder)


def test_faults_in_several_files_are_told_at_once(tmp_path: Path) -> None:
    clerk = small(tmp_path)
    clerk.writes("guides/quit.toml", OTHER.replace("2027-12-31", "bald"))
    clerk.replaces("talk.toml", "\nhome = true", "\nhome = ja")
    (clerk.folder / "crisis.toml").unlink()

    told = clerk.hears()

    assert "menus/guides/quit.toml:9" in told
    assert "menus/talk.toml" in told
    assert "menus/crisis.toml：没有找到这个文件" in told


def test_a_saying_that_needs_a_list_of_words_that_is_not_there_is_told(tmp_path: Path) -> None:
    clerk = small(tmp_path)
    clerk.replaces("crisis.toml", "says = [", 'says = ["{身体}…{打伤}",')

    told = clerk.hears()

    assert "menus/crisis.toml" in told
    assert "没有叫“身体”的词表；有：" in told
    assert "“打伤”" not in told


def test_a_list_that_one_digit_cannot_answer_is_refused(tmp_path: Path) -> None:
    clerk = small(tmp_path)
    for number in range(8):
        entry = (
            ENTRY.replace("join", f"join-{number}")
            .replace("工会", f"工会{number}")
            .replace("入会", f"入会{number}")
        )
        clerk.writes(f"guides/{number}.toml", entry)

    assert "请写 listed = false" in clerk.hears()


def test_too_few_ways_of_asking_are_only_a_hint(tmp_path: Path) -> None:
    hints = small(tmp_path).reads().hints

    assert any("问法有 1 条，请写到 20 条以上" in str(hint) for hint in hints)


def test_a_word_of_a_menu_item_cannot_be_taken_by_an_entry_nor_a_menu_list_name_what_is_not_there(
    tmp_path: Path,
) -> None:
    clerk = small(tmp_path)
    clerk.replaces("menu.toml", 'key = "JOIN"', 'key = "JOIN"\nfirst = ["jion"]')

    assert "menus/menu.toml" in clerk.hears()
    assert "没有编号是“jion”的办事指南，是否想写 join？" in clerk.hears()


# --- the files that ship -------------------------------------------------------------------------------------------


def test_each_section_holds_only_what_stands_under_its_own_menu_items() -> None:
    for button in WHOLE.menu:
        keys = {item.key for item in button.sub_button}

        assert {guide.item for guide in WHOLE.sections()[button.name]} <= keys


def test_the_directory_is_large_enough_to_be_of_use() -> None:
    assert sum(len(guides) for guides in WHOLE.sections().values()) == len(WHOLE.guides) >= 84


# --- edited while it is in force -----------------------------------------------------------------------------------


def test_an_edited_file_comes_into_force_by_itself_and_a_broken_one_leaves_the_old_one(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "LOOK_S", 0.0)
    guides = InForce(clerk.folder).open(load(clerk.folder))
    before = guides.current()

    clerk.replaces("guides/join.toml", "[[guides]]", "[[guides]")
    assert wait_for(guides, lambda found: found is not before, 0.5) is before
    clerk.replaces("guides/join.toml", "[[guides]", "[[guides]]")
    clerk.replaces("guides/join.toml", "向单位工会申请就行", "找单位工会就行")
    after = wait_for(guides, lambda found: found is not before, 10)

    assert after.by_id["join"].answer == "找单位工会就行。"


def test_a_broken_file_is_heard_of_once_and_again_when_it_is_well(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "LOOK_S", 0.0)
    heard: list[int] = []
    guides = InForce(clerk.folder, hears=lambda reading: heard.append(len(reading.problems))).open(
        load(clerk.folder)
    )

    guides.poll()
    clerk.replaces("guides/join.toml", "updated", "upgedated")
    guides.poll()
    guides.poll()
    clerk.replaces("guides/join.toml", "upgedated", "updated")
    guides.poll()

    assert heard == [2, 0]


def test_staff_get_an_alarm_while_a_file_is_broken(clerk: Clerk, sqlite_store: Store) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    clerk.replaces("guides/join.toml", "updated", "upgedated")
    tell_of_guides(sqlite_store, clerk.reads().problems, now)
    with sqlite_store.reading() as connection:
        (told,) = alarm.standing(connection)
    assert told.words.startswith("办事指南的文件有 ")

    clerk.replaces("guides/join.toml", "upgedated", "updated")
    tell_of_guides(sqlite_store, clerk.reads().problems, now)
    with sqlite_store.reading() as connection:
        assert alarm.standing(connection) == []


@pytest.fixture
def clerk(tmp_path: Path) -> Clerk:
    return small(tmp_path)


def wait_for(guides: InForce, holds, seconds: float):  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while time.monotonic() < until and not holds(guides.current()):
        time.sleep(0.02)
    return guides.current()


def test_the_files_that_ship_have_no_fault(tmp_path: Path) -> None:
    assert copied(tmp_path).hears() == ""


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("menu.toml", '["会员", "会员服务"]', '["会员" "会员服务"]'),
        ("menu.toml", '["会员", "会员服务"]', '["会员"，"会员服务"]'),
        ("menu.toml", '["会员", "会员服务"]', '[\n"会员"\n"会员服务",\n]'),
    ],
)
def test_a_word_behind_a_missing_comma_is_no_word_that_gets_lost(
    clerk: Clerk, file: str, old: str, new: str
) -> None:
    clerk.replaces(file, old, new)

    assert f"menus/{file}:" in clerk.hears()
    assert "英文逗号" in clerk.hears()


@pytest.mark.parametrize("names", ["会员，会员服务", "会员、会员服务", "会员,会员服务", "会员；会员服务"])
def test_several_names_inside_one_pair_of_quotes_are_told(clerk: Clerk, names: str) -> None:
    clerk.replaces("menu.toml", '"会员", "会员服务"', f'"{names}"')
    reading = clerk.reads()

    assert reading.directory is not None
    assert any("每个叫法单独放在英文双引号里" in hint.words for hint in reading.hints)


def test_every_slip_in_a_file_of_guides_is_told_at_once(clerk: Clerk) -> None:
    clerk.replaces("menu.toml", 'key = "JOIN"', "key = “JOIN”")
    clerk.replaces("menu.toml", 'key = "AID"', "key = “AID”")

    assert clerk.hears().count("中文标点 “") == 2


def test_every_fact_and_number_stands_in_one_table_with_its_law_article_and_date() -> None:
    lines = table(WHOLE).splitlines()

    assert len(lines) == 2 + sum(len(guide.facts) for guide in WHOLE.guides) + len(WHOLE.numbers)
    assert all(line.count("|") == 9 for line in lines)
    assert any("《职工带薪年休假条例》 | 第三条 | 2008-01-01" in line for line in lines)
