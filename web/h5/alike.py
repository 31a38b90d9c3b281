"""Pages that are alike for many people: made once, and given to each with what is their own: the tokens of their form, the nonce
of their answer, and the order of what may be chosen. Whatever else a page shows is in the key by which it is kept."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

KEPT = 64  # pages
GRID = "grid"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A page in pieces: text, the name of what is put in, text, and so on. `offers`: a number, and how it is shown."""

    pieces: tuple[str, ...]
    offers: Mapping[str, str]

    def filled(self, own: Mapping[str, str], order: Sequence[str]) -> str:
        """The page of one person."""
        put = {**own, GRID: "".join(map(self.offers.__getitem__, order))}
        pieces = list(self.pieces)
        pieces[1::2] = map(put.__getitem__, pieces[1::2])
        return "".join(pieces)


def pattern(page: str, own: Mapping[str, str], offers: Mapping[str, str], order: Sequence[str]) -> Pattern:
    """The page that one person was shown, without what was theirs. `own`: a name and what stands on the page for it, which
    stands there for nothing else."""
    put = {**own, GRID: "".join(map(offers.__getitem__, order))}
    names = {text: name for name, text in put.items()}
    pieces = re.split(f"({'|'.join(map(re.escape, names))})", page)
    pieces[1::2] = map(names.__getitem__, pieces[1::2])
    return Pattern(tuple(pieces), dict(offers))


class Patterns:
    """Those that this process keeps."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Pattern] = OrderedDict()

    def get(self, key: Hashable) -> Pattern | None:
        """The one of this key."""
        return self._kept.get(key)

    def keep(self, key: Hashable, made: Pattern) -> None:
        """What is kept longest gives way."""
        self._kept[key] = made
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
