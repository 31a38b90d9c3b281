"""What must hold over all the files together: no word has two owners, and whatever is named is there."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ground.lines import Key, Loc
from ground.normal import normal
from ground.shape import nearest, one_of
from ground.text import BLANK
from menus.files import Crisis, Item, MenuFile, Talk
from menus.guide import Guide

FEWEST_ASKS = 20
MOST_LISTED = 9  # a list is answered by one digit
MOST_UNDER = 12  # entries under one heading of the public page: more are not looked through on a telephone
SEVERAL = '，、；,;"“”'  # what stands between names, and in none
LIST = re.compile(r"\{(.*?)\}")
MENU, TALK, CRISIS = Path("menu.toml"), Path("talk.toml"), Path("crisis.toml")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: the file, and the path of keys in it."""

    path: Path
    loc: Loc

    def at(self, *keys: Key) -> "Place":
        return Place(self.path, (*self.loc, *keys))


Entry = tuple[Place, Guide]
Fault = tuple[Place, str]


def faults(
    entries: Sequence[Entry], menu: MenuFile, numbers: Collection[str], talk: Talk, crisis: Crisis
) -> Iterator[Fault]:
    """Every fault between the files."""
    yield from _same(
        ((place.at("id"), guide.id, guide.title) for place, guide in entries), "编号", lambda s: s
    )
    yield from _same(_names(entries, menu, talk), "叫法", normal)
    yield from _same(_asks(entries, menu, talk), "问法", normal)
    yield from _unknown(entries, menu, numbers)
    yield from _unknown_pages(entries, menu, talk)
    yield from _blanks(entries)
    yield from _full_lists(entries)
    yield from _full_headings(entries)
    for at, kind in enumerate(crisis.kinds):
        place = Place(CRISIS, ("kinds", at, "numbers"))
        yield from ((place, _no_number(one, numbers)) for one in kind.numbers if one not in numbers)
    yield from _no_list(crisis)


def _no_list(crisis: Crisis) -> Iterator[Fault]:
    known = {one.name for one in crisis.lists}
    for at, kind in enumerate(crisis.kinds):
        for number, said in enumerate(kind.says):
            for name in LIST.findall(said):
                if name not in known:
                    place = Place(CRISIS, ("kinds", at, "says", number))
                    yield place, f"没有叫“{name}”的词表；有：{'、'.join(sorted(known)) or '（一张也没有）'}"


def hints(entries: Sequence[Entry], menu: MenuFile, talk: Talk) -> Iterator[Fault]:
    """What is only worth knowing."""
    for place, word, _ in _names(entries, menu, talk):
        if place.loc[-2:-1] == ("words",) and any(sign in word for sign in SEVERAL):
            yield (
                place,
                f"“{word}”像是几个叫法写进了一对引号：每个叫法单独放在英文双引号里，中间用英文逗号隔开",
            )
    for place, guide in entries:
        if len(guide.asks) < FEWEST_ASKS:
            words = f"问法有 {len(guide.asks)} 条，请写到 {FEWEST_ASKS} 条以上，职工换个说法才找得到"
            yield place.at("asks"), words
        if not guide.answer:
            yield place.at("answer"), "还没有写一句话的回答"
        if guide.valid_until <= guide.updated:
            yield place.at("valid_until"), "有效期早于更新的日子"


def _same(
    written: Iterator[tuple[Place, str, str]], what: str, form: Callable[[str], str]
) -> Iterator[Fault]:
    """What stands at two owners."""
    owner: dict[str, tuple[str, Place]] = {}
    for place, words, title in written:
        plain = form(words)
        if not plain:
            yield place, f"“{title}”有一个空的{what}“{words}”，请删掉"
            continue
        first, there = owner.setdefault(plain, (title, place))
        if (first, there.loc[:2], there.path) != (title, place.loc[:2], place.path):
            yield place, f"{what}“{words}”同时属于“{first}”和“{title}”，只能留一处"


