"""Several processes as one: started together, restarted when one dies, ended together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from jobs.worker import ENDING

log = logging.getLogger(__name__)

ENDS = ENDING
ASKED = (signal.SIGTERM, signal.SIGINT)  # they end us also where whoever started us ignores them
OF_A_TERMINAL = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)  # they reach all processes at once
STOP_S = 20  # for all of them to end by themselves
PAUSES_S = (0.5, 1, 2, 5, 10, 30)  # before a restart, each time longer
SETTLED_S = 60  # a process that lived so long starts over with the first pause
GLANCE_S = 0.1


class Stopped(BaseException):
    """SIGTERM, Ctrl-C, or the terminal was closed. No Exception: logging, among others, would swallow one."""


class Children:
    """The processes under supervision. Make them before any thread is started: they are forked."""

    def __init__(self, work: Mapping[str, Callable[[], int]]) -> None:
        self._work = work
        self._pids: dict[int, str] = {}
        self._born: dict[str, float] = {}
        self._falls = dict.fromkeys(work, 0)
        self._due = dict.fromkeys(work, 0.0)  # who is to be started, and not before when

    def look(self) -> None:
        """Note who has ended, and start whose time has come."""
        while found := self._ended():
            self._fell(*found)
        for name in [name for name, at in self._due.items() if at <= time.monotonic()]:
            del self._due[name]
            with _undisturbed():
                self._pids[_fork(self._work[name])] = name
            self._born[name] = time.monotonic()

    def _ended(self) -> tuple[str, int] | None:
        if not self._pids:
            return None
        pid, status = os.waitpid(-1, os.WNOHANG)
        return (self._pids.pop(pid, ""), status) if pid else None

    def _fell(self, name: str, status: int) -> None:
        if not name:
            return
        if time.monotonic() - self._born[name] > SETTLED_S:
            self._falls[name] = 0
        pause = PAUSES_S[min(self._falls[name], len(PAUSES_S) - 1)]
        self._falls[name] += 1
        self._due[name] = time.monotonic() + pause
        code = os.waitstatus_to_exitcode(status)
        log.error("%s ended (%s), starts again in %s s", name, code, pause)

    def end(self) -> None:
        """Ask each to end, wait, and insist with those that do not."""
        _ignore()
        for pid in self._pids:
            _signal(pid, signal.SIGTERM)
        until = time.monotonic() + STOP_S
        while self._pids and time.monotonic() < until:
            while self._ended():
                pass
            time.sleep(0.02)
        for pid in self._pids:
            _signal(pid, signal.SIGKILL)


def supervise(work: Mapping[str, Callable[[], int]], ready: Callable[[], None] = lambda: None) -> int:
    """Runs each in a process of its own until told to stop. Exit code 0; one that ends is started again.

    `ready` is called once all are started; what it raises ends them all.
    """
    children = Children(work)
    told: list[int] = []  # kept as well: what is raised while something is cleared away gets lost

    def stop(number: int, frame: FrameType | None) -> None:
        _ignore()  # who presses Ctrl-C twice does not disturb the end
        told.append(number)
        raise Stopped

    for number in ENDS:
        if signal.getsignal(number) != signal.SIG_IGN or number in ASKED:  # nohup stays nohup
            signal.signal(number, stop)
    try:
        children.look()
        ready()
        while not told:
            children.look()
            time.sleep(GLANCE_S)
    except Stopped:
        pass
    finally:
        children.end()
    return 0


def _ignore() -> None:
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait until a child that was started is also written down."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)


def _fork(child: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for number in ENDS:  # of those that reach all at once, the parent ends us in order
            signal.signal(number, signal.SIG_IGN if number in OF_A_TERMINAL else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        code = child()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        log.exception("a process broke")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
