"""The staff's list of sensitive words: a text file with one word a line, `#` before what is only said about it.

One list for both ways: what workers write is looked at before others see it, and what the union writes is told by `check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from campaigns.moderation import Moderation
from ground.beside import OutsideError, beside
from ground.normal import normal
from ground.saved import NotTextError, text_of
from ground.wide import shown

MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sensitive:
    """The words as `normal` makes them, and what is wrong with the list, a sentence each: what can be read of it counts."""

    words: tuple[str, ...]
    faults: tuple[str, ...] = ()


def read(moderation: Moderation, folder: Path) -> Sensitive:
    """The words of the config file and of the file that it names, which lies beside it."""
    words = list(moderation.words)
    faults: list[str] = []
    for number, line in _lines(moderation.file, folder, faults):
        word = line.partition("#")[0].strip()
        if word and not normal(word):
            faults.append(
                f"{moderation.file}:{number}：写的是“{shown(word)}”，敏感词里要有字，不能只有空格和符号"
            )
        elif word:
            words.append(normal(word))
    return Sensitive(tuple(dict.fromkeys(words)), tuple(faults))


def _lines(name: str, folder: Path, faults: list[str]) -> Iterator[tuple[int, str]]:
    if not name:
        return
    try:
        with beside(folder, name).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise NotTextError("太大，请确认没有选错文件")
        yield from enumerate(text_of(raw).splitlines(), 1)
    except (NotTextError, OutsideError) as fault:
        faults.append(f"敏感词表 {name}（moderation.file）：{fault}；请存成文本文件，一行一个词")
    except (OSError, ValueError):
        faults.append(f"敏感词表 {name}（moderation.file）读不出来，请把它放到配置文件所在的文件夹里")
