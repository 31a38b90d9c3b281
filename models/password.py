"""Passwords: how a colleague proves who they are, by a password and a code of their phone, and the link by which both begin.

All times are the wall clock's.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models import staff as people
from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.sealed import Sealed
from models.staff import Refused, Staff, staff

SHORTEST = 10  # characters of a password
LINK_LASTS = timedelta(hours=24)
CODES = 8  # recovery codes, each for one time
STEP_S = 30  # of a code (RFC 6238)
OVER = "这个链接用过了，或者过了一天。请安全管理员再给一个（staff reset）。"

links = sa.Table(
    "staff_links",
    metadata,
    sa.Column("secret_hash", Id(64), primary_key=True),
    sa.Column("staff_id", Number(), sa.ForeignKey("staff.id"), nullable=False),
    sa.Column(
        "totp", Sealed("staff_links.totp", must=False), nullable=False
    ),  # what the phone is given on the page behind the link
    sa.Column("expires_at", Utc(), nullable=False),
    sa.Index("ix_staff_links_staff_id", "staff_id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that was not used yet: whose it is, and what their phone is to be given."""

    staff: Staff
    totp: str

    @property
    def address(self) -> str:
        """What a phone scans (otpauth://)."""
        return pyotp.TOTP(self.totp).provisioning_uri(name=self.staff.login, issuer_name="工会工作台")


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- the link by which a colleague begins ------------------------------------------------------------------------


def link(connection: Connection, one: Staff, now: datetime) -> str:
    """The secret of a link that gives a password and a phone once, within a day; the old ones count no more, and who was
    locked is free."""
    secret = secrets.token_urlsafe(32)
    connection.execute(links.delete().where(links.c.staff_id == one.id))
    values = {
        "secret_hash": digest(secret),
        "staff_id": one.id,
        "totp": pyotp.random_base32(),
        "expires_at": now + LINK_LASTS,
    }
    connection.execute(links.insert().values(values))
    nothing = {"password": "", "totp": "", "recovery": "", "locked_at": None}
    connection.execute(staff.update().where(staff.c.id == one.id).values(nothing))
    return secret


def invited(connection: Connection, secret: str, now: datetime) -> Invitation | None:
    """Whose link this is; None where it was used, or is over."""
    mine = sa.and_(links.c.secret_hash == digest(secret), links.c.expires_at > now)
    row = connection.execute(sa.select(links.c.staff_id, links.c.totp).where(mine)).first()
    found = people.get(connection, row.staff_id) if row else None
    return Invitation(found, row.totp) if row and found else None


def hashed(one: Staff, password: str, again: str) -> str:
    """What is kept of a new password; takes a tenth of a second, so that no transaction should wait for it. Raises Refused."""
    if len(password) < SHORTEST or password == one.login or len(set(password)) < 4:
        raise Refused(f"密码至少 {SHORTEST} 个字符，不能只是几个字符反复。可以用一句只有您知道的话。")
    if password != again:
        raise Refused("两次写的密码不一样。")
    return _hasher().hash(password)


def enrol(connection: Connection, secret: str, password: str, code: str, now: datetime) -> Sequence[str]:
    """Use a link: from now on this password (as `hashed`) and this phone prove who it is. The recovery codes, told once.
    Raises Refused."""
    invitation = invited(connection, secret, now)
    if invitation is None:
        raise Refused(OVER)
    one, step = invitation.staff, _step(invitation.totp, "".join(code.split()), now)
    if step is None:
        raise Refused("手机上的六位数不对。请用验证器扫码以后，写它现在显示的六位数。")
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(CODES)]
    values = {
        "password": password,
        "totp": invitation.totp,
        "step": step,
        "recovery": " ".join(map(digest, codes)),
    }
    connection.execute(staff.update().where(staff.c.id == one.id).values(values))
    connection.execute(links.delete().where(links.c.staff_id == one.id))
    return codes


# --- proving who one is ------------------------------------------------------------------------------------------


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # Argon2id, 64 MiB, three passes (RFC 9106, section 4)


@cache
def _nobody() -> str:
    return _hasher().hash(secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody says that they are this colleague; None where there is none, who costs as much time."""

    staff: Staff | None
    password: str

    def proved_by(self, password: str) -> Staff | None:
        """The colleague, where this is their password. Takes a tenth of a second: in no transaction."""
        try:
            _hasher().verify(self.password or _nobody(), password)
        except (VerificationError, InvalidHashError):
            return None
        return self.staff if self.password else None


def claimed(connection: Connection, login: str) -> Claim:
    """Who is said to be at the door; whoever is locked is nobody."""
    row = connection.execute(
        sa.select(staff).where(staff.c.login == login, staff.c.locked_at.is_(None))
    ).first()
    return Claim(people.of_row(row), row.password) if row else Claim(None, "")


def takes(connection: Connection, number: int, code: str, now: datetime) -> bool:
    """Whether this code of the phone, or this recovery code, counts for the colleague now; none counts twice."""
    row = connection.execute(sa.select(staff).where(staff.c.id == number)).one()
    typed = "".join(code.split()).lower()
    step = _step(row.totp, typed, now)
    if step is not None:
        newer = sa.and_(staff.c.id == number, staff.c.step < step)
        return bool(connection.execute(staff.update().where(newer).values(step=step)).rowcount)
    left = row.recovery.split()
    if digest(typed) not in left:
        return False
    left.remove(digest(typed))
    same = sa.and_(staff.c.id == number, staff.c.recovery == row.recovery)
    return bool(connection.execute(staff.update().where(same).values(recovery=" ".join(left))).rowcount)


def _step(totp: str, code: str, now: datetime) -> int | None:
    """The step of time whose code this is: this one, or the one before or after it."""
    if not totp or not re.fullmatch(r"[0-9]{6}", code):
        return None
    clock, here = pyotp.TOTP(totp), int(now.timestamp()) // STEP_S
    near = (
        step for step in (here, here - 1, here + 1) if secrets.compare_digest(clock.at(step * STEP_S), code)
    )
    return next(near, None)
