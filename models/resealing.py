"""Sealing what lies in clear or under an older key, in portions: after an upgrade, after a rotation, after a key was lacking.

How far it came stands in a row of `shared`, so that it may be killed at any moment. Another row holds a word that is sealed by the key
in use: by it a wrong key is told before anything is written with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models import schema, shared
from models.base import Connection, Store
from models.keyring import MARK_SIGNS, Keyring, KeyTrouble, is_sealed, key_in
from models.sealed import Marked, Sealed

PORTION = 500  # rows of a transaction
PROOF, PLACE = (
    "sealed by",
    "shared.value",
)  # the row with the sealed word, and the place that it is sealed for
WORD = "gonghui"
PROGRESS = "resealing"
MARK = re.compile(rf"[0-9a-f]{{{MARK_SIGNS}}}")


@dataclass(frozen=True, slots=True)
class Holding:
    """A table with sealed columns, and the blind indexes beside them: (index, column that it is of, which may be itself)."""

    table: sa.Table
    sealed: Sequence[str]
    marked: Sequence[tuple[str, str]]

    @property
    def key(self) -> list[sa.Column[Any]]:
        """The columns of its primary key."""
        return list(self.table.primary_key)


@dataclass(frozen=True, slots=True)
class Told:
    """What a pass came to: rows sealed anew, and values that no key at hand opens."""

    rows: int = 0
    lost: int = 0


def holdings(*, messages: bool = False) -> list[Holding]:
    """Every table with a sealed column, by name; with `messages` also what was said to the account."""
    found = []
    for table in sorted(schema.known().tables.values(), key=lambda one: one.name):
        sealed = [
            column.name
            for column in table.columns
            if isinstance(column.type, Sealed) and (messages or not column.type.message)
        ]
        marked = [
            (column.name, column.type.place.partition(".")[2])
            for column in table.columns
            if isinstance(column.type, Marked)
        ]
        if sealed:
            found.append(Holding(table, sealed, marked))
    return found


# --- whether the key is the right one ------------------------------------------------------------------------------


def trouble(store: Store) -> str:
    """Why what is sealed cannot be opened and nothing more may be, in Chinese with the remedy; '' where all is well."""
    keyring = store.keyring
    if keyring is None:
        return ""
    with store.reading() as connection:
        proof = _value(connection, PROOF)
    try:
        keys = keyring.keys()
    except KeyTrouble as fault:
        return str(fault)
    if not proof:
        return ""
    where = keyring.path or "配置文件里没有写的 [data] key_file"
    if keys is None:
        return (
            f"这个数据库里的个人信息是用钥匙 {key_in(proof)} 封存的，可是找不到钥匙文件 {where}。"
            "请从保险的地方把它拷回来，权限 600，再启动。"
        )
    try:
        keyring.open(proof, PLACE)
    except KeyTrouble:
        return (
            f"{where} 不是这个数据库的钥匙：要的是 {key_in(proof)}，里面只有 {'、'.join(keys.ciphers)}。"
            "请把原来的钥匙文件拷回来，再启动。"
        )
    return ""


def lacking(store: Store) -> bool:
    """Whether there is no key, and none will be made: personal data cannot be stored."""
    return store.keyring is not None and not store.keyring.has()


# --- sealing -------------------------------------------------------------------------------------------------------


def bring_up(
    store: Store, now: datetime, say: Callable[[int], object] = lambda rows: None, *, messages: bool = False
) -> Told:
    """Seal what is not sealed by the key in use; nothing where there is no key. `say` is told how many rows were looked at. With
    `messages` also what was said to the account, which may be many rows. Raises KeyTrouble where the key is not this database's."""
    if store.keyring is None or lacking(store):
        return Told()
    if words := trouble(store):
        raise KeyTrouble(words)
    if store.keyring.keys() is None:
        store.keyring.make()
    told = Told()
    while (step := _portion(store, store.keyring, now, say, messages=messages)) is not None:
        told = Told(told.rows + step.rows, told.lost + step.lost)
    return told


