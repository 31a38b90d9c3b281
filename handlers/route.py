"""Which way words go: danger, a number, a page, two pages, a choice, or nowhere. The same for workers and staff."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ground.normal import normal
from ground.simplified import simplified
from handlers import year
from handlers.book import Book, book
from handlers.dialogue import number
from handlers.personal import without_numbers
from handlers.search import CRISIS, FLOOR, GUESS, NEAREST, SURE, Hit, alarming, asked, reaches, topics
from handlers.titles import Titles
from handlers.turn import House
from menus.files import Danger

ALIKE = 0.45  # of the best one's score: what is offered beside it
BESIDES = 0.15  # so sure must the best page be to follow on words of danger
SURER = 0.42, 1.3  # a part of a sentence must be this sure to be a question of its own
BREAKS = re.compile(r"[，,。；;！!？?、\n]+|另外|还有就是|再就是|顺便|还想问")

Kind = Literal["faces", "danger", "page", "number", "both", "guess", "choice", "nothing"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where words lead: `target` is a page or a number; `hits` are the pages that fitted, or those of a message with two
    questions."""

    kind: Kind
    target: str = ""
    reason: str = ""
    hits: tuple[Hit, ...] = ()
    danger: Danger | None = None
    worried: bool = False  # somebody may be in danger: the numbers stand before the answer

    @property
    def why(self) -> str:
        """Why they lead there, in words for staff, who alone ask."""
        return self.reason or (self.hits[0].reason if self.hits else "")

    @property
    def offered(self) -> tuple[str, ...]:
        """The pages that a worker is given to choose from."""
        return tuple(hit.target for hit in self.hits[:NEAREST])


def route(house: House, now: datetime, words: str) -> Route:
    """Where words lead, as they were written."""
    plain = normal(words)
    if not plain:
        return Route("faces")
    shelf = book(house)
    found = shelf.dangers.find(plain)
    if found is not None:
        kind, said = found
        return Route("danger", _besides(house, now, shelf, words), f"像是{kind.title}：“{said}”", danger=kind)
    way = _topic(house, now, shelf, words)
    if way.danger is not None:
        return replace(way, target=_besides(house, now, shelf, words))
    return replace(way, worried=True) if _worrying(shelf, way, plain, words) else way


def _worrying(shelf: Book, way: Route, plain: str, words: str) -> bool:
    """Whether words that no list knows as danger sound like it, as a whole or in one of their parts; a name never does."""
    if way.kind == "number" or (way.kind == "page" and not way.hits) or shelf.dangers.harmless(plain):
        return False
    parts = (simplified(normal(part)) for part in BREAKS.split(words))
    return shelf.worry.among(simplified(plain), parts)


def _besides(house: House, now: datetime, shelf: Book, words: str) -> str:
    """The entry that words of danger ask for besides, '' for none."""
    topic = _topic(house, now, shelf, words, calmly=True)
    best = topic.hits[0] if topic.hits and topic.hits[0].score >= BESIDES else None
    target = topic.target or (best.target if best else "")
    return target if target.startswith("guide:") else ""


def _topic(house: House, now: datetime, shelf: Book, words: str, *, calmly: bool = False) -> Route:
    """Where words lead that tell of no danger by themselves; `calmly`: though they are like those that do."""
    plain = simplified(without_numbers(normal(words)))
    titles = year.titles(house, now)
    own = titles.called(plain)
    if own is not None:
        return Route("page", own, "句子里有活动自己的名称")
    taught = _taught(house, shelf, plain)
    if taught:
        return Route("page", taught, f"“{plain}”是同志们在工作台加的说法")
    target = shelf.finder.named(plain)
    if target is not None:
        return Route("page", target, f"“{plain}”就是它的叫法")
    chosen = number(plain)
    if chosen is not None:
        return Route("number", chosen)
    if plain.isdigit():
        return Route("nothing")
    campaign = titles.holding(plain)
    if campaign is not None:
        return Route("page", campaign, f"活动的名称里有“{plain}”")
    hits = shelf.finder.hits(plain)
    alarm = None if calmly else alarming(hits, plain)
    danger = shelf.dangers.kind(alarm.target.removeprefix(CRISIS), plain) if alarm else None
    if alarm is not None and danger is not None:
        return Route("danger", reason=f"像是{danger.title}：{alarm.reason}", danger=danger)
    several = _several(shelf, words)
    if len(several) > 1:
        return Route("both", hits=several)
    return _judged(topics(hits), titles, plain)


def _taught(house: House, shelf: Book, plain: str) -> str:
    """The page that staff said these words mean, '' for none or one that is gone."""
    known = house.synonyms()
    target = known.get(plain) or known.get(asked(plain), "") if known else ""
    return target if target in shelf.finder.titles else ""


def _judged(hits: Sequence[Hit], titles: Titles, plain: str) -> Route:
    """A page where one is surely meant, else a choice of those that may be, else nothing."""
    certain = reaches(hits, SURE)
    if certain and ":" in hits[0].target:
        return Route("page", hits[0].target, hits=tuple(hits))
    campaign = titles.mentioned(plain)
    if campaign is not None:  # better than a menu item that lists campaigns
        return Route("page", campaign, "句子里有活动的名称", tuple(hits))
    if certain:
        return Route("page", hits[0].target, hits=tuple(hits))
    best = hits[0].score if hits else 0.0
    near = tuple(hit for hit in hits[:NEAREST] if hit.score >= max(FLOOR, best * ALIKE))
    if near and (len(near) == 1 or reaches(hits, GUESS)):
        return Route("guess", near[0].target, hits=near)
    return Route("choice", hits=near) if near else Route("nothing", hits=tuple(hits[:NEAREST]))


def _several(shelf: Book, words: str) -> tuple[Hit, ...]:
    """What a message asks that asks several things: the page of each part that surely means one by itself."""
    parts = [plain for part in BREAKS.split(words) if len(plain := normal(part)) > 1][:5]
    found: dict[str, Hit] = {}
    for at, plain in enumerate(parts):
        if len(found) + len(parts) - at < 2:
            break  # it can ask one thing at the most
        hit = _alone(shelf, simplified(without_numbers(plain)))
        if hit is not None and hit.target.startswith("guide:"):
            found.setdefault(hit.target, hit)
    return tuple(found.values())[:NEAREST]


def _alone(shelf: Book, plain: str) -> Hit | None:
    target = shelf.finder.exact(plain)
    if target is not None:
        return Hit(target, 1.0, lambda: f"“{plain}”就是它的叫法")
    hits = topics(shelf.finder.hits(plain))
    return hits[0] if reaches(hits, (SURER,)) else None
