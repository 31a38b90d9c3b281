"""What the clients of one web process share: its loop, its way to the database, its threads, its clock."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Protocol

from models.recording import committer_for
from web.server.commit_queue import CommitQueue
from web.server.limits import ClientLimits, PathLimits, limits_of
from web.server.spool import Spool
from web.server.wsgi import Application
from web.webhook import Webhook, media_type

log = logging.getLogger(__name__)
THREADS, EXPORT_THREADS = 8, 2
PULSE_S = 30.0
REMEMBERED = 1024  # paths
STATUS_LINES = {each.value: b"HTTP/1.1 %d %b\r\n" % (each, each.phrase.encode()) for each in HTTPStatus}


class Client(Protocol):
    """One client's connection, as the process sees it."""

    @property
    def busy(self) -> bool: ...

    def check(self, now: float) -> None: ...

    def close(self) -> None: ...


def opening(status: int, date: bytes, body: bytes) -> bytes:
    """An answer's head but for its length."""
    return b"%b%bContent-Type: %b\r\n" % (STATUS_LINES[status], date, media_type(body).encode())


class WebProcess:
    """What the connections of one process share."""

    def __init__(
        self,
        application: Application,
        webhook: Webhook,
        loop: asyncio.AbstractEventLoop,
        limits: ClientLimits | None = None,
        room: int = 10_000,
        writer: Any = None,
        paths: Sequence[PathLimits] = (),
        pulse: Callable[[], object] = lambda: None,
    ) -> None:
        self.application = application
        self.webhook = hook = webhook
        self.loop = loop
        self.limits = limits or ClientLimits()
        self.committer = committer_for(hook.store, hook.recorder, hook, writer)
        self.commits = CommitQueue(self.committer, hook, self.limits.answer_s)
        self.limits_of = lru_cache(REMEMBERED)(partial(limits_of, tuple(paths)))
        self.pages = ThreadPoolExecutor(THREADS, thread_name_prefix="page")
        self.exports = ThreadPoolExecutor(EXPORT_THREADS, thread_name_prefix="export")
        self._spooling = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._spools = 0
        self._pulse, self._pulsed_at = pulse, float("-inf")
        self.clients: set[Client] = set()
        self.room = min(room, self.limits.connections)
        self.turned_away = 0
        self.closing = False
        self.date = self.xml = b""  # the Date header, and what an answer to a message begins with
        self.now = 0.0
        self._moment: datetime | None = None
        self.tick()

    def moment(self) -> datetime:
        """Now, the same for all that is read in one turn of the loop."""
        if self._moment is None:
            self._moment = self.webhook.clock.now()
            self.loop.call_soon(self._pass)
        return self._moment

    def spool(self, written: Callable[[], None]) -> Spool | None:
        """A file for one more large body, None where there is no room."""
        if self._spools >= self.limits.spools:
            return None
        try:
            made = Spool(self._spooling, written)
        except OSError as error:
            log.error("no file for a large body: %s", type(error).__name__)
            return None
        self._spools += 1
        return made

    def drop(self, spool: Spool) -> None:
        """That file is needed no more."""
        self._spools -= 1
        spool.close()

    def _pass(self) -> None:
        self._moment = None

    def tick(self) -> None:
        """Every `TICK_S`: the Date header, the time limits."""
        self.date = b"Date: " + formatdate(usegmt=True).encode() + b"\r\n"
        self.xml = opening(HTTPStatus.OK, self.date, b"<xml")
        self.now = time.monotonic()
        self.commits.expire()
        for client in list(self.clients):
            client.check(self.now)
        if (refused := self.webhook.refused()) and not self.closing:
            self.pages.submit(self.webhook.tell, refused)
        if self.now - self._pulsed_at >= PULSE_S and not self.closing:
            self._pulsed_at = self.now
            self.pages.submit(self._pulse)
        if self.turned_away:
            log.error("%d connections turned away: no room for more than %d", self.turned_away, self.room)
            self.turned_away = 0

    async def close(self) -> None:
        """Hang up on everybody, and give back what is held. Who still waits gets 503."""
        await self.commits.stop()
        for client in list(self.clients):
            client.close()
        for threads in (self.pages, self.exports, self._spooling):
            threads.shutdown(wait=False, cancel_futures=True)
        await self.committer.close()
