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

from models.base import Connection
from models.bulk import Bulk
from models.follower import followers
from models.interaction import interactions
from models.recorder import (
    FOLLOWER_COLUMNS,
    INTERACTION_COLUMNS,
    LEFT_COLUMNS,
    Ready,
    Recorder,
    people_of,
    without_words,
)

OPENID = INTERACTION_COLUMNS.index("openid")


class ThreadRecorder(Recorder):
    """`record` for SQLite."""

    def __init__(self) -> None:
        super().__init__("sqlite")
        self._threaded = Bulk(interactions, ("id", *INTERACTION_COLUMNS, "previous"), "sqlite")
        self._known_people = Bulk(followers, (*FOLLOWER_COLUMNS, "latest"), "sqlite")
        self._known_people.on_match("openid", [*self.heard_rules, ("latest", "{new}.latest")])

    def _write_ready(self, connection: Connection, ready: Sequence[Ready]) -> None:
        rows = sorted(values for values, _ in ready)
        found = self._standing(connection, rows)
        left = {openid: (here, until) for openid, here, until, _ in found if until is not None}
        if left:
            rows = without_words(rows, left)
        people = people_of(ready)
        known = {row[0] for row in found}
        new = [person for person in people if person[0] not in known]
        if new:
            self._heard.upsert(connection, new)
        threads = dict.fromkeys((person[0] for person in people), None) | {row[0]: row[3] for row in found}
        latest = self._insert_after(connection, rows, threads)
        self._known_people.update(connection, [(*person, latest[person[0]]) for person in people])
        if len(people) < len(latest):
            self._lead_to(connection, latest.keys() - {person[0] for person in people}, latest)

    def _insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        found = self._standing(connection, rows)
        latest = self._insert_after(connection, rows, {row[0]: row[3] for row in found})
        self._lead_to(connection, latest, latest)

    def _standing(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """openid, subscribed, unsubscribed_at and latest of the followers among the senders."""
        openids = list({row[OPENID] for row in rows})
        return self._followers.select(connection, "openid", openids, (*LEFT_COLUMNS, "latest"))

    def _insert_after(
        self, connection: Connection, rows: Sequence[tuple[Any, ...]], latest: dict[str, int | None]
    ) -> dict[str, int | None]:
        """Adds the rows to the threads of the followers, who are the keys of `latest`; the newest interaction of each."""
        number = self._threaded.highest(connection, "id")
        numbered = []
        for row in rows:
            number += 1
            openid = row[OPENID]
            numbered.append((number, *row, latest.get(openid)))
            if openid in latest:
                latest[openid] = number
        self._threaded.insert(connection, numbered)
        return latest

    def _lead_to(self, connection: Connection, openids: Any, latest: dict[str, int | None]) -> None:
        self._followers.set(connection, "latest", "openid", [(latest[openid], openid) for openid in openids])


def recorder_for(dialect: str) -> Recorder:
    """The recorder of this kind of database."""
    return ThreadRecorder() if dialect == "sqlite" else Recorder(dialect)
