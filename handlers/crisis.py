"""Words of danger, before anything else is looked at: written plainly, inside long sentences, by sound, in traditional signs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise

from ground.normal import normal
from ground.simplified import simplified
from handlers.sounds import sounds
from menus.files import Crisis, Danger

REMEMBERED = 4096  # sentences
GAP = "…"
APART = 8  # signs that a gap stands for at most
TYPED_FROM = 3  # where somebody typed in pinyin
TYPED = re.compile(r"[a-z]{5}")
SEEN_GAP, HEARD_GAP = f".{{0,{APART}}}", rf"(?:\S+ ){{0,{APART}}}"
LISTED = re.compile(r"\{.*?\}")
PARTS = re.compile(rf"(\{{.*?\}}|{GAP})")
LATIN = re.compile(r"[0-9A-Za-z]")
HEARD_FROM = 4  # signs of a saying from which it is also known by its sound: fewer sound like too much else


@dataclass(frozen=True, slots=True)
class _Saying:
    """One way of saying it: the number of its kind, and how it is recognised."""

    kind: int
    whole: re.Pattern[str]
    said: str


class _Sayings:
    """Sayings by how they open: the first two signs (or the only one) of a piece that each of them must have. So a sentence is
    compared with the few that it may hold, not with a thousand."""

    def __init__(self) -> None:
        self._by: dict[str, list[_Saying]] = defaultdict(list)

    def add(self, saying: _Saying, openings: Iterable[str]) -> None:
        for opening in dict.fromkeys(openings):
            self._by[opening].append(saying)

    def found(self, text: str, signs: Sequence[str]) -> Iterator[_Saying]:
        """Those that the text holds; `signs` are its parts and pairs of parts."""
        for sign in dict.fromkeys(signs):
            yield from (saying for saying in self._by.get(sign, ()) if saying.whole.search(text))


class Dangers:
    """The emergencies of one directory, laid out."""

    def __init__(self, crisis: Crisis) -> None:
        harmless = sorted({normal(words) for words in crisis.harmless}, key=len, reverse=True)
        self._harmless = re.compile("|".join(map(re.escape, harmless)) or "(?!)")
        self._kinds = [(kind, [normal(words) for words in kind.unless]) for kind in crisis.kinds]
        self._seen, self._heard, self._typed = _Sayings(), _Sayings(), _Sayings()
        lists = {f"{{{one.name}}}": [normal(word) for word in one.words] for one in crisis.lists}
        for number, kind in enumerate(crisis.kinds):
            for said in kind.says:
                self._learn(number, said, lists)
        self.find = lru_cache(REMEMBERED)(self._find)  # many people ask in the same words

    def _learn(self, kind: int, said: str, lists: Mapping[str, list[str]]) -> None:
        """A saying as it is written and, without lists and letters, as it sounds; one in pinyin as it sounds only."""
        if said.isascii():
            self._typed.add(
                _Saying(kind, re.compile(re.escape(_spoken(said))), said), _spoken(said).split()[:1]
            )
            return
        parts = [part for part in PARTS.split(said) if part]
        words = [lists.get(part, [normal(part)]) for part in parts if part != GAP]
        whole = re.compile("".join(_pattern(part, lists) for part in parts))
        self._seen.add(_Saying(kind, whole, said), (word[:2] for word in min(words, key=_commonness)))
        length = len(normal(said))
        if length < TYPED_FROM or LATIN.search(said) or LISTED.search(said):
            return
        pieces = _spoken_pieces(said)
        saying = _Saying(kind, re.compile(HEARD_GAP.join(map(re.escape, pieces))), said)
        for sayings in (self._typed, self._heard) if length >= HEARD_FROM else (self._typed,):
            sayings.add(saying, [" ".join(max(pieces, key=len).split()[:2])])

    def _find(self, plain: str) -> tuple[Danger, str] | None:
        """The emergency that the words tell of, and which saying gave it away; `plain` as `normal` makes it."""
        text = self._harmless.sub("，", simplified(plain))
        heard = sounds().heard(text)
        by_sound = self._typed if TYPED.search(text) else self._heard
        told: dict[int, str] = {}
        for saying in chain(
            self._seen.found(text, [*text, *map("".join, pairwise(text))]),
            by_sound.found(f" {' '.join(heard)} ", [*heard, *map(" ".join, pairwise(heard))]),
        ):
            told.setdefault(saying.kind, saying.said)
        return next(
            ((self._kinds[at][0], told[at]) for at in sorted(told) if not self._afterwards(at, text)), None
        )

    def harmless(self, plain: str) -> bool:
        """Whether the words hold one that only sounds like danger."""
        return self._harmless.search(simplified(plain)) is not None

    def kind(self, name: str, plain: str) -> Danger | None:
        """The emergency of that id, None where the words only ask about it afterwards."""
        text = simplified(plain)
        found = (at for at, (kind, _) in enumerate(self._kinds) if kind.id == name)
        return next((self._kinds[at][0] for at in found if not self._afterwards(at, text)), None)

    def _afterwards(self, at: int, text: str) -> bool:
        return any(words in text for words in self._kinds[at][1])


def _commonness(words: Sequence[str]) -> tuple[bool, int]:
    """How often a list of words lets a sentence through: single signs often, many words oftener than few."""
    return min(map(len, words)) < 2, len(words)


def _pattern(part: str, lists: Mapping[str, list[str]]) -> str:
    """A saying's part: `{伤}` is any word of that list."""
    if part == GAP:
        return SEEN_GAP
    return f"(?:{'|'.join(map(re.escape, lists.get(part, [normal(part)])))})"


def _spoken_pieces(said: str) -> list[str]:
    first, *rest = (_spoken(normal(piece)) for piece in said.split(GAP))
    return [first, *(piece.lstrip() for piece in rest)]


def _spoken(plain: str) -> str:
    """Its syllables, each between blanks: " bu xian huo "."""
    return f" {' '.join(sounds().heard(plain))} " if plain else ""
