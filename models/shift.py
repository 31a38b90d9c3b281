"""Shifts: who of the staff is signed in at the desk, on which browser and from where, and how often somebody may try.

A browser's cookie holds a secret; only its hash is kept here. All times are the wall clock's.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from models import password, shared
from models import staff as people
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.password import digest
from models.rows import add
from models.staff import Staff

IDLE = timedelta(minutes=30)
LASTS = timedelta(hours=8)
PROOF = timedelta(minutes=5)  # so long a code counts for what cannot be taken back
SEEN = timedelta(minutes=1)  # no closer than this is written down that somebody was there
KNOWN = timedelta(days=180)  # so long a browser is known to have been somebody's
TRIES = 5
WAIT = timedelta(minutes=15)
TRIES_OF_A_PLACE = 60  # in WAIT: each costs 64 MB for a moment

shifts = sa.Table(
    "shifts",
    metadata,
    sa.Column("secret_hash", Id(64), primary_key=True),
    sa.Column("staff_id", Number(), sa.ForeignKey("staff.id"), nullable=False),
    sa.Column("device", Words(), nullable=False),  # what the browser says of itself
    sa.Column("place", Id(64), nullable=False),  # the address that it came from
    sa.Column("began_at", Utc(), nullable=False),
    sa.Column("seen_at", Utc(), nullable=False),
    sa.Column("proved_at", Utc(), nullable=False),  # when a code was last given
    sa.Column("told", Words(), nullable=False),  # what the next page says of the last deed
    sa.Index("ix_shifts_staff_id", "staff_id"),
    **MARIADB,
)

browsers = sa.Table(  # on which somebody has signed in: strangers' tries do not count against them
    "staff_browsers",
    metadata,
    sa.Column("secret_hash", Id(64), primary_key=True),
    sa.Column("staff_id", Number(), sa.ForeignKey("staff.id"), primary_key=True),
    sa.Column("known_at", Utc(), nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Shift:
    """One browser on which a colleague is signed in."""

    secret_hash: str
    staff_id: int
    device: str
    place: str
    began_at: datetime
    seen_at: datetime
    proved_at: datetime
    told: str

    @property
    def mark(self) -> str:
        """By which a person names it."""
        return self.secret_hash[:12]

    def lasts(self, now: datetime) -> bool:
        """Whether it is not over: not too long ago, and not too long idle."""
        return now < self.began_at + LASTS and now < self.seen_at + IDLE

    def is_proved(self, now: datetime) -> bool:
        """Whether a code was given just now."""
        return now < self.proved_at + PROOF


_COLUMNS = [shifts.c[name] for name in Shift.__slots__]


def begin(connection: Connection, one: Staff, device: str, place: str, now: datetime) -> str:
    """Sign a browser in; the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    values = {
        "secret_hash": digest(secret),
        "staff_id": one.id,
        "device": device[:200],
        "place": place,
        "began_at": now,
        "seen_at": now,
        "proved_at": now,
        "told": "",
    }
    connection.execute(shifts.insert().values(values))
    return secret


def at(connection: Connection, secret: str, now: datetime) -> tuple[Staff, Shift] | None:
    """Who is signed in with this secret; None where nobody is, any more."""
    row = connection.execute(sa.select(*_COLUMNS).where(shifts.c.secret_hash == digest(secret))).first()
    shift = Shift(*row) if row else None
    if shift is None or not shift.lasts(now):
        return None
    one = people.get(connection, shift.staff_id)
    return (one, shift) if one and one.locked_at is None else None


def see(connection: Connection, shift: Shift, now: datetime) -> None:
    """Somebody was there."""
    _set(connection, shift, seen_at=now)


def prove(connection: Connection, shift: Shift, now: datetime) -> None:
    """Somebody has just given a code."""
    _set(connection, shift, proved_at=now)


def tell(connection: Connection, shift: Shift, words: str) -> None:
    """What the next page says."""
    _set(connection, shift, told=words)


def _set(connection: Connection, shift: Shift, **values: object) -> None:
    connection.execute(shifts.update().where(shifts.c.secret_hash == shift.secret_hash).values(values))


def of(connection: Connection, one: Staff, now: datetime) -> list[Shift]:
    """Where this colleague is signed in now, the newest first."""
    query = sa.select(*_COLUMNS).where(shifts.c.staff_id == one.id).order_by(shifts.c.seen_at.desc())
    return [shift for row in connection.execute(query) if (shift := Shift(*row)).lasts(now)]


def end(connection: Connection, one: Staff, mark: str = "") -> int:
    """Sign a colleague out on the browser with this mark, or on all ('')."""
    mine = sa.and_(shifts.c.staff_id == one.id, shifts.c.secret_hash.startswith(mark, autoescape=True))
    return int(connection.execute(shifts.delete().where(mine)).rowcount)


def sweep(connection: Connection, now: datetime) -> int:
    """Throw away what is over; how many."""
    over = sa.or_(shifts.c.began_at <= now - LASTS, shifts.c.seen_at <= now - IDLE)
    gone = connection.execute(shifts.delete().where(over)).rowcount
    connection.execute(browsers.delete().where(browsers.c.known_at <= now - KNOWN))
    connection.execute(password.links.delete().where(password.links.c.expires_at <= now))
    return int(gone)


# --- how often somebody may try ----------------------------------------------------------------------------------


def may_try(connection: Connection, login: str, browser: str, place: str, now: datetime) -> str | None:
    """The name under which a try is counted; None where there were too many.

    A browser on which this colleague has signed in before is counted by itself, so that whoever tries names from elsewhere locks
    out none of those who work here.
    """
    if not _leave(connection, f"desk:{digest(place)}", TRIES_OF_A_PLACE, now):
        return None
    one = people.named(connection, login)
    mine = sa.and_(browsers.c.secret_hash == digest(browser), browsers.c.staff_id == (one.id if one else 0))
    known = browser and connection.execute(sa.select(browsers.c.staff_id).where(mine)).first()
    bucket = f"desk:{digest(login)[:32]}:{digest(browser)[:32] if known else ''}"
    return bucket if _leave(connection, bucket, TRIES, now) else None


def _leave(connection: Connection, bucket: str, limit: int, now: datetime) -> bool:
    return bool(shared.admit(connection, bucket, limit, WAIT.total_seconds(), 1, now.timestamp)[0])


def succeed(connection: Connection, one: Staff, bucket: str, browser: str, now: datetime) -> None:
    """A try was right: none under this name counts any more, and the browser is known."""
    shared.drop(connection, f"pace:{bucket}")
    values = {"secret_hash": digest(browser), "staff_id": one.id, "known_at": now}
    if not add(connection, browsers, values):
        mine = sa.and_(browsers.c.secret_hash == digest(browser), browsers.c.staff_id == one.id)
        connection.execute(browsers.update().where(mine).values(known_at=now))
