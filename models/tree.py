"""What changes the tree of unions: one is opened, changed, moved, merged or closed. One change at a time, and never a circle.

Before the first change of a month, the month before is written down (`models.month`). Requests keep the path of the unit that has
them, and move with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models import month, shared
from models.base import Connection
from models.binding import bindings, union_codes
from models.member import Came, members
from models.request import requests
from models.scope import within
from models.union import LONGEST_PATH, Union, coded, every, get, unions

TURN = "unions turn"  # the row that whoever changes the tree has locked


class Refused(Exception):
    """It was not done; the text says in Chinese why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class New:
    """A union as a list has it; `parent` is the code of the one above, '' for the city's own, `word` what binds to it ('' none)."""

    code: str
    name: str
    parent: str
    level: str
    kind: str
    word: str = ""


def move(connection: Connection, code: str, to: str, now: datetime) -> Union:
    """Hang a union with all below it under another. Raises Refused."""
    _begin(connection, now)
    one, above = _open(connection, code), _open(connection, to)
    if one.parent_id is None:
        raise Refused(f"{one.name}（{code}）是最上面的一级，不能移到别的单位下面。")
    if above.path.startswith(one.path):
        raise Refused(f"{above.name}（{to}）就在 {one.name} 里面，不能移到自己下面。")
    _hang(connection, one, above)
    return _open(connection, code)


def merge(connection: Connection, code: str, into: str, now: datetime) -> Union:
    """All of a union goes to another: members, followers, codes, requests, and what hangs below it. Raises Refused."""
    _begin(connection, now)
    one, other = _open(connection, code), _open(connection, into)
    if one.parent_id is None:
        raise Refused(f"{one.name}（{code}）是最上面的一级，不能并到别的单位。")
    if other.path.startswith(one.path):
        raise Refused(f"{other.name}（{into}）就在 {one.name} 里面；请先用 union move 把它移出来，再合并。")
    for below in _below(connection, one):
        _hang(connection, below, other)
    for table in (members, bindings):
        connection.execute(table.update().where(table.c.union_id == one.id).values(union_id=other.id))
    _give_codes(connection, one, other)
    _repath(connection, requests.c.owner_unit, one.path, other.path)
    _repath(connection, requests.c.against, one.path, other.path)
    _end(connection, one, now, other.id)
    return other


def close(connection: Connection, code: str, now: datetime) -> Union:
    """A union is no more: its members have left, its followers belong to the one above. Raises Refused while unions hang below it."""
    _begin(connection, now)
    one = _open(connection, code)
    if one.parent_id is None:
        raise Refused(f"{one.name}（{code}）是最上面的一级，不能撤销。")
    if below := _below(connection, one):
        named = "、".join(each.name for each in below[:3])
        raise Refused(
            f"{one.name} 下面还有 {len(below)} 个单位（{named}…）；请先用 union move 或者 union merge 安排好。"
        )
    here = sa.and_(members.c.union_id == one.id, members.c.left_at.is_(None))
    connection.execute(members.update().where(here).values(left_at=now))
    mine = bindings.update().where(bindings.c.union_id == one.id)
    connection.execute(mine.values(union_id=one.parent_id, member_id=None))
    _end(connection, one, now, None)
    return one


def take_in(connection: Connection, wanted: Sequence[New], now: datetime, *, dry: bool = False) -> Came:
    """Open and change unions as a list says, those above before those below; `wanted` holds no fault. `dry` only counts."""
    known = {one.code: one for one in every(connection)}
    by_number = {one.id: one.code for one in known.values()}
    came = Came()
    if not dry:
        _begin(connection, now)
    for one in wanted:
        found = known.get(one.code)
        if found is None:
            came += Came(new=1)
            if not dry:
                known[one.code] = _make(connection, one, known.get(one.parent), now)
            continue
        parent = by_number.get(found.parent_id or 0, "")
        if (found.name, found.level, found.kind, found.word or "", parent) == (
            one.name,
            one.level,
            one.kind,
            one.word,
            one.parent,
        ):
            came += Came(same=1)
            continue
        came += Came(changed=1)
        if not dry:
            _change(connection, found, one, parent)
            known = {each.code: each for each in every(connection)} if parent != one.parent else known
    return came


