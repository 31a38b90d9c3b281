"""Words in simplified signs, whoever writes them in traditional ones. One table, read once when first needed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).parent / "traditional.txt"


def simplified(words: str) -> str:
    """The words in simplified signs."""
    return words.translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, int]:
    lines = TABLE.read_text("utf-8").splitlines()
    pairs = "".join(line for line in lines if line and not line.startswith("#"))
    return dict(zip(map(ord, pairs[::2]), map(ord, pairs[1::2]), strict=True))
