"""Pushes: one row for each time that a push is due, with its content frozen and its state in words staff can act on.

due        its time has come; who gets it is being written down
sending    the workers are at it
paused     a person or a fault stopped it; `push resume` goes on, `push cancel` ends it
finished   nothing is open any more
missed     found too late; `push start` sends it all the same
cancelled  a person ended it; what had not gone out stays unsent
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Connection, Id, Utc, Words, metadata
from models.listing import Listing

DUE, SENDING, PAUSED, FINISHED, MISSED, CANCELLED = (
    "due",
    "sending",
    "paused",
    "finished",
    "missed",
    "cancelled",
)
OPEN = (DUE, SENDING, PAUSED)
STATES = (*OPEN, FINISHED, MISSED, CANCELLED)

pushes = sa.Table(
    "pushes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("name", Id(160), nullable=False),  # CAMPAIGN/PUSH
    sa.Column("due_at", Utc(), nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("key", Id(16), nullable=False),  # begins the ids that WeChat remembers us by
    sa.Column("channel", Id(16), nullable=False),
    sa.Column("audience", Words(), nullable=False),  # as the staff wrote it
    sa.Column("content", Words(), nullable=False),  # JSON, as it was when the push started
    sa.Column("late_ok_s", sa.Integer, nullable=False),  # how late it may still begin
    sa.Column("missed", Id(8)),  # what becomes of it when it is later: ask or skip
    sa.Column("quiet", Id(16)),  # the hours in which it does not begin late, 22:00-07:00
    sa.Column("size", sa.Integer),  # of the audience, once it is all written down
    sa.Column("planned_up_to", Id(128), nullable=False),  # the last recipient written down
    sa.Column("not_before", Utc()),  # WeChat asked us to wait
    sa.Column("errcode", sa.Integer),
    sa.Column("reason", Words(), nullable=False),  # why it is paused, missed or cancelled, in Chinese
    sa.Column("created_at", Utc(), nullable=False),
    sa.Column(
        "started_at", Utc()
    ),  # since when it may go on however late it is: a worker or a person took it up
    sa.Column("finished_at", Utc()),
    sa.Column("updated_at", Utc(), nullable=False),
    sa.UniqueConstraint("name", "due_at"),
    sa.Index("ix_pushes_state", "state", "due_at"),
    **MARIADB,
)


LISTING = Listing(
    {name: pushes.c[name] for name in ("id", "name", "due_at", "channel", "state", "size", "reason")},
    pushes,
    pushes.c.due_at,
    finds=(pushes.c.name,),
    state=pushes.c.state,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push will say, by which channel, to whom; `content` is JSON."""

    name: str
    channel: str
    audience: str
    content: str
    late_ok: timedelta = timedelta(minutes=30)
    missed: str = "ask"
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One push at one due time, as its row stands."""

    id: int
    name: str
    due_at: datetime
    state: str
    key: str
    channel: str
    audience: str
    content: str
    late_ok_s: int
    missed: str | None
    quiet: str | None
    size: int | None
    planned_up_to: str
    not_before: datetime | None
    errcode: int | None
    reason: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


_COLUMNS = [pushes.c[name] for name in Occasion.__slots__]


def owe(
    connection: Connection,
    plan: Plan,
    due_at: datetime,
    now: datetime,
    state: str = DUE,
    reason: str = "",
    *,
    asked: bool = False,
) -> int | None:
    """Write down that this push is due then: its id, or None when that was written before (by whichever process).

    `asked`: a person wants it, so that it is never too late."""
    values = {
        "name": plan.name,
        "due_at": due_at,
        "state": state,
        "key": _key(plan.name, due_at),
        "channel": plan.channel,
        "audience": plan.audience,
        "content": plan.content,
        "late_ok_s": int(plan.late_ok.total_seconds()),
        "missed": plan.missed,
        "quiet": plan.quiet,
        "planned_up_to": "",
        "reason": reason,
        "started_at": now if asked else None,
        "created_at": now,
        "updated_at": now,
    }
    try:
        with connection.begin_nested():
            written = connection.execute(pushes.insert().values(values)).inserted_primary_key
    except IntegrityError:
        return None
    return int(written[0]) if written else None


def _key(name: str, due_at: datetime) -> str:
    """The same for the same push at the same time, also on a database that was lost and made anew."""
    return hashlib.sha256(f"{name}\n{due_at.isoformat()}".encode()).hexdigest()[:16]


def get(connection: Connection, push_id: int) -> Occasion | None:
    """The push of this id."""
    row = connection.execute(sa.select(*_COLUMNS).where(pushes.c.id == push_id)).first()
    return Occasion(*row) if row else None


def standing(connection: Connection, states: Sequence[str], now: datetime | None = None) -> list[Occasion]:
    """The pushes in these states, the oldest first; with `now`, only those that are due and need not wait."""
    query = sa.select(*_COLUMNS).where(pushes.c.state.in_(states))
    if now is not None:
        rested = sa.or_(pushes.c.not_before.is_(None), pushes.c.not_before <= now)
        query = query.where(pushes.c.due_at <= now, rested)
    rows = connection.execute(query.order_by(pushes.c.due_at, pushes.c.id).limit(500))
    return [Occasion(*row) for row in rows]


def latest(connection: Connection, name: str, states: Sequence[str] = STATES) -> Occasion | None:
    """The newest push of this name in one of these states."""
    query = sa.select(*_COLUMNS).where(pushes.c.name == name, pushes.c.state.in_(states))
    row = connection.execute(query.order_by(pushes.c.due_at.desc(), pushes.c.id.desc()).limit(1)).first()
    return Occasion(*row) if row else None


def at(connection: Connection, name: str, due_at: datetime) -> Occasion | None:
    """The push of this name at this due time."""
    query = sa.select(*_COLUMNS).where(pushes.c.name == name, pushes.c.due_at == due_at)
    row = connection.execute(query).first()
    return Occasion(*row) if row else None


def lately(connection: Connection, name: str, since: datetime) -> Occasion | None:
    """The newest push of this name that has gone out, or is about to, since then."""
    at = sa.func.coalesce(pushes.c.finished_at, pushes.c.started_at, pushes.c.due_at)
    out = sa.and_(pushes.c.name == name, pushes.c.state.in_((*OPEN, FINISHED)), at >= since)
    row = connection.execute(sa.select(*_COLUMNS).where(out).order_by(pushes.c.id.desc()).limit(1)).first()
    return Occasion(*row) if row else None


def take_back(connection: Connection, name: str, now: datetime) -> datetime | None:
    """Forget that the next push of this name was called off before its time: when it is due, None where none was.

    Its row goes, and the timetable makes it anew when the time comes."""
    untouched = sa.and_(pushes.c.planned_up_to == "", pushes.c.started_at.is_(None))
    off = sa.and_(pushes.c.name == name, pushes.c.state == CANCELLED, pushes.c.due_at > now, untouched)
    first = sa.select(pushes.c.id, pushes.c.due_at).where(off).order_by(pushes.c.due_at).limit(1)
    row = connection.execute(first).first()
    if row is None or not connection.execute(pushes.delete().where(off, pushes.c.id == row.id)).rowcount:
        return None
    due_at: datetime = row.due_at
    return due_at


def ended(connection: Connection, since: datetime) -> list[Occasion]:
    """The pushes that finished or were cancelled since then, the newest first."""
    over = sa.and_(pushes.c.state.in_((FINISHED, CANCELLED)), pushes.c.finished_at >= since)
    rows = connection.execute(sa.select(*_COLUMNS).where(over).order_by(pushes.c.id.desc()).limit(500))
    return [Occasion(*row) for row in rows]


def recent(connection: Connection, limit: int = 50) -> list[Occasion]:
    """The pushes that came due last, the newest first."""
    query = sa.select(*_COLUMNS).order_by(pushes.c.due_at.desc(), pushes.c.id.desc()).limit(limit)
    return [Occasion(*row) for row in connection.execute(query)]


def move(
    connection: Connection,
    push_id: int,
    states: Sequence[str],
    state: str,
    now: datetime,
    *,
    reason: str = "",
    errcode: int | None = None,
) -> bool:
    """Bring a push from one of `states` to `state`; False when it stands elsewhere by now."""
    values: dict[str, object] = {"state": state, "reason": reason, "errcode": errcode, "updated_at": now}
    if state == SENDING:
        values |= {"started_at": sa.func.coalesce(pushes.c.started_at, now), "not_before": None}
    if state in (FINISHED, CANCELLED):
        values["finished_at"] = now
    found = sa.and_(pushes.c.id == push_id, pushes.c.state.in_(states))
    return bool(connection.execute(pushes.update().where(found).values(values)).rowcount)


def take_up(connection: Connection, push_id: int, now: datetime) -> None:
    """A worker begins with it in time: whatever holds it up from now on, it is not missed."""
    here = sa.and_(pushes.c.id == push_id, pushes.c.state == DUE, pushes.c.started_at.is_(None))
    connection.execute(pushes.update().where(here).values(started_at=now))


def pause(
    connection: Connection, push_id: int, now: datetime, reason: str = "", errcode: int | None = None
) -> bool:
    """Stop a push where it stands; False when it was not under way."""
    return move(connection, push_id, (DUE, SENDING), PAUSED, now, reason=reason, errcode=errcode)


def resume(connection: Connection, push_id: int, now: datetime) -> bool:
    """Go on with a paused push where it stood, however late it is; False when it was not paused."""
    push = get(connection, push_id)
    if push is None:
        return False
    to = DUE if push.size is None else SENDING
    if not move(connection, push_id, (PAUSED,), to, now):
        return False
    values = {"started_at": sa.func.coalesce(pushes.c.started_at, now), "not_before": None}
    connection.execute(pushes.update().where(pushes.c.id == push_id).values(values))
    return True


def hold(connection: Connection, which: int | str, until: datetime, now: datetime, reason: str) -> None:
    """Let a push (its id), or all that go out by a channel (its name), wait until then; they go on by themselves."""
    found = pushes.c.id == which if isinstance(which, int) else pushes.c.channel == which
    values = {"not_before": until, "reason": reason, "updated_at": now}
    here = sa.and_(found, pushes.c.state.in_((DUE, SENDING)))
    connection.execute(pushes.update().where(here).values(values))


def go_on(connection: Connection, push_id: int, now: datetime) -> None:
    """What it waited for has come: it waits no longer, and nothing is said of it any more."""
    values = {"not_before": None, "reason": "", "updated_at": now}
    here = sa.and_(pushes.c.id == push_id, pushes.c.state.in_((DUE, SENDING)), pushes.c.not_before <= now)
    connection.execute(pushes.update().where(here).values(values))
