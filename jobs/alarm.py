"""Tells the staff of alarms: each once on every way that the config names, tried again when a way fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from channels.alarm import Notice, Untold, Way
from models import alarm
from models.alarm import Alarm
from models.base import Store

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # longer than all ways together take
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240, 480, 960))


class Herald:
    """Several processes may have one; the alarm's row says whose turn it is. `now` is an argument."""

    def __init__(self, store: Store, ways: Callable[[], Sequence[Way]], account: str) -> None:
        self.store = store
        self.ways = ways
        self.account = account

    def step(self, now: datetime) -> int:
        """Tell of what nobody was told yet; how many alarms that were. Raises StoreError."""
        ways = self.ways()
        with self.store.reading() as connection:
            found = alarm.untold(connection, now) if ways else []
        mine = [each for each in found if self._claimed(each, now)]
        if mine:
            self._tell(mine, ways, now)
        return len(mine)

    def say(self, words: str, now: datetime, done: Sequence[str] = ()) -> tuple[str, ...]:
        """Tell this at once, whatever the database does, on the ways that are not `done`; the names of all that are."""
        ways = [way for way in self.ways() if way.name not in done]
        return (*done, *(way.name for way in ways if self._reached(way, [words], now)))

    def _claimed(self, each: Alarm, now: datetime) -> bool:
        with self.store.writing() as connection:
            return alarm.claim(connection, each, now + LEASE)

    def _tell(self, mine: Sequence[Alarm], ways: Sequence[Way], now: datetime) -> None:
        told = {each.name: list(each.told) for each in mine}
        for way in ways:
            news = [each for each in mine if way.name not in each.told]
            if news and self._reached(way, [each.words for each in news], now):
                for each in news:
                    told[each.name].append(way.name)
        with self.store.writing() as connection:
            for each in mine:
                is_left = any(way.name not in told[each.name] for way in ways)
                again_at = now + WAITS[each.tries] if is_left and each.tries < len(WAITS) else None
                alarm.note(connection, each, told[each.name], now, again_at)

    def _reached(self, way: Way, words: Sequence[str], now: datetime) -> bool:
        """Whether this way is done with: told, or of no use however often it is tried."""
        try:
            way.tell(Notice(self.account, words, now))
        except Untold as fault:
            log.warning("staff not told", extra={"way": way.title, "why": str(fault)})
            return not fault.ever
        except Exception:  # whatever a way does, the others are still tried
            log.exception("a way to the staff broke", extra={"way": way.title})
            return False
        log.info("staff told", extra={"way": way.title, "alarms": len(words)})
        return True
