"""The titles of the year's campaigns, laid out so that a sentence finds the campaign that it names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from campaigns.campaign import Campaign
from ground.normal import normal

READ = ("publicity", "notice")  # what is only read
TITLE_BREAKS = re.compile(r"[：:“”，、]")
SHORTEST_NAME = 3  # signs of a part of a title by which a campaign is called
COMMON = frozenset("工会 职工 活动 参加 什么 一种 福利 权益 宣传 说清 清楚 怎么 一年 送到 您的".split())  # noqa: SIM905 - readable


class Titles:
    """What the campaigns that workers are told of are called. Each question gives a page's name or None."""

    def __init__(self, campaigns: Iterable[Campaign]) -> None:
        told = tuple(campaigns)
        self._plain = {f"campaign:{one.id}": normal(one.title) for one in told}
        joined = [one for one in told if one.kind not in READ]
        self._names = [(name, f"campaign:{one.id}") for one in joined for name in _names(one, joined)]
        self._pairs = [(f"campaign:{one.id}", _own(one, told)) for one in told]

    def holding(self, plain: str) -> str | None:
        """The campaign whose title the words are a part of."""
        if len(plain) < SHORTEST_NAME:
            return None
        return next((page for page, title in self._plain.items() if plain in title), None)

    def called(self, plain: str) -> str | None:
        """The campaign to take part in that the sentence calls by a part of its title which is its own."""
        return next((page for name, page in self._names if name in plain), None)

    def mentioned(self, plain: str) -> str | None:
        """The campaign of which the sentence has most pairs of signs that stand in no other's title."""
        said = _in_pairs(plain)
        most, page = max(((len(own & said), page) for page, own in self._pairs), key=_count, default=(0, ""))
        return page if most > 1 else None


def _count(found: tuple[int, str]) -> int:
    return found[0]


def _names(one: Campaign, campaigns: Iterable[Campaign]) -> list[str]:
    """The parts of a title, between its signs, that are long enough and that no other title has."""
    others = [normal(each.title) for each in campaigns if each.id != one.id]
    parts = [normal(part) for part in TITLE_BREAKS.split(one.title)]
    return [part for part in parts if len(part) >= SHORTEST_NAME and not any(part in each for each in others)]


def _own(one: Campaign, campaigns: Iterable[Campaign]) -> frozenset[str]:
    """The pairs of signs of a title that no other campaign's has."""
    others = (_in_pairs(normal(each.title)) for each in campaigns if each.id != one.id)
    return _in_pairs(normal(one.title)).difference(COMMON, *others)


def _in_pairs(plain: str) -> frozenset[str]:
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))
