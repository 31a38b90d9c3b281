"""Drafts: what a person has said so far in a form, through either door. One for each person and edition; gone after 7 days."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.driver import Prepared
from models.rows import put
from models.sealed import Sealed

KEPT = timedelta(days=7)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column(
        "said", Sealed("drafts.said", must=False), nullable=False
    ),  # JSON: field by field, in the order of asking
    sa.Column("once", Id(64), nullable=False),  # what this filling-in is called: sent twice, it counts once
    sa.Column("updated_at", Utc(), nullable=False),
    sa.Index("ix_drafts_updated_at", "updated_at"),
    **MARIADB,
)


_GET = Prepared(
    sa.select(drafts.c.said, drafts.c.once, drafts.c.updated_at)
    .where(drafts.c.openid == sa.bindparam("openid"))
    .where(drafts.c.edition_id == sa.bindparam("edition"))
)
_DROP = Prepared(
    drafts.delete()
    .where(drafts.c.openid == sa.bindparam("openid"))
    .where(drafts.c.edition_id == sa.bindparam("edition"))
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was said so far, in the order of asking."""

    said: Mapping[str, str]
    once: str
    updated_at: datetime


def get(connection: Connection, openid: str, edition_id: int, now: datetime) -> Draft | None:
    """The draft, unless it is too old."""
    row = _GET.first(connection, openid=openid, edition=edition_id)
    if row is None:
        return None
    said, once, updated_at = row
    return Draft(json.loads(said), once, updated_at) if updated_at >= now - KEPT else None


def of_people(
    connection: Connection, openids: Sequence[str], edition_id: int, now: datetime
) -> dict[str, Draft]:
    """The drafts of several people, by their openids; the too old ones are left out."""
    query = sa.select(drafts.c.openid, drafts.c.said, drafts.c.once, drafts.c.updated_at)
    here = sa.and_(drafts.c.edition_id == edition_id, drafts.c.openid.in_(openids))
    return {
        openid: Draft(json.loads(said), once, updated_at)
        for openid, said, once, updated_at in connection.execute(query.where(here))
        if updated_at >= now - KEPT
    }


def newest(connection: Connection, openid: str, now: datetime) -> int | None:
    """The edition at which this person was filling in something last."""
    mine = sa.and_(drafts.c.openid == openid, drafts.c.updated_at >= now - KEPT)
    query = sa.select(drafts.c.edition_id).where(mine).order_by(drafts.c.updated_at.desc()).limit(1)
    return connection.execute(query).scalar()


def keep(connection: Connection, openid: str, edition_id: int, draft: Draft) -> None:
    """Write down what was said so far."""
    values = {
        "openid": openid,
        "edition_id": edition_id,
        "said": json.dumps(dict(draft.said), ensure_ascii=False),
        "once": draft.once,
        "updated_at": draft.updated_at,
    }
    put(connection, drafts, ("openid", "edition_id"), values)


def drop(connection: Connection, openid: str, edition_id: int) -> None:
    """It was sent, or is not wanted any more."""
    _DROP.change(connection, openid=openid, edition=edition_id)


def sweep(connection: Connection, now: datetime) -> int:
    """Throw away what is too old; how many."""
    return int(connection.execute(drafts.delete().where(drafts.c.updated_at < now - KEPT)).rowcount)


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget this person's drafts."""
    mine = drafts.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, drafts.c.updated_at <= until)
    connection.execute(drafts.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """This person's drafts."""
    query = sa.select(drafts.c.edition_id, drafts.c.said).where(drafts.c.openid == openid)
    return [{"edition_id": str(row.edition_id), **json.loads(row.said)} for row in connection.execute(query)]
