"""Standings: the scores of one contest of a live record as data, in versions; a corrected one follows the one before, which stays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

standings = sa.Table(
    "standings",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("title", Id(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("lowest", sa.Boolean, nullable=False),  # the lowest score is the best, as with a time
    sa.Column("lines", Words(), nullable=False),  # JSON: name, unit, score as it was written
    sa.Column("reason", Words(), nullable=False),  # of a corrected one
    sa.Column("by", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Scored:
    """One contestant's score, as it was written."""

    name: str
    unit: str
    score: str

    @property
    def measure(self) -> Decimal:
        """What is compared: a number, or minutes:seconds."""
        minutes, _, seconds = self.score.rpartition(":")
        return Decimal(minutes or 0) * 60 + Decimal(seconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """The scores of one contest."""

    title: str
    version: int
    lowest: bool
    lines: tuple[Scored, ...]
    reason: str
    at: datetime

    @property
    def ranked(self) -> list[tuple[int, Scored]]:
        """Rank and score, the best first; who has the same score shares the rank, in the order of the sheet."""
        order = sorted(self.lines, key=lambda one: one.measure if self.lowest else -one.measure)
        ranks: list[tuple[int, Scored]] = []
        for place, one in enumerate(order, 1):
            same = ranks and ranks[-1][1].measure == one.measure
            ranks.append((ranks[-1][0] if same else place, one))
        return ranks


def post(
    connection: Connection, edition_id: int, title: str, lines: Sequence[Scored], *, version: int, lowest: bool,
    reason: str, by: str, now: datetime,
) -> bool:  # fmt: skip
    """Write down a version; False where there is one of this number."""
    texts = json.dumps([[one.name, one.unit, one.score] for one in lines], ensure_ascii=False)
    row = {"edition_id": edition_id, "title": title, "version": version, "lowest": lowest, "lines": texts}
    return add(connection, standings, {**row, "reason": reason, "by": by, "at": now})


def versions(connection: Connection, edition_id: int) -> list[Standing]:
    """Every version of every contest, in the order in which they came."""
    query = standings.select().where(standings.c.edition_id == edition_id)
    rows = connection.execute(query.order_by(standings.c.at, standings.c.title, standings.c.version))
    return [
        Standing(
            row.title, row.version, row.lowest, tuple(Scored(*one) for one in json.loads(row.lines)), row.reason, row.at
        )
        for row in rows
    ]  # fmt: skip


def newest(every: Sequence[Standing]) -> list[Standing]:
    """The last version of each contest, in the order in which the contests came."""
    found: dict[str, Standing] = {}
    for one in every:
        found[one.title] = one
    return list(found.values())
