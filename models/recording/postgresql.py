"""Messages stored in PostgreSQL: a whole group in one durable statement and one round trip (`statement.py`, `libpq.py`).

What the statement cannot do goes the careful way, in a transaction of `Recorder.record`: a message that is known already, one
that must be answered inside, a value with the separator in it, and whatever the server refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.base import Connection, Store, connect_args, keyed
from models.interaction import Arrival
from models.recording.committer import Committer
from models.recording.inside import Answers
from models.recording.libpq import LibpqConnection, shut
from models.recording.recorder import Recorder
from models.recording.rows import HEARD_COLUMNS, INTERACTION_COLUMNS, REPLY, Ready, people_of
from models.recording.statement import ALIKE, Inseparable, sent, statement

SILENT_S = 4.0  # no statement takes so long: this server has gone without a word
CONNECT_S = 2


class PostgresqlCommitter:
    """Stores groups from an event loop, one at a time."""

    max_in_flight = 1

    def __init__(self, store: Store, recorder: Recorder, answers: Answers) -> None:
        self._url = store.url
        self._closed = recorder.closed
        self._prepared = statement(recorder.heard.changes(HEARD_COLUMNS))
        self._libpq: LibpqConnection | None = None
        self._committer = Committer(self._writing, recorder, answers)
        self._raw: Any = None  # the careful way's connection as the driver has it
        self._opened: Connection | None = None
        self._engine: AsyncEngine = create_async_engine(
            store.url,
            connect_args=connect_args(store.url) | {"connect_timeout": CONNECT_S},
            pool_size=1,
            max_overflow=0,
            pool_timeout=SILENT_S,
            hide_parameters=True,
        )
        keyed(self._engine.sync_engine, store.keyring)
        sa.event.listen(self._engine.sync_engine, "connect", self._note)

    def _note(self, adapted: Any, record: Any) -> None:
        self._raw = adapted.driver_connection

    async def open(self) -> None:
        """The first group opens it."""

    async def commit(self, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        """The reply of each, stored. By `until` (monotonic) an answer must be there. Raises what the database raises."""
        watch = asyncio.get_running_loop().call_later(SILENT_S, self.abandon)
        try:
            ready = [item for item in items if type(item) is tuple]
            if len(ready) == len(items) and await self._at_once(ready):
                return [values[REPLY] for values, _ in ready]
            async with self._engine.connect() as opened:
                return await opened.run_sync(self._carefully, items, until)
        finally:
            watch.cancel()

    async def _at_once(self, ready: Sequence[Ready]) -> bool:
        """Stores the group in one statement; False where that is not to be done. Raises OSError where the server is gone."""
        try:
            people = people_of(ready)
            given = (
                sent(HEARD_COLUMNS, people)
                if people
                else [None] * (len(HEARD_COLUMNS) + len(ALIKE.intersection(HEARD_COLUMNS)))
            )
            given += sent(INTERACTION_COLUMNS, self._closed([values for values, _ in ready]))
        except Inseparable:
            return False
        try:
            if self._libpq is None:
                self._libpq = await self._reached()
            await self._libpq.run(given)
        except psycopg.Error as error:
            if error.sqlstate is not None and not isinstance(error, psycopg.errors.QueryCanceled):
                return False
            await self._drop()
            raise ConnectionError(type(error).__name__) from None  # its text may quote what a person wrote
        return True

    async def _reached(self) -> LibpqConnection:
        options = connect_args(self._url)
        more = " -c jit=off -c plan_cache_mode=force_generic_plan"
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        given = options | {"options": options["options"] + more, "connect_timeout": CONNECT_S}
        return await LibpqConnection.open(url, self._prepared, **given)

    async def _drop(self) -> None:
        direct, self._libpq = self._libpq, None
        if direct is not None:
            await direct.close()

    def _carefully(self, opened: Connection, items: Sequence[Ready | Arrival], until: float) -> list[str]:
        self._opened = opened
        return self._committer.commit(items, until)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        assert self._opened is not None
        with self._opened.begin():
            yield self._opened

    def abandon(self) -> None:
        """End the conversation with a server that says nothing. Cancelling would first ask that server to cancel, and wait
        for its answer; a socket that is shut down fails at once, and with it what waits for it."""
        if self._libpq is not None:
            self._libpq.hang_up()
        if self._raw is not None and not self._raw.closed:
            shut(self._raw.fileno())

    async def close(self) -> None:
        """Give the connections back."""
        await self._drop()
        await self._engine.dispose()
