"""The frames that cross between a web process and SQLite's writer.

A frame is its length and a marshalled tuple. Asked: (number, until, items), an item being a `Ready` or a pickled `Arrival`.
Answered: (number, fault, {place of the item: reply}) with what the asker does not know already; the fault is '' for none,
or one of the two below.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator
from typing import Any

GONE = "gone"  # the database cannot be written: try again
UNSTORABLE = "unstorable"  # it refuses one of them: each must be tried alone
SEND_BUFFER = 1 << 21  # bytes
LENGTH = struct.Struct("=I")


class Unstorable(Exception):
    """The database refuses one of the messages."""


class Gone(OSError):
    """The database, or the process that writes into it, is not there."""


def packed(content: tuple[Any, ...]) -> bytes:
    """A frame."""
    body = marshal.dumps(content)
    return LENGTH.pack(len(body)) + body


def frames(buffer: bytearray) -> Iterator[Any]:
    """The whole frames at the buffer's beginning, which are taken out of it."""
    at = 0
    while len(buffer) - at >= LENGTH.size:
        end = at + LENGTH.size + LENGTH.unpack_from(buffer, at)[0]
        if end > len(buffer):
            break
        yield marshal.loads(buffer[at + LENGTH.size : end])  # noqa: S302 - from a process of ours
        at = end
    del buffer[:at]
