"""Candidates of a poll: a number that stays theirs, a name, a photo, a few words.

A row changes in two ways only: its photo comes, and it is withdrawn. So what a process has read of them it may keep as long as
the poll's row, which is read with every page and ballot, counts the same rows, photos and withdrawals (`with_poll`).

standing   may be chosen
withdrawn  keeps the number and what was voted; the tally leaves it out, and the reason says why
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Words, metadata
from models.driver import Prepared
from models.poll import Poll, heads, polls
from models.rows import add

STANDING, WITHDRAWN = "standing", "withdrawn"
KEPT = 32  # polls whose candidates a process keeps

candidates = sa.Table(
    "candidates",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", Words(), nullable=False),
    sa.Column("unit", Words(), nullable=False),  # where they belong, as others read it
    sa.Column("words", Words(), nullable=False),
    sa.Column("groups", Words(), nullable=False),  # JSON: what quotas count
    sa.Column("photo", Id(32), nullable=False),  # its key, '' until it is stored
    sa.Column("state", Id(16), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.UniqueConstraint("edition_id", "number"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of `candidates`."""

    id: int
    number: int
    name: str
    unit: str
    words: str
    groups: tuple[str, ...]
    photo: str
    state: str
    reason: str

    @property
    def stands(self) -> bool:
        """Whether they may be chosen."""
        return self.state == STANDING


@dataclass(frozen=True, slots=True)
class Roll:
    """A poll's row and its candidates by number. While `version` is the same, so is all that a page shows of both."""

    poll: Poll
    candidates: tuple[Candidate, ...]
    version: Hashable


_COLUMNS = [candidates.c[name] for name in Candidate.__slots__]


def lay(connection: Connection, edition_id: int, number: int, values: Mapping[str, Any]) -> bool:
    """Put a candidate into an edition; False where one of this number is there."""
    row = {**values, "groups": json.dumps(list(values["groups"]), ensure_ascii=False)}
    rest = {"edition_id": edition_id, "number": number, "photo": "", "state": STANDING, "reason": ""}
    return add(connection, candidates, {**rest, **row})


def of_edition(connection: Connection, edition_id: int) -> list[Candidate]:
    """All of them, by number."""
    query = sa.select(*_COLUMNS).where(candidates.c.edition_id == edition_id).order_by(candidates.c.number)
    return [
        Candidate(**{**row._mapping, "groups": tuple(json.loads(row.groups))})
        for row in connection.execute(query)
    ]


def _sum_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, candidates.c.id), else_=0)), 0)


_WITH_POLL = Prepared(
    sa.select(
        *(polls.c[name] for name in Poll.__slots__),
        sa.func.count(candidates.c.id),
        _sum_where(candidates.c.photo != ""),
        _sum_where(candidates.c.state == WITHDRAWN),
        sa.select(sa.func.max(heads.c.day)).where(heads.c.edition_id == polls.c.edition_id).scalar_subquery(),
    )
    .select_from(polls.outerjoin(candidates, candidates.c.edition_id == polls.c.edition_id))
    .where(polls.c.edition_id == sa.bindparam("edition"))
    .group_by(polls.c.edition_id)
)
_kept: OrderedDict[Hashable, tuple[Candidate, ...]] = OrderedDict()


def with_poll(connection: Connection, edition_id: int) -> Roll:
    """The poll's row and its candidates, in one statement where this process knows them. A poll is known by its key, which no
    other has; whose key is destroyed is read anew."""
    (read,) = _WITH_POLL.rows(connection, edition=edition_id)
    *row, number, photos, withdrawn, day = read
    found = Poll(*row)
    state = (found.key, number, int(photos), int(withdrawn))
    every = _kept.get(state) if found.key else None
    if every is None:
        every = tuple(of_edition(connection, edition_id))
        if found.key:
            _kept[state] = every
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return Roll(found, every, (found, state, day))


def show_photo(connection: Connection, one: Candidate, key: str) -> None:
    """This is their photo."""
    connection.execute(candidates.update().where(candidates.c.id == one.id).values(photo=key))


def withdraw(connection: Connection, one: Candidate, reason: str) -> bool:
    """They may not be chosen any more; whether they could be."""
    here = sa.and_(candidates.c.id == one.id, candidates.c.state == STANDING)
    values = {"state": WITHDRAWN, "reason": reason}
    return bool(connection.execute(candidates.update().where(here).values(values)).rowcount)


def numbers(text: str) -> Sequence[int]:
    """The numbers of a ballot as it is stored."""
    return [int(piece) for piece in text.split()]
