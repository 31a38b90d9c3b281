"""The numbered dialogue, for accounts without a menu and for whoever would rather type a number: 0 返回, 00 首页."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from handlers.book import book
from handlers.page import ALL, HOME, NEAR, Where, is_leaf, minute, show, state, where
from handlers.turn import Turn
from wx.replies import Text

SILENCE = timedelta(minutes=30)  # after this a number no longer means the list that was read last
LATE = "离上次说话有一会儿了，咱们从头来。\n"
WRITTEN = {sign: str(number) for number, sign in enumerate("一二三四五六七八九", 1)} | {"零": "0", "〇": "0"}
_NUMBER = re.compile(r"第?(\d{1,2}|[一二三四五六七八九零〇])[个项号条]?")

SPOKEN = {
    **dict.fromkeys(("返回", "上一页", "后退", "上一级", "上一步", "返回上一级", "返回上一页", "back"), "0"),
    **dict.fromkeys(
        ("首页", "主页", "菜单", "目录", "帮助", "开始", "功能", "服务", "返回首页", "主菜单", "回首页"), "00"
    ),
    **dict.fromkeys(("返回主菜单", "help", "menu", "home", "h"), "00"),
}
"""Words that work as a number does."""

OpenPage = Callable[[Turn, str], Text]


def number(plain: str) -> str | None:
    """The number that words are ("2", "第2项", "二", "00"), or None."""
    if plain in SPOKEN:
        return SPOKEN[plain]
    found = _NUMBER.fullmatch(plain)
    return WRITTEN.get(found[1], found[1]) if found else None


def home(turn: Turn) -> Text:
    """The first page."""
    return show(turn, book(turn.house).pages[HOME])


def choose(turn: Turn, chosen: str, open_page: OpenPage) -> Text:
    """What a number leads to from where the worker stands."""
    here = where(turn.dialogue)
    if chosen == "00":
        return home(turn)
    if here is None:
        here = Where(HOME, HOME, book(turn.house).pages[HOME].choices, minute(turn.now))
    if here.page != HOME and minute(turn.now) - here.minute > SILENCE // timedelta(minutes=1):
        return Text(LATE + home(turn).content)
    if chosen == "0":
        return open_page(turn, here.parent)
    if not 1 <= int(chosen) <= len(here.choices):
        return _no_such(turn, here)
    reply = open_page(turn, here.choices[int(chosen) - 1])
    if here.page.startswith(NEAR):
        turn.topic += (
            f"#{here.page.split(':')[1]}"  # chosen from a guess: by this mark the report finds the words
        )
    landed = where(turn.dialogue)
    if (
        landed is not None
    ):  # 0 leads back to the list that was read; under a page without numbers its numbers stay in force
        choices = _under(turn, landed, here) if is_leaf(landed.page) else landed.choices
        turn.dialogue = f"{state(landed.page, here.shown_list, choices)}|{landed.minute}"
    return reply


def _under(turn: Turn, landed: Where, here: Where) -> tuple[str, ...]:
    """What numbers mean under an entry: those of the list before it, but 1 shows the whole of it where there is more."""
    choices = here.choices
    if choices and choices[0].endswith(ALL):
        shown = book(turn.house).pages.get(here.shown_list)
        choices = (*(shown.choices[:1] if shown else ()), *choices[1:])
    whole = landed.page.removesuffix(ALL) + ALL
    return (whole, *choices[1:]) if landed.choices[:1] == (whole,) else choices


def _no_such(turn: Turn, here: Where) -> Text:
    turn.dialogue = f"{state(here.page, here.parent, here.choices)}|{minute(turn.now)}"
    turn.topic = "no-such-number"
    last = len(here.choices)
    range_ = f"请回复 1 到 {last} 之间的数字；" if last > 1 else "请回复 1；" if last else ""
    return Text(f"这里没有这个数字。{range_}回复 0 返回，00 首页。")
