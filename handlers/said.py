"""What is answered to something said."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from ground.normal import normal
from handlers import danger, dialogue, talk
from handlers.book import book
from handlers.page import NEAR, listing, page, show
from handlers.personal import KINDLY, has_personal
from handlers.route import Route, route
from handlers.turn import Turn
from menus.guide import HOTLINE
from menus.telling import link
from wx.replies import Text

OpenPage = Callable[[Turn, str], Text]
URGENT = "要是急事，先打电话：有人受伤 120，着火被困 119，被打被关 110，心里过不去 12356。\n"
NOTHING = (
    "这个我不会，不乱猜，免得误您的事。\n"
    "换几个字说说看，比如：工伤、欠薪、年假、社保。\n"
    f"工会的事请拨 {HOTLINE}，别的事拨 12345；劳动和社保拨 12333。\n"
    f"{URGENT}"
    "回复 00 看全部服务：服务大厅、创新创业、职工之家。"
)
OTHERWISE = f"都不是的话，换个说法再试，或拨 {HOTLINE} 问一问。\n回复 00 首页。"


def say(turn: Turn, words: str, open_page: OpenPage) -> Text:
    """The answer to something said."""
    shelf = book(turn.house)
    target = shelf.finder.exact(words)  # most often it is a name just as we wrote it
    if target is not None and words not in turn.house.synonyms():
        entry = shelf.entries.get(target)
        return show(turn, entry) if entry is not None else open_page(turn, target)
    reply = _found(turn, words, open_page)
    return Text(f"{KINDLY}\n\n{reply.content}") if has_personal(normal(words)) else reply


def _found(turn: Turn, words: str, open_page: OpenPage) -> Text:
    way = route(turn.house, turn.now, words)
    reply = _answered(turn, way, words, open_page)
    worry = book(turn.house).directory.crisis.worry if way.worried else ""
    return Text(f"{worry}\n\n{reply.content.replace(URGENT, '')}") if worry else reply


def _answered(turn: Turn, way: Route, words: str, open_page: OpenPage) -> Text:
    match way.kind:
        case "danger":
            assert way.danger is not None
            return danger.answer(turn, way.danger, way.target)
        case "page":
            return open_page(turn, way.target)
        case "number":
            return dialogue.choose(turn, way.target, open_page)
        case "faces":
            return talk.faces(turn)
        case "both":
            return both(turn, way.offered)
        case "guess":
            return guess(turn, way.offered, token(words), open_page)
        case "choice":
            return choice(turn, way.offered, token(words))
        case "nothing":
            turn.topic, turn.missed = "nothing", True
            return Text(NOTHING)


def token(words: str) -> str:
    """A few signs that stand for words: by them the report finds what was chosen from a guess, and keeps no words."""
    return sha256(normal(words).encode()).hexdigest()[:10]


def guess(turn: Turn, targets: tuple[str, ...], mark: str, open_page: OpenPage) -> Text:
    """The likeliest page, said to be a guess, and what else it may have been, to be tapped."""
    reply = open_page(turn, targets[0])
    lines = book(turn.house).titles(targets[1:])
    others = "、".join(link(name, title) for title, name in lines)
    tail = f"\n不是的话，可以点：{others}" if others else ""
    turn.topic += f"?{mark}"
    return Text(f"您问的可能是这件：\n{reply.content}{tail}")


def choice(turn: Turn, targets: tuple[str, ...], mark: str) -> Text:
    """A guess: up to three pages to choose from."""
    lines = book(turn.house).titles(targets)
    name = f"{NEAR}{mark}:{'+'.join(targets)}"
    return show(turn, listing(name, "", lines, over="您想问的是哪一件？回复数字：", tail=OTHERWISE))


def both(turn: Turn, targets: tuple[str, ...]) -> Text:
    """Several questions in one message: each answered in its first words, and a number for the rest of each."""
    shelf = book(turn.house)
    guides = [shelf.directory.by_id[target.removeprefix("guide:")] for target in targets]
    said = [f"【{guide.title}】\n{shelf.directory.filled(guide.answer, turn.house.mode)}" for guide in guides]
    numbers = "、".join(f"{at} {guide.title}" for at, guide in enumerate(guides, 1))
    words = "\n\n".join([*said, f"想看怎么办、带什么，回复数字：{numbers}。\n回复 00 首页。"])
    return show(turn, page(f"both:{'+'.join(targets)}", words, choices=targets))


def again(turn: Turn, name: str) -> Text | None:
    """A choice or a double answer that 0 leads back to; None for any other page or one whose entries are gone."""
    kind, _, rest = name.partition(":")
    mark, _, listed = rest.partition(":") if kind == "near" else ("", "", rest)
    known = tuple(target for target in listed.split("+") if target in book(turn.house).finder.titles)
    if not known or kind not in ("near", "both"):
        return None
    if kind == "both":
        return both(turn, known)
    return choice(turn, known, mark)
