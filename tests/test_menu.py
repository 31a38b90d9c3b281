"""The menu: what WeChat would refuse is refused here, and what is on the account can be seen, changed and taken back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from guides_cast import WHOLE

from menus import tree
from menus.check import check, problems
from menus.publish import diff, differences, publish, rollback
from menus.tree import Button, Menu, body, click, keys, section
from wx.errors import ApiError, NoAnswer, NotSent

MENU = WHOLE.menu
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def test_our_own_menu_has_three_sections_of_five_and_no_fault() -> None:
    assert [button.name for button in MENU] == ["服务大厅", "创新创业", "职工之家"]
    assert [len(button.sub_button) for button in MENU] == [5, 5, 5]
    assert problems(MENU, keys(MENU)) == []
    assert check(MENU, keys(MENU), say=lambda line: None) == 0


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (click("", "K"), "没有名称"),
        (click("一" * 21, "K"), "63 字节"),
        (click("问", "K" * 129), "129 字节"),
        (click("问", ""), "却没有 key"),
        (Button(name="看", type="view"), "却没有 url"),
        (Button(name="看", type="view", url="https://a.cn/" + "x" * 1024), "1037 字节"),
        (Button(name="看", type="view", url="a.cn"), "网址是“a.cn”"),
        (Button(name="看", type="view", url="https://[a.cn/"), "网址是“https://[a.cn/”"),
        (Button(name="看", type="view", url="https://a.cn:99999/"), "网址是"),
        (Button(name="看", type="view", url="https://"), "网址是"),
        (Button(name="看", type="view", url="https://a.cn/\n"), "前面或后面多了空格或换行"),
        (Button(name="看", type="view", url="https://a\u200b.cn/"), "看不见的字符"),
        (click("问\n事", "K"), "看不见的字符"),
        (click("问\u200b事", "K"), "看不见的字符"),
        (click("问事 ", "K"), "前面或后面多了空格或换行"),
        (click("\ufeff问事", "K"), "看不见的字符"),
        (click("问", "K\r"), "前面或后面多了空格或换行"),
        (click("问", "K K"), "里面有空格"),
        (Button(name="看", type="media_id", media_id=" x"), "前面或后面多了空格或换行"),
        (Button(name="看", type="link", url="https://a.cn/"), "微信不认识"),
        (Button(name="看"), "既没有 type 也没有下级菜单"),
        (Button(name="看", type="miniprogram", url="https://a.cn/"), "却没有 appid"),
        (Button(name="看", type="media_id"), "却没有 media_id"),
        (Button(name="看", type="click", key="K", sub_button=(click("里", "K"),)), "既有下级菜单又有 type"),
        (section("看", section("里", click("底", "K"))), "第 3 层"),
    ],
)
def test_what_wechat_would_refuse_is_refused_before_it_is_sent(item: Button, words: str) -> None:
    faults = [problem for problem in problems((section("栏", item),), ["K"]) if problem.refused]

    assert any(words in problem.found for problem in faults), faults
    assert all(problem.allowed for problem in faults)


@pytest.mark.parametrize(
    ("menu", "words"),
    [
        ((), "一级菜单有 0 个"),
        (tuple(click(f"问{n}", "K") for n in range(4)), "一级菜单有 4 个"),
        ((section("栏", *(click(f"问{n}", "K") for n in range(6))),), "6 个菜单项"),
        ((click("六个汉字真多", "K"),), "18 字节"),
        (
            (section("栏", *(Button(name=f"看{n}", type="view", url=f"https://{n}.cn/") for n in range(4))),),
            "4 个域名",
        ),
    ],
)
def test_too_many_buttons_or_domains_are_refused(menu: Menu, words: str) -> None:
    assert any(words in problem.found for problem in problems(menu, ["K"]) if problem.refused)


@pytest.mark.parametrize("other", ["问事", "问　事", "【问事】", "问事！"])
def test_two_items_that_a_worker_cannot_tell_apart_are_refused(other: str) -> None:
    below = (section("栏", click("问事", "K"), click(other, "K")),)
    above = (click("问事", "K"), click(other, "K"))

    for menu in (below, above):
        assert any("名称一样" in problem.found for problem in problems(menu, ["K"]) if problem.refused)


def test_names_with_blanks_inside_and_faces_alone_are_nobodys_fault() -> None:
    menu = (
        section("栏", click("问 事", "K"), click("🎁", "K"), click("🏠", "K")),
        section("目", click("问 事", "K")),
    )

    assert [problem for problem in problems(menu, ["K"]) if problem.refused] == []


def test_a_key_that_nobody_answers_and_an_answer_that_nobody_can_tap_are_both_refused() -> None:
    found = [problem.found for problem in problems((section("栏", click("问", "OLD")),), ["NEW"])]

    assert found == ["“问”的 key“OLD”没有程序回答", "程序会回答 key“NEW”，菜单里却没有它"]


def test_a_fault_names_the_file_and_the_line_it_stands_on(tmp_path: Any) -> None:
    file = tmp_path / "menu.toml"
    file.write_text(
        '[[sections]]\nname = "栏"\n\n[[sections.items]]\nname = "好"\n\n[[sections.items]]\nname = "坏"\n'
    )

    (fault,) = problems((section("栏", click("好", "K"), click("坏", "")),), ["K"], file=file)

    assert fault.where.endswith("menu.toml:8")
    assert "坏" in str(fault)


def test_a_name_that_a_phone_would_cut_off_is_only_a_reminder() -> None:
    menu = (section("栏", click("九个汉字就显示不全", "K")),)

    assert [problem.refused for problem in problems(menu, ["K"])] == [False]
    assert check(menu, ["K"], say=lambda line: None) == 0


def test_the_menu_goes_out_in_wechats_own_words_and_without_empty_fields() -> None:
    first = body(MENU)["button"][0]  # type: ignore[index]

    assert first["name"] == "服务大厅"
    assert first["sub_button"][0] == {"name": "入会转会", "type": "click", "key": "JOIN"}


def test_publishing_keeps_the_menu_before_and_reads_back_what_is_live() -> None:
    account, shelf, lines = Account(OLD), Shelf(), []

    code = publish(account, MENU, keys(MENU), shelf, NOW, say=lines.append)

    assert code == 0
    assert account.live == body(MENU)
    assert shelf.before() == OLD
    assert any("核对无误" in line and "5 分钟" in line for line in lines)


def test_publishing_the_menu_that_is_live_already_sends_nothing() -> None:
    account, shelf = Account(body(MENU)), Shelf()

    assert publish(account, MENU, keys(MENU), shelf, NOW, say=lambda line: None) == 0
    assert account.sent == 0
    assert shelf.list() == []


def test_a_menu_with_a_fault_never_reaches_the_account() -> None:
    account = Account(OLD)

    assert publish(account, (click("问", ""),), [], Shelf(), NOW, say=lambda line: None) == 1
    assert account.sent == 0


def test_an_account_without_a_menu_gets_one() -> None:
    account, shelf = Account(None), Shelf()

    assert publish(account, MENU, keys(MENU), shelf, NOW, say=lambda line: None) == 0
    assert account.live == body(MENU)
    assert shelf.before() is None


def test_rollback_brings_back_the_menu_before_and_a_second_one_the_newer_again() -> None:
    account, shelf = Account(OLD), Shelf()
    publish(account, MENU, keys(MENU), shelf, NOW, say=lambda line: None)

    assert rollback(account, shelf, NOW + timedelta(hours=1), say=lambda line: None) == 0
    assert account.live == OLD
    assert rollback(account, shelf, NOW + timedelta(hours=2), say=lambda line: None) == 0
    assert account.live == body(MENU)


def test_rollback_with_nothing_kept_says_so_and_changes_nothing() -> None:
    account, lines = Account(OLD), []

    assert rollback(account, Shelf(), NOW, say=lines.append) == 1
    assert account.sent == 0
    assert "没有什么可退回" in lines[-1]


def test_a_menu_that_reads_back_differently_is_reported() -> None:
    account, lines = Account(OLD, forgetful=True), []

    assert publish(account, MENU, keys(MENU), Shelf(), NOW, say=lines.append) == 1
    assert "读回来和发出去的不一样" in lines[-1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ApiError(48001, "api unauthorized"), "48001"),
        (NotSent("refused"), "没有连上微信"),
        (NoAnswer("timeout"), "不知道改了没有"),
    ],
)
def test_a_failed_publishing_is_told_in_words_with_one_action(error: Exception, words: str) -> None:
    lines: list[str] = []

    assert publish(Account(OLD, error=error), MENU, keys(MENU), Shelf(), NOW, say=lines.append) == 1
    assert words in lines[-1]
    assert "请" in lines[-1]


def test_staff_read_in_chinese_what_would_change() -> None:
    here = (section("栏", click("新", "N"), replace(click("改", "B"), key="C")),)
    there = body((section("栏", click("改", "B"), click("旧", "O")),))
    lines: list[str] = []

    assert diff(Account(there), here, say=lines.append) == 1
    assert lines[:3] == [
        "去掉　栏 / 旧",
        "新加　栏 / 新（种类 click，key N）",
        "改动　栏 / 改：key由“B”改为“C”",
    ]


def test_a_changed_order_is_a_difference_too() -> None:
    one, two = click("一", "A"), click("二", "B")

    assert differences(body((section("栏", one, two),)), body((section("栏", two, one),)))[0].startswith(
        "顺序"
    )


def test_what_wechat_adds_when_it_gives_the_menu_back_is_no_difference() -> None:
    assert diff(Account(body(MENU)), MENU, say=lambda line: None) == 0


OLD: dict[str, object] = {"button": [{"name": "旧菜单", "type": "click", "key": "OLD"}]}


class Account:
    """The far end: one live menu, given back the way WeChat gives it, with empty lists of sub-buttons."""

    def __init__(
        self, live: Mapping[str, Any] | None, *, error: Exception | None = None, forgetful: bool = False
    ) -> None:
        self.live = live
        self.error = error
        self.forgetful = forgetful
        self.sent = 0

    def menu(self) -> Mapping[str, Any] | None:
        if self.live is None:
            return None
        return {"menu": {"button": [_padded(button) for button in self.live["button"]], "menuid": 208379533}}

    def create_menu(self, menu: Mapping[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.sent += 1
        if not self.forgetful:
            self.live = menu


class Shelf:
    """Kept menus, the newest first."""

    def __init__(self) -> None:
        self.kept: list[tuple[datetime, Mapping[str, object]]] = []

    def save(self, body: Mapping[str, object], now: datetime) -> None:
        self.kept.insert(0, (now, body))

    def before(self) -> Mapping[str, object] | None:
        return self.kept[0][1] if self.kept else None

    def list(self) -> list[tuple[datetime, Mapping[str, object]]]:
        return self.kept


def _padded(button: Mapping[str, Any]) -> dict[str, Any]:
    return {**button, "sub_button": [_padded(item) for item in button.get("sub_button", [])]}


def test_every_item_of_the_menu_has_its_own_name() -> None:
    names = [button.name for button in tree.items(MENU)]

    assert len(names) == len(set(names)) == 18
