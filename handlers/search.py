"""From a worker's own words to a page of the directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log

from ground.normal import normal
from menus.directory import Directory
from menus.guide import Guide
from menus.tree import items

LONGEST_QUESTION = 120  # characters that are looked at; WeChat lets a person send 2048 bytes
NEAREST = 3
CRISIS = frozenset({"不想活", "想死", "自杀"})  # come before whatever else is in the sentence
POPULAR = ("guide:join", "guide:hardship", "guide:legal-aid")  # offered when nothing is near
FILLERS = (
    "我想问",
    "请问",
    "想问",
    "怎么办理",
    "怎么办",
    "怎么弄",
    "怎么",
    "如何",
    "哪里",
    "办理",
    "可以",
    "能不能",
    "什么",
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that fits, how well, and why in words for staff."""

    target: str
    score: float
    reason: str


class Finder:
    """The words of one directory, laid out once so that a name is found by one lookup."""

    def __init__(self, directory: Directory) -> None:
        self.titles = {button.key or button.name: button.name for button in items(directory.menu)}
        self.titles |= {f"guide:{guide.id}": guide.title for guide in directory.guides}
        self.titles |= {f"talk:{saying.id}": saying.words[0] for saying in directory.talk if saying.words}
        self._names = {normal(section.name): section.name for section in directory.menu} | dict(
            directory.targets
        )
        self._exact = self._names | {
            normal(word): f"talk:{saying.id}" for saying in directory.talk for word in saying.words
        }
        self._inside = {
            normal(word): f"talk:{saying.id}" for saying in directory.talk for word in saying.inside
        }
        self._lengths = sorted({len(word) for word in self._names if len(word) > 1}, reverse=True)
        self._offered = {f"guide:{guide.id}" for guide in directory.guides}
        self._signs = {f"guide:{guide.id}": _signs(guide) for guide in directory.guides}
        spread = Counter(sign for signs in self._signs.values() for sign in signs)
        self._rarity = {sign: log(1 + len(self._signs) / times) for sign, times in spread.items()}

    def exact(self, plain: str) -> str | None:
        """The page that has exactly this name; `plain` as `normal` makes it."""
        return self._exact.get(plain)

    def inside(self, plain: str) -> tuple[Hit, ...]:
        """Pages one of whose names stands in the sentence, the best first. Longer names count more; a name within a name
        does not count."""
        plain = plain[:LONGEST_QUESTION]
        words: dict[str, list[str]] = {}
        at = 0
        while at < len(plain) - 1:
            word = next(
                (plain[at : at + size] for size in self._lengths if plain[at : at + size] in self._names), ""
            )
            if word:
                found = words.setdefault(self._names[word], [])
                if word not in found:
                    found.append(word)
            at += len(word) or 1
        hits = [
            Hit(target, _weight(found), f"句子里有“{'”“'.join(found)}”") for target, found in words.items()
        ]
        return tuple(sorted(hits, key=lambda hit: -hit.score))

    def talk_in(self, plain: str) -> str | None:
        """The small talk one of whose words stands in the sentence."""
        return next((page for word, page in self._inside.items() if word in plain), None)

    def nearest(self, plain: str) -> tuple[Hit, ...]:
        """The three entries that share most with the words, the rarer the better; filled up with the commonest."""
        plain = plain[:LONGEST_QUESTION]
        for filler in FILLERS:
            plain = plain.replace(filler, "")
        asked = set(_pieces(plain))
        hits = []
        for target in self._signs.keys() & self._offered:
            shared = asked & self._signs[target].keys()
            score = sum(self._rarity[sign] * self._signs[target][sign] * len(sign) ** 2 for sign in shared)
            if score:
                longest = sorted(shared, key=lambda sign: (-len(sign), sign))[:5]
                hits.append(Hit(target, score, "字面相近：" + "、".join(longest)))
        best = sorted(hits, key=lambda hit: (-hit.score, hit.target))[:NEAREST]
        taken = {hit.target for hit in best}
        rest = (target for target in POPULAR if target in self._offered and target not in taken)
        return (*best, *(Hit(target, 0.0, "没有相近的，列出最常用的") for target in rest))[:NEAREST]


def _weight(words: Iterable[str]) -> float:
    return float(sum(1000 if word in CRISIS else len(word) ** 2 for word in words))


def _pieces(plain: str) -> Iterator[str]:
    """A text's single characters and its pairs of neighbours."""
    yield from plain
    yield from (plain[at : at + 2] for at in range(len(plain) - 1))


def _signs(guide: Guide) -> dict[str, float]:
    """What an entry is known by: the pieces of its names count thrice those of its text."""
    signs = dict.fromkeys(_each((guide.answer, guide.who, *guide.bring, *guide.how, guide.note)), 1.0)
    return signs | dict.fromkeys(_each((guide.title, *guide.words, *guide.asks)), 3.0)


def _each(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from _pieces(normal(text))
