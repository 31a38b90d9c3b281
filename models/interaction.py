"""Interactions: everything that was said to the account, with the words that answered it, and how it is forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.follower import followers
from models.sealed import Sealed

MARIADBS = ("mysql", "mariadb")
MONTH = "date_trunc('month', (received_at AT TIME ZONE 'UTC'))"  # PostgreSQL's, as it says it back
MONTHS = (
    "ARRAY(SELECT generate_series((SELECT date_trunc('month', min(received_at) AT TIME ZONE 'UTC') FROM interactions), "
    "(SELECT max(received_at) AT TIME ZONE 'UTC' FROM interactions), interval '1 month'))"
)
NO_TIME = datetime(
    1970, 1, 1, tzinfo=UTC
)  # `sent_at` of a message whose CreateTime is no time; no real one is so early

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("dedupe_key", Id(64), nullable=False),
    sa.Column("openid", Id(128), nullable=False),
    sa.Column("msg_type", Id(64), nullable=False),
    sa.Column("event", Id(64)),
    sa.Column("event_key", Words()),
    sa.Column("content", Sealed("interactions.content", must=False, message=True)),
    sa.Column("msg_id", Id(64)),
    sa.Column("sent_at", Utc(), nullable=False),  # by the body alone
    sa.Column("received_at", Utc(), nullable=False),
    sa.Column("raw", Sealed("interactions.raw", must=False, message=True)),
    sa.Column("reply", Sealed("interactions.reply", must=False, message=True)),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("topic", Words()),  # what answered
    sa.Column("missed", sa.Boolean, nullable=False),  # its words found no answer
    sa.Column(
        "previous", Number()
    ),  # on SQLite: what the same person said before; see models/recording/thread.py
    # The key holds the time, so the pair says no more than the key; but all messages of a moment share a page of it.
    sa.Index("uq_interactions_key", "sent_at", "dedupe_key", unique=True),
    sa.Index("ix_interactions_openid", "openid", info={"on": MARIADBS}).ddl_if(dialect=MARIADBS),  # type: ignore[arg-type]  # it takes several, too
    # New words change the last month's pages only, however large the table.
    sa.Index("ix_interactions_person", sa.text(f"({MONTH})"), "openid", info={"on": ("postgresql",)}).ddl_if(
        dialect="postgresql"
    ),
    sa.Index(
        "ix_interactions_first", "openid", sqlite_where=sa.text("previous IS NULL"), info={"on": ("sqlite",)}
    ).ddl_if(dialect="sqlite"),
    sa.Index("ix_interactions_received_at", "received_at"),
    **MARIADB,
)

ANONYMOUS = "[匿名]"  # stands in content, raw and reply for what is not kept
ANSWERED, FAILED = "answered", "failed"


@dataclass(slots=True)
class Arrival:
    """A message on its way into the table, and what it says of its sender."""

    key: str
    openid: str
    msg_type: str
    event: str
    event_key: str
    content: str | None
    msg_id: str
    sent_at: datetime | None
    received_at: datetime
    raw: str
    message: Any = None  # as parsed, for the handler
    follows: bool | None = None  # True for a follow, False for an unfollow
    spoke: bool = False
    tapped: bool = False
    scene: str | None = None
    erases: str = ""  # the openid whose words must go
    personal: bool = True  # False: WeChat itself speaks (a job's result), and nobody was seen


class Handled(NamedTuple):
    """What a handler made of an arrival. `reply` is the answer's XML before encryption, '' for none; `dialogue` where its
    sender stands now, '' for where they stood."""

    reply: str
    topic: str = ""
    missed: bool = False
    dialogue: str = ""
    state: str = ANSWERED
    hushed: bool = False  # what was said and answered is not kept


def said_by(connection: Connection, openid: str) -> sa.ColumnElement[bool]:
    """The condition for what this person said: by the index, on PostgreSQL month by month, on SQLite along the thread from the
    newest to the first (models/recording/thread.py)."""
    if connection.dialect.name == "postgresql":
        return sa.and_(sa.literal_column(f"{MONTH} = ANY({MONTHS})"), interactions.c.openid == openid)
    if connection.dialect.name != "sqlite":
        return interactions.c.openid == openid
    newest = sa.select(followers.c.latest.label("id")).where(followers.c.openid == openid)
    thread = newest.cte("thread", recursive=True)
    thread = thread.union_all(sa.select(interactions.c.previous).where(interactions.c.id == thread.c.id))
    first = (
        interactions.alias()
    )  # of a thread; and what was heard of somebody who was no follower, which is in none
    firsts = sa.select(first.c.id).where(first.c.openid == openid, first.c.previous.is_(None))
    return interactions.c.id.in_(sa.union_all(sa.select(thread.c.id), firsts))


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what a person said (until that time of WeChat's, or ever) and what staff noted of them.
    The openid, the times and the deliveries' states stay: the books must balance (platform guide, 取消关注)."""
    said = sa.update(interactions).where(said_by(connection, openid))
    person = sa.update(followers).where(followers.c.openid == openid)
    if until is None:
        person = person.values(dialogue=None)
    else:
        said = said.where(interactions.c.sent_at <= until)
    connection.execute(person.values(remark=None))
    connection.execute(said.values(event_key=None, content=None, raw=None, reply=None, topic=None))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person said and was answered, the newest 1000."""
    columns = (interactions.c.received_at, interactions.c.content, interactions.c.event)
    query = sa.select(*columns).where(said_by(connection, openid))
    return [
        {"at": row.received_at.isoformat(), "said": row.content or "", "event": row.event or ""}
        for row in connection.execute(query.order_by(interactions.c.id.desc()).limit(1000))
    ]


def export_follower(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What is kept of this person as a follower."""
    rows = connection.execute(sa.select(followers).where(followers.c.openid == openid))
    return [{name: str(value) for name, value in row._mapping.items() if value is not None} for row in rows]


def people(connection: Connection, topic: str, since: datetime, until: datetime) -> int:
    """How many people this answered in that time, also where it was a guess or chosen from one."""
    i = interactions.c
    same = sa.or_(i.topic == topic, i.topic.startswith(f"{topic}?"), i.topic.startswith(f"{topic}#"))
    then = sa.and_(i.received_at >= since, i.received_at < until)
    query = sa.select(sa.func.count(i.openid.distinct())).where(then, same)
    return int(connection.execute(query).scalar_one())
