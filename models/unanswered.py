"""Unanswered: which messages found no answer or only a guess, and what was chosen from a guess; for staff who teach the chat; and which
a person should read (models/letter.py).

They are gathered from `interactions` by a worker in the order of their ids, so that no message pays for it, and no page has to look
through years of what was said. The words themselves stand with the interaction and go with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from models import letter, shared
from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.interaction import interactions
from models.rows import add

MISSED, GUESSED, CHOSEN = "missed", "guessed", "chosen"
UP_TO = "unanswered up to"  # the row of `shared`: the id of the last message that was looked at
SETTLED = timedelta(
    seconds=6
)  # ids come to light in another order than they were given, but not later than this
PORTION = 2000
ANSWERABLE = timedelta(days=2)  # what is older comes into no list: WeChat lets nobody answer it
CRISIS = "crisis:"
SENT = ("picture", "video", "voice", "file")  # what only a person can look at
FIRST = 20_000  # messages that a house is asked for which ran before there was this table
MOST = 5000  # sentences that are ranked

unanswered = sa.Table(
    "unanswered",
    metadata,
    sa.Column("interaction_id", Number(), primary_key=True, autoincrement=False),
    sa.Column("kind", Id(16), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_unanswered_kind", "kind", "at"),
    **MARIADB,
)


def gather(connection: Connection, now: datetime) -> int:
    """Look at the next messages; how many were looked at. Whoever works beside us gathers none of them twice."""
    i, ours = interactions.c, shared.shared.c.name == UP_TO
    connection.execute(shared.shared.update().where(ours).values(updated_at=now))  # the others wait for us
    known = shared.read(connection, UP_TO, now)
    newest = connection.execute(sa.select(sa.func.max(i.id))).scalar() or 0
    begin = int(known[0]) if known else max(0, newest - FIRST)
    query = sa.select(i.id, i.received_at, i.topic, i.missed, i.openid).where(i.id > begin)
    looked, up_to = 0, begin
    for number, at, topic, missed, openid in connection.execute(query.order_by(i.id).limit(PORTION)).all():
        if at > now - SETTLED:
            break
        looked, up_to = looked + 1, number
        kind = _kind(topic or "", missed=missed)
        if kind:
            add(connection, unanswered, {"interaction_id": number, "kind": kind, "at": at})
        urgent = (topic or "").startswith(CRISIS)
        if at > now - ANSWERABLE and (missed or urgent or topic in SENT):
            letter.receive(connection, openid, topic or "", at, urgent=urgent)
    if looked or known is None:
        shared.write(connection, UP_TO, str(up_to), now)
    return looked


def _kind(topic: str, *, missed: bool) -> str:
    """How `handlers.said` notes it: `near:MARK:PAGES` and `PAGE?MARK` are guesses, `PAGE#MARK` is what was chosen from one."""
    if missed:
        return MISSED
    if topic.startswith("near:") or "?" in topic:
        return GUESSED
    return CHOSEN if "#" in topic else ""


def since(at: datetime, kinds: Sequence[str] = (MISSED, GUESSED, CHOSEN)) -> sa.ColumnElement[bool]:
    """The condition for the interactions of these kinds since then, the newest of them."""
    u = unanswered.c
    newest = sa.select(u.interaction_id).where(u.kind.in_(kinds), u.at >= at)
    ids = newest.order_by(u.at.desc()).limit(MOST).subquery()
    return interactions.c.id.in_(sa.select(ids.c.interaction_id))


def forget(connection: Connection, before: datetime) -> int:
    """Let go of those that nobody ranks any more."""
    return connection.execute(unanswered.delete().where(unanswered.c.at < before)).rowcount
