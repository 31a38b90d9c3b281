"""Many short texts put in order, each once, in memory that does not grow with them: what does not fit goes to the disk."""

from __future__ import annotations

import heapq
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import IO

AT_A_TIME = 100_000  # texts in memory: 10 MB of openids


class Ordered:
    """Texts without line ends, in the order of their bytes. The files have no name and go with the object."""

    def __init__(self) -> None:
        self._here: list[str] = []
        self._files: list[IO[str]] = []
        weakref.finalize(self, _close, self._files)

    def add(self, texts: Iterable[str]) -> None:
        """Take in some more."""
        self._here.extend(texts)
        if len(self._here) >= AT_A_TIME:
            file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115 - kept
            file.writelines(f"{text}\n" for text in sorted(set(self._here)))
            self._files.append(file)
            self._here = []

    def __iter__(self) -> Iterator[str]:
        """All of them, from the first; one reader at a time."""
        last = None
        for text in heapq.merge(sorted(set(self._here)), *map(_lines, self._files)):
            if text != last:
                yield text
            last = text


def _close(files: list[IO[str]]) -> None:
    for file in files:
        file.close()


def _lines(file: IO[str]) -> Iterator[str]:
    file.seek(0)
    return (line[:-1] for line in file)
