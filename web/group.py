"""Messages that wait for the same disk share one transaction (group commit): durable before the answer, yet cheap.

While one transaction runs, those that arrive meanwhile gather for the next; nobody waits for company that is not there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from models.base import Connection, StoreError, traced, unstorable
from models.interaction import TRIES, Again, Answer, Arrival, Care, Draft, Recorder, Sorry
from models.loop import LoopStore

log = logging.getLogger(__name__)
LARGEST = 128
MOST = 20_000  # that wait; more than arrive in the time that one may wait
PAUSE_S = 0.1
SETTLE_S = 1  # for a transaction under way when everything ends
SPARE_S = 0.5  # between the last handler and the answer
LATE_S = 1  # for those who have waited so long for a slow statement, another one must not take its full three seconds
SLOW_S = 10  # so long after a slow statement others are likely


@dataclass(slots=True)
class Waiting:
    """One message that waits to be stored. `done` gets the reply's XML, or None when it could not be."""

    arrival: Arrival
    done: Callable[[str | None], None]
    until: float  # on the monotonic clock
    over: bool = False

    def settle(self, xml: str | None) -> None:
        if self.over:
            return
        self.over = True
        try:
            self.done(xml)
        except Exception as error:  # noqa: BLE001 - one client's connection is nobody else's trouble
            log.error("an answer could not be handed over: %s", traced(error))


class Group:
    """Stores messages in shared transactions, one transaction at a time per process."""

    def __init__(
        self, store: LoopStore, recorder: Recorder, answer: Answer, sorry: Sorry, answer_s: float
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._answer = answer
        self._sorry = sorry
        self._answer_s = answer_s
        self._waiting: list[Waiting] = []
        self._running: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._slow_until = 0.0
        self._failing = False
        self._stopped = False

    def submit(self, arrival: Arrival, done: Callable[[str | None], None]) -> None:
        """Store it and call `done`, from the loop, within the time that WeChat waits."""
        waiting = Waiting(arrival, done, time.monotonic() + self._answer_s)
        if self._stopped or len(self._waiting) >= MOST:
            asyncio.get_running_loop().call_soon(waiting.settle, None)
            return
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def expire(self) -> None:
        """Give up on those whose time is up; call a few times a second. A stored one is answered when it comes again."""
        now = time.monotonic()
        for waiting in (*self._running, *self._waiting):
            if waiting.until <= now:
                waiting.settle(None)
        self._waiting[:] = [w for w in self._waiting if not w.over]

    @property
    def idle(self) -> bool:
        return self._task is None

    async def stop(self) -> None:
        """Take no more, and give up what is not stored in a moment."""
        self._stopped = True
        task = self._task
        if task is None:
            return
        for give_up in (self._store.hang_up, task.cancel):
            await asyncio.wait({task}, timeout=SETTLE_S)
            give_up()
        await asyncio.wait({task}, timeout=SETTLE_S)

    async def _work(self) -> None:
        try:
            while self._waiting:
                self._running = [w for w in self._waiting[:LARGEST] if not w.over]
                del self._waiting[:LARGEST]
                if self._running:
                    await self._flush(self._running)
                self._running = []
                await asyncio.sleep(0)  # answers go out, the next messages come in
        finally:
            self._task = None
            left = [*self._running, *self._waiting]  # nobody, unless we were stopped
            self._running, self._waiting = [], []
            for waiting in left:
                waiting.settle(None)

    async def _flush(self, batch: list[Waiting]) -> None:
        try:
            replies = await self._record([w.arrival for w in batch], min(w.until for w in batch) - SPARE_S)
        except (StoreError, OSError, TimeoutError) as error:
            await self._failed(batch, error, unstorable(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait get an answer
            log.error("a fault of ours: %s", traced(error))
            await self._failed(batch, error, lasting=True)
        else:
            if self._failing:
                self._failing = False
                log.warning("messages are stored again")
            for waiting, xml in zip(batch, replies, strict=True):
                waiting.settle(xml)

    async def _failed(self, batch: list[Waiting], error: Exception, lasting: bool) -> None:
        """The database is gone, or (lasting) it refuses one of them: then each goes alone, and only that one is given up."""
        if lasting or not self._failing:  # a database that is gone is said once
            log.error("%d messages could not be stored: %s", len(batch), _named(error))
        if not lasting:
            self._failing = True
            self._waiting[:0] = [w for w in batch if not w.over]
            await asyncio.sleep(PAUSE_S)
        elif len(batch) == 1:
            batch[0].settle(None)
        else:
            for waiting in batch:
                await asyncio.sleep(0)
                if not waiting.over:
                    await self._flush([waiting])

    async def _record(self, arrivals: list[Arrival], until: float) -> list[str]:
        now = time.monotonic()
        late = until - now < self._answer_s - SPARE_S - LATE_S
        care = Care(until) if late and now < self._slow_until else None
        for _ in range(TRIES):
            try:
                return await self._store.run(partial(self._look, arrivals, care), partial(self._write, care))
            except Again as again:
                if again.slow:
                    self._slow_until = time.monotonic() + SLOW_S
                care = again.care(until)
        raise TimeoutError("the same rows were contended too often")

    def _look(self, arrivals: list[Arrival], care: Care | None, connection: Connection) -> Draft:
        return self._recorder.look(connection, arrivals, None if care else self._answer)

    def _write(self, care: Care | None, connection: Connection, draft: Draft) -> list[str]:
        return self._recorder.write(connection, draft, self._answer, self._sorry, care)


def _named(error: Exception) -> str:
    """What a log may say of it: the kind of error, never its text, for that may quote what a person wrote."""
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "sqlite_errorname", type(cause).__name__))
