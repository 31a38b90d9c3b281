"""Sign-ups: who has a place in a slot, who waits for one, who is offered one until when, and who came.

confirmed  it is theirs
waiting    the slot is full; `since` says in which order they are
offered    a place has become free and is kept for them until `until`
lapsed     they did not take it in time, and it went to the next
cancelled  they gave it back, or the staff took it with a reason

A person's once is UNIQUE(slot, openid), and `nth`, which is NULL for what is over, limits how many slots one person holds. Seats are
counted in `models/slot.py`: whoever changes a state holds the slot's row.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models import slot
from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.rows import add
from models.sealed import Sealed, containing

CONFIRMED, WAITING, OFFERED = "confirmed", "waiting", "offered"
LAPSED, CANCELLED = "lapsed", "cancelled"
STANDS = (CONFIRMED, WAITING, OFFERED)
SEATED = (CONFIRMED, OFFERED)  # those whose seats are counted
MOST = 100_000
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is taken for another
CODE_LENGTH = 12  # 59 bits
CODE = re.compile(rf"[{SIGNS}]{{{CODE_LENGTH}}}")
NUMBER = re.compile(r"B([1-9]\d{0,17})")

sign_ups = sa.Table(
    "sign_ups",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("slot_id", Number(), sa.ForeignKey("slots.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL for whoever the staff signed up, and after an erasure
    sa.Column("nth", sa.Integer),  # the person's first, second … one of this edition; NULL for what is over
    sa.Column("seats", sa.Integer, nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("code", Id(16), nullable=False, unique=True),  # what opens the door; cannot be guessed
    sa.Column("name", Sealed("sign_ups.name"), nullable=False),
    sa.Column("phone", Sealed("sign_ups.phone"), nullable=False),
    sa.Column("made_at", Utc(), nullable=False),
    sa.Column("since", Utc(), nullable=False),  # since when in this state, and the order of those who wait
    sa.Column("until", Utc()),  # of an offer
    sa.Column("came_at", Utc()),
    sa.UniqueConstraint("slot_id", "openid"),
    sa.UniqueConstraint("edition_id", "openid", "nth"),
    sa.Index("ix_sign_ups_slot_id", "slot_id", "state", "since", "id"),
    sa.Index("ix_sign_ups_openid", "openid"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class SignUp:
    """One row of `sign_ups`."""

    id: int
    edition_id: int
    slot_id: int
    openid: str | None
    seats: int
    state: str
    code: str
    name: str
    phone: str
    made_at: datetime
    since: datetime
    until: datetime | None
    came_at: datetime | None

    @property
    def number(self) -> str:
        """What people call it."""
        return f"B{self.id}"

    @property
    def stands(self) -> bool:
        """Whether it is not over."""
        return self.state in STANDS


@dataclass(frozen=True, slots=True)
class New:
    """Somebody who signs up. `openid` is None for whom the staff sign up; `most`: how many slots one person may hold."""

    edition_id: int
    slot_id: int
    openid: str | None
    seats: int
    name: str = ""
    phone: str = ""
    most: int = 1


_COLUMNS = [sign_ups.c[name] for name in SignUp.__slots__]


def make(connection: Connection, new: New, state: str, now: datetime) -> SignUp | None:
    """Write it down, in place of what the same person had given back or let lapse in this slot; None where they hold this slot or as
    many as they may. Its seats are counted by the caller."""
    values = {
        "edition_id": new.edition_id, "slot_id": new.slot_id, "openid": new.openid, "seats": new.seats, "state": state,
        "code": new_code(), "name": new.name, "phone": new.phone, "made_at": now, "since": now,
        "until": None, "came_at": None,
    }  # fmt: skip
    if new.openid is None:
        add(connection, sign_ups, {**values, "nth": None})
        return by_code(connection, str(values["code"]))
    mine = sa.and_(sign_ups.c.edition_id == new.edition_id, sign_ups.c.openid == new.openid)
    held = set(
        connection.execute(sa.select(sign_ups.c.nth).where(mine, sign_ups.c.nth.is_not(None))).scalars()
    )
    nth = next((each for each in range(1, new.most + 1) if each not in held), None)
    if nth is None:
        return None
    values["nth"] = nth
    if not add(connection, sign_ups, values):
        over = sa.and_(mine, sign_ups.c.slot_id == new.slot_id, sign_ups.c.state.not_in(STANDS))
        if not connection.execute(sign_ups.update().where(over).values(values)).rowcount:
            return None
    return by_code(connection, str(values["code"]))


def new_code() -> str:
    """Signs that a phone's camera and a keyboard scanner read alike."""
    return "".join(secrets.choice(SIGNS) for _ in range(CODE_LENGTH))


