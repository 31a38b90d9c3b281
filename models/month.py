"""The months that are over, as each union stood at their end: its place in the tree, its members, its followers.

The tree is written down before its first change of a new month, so that a month's figures stay those of that month whatever is
moved, merged or closed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from ground.days import SHANGHAI
from models.base import MARIADB, Connection, Id, Number, Words, metadata
from models.binding import bindings
from models.member import members
from models.scope import within
from models.union import LONGEST_PATH, unions

months = sa.Table(
    "union_months",
    metadata,
    sa.Column("month", Id(7), primary_key=True),  # 2027-02
    sa.Column("union_id", Number(), sa.ForeignKey("unions.id"), primary_key=True),
    sa.Column("path", Id(LONGEST_PATH), nullable=False),
    sa.Column("name", Words(), nullable=False),
    sa.Column("members", Number(), nullable=False),  # its own, without those below
    sa.Column("bound", Number(), nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many members there are, and how many followers are bound."""

    members: int = 0
    bound: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.members + other.members, self.bound + other.bound)


def own(connection: Connection) -> dict[int, Count]:
    """What each union has of its own now, by its number; those that have none are left out."""
    people = _numbers(connection, members, members.c.left_at.is_(None))
    followers = _numbers(connection, bindings, sa.true())
    return {
        number: Count(people.get(number, 0), followers.get(number, 0)) for number in {*people, *followers}
    }


def _numbers(connection: Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> dict[int, int]:
    query = sa.select(table.c.union_id, sa.func.count()).where(which).group_by(table.c.union_id)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def rolled(counts: Iterable[tuple[str, Count]]) -> Mapping[str, Count]:
    """The totals by path, from what each has of its own: of every union with all below it, '' being the city."""
    found: dict[str, Count] = {}
    for path, count in counts:
        pieces = path.split("/")[:-1]
        for at in range(len(pieces) + 1):
            above = "".join(f"{piece}/" for piece in pieces[:at])
            found[above] = found.get(above, Count()) + count
    return found


def totals(connection: Connection) -> Mapping[str, Count]:
    """The totals by path as they are now."""
    counts = own(connection)
    query = sa.select(unions.c.id, unions.c.path)
    return rolled((row.path, counts.get(row.id, Count())) for row in connection.execute(query))


def of_month(connection: Connection, month: str) -> Mapping[str, Count]:
    """The totals by path as they were at the end of that month; empty where nobody wrote it down."""
    query = sa.select(months).where(months.c.month == month)
    return rolled((row.path, Count(row.members, row.bound)) for row in connection.execute(query))


def of_union(connection: Connection, number: int, most: int) -> list[tuple[str, Count]]:
    """The totals of a union at the end of each month that it was open, the newest first."""
    here = sa.select(months.c.month, months.c.path).where(months.c.union_id == number)
    rows = connection.execute(here.order_by(months.c.month.desc()).limit(most)).all()
    return [(row.month, _summed(connection, row.month, row.path)) for row in rows]


def _summed(connection: Connection, month: str, path: str) -> Count:
    sums = (sa.func.coalesce(sa.func.sum(column), 0) for column in (months.c.members, months.c.bound))
    row = connection.execute(
        sa.select(*sums).where(months.c.month == month, within(months.c.path, path))
    ).one()
    return Count(int(row[0]), int(row[1]))


def known(connection: Connection) -> list[str]:
    """The months that are written down, the newest first."""
    query = sa.select(months.c.month).distinct().order_by(months.c.month.desc())
    return list(connection.execute(query).scalars())


def settle(connection: Connection, now: datetime) -> int:
    """Write down the month before this one, unless it is; how many unions it has. To be called before the tree changes.

    What came after that month, such as a first list, is not in it, however late it is written down."""
    month, end = _before(now), _began(now)
    if connection.execute(sa.select(months.c.month).where(months.c.month == month).limit(1)).first():
        return 0
    stood = sa.and_(unions.c.opened_at < end, sa.or_(unions.c.closed_at.is_(None), unions.c.closed_at >= end))
    found = connection.execute(sa.select(unions.c.id, unions.c.path, unions.c.name).where(stood)).all()
    if not found:
        return 0
    belonged = sa.and_(
        members.c.joined_at < end, sa.or_(members.c.left_at.is_(None), members.c.left_at >= end)
    )
    people = _numbers(connection, members, belonged)
    followers = _numbers(connection, bindings, bindings.c.since < end)
    rows = [
        {"month": month, "union_id": row.id, "path": row.path, "name": row.name,
         "members": people.get(row.id, 0), "bound": followers.get(row.id, 0)}
        for row in found
    ]  # fmt: skip
    connection.execute(months.insert(), rows)
    return len(rows)


def _began(now: datetime) -> datetime:
    """The first moment of this month in Shanghai."""
    return now.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _before(now: datetime) -> str:
    here = now.astimezone(SHANGHAI)
    year, month = (here.year, here.month - 1) if here.month > 1 else (here.year - 1, 12)
    return f"{year}-{month:02d}"
