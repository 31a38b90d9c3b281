"""Opinions: what people think of something, with their name or without any trace of who they are.

Of one without a name the table holds a random key, the day, and what was written; no order of rows says which came first. Its
writer has a code of 80 bits, of which only the SHA-256 is kept: it opens the answer, and nothing joins it to anybody.

received   nobody has answered yet
adopted    the answer says what becomes of it
declined   the answer says why not
hidden     spam or abuse: kept, with the reason
withdrawn  its person left or was erased

`shown` says whether everybody may read it with its answer.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from ground.days import SHANGHAI
from models import listing
from models.base import MARIADB, Connection, Id, Number, Words, metadata
from models.listing import Listing, Wanted
from models.rows import add
from models.sealed import MOST_FOUND, SEARCHED, Sealed

RECEIVED, ADOPTED, DECLINED, HIDDEN, WITHDRAWN = "received", "adopted", "declined", "hidden", "withdrawn"
STATES = (RECEIVED, ADOPTED, DECLINED, HIDDEN, WITHDRAWN)
SIGNS = 8  # of the key, by which the staff name one
CODE = re.compile(r"[A-Z2-7]{4}(?:-?[A-Z2-7]{4}){3}")

opinions = sa.Table(
    "opinions",
    metadata,
    sa.Column("key", Id(32), primary_key=True),  # random: the order of rows says nothing
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL for one without a name
    sa.Column("code_hash", Id(64), unique=True),  # NULL for one with a name
    sa.Column("day", Id(10), nullable=False),  # of Shanghai: its only time
    sa.Column("topic", Id(64), nullable=False),
    sa.Column("words", Sealed("opinions.words"), nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("answer", Words(), nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Index("ix_opinions_state", "edition_id", "state", "day"),
    sa.Index("ix_opinions_openid", "openid"),
    sqlite_with_rowid=False,  # else the file would keep them in the order of their coming
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """One row of `opinions`."""

    key: str
    edition_id: int
    openid: str | None
    day: str
    topic: str
    words: str
    state: str
    answer: str
    shown: bool

    @property
    def number(self) -> str:
        """What it is called."""
        return self.key[:SIGNS].upper()


_COLUMNS = [opinions.c[name] for name in Opinion.__slots__]


LISTING = Listing(
    {
        "key": opinions.c.key,
        "day": opinions.c.day,
        "state": opinions.c.state,
        "topic": opinions.c.topic,
        "words": opinions.c.words,
        "named": opinions.c.openid.is_not(None),
        "shown": opinions.c.shown,
        "answer": opinions.c.answer,
    },
    opinions,
    opinions.c.day,
    state=opinions.c.state,
    of=opinions.c.edition_id,
)


def code_of(once: str) -> str:
    """The code of what a page calls `once` (random, from us): sent twice, it is the same code, and nothing of it is kept."""
    text = base64.b32encode(hashlib.sha256(f"opinion {once}".encode()).digest()[:10]).decode()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def make(
    connection: Connection,
    edition_id: int,
    words: str,
    topic: str,
    now: datetime,
    *,
    openid: str | None = None,
    code: str = "",
) -> str | None:
    """Write it down; its number, or None where this code is known."""
    values = {"edition_id": edition_id, "openid": openid, "words": words, "topic": topic, "answer": ""}
    rest = {"day": f"{now.astimezone(SHANGHAI):%Y-%m-%d}", "state": RECEIVED, "shown": False}
    key = secrets.token_hex(16)
    hashed = _hash(code) if code else None
    new = add(connection, opinions, {**values, **rest, "key": key, "code_hash": hashed})
    return key[:SIGNS].upper() if new else None


def _hash(code: str) -> str:
    return hashlib.sha256(code.upper().replace("-", "").encode()).hexdigest()


def by_code(connection: Connection, code: str) -> Opinion | None:
    """The opinion that this code opens."""
    return _one(connection, opinions.c.code_hash == _hash(code))


def listed(connection: Connection, wanted: Wanted, size: int) -> Sequence[Mapping[str, Any]]:
    """A page of the desk's list and one more; what is looked for is looked for in the newest, each of which is opened."""
    if not wanted.find:
        return listing.rows(connection, LISTING, wanted, size)
    texts = (opinions.c.words, opinions.c.answer, opinions.c.topic)
    query = sa.select(opinions.c.key, *texts).order_by(opinions.c.day.desc(), opinions.c.key).limit(SEARCHED)
    number, sought = wanted.find.lower(), wanted.find.casefold()
    keys = [
        key
        for key, *said in connection.execute(query)
        if key.startswith(number) or any(text and sought in text.casefold() for text in said)
    ]
    these = replace(LISTING, only=(opinions.c.key.in_(keys[:MOST_FOUND]),))
    return listing.rows(connection, these, replace(wanted, find=""), size)


