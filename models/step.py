"""Steps: everything that happened to a request, in order, each with what its person reads of it. Nothing else decides where it stands.

received   it came in; from here its deadlines run
assigned   somebody else has it
returned   whoever had it says why it is not theirs, and whose it is
accepted   somebody works on it
asked      the person is asked something; the deadlines wait
told       the person said something; what waited goes on
progress   how far it is
answered   the answer
closed     the person is content, or has said nothing for long enough
reopened   the person is not content; once
escalated  a deadline passed
merged     another holds it; the deadlines wait
unmerged   it stands by itself again
split      a part of it became a request of its own
against    which unit it complains of, as the staff settled it
reached    the staff told its person by another way than the chat
gone       its person left: there is no way back to them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.sealed import Sealed

RECEIVED, ASSIGNED, RETURNED, ACCEPTED = "received", "assigned", "returned", "accepted"
ASKED, TOLD, PROGRESS, ANSWERED = "asked", "told", "progress", "answered"
CLOSED, REOPENED, ESCALATED = "closed", "reopened", "escalated"
MERGED, UNMERGED, SPLIT, AGAINST, GONE = "merged", "unmerged", "split", "against", "gone"
REACHED = "reached"
PERSON, CLOCK = "person", "clock"  # who did it, besides the staff

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("request_id", Number(), sa.ForeignKey("requests.id"), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("by", Id(128), nullable=False),  # person, clock, or whoever of the staff
    sa.Column("kind", Id(16), nullable=False),
    sa.Column("owner", Id(64), nullable=False),  # who has it from now on; '' where that stays
    sa.Column("words", Sealed("steps.words"), nullable=False),  # the person reads them
    sa.Column("note", Sealed("steps.note"), nullable=False),  # the staff alone read it
    sa.Index("ix_steps_request_id", "request_id", "id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One row of `steps`."""

    id: int
    at: datetime
    by: str
    kind: str
    owner: str = ""
    words: str = ""
    note: str = ""


_COLUMNS = [steps.c[name] for name in Step.__slots__]


def add(connection: Connection, request_id: int, step: Step) -> int:
    """Write it down; its id."""
    values = {name: getattr(step, name) for name in Step.__slots__ if name != "id"}
    done = connection.execute(steps.insert().values(request_id=request_id, **values))
    key = done.inserted_primary_key
    assert key is not None
    return int(key[0])


def of(connection: Connection, request_id: int) -> list[Step]:
    """Everything that happened to this request, in order."""
    return of_many(connection, [request_id]).get(request_id, [])


def of_many(connection: Connection, request_ids: Sequence[int]) -> dict[int, list[Step]]:
    """The same for several, by request."""
    query = sa.select(steps.c.request_id, *_COLUMNS).where(steps.c.request_id.in_(request_ids))
    found: dict[int, list[Step]] = {}
    for row in connection.execute(query.order_by(steps.c.id)):
        found.setdefault(row[0], []).append(Step(*row[1:]))
    return found


def hush(connection: Connection, request_ids: Sequence[int]) -> None:
    """Take out what the person said and read; that it happened stays."""
    here = steps.c.request_id.in_(request_ids)
    connection.execute(steps.update().where(here).values(words=""))
