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

from models.base import Connection, StoreError, unstorable
from models.interaction import TRIES, Again, Answer, Arrival, Care, Draft, Recorder, Sorry
from models.loop import LoopStore

log = logging.getLogger(__name__)
LARGEST = 128
PAUSE_S = 0.1
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
        if not self.over:
            self.over = True
            self.done(xml)


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

    def submit(self, arrival: Arrival, done: Callable[[str | None], None]) -> None:
        """Store it and call `done`, from the loop, within the time that WeChat waits."""
        self._waiting.append(Waiting(arrival, done, time.monotonic() + self._answer_s))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def expire(self) -> None:
        """Give up on those whose time is up; call a few times a second. A stored one is answered when it comes again."""
        now = time.monotonic()
        for waiting in (*self._running, *self._waiting):
            if waiting.until <= now:
                waiting.settle(None)

    @property
    def idle(self) -> bool:
        return self._task is None

    async def _work(self) -> None:
        try:
            while self._waiting:
                self._running = [w for w in self._waiting[:LARGEST] if not w.over]
                del self._waiting[:LARGEST]
                await self._flush(self._running)
                await asyncio.sleep(0)  # answers go out, the next messages come in
        finally:
            self._running = []
            self._task = None

    async def _flush(self, batch: list[Waiting]) -> None:
        try:
            replies = await self._record([w.arrival for w in batch], min(w.until for w in batch) - SPARE_S)
        except (StoreError, OSError, TimeoutError) as error:
            await self._failed(batch, error, unstorable(error))
        except Exception as error:
            log.exception("messages that cannot be stored")
            await self._failed(batch, error, lasting=True)
        else:
            for waiting, xml in zip(batch, replies, strict=True):
                waiting.settle(xml)

    async def _failed(self, batch: list[Waiting], error: Exception, lasting: bool) -> None:
        """The database is gone, or (lasting) it refuses one of them: then each goes alone, and only that one is given up."""
        log.error("%d messages could not be stored: %s", len(batch), type(error).__name__)
        if not lasting:
            self._waiting[:0] = [w for w in batch if not w.over]
            await asyncio.sleep(PAUSE_S)
        elif len(batch) == 1:
            batch[0].settle(None)
        else:
            for waiting in batch:
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
