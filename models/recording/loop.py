"""Keeping messages from within an event loop: on a database server in transactions of this process, on SQLite by its writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from models.base import Store
from models.interaction import Arrival
from models.recording.keeper import Keeper
from models.recording.line import Line
from models.recording.postgresql import Postgresql
from models.recording.recorder import Answers, Ready, Recorder


class Keeping(Protocol):
    """What a group of messages is given to."""

    @property
    def lanes(self) -> int:
        """How many groups it takes at once."""

    async def open(self) -> None:
        """Make ready what can be. Does not raise."""

    def keep(self, items: Sequence[Ready | Arrival], until: float) -> Awaitable[list[str]]:
        """The reply of each, stored, to be awaited. By `until` (monotonic) an answer must be there. Raises what the database raises."""

    def hang_up(self) -> None:
        """Wait no longer for what is under way."""

    async def close(self) -> None:
        """Give back what is held."""


def keeping(store: Store, recorder: Recorder, answers: Answers, writer: Any = None) -> Keeping:
    """How this database's messages are kept from a loop. `writer`: where SQLite's writer listens, if there is one."""
    if writer is not None:
        return Line(writer)
    if store.dialect == "postgresql":
        return Postgresql(store, recorder, answers)
    return Threaded(store, recorder, answers)


class Threaded:
    """In a thread, for the driver knows only blocking calls (MariaDB), or because no writer runs (SQLite in the tests)."""

    lanes = 1

    def __init__(self, store: Store, recorder: Recorder, answers: Answers) -> None:
        self._keeper = Keeper(store.writing, recorder, answers)

    async def open(self) -> None:
        """The first group opens it."""

    async def keep(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        return await asyncio.to_thread(self._keeper.keep, items, until)

    def hang_up(self) -> None:
        """The driver's own time limits are all there is."""

    async def close(self) -> None:
        """Nothing is held."""