# --- looking -----------------------------------------------------------------------------------------------------


def _one(connection: Connection, *where: sa.ColumnElement[bool]) -> SignUp | None:
    row = connection.execute(sa.select(*_COLUMNS).where(*where)).first()
    return SignUp(*row) if row else None


def get(connection: Connection, sign_up_id: int) -> SignUp | None:
    """The sign-up of this id."""
    return _one(connection, sign_ups.c.id == sign_up_id)


def by_code(connection: Connection, code: str) -> SignUp | None:
    """The sign-up of this code."""
    return _one(connection, sign_ups.c.code == code)


def of_person(connection: Connection, edition_id: int, openid: str) -> list[SignUp]:
    """This person's, those that are over included."""
    mine = sa.and_(sign_ups.c.edition_id == edition_id, sign_ups.c.openid == openid)
    query = sa.select(*_COLUMNS).where(mine).order_by(sign_ups.c.id)
    return [SignUp(*row) for row in connection.execute(query)]


def of_edition(connection: Connection, edition_id: int, limit: int = MOST) -> list[SignUp]:
    """All of an edition."""
    query = sa.select(*_COLUMNS).where(sign_ups.c.edition_id == edition_id).order_by(sign_ups.c.id)
    return [SignUp(*row) for row in connection.execute(query.limit(limit))]


def named(connection: Connection, edition_id: int, words: str, limit: int = 20) -> list[SignUp]:
    """Those who stand and whose name holds these words, or whose number of the telephone ends with them."""
    here = sa.and_(sign_ups.c.edition_id == edition_id, sign_ups.c.state.in_(STANDS))
    digits = len(words) >= 4 and words.isdigit()
    columns = [sign_ups.c.name, sign_ups.c.phone] if digits else [sign_ups.c.name]
    found = containing(connection, sign_ups.c.id, columns, words, here)
    query = sa.select(*_COLUMNS).where(sign_ups.c.id.in_(found)).order_by(sign_ups.c.id)
    named = [SignUp(*row) for row in connection.execute(query)]
    return [one for one in named if words in one.name or one.phone.endswith(words)][:limit]


def ahead(connection: Connection, one: SignUp) -> int:
    """How many wait before this one."""
    earlier = sa.or_(
        sign_ups.c.since < one.since, sa.and_(sign_ups.c.since == one.since, sign_ups.c.id < one.id)
    )
    here = sa.and_(sign_ups.c.slot_id == one.slot_id, sign_ups.c.state == WAITING, earlier)
    return int(connection.execute(sa.select(sa.func.count()).where(here)).scalar_one())


def came(connection: Connection, edition_id: int) -> dict[int, int]:
    """Slot → seats of those who came."""
    here = sa.and_(sign_ups.c.edition_id == edition_id, sign_ups.c.came_at.is_not(None))
    query = sa.select(sign_ups.c.slot_id, sa.func.sum(sign_ups.c.seats)).where(here)
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(sign_ups.c.slot_id))}


# --- the line of those who wait ----------------------------------------------------------------------------------


def overdue(connection: Connection, slot_id: int, before: datetime) -> list[SignUp]:
    """The offers of a slot that nobody took by then."""
    here = sa.and_(sign_ups.c.slot_id == slot_id, sign_ups.c.state == OFFERED, sign_ups.c.until <= before)
    query = sa.select(*_COLUMNS).where(here).order_by(sign_ups.c.until, sign_ups.c.id)
    return [SignUp(*row) for row in connection.execute(query)]


def next_in_line(connection: Connection, slot_id: int, free: int) -> SignUp | None:
    """Who waits longest among those whose seats fit in what is free."""
    here = sa.and_(sign_ups.c.slot_id == slot_id, sign_ups.c.state == WAITING, sign_ups.c.seats <= free)
    query = sa.select(*_COLUMNS).where(here).order_by(sign_ups.c.since, sign_ups.c.id).limit(1)
    row = connection.execute(query).first() if free > 0 else None
    return SignUp(*row) if row else None


