"""Who is signed in on which browser, and the two ways to become so: WeChat's sign-in page and a code typed into the chat.

A browser's cookie holds a secret; only its hash is kept here. All times are the wall clock's.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from models import shared
from models.base import MARIADB, Connection, Id, Utc, Words, metadata
from models.driver import Prepared
from models.rows import add

LASTS = timedelta(days=30)
CODE_LASTS = timedelta(minutes=10)
TRIES = 5  # wrong codes of one person in ten minutes
DIGITS = 6

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("secret_hash", Id(64), primary_key=True),
    sa.Column("openid", Id(128), nullable=False),
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc(), nullable=False),
    sa.Index("ix_sessions_openid", "openid"),
    sa.Index("ix_sessions_expires_at", "expires_at"),
    **MARIADB,
)

sign_ins = sa.Table(
    "sign_ins",
    metadata,
    sa.Column("secret_hash", Id(64), primary_key=True),  # of the browser that waits
    sa.Column("proof", Id(64), nullable=False, unique=True),  # the code, or the hash of WeChat's `state`
    sa.Column("target", Words(), nullable=False),  # the path to go on to
    sa.Column("openid", Id(128)),  # who typed the code
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc(), nullable=False),
    sa.Index("ix_sign_ins_expires_at", "expires_at"),
    sa.Index("ix_sign_ins_openid", "openid"),
    **MARIADB,
)


_PERSON = Prepared(  # read for every page
    sa.select(sessions.c.openid)
    .where(sessions.c.secret_hash == sa.bindparam("secret"))
    .where(sessions.c.expires_at > sa.bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A browser that waits to be signed in; `openid` once its person is known."""

    proof: str
    target: str
    openid: str | None
    expires_at: datetime


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(connection: Connection, openid: str, now: datetime) -> str:
    """Sign a browser in; the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    values = {
        "secret_hash": digest(secret),
        "openid": openid,
        "created_at": now,
        "expires_at": now + LASTS,
    }
    connection.execute(sessions.insert().values(values))
    return secret


def person(connection: Connection, secret: str, now: datetime) -> str | None:
    """The openid of whoever is signed in with this secret."""
    row = _PERSON.first(connection, secret=digest(secret), now=now)
    return str(row[0]) if row else None


def end(connection: Connection, secret: str) -> None:
    """Sign this browser out."""
    connection.execute(sessions.delete().where(sessions.c.secret_hash == digest(secret)))


# --- on the way in -----------------------------------------------------------------------------------------------


def ask_code(connection: Connection, secret: str, target: str, now: datetime) -> str | None:
    """A code for this browser's person to type into the chat; None in the rare moment that none is free."""
    for _ in range(5):
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        if _wait(connection, secret, code, target, now):
            return code
    return None


def ask_state(connection: Connection, secret: str, target: str, now: datetime) -> str:
    """A `state` for WeChat's sign-in page, which brings it back once to this browser."""
    state = secrets.token_hex(16)
    _wait(connection, secret, digest(state), target, now)
    return state


def _wait(connection: Connection, secret: str, proof: str, target: str, now: datetime) -> bool:
    over = sa.or_(
        sign_ins.c.secret_hash == digest(secret),
        sa.and_(sign_ins.c.proof == proof, sign_ins.c.expires_at <= now),
    )
    connection.execute(sign_ins.delete().where(over))
    values = {
        "secret_hash": digest(secret),
        "proof": proof,
        "target": target,
        "created_at": now,
        "expires_at": now + CODE_LASTS,
    }
    return add(connection, sign_ins, values)


def waiting(connection: Connection, secret: str, now: datetime) -> SignIn | None:
    """How far this browser has come."""
    columns = [sign_ins.c[name] for name in SignIn.__slots__]
    mine = sa.and_(sign_ins.c.secret_hash == digest(secret), sign_ins.c.expires_at > now)
    row = connection.execute(sa.select(*columns).where(mine)).first()
    return SignIn(*row) if row else None


def type_code(connection: Connection, openid: str, code: str, now: datetime) -> bool | None:
    """Somebody typed a code: True where a browser waits for it, False where none does, None after too many wrong ones."""
    free = sa.and_(sign_ins.c.proof == code, sign_ins.c.openid.is_(None), sign_ins.c.expires_at > now)
    bucket = f"code:{digest(openid)}"
    if not shared.admit(connection, bucket, TRIES, CODE_LASTS.total_seconds(), 1, now.timestamp)[0]:
        return None
    return bool(connection.execute(sign_ins.update().where(free).values(openid=openid)).rowcount)


def use(connection: Connection, secret: str, proof: str, now: datetime) -> SignIn | None:
    """Take what this browser waited for, once; None where it did not wait for this, or waited too long."""
    found = waiting(connection, secret, now)
    if found is None or found.proof != proof:
        return None
    mine = sa.and_(sign_ins.c.secret_hash == digest(secret), sign_ins.c.proof == proof)
    return found if connection.execute(sign_ins.delete().where(mine)).rowcount else None


def sweep(connection: Connection, now: datetime) -> int:
    """Throw away what is over; how many."""
    gone = connection.execute(sessions.delete().where(sessions.c.expires_at <= now)).rowcount
    return int(gone + connection.execute(sign_ins.delete().where(sign_ins.c.expires_at <= now)).rowcount)


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Sign this person out everywhere."""
    for table in (sessions, sign_ins):
        mine = table.c.openid == openid
        if until is not None:
            mine = sa.and_(mine, table.c.created_at <= until)
        connection.execute(table.delete().where(mine))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """When this person signed in."""
    query = sa.select(sessions.c.created_at, sessions.c.expires_at).where(sessions.c.openid == openid)
    return [
        {"created_at": row.created_at.isoformat(), "expires_at": row.expires_at.isoformat()}
        for row in connection.execute(query)
    ]
