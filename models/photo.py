"""Photos that people sent, as rows: their sizes, whose they are, and whether others may see them. The original is not kept.

awaited  it is still at WeChat, where a job fetches it
pending  nobody of the staff has looked at it yet
shown    everybody may see it
hidden   only its person sees it; the reason says why
proof    only the staff see it: it proves that something was handed over
broken   it was no photo, or WeChat gave it no more; the reason says which

A photo that nothing came of, because its form was never sent, goes after a week. Those of the staff have no person.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ground.photo import Photo as Read
from models.base import MARIADB, Connection, Data, Id, Number, Utc, Words, metadata
from models.rows import add as add_row

AWAITED, PENDING, SHOWN, HIDDEN, BROKEN = "awaited", "pending", "shown", "hidden", "broken"
PROOF = "proof"
MOST = 20  # of one person in one edition
KEPT = timedelta(days=7)  # without anything that came of it
LEASE = timedelta(minutes=3)  # for one fetching
AT_WECHAT = timedelta(days=3)  # platform guide, 获取临时素材

photos = sa.Table(
    "photos",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),  # the number that staff call it by
    sa.Column("key", Id(32), nullable=False, unique=True),  # in its address; cannot be guessed
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("slot", sa.Integer, nullable=False),  # the person's first, second … one
    sa.Column("state", Id(8), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("media_id", Id(128), nullable=False),  # '' for one that came through a page
    sa.Column("digest", Id(64), nullable=False),  # of what was sent; '' while it is awaited
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column("sent_at", Utc()),  # when its form was sent
    sa.Column("not_before", Utc()),  # of an awaited one: when it is asked for next
    sa.UniqueConstraint("edition_id", "openid", "slot"),
    sa.Index("ix_photos_openid", "openid"),
    sa.Index("ix_photos_state", "state", "not_before"),
    **MARIADB,
)

photo_sizes = sa.Table(
    "photo_sizes",
    metadata,
    sa.Column("photo_id", Number(), sa.ForeignKey("photos.id"), primary_key=True, autoincrement=False),
    sa.Column("size", Id(8), primary_key=True),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("data", Data(), nullable=False),  # JPEG
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One row of `photos`."""

    id: int
    key: str
    edition_id: int
    openid: str | None
    state: str
    reason: str
    media_id: str
    created_at: datetime
    sent_at: datetime | None


_COLUMNS = [photos.c[name] for name in Photo.__slots__]


def add(
    connection: Connection, edition_id: int, openid: str | None, read: Read, state: str, now: datetime
) -> str | None:
    """Keep a photo and give its key; the same one again has the same key. None where the person has sent too many."""
    mine = sa.and_(photos.c.edition_id == edition_id, photos.c.openid == openid)
    same = sa.and_(mine, photos.c.digest == read.digest, photos.c.sent_at.is_(None))
    known = connection.execute(sa.select(photos.c.key).where(same).limit(1)).scalar() if openid else None
    key = known or _write(connection, edition_id, openid, state, now, digest=read.digest)
    if key is not None and known is None:
        _write_sizes(connection, key, read)
    return key


def await_one(
    connection: Connection, edition_id: int, openid: str, media_id: str, now: datetime
) -> str | None:
    """Note a photo that is still at WeChat and give its key; None where the person has sent too many."""
    return _write(connection, edition_id, openid, AWAITED, now, media_id=media_id, not_before=now)


def _write(
    connection: Connection, edition_id: int, openid: str | None, state: str, now: datetime, *,
    media_id: str = "", digest: str = "", not_before: datetime | None = None,
) -> str | None:  # fmt: skip
    key = secrets.token_urlsafe(16)
    row = {
        "key": key, "edition_id": edition_id, "openid": openid, "state": state, "reason": "", "media_id": media_id,
        "digest": digest, "created_at": now, "not_before": not_before,
    }  # fmt: skip
    mine = sa.and_(photos.c.edition_id == edition_id, photos.c.openid == openid)
    taken = set(connection.execute(sa.select(photos.c.slot).where(mine)).scalars()) if openid else set()
    free = (slot for slot in range(1, MOST + 1) if slot not in taken)
    return next((key for slot in free if add_row(connection, photos, {**row, "slot": slot})), None)


