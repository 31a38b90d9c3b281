"""Words of danger, before anything else is looked at: written plainly, inside long sentences, by sound, in traditional signs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ground.normal import normal
from ground.simplified import simplified
from handlers.sounds import sounds
from menus.files import Crisis, Danger

REMEMBERED = 4096  # sentences
GAP = "…"
APART = 8  # signs that a gap stands for at most
TYPED_FROM = 3  # where somebody typed in pinyin
TYPED = re.compile(r"[a-z]{6}")
SEEN_GAP, HEARD_GAP = f".{{0,{APART}}}", rf"(?:\S+ ){{0,{APART}}}"
LISTED = re.compile(r"\{.*?\}")
PARTS = re.compile(rf"(\{{.*?\}}|{GAP})")
LATIN = re.compile(r"[0-9A-Za-z]")
HEARD_FROM = 4  # signs of a saying from which it is also known by its sound: fewer sound like too much else


@dataclass(frozen=True, slots=True)
class _Saying:
    """One way of saying it: its longest piece, by which most sentences are let through, and the whole."""

    piece: str
    whole: re.Pattern[str]
    said: str


class Dangers:
    """The emergencies of one directory, laid out."""

    def __init__(self, crisis: Crisis) -> None:
        harmless = sorted({normal(words) for words in crisis.harmless}, key=len, reverse=True)
        self._harmless = re.compile("|".join(map(re.escape, harmless)) or "(?!)")
        lists = {f"{{{one.name}}}": [normal(word) for word in one.words] for one in crisis.lists}
        self._kinds = [_Kind(kind, lists) for kind in crisis.kinds]
        self.find = lru_cache(REMEMBERED)(self._find)  # many people ask in the same words

    def _find(self, plain: str) -> tuple[Danger, str] | None:
        """The emergency that the words tell of, and which saying gave it away; `plain` as `normal` makes it."""
        text = self._harmless.sub("，", simplified(plain))
        heard = _spoken(text)
        typed = TYPED.search(text) is not None
        for each in self._kinds:
            said = _first(each.seen, text) or _first(each.typed if typed else each.heard, heard)
            if said is not None and not any(words in text for words in each.unless):
                return each.kind, said
        return None


class _Kind:
    """A kind of emergency, with its sayings as they are written and as they sound; those with lists only as written."""

    def __init__(self, kind: Danger, lists: Mapping[str, list[str]]) -> None:
        self.kind = kind
        self.seen = [
            _listed(said, lists)
            if LISTED.search(said)
            else _saying([normal(piece) for piece in said.split(GAP)], said, SEEN_GAP)
            for said in kind.says
        ]
        self.heard = _heard(kind, HEARD_FROM)
        self.typed = _heard(kind, TYPED_FROM)
        self.unless = [normal(words) for words in kind.unless]


def _first(sayings: Iterable[_Saying], text: str) -> str | None:
    return next((one.said for one in sayings if one.piece in text and one.whole.search(text)), None)


def _listed(said: str, lists: Mapping[str, list[str]]) -> _Saying:
    """A saying with lists of words in it: `{body}…{hurt}`."""
    parts = [part for part in PARTS.split(said) if part]
    return _Saying("", re.compile("".join(_pattern(part, lists) for part in parts)), said)


def _pattern(part: str, lists: Mapping[str, list[str]]) -> str:
    if part == GAP:
        return SEEN_GAP
    return f"(?:{'|'.join(map(re.escape, lists.get(part, [normal(part)])))})"


def _heard(kind: Danger, fewest: int) -> list[_Saying]:
    plain = (
        said
        for said in kind.says
        if len(normal(said)) >= fewest and not (LATIN.search(said) or LISTED.search(said))
    )
    return [_saying(_spoken_pieces(said), said, HEARD_GAP) for said in plain]


def _spoken_pieces(said: str) -> list[str]:
    first, *rest = (_spoken(normal(piece)) for piece in said.split(GAP))
    return [first, *(piece.lstrip() for piece in rest)]


def _saying(pieces: list[str], said: str, between: str) -> _Saying:
    return _Saying(max(pieces, key=len), re.compile(between.join(map(re.escape, pieces))), said)


def _spoken(plain: str) -> str:
    """Its syllables, each between blanks: " bu xian huo "."""
    return f" {' '.join(sounds().heard(plain))} " if plain else ""