def get(connection: Connection, key: str) -> Opinion | None:
    """The opinion of this key."""
    return _one(connection, opinions.c.key == key)


def waiting(connection: Connection) -> tuple[int, str]:
    """How many wait for an answer, of every edition, and the day of the oldest; '' for none."""
    query = sa.select(sa.func.count(), sa.func.min(opinions.c.day)).where(opinions.c.state == RECEIVED)
    row = connection.execute(query).one()
    return int(row[0]), row[1] or ""


def named(connection: Connection, edition_id: int, number: str) -> Opinion | None:
    """The opinion that the staff name so, where one alone is meant."""
    plain = number.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{4,32}", plain):
        return None
    mine = sa.and_(opinions.c.edition_id == edition_id, opinions.c.key.startswith(plain))
    rows = connection.execute(sa.select(*_COLUMNS).where(mine).limit(2)).all()
    return Opinion(*rows[0]) if len(rows) == 1 else None


def _one(connection: Connection, which: sa.ColumnElement[bool]) -> Opinion | None:
    row = connection.execute(sa.select(*_COLUMNS).where(which)).first()
    return Opinion(*row) if row else None


def of_edition(
    connection: Connection, edition_id: int, states: Sequence[str] = STATES, limit: int = 1000
) -> list[Opinion]:
    """Its opinions in these states, by day; within a day their order says nothing."""
    mine = sa.and_(opinions.c.edition_id == edition_id, opinions.c.state.in_(states))
    query = sa.select(*_COLUMNS).where(mine).order_by(opinions.c.day, opinions.c.key).limit(limit)
    return [Opinion(*row) for row in connection.execute(query)]


def shown(connection: Connection, edition_id: int, limit: int = 100) -> list[Opinion]:
    """What everybody may read, the newest day first."""
    mine = sa.and_(opinions.c.edition_id == edition_id, opinions.c.shown.is_(True))
    query = sa.select(*_COLUMNS).where(mine).order_by(opinions.c.day.desc(), opinions.c.key).limit(limit)
    return [Opinion(*row) for row in connection.execute(query)]


def of_person(connection: Connection, edition_id: int, openid: str) -> list[Opinion]:
    """What this person said with their name."""
    mine = sa.and_(opinions.c.edition_id == edition_id, opinions.c.openid == openid)
    query = sa.select(*_COLUMNS).where(mine).order_by(opinions.c.day, opinions.c.key)
    return [Opinion(*row) for row in connection.execute(query)]


def move(connection: Connection, one: Opinion, states: Sequence[str], **values: Any) -> bool:
    """Change one that is in one of these states; False where it stands elsewhere by now."""
    here = sa.and_(opinions.c.key == one.key, opinions.c.state.in_(states))
    return bool(connection.execute(opinions.update().where(here).values(values)).rowcount)


def answered(connection: Connection, edition_id: int) -> int:
    """How many of an edition have their answer."""
    done = sa.and_(opinions.c.edition_id == edition_id, opinions.c.state.in_((ADOPTED, DECLINED)))
    return int(connection.execute(sa.select(sa.func.count()).where(done)).scalar_one())


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits for an answer: the end of its day, for no hour is known."""
    mine = sa.and_(opinions.c.edition_id == edition_id, opinions.c.state == RECEIVED)
    day = connection.execute(sa.select(sa.func.min(opinions.c.day)).where(mine)).scalar()
    if day is None:
        return None
    return datetime.combine(datetime.fromisoformat(day).date() + timedelta(1), time(), SHANGHAI).astimezone(
        UTC
    )


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take back what this person said with their name."""
    mine = opinions.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, opinions.c.day <= f"{until.astimezone(SHANGHAI):%Y-%m-%d}")
    gone = {"openid": None, "words": "", "answer": "", "state": WITHDRAWN, "shown": False}
    connection.execute(opinions.update().where(mine).values(gone))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person said with their name, and the answers."""
    query = sa.select(*_COLUMNS).where(opinions.c.openid == openid).order_by(opinions.c.day, opinions.c.key)
    return [
        {"number": one.number, "day": one.day, "words": one.words, "state": one.state, "answer": one.answer}
        for one in (Opinion(*row) for row in connection.execute(query))
    ]
