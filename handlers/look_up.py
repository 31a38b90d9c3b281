"""What the same finder has for words that anybody typed into a public page: nobody is known, and nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from handlers.book import book
from handlers.route import Route, route
from handlers.search import NEAREST
from handlers.turn import House
from menus.files import Danger

LONGEST = 200  # signs that are looked at
NEAR = 0.6  # of the best one's score: what stands beside a sure answer


@dataclass(frozen=True, slots=True)
class Found:
    """The pages that fit (guide:ID, campaign:ID, a menu key or a section's title), the best first. `sure` tells whether the
    first is the answer or only likely; `danger` comes before all; `said` is the answer to small
    talk, `worry` what stands above all where somebody may be in danger."""

    pages: tuple[str, ...] = ()
    sure: bool = False
    danger: Danger | None = None
    said: str = ""
    worry: str = ""


def look_up(house: House, now: datetime, words: str) -> Found:
    """What these words lead to."""
    way = route(house, now, words[:LONGEST])
    names = list(dict.fromkeys(_pages(way)))
    told = [book(house).sayings.get(name.removeprefix("talk:")) for name in names if name.startswith("talk:")]
    pages = tuple(name for name in names if not name.startswith("talk:"))
    said = told[0].answer if told and told[0] and not pages else ""
    worry = book(house).directory.crisis.worry if way.worried else ""
    return Found(pages, way.kind in ("page", "both"), way.danger, said, worry)


def _pages(way: Route) -> Iterator[str]:
    match way.kind:
        case "page" | "danger":
            yield from (way.target,) if way.target else ()
            best = way.hits[0].score if way.hits else 0.0
            yield from (hit.target for hit in way.hits[:NEAREST] if hit.score >= best * NEAR)
        case "both" | "guess" | "choice":
            yield from way.offered
