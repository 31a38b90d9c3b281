"""The year as others show it: the campaigns now in force, and this year's pushes with what became of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from campaigns.campaign import AHEAD, Campaign, named
from campaigns.watch import Change, Watch
from channels import CHANNELS
from channels import title as way
from ground.audience import is_whole
from ground.days import SHANGHAI
from ground.words import COMING, ending
from models import delivery, push
from models.base import Store

POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Due:
    """One push of this year: `due_at` in UTC; `state` that of its row in `pushes`, or `coming` while it has none; of a finished one
    what it came to (ground.words.ENDINGS); `audience` None where nobody has counted it yet."""

    name: str  # CAMPAIGN/PUSH
    title: str
    due_at: datetime
    way: str  # what staff call the channel
    state: str
    audience: int | None = None


class Year:
    """The campaigns of the config file, read anew when it was edited. Each process has one, which says what is in force."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._hears: Callable[[Change], None] = lambda standing: None
        self._heard: Change | None = None
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def campaigns(self) -> tuple[Campaign, ...]:
        """Those in force now; a broken file leaves the old ones."""
        with self._lock:
            if time.monotonic() - self._asked > POLL_S:
                self._asked = time.monotonic()
                self._watch.poll()
                if self._watch.standing != self._heard:
                    self._hears(self._watch.standing)
                    self._heard = self._watch.standing
            return self._watch.campaigns

    def in_force(self) -> str:
        """The digest of the file by which this process runs."""
        self.campaigns()
        return self._watch.in_force

    def listen(self, hears: Callable[[Change], None]) -> None:
        """From now on `hears` is told what is wrong with the file, and when it is well."""
        self._hears = hears

    def next_due(self, now: datetime) -> datetime | None:
        """When the next push of all is due."""
        dues = (campaign.next_push(now) for campaign in self.campaigns())
        return min((due for due in dues if due is not None), default=None)

    def rows(self, store: Store, now: datetime) -> list[Due]:
        """The pushes of this calendar year (Shanghai), and of the next twelve months, by time."""
        first = datetime(now.astimezone(SHANGHAI).year, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
        with store.reading() as connection:
            known = {(each.name, each.due_at): each for each in push.recent(connection, 500)}
            over = [
                each.id for each in known.values() if each.state == push.FINISHED and each.due_at >= first
            ]
            copies = delivery.copies(connection, over)
        return sorted(self._rows(first, now + AHEAD, known, copies), key=lambda row: row.due_at)

    def _rows(
        self,
        first: datetime,
        last: datetime,
        known: dict[tuple[str, datetime], push.Occasion],
        copies: Mapping[int, Mapping[str, int]],
    ) -> Iterator[Due]:
        titles = {
            name: one.title or campaign.title
            for campaign in self.campaigns()
            for name, one in named([campaign]).items()
        }
        titles |= {campaign.id: campaign.title for campaign in self.campaigns()}
        for (name, due_at), each in known.items():
            if due_at >= first:
                title = titles.get(name) or titles.get(name.split("/")[0], name)
                state = ending(each.state, copies.get(each.id, {}))
                yield Due(name, title, due_at, way(each.channel), state, _people(each))
        for campaign in self.campaigns():
            for each_push in campaign.pushes:
                for due_at in each_push.occurrences(first, last):
                    if (each_push.name, due_at) not in known:
                        title = each_push.title or campaign.title
                        yield Due(each_push.name, title, due_at, way(each_push.channel), COMING)


def _people(each: push.Occasion) -> int | None:
    """How many people it is for; where everyone is one row, only the far end counts its readers."""
    whole = each.channel in CHANNELS and CHANNELS[each.channel].whole
    return None if whole and is_whole(each.audience) else each.size
