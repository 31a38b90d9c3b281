"""Menus of the desk's own, each published when its time has come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from menus.publish import Api, put_live
from models import alarm, menu
from models.base import Connection, Store
from models.menu import CANCELLED, DONE, Draft, Versions

log = logging.getLogger(__name__)
LOOK_S = 5.0
FAILED = "menu not published"  # the alarm
CLOCK = "clock"


class Switch:
    """Publishes what is due, in a thread of its own: a slow answer holds up no push. Two at once publish the same menu."""

    def __init__(self, store: Store, api: Api, now: Callable[[], datetime]) -> None:
        self.store, self.api, self.now = store, api, now
        self._stopping = threading.Event()

    def step(self) -> str:
        """Publish the latest that is due, and pass over those before it; its title, '' where none is. One that WeChat refuses is an
        alarm, and is tried again."""
        with self.store.reading() as connection:
            due = menu.due(connection, self.now())
        if not due:
            return ""
        *passed, last = due
        said: list[str] = []
        failed = put_live(self.api, last.body, Versions(self.store), self.now(), said.append)
        with self.store.writing() as connection:
            if failed:
                words = f"菜单“{last.title}”到时间了，没有发布成：{said[-1] if said else ''}会再试；等不及，请打开工作台的“菜单”。"
                alarm.sound(connection, FAILED, words, self.now())
                return ""
            for one in passed:
                self._end(connection, one, CANCELLED)
            self._end(connection, last, DONE)
            alarm.clear(connection, FAILED, self.now())
        return last.title

    def _end(self, connection: Connection, one: Draft, state: str) -> None:
        menu.change(connection, one.id, one.version, CLOCK, self.now(), state=state)

    def run(self) -> None:
        """Look every `LOOK_S` until stopped."""
        while not self._stopping.wait(LOOK_S):
            try:
                self.step()
            except Exception:
                log.exception("switching the menu failed")

    def stop(self) -> None:
        self._stopping.set()
