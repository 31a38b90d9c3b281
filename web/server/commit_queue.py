"""Messages that wait for the same disk share one transaction (group commit): durable before the answer, yet cheap.

While one transaction runs, those that arrive meanwhile gather for the next; nobody waits for company that is not there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from models.base import StoreError, named, traced, unstorable
from models.interaction import Arrival
from models.recording import AsyncCommitter, Ready, Unstorable

log = logging.getLogger(__name__)
LARGEST = 128
EAGER = 8  # that wait are sent on before the rest is read, where others can begin with them
MOST = 20_000  # that wait; more than arrive in the time that one may wait
PAUSE_S = 0.1
SETTLE_S = 1  # for what is under way when everything ends
SPARE_S = 0.5  # between the last handler and the answer


class Ahead(Protocol):
    """Answers a message before the transaction, where that is possible."""

    def ahead(self, row: Arrival) -> Ready | None: ...


@dataclass(slots=True)
class Waiting:
    """One message that waits to be stored. `done` gets the reply's XML, or None when it could not be."""

    arrival: Arrival
    ready: Ready | None
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


class CommitQueue:
    """Gives the messages of one process to be stored, all that have arrived in a turn of the loop together, and no more
    groups at once than the committer takes."""

    def __init__(self, committer: AsyncCommitter, hook: Ahead, answer_s: float) -> None:
        self._committer = committer
        self._hook = hook
        self._answer_s = answer_s
        self._waiting: list[Waiting] = []
        self._running: dict[asyncio.Task[None], list[Waiting]] = {}
        self._called = False
        self._pause: asyncio.TimerHandle | None = None
        self._failing = False
        self._stopped = False

    def submit(self, arrival: Arrival, done: Callable[[str | None], None]) -> None:
        """Store it and call `done`, from the loop, within the time that WeChat waits."""
        if self._stopped or len(self._waiting) >= MOST:
            asyncio.get_running_loop().call_soon(done, None)
            return
        until = time.monotonic() + self._answer_s
        self._waiting.append(Waiting(arrival, self._hook.ahead(arrival), done, until))
        if len(self._waiting) >= EAGER and self._committer.max_in_flight > 1:
            self._begin()
        else:
            self._call()

    def expire(self) -> None:
        """Give up on those whose time is up; call a few times a second. A stored one is answered when it comes again."""
        now = time.monotonic()
        for batch in (*self._running.values(), self._waiting):
            for waiting in batch:
                if waiting.until <= now:
                    waiting.settle(None)
        self._waiting[:] = [w for w in self._waiting if not w.over]

    @property
    def idle(self) -> bool:
        return not self._running and not self._waiting

    async def stop(self) -> None:
        """Take no more, and give up what is not stored in a moment."""
        self._stopped = True
        for give_up in (self._committer.abandon, self._cancel):
            if await self._rests():
                return
            give_up()
        await self._rests()
        for waiting in self._waiting:
            waiting.settle(None)
        self._waiting.clear()

    async def _rests(self) -> bool:
        until = time.monotonic() + SETTLE_S
        while not self.idle and time.monotonic() < until:  # noqa: ASYNC110 - a few times, at the end
            await asyncio.sleep(0.005)
        return self.idle

    def _cancel(self) -> None:
        for task in self._running:
            task.cancel()

    # --- a group

    def _call(self) -> None:
        """Begin when everything has been read that has arrived."""
        if not self._called and len(self._running) < self._committer.max_in_flight:
            self._called = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._called = False
        while self._waiting and len(self._running) < self._committer.max_in_flight:
            batch = [w for w in self._waiting[:LARGEST] if not w.over]
            del self._waiting[:LARGEST]
            if batch:
                task = asyncio.get_running_loop().create_task(self._flush(batch, self._commit(batch)))
                self._running[task] = batch
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        batch = self._running.pop(task)
        if task.cancelled():
            for waiting in batch:
                waiting.settle(None)
        if self._waiting:
            self._call()

    def _commit(self, batch: list[Waiting]) -> Awaitable[list[str]]:
        try:
            return self._committer.commit(_items(batch), min(w.until for w in batch) - SPARE_S)
        except Exception as error:  # noqa: BLE001 - it is met where the others are
            return _raised(error)

    async def _flush(self, batch: list[Waiting], committed: Awaitable[list[str]]) -> None:
        try:
            replies = await committed
        except (StoreError, OSError, TimeoutError) as error:
            await self._failed(batch, error, unstorable(error))
        except Unstorable as error:
            await self._failed(batch, error, lasting=True)
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
            log.error("%d messages could not be stored: %s", len(batch), named(error))
        if not lasting:
            self._failing = True
            await asyncio.sleep(PAUSE_S)
            self._waiting[:0] = [w for w in batch if not w.over]
        elif len(batch) == 1:
            batch[0].settle(None)
        else:
            for waiting in batch:
                await asyncio.sleep(0)
                if not waiting.over:
                    await self._flush([waiting], self._commit([waiting]))


def _items(batch: list[Waiting]) -> list[Ready | Arrival]:
    """What is stored of each: its rows where it is answered, unless something of the same person must be answered inside, for
    what one person says is answered in its order."""
    inside = {w.arrival.openid for w in batch if w.ready is None}
    if not inside:
        return [w.ready for w in batch if w.ready is not None]
    inside |= {w.arrival.erases for w in batch}
    return [w.arrival if w.ready is None or w.arrival.openid in inside else w.ready for w in batch]


async def _raised(error: Exception) -> list[str]:
    raise error