def _write_sizes(connection: Connection, key: str, read: Read) -> None:
    photo_id = connection.execute(sa.select(photos.c.id).where(photos.c.key == key)).scalar_one()
    for name, size in read.sizes.items():
        values = {"photo_id": photo_id, "size": name, "width": size.width, "height": size.height}
        add_row(connection, photo_sizes, {**values, "data": size.data})


# --- looking -----------------------------------------------------------------------------------------------------


def get(connection: Connection, key: str) -> Photo | None:
    """The photo of this key."""
    row = connection.execute(sa.select(*_COLUMNS).where(photos.c.key == key)).first()
    return Photo(*row) if row else None


def get_by_id(connection: Connection, number: int) -> Photo | None:
    """The photo that staff call by this number, of any edition."""
    row = connection.execute(sa.select(*_COLUMNS).where(photos.c.id == number)).first()
    return Photo(*row) if row else None


def numbered(connection: Connection, edition_id: int, number: int) -> Photo | None:
    """The photo of this edition that staff call by this number."""
    here = sa.and_(photos.c.id == number, photos.c.edition_id == edition_id)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Photo(*row) if row else None


def of(connection: Connection, keys: Iterable[str]) -> dict[str, Photo]:
    """The photos of these keys."""
    query = sa.select(*_COLUMNS).where(photos.c.key.in_(list(keys)))
    return {row.key: Photo(*row) for row in connection.execute(query)}


def data(connection: Connection, photo_id: int, size: str) -> bytes | None:
    """The JPEG of this size."""
    here = sa.and_(photo_sizes.c.photo_id == photo_id, photo_sizes.c.size == size)
    return connection.execute(sa.select(photo_sizes.c.data).where(here)).scalar()


def of_edition(
    connection: Connection, edition_id: int, states: Sequence[str], limit: int = 1000
) -> list[Photo]:
    """Those that were sent with a form, in these states, the oldest first."""
    here = sa.and_(
        photos.c.edition_id == edition_id, photos.c.state.in_(states), photos.c.sent_at.is_not(None)
    )
    query = sa.select(*_COLUMNS).where(here).order_by(photos.c.id).limit(limit)
    return [Photo(*row) for row in connection.execute(query)]


def mine(connection: Connection, openid: str, states: Sequence[str]) -> list[Photo]:
    """This person's photos in these states, of every edition, the newest first."""
    here = sa.and_(photos.c.openid == openid, photos.c.state.in_(states), photos.c.sent_at.is_not(None))
    return [
        Photo(*row)
        for row in connection.execute(sa.select(*_COLUMNS).where(here).order_by(photos.c.id.desc()))
    ]


# --- what becomes of it ------------------------------------------------------------------------------------------


def send(connection: Connection, edition_id: int, openid: str, key: str, now: datetime) -> bool:
    """Its form was sent: from now on it stays. Whether it is this person's, and usable."""
    mine = sa.and_(photos.c.key == key, photos.c.edition_id == edition_id, photos.c.openid == openid)
    usable = sa.and_(mine, photos.c.state != BROKEN)
    return bool(connection.execute(photos.update().where(usable).values(sent_at=now)).rowcount)