def _names(entries: Sequence[Entry], menu: MenuFile, talk: Talk) -> Iterator[tuple[Place, str, str]]:
    for place, guide in entries:
        yield place.at("title"), guide.title, guide.title
        yield from ((place.at("words", at), word, guide.title) for at, word in enumerate(guide.words))
    for place, item in _items(menu):
        yield from ((place.at("words", at), word, f"菜单项 {item.key}") for at, word in enumerate(item.words))
    for number, saying in enumerate(talk.talk):
        here = Place(TALK, ("talk", number))
        yield from ((here.at("words", at), word, f"闲聊 {saying.id}") for at, word in enumerate(saying.words))


def _asks(entries: Sequence[Entry], menu: MenuFile, talk: Talk) -> Iterator[tuple[Place, str, str]]:
    for place, guide in entries:
        yield from ((place.at("asks", at), ask, guide.title) for at, ask in enumerate(guide.asks))
    for place, item in _items(menu):
        yield from ((place.at("asks", at), ask, f"菜单项 {item.key}") for at, ask in enumerate(item.asks))
    for number, saying in enumerate(talk.talk):
        here = Place(TALK, ("talk", number))
        yield from ((here.at("asks", at), ask, f"闲聊 {saying.id}") for at, ask in enumerate(saying.asks))


def _items(menu: MenuFile) -> Iterator[tuple[Place, Item]]:
    for at, section in enumerate(menu.sections):
        yield from (
            (Place(MENU, ("sections", at, "items", number)), item)
            for number, item in enumerate(section.items)
        )


def _unknown(entries: Sequence[Entry], menu: MenuFile, numbers: Collection[str]) -> Iterator[Fault]:
    keys = [item.key for _, item in _items(menu) if item.key]
    ids = [guide.id for _, guide in entries]
    for place, guide in entries:
        if guide.item not in keys:
            words = f"菜单里没有“{guide.item}”{nearest(guide.item, keys)}（可以用：{one_of(keys)}）"
            yield place.at("item"), words
        for at, name in enumerate(guide.related):
            if name not in ids or name == guide.id:
                yield place.at("related", at), f"没有编号是“{name}”的另一条{nearest(name, ids)}"
        for at, number in enumerate(guide.phones):
            if number not in numbers:
                yield place.at("phones", at), _no_number(number, numbers)


def _no_number(number: str, numbers: Collection[str]) -> str:
    return f"号码“{number}”不在 menus/numbers.toml 里（可以用：{one_of(list(numbers))}）"


def _unknown_pages(entries: Sequence[Entry], menu: MenuFile, talk: Talk) -> Iterator[Fault]:
    ids = [guide.id for _, guide in entries]
    pages = [*(f"guide:{name}" for name in ids), *(item.key for _, item in _items(menu))]
    for place, item in _items(menu):
        for at, name in enumerate(item.first):
            if name not in ids:
                yield place.at("first", at), f"没有编号是“{name}”的办事指南{nearest(name, ids)}"
    for number, saying in enumerate(talk.talk):
        for at, offer in enumerate(saying.offers):
            if offer.page not in pages:
                place = Place(TALK, ("talk", number, "offers", at, "page"))
                yield place, f"没有“{offer.page}”这一页{nearest(offer.page, pages)}"


def _blanks(entries: Sequence[Entry]) -> Iterator[Fault]:
    for place, guide in entries:
        for key, words in (("answer", guide.answer), ("title", guide.title)):
            if BLANK.search(words):
                yield place.at(key), "这里不能有〔待填〕：全国都一样的先写清楚，缺的写到另一行里"


def _full_lists(entries: Sequence[Entry]) -> Iterator[Fault]:
    listed: dict[str, int] = {}
    for place, guide in entries:
        if guide.listed:
            listed[guide.item] = listed.get(guide.item, 0) + 1
            if listed[guide.item] == MOST_LISTED + 1:
                words = f"菜单项 {guide.item} 的列表已经有 {MOST_LISTED} 条，多出的请写 listed = false"
                yield place.at("item"), words


def _full_headings(entries: Sequence[Entry]) -> Iterator[Fault]:
    under: Counter[tuple[str, str]] = Counter()
    for place, guide in entries:
        under[guide.item, guide.heading] += 1
        if under[guide.item, guide.heading] == MOST_UNDER + 1:
            named = f"小标题“{guide.heading}”" if guide.heading else "没有小标题的"
            yield (
                place.at("item"),
                f"菜单项 {guide.item} 里{named}已经有 {MOST_UNDER} 条，请给多出的写一个 heading（小标题）",
            )
