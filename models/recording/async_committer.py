"""Storing messages from within an event loop: on a database server in transactions of this process, on SQLite by its writer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from models.base import Store
from models.interaction import Arrival
from models.recording.committer import Committer
from models.recording.inside import Answers
from models.recording.postgresql import PostgresqlCommitter
from models.recording.recorder import Recorder
from models.recording.rows import Ready
from models.recording.writer_client import WriterClient


class AsyncCommitter(Protocol):
    """What a group of messages is given to."""

    @property
    def max_in_flight(self) -> int:
        """How many groups it takes at once."""

    async def open(self) -> None:
        """Make ready what can be. Does not raise."""

    def commit(self, items: Sequence[Ready | Arrival], until: float) -> Awaitable[list[str]]:
        """The reply of each, stored, to be awaited. By `until` (monotonic) an answer must be there. Raises what the database raises."""

    def abandon(self) -> None:
        """Wait no longer for what is under way."""

    async def close(self) -> None:
        """Give back what is held."""


def committer_for(store: Store, recorder: Recorder, answers: Answers, writer: Any = None) -> AsyncCommitter:
    """How this database's messages are stored from a loop. `writer`: where SQLite's writer listens, if there is one."""
    if writer is not None:
        return WriterClient(writer)
    if store.dialect == "postgresql":
        return PostgresqlCommitter(store, recorder, answers)
    return ThreadCommitter(store, recorder, answers)


class ThreadCommitter:
    """In a thread, for the driver knows only blocking calls (MariaDB), or because no writer runs (SQLite in the tests)."""

    max_in_flight = 1

    def __init__(self, store: Store, recorder: Recorder, answers: Answers) -> None:
        self._committer = Committer(store.writing, recorder, answers)

    async def open(self) -> None:
        """The first group opens it."""

    async def commit(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        return await asyncio.to_thread(self._committer.commit, items, until)

    def abandon(self) -> None:
        """The driver's own time limits are all there is."""

    async def close(self) -> None:
        """Nothing is held."""
