"""Whether WeChat would take the menu, and whether every key has somebody who answers it (platform guide, 自定义菜单)."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ground.lines import Loc, Table, places
from ground.normal import normal
from ground.text import without_spaces
from ground.toml import UnreadableError, parse, text_of
from ground.wide import shown
from menus import tree
from menus.tree import Button, Menu

FILE = Path(__file__).parent / "menu.toml"
MAX_FIRST = 3
MAX_SECOND = 5
MAX_NAME_BYTES = {1: 16, 2: 60}
SHOWN_SIGNS = {1: 4, 2: 8}  # 汉字; what is longer shows as "…"
MAX_KEY_BYTES = 128
MAX_URL_BYTES = 1024
MAX_DOMAINS = 3

NEEDS = {
    "click": ("key",),
    "view": ("url",),
    "scancode_push": ("key",),
    "scancode_waitmsg": ("key",),
    "pic_sysphoto": ("key",),
    "pic_photo_or_album": ("key",),
    "pic_weixin": ("key",),
    "location_select": ("key",),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "miniprogram": ("url", "appid", "pagepath"),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}
"""Button type → the fields it cannot be without."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the menu, where it stands, what was found and what is allowed. A mere reminder is not `refused`."""

    where: str  # file:line
    found: str
    allowed: str
    refused: bool = True

    def __str__(self) -> str:
        return f"{'✗' if self.refused else '提醒'} {self.where}：{self.found}。{self.allowed}。"


def check(
    menu: Menu, keys: Collection[str], *, file: Path | None = None, say: Callable[[str], None] = print
) -> int:
    """Say every fault of the menu; 0 when WeChat would take it and every key is answered, else 1."""
    found = problems(menu, keys, file=file)
    for problem in found:
        say(str(problem))
    refused = sum(problem.refused for problem in found)
    items = sum(len(button.sub_button) for button in menu)
    say(
        f"菜单有 {refused} 处要改，改好再发布。"
        if refused
        else f"菜单没有问题：{len(menu)} 个栏目，{items} 个菜单项。"
    )
    return 1 if refused else 0


def problems(menu: Menu, keys: Collection[str], *, file: Path | None = None) -> list[Problem]:
    """Every fault of the menu, in its order. `keys` are those that have a handler; `file` is where the menu is written."""
    places = _Places(file or FILE)
    found = [_problem(places.top(), *fault) for fault in _whole(menu)]
    for level, button in _walk(menu, 1):
        where = places.of(button.name)
        found += [_problem(where, *fault) for fault in _button(button, level)]
        found += [Problem(where, *reminder, refused=False) for reminder in _reminders(button, level)]
        if button.key and button.key not in keys:
            found.append(
                Problem(
                    where,
                    f"“{button.name}”的 key“{button.key}”没有程序回答",
                    "请改成已有的 key，或请技术人员补上",
                )
            )
    answered = set(tree.keys(menu))
    for key in keys:
        if key not in answered:
            found.append(
                Problem(
                    places.top(), f"程序会回答 key“{key}”，菜单里却没有它", "请在菜单里加上，或请技术人员去掉"
                )
            )
    return found


def _problem(where: str, found: str, allowed: str) -> Problem:
    return Problem(where, found, allowed)


def _walk(menu: Menu, level: int) -> Iterator[tuple[int, Button]]:
    for button in menu:
        yield level, button
        yield from _walk(button.sub_button, level + 1)


def _whole(menu: Menu) -> Iterator[tuple[str, str]]:
    if not 1 <= len(menu) <= MAX_FIRST:
        yield f"一级菜单有 {len(menu)} 个", f"应当有 1 至 {MAX_FIRST} 个"
    domains = sorted({_host(button.url) for _, button in _walk(menu, 1)} - {""})
    if len(domains) > MAX_DOMAINS:
        yield f"链接用了 {len(domains)} 个域名（{'、'.join(domains)}）", f"最多 {MAX_DOMAINS} 个"
    for where, row in (
        ("一级菜单", menu),
        *((f"“{shown(one.name)}”下面的菜单", one.sub_button) for one in menu),
    ):
        for times in Counter(normal(button.name) or button.name for button in row if button.name).values():
            if times > 1:
                yield f"{where}有 {times} 项名称一样", "每个名称只用一次，不然职工分不清"


