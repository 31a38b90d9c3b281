"""The `work` process: sees what comes due, sends it, and tells the others that it lives."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import Protocol

from campaigns.campaign import Campaign
from campaigns.moderation import Moderation
from jobs import approval, editions
from jobs.brake import Lease
from jobs.push import Sender
from jobs.reconciliation import reconcile
from jobs.timetable import Timetable
from models import alarm, delivery, shared, timer, unanswered
from models.base import Store, deadlocked, disconnected, timed_out
from models.clock import Clock
from models.shared import Shared

log = logging.getLogger(__name__)

BEAT_S = 5.0
RECOVER_S = 1.0
TIDY_S = 60.0
EDITIONS_S = 5.0
GATHER_S = 5.0
RECONCILE_S = 600.0
NOTE_S = 30.0
KEPT = timedelta(days=180)  # what nobody answered
GLANCE_S = 0.1
# Every signal that would end a program and that one can answer; those of its own faults (SIGSEGV …) are left alone.
ENDING = tuple(
    getattr(signal, name)
    for name in (
        "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPOLL",
        "SIGPWR", "SIGSTKFLT", "SIGXCPU", "SIGXFSZ",
    )
    if hasattr(signal, name)
)  # fmt: skip
AFTER_A_FAULT_S = 1.0  # the loop does not repeat the same crash at once


class Every:
    """True at most once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._last = float("-inf")

    def due(self) -> bool:
        if time.monotonic() - self._last < self.seconds:
            return False
        self._last = time.monotonic()
        return True


