"""Every page that can be written beforehand: the home page, the sections, the menu items, the guides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from handlers.page import BACK, HOME, Page, listing, page, state
from handlers.search import Finder
from handlers.turn import House
from menus.directory import Directory, shown
from menus.guide import HOTLINE, Guide, stale, text, withheld
from menus.tree import MENU, Button
from wx.replies import Text

SHANGHAI = ZoneInfo("Asia/Shanghai")
COMMONEST = (
    ("入会转会", "JOIN"),
    ("困难与互助", "AID"),
    ("维权与法律", "LAW"),
    ("就业与培训", "JOBS"),
    ("今年活动", "YEAR"),
    (f"{HOTLINE}热线", "HOTLINE"),
    ("服务大厅（全部服务）", "服务大厅"),
    ("创新创业", "创新创业"),
    ("职工之家", "职工之家"),
)
EXAMPLES = "也可以直接打字，比如：工伤、欠薪、退会、体检。"
URGENT = f"急事请拨 {HOTLINE}。"


@dataclass(frozen=True, slots=True)
class Book:
    """The pages by name (a menu key, a section's title, guide:ID, home), and the way from words to a page."""

    pages: Mapping[str, Page]
    finder: Finder

    def titles(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """(title, name) of these pages, for a list to choose from."""
        return [(self.finder.titles[name], name) for name in names]


def book(house: House) -> Book:
    """The book of this house, written once."""
    return _book(house.directory, house.name, house.live, house.has_menu)


@lru_cache(maxsize=16)
def _book(directory: Directory, name: str, live: bool, has_menu: bool) -> Book:
    pages = [_home(name, has_menu)]
    for button in MENU:
        pages.append(_section(button))
        for item in button.sub_button:
            pages += _item(item, button.name, directory, live)
    return Book({page.name: page for page in pages}, Finder(directory, live))


def _home(name: str, has_menu: bool) -> Page:
    tail = f"{EXAMPLES}\n{'点下面的菜单也行。' if has_menu else '随时回复 00 回到这里。'}{URGENT}"
    return listing(HOME, "", list(COMMONEST), over=f"这里是{name}，想办什么事？回复数字就行：", tail=tail)


def _section(button: Button) -> Page:
    lines = [(item.name, item.key) for item in button.sub_button]
    return listing(button.name, button.name, lines, head="回复数字往下看：")


def _item(item: Button, section: str, directory: Directory, live: bool) -> list[Page]:
    """The item's list and its guides. An entry that workers may not see yet stands in no list."""
    guides = directory.under(item.key)
    lines = [(guide.title, f"guide:{guide.id}") for guide in guides if shown(guide, live=live)]
    choices = tuple(target for _, target in lines)
    if lines:
        first = listing(item.key, item.name, lines, parent=section, head="回复数字看办法：")
    else:
        first = page(item.key, f"【{item.name}】\n请拨 {HOTLINE} 咨询。\n{BACK}", parent=section)
    return [first, *(_guide(guide, choices, live) for guide in guides)]


def _guide(guide: Guide, choices: tuple[str, ...], live: bool) -> Page:
    name = f"guide:{guide.id}"
    kept = state(name, guide.item, choices)
    if not shown(guide, live=live):
        return Page(name, Text(f"{withheld(guide)}\n{BACK}"), kept)
    end = datetime.combine(guide.valid_until + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
    return Page(name, Text(f"{text(guide)}\n{BACK}"), kept, (), end, Text(f"{stale(guide)}\n{BACK}"))
