"""How much words sound like somebody in danger: for sentences that no list foresaw, whose answer then names the numbers first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from math import log

from ground.normal import normal
from menus.directory import Directory

REMEMBERED = 4096  # sentences
# How much more often an emergency is told in these signs than anything else is, as a logarithm:
LIKELY = 4.0  # of all that is said
IN_PART = 7.0  # of one part of it
FEWEST = 6  # signs: fewer are like too much else
UNSEEN = 0.1  # what a sign counts that one of the two never had (additive smoothing)
CALMLY = (
    3  # times: what sounds like an emergency and is none teaches more than what does not even sound like one
)


class Worry:
    """A naive Bayes over signs and pairs of signs, learned from the sentences that staff write down for the finder."""

    def __init__(self, directory: Directory) -> None:
        crisis = directory.crisis
        danger = _counted(normal(ask) for kind in crisis.kinds for ask in kind.asks)
        asked = _counted(normal(words) for words in _ordinary(directory))
        calm = _counted(normal(words) for words in (*crisis.calm, *crisis.harmless))
        for sign, times in calm.items():
            asked[sign] += CALMLY * times
        self._weights = _weights(danger, asked) if danger else {}
        self.weighed = lru_cache(REMEMBERED)(self._weighed)

    def among(self, whole: str, parts: Iterable[str]) -> bool:
        """Whether somebody may be in danger who says this, as a whole or in a part of it; all as `normal` makes it."""
        return self.weighed(whole) > LIKELY or any(self.weighed(part) > IN_PART for part in parts)

    def _weighed(self, plain: str) -> float:
        return sum(self._weights.get(sign, 0.0) for sign in _signs(plain)) if len(plain) >= FEWEST else 0.0


def _ordinary(directory: Directory) -> Iterable[str]:
    for guide in directory.guides:
        yield from (guide.title, *guide.words, *guide.asks)
    for saying in directory.talk:
        yield from (*saying.words, *saying.asks)


def _counted(sentences: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for plain in sentences:
        found.update(_signs(plain))
    return found


def _signs(plain: str) -> Collection[str]:
    return {*plain, *map("".join, pairwise(plain))}


def _weights(danger: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, float]:
    """Of each sign, how much it speaks for danger: the logarithm of its two shares' ratio."""
    known = danger.keys() | other.keys()
    ours, theirs = (sum(of.values()) + UNSEEN * len(known) for of in (danger, other))
    return {
        sign: log((danger.get(sign, 0) + UNSEEN) / ours) - log((other.get(sign, 0) + UNSEEN) / theirs)
        for sign in known
    }