def _make(connection: Connection, one: New, above: Union | None, now: datetime) -> Union:
    path = f"{above.path}{one.code}/" if above else ""
    values = {
        "code": one.code, "name": one.name, "level": one.level, "kind": one.kind, "word": one.word or None,
        "parent_id": above.id if above else None, "path": path, "opened_at": now,
    }  # fmt: skip
    connection.execute(unions.insert().values(values))
    return _open(connection, one.code)


def _change(connection: Connection, found: Union, one: New, parent: str) -> None:
    values = {"name": one.name, "level": one.level, "kind": one.kind, "word": one.word or None}
    connection.execute(unions.update().where(unions.c.id == found.id).values(values))
    if parent != one.parent:
        now = coded(connection, one.code)
        assert now is not None
        _hang(connection, now, _open(connection, one.parent))


# --- one step ----------------------------------------------------------------------------------------------------


def _begin(connection: Connection, now: datetime) -> None:
    """Hold the tree until the transaction ends."""
    shared.write(connection, TURN, "", now)
    month.settle(connection, now)


def _open(connection: Connection, code: str) -> Union:
    found = coded(connection, code)
    if found is None:
        raise Refused(f"没有代码是 {code} 的单位。有哪些，请看“组织”，或者 union list。")
    if found.closed_at is not None:
        other = get(connection, found.merged_into) if found.merged_into else None
        where = f"，已经并入 {other.name}（{other.code}）" if other else "，已经撤销"
        raise Refused(f"{found.name}（{code}）{where}。")
    return found


def _below(connection: Connection, one: Union) -> list[Union]:
    query = sa.select(unions.c.code).where(unions.c.parent_id == one.id, unions.c.closed_at.is_(None))
    return [_open(connection, code) for code in connection.execute(query).scalars()]


def _hang(connection: Connection, one: Union, above: Union) -> None:
    """Under another union, with all below it and all requests that those have."""
    path = f"{above.path}{one.code}/"
    longest = connection.execute(
        sa.select(sa.func.max(sa.func.length(unions.c.path))).where(within(unions.c.path, one.path))
    )
    if int(longest.scalar() or 0) - len(one.path) + len(path) > LONGEST_PATH:
        raise Refused(
            f"{one.name} 下面的级数太多，移不到 {above.name} 下面：所有上级的代码加起来最多 {LONGEST_PATH} 个字符。"
        )
    connection.execute(unions.update().where(unions.c.id == one.id).values(parent_id=above.id))
    for column in (unions.c.path, requests.c.owner_unit, requests.c.against):
        _repath(connection, column, one.path, path)


def _repath(connection: Connection, column: sa.Column[str], old: str, new: str) -> None:
    """What lies at or below the old path lies below the new one."""
    table = column.table
    assert isinstance(table, sa.Table)
    if old and old != new:
        rest = sa.func.substr(column, len(old) + 1)
        moved = sa.literal(new).concat(rest) if new else rest
        connection.execute(table.update().where(within(column, old)).values({column.name: moved}))


def _give_codes(connection: Connection, one: Union, other: Union) -> None:
    """Its QR codes hang on walls: they bind to the other from now on, each under the name of a place that is free there."""
    theirs = sa.select(union_codes.c.place).where(union_codes.c.union_id == other.id)
    taken = set(connection.execute(theirs).scalars())
    mine = sa.select(union_codes.c.id, union_codes.c.place).where(union_codes.c.union_id == one.id)
    for row in connection.execute(mine).all():
        place = f"{row.place[:30]}（{one.code}）" if row.place in taken else row.place
        here = union_codes.update().where(union_codes.c.id == row.id)
        connection.execute(here.values(union_id=other.id, place=place))


def _end(connection: Connection, one: Union, now: datetime, into: int | None) -> None:
    values = {"closed_at": now, "merged_into": into, "word": None}
    connection.execute(unions.update().where(unions.c.id == one.id).values(values))
