"""Goods to be given out: a ledger of what came in, went out and was put right. The balance is the sum of the ledger; `stocks` holds it
as a row, so that the last piece is given once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

IN, OUT, CORRECTION = "in", "out", "correction"

stocks = sa.Table(
    "stocks",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("item", Id(32), primary_key=True),
    sa.Column("balance", sa.Integer, nullable=False),
    **MARIADB,
)

stock_moves = sa.Table(
    "stock_moves",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("item", Id(32), nullable=False),
    sa.Column("kind", Id(16), nullable=False),
    sa.Column("quantity", sa.Integer, nullable=False),  # less than 0 for what went out
    sa.Column("note", Words(), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_stock_moves_edition_id", "edition_id", "item", "id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Move:
    """One row of `stock_moves`."""

    id: int
    edition_id: int
    item: str
    kind: str
    quantity: int
    note: str
    staff: str
    at: datetime


_COLUMNS = [stock_moves.c[name] for name in Move.__slots__]


def lay(connection: Connection, edition_id: int, item: str, quantity: int, now: datetime) -> None:
    """What there is of an item when its edition opens; nothing where it is laid."""
    if add(connection, stocks, {"edition_id": edition_id, "item": item, "balance": 0}) and quantity:
        move(connection, edition_id, item, IN, quantity, "开始时的数量", "config", now)


def move(
    connection: Connection, edition_id: int, item: str, kind: str, quantity: int, note: str, staff: str, now: datetime
) -> bool:  # fmt: skip
    """Write a move down; False, and nothing is written, where fewer than none would be left."""
    here = sa.and_(stocks.c.edition_id == edition_id, stocks.c.item == item, stocks.c.balance + quantity >= 0)
    changed = stocks.update().where(here).values(balance=stocks.c.balance + quantity)
    if not connection.execute(changed).rowcount:
        # only now: an insert of what is there would hold the row in a way in which two movers wait for each other
        laid = add(connection, stocks, {"edition_id": edition_id, "item": item, "balance": 0})
        if not laid or not connection.execute(changed).rowcount:
            return False
    row = {
        "edition_id": edition_id, "item": item, "kind": kind, "quantity": quantity, "note": note, "staff": staff, "at": now,
    }  # fmt: skip
    connection.execute(stock_moves.insert().values(row))
    return True


def balances(connection: Connection, edition_id: int) -> dict[str, int]:
    """Item → how many are left, as the rows hold it."""
    query = sa.select(stocks.c.item, stocks.c.balance).where(stocks.c.edition_id == edition_id)
    return {row.item: row.balance for row in connection.execute(query)}


def sums(connection: Connection, edition_id: int) -> dict[tuple[str, str], int]:
    """(item, kind) → the sum of the ledger."""
    columns = (stock_moves.c.item, stock_moves.c.kind)
    query = sa.select(*columns, sa.func.sum(stock_moves.c.quantity))
    query = query.where(stock_moves.c.edition_id == edition_id).group_by(*columns)
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}


def moves(connection: Connection, edition_id: int, limit: int = 100_000) -> list[Move]:
    """The ledger, the newest first."""
    query = sa.select(*_COLUMNS).where(stock_moves.c.edition_id == edition_id)
    return [Move(*row) for row in connection.execute(query.order_by(stock_moves.c.id.desc()).limit(limit))]
