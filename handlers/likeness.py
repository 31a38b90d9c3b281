"""How like two ways of saying something are: by the signs and pairs of neighbours that they share, the rarer the better.

Each page is known by examples. A question is first weighed against whole pages (how often a page's examples use a sign or a
pair), then against the single examples of the nearest pages. Both are shares of the question's own weight, between 0 and 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

SINGLE, PAIR = 0.65, 1.0  # what a sign by itself weighs against a pair
USUAL = 3.0  # examples of a page that use a sign until it counts half
WHOLE = 0.7  # what the whole page counts against its nearest example
LOOKED_AT = 6  # pages whose examples are compared one by one
LOOSE = 0.3  # what a likeness counts that has no pair
MOST = 44  # signs and pairs of a long story that are looked at, the rarest
UNKNOWN = 0.8  # what a sign that no example has weighs against the rarest that one has

Sign = str
"""A single sign, or a pair of neighbours with a blank between them."""


@dataclass(frozen=True, slots=True)
class Match:
    """A page, how well it fits (0 to 1), its nearest example, and what they share."""

    page: str
    score: float
    example: str
    shared: tuple[str, ...]


class Likeness:
    """The examples of all pages, laid out."""

    def __init__(self, pages: Mapping[str, Iterable[tuple[str, Sequence[str]]]]) -> None:
        """`pages`: page → its examples, each as it is written and in the signs by which it is compared."""
        self._pages = tuple(pages)
        self._examples: list[list[tuple[str, frozenset[Sign], float]]] = []
        used: dict[Sign, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        sets = [
            [(words, frozenset(signs(given))) for words, given in examples] for examples in pages.values()
        ]
        for number, examples in enumerate(sets):
            for _, example in examples:
                for sign in example:
                    used[sign][number] += 1
        self._rare = {sign: _weight(sign) * log(1 + len(sets) / len(by)) for sign, by in used.items()}
        self._most_rare = log(1 + len(sets))
        self._used = {
            sign: [(number, self._rare[sign] ** 2 * times / (times + USUAL)) for number, times in by.items()]
            for sign, by in used.items()
        }
        for examples in sets:
            self._examples.append([(words, found, self._size(found)) for words, found in examples])

    def nearest(self, given: Sequence[str], how_many: int = LOOKED_AT) -> list[Match]:
        """The pages that are most like it, the best first; none when it shares nothing with any."""
        asked = self._worth_a_look(given)
        whole = sum(self._square(sign) for sign in asked)
        if not whole:
            return []
        scores: dict[int, float] = defaultdict(float)
        for sign in asked:
            for number, worth in self._used.get(sign, ()):
                scores[number] += worth
        best = sorted(scores, key=lambda number: -scores[number])[:how_many]
        found = [self._match(number, scores[number] / whole, asked, sqrt(whole)) for number in best]
        return sorted(found, key=lambda match: -match.score)

    def _worth_a_look(self, given: Sequence[str]) -> frozenset[Sign]:
        asked = frozenset(signs(given))
        if len(asked) <= MOST:
            return asked
        known = sorted((sign for sign in asked if sign in self._rare), key=lambda sign: -self._rare[sign])
        return frozenset(known[:MOST])

    def _match(self, number: int, page: float, asked: frozenset[Sign], size: float) -> Match:
        best, nearest, common = 0.0, "", frozenset[Sign]()
        for words, example, its_size in self._examples[number]:
            both = asked & example
            if both:
                like = sum([self._rare[sign] ** 2 for sign in both]) / (size * its_size)
                if like > best:
                    best, nearest, common = like, words, both
        shared = sorted(common, key=lambda sign: (-self._rare[sign], sign))[:5]
        score = WHOLE * page + (1 - WHOLE) * best
        if len(asked) > 1 and not any(" " in sign for sign in shared):
            score *= LOOSE
        return Match(self._pages[number], score, nearest, tuple(sign.replace(" ", "") for sign in shared))

    def _size(self, found: frozenset[Sign]) -> float:
        return sqrt(sum(self._rare[sign] ** 2 for sign in found))

    def _square(self, sign: Sign) -> float:
        rare = self._rare.get(sign)
        return (self._most_rare * UNKNOWN * _weight(sign) if rare is None else rare) ** 2


def signs(given: Sequence[str]) -> Iterable[Sign]:
    """The single signs and the pairs of neighbours."""
    yield from given
    yield from map(" ".join, pairwise(given))


def _weight(sign: Sign) -> float:
    return PAIR if " " in sign else SINGLE
