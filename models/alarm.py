"""Alarms: what a person must look at, said once with its remedy, however often it happens."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

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
    **MARIADB,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as staff see it; `words` say in Chinese what happened and what to do."""

    name: str
    words: str
    times: int
    first_at: datetime
    last_at: datetime


def sound(connection: Connection, name: str, words: str, now: datetime) -> None:
    """Raise the alarm of this name; one that stands already is counted, not raised again."""
    row = alarms.c.name == name
    values = {"words": words, "last_at": now}
    if connection.execute(
        alarms.update().where(row, alarms.c.cleared_at.is_(None)).values(times=alarms.c.times + 1, **values)
    ).rowcount:
        return
    log.warning("alarm", extra={"alarm": name})
    anew = {**values, "times": 1, "first_at": now, "cleared_at": None}
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


def standing(connection: Connection, limit: int = 100) -> list[Alarm]:
    """The alarms that nobody has seen to yet, the newest first."""
    columns = (alarms.c.name, alarms.c.words, alarms.c.times, alarms.c.first_at, alarms.c.last_at)
    query = sa.select(*columns).where(alarms.c.cleared_at.is_(None))
    rows = connection.execute(query.order_by(alarms.c.last_at.desc(), alarms.c.name).limit(limit))
    return [Alarm(*row) for row in rows]
