"""Which way words go: to a page, a number, small talk, a choice, or the nearest entries. The same for workers and staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ground.normal import normal
from handlers import year
from handlers.book import book
from handlers.dialogue import number
from handlers.personal import without_numbers
from handlers.search import NEAREST, Hit
from handlers.turn import House

SHORTEST_NAME = 3  # characters of words that may be part of a campaign's title and nothing else

Kind = Literal["faces", "page", "number", "choice", "near"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where words lead: `target` is a page or a number; `hits` are all the pages that fitted."""

    kind: Kind
    target: str = ""
    reason: str = ""
    hits: tuple[Hit, ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        """The pages that a worker is given to choose from."""
        return tuple(hit.target for hit in self.hits[:NEAREST])


def route(house: House, now: datetime, plain: str) -> Route:
    """Where words lead; `plain` as `normal` makes them."""
    if not plain:
        return Route("faces")
    target = book(house).finder.exact(plain)
    if target is not None:
        return Route("page", target, f"“{plain}”就是它的叫法")
    chosen = number(plain)
    if chosen is not None:
        return Route("number", chosen)
    return _sentence(house, now, plain)


def _sentence(house: House, now: datetime, plain: str) -> Route:
    """Words that are no name by themselves."""
    plain = without_numbers(plain)
    campaigns = year.told(house, now)
    campaign = year.titled(campaigns, plain) if len(plain) >= SHORTEST_NAME else None
    if campaign is not None:
        return Route("page", campaign, f"活动的名称里有“{plain}”")
    finder = book(house).finder
    hits = finder.inside(plain)
    if len(hits) > 1 and hits[0].score == hits[1].score:
        return Route("choice", hits=hits)
    if hits:
        return Route("page", hits[0].target, hits[0].reason, hits)
    campaign = year.mentioned(campaigns, plain)
    if campaign is not None:
        return Route("page", campaign, "句子里有活动的名称")
    talk = finder.talk_in(plain)
    if talk is not None:
        return Route("page", talk, "别的都对不上，句子里有闲聊的话")
    return Route("near", hits=finder.nearest(plain))


def explain(house: House, now: datetime, words: str) -> str:
    """For staff: who would answer these words, who else was near, and why."""
    way = route(house, now, normal(words))
    titles = book(house).finder.titles | {f"campaign:{one.id}": one.title for one in year.told(house, now)}
    said = {
        "faces": f"“{words}”里面没有字，会回首页。",
        "page": f"“{words}”由“{titles.get(way.target, way.target)}”回答：{way.reason}。",
        "number": f"“{words}”是数字，按职工刚看的那一页来选。",
        "choice": f"“{words}”有几条一样合适，会列出来让职工选：",
        "near": f"“{words}”没有找到，会列出最接近的几条，并记为“没答上”：",
    }[way.kind]
    losers = [hit for hit in way.hits if hit.target != way.target]
    return "\n".join(
        [said, *(f"· {titles[hit.target]}：{hit.reason}（{hit.score:.1f} 分）" for hit in losers)]
    )
