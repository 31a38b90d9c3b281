"""Who of the staff sees which requests, in every list, count, search and table.

Whoever looks has the path of a unit as their scope, '' being the city's own: they see what is owned at or below it, and nothing
that complains of their own unit or of one above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import Connection
from models.deadline import OPEN
from models.request import COLUMNS, Request, id_of, requests
from models.sealed import containing

SORTED = ("id", "kind", "topic", "owner", "state", "level", "received_at", "due_at")
AFTER = chr(ord("/") + 1)  # the sign behind the one that ends a path


def path_of(unit: str | None) -> str:
    """A unit as the table keeps it: a/b/ of a/b, '' of the city itself."""
    return f"{unit}/" if unit else ""


def above(path: str) -> list[str]:
    """The unit and all above it, as paths: a/, a/b/ of a/b/; [] of the city itself."""
    pieces = path.split("/")[:-1]
    return ["/".join(pieces[: at + 1]) + "/" for at in range(len(pieces))]


def within(column: sa.ColumnElement[str], path: str) -> sa.ColumnElement[bool]:
    """For the database: that this path lies at or below the other, '' being all. An index finds them by the order of bytes."""
    if not path:
        return sa.true()
    return sa.and_(column >= path, column < f"{path[:-1]}{AFTER}")


def may_see(one: Request, scope: str) -> bool:
    """Whether somebody of this scope sees it."""
    return one.owner_unit.startswith(scope) and one.against not in above(scope)


def seen(scope: str) -> sa.ColumnElement[bool]:
    """The same for the database."""
    if not scope:
        return sa.true()
    return sa.and_(within(requests.c.owner_unit, scope), requests.c.against.not_in(above(scope)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests are looked for. `before`: due until then."""

    states: Sequence[str] = ()
    owner: str = ""
    before: datetime | None = None
    words: str = ""
    edition_id: int | None = None
    sort: str = ""  # a column; '' is what is due first, then the newest
    down: bool = False


def _which(
    connection: Connection, campaigns: Sequence[str], scope: str, wanted: Wanted
) -> sa.ColumnElement[bool]:
    found = [requests.c.campaign.in_(campaigns), seen(scope)]
    if wanted.states:
        found.append(requests.c.state.in_(wanted.states))
    if wanted.owner:
        found.append(requests.c.owner == wanted.owner)
    if wanted.before is not None:
        found.append(requests.c.due_at <= wanted.before)
    if wanted.edition_id is not None:
        found.append(requests.c.edition_id == wanted.edition_id)
    if wanted.words:
        here = id_of(wanted.words)
        searched = (requests.c.words, requests.c.unit)
        said = containing(connection, requests.c.id, searched, wanted.words, sa.and_(*found))
        these = requests.c.id.in_([*said, here] if here is not None else said)
        found.append(sa.or_(these, requests.c.owner == wanted.words))
    return sa.and_(*found)


def listed(
    connection: Connection,
    campaigns: Sequence[str],
    scope: str,
    wanted: Wanted,
    limit: int = 100,
    skip: int = 0,
) -> list[Request]:
    """Those that somebody of this scope sees, what is due first first; then those without a deadline, the newest first."""
    which = _which(connection, campaigns, scope, wanted)
    if wanted.sort in SORTED:
        column = requests.c[wanted.sort]
        order = (column.desc(), requests.c.id.desc()) if wanted.down else (column, requests.c.id)
        return _page(connection, which, order, limit, skip)
    due, other = (sa.and_(which, requests.c.due_at.is_not(None)), sa.and_(which, requests.c.due_at.is_(None)))
    may_be_due = not wanted.states or any(state in OPEN for state in wanted.states)
    found = _page(connection, due, (requests.c.due_at, requests.c.id), limit, skip) if may_be_due else []
    if len(found) < limit:
        rest = max(skip - _number(connection, due), 0) if skip and may_be_due else skip
        found += _page(connection, other, (requests.c.id.desc(),), limit - len(found), rest)
    return found


def _number(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(requests).where(which)).scalar_one())


def _page(
    connection: Connection,
    which: sa.ColumnElement[bool],
    order: tuple[sa.ColumnElement[Any], ...],
    limit: int,
    skip: int,
) -> list[Request]:
    query = sa.select(*COLUMNS).where(which).order_by(*order).limit(limit).offset(skip)
    return [Request(*row) for row in connection.execute(query)]


def counted(connection: Connection, campaigns: Sequence[str], scope: str, wanted: Wanted) -> dict[str, int]:
    """How many of them there are, by state."""
    query = sa.select(requests.c.state, sa.func.count()).where(_which(connection, campaigns, scope, wanted))
    return {row[0]: row[1] for row in connection.execute(query.group_by(requests.c.state))}