def _portion(
    store: Store, keyring: Keyring, now: datetime, say: Callable[[int], object], *, messages: bool
) -> Told | None:
    """The next rows, in a transaction of their own; None where nothing is left to look at."""
    keys = keyring.keys()
    assert keys is not None
    with store.reading() as connection:
        at = _progress(connection, keys.writes, messages=messages)
    if at.done:
        return None
    seen, told, last = 0, Told(), at.last
    with store.writing() as connection:
        for holding in at.left:
            rows = _rows(connection, holding, last)
            step = _reseal(connection, keyring, holding, rows, keys.writes)
            seen, told = seen + len(rows), Told(told.rows + step.rows, told.lost + step.lost)
            last = [rows[-1][column.name] for column in holding.key] if len(rows) == PORTION else None
            if seen >= PORTION:
                shared.write(connection, at.name, at.text(holding.table.name, last), now)
                break
        else:
            shared.write(connection, PROOF, keyring.seal(WORD, PLACE), now)
            shared.write(connection, at.name, at.text(done=True), now)
    say(seen)
    return told


@dataclass(frozen=True, slots=True)
class _Progress:
    """Under which key, of which columns, and how far. `name`: of its row."""

    name: str
    shape: str
    table: str  # the one that was looked at last
    last: Sequence[Any] | None  # its last key; None: all of it
    done: bool
    left: Sequence[Holding]

    def text(self, table: str = "", last: Sequence[Any] | None = None, *, done: bool = False) -> str:
        return json.dumps({"shape": self.shape, "table": table, "last": last, "done": done})


def _progress(connection: Connection, writes: str, *, messages: bool) -> _Progress:
    every, name = holdings(messages=messages), f"{PROGRESS} messages" if messages else PROGRESS
    shape = " ".join([writes, *(f"{one.table.name}.{column}" for one in every for column in one.sealed)])
    found = json.loads(_value(connection, name) or "{}")
    if found.get("shape") != shape:
        found = {}
    table, last, done = str(found.get("table", "")), found.get("last"), bool(found.get("done"))
    left = [one for one in every if one.table.name > table or (one.table.name == table and last is not None)]
    return _Progress(name, shape, table, last, done, left)


def _value(connection: Connection, name: str) -> str | None:
    return connection.execute(sa.select(shared.shared.c.value).where(shared.shared.c.name == name)).scalar()


def _rows(connection: Connection, holding: Holding, last: Sequence[Any] | None) -> list[Mapping[str, Any]]:
    """The next rows after that key, as they lie."""
    own = [index for index, of in holding.marked if index == of]
    lying = [sa.type_coerce(holding.table.c[name], sa.Text).label(name) for name in (*holding.sealed, *own)]
    query = sa.select(*holding.key, *lying).order_by(*holding.key).limit(PORTION).with_for_update()
    if last is not None:
        after = [sa.literal(value, column.type) for value, column in zip(last, holding.key, strict=True)]
        query = query.where(sa.tuple_(*holding.key) > sa.tuple_(*after))
    return [dict(row._mapping) for row in connection.execute(query)]


def _reseal(
    connection: Connection, keyring: Keyring, holding: Holding, rows: Sequence[Mapping[str, Any]], writes: str
) -> Told:
    changes, lost = [], 0
    for row in rows:
        old = [name for name in holding.sealed if row[name] and key_in(row[name]) != writes]
        if not old:
            continue
        clear = {}
        for name in holding.sealed:
            try:
                clear[name] = _opened(keyring, row[name], f"{holding.table.name}.{name}")
            except KeyTrouble:
                lost += 1
        if len(clear) == len(holding.sealed):
            changes.append((row, clear))
    for row, clear in changes:
        marks = {index: row[of] if index == of else clear[of] for index, of in holding.marked}
        marks = {index: value for index, value in marks.items() if not MARK.fullmatch(value or "")}
        mine = sa.and_(*(column == row[column.name] for column in holding.key))
        connection.execute(holding.table.update().where(mine).values(**clear, **marks))
    return Told(len(changes), lost)


def _opened(keyring: Keyring, value: str | None, place: str) -> str | None:
    return keyring.open(value, place) if value and is_sealed(value) else value
