"""Bindings: which follower belongs to which union, since when, and how we know; one row for each follower.

scan   they scanned a union's QR code
word   they said its word in the chat
form   their name and number stand in the members' list: `member_id` says who they are
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ground.days import minute
from models import member, shared, union
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add, put
from models.union import Union, unions

SCAN, WORD, FORM = "scan", "word", "form"
TRIES = 5  # of the form by one person, in a day
TRY_SPAN = timedelta(days=1)
WAYS = {SCAN: "扫码", WORD: "口令", FORM: "核对名册"}

bindings = sa.Table(
    "bindings",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("union_id", Number(), sa.ForeignKey("unions.id"), nullable=False),
    sa.Column("member_id", Number(), sa.ForeignKey("members.id")),
    sa.Column("how", Id(16), nullable=False),
    sa.Column("since", Utc(), nullable=False),
    sa.Index("ix_bindings_union_id", "union_id"),
    sa.Index("ix_bindings_member_id", "member_id"),
    **MARIADB,
)

union_codes = sa.Table(  # QR codes that bind: one for each union and place
    "union_codes",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("union_id", Number(), sa.ForeignKey("unions.id"), nullable=False),
    sa.Column("place", Id(64), nullable=False),
    sa.Column("url", Words(), nullable=False),  # what the code holds, from WeChat
    sa.Column("scans", Number(), nullable=False),
    sa.Column("made_at", Utc(), nullable=False),
    sa.UniqueConstraint("union_id", "place", name="uq_union_codes_place"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Binding:
    """One row of `bindings`."""

    openid: str
    union_id: int
    member_id: int | None
    how: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """One row of `union_codes`."""

    id: int
    place: str
    url: str
    scans: int
    made_at: datetime


class TooOften(Exception):
    """They have tried too often for today."""


_COLUMNS = [bindings.c[name] for name in Binding.__slots__]


def of(connection: Connection, openid: str) -> Binding | None:
    """To which union this follower is bound."""
    row: Any = connection.execute(sa.select(*_COLUMNS).where(bindings.c.openid == openid)).first()
    return Binding(*row) if row else None


def bind(
    connection: Connection, openid: str, union_id: int, how: str, now: datetime, member_id: int | None = None
) -> None:
    """From now on they belong there. Who was checked against the list stays a member when they scan a code of the same union."""
    found = of(connection, openid)
    if (
        found is not None
        and found.union_id == union_id
        and (member_id is None or member_id == found.member_id)
    ):
        return
    values = {"openid": openid, "union_id": union_id, "member_id": member_id, "how": how, "since": now}
    put(connection, bindings, ["openid"], values)


def check(
    connection: Connection, openid: str, name: str, proof: str, now: datetime, wall: datetime
) -> Union | None:
    """Bind them to the union whose list has this name with this phone or number; None where none has, whichever is wrong. Whoever
    was bound as this member before is so no more. Raises TooOften."""
    if not shared.admit(connection, f"union:{openid}", TRIES, TRY_SPAN.total_seconds(), 1, wall.timestamp)[0]:
        raise TooOften
    found = member.matching(connection, name, proof)
    if len(found) != 1:
        return None
    member_id, union_id = found[0]
    other = sa.and_(bindings.c.member_id == member_id, bindings.c.openid != openid)
    connection.execute(bindings.delete().where(other))
    bind(connection, openid, union_id, FORM, now, member_id)
    return union.get(connection, union_id)


# --- QR codes ----------------------------------------------------------------------------------------------------


def make_code(connection: Connection, union_id: int, place: str, now: datetime) -> tuple[int, str]:
    """The code of this union at this place: its number, and what it holds ('' before WeChat has told)."""
    values = {"union_id": union_id, "place": place, "url": "", "scans": 0, "made_at": now}
    add(connection, union_codes, values)
    query = sa.select(union_codes.c.id, union_codes.c.url).where(
        union_codes.c.union_id == union_id, union_codes.c.place == place
    )
    row = connection.execute(query).one()
    return row.id, row.url


def scene(number: int) -> str:
    """By which WeChat tells that this code was scanned."""
    return f"union:{number}"


def keep_url(connection: Connection, number: int, url: str) -> None:
    """What the code holds, as WeChat told."""
    connection.execute(union_codes.update().where(union_codes.c.id == number).values(url=url))


def scanned(connection: Connection, number: int, openid: str, now: datetime) -> Union | None:
    """Count the scan and bind whoever scanned; the union, None for a code that we do not know."""
    here = union_codes.c.id == number
    connection.execute(union_codes.update().where(here).values(scans=union_codes.c.scans + 1))
    union_id = connection.execute(sa.select(union_codes.c.union_id).where(here)).scalar()
    found = union.get(connection, union_id) if union_id else None
    if found is None or found.closed_at is not None:
        return None
    bind(connection, openid, found.id, SCAN, now)
    return found


def codes(connection: Connection, union_id: int) -> list[Code]:
    """The codes of a union, by place."""
    columns = [union_codes.c[name] for name in Code.__slots__]
    query = sa.select(*columns).where(union_codes.c.union_id == union_id).order_by(union_codes.c.place)
    return [Code(*row) for row in connection.execute(query)]


# --- forgetting --------------------------------------------------------------------------------------------------


def unbind(connection: Connection, openid: str) -> bool:
    """They belong nowhere any more; whether they did."""
    return connection.execute(bindings.delete().where(bindings.c.openid == openid)).rowcount > 0


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget it; what was bound later than `until` stays."""
    mine = bindings.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, bindings.c.since <= until)
    connection.execute(bindings.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What is kept of a person."""
    query = sa.select(unions.c.name, bindings.c.how, bindings.c.since).where(
        bindings.c.openid == openid, bindings.c.union_id == unions.c.id
    )
    return [
        {"单位": row.name, "怎么绑定的": WAYS.get(row.how, row.how), "从什么时候起": minute(row.since)}
        for row in connection.execute(query)
    ]
