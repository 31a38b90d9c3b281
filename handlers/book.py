"""Every page that can be written beforehand: the home page, the sections, the menu items, the guides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from ground.days import SHANGHAI
from handlers.crisis import Dangers
from handlers.page import ALL, BACK, HOME, Page, listing, page, state
from handlers.search import Finder
from handlers.turn import House
from handlers.worry import Worry
from menus.directory import Directory
from menus.files import Saying
from menus.guide import HOTLINE, Guide, Mode
from menus.telling import ASK_FIRST, SHORT, linked, short, whole
from menus.tree import Button
from wx.replies import Text

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
MORE = "回复 1 看全部。"
TAG = re.compile(r"<[^>]+>")
KEPT = 3  # books, each of some 60 MB: the one in force, the one to come, and one that a message still reads


@dataclass(frozen=True, slots=True)
class Book:
    """The pages by name (a menu key, a section's title, guide:ID, home), and the way from words to a page."""

    directory: Directory
    pages: Mapping[str, Page]
    asking: Mapping[
        str, str
    ]  # of the pages, those for which people want somebody to take it up, and by which entry
    entries: Mapping[str, Page]  # of the pages, those that are the same for everybody: guide:ID
    finder: Finder
    sayings: Mapping[str, Saying]
    dangers: Dangers
    worry: Worry

    def titles(self, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """(title, name) of these pages, for a list to choose from."""
        return [(self.finder.titles[name], name) for name in names]


def book(house: House) -> Book:
    """The book of this house, written once for each directory."""
    return lay_out(house, house.guides())


@lru_cache(maxsize=KEPT)
def lay_out(house: House, directory: Directory) -> Book:
    """The book of a directory, which may come into force later. Houses that say the same share it."""
    return _book(directory, house.name, house.mode, house.has_menu, _address(house))


def previewed(house: House, guide: Guide) -> tuple[str, str]:
    """What a phone would show of an entry that is not in force: at first, and whole."""
    scribe = _Scribe(house.guides(), house.mode, _address(house))
    first, all_of_it = scribe.pages(guide, (), guide.item)
    return TAG.sub("", first.reply.content), TAG.sub("", all_of_it.reply.content)


def _address(house: House) -> str:
    """Where the entries' own pages begin, '' while there are none."""
    return f"{house.base_url}/guide/" if house.guide_pages and house.base_url else ""


@lru_cache(maxsize=KEPT)
def _book(directory: Directory, name: str, mode: Mode, has_menu: bool, address: str) -> Book:
    scribe = _Scribe(directory, mode, address)
    pages = [_home(name, has_menu, directory)]
    for button in directory.menu:
        pages.append(_section(button))
        for item in button.sub_button:
            pages += scribe.item(item, button.name)
    named = {page.name: page for page in pages} | scribe.alone
    sayings, dangers = {saying.id: saying for saying in directory.talk}, Dangers(directory.crisis)
    asking = _asking(directory)
    entries = {name: page for name, page in named.items() if name.startswith("guide:") and name not in asking}
    return Book(
        directory, named, asking, entries, Finder(directory, dangers), sayings, dangers, Worry(directory)
    )


def _asking(directory: Directory) -> dict[str, str]:
    """The entries that say so, and the menu items whose list holds one: of several, the first."""
    asked = [guide for guide in directory.by_id.values() if guide.request]
    lists = {guide.item: guide.id for guide in reversed(asked) if guide.listed}
    return lists | {f"guide:{guide.id}": guide.id for guide in asked}


def _home(name: str, has_menu: bool, directory: Directory) -> Page:
    known = {button.key or button.name for first in directory.menu for button in (first, *first.sub_button)}
    lines = [(words, target) for words, target in COMMONEST if target in known]
    tail = f"{EXAMPLES}\n{'点下面的菜单也行。' if has_menu else '随时回复 00 回到这里。'}{URGENT}"
    return listing(HOME, "", lines, over=f"这里是{name}，想办什么事？回复数字就行：", tail=tail)


def _section(button: Button) -> Page:
    lines = [(item.name, item.key) for item in button.sub_button]
    return listing(button.name, button.name, lines, head="回复数字往下看：")


class _Scribe:
    """Writes the pages of the entries."""

    def __init__(self, directory: Directory, mode: Mode, address: str) -> None:
        self.directory, self.mode, self.address = directory, mode, address
        self.alone: dict[str, Page] = {}  # menu items whose list would have one line: the entry itself

    def item(self, item: Button, section: str) -> Iterator[Page]:
        """The item's list, its guides, and each of them whole."""
        guides = self.directory.under(item.key)
        lines = [(guide.title, f"guide:{guide.id}") for guide in guides if guide.listed]
        choices = tuple(target for _, target in lines)
        if len(lines) > 1:
            yield listing(item.key, item.name, lines, parent=section, head="回复数字看办法：")
        elif not lines:
            yield page(item.key, f"【{item.name}】\n请拨 {HOTLINE} 咨询。\n{BACK}", parent=section)
        for guide in guides:
            first, second = self.pages(guide, choices, item.key if len(lines) > 1 else section)
            yield from (first, second)
            if len(lines) == 1 and guide.listed:
                self.alone[item.key] = first

    def pages(self, guide: Guide, choices: tuple[str, ...], parent: str) -> tuple[Page, Page]:
        """The entry as it is told first, and whole."""
        name = f"guide:{guide.id}"
        also = linked(self.directory, guide)
        ending = f'<a href="{self.address}{guide.id}">看全部，能转发、能打印</a>' if self.address else MORE
        taken = sum(len(TAG.sub("", line)) + 1 for line in (also, ending, BACK))
        words, more = short(self.directory, guide, self.mode, SHORT - taken)
        if more and not self.address:
            choices = (name + ALL, *choices[1:])
        first = _dated(guide, name, _lines(words, ending if more else "", also), state(name, parent, choices))
        text = _lines(whole(self.directory, guide, self.mode))
        return first, _dated(guide, name + ALL, text, state(name + ALL, parent, choices))


def _lines(*parts: str) -> str:
    """These parts below each other, and the way back."""
    return "\n".join(part for part in (*parts, BACK) if part)


def _dated(guide: Guide, name: str, words: str, kept: str) -> Page:
    """A page that tells to ask first once its day is past."""
    end = datetime.combine(guide.valid_until + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
    return Page(name, Text(words), kept, (), end, Text(f"{ASK_FIRST}\n{words}"))
