"""Alarms: what a person must look at, said once with its remedy, however often it happens, and whether staff were told.

standing   it waits for a person, and the staff are told of it on every way until one reached them
cleared    a person has seen to it, or it is over by itself
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Connection, Id, Utc, Words, metadata

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column(
        "name", Id(190), primary_key=True
    ),  # what is wrong and with what: "missed wishes/wishes-1 2027-02-21T…"
    sa.Column("words", Words(), nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("first_at", Utc(), nullable=False),
    sa.Column("last_at", Utc(), nullable=False),
    sa.Column("cleared_at", Utc()),
    sa.Column("told", Words()),  # the ways on which it reached somebody (or never will), one in a line
    sa.Column("tries", sa.Integer),
    sa.Column("told_at", Utc()),  # when somebody was last told
    sa.Column("tell_at", Utc()),  # not before then; NULL: nothing left to tell
    **MARIADB,
)

STANDING, CLEARED = "standing", "cleared"
QUIET = timedelta(hours=1)  # what comes and goes is told once in so long

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as staff see it; `words` say in Chinese what happened and what to do."""

    name: str
    words: str
    times: int
    first_at: datetime
    last_at: datetime
    told: tuple[str, ...] = ()
    tries: int = 0
    tell_at: datetime | None = None

    @property
    def mark(self) -> str:
        """Four signs by which a person names it."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:4]


def sound(connection: Connection, name: str, words: str, now: datetime) -> None:
    """Raise the alarm of this name; one that stands already is counted, not raised again."""
    row = alarms.c.name == name
    values = {"words": words, "last_at": now}
    if connection.execute(
        alarms.update().where(row, alarms.c.cleared_at.is_(None)).values(times=alarms.c.times + 1, **values)
    ).rowcount:
        return
    log.warning("alarm", extra={"alarm": name})
    told_at = connection.execute(sa.select(alarms.c.told_at).where(row)).scalar()
    tell_at = max(now, told_at + QUIET) if told_at else now
    anew = {**values, "times": 1, "first_at": now, "cleared_at": None}
    anew |= {"told": "", "tries": 0, "tell_at": tell_at}
    if connection.execute(alarms.update().where(row).values(anew)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(alarms.insert().values(name=name, **anew))
    except IntegrityError:  # another process raised it in the same moment
        connection.execute(alarms.update().where(row).values(times=alarms.c.times + 1))


def clear(connection: Connection, name: str, now: datetime) -> bool:
    """A person has seen to it, or it is over; whether it stood."""
    standing_one = sa.and_(alarms.c.name == name, alarms.c.cleared_at.is_(None))
    return bool(connection.execute(alarms.update().where(standing_one).values(cleared_at=now)).rowcount)


def stands(connection: Connection, name: str) -> bool:
    """Whether this alarm is raised and nobody has seen to it."""
    found = sa.select(sa.literal(1)).where(alarms.c.name == name, alarms.c.cleared_at.is_(None))
    return connection.execute(found).first() is not None


def known(connection: Connection, name: str) -> bool:
    """Whether this alarm was ever raised, seen to or not."""
    found = sa.select(sa.literal(1)).where(alarms.c.name == name)
    return connection.execute(found).first() is not None


def standing(connection: Connection, limit: int = 100) -> list[Alarm]:
    """The alarms that nobody has seen to yet, the newest first."""
    return _found(connection, sa.true(), limit)


def count(connection: Connection) -> int:
    """How many stand."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(alarms).where(alarms.c.cleared_at.is_(None))
    ).scalar_one()


def named(connection: Connection, mark: str) -> Alarm | None:
    """The standing one that has this mark."""
    return next((each for each in standing(connection) if each.mark == mark), None)


# --- telling -----------------------------------------------------------------------------------------------------


def untold(connection: Connection, now: datetime, limit: int = 20) -> list[Alarm]:
    """The standing ones of which somebody is to be told now."""
    return _found(connection, alarms.c.tell_at <= now, limit)


def claim(connection: Connection, each: Alarm, until: datetime) -> bool:
    """Be the one process that tells of it; should that one die, another does from `until` on."""
    mine = sa.and_(alarms.c.name == each.name, alarms.c.tell_at == each.tell_at)
    return bool(connection.execute(alarms.update().where(mine).values(tell_at=until)).rowcount)


def note(
    connection: Connection, each: Alarm, told: Iterable[str], now: datetime, again_at: datetime | None
) -> None:
    """Write down on which ways it was told, and when the others are tried again (None: never)."""
    values = {"told": "\n".join(told), "tries": each.tries + 1, "tell_at": again_at, "told_at": now}
    raised = sa.and_(alarms.c.name == each.name, alarms.c.first_at == each.first_at)
    connection.execute(alarms.update().where(raised).values(values))


def _found(connection: Connection, which: sa.ColumnElement[bool], limit: int) -> list[Alarm]:
    columns = (
        alarms.c.name, alarms.c.words, alarms.c.times, alarms.c.first_at, alarms.c.last_at, alarms.c.told, alarms.c.tries,
        alarms.c.tell_at,
    )  # fmt: skip
    query = sa.select(*columns).where(alarms.c.cleared_at.is_(None), which)
    rows = connection.execute(query.order_by(alarms.c.last_at.desc(), alarms.c.name).limit(limit))
    return [
        Alarm(name, words, times, first, last, tuple((told or "").split()), tries or 0, tell_at)
        for name, words, times, first, last, told, tries, tell_at in rows
    ]
