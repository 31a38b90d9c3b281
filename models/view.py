"""Views: how often a campaign's page was opened on a day. A number only: whose eyes they were is not written anywhere.

Each process counts in memory and writes a little later, so that looking costs no transaction; what it had counted in the last
seconds is lost when it is killed.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Store, StoreError, metadata
from models.rows import add

log = logging.getLogger(__name__)
LATER_S = 2.0

views = sa.Table(
    "views",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("day", Id(10), primary_key=True),  # of Shanghai
    sa.Column("times", sa.BigInteger, nullable=False),
    **MARIADB,
)


class Views:
    """Counts what this process shows."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str]] = Counter()
        self._timer: threading.Timer | None = None

    def count(self, edition_id: int, day: str) -> None:
        """The page of this edition was opened."""
        with self._lock:
            first = not self._counts
            self._counts[edition_id, day] += 1
            if first:
                self._timer = threading.Timer(LATER_S, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Write nothing more later than now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
            self.flush()

    def flush(self) -> None:
        """Write down what was counted; where the database is away, with the next."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            with self.store.writing(lasting=False) as connection:
                for (edition_id, day), times in sorted(counts.items()):
                    _add(connection, edition_id, day, times)
        except StoreError as error:
            log.warning("views were not written", extra={"error": type(error).__name__})
            with self._lock:
                self._counts.update(counts)


def _add(connection: Connection, edition_id: int, day: str, times: int) -> None:
    here = sa.and_(views.c.edition_id == edition_id, views.c.day == day)
    add(connection, views, {"edition_id": edition_id, "day": day, "times": 0})
    connection.execute(views.update().where(here).values(times=views.c.times + times))


def by_day(connection: Connection, edition_id: int) -> dict[str, int]:
    """Day → how often the page was opened."""
    query = sa.select(views.c.day, views.c.times).where(views.c.edition_id == edition_id)
    return {row.day: row.times for row in connection.execute(query)}
