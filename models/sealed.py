"""Columns that only the holder of the key reads: a line of a table is all that it takes.

    sa.Column("phone", Sealed("requests.phone"), nullable=False),
    sa.Column("phone_mark", Marked("requests.phone"), nullable=False),  # for `phone_mark == number`

In Python the value is the clear text, in the database it is sealed (models/keyring.py); '' and NULL stay what they are. No statement
can compare, sort or search what is sealed: a `Marked` column beside it is given the same clear text and finds it again, whole;
`containing` looks for a part of it. The place is the table's and the column's name. Rows that an older release has written in clear
are read as they are until `models.resealing` has sealed them. An engine without a keyring (backups) moves everything as it lies.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from models.base import Connection, Id, Words, keyring_of
from models.keyring import MARK_SIGNS, KeyTrouble, NoKey, is_sealed

SHUT = "（打不开，请告诉系统管理员）"  # what is read where the right key is not at hand
SEARCHED, MOST_FOUND = 20_000, 500  # rows
log = logging.getLogger(__name__)


class Sealed(sa.types.TypeDecorator[str]):
    """Text of any length, sealed. Where there is no key, writing raises NoKey; not `must`: it is then kept in clear. `message`: it
    is something that was said to the account, and sealed only where the config says so."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, place: str, *, must: bool = True, message: bool = False) -> None:
        super().__init__()
        self.place, self.must, self.message = place, must, message

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return Words()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        keyring = keyring_of(dialect)
        if not value or keyring is None or (self.message and not keyring.messages):
            return value
        try:
            return keyring.seal(value, self.place)
        except NoKey:
            if self.must:
                raise
            return value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        keyring = keyring_of(dialect)
        if not value or keyring is None or not is_sealed(value):
            return value
        try:
            return keyring.open(value, self.place)
        except KeyTrouble as trouble:
            log.error("sealed, and cannot be opened: %s", trouble)
            return SHUT


class Marked(sa.types.TypeDecorator[str]):
    """A blind index: it is given the clear text, keeps a mark of it, and never gives it back. Its place is the sealed column that it is
    beside, or its own where it is made of several."""

    impl = sa.String
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__(MARK_SIGNS)
        self.place = place

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return Id(MARK_SIGNS)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        keyring = keyring_of(dialect)
        plain = plainly(value) if value else ""
        return keyring.mark(plain, self.place) if plain and keyring is not None else value


def plainly(text: str) -> str:
    """What two ways to write the same number or name have in common: no blanks, dashes and brackets, no +86, one case."""
    kept = "".join(sign for sign in text if sign.isalnum()).upper()
    return kept[-11:] if kept.isdigit() and len(kept) == 13 and kept.startswith("86") else kept


def containing(
    connection: Connection,
    number: sa.Column[int],
    columns: Sequence[sa.Column[str]],
    words: str,
    which: sa.ColumnElement[bool],
) -> list[int]:
    """The numbers of the rows that have these words in one of the sealed columns, the newest first. Each row is opened, some
    hundred thousand a second, so that only the newest `SEARCHED` are looked through."""
    query = sa.select(number, *columns).where(which).order_by(number.desc()).limit(SEARCHED)
    sought, found = words.casefold(), []
    for row in connection.execute(query).yield_per(1000):
        if any(value and sought in value.casefold() for value in row[1:]):
            found.append(int(row[0]))
        if len(found) == MOST_FOUND:
            break
    return found


def no_key(error: BaseException) -> str:
    """Why this statement sealed nothing, in Chinese; '' where that was not the fault."""
    cause = getattr(error, "orig", None)
    return str(cause) if isinstance(cause, KeyTrouble) else ""


def can_seal(connection: Connection) -> bool:
    """Whether personal data can be stored here: there is a key, or one will be made."""
    keyring = keyring_of(connection.dialect)
    try:
        return keyring is None or keyring.has()
    except KeyTrouble:
        return False