def unsettled(connection: Connection, edition_id: int, before: datetime, now: datetime) -> list[int]:
    """The slots in which an offer has lapsed by `before`, or a seat is free while somebody waits who may still come."""
    late = sa.select(sign_ups.c.slot_id).where(sign_ups.c.state == OFFERED, sign_ups.c.until <= before)
    table = slot.slots
    fits = sign_ups.c.seats <= table.c.places - table.c.used
    waits = sa.exists().where(sign_ups.c.slot_id == table.c.id, sign_ups.c.state == WAITING, fits)
    query = sa.select(table.c.id).where(
        table.c.edition_id == edition_id,
        sa.or_(sa.and_(table.c.begins_at > now, waits), table.c.id.in_(late)),
    )
    return list(connection.execute(query.order_by(table.c.id)).scalars())


def move(
    connection: Connection, one: SignUp, state: str, now: datetime, until: datetime | None = None
) -> bool:
    """Bring it from the state in which it was seen to another, its seats and the waiting list with it; False where it stands
    elsewhere by now, or the slot has no such room."""
    seats = one.seats * ((state in SEATED) - (one.state in SEATED))
    waiting = (state == WAITING) - (one.state == WAITING)
    if not slot.change(connection, one.slot_id, seats=seats, waiting=waiting):
        return False
    values: dict[str, object] = {"state": state, "since": now, "until": until}
    if state not in STANDS:
        values["nth"] = None
    here = sa.and_(sign_ups.c.id == one.id, sign_ups.c.state == one.state)
    if connection.execute(sign_ups.update().where(here).values(values)).rowcount:
        return True
    slot.change(connection, one.slot_id, seats=-seats, waiting=-waiting)
    return False


def come(connection: Connection, sign_up_id: int, now: datetime) -> bool:
    """They are here; False where they were already, or have no place."""
    here = sa.and_(sign_ups.c.id == sign_up_id, sign_ups.c.state == CONFIRMED, sign_ups.c.came_at.is_(None))
    return bool(connection.execute(sign_ups.update().where(here).values(came_at=now)).rowcount)


def not_come(connection: Connection, sign_up_id: int) -> bool:
    """They are not here after all; whether that changed anything."""
    here = sa.and_(sign_ups.c.id == sign_up_id, sign_ups.c.came_at.is_not(None))
    return bool(connection.execute(sign_ups.update().where(here).values(came_at=None)).rowcount)


# --- whose it is -------------------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget whose they are. Who has not come gives the place back; the worker offers it to the next."""
    mine = sign_ups.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, sign_ups.c.made_at <= until)
    query = sa.select(*_COLUMNS).where(mine).order_by(sign_ups.c.slot_id)
    for one in [SignUp(*row) for row in connection.execute(query)]:
        if one.stands and one.came_at is None:
            move(connection, one, CANCELLED, one.since)
        left = {"openid": None, "nth": None, "name": "", "phone": ""}
        connection.execute(sign_ups.update().where(sign_ups.c.id == one.id).values(left))


def _personal(edition_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(sign_ups.c.edition_id == edition_id, sa.or_(sign_ups.c.name != "", sign_ups.c.phone != ""))


def knows(connection: Connection, edition_id: int) -> bool:
    """Whether names or numbers of an edition are kept."""
    here = sa.select(sign_ups.c.id).where(_personal(edition_id)).limit(1)
    return connection.execute(here).first() is not None


def hush(connection: Connection, edition_id: int) -> None:
    """Take the names and numbers out of an edition whose time of keeping is over."""
    connection.execute(sign_ups.update().where(_personal(edition_id)).values(name="", phone=""))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person signed up for."""
    query = sa.select(*_COLUMNS).where(sign_ups.c.openid == openid).order_by(sign_ups.c.id)
    return [
        {
            "number": one.number,
            "slot": slot.get(connection, one.slot_id).title,
            "seats": str(one.seats),
            "state": one.state,
            "code": one.code,
            "name": one.name,
            "phone": one.phone,
            "at": one.made_at.isoformat(),
            "came": one.came_at.isoformat() if one.came_at else "",
        }
        for one in [SignUp(*row) for row in connection.execute(query)]
    ]


def id_of(word: str) -> int | None:
    """The id behind a number as people write it."""
    found = NUMBER.fullmatch(word.strip().upper())
    return int(found[1]) if found else None


def code_in(text: str) -> str | None:
    """The code in what a scanner typed or a person wrote: it stands at the end, perhaps behind an address, perhaps with strokes."""
    plain = re.sub(r"[\s-]", "", text).upper()
    return plain[-CODE_LENGTH:] if CODE.fullmatch(plain[-CODE_LENGTH:]) else None


def spaced(code: str) -> str:
    """As people read it."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
