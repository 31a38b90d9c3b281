"""Several processes as one: started together, restarted when one dies, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

log = logging.getLogger(__name__)
STOP_S = 20  # for all of them to end by themselves
PAUSES_S = (
    0.5,
    1,
    2,
    5,
    10,
    30,
)  # before a restart; a process that lived a minute starts over with the first
SETTLED_S = 60


class Stopped(Exception):
    """SIGTERM or Ctrl-C."""


def supervise(children: Mapping[str, Callable[[], int]], ready: Callable[[], None] = lambda: None) -> int:
    """Runs each child in a process of its own until told to stop. Exit code 0; a child that ends is started again.

    Call it before any thread is started: the children are forked.
    """
    pids: dict[int, str] = {}
    born: dict[str, float] = {}
    falls = dict.fromkeys(children, 0)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        for name, child in children.items():
            pids[_fork(child)] = name
            born[name] = time.monotonic()
        ready()
        while True:
            pid, status = os.wait()
            name = pids.pop(pid, "")
            if not name:
                continue
            lived = time.monotonic() - born[name]
            falls[name] = 0 if lived > SETTLED_S else falls[name] + 1
            pause = PAUSES_S[min(falls[name], len(PAUSES_S) - 1)]
            log.error("%s ended (%s), starts again in %s s", name, os.waitstatus_to_exitcode(status), pause)
            time.sleep(pause)
            pids[_fork(children[name])] = name
            born[name] = time.monotonic()
    except Stopped:
        _end(list(pids))
        return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _fork(child: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C reaches all at once; the parent ends us in order
        code = child()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        log.exception("a process broke")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end(pids: list[int]) -> None:
    """Ask each to end, wait, and insist with those that do not."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_S
    left = set(pids)
    while left and time.monotonic() < until:
        for pid in list(left):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done = pid
            if done:
                left.discard(pid)
        time.sleep(0.02)
    for pid in left:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