class Worker:
    """One process that ticks the timetable and sends; any number may run. `watch` looks after other
    files. `step` does a little and says when again."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        common: Shared,
        campaigns: Callable[[], Sequence[Campaign]],
        sender: Sender,
        watch: Callable[[], object] = lambda: None,
        moderation: Moderation = Moderation(),  # noqa: B008 - it never changes
    ) -> None:
        self.store = store
        self.clock = clock
        self.common = common
        self.campaigns = campaigns
        self.sender = sender
        self.watch = watch
        self.moderation = moderation
        self.nudged = threading.Event()
        self.timetable = Timetable(store, clock, self.nudged.set)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{sender.holder}"
        self._known: Sequence[Campaign] | None = None
        self._offset = timedelta(0)
        self._beat, self._recover, self._tidy = Every(BEAT_S), Every(RECOVER_S), Every(TIDY_S)
        self._gather = Every(GATHER_S)
        self._editions, self._told = Every(EDITIONS_S), Every(TIDY_S)
        self._reconcile, self._note = Every(RECONCILE_S), Every(NOTE_S)
        self._done: set[str] = set()  # the timers (models/timer.py) that ran well since they were noted last

    def step(self) -> float:
        """Do what is to be done now, a little of it; the seconds after which to look again.

        What breaks in one part stays there: the others are done all the same. Only a database that is away ends the step."""
        now = self.clock.now()
        moved = self.clock.offset() != self._offset
        self._live(now, moved)
        self._alone(self.watch)
        self._alone(partial(self._keep_time, now), "timetable")
        self._tidy_up(now, moved)
        self._alone(self.sender.plan)
        return self.sender.send()

    def _alone(self, part: Callable[[], object], timer: str = "") -> None:
        try:
            part()
            self._done |= {timer} if timer else set()
        except Exception as error:
            if disconnected(error):
                raise
            log.exception("a part of a step failed")
            passing = deadlocked(error) or timed_out(error)  # if it does not pass, its timer falls silent
            if not passing and self._told.due():
                words = f"推送进程里有一部分出了错（{type(error).__name__}），别的部分照常。请把这句话和日志发给技术人员。"
                with self.store.writing() as connection:
                    alarm.sound(connection, "worker fault", words, self.clock.now())

    def _keep_time(self, now: datetime) -> None:
        campaigns = self.campaigns()
        if campaigns != self._known:
            self.timetable.adopt(campaigns)
            self._known = campaigns
        self.timetable.keep(now)

    def _tidy_up(self, now: datetime, moved: bool) -> None:
        if self._recover.due():
            self._alone(self.sender.recover, "recover")
        if self._editions.due() or moved:
            live, most, limits = self.sender.account.live, self.moderation, self.sender.limits
            tend = partial(
                editions.tend, self.store, self.campaigns(), now, live=live, moderation=most, limits=limits
            )
            self._alone(tend, "editions")
        if self._gather.due() or moved:
            self._alone(partial(self._gathered, now))
        if self._tidy.due():
            self._alone(partial(self._sweep, now), "tidy")
        if self._reconcile.due():
            unwritten = self.timetable.unwritten(now)
            self._alone(partial(reconcile, self.store, unwritten, now), "reconcile")

    def _gathered(self, now: datetime) -> None:
        with self.store.writing(lasting=False) as connection:
            unanswered.gather(connection, now)

    def _sweep(self, now: datetime) -> None:
        approval.look_ahead(self.store, self.sender.approvals, self.campaigns(), now)
        with self.store.writing() as connection:
            editions.sweep(connection, now, now - self.clock.offset())
            shared.sweep(connection, now)
            unanswered.forget(connection, now - KEPT)
            delivery.forget_strangers(connection, now)

    def _live(self, now: datetime, moved: bool) -> None:
        if self._beat.due() or moved:
            self._offset = self.clock.offset()
            lasts = Lease(timedelta(seconds=shared.HEART_S))
            with self.store.writing() as connection:
                shared.beat(connection, self.name, now)
                if self._done and self._note.due():
                    timer.note(connection, self._done, now)
                    self._done.clear()
            self.sender.pulse.beats(lasts)

    def run(self) -> None:
        """Step until told to stop; a fault is logged, and the next step comes a second later."""
        self.timetable.start()
        bell = self.common.bell()
        while not self.sender.stopping.is_set():
            try:
                again = self.step()
            except Exception:
                log.exception("a step failed")
                again = AFTER_A_FAULT_S
            bell = self._rest(again, bell)
        self.timetable.stop()
        self._alone(self.sender.finish)
        self._die()

    def _rest(self, seconds: float, bell: str | None) -> str | None:
        """Wait, unless something comes due or somebody rings."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.sender.stopping.is_set():
            if self.nudged.wait(min(left, GLANCE_S)):
                break
            now_heard = self.common.bell()
            if now_heard is not None and now_heard != bell:
                bell = now_heard
                break
        self.nudged.clear()
        return bell

    def _die(self) -> None:
        if self.sender.left_behind:
            return  # the heart stops by itself, and with it these calls
        try:
            with self.store.writing() as connection:
                shared.drop(connection, shared.HEART + self.name)
        except Exception:
            log.exception("could not say goodbye")

    def stop(self) -> None:
        """Finish the calls under way, begin no more."""
        self.sender.stop()
        self.nudged.set()


class Beside(Protocol):
    """Something that goes on beside the worker, in a thread of its own."""

    def run(self) -> None: ...


def work(worker: Worker, *beside: Beside) -> int:
    """Run until a signal that ends programs; ends within ten seconds after it, whatever WeChat does. Exit code 0.

    What was ignored when we were started stays ignored: SIGHUP under nohup, or below a supervisor that ends us in order."""

    _listen(worker.stop)
    for one in beside:
        threading.Thread(target=one.run, name=type(one).__name__, daemon=True).start()
    worker.run()
    worker.sender.close()
    if worker.sender.left_behind:
        log.warning("calls left behind")  # their rows are freed by their lease
        logging.shutdown()
        os._exit(0)
    return 0


def _listen(stop: Callable[[], None]) -> None:
    """Call this in a thread of its own once a signal has come that ends programs.

    A handler would run in the middle of whatever the main thread does, and an Event that the main thread just waits on has its
    lock taken: to set it there would wait for ever. So the interpreter only writes the signal's number to a socket."""
    heard, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    answered = {number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN}
    for number in answered:
        signal.signal(number, _noted)

    def hear() -> None:
        with heard, told:
            while heard.recv(1)[0] not in answered:
                pass
            stop()
            while heard.recv(1):  # who asks twice is heard, and changes nothing
                pass

    threading.Thread(target=hear, name="signals", daemon=True).start()


def _noted(number: int, frame: FrameType | None) -> None:
    """Python asks for a handler before it writes to the socket."""