def _host(url: str) -> str:
    """The site that an address leads to, '' where it leads to none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (reading it is what checks it)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _button(button: Button, level: int) -> Iterator[tuple[str, str]]:
    """The faults of one button, in words; the codes are what WeChat would answer."""
    if level > 2:
        yield f"“{button.name}”在第 {level} 层", "菜单只能有两层"
        return
    limit, size = MAX_NAME_BYTES[level], len(button.name.encode())
    if not button.name.strip():
        yield "有一个菜单没有名称", "请写上名称（40018、40025）"
    yield from _unclean(button)
    if size > limit:
        yield (
            f"“{button.name}”的名称有 {size} 字节",
            f"这一级最多 {limit} 字节，一个汉字 3 字节（40018、40025）",
        )
    if button.sub_button and button.type:
        yield f"“{button.name}”既有下级菜单又有 type“{button.type}”", "两样只能有一样"
    elif button.sub_button and len(button.sub_button) > MAX_SECOND:
        yield f"“{button.name}”下面有 {len(button.sub_button)} 个菜单项", f"最多 {MAX_SECOND} 个（40023）"
    elif not button.sub_button:
        yield from _leaf(button)


def _unclean(button: Button) -> Iterator[tuple[str, str]]:
    """Blanks and signs that nobody sees; a name alone may have blanks inside."""
    for field in tree.FIELDS:
        written = getattr(button, field)
        looked = written.replace(" ", "") if field == "name" and written == written.strip(" ") else written
        try:
            without_spaces(looked)
        except ValueError as fault:
            word = {"name": "名称", "url": "网址"}.get(field, f" {field} ")
            yield f"“{shown(button.name)}”的{word}“{shown(written)}”{fault}", "请删掉以后重新写（40018 等）"


def _leaf(button: Button) -> Iterator[tuple[str, str]]:
    if button.type not in NEEDS:
        found = f"的 type“{button.type}”微信不认识" if button.type else "既没有 type 也没有下级菜单"
        yield f"“{button.name}”{found}", "可以用：" + "、".join(NEEDS) + "（40017、40024）"
        return
    for field in NEEDS[button.type]:
        if not getattr(button, field):
            yield (
                f"“{button.name}”是 {button.type}，却没有 {field}",
                f"{button.type} 必须写 {'、'.join(NEEDS[button.type])}（40019、40026、40027）",
            )
    if len(button.key.encode()) > MAX_KEY_BYTES:
        yield (
            f"“{button.name}”的 key 有 {len(button.key.encode())} 字节",
            f"最多 {MAX_KEY_BYTES} 字节（40019、40026）",
        )
    if button.url:
        yield from _link(button)


def _link(button: Button) -> Iterator[tuple[str, str]]:
    if len(button.url.encode()) > MAX_URL_BYTES:
        yield (
            f"“{button.name}”的网址有 {len(button.url.encode())} 字节",
            f"最多 {MAX_URL_BYTES} 字节（40020、40027）",
        )
    if not _host(button.url):
        yield f"“{button.name}”的网址是“{shown(button.url)}”", "应写成 https://… 的样子（40055、40054）"


def _reminders(button: Button, level: int) -> Iterator[tuple[str, str]]:
    width = sum(1.0 if ord(sign) > 0x2E80 else 0.5 for sign in button.name)
    if level in SHOWN_SIGNS and width > SHOWN_SIGNS[level]:
        yield f"“{button.name}”太宽，手机上会显示成“…”", f"这一级最好不超过 {SHOWN_SIGNS[level]} 个汉字"
    if button.url.startswith("http://"):
        yield f"“{button.name}”的网址用的是 http", "请换成 https，别人就看不到职工打开了什么"


class _Places:
    """Where each button is written, found by its name in the file; the same name twice is taken in order."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[str, list[int]] = {}
        self.menu_line = 1
        try:
            text, _ = text_of(file)
            table = parse(file, text)
        except UnreadableError:
            return
        for loc, line in places(text):
            if loc[-1] == "name":
                self.lines.setdefault(_written(table, loc), []).append(line)

    def top(self) -> str:
        return self._at(self.menu_line)

    def of(self, name: str) -> str:
        lines = self.lines.get(name, [])
        line = lines.pop(0) if len(lines) > 1 else lines[0] if lines else self.menu_line
        return self._at(line)

    def _at(self, line: int) -> str:
        return f"{'/'.join(self.file.parts[-2:])}:{line}"


def _written(table: Table, loc: Loc) -> str:
    value: Any = table
    for key in loc:
        value = value[key]
    return str(value)
