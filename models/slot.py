"""Slots: a time and a place for which people sign up, with its seats. Whoever changes who sits where holds the slot's row meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Number, Utc, Words, metadata
from models.rows import add

slots = sa.Table(
    "slots",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # as people choose it
    sa.Column("title", Words(), nullable=False),
    sa.Column("place", Words(), nullable=False),
    sa.Column("begins_at", Utc(), nullable=False),  # until then people come and go
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("used", sa.Integer, nullable=False),  # seats of those who have a place or are offered one
    sa.Column("most_waiting", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),  # people on the waiting list
    sa.UniqueConstraint("edition_id", "number"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One row of `slots`."""

    id: int
    edition_id: int
    number: int
    title: str
    place: str
    begins_at: datetime
    places: int
    used: int
    most_waiting: int
    waiting: int

    @property
    def free(self) -> int:
        """Seats that nobody has; never less than 0, also where the places have become fewer."""
        return max(0, self.places - self.used)

    def may_wait(self, now: datetime) -> bool:
        """Whether one more may join the waiting list."""
        return now < self.begins_at and self.waiting < self.most_waiting


_COLUMNS = [slots.c[name] for name in Slot.__slots__]


def lay(connection: Connection, edition_id: int, number: int, values: Mapping[str, Any]) -> bool:
    """A slot of an edition that opens; False where it is there."""
    row = {"edition_id": edition_id, "number": number, "used": 0, "waiting": 0, **values}
    return add(connection, slots, row)


def of_edition(connection: Connection, edition_id: int) -> list[Slot]:
    """Its slots by their numbers."""
    query = sa.select(*_COLUMNS).where(slots.c.edition_id == edition_id).order_by(slots.c.number)
    return [Slot(*row) for row in connection.execute(query)]


def get(connection: Connection, slot_id: int) -> Slot:
    """The slot of this id."""
    return Slot(*connection.execute(sa.select(*_COLUMNS).where(slots.c.id == slot_id)).one())


def hold(connection: Connection, slot_id: int) -> Slot:
    """The same, and nobody else changes it until the transaction ends."""
    connection.execute(slots.update().where(slots.c.id == slot_id).values(number=slots.c.number))
    return get(connection, slot_id)


def change(connection: Connection, slot_id: int, *, seats: int = 0, waiting: int = 0) -> bool:
    """So many more seats taken and people waiting, or fewer; False, and nothing is changed, where that is more than there may be."""
    here = [slots.c.id == slot_id]
    if seats > 0:
        here.append(slots.c.used + seats <= slots.c.places)
    if waiting > 0:
        here.append(slots.c.waiting + waiting <= slots.c.most_waiting)
    values = {"used": slots.c.used + seats, "waiting": slots.c.waiting + waiting}
    return bool(connection.execute(slots.update().where(*here).values(values)).rowcount)


def resize(connection: Connection, slot_id: int, places: int) -> None:
    """So many places from now on. Who has one keeps it, also where the places become fewer."""
    connection.execute(slots.update().where(slots.c.id == slot_id).values(places=places))
