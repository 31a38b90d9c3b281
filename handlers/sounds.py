"""How words sound: a table of pinyin, read once when first needed."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
LETTERS = re.compile(r"[a-z]+")
# What people mix up when they type by sound: zh z, ch c, sh s, -ng -n; and l n at the beginning.
BLURS = (("zh", "z"), ("ch", "c"), ("sh", "s"))
LONGEST = 6  # letters of a syllable


class Sounds:
    """The table, laid out."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}
        self.syllables: dict[str, str] = {}  # as it is typed → blurred
        for line in _lines("sounds.txt"):
            syllable, _, signs = line.partition(" ")
            self.syllables[syllable] = _blurred(syllable)
            for sign in signs.partition("|")[0]:
                self._of[sign] = self.syllables[syllable]

    def heard(self, plain: str) -> list[str]:
        """A syllable for each sign, what is typed in pinyin taken apart; digits and rare signs stay as they are."""
        found: list[str] = []
        for piece in re.findall(r"[a-z]+|.", plain, re.DOTALL):
            found += (
                self.typed(piece) or [piece] if LETTERS.fullmatch(piece) else [self._of.get(piece, piece)]
            )
        return found

    def typed(self, letters: str) -> list[str]:
        """The syllables of a run of letters, [] when it is no pinyin."""
        best: list[list[str] | None] = [[]] + [None] * len(letters)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - LONGEST), end):
                before, syllable = best[start], self.syllables.get(letters[start:end])
                known = best[end]
                if before is not None and syllable and (known is None or len(before) + 1 < len(known)):
                    best[end] = [*before, syllable]
        return best[-1] or []


def _blurred(syllable: str) -> str:
    for sharp, blunt in BLURS:
        if syllable.startswith(sharp):
            syllable = blunt + syllable[2:]
    return syllable[:-1] if syllable.endswith("ng") else syllable


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def sounds() -> Sounds:
    """The table of this process."""
    return Sounds()
