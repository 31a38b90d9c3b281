"""How SQLite finds what a person said: along a thread, not by an index.

SQLite's log takes a whole page for whatever changes on it, and an index of openids would have another page changed by every
message: an eighth of the writer's processor time. The follower's row is written anyway; so it names the person's newest
interaction (`latest`), and each interaction the one before it (`previous`). Who writes has the database alone here, so the
numbers and the people can be looked up first. Where there is no follower (WeChat itself reports of somebody), nothing leads to
an interaction but the small index of those without a `previous`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.base import Connection, Store
from models.follower import followers
from models.interaction import interactions
from models.keyring import Keyring
from models.recording.bulk import Bulk
from models.recording.recorder import Recorder
from models.recording.rows import HEARD_COLUMNS, HEARD_RULES, INTERACTION_COLUMNS, Ready, people_of

OPENID = INTERACTION_COLUMNS.index("openid")
ROW, LATEST = "rowid", "latest"
Standing = dict[str, tuple[Any, ...]]
"""Per openid of a follower: their row's number, newest interaction, unsubscribed_at, subscribed and openid."""


class ThreadRecorder(Recorder):
    """`record` for SQLite."""

    def __init__(self, keyring: Keyring | None = None) -> None:
        super().__init__("sqlite", keyring)
        self._threaded = Bulk(interactions, ("id", *INTERACTION_COLUMNS, "previous"), "sqlite")
        self._known_people = Bulk(followers, (ROW, *HEARD_COLUMNS[1:], LATEST), "sqlite")
        self._known_people.on_match(ROW, {**HEARD_RULES, LATEST: "{new}.latest"})
        self._led = Bulk(followers, (ROW, LATEST), "sqlite")
        self._led.on_match(ROW, {LATEST: "{new}.latest"})

    def _write_ready(self, connection: Connection, ready: Sequence[Ready]) -> None:
        rows = [values for values, _ in ready]
        people = people_of(ready)
        standing = self._standing(connection, rows)
        new = [person for person in people if person[0] not in standing]
        if new:
            self._hear(connection, new)
            standing = self._standing(connection, rows)
        left = {
            openid: (here, until) for openid, (_, _, until, here, _) in standing.items() if until is not None
        }
        if left:
            rows = self._since_leaving(connection, ready, left)
        latest = self._insert_after(connection, rows, standing)
        heard = [(standing[person[0]][0], *person[1:], latest.pop(person[0])) for person in people]
        self._known_people.write(connection, heard)
        self._lead(connection, standing, latest)

    def _insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        standing = self._standing(connection, rows)
        self._lead(connection, standing, self._insert_after(connection, rows, standing))

    def _standing(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Standing:
        openids = list({row[OPENID] for row in rows})
        columns = (ROW, LATEST, "unsubscribed_at", "subscribed", "openid")
        found = self._followers.select(connection, "openid", openids, columns)
        return {row[-1]: row for row in found}

    def _insert_after(
        self, connection: Connection, rows: Sequence[tuple[Any, ...]], standing: Standing
    ) -> dict[str, int]:
        """Adds the rows to the threads of those who follow, in this order; the newest interaction of each."""
        if not rows:
            return {}
        first = self._threaded.highest(connection, "id") + 1
        numbers = range(first, first + len(rows))
        columns = list(zip(*self.closed(rows), strict=True))
        latest = {openid: known[1] for openid, known in standing.items()}
        previous = []
        for number, openid in zip(numbers, columns[OPENID], strict=True):
            previous.append(latest.get(openid))
            if openid in latest:
                latest[openid] = number
        self._threaded.write_columns(connection, [numbers, *columns, previous])
        return latest

    def _lead(self, connection: Connection, standing: Standing, latest: dict[str, int]) -> None:
        self._led.write(connection, [(standing[openid][0], number) for openid, number in latest.items()])


def recorder_for(store: Store) -> Recorder:
    """The recorder of this kind of database, with its keys."""
    sqlite = store.dialect == "sqlite"
    return ThreadRecorder(store.keyring) if sqlite else Recorder(store.dialect, store.keyring)
