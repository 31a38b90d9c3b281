"""A file of sorted lines, however many, in little memory; and its digest, by which anybody can tell whether it was changed.

Lines are sorted by their bytes (as `LC_ALL=C sort` does) and each ends with a line feed, so that the order says nothing of where a
line came from, and the same lines always make the same file.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Protocol


class Takes(Protocol):
    """A file, or whatever takes its bytes."""

    def write(self, data: bytes, /) -> object:
        """Take these."""


CHUNK = 100_000  # lines that are sorted in memory


def write_sorted(lines: Iterable[str], file: Takes) -> tuple[int, str]:
    """Write the lines in their order; how many they are, and the SHA-256 (hex) of the whole file."""
    number, digest = 0, hashlib.sha256()
    with ExitStack() as open_files:
        for line in heapq.merge(*_chunks(iter(lines), open_files)):
            file.write(line)
            digest.update(line)
            number += 1
    return number, digest.hexdigest()


def _chunks(lines: Iterator[str], open_files: ExitStack) -> list[Iterable[bytes]]:
    chunks: list[Iterable[bytes]] = []
    while chunk := sorted(f"{line}\n".encode() for line in islice(lines, CHUNK)):
        if len(chunk) < CHUNK:
            chunks.append(chunk)
            continue
        kept = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed with the others
        kept.writelines(chunk)
        kept.seek(0)
        chunks.append(kept)
    return chunks
