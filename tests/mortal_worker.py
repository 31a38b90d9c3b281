"""A program: one worker that dies where it is told to, as by kill -9: POINT=… and the words of one_worker.py.

Its points are no list of ours: each transaction that writes, by the function that opened it, before and after its commit, and
each request to WeChat, before it leaves and after its answer. With no point it lives, and prints each that it passes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import one_worker

from models.base import Connection, Store
from wx.wire import Wire


def watch(point: str) -> None:
    """From now on the process dies at this point."""
    write, ask = Store.writing, Wire.exchange
    seen: set[str] = set()

    def passed(here: str) -> None:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)
        if not point and here not in seen:
            seen.add(here)
            print(here, flush=True)

    @contextmanager
    def writing(self: Store, **how: Any) -> Iterator[Connection]:
        who = opener(sys._getframe(2))
        with write(self, **how) as connection:
            yield connection
            passed(f"{who}: written")
        passed(f"{who}: committed")

    def exchange(self: Wire, method: str, path: str, **what: Any) -> Any:
        passed(f"{path}: not yet asked")
        answer = ask(self, method, path, **what)
        passed(f"{path}: answered")
        return answer

    Store.writing, Wire.exchange = writing, exchange  # type: ignore[method-assign]


def opener(frame: FrameType | None) -> str:
    """The function that opened a transaction, without what the language puts between."""
    while frame is not None and "contextlib" in frame.f_code.co_filename:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"


if __name__ == "__main__":
    words = dict(word.split("=", 1) for word in sys.argv[1:])
    watch(words.pop("point"))
    raise SystemExit(one_worker.main(**words))
