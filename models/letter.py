"""Letters: what a person of the staff should read: words without an answer, emergencies, pictures and voices. One open letter for a
person at a time; what they say meanwhile goes to the same one.

waiting  nobody looks after it
taken    its owner does
done     answered, or nothing is to be done

Whoever writes says which version they saw, so that two never answer without knowing of each other. The words themselves stand with the
interactions and go with them; notes are sealed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.listing import Listing
from models.rows import add
from models.sealed import Sealed

WAITING, TAKEN, DONE = "waiting", "taken", "done"
STATES = (WAITING, TAKEN, DONE)
OPENED, ANSWERED, NOTED, MOVED = "opened", "answered", "noted", "moved"

letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("openid", Id(128), nullable=False),
    sa.Column("open", Id(128), unique=True),  # the same until it is done
    sa.Column("urgent", sa.Boolean, nullable=False),  # somebody may be in danger
    sa.Column("topic", Id(64), nullable=False),  # what the chat answered first
    sa.Column("state", Id(16), nullable=False),
    sa.Column("owner", Id(128), nullable=False),  # '' for nobody
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("received_at", Utc(), nullable=False),
    sa.Column("last_at", Utc(), nullable=False),  # when they wrote last
    sa.Index("ix_letters_openid", "openid"),
    sa.Index("ix_letters_state", "state", "urgent", "id"),
    sa.Index("ix_letters_urgent", "urgent", "id"),
    **MARIADB,
)
letter_steps = sa.Table(
    "letter_steps",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("letter_id", Number(), sa.ForeignKey("letters.id"), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("deed", Id(16), nullable=False),
    sa.Column("words", Sealed("letter_steps.words", must=False), nullable=False),
    sa.Index("ix_letter_steps_letter_id", "letter_id", "id"),
    **MARIADB,
)
LISTING = Listing(
    {
        name: letters.c[name]
        for name in ("id", "openid", "urgent", "topic", "state", "owner", "received_at", "last_at")
    },
    letters,
    letters.c.id,
    finds=(letters.c.openid, letters.c.topic, letters.c.owner),
    state=letters.c.state,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of `letters`."""

    id: int
    openid: str
    urgent: bool
    topic: str
    state: str
    owner: str
    version: int
    received_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class LetterStep:
    """What one of the staff did with it."""

    at: datetime
    staff: str
    deed: str
    words: str


_COLUMNS = [letters.c[name] for name in Letter.__slots__]
_STEPS = [letter_steps.c[name] for name in LetterStep.__slots__]


def receive(connection: Connection, openid: str, topic: str, at: datetime, *, urgent: bool) -> None:
    """They wrote something that somebody should read."""
    here = sa.and_(letters.c.open == openid, letters.c.last_at <= at)
    values: dict[str, object] = {"last_at": at, "version": letters.c.version + 1}
    values |= {"urgent": True, "topic": topic[:64]} if urgent else {}
    if connection.execute(letters.update().where(here).values(values)).rowcount:
        return
    row = {
        "openid": openid, "open": openid, "urgent": urgent, "topic": topic[:64], "state": WAITING, "owner": "",
        "version": 1, "received_at": at, "last_at": at,
    }  # fmt: skip
    add(connection, letters, row)


def get(connection: Connection, number: int) -> Letter | None:
    """The letter of this number."""
    row = connection.execute(sa.select(*_COLUMNS).where(letters.c.id == number)).first()
    return Letter(*row) if row else None


def steps(connection: Connection, number: int) -> list[LetterStep]:
    """What was done with it, the newest first."""
    mine = sa.select(*_STEPS).where(letter_steps.c.letter_id == number)
    rows = connection.execute(mine.order_by(letter_steps.c.id.desc()).limit(100))
    return [LetterStep(*row) for row in rows]


def step(connection: Connection, number: int, staff: str, deed: str, words: str, now: datetime) -> None:
    """Write down what was done."""
    values = {"letter_id": number, "staff": staff, "deed": deed, "words": words, "at": now}
    connection.execute(letter_steps.insert().values(values))


def move(connection: Connection, one: Letter, version: int, state: str, owner: str) -> bool:
    """Bring it to a state and an owner; False when it is no more as it was seen, or the person has another open letter by now."""
    here = sa.and_(letters.c.id == one.id, letters.c.version == version)
    values: dict[str, object] = {"state": state, "owner": owner, "version": version + 1}
    if state == DONE:
        values["open"] = None
    elif one.state == DONE:
        other = sa.select(letters.c.id).where(letters.c.open == one.openid)
        if connection.execute(other).first() is not None:
            return False
        values["open"] = one.openid
    return bool(connection.execute(letters.update().where(here).values(values)).rowcount)


def waiting(connection: Connection, *, urgent: bool) -> tuple[int, datetime | None]:
    """How many nobody looks after, and since when the oldest waits."""
    here = sa.and_(letters.c.state == WAITING, letters.c.urgent.is_(urgent))
    query = sa.select(sa.func.count(), sa.func.min(letters.c.received_at, type_=Utc())).where(here)
    number, since = connection.execute(query).one()
    return int(number), since


# --- its person --------------------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what came until then, with what staff wrote of it."""
    mine = letters.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, letters.c.received_at <= until)
    gone = sa.select(letters.c.id).where(mine)
    numbers = list(connection.execute(gone).scalars())
    if numbers:
        connection.execute(letter_steps.delete().where(letter_steps.c.letter_id.in_(numbers)))
        connection.execute(letters.delete().where(letters.c.id.in_(numbers)))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """When this person's words were read by somebody, and what was answered."""
    mine = sa.select(*_COLUMNS).where(letters.c.openid == openid).order_by(letters.c.id)
    return [
        {
            "at": one.received_at.isoformat(),
            "state": one.state,
            "answers": "; ".join(each.words for each in steps(connection, one.id) if each.deed == ANSWERED),
        }
        for one in (Letter(*row) for row in connection.execute(mine).all())
    ]
