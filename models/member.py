"""Members: who belongs to which union, as the unions' lists say.

A member is known by the number of the membership, or where a list has none, by the phone; `key` is that one, and unique.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Number, Utc, metadata
from models.listing import DEEPEST, Wanted
from models.scope import within
from models.sealed import Marked, Sealed
from models.union import unions

PHONE = re.compile(r"1[3-9]\d{9}")
NUMBER = re.compile(r"[A-Za-z0-9-]{4,30}")
LONGEST_NAME = 40

members = sa.Table(
    "members",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("union_id", Number(), sa.ForeignKey("unions.id"), nullable=False),
    sa.Column("key", Marked("members.key"), nullable=False, unique=True),
    sa.Column("name", Sealed("members.name"), nullable=False),
    sa.Column("phone", Sealed("members.phone"), nullable=False),  # '' where the list has none
    sa.Column("phone_mark", Marked("members.phone"), nullable=False),  # by which it is found
    sa.Column("number", Sealed("members.number"), nullable=False),  # as `phone`
    sa.Column("joined_at", Utc(), nullable=False),  # when the list first named them
    sa.Column("left_at", Utc()),
    sa.Index("ix_members_union_id", "union_id", "left_at"),
    sa.Index("ix_members_phone_mark", "phone_mark"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class New:
    """A member as a list has them. `left` says that the list takes them out."""

    union_id: int
    name: str
    phone: str
    number: str
    left: bool = False

    @property
    def key(self) -> str:
        """By which they are known again."""
        return f"n:{self.number}" if self.number else f"p:{self.phone}"


@dataclass(frozen=True, slots=True)
class Came:
    """What came of some lines: how many were new, were changed, and were known as they are."""

    new: int = 0
    changed: int = 0
    same: int = 0

    def __add__(self, other: Came) -> Came:
        return Came(self.new + other.new, self.changed + other.changed, self.same + other.same)


def take_in(connection: Connection, people: Sequence[New], now: datetime, *, dry: bool = False) -> Came:
    """Write down these members, each once; what is known and has not changed costs no write. `dry` only counts."""
    known = _known(connection, people)
    new, came = [], Came()
    for one in people:
        row = known.get(one.key) or _without_number(known, one)
        if row is None:
            came += Came(new=1)
            new.append(_values(one, now) | {"joined_at": now})
        elif (row.union_id, row.name, row.phone, row.number, row.left_at is not None) == _told(one):
            came += Came(same=1)
        else:
            came += Came(changed=1)
            if not dry:
                here = members.update().where(members.c.id == row.id)
                connection.execute(here.values(_values(one, row.left_at or now)))
    if new and not dry:
        connection.execute(members.insert(), new)
    return came


def _told(one: New) -> tuple[object, ...]:
    return one.union_id, one.name, one.phone, one.number, one.left


def _values(one: New, left_at: datetime) -> dict[str, Any]:
    values = {"union_id": one.union_id, "name": one.name, "phone": one.phone, "number": one.number}
    return {**values, "key": one.key, "phone_mark": one.phone, "left_at": left_at if one.left else None}


def _without_number(known: Mapping[str, Any], one: New) -> Any:
    """Whom an older list had by their phone alone, and who has a number now."""
    row = known.get(f"p:{one.phone}") if one.number and one.phone else None
    return row if row is not None and row.name == one.name else None


def _known(connection: Connection, people: Sequence[New]) -> Mapping[str, Any]:
    keys = {one.key for one in people} | {f"p:{one.phone}" for one in people if one.phone}
    query = sa.select(members).where(members.c.key.in_(sorted(keys)))
    return {New(0, "", row.phone, row.number).key: row for row in connection.execute(query)}


def masked(text: str, first: int, last: int) -> str:
    """With stars for what lies between."""
    hidden = len(text) - first - last
    return (
        f"{text[:first]}{'*' * hidden}{text[-last:] if last else ''}"
        if hidden > 0
        else text[:1] + "*" * (len(text) - 1)
    )


def get(connection: Connection, scope: str, number: int) -> New | None:
    """One member of the unions at or below the path `scope`, in clear."""
    query = sa.select(members).join(unions, unions.c.id == members.c.union_id)
    row = connection.execute(query.where(members.c.id == number, within(unions.c.path, scope))).first()
    return New(row.union_id, row.name, row.phone, row.number, row.left_at is not None) if row else None


def listed(connection: Connection, scope: str, wanted: Wanted, size: int) -> list[Mapping[str, Any]]:
    """A page of at most `size` members and one more where others follow, the newest first: masked, of the unions at or below the path
    `scope` only. They are found by the whole phone or number, which is all that the seal allows; `of` is a union's number."""
    query = sa.select(members, unions.c.name.label("union")).join(unions, unions.c.id == members.c.union_id)
    query = query.where(within(unions.c.path, scope))
    if wanted.find:
        found = wanted.find.strip()
        query = query.where(sa.or_(members.c.key == f"n:{found}", members.c.phone_mark == found))
    if wanted.state in ("in", "left"):
        query = query.where(
            members.c.left_at.is_(None) if wanted.state == "in" else members.c.left_at.is_not(None)
        )
    if wanted.of.isdigit():
        query = query.where(members.c.union_id == int(wanted.of))
    first = (min(wanted.page, DEEPEST) - 1) * size
    query = query.order_by(members.c.id.desc()).offset(first).limit(size + 1)
    return [
        {
            "id": row.id,
            "name": masked(row.name, 1, 0),
            "phone": masked(row.phone, 3, 4),
            "number": masked(row.number, 2, 2),
            "union": row.union,
            "joined_at": row.joined_at,
            "state": "left" if row.left_at else "in",
        }
        for row in connection.execute(query)
    ]


def matching(connection: Connection, name: str, proof: str) -> list[tuple[int, int]]:
    """Who has this name with this phone or number: (member, union). Both must fit; nothing says which did not."""
    proof = proof.strip()
    here = sa.or_(members.c.key == f"n:{proof}", members.c.phone_mark == proof)
    query = sa.select(members.c.id, members.c.union_id, members.c.name).where(
        here, members.c.left_at.is_(None)
    )
    wanted = name.replace(" ", "")
    return [
        (row.id, row.union_id)
        for row in connection.execute(query)
        if proof and row.name.replace(" ", "") == wanted
    ]
