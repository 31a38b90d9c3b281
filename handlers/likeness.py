"""How like two ways of saying something are: by the signs and pairs of neighbours that they share, the rarer the better.

Each page is known by examples. A question is first weighed against whole pages (how often a page's examples use a sign or a
pair), then against the single examples of the nearest pages. Both are shares of the question's own weight, between 0 and 1.

All weights are worked out beforehand. What a sign adds to every page stands side by side in one long number, sixteen bits for
each page, so that a question is weighed against all pages by adding one such number for each of its signs; likewise the examples
of a page. That is a hundredth of the work of looking at page after page.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from math import log, sqrt

SINGLE, PAIR = 0.65, 1.0  # what a sign by itself weighs against a pair
USUAL = 3.0  # examples of a page that use a sign until it counts half
WHOLE = 0.7  # what the whole page counts against its nearest example
LOOKED_AT = 6  # pages whose examples are compared one by one
LOOSE = 0.3  # what a likeness counts that has no pair
MOST = 44  # signs and pairs of a long story that are looked at, the rarest
STORY = 10  # signs: what a question has more of them is mostly story, which may not hide what it asks
UNKNOWN = 0.8  # what a sign that no example has weighs against the rarest that one has
TOLD = 5  # of what two sayings share, that staff are shown

LANE, FULL = (
    2,
    0xFFFF,
)  # bytes of a long number that belong to one page or example, and the most that they hold

Sign = str
"""A single sign, or a pair of neighbours with a blank between them."""


@dataclass(frozen=True, slots=True)
class Match:
    """A page, how well it fits (0 to 1), its nearest example, and that one in the signs by which it is compared."""

    page: str
    score: float
    example: str
    signs: Sequence[str]


class _Examples:
    """The examples of one page: as they are written, in signs, and what each sign adds to all of them."""

    def __init__(
        self, given: Sequence[tuple[str, Sequence[str]]], square: Mapping[Sign, float], most: float
    ) -> None:
        """`most`: what a question can weigh at most."""
        self.written = [words for words, _ in given]
        self.signs = [plain for _, plain in given]
        self._bytes, self._scale = LANE * len(given), FULL / sqrt(most)
        self._adds: dict[Sign, int] = defaultdict(int)
        for at, plain in enumerate(self.signs):
            found = frozenset(signs(plain))
            size = sqrt(sum(square[sign] for sign in found))
            for sign in found:
                self._adds[sign] += _lane(at, square[sign] / size * self._scale)

    def nearest(self, singles: Iterable[Sign], pairs: Iterable[Sign]) -> tuple[int, float, bool]:
        """Which is nearest, what it shares with the question per its own size, and whether that has a pair in it."""
        add = self._adds.get
        of_pairs = sum(map(add, pairs, repeat(0)))
        lanes = _lanes(sum(map(add, singles, repeat(0))) + of_pairs, self._bytes)
        most = max(lanes, default=0)
        at = lanes.index(most) if most else 0
        return at, most / self._scale, bool(most and of_pairs >> (8 * LANE * at) & FULL)


class Likeness:
    """The examples of all pages, laid out."""

    def __init__(self, pages: Mapping[str, Sequence[tuple[str, Sequence[str]]]]) -> None:
        """`pages`: page → its examples, each as it is written and in the signs by which it is compared."""
        self._pages = tuple(pages)
        rarest = log(1 + len(pages))
        most = MOST * rarest**2  # a question of nothing but the rarest: no lane runs over
        self._bytes, self._scale = LANE * len(pages), FULL / most
        used: dict[Sign, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for number, examples in enumerate(pages.values()):
            for _, plain in examples:
                for sign in frozenset(signs(plain)):
                    used[sign][number] += 1
        self._square = {
            sign: (_weight(sign) * log(1 + len(pages) / len(by))) ** 2 for sign, by in used.items()
        }
        self._unknown_single, self._unknown_pair = (
            (rarest * UNKNOWN * worth) ** 2 for worth in (SINGLE, PAIR)
        )
        self._adds = {
            sign: sum(
                _lane(number, self._square[sign] * times / (times + USUAL) * self._scale)
                for number, times in by.items()
            )
            for sign, by in used.items()
        }
        self._examples = [_Examples(examples, self._square, most) for examples in pages.values()]

    def nearest(self, given: Sequence[str], worth: float = 0.0) -> list[Match]:
        """The pages that are most like it, the best first; none when it shares nothing with any. A page whose examples as a
        whole are less like it than `worth` is left alone."""
        singles, pairs = self._worth_a_look(given)
        square = self._square.get
        whole = sum(map(square, singles, repeat(self._unknown_single))) + sum(
            map(square, pairs, repeat(self._unknown_pair))
        )
        add = self._adds.get
        scores = _lanes(sum(map(add, singles, repeat(0))) + sum(map(add, pairs, repeat(0))), self._bytes)
        told = whole * min(1.0, STORY / len(given)) if given else 1.0
        least = max(1.0, worth * told * self._scale, *sorted(scores)[-LOOKED_AT:][:1])
        best = [number for number, score in enumerate(scores) if score >= least][:LOOKED_AT]
        loose = LOOSE if pairs else 1.0
        size, found = sqrt(whole) or 1.0, []
        for number in best:
            examples = self._examples[number]
            at, like, close = examples.nearest(singles, pairs)
            score = WHOLE * scores[number] / self._scale / told + (1 - WHOLE) * like / size
            found.append(
                Match(
                    self._pages[number],
                    score if close else score * loose,
                    examples.written[at],
                    examples.signs[at],
                )
            )
        return sorted(found, key=lambda match: -match.score)

    def shared(self, given: Sequence[str], match: Match) -> tuple[str, ...]:
        """The rarest signs and pairs that it has in common with the example, for staff."""
        both = frozenset(signs(given)) & frozenset(signs(match.signs))
        rarest = sorted(both, key=lambda sign: (-self._square.get(sign, 0.0), sign))
        return tuple(sign.replace(" ", "") for sign in rarest[:TOLD])

    def _worth_a_look(self, given: Sequence[str]) -> tuple[frozenset[Sign], frozenset[Sign]]:
        """The single signs and the pairs; of a long story the rarest."""
        singles, pairs = frozenset(given), frozenset(map(" ".join, pairwise(given)))
        if len(singles) + len(pairs) <= MOST:
            return singles, pairs
        known = sorted(
            (sign for sign in singles | pairs if sign in self._square), key=self._square.__getitem__
        )
        kept = frozenset(known[-MOST:])
        return singles & kept, pairs & kept


def signs(given: Sequence[str]) -> Iterable[Sign]:
    """The single signs and the pairs of neighbours."""
    yield from given
    yield from map(" ".join, pairwise(given))


def _weight(sign: Sign) -> float:
    return PAIR if " " in sign else SINGLE


def _lane(at: int, worth: float) -> int:
    return int(worth) << (8 * LANE * at)


def _lanes(number: int, size: int) -> array[int]:
    """What each lane holds; of the machines that we run on all count from the little end."""
    return array("H", number.to_bytes(size, "little"))
