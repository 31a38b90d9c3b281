"""Hand-outs: which goods went to whom, by whose hand, and the proof. Each item goes to a person once.

`held` is the item while it stands and NULL once it was taken back; UNIQUE with the sign-up and with the person keeps the once. When a
person is forgotten, item, date and proof stay until their time of keeping is over, and the openid becomes a mark: HMAC-SHA256 under
the row's own salt, so that whoever comes back does not get the same again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.rows import add
from models.sealed import Sealed

SELF, TYPED, DRAWN, PHOTO = "self", "typed", "drawn", "photo"  # what proves it
MARK = "~"  # no openid begins so

handouts = sa.Table(
    "handouts",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("sign_up_id", Number(), sa.ForeignKey("sign_ups.id"), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("item", Id(32), nullable=False),
    sa.Column("held", Id(32)),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column(
        "proxy", Sealed("handouts.proxy"), nullable=False
    ),  # who took it for the person; '' for themselves
    sa.Column("proof", Id(8), nullable=False),
    sa.Column("signed", Sealed("handouts.signed"), nullable=False),  # the typed name
    sa.Column("photo", Id(32)),  # the key of a drawn signature or a photo
    sa.Column("salt", Id(32), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.UniqueConstraint("sign_up_id", "held"),
    sa.UniqueConstraint("edition_id", "openid", "held"),
    sa.Index("ix_handouts_openid", "openid"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Handout:
    """One row of `handouts`."""

    id: int
    edition_id: int
    sign_up_id: int
    openid: str | None
    item: str
    held: str | None
    quantity: int
    proxy: str
    proof: str
    signed: str
    photo: str | None
    salt: str
    staff: str
    at: datetime


@dataclass(frozen=True, slots=True)
class New:
    """Goods that are given out now."""

    edition_id: int
    sign_up_id: int
    openid: str | None
    item: str
    quantity: int
    staff: str
    proxy: str = ""
    proof: str = SELF
    signed: str = ""
    photo: str | None = None


_COLUMNS = [handouts.c[name] for name in Handout.__slots__]


def give(connection: Connection, new: New, now: datetime) -> bool:
    """Write it down; False where this person, or this sign-up, has got the item."""
    if new.openid and _had_before(connection, new):
        return False
    row = {name: getattr(new, name) for name in New.__slots__}
    return add(connection, handouts, {**row, "held": new.item, "salt": secrets.token_hex(16), "at": now})


def _had_before(connection: Connection, new: New) -> bool:
    """Whether somebody who was forgotten and had the item is this person."""
    here = sa.and_(
        handouts.c.edition_id == new.edition_id,
        handouts.c.held == new.item,
        handouts.c.openid.like(f"{MARK}%"),
    )
    rows = connection.execute(sa.select(handouts.c.openid, handouts.c.salt).where(here))
    return any(hmac.compare_digest(row.openid, _mark(row.salt, new.openid or "")) for row in rows)


def _mark(salt: str, openid: str) -> str:
    return MARK + hmac.new(salt.encode(), openid.encode(), hashlib.sha256).hexdigest()


def take_back(connection: Connection, one: Handout) -> bool:
    """It did not go to them after all; whether this call said so. The row stays."""
    here = sa.and_(handouts.c.id == one.id, handouts.c.held.is_not(None))
    return bool(connection.execute(handouts.update().where(here).values(held=None)).rowcount)


def of_sign_up(connection: Connection, sign_up_id: int) -> list[Handout]:
    """What stands of this sign-up."""
    here = sa.and_(handouts.c.sign_up_id == sign_up_id, handouts.c.held.is_not(None))
    query = sa.select(*_COLUMNS).where(here).order_by(handouts.c.id)
    return [Handout(*row) for row in connection.execute(query)]


def of_edition(connection: Connection, edition_id: int, limit: int = 100_000) -> list[Handout]:
    """All of an edition, also what was taken back."""
    query = sa.select(*_COLUMNS).where(handouts.c.edition_id == edition_id).order_by(handouts.c.id)
    return [Handout(*row) for row in connection.execute(query.limit(limit))]


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget whose they were; item, date and proof stay for as long as they are kept."""
    mine = handouts.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, handouts.c.at <= until)
    for row in connection.execute(sa.select(handouts.c.id, handouts.c.salt).where(mine)).all():
        mark = _mark(row.salt, openid)
        connection.execute(handouts.update().where(handouts.c.id == row.id).values(openid=mark))


def knows(connection: Connection, edition_id: int) -> bool:
    """Whether persons or proofs of an edition are kept."""
    here = sa.and_(handouts.c.edition_id == edition_id, handouts.c.salt != "")
    return connection.execute(sa.select(handouts.c.id).where(here).limit(1)).first() is not None


def hush(connection: Connection, edition_id: int) -> list[str]:
    """Take persons and proofs out of an edition whose time of keeping is over; the keys of the photos to be thrown away."""
    here = sa.and_(handouts.c.edition_id == edition_id, handouts.c.salt != "")
    keys = list(
        connection.execute(sa.select(handouts.c.photo).where(here, handouts.c.photo.is_not(None))).scalars()
    )
    gone = {"openid": None, "proxy": "", "signed": "", "photo": None, "salt": ""}
    connection.execute(handouts.update().where(here).values(gone))
    return [key for key in keys if key]


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person got."""
    query = sa.select(*_COLUMNS).where(handouts.c.openid == openid).order_by(handouts.c.id)
    return [
        {
            "item": one.item, "quantity": str(one.quantity), "proxy": one.proxy, "at": one.at.isoformat(),
            "stands": "yes" if one.held else "no",
        }
        for one in [Handout(*row) for row in connection.execute(query)]
    ]  # fmt: skip