def judge(connection: Connection, photo_id: int, states: Sequence[str], state: str, reason: str = "") -> bool:
    """Let others see it, or not; whether it was in one of these states."""
    here = sa.and_(photos.c.id == photo_id, photos.c.state.in_(states))
    return bool(connection.execute(photos.update().where(here).values(state=state, reason=reason)).rowcount)


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest one waits for the staff; None where none does."""
    here = sa.and_(
        photos.c.edition_id == edition_id, photos.c.state == PENDING, photos.c.sent_at.is_not(None)
    )
    return connection.execute(sa.select(sa.func.min(photos.c.sent_at, type_=Utc())).where(here)).scalar()


def due(connection: Connection, now: datetime, limit: int = 10) -> list[Photo]:
    """Those that are to be fetched from WeChat now."""
    here = sa.and_(photos.c.state == AWAITED, photos.c.not_before <= now)
    query = sa.select(*_COLUMNS).where(here).order_by(photos.c.not_before).limit(limit)
    return [Photo(*row) for row in connection.execute(query)]


def claim(connection: Connection, one: Photo, now: datetime) -> bool:
    """Fetch it, nobody else for a while; whether this call may."""
    here = sa.and_(photos.c.id == one.id, photos.c.state == AWAITED, photos.c.not_before <= now)
    return bool(connection.execute(photos.update().where(here).values(not_before=now + LEASE)).rowcount)


def arrived(connection: Connection, one: Photo, read: Read) -> bool:
    """It was fetched; whether it was still wanted."""
    here = sa.and_(photos.c.id == one.id, photos.c.state == AWAITED)
    values = {"state": PENDING, "digest": read.digest, "not_before": None}
    if not connection.execute(photos.update().where(here).values(values)).rowcount:
        return False
    _write_sizes(connection, one.key, read)
    return True


def broke(connection: Connection, one: Photo, reason: str) -> bool:
    """It will never be fetched; whether this call found out."""
    here = sa.and_(photos.c.id == one.id, photos.c.state == AWAITED)
    values = {"state": BROKEN, "reason": reason, "not_before": None}
    return bool(connection.execute(photos.update().where(here).values(values)).rowcount)


def replace(connection: Connection, one: Photo, read: Read) -> bool:
    """Put another one into its place, to be looked at anew; whether it was one that nobody may see."""
    here = sa.and_(photos.c.id == one.id, photos.c.state.in_((HIDDEN, BROKEN)))
    values = {"state": PENDING, "digest": read.digest, "reason": ""}
    if not connection.execute(photos.update().where(here).values(values)).rowcount:
        return False
    connection.execute(photo_sizes.delete().where(photo_sizes.c.photo_id == one.id))
    _write_sizes(connection, one.key, read)
    return True


def await_another(connection: Connection, one: Photo, media_id: str, now: datetime) -> bool:
    """Fetch another one into the place of one that broke; whether it had."""
    here = sa.and_(photos.c.id == one.id, photos.c.state == BROKEN)
    values = {"state": AWAITED, "media_id": media_id, "reason": "", "created_at": now, "not_before": now}
    return bool(connection.execute(photos.update().where(here).values(values)).rowcount)


def sweep(connection: Connection, now: datetime) -> int:
    """Throw away what nothing came of; how many."""
    return _delete(
        connection,
        sa.and_(photos.c.sent_at.is_(None), photos.c.openid.is_not(None), photos.c.created_at < now - KEPT),
    )


def drop(connection: Connection, keys: Sequence[str]) -> None:
    """Throw these away."""
    for first in range(0, len(keys), 1000):
        _delete(connection, photos.c.key.in_(keys[first : first + 1000]))


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget this person's photos."""
    mine = photos.c.openid == openid
    _delete(connection, mine if until is None else sa.and_(mine, photos.c.created_at <= until))


def _delete(connection: Connection, which: sa.ColumnElement[bool]) -> int:
    ids = list(connection.execute(sa.select(photos.c.id).where(which).limit(1000)).scalars())
    if ids:
        connection.execute(photo_sizes.delete().where(photo_sizes.c.photo_id.in_(ids)))
        connection.execute(photos.delete().where(photos.c.id.in_(ids)))
    return len(ids)


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """This person's photos, by the address at which they see them."""
    query = sa.select(*_COLUMNS).where(photos.c.openid == openid).order_by(photos.c.id)
    found = [Photo(*row) for row in connection.execute(query)]
    return [
        {
            "edition_id": str(one.edition_id),
            "photo": f"/h5/photo/{one.key}/large",
            "state": one.state,
            "reason": one.reason,
            "sent_at": (one.sent_at or one.created_at).isoformat(),
        }
        for one in found
    ]
