"""One time-line of a person: what they said and tapped and were answered, what they got, what they took part in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import Connection
from models.delivery import deliveries
from models.edition import editions
from models.entry import entries
from models.interaction import interactions, said_by
from models.push import pushes

SAID, TAPPED, GOT, TOOK_PART = "said", "tapped", "got", "took part"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing: its kind, what it was, and what the chat answered or how it ended."""

    at: datetime
    kind: str
    words: str
    answer: str = ""
    state: str = ""


def of(connection: Connection, openid: str, limit: int = 60) -> list[Moment]:
    """The newest first; each part by an index, so that it costs the same in a large house."""
    found = [
        *_said(connection, openid, limit),
        *_got(connection, openid, limit),
        *_took_part(connection, openid, limit),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def _said(connection: Connection, openid: str, limit: int) -> list[Moment]:
    i = interactions.c
    columns = (i.received_at, i.msg_type, i.event, i.event_key, i.content, i.reply)
    query = sa.select(*columns).where(said_by(connection, openid)).order_by(i.id.desc()).limit(limit)
    return [
        Moment(
            row.received_at,
            TAPPED if row.event else SAID,
            row.content or row.event_key or "",
            row.reply or "",
            (row.event or row.msg_type).lower(),
        )
        for row in connection.execute(query)
    ]


def _got(connection: Connection, openid: str, limit: int) -> list[Moment]:
    d = deliveries.c
    query = sa.select(d.updated_at, pushes.c.name, d.state).join(pushes, pushes.c.id == d.push_id)
    mine = query.where(d.recipient == openid).order_by(d.id.desc()).limit(limit)
    return [Moment(at, GOT, name, state=state) for at, name, state in connection.execute(mine)]


def _took_part(connection: Connection, openid: str, limit: int) -> list[Moment]:
    e = entries.c
    query = sa.select(e.received_at, editions.c.title, e.number).join(editions, editions.c.id == e.edition_id)
    mine = query.where(e.openid == openid).order_by(e.id.desc()).limit(limit)
    return [
        Moment(at, TOOK_PART, title, state=number or "") for at, title, number in connection.execute(mine)
    ]
