"""The ledger's four verbs: plan what a push owes, claim some of it, settle what became of it, release what a dead worker held.

A claim is one short transaction, committed before the call; its holder's word stands in the row, and only that holder
may settle it, so a worker that slept through its lease changes nothing. No process's memory matters to any of this.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

import sqlalchemy as sa

from ground.days import month_start
from models import quota, shared
from models.base import Connection, Utc
from models.delivery import (
    ALONE,
    CALLED_OFF,
    LEFT,
    NOT_LIVE,
    PLANNED,
    SENT,
    SILENCE,
    SKIPPED,
    SPENT,
    UNKNOWN,
    chunked,
    count,
    deliveries,
    is_open,
    is_person,
)
from models.follower import gone
from models.push import CANCELLED, DUE, FINISHED, SENDING, Occasion, pushes

ATTEMPTS = 5
ROUNDS = 3  # looks for the people of one batch, in one transaction: others wait for the database meanwhile
SMALLEST_BATCH = 2  # platform guide, 根据 OpenID 列表群发: 40130 below
MARGIN = timedelta(seconds=30)  # the far end's memory is trusted for so much less than it promises


@dataclass(frozen=True, slots=True)
class Owed:
    """A recipient to be written down; with a `reason` it is skipped from the start."""

    recipient: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker holds: it may have gone out before if it is a `repeat`."""

    id: int
    recipient: str
    key: str
    attempts: int
    repeat: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some rows. `counted` is False when the call was never made, so that it is no attempt."""

    ids: tuple[int, ...]
    state: str
    reason: str = ""
    far_id: str | None = None
    errcode: int | None = None
    not_before: datetime | None = None
    counted: bool = True
    in_vain: bool = False  # this call and all before it certainly did nothing: WeChat has nothing to remember


@dataclass(frozen=True, slots=True)
class Rules:
    """What a claim obeys: the lease, the far end's memory, the only people who may get anything (None: everyone), and how much
    one of them may get in a month (None: nobody counts)."""

    lease: timedelta = timedelta(minutes=2)
    remembers_for: timedelta | None = None
    only: frozenset[str] | None = None
    batch: int = 1
    per_month: int | None = None


# --- plan --------------------------------------------------------------------------------------------------------


def plan(
    connection: Connection, push: Occasion, owed: Sequence[Owed], after: str, up_to: str, now: datetime
) -> bool:
    """Write down the next recipients, those after `after`; False when another worker did, or the push stands still."""
    here = sa.and_(pushes.c.id == push.id, pushes.c.state == DUE, pushes.c.planned_up_to == after)
    mark = pushes.update().where(here).values(planned_up_to=up_to, updated_at=now)
    if not connection.execute(mark).rowcount:
        return False
    for reason in sorted({one.reason for one in owed}):
        recipients = [one.recipient for one in owed if one.reason == reason]
        _write_down(connection, push, recipients, reason, now)
    return True


# One parameter with a thousand texts instead of thousands of parameters: a fifth of the processor time on PostgreSQL.
_LISTED = {
    "sqlite": "json_each(:recipients)",
    "postgresql": "json_array_elements_text(CAST(:recipients AS json)) AS listed(value)",
    "mysql": "JSON_TABLE(:recipients, '$[*]' COLUMNS(value VARCHAR(128) PATH '$')) AS listed",
}


def _write_down(
    connection: Connection, push: Occasion, recipients: Sequence[str], reason: str, now: datetime
) -> None:
    """One row for each of these recipients, in their order."""
    insert = sa.text(
        "INSERT INTO deliveries (push_id, channel, recipient, state, attempts, reason, updated_at) "  # noqa: S608 - ours
        f"SELECT :push_id, :channel, value, :state, 0, :reason, :now FROM {_LISTED[connection.dialect.name]}"
    ).bindparams(sa.bindparam("now", type_=Utc()))
    values = {
        "push_id": push.id,
        "channel": push.channel,
        "recipients": json.dumps(recipients),
        "state": SKIPPED if reason else PLANNED,
        "reason": reason,
        "now": now,
    }
    connection.execute(insert, values)


def planned(connection: Connection, push_id: int, now: datetime) -> int | None:
    """All recipients are written down: the push is `sending`, and this is its size; None when it stands still."""
    mine = deliveries.c.push_id == push_id
    size: int = connection.execute(
        sa.select(sa.func.count()).select_from(deliveries).where(mine)
    ).scalar_one()
    values = {"state": SENDING, "size": size, "updated_at": now, "reason": ""}
    values["started_at"] = sa.func.coalesce(pushes.c.started_at, now)
    here = sa.and_(pushes.c.id == push_id, pushes.c.state == DUE)
    return size if connection.execute(pushes.update().where(here).values(values)).rowcount else None


# --- claim -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    recipient: str
    key: str | None
    attempts: int
    tried_at: datetime | None


_CLAIM = [deliveries.c[name] for name in _Row.__slots__]


def claim(
    connection: Connection,
    push: Occasion,
    wanted: int,
    holder: str,
    rules: Rules,
    now: datetime,
    *,
    again: bool = False,
) -> list[Claimed]:
    """Take at most `wanted` rows of a push (or one batch) and mark them `sending`; [] while halted or not sending.

    Commit before calling; `again`: only what may have gone out before. Rows of people who left, or who may not get anything
    yet or any more, are skipped here.
    """
    here = sa.select(pushes.c.state).where(pushes.c.id == push.id)
    if rules.batch > 1:
        here = here.with_for_update()  # one at a time forms batches, so that nobody is left over alone
    if connection.execute(here).scalar() != SENDING or shared.halted(connection) is not None:
        return []
    ready = sa.select(*_CLAIM).where(_ready(push.id, rules, now)).order_by(deliveries.c.id)
    if again:
        ready = ready.where(deliveries.c.tried_at.is_not(None))
    if rules.batch > 1:
        rows = _one_batch(connection, push, ready, rules, now)
    else:
        rows = _rows(connection, ready.limit(wanted).with_for_update(skip_locked=True))
        rows = _wanted(connection, push, rows, rules, now)
    return _hold(connection, push, _allowed(connection, rows, rules, now), holder, rules, now)


def _rows(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[_Row]:
    return [
        _Row(row.id, row.recipient, row.key, row.attempts, row.tried_at) for row in connection.execute(query)
    ]


def _ready(push_id: int, rules: Rules, now: datetime) -> sa.ColumnElement[bool]:
    fresh: sa.ColumnElement[bool] = deliveries.c.tried_at.is_(None)
    if rules.remembers_for is not None:
        fresh = sa.or_(fresh, deliveries.c.tried_at > now - rules.remembers_for + MARGIN)
    rested = sa.or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= now)
    return sa.and_(deliveries.c.push_id == push_id, deliveries.c.state == PLANNED, fresh, rested)


def _wanted(
    connection: Connection, push: Occasion, rows: Sequence[_Row], rules: Rules, now: datetime
) -> list[_Row]:
    """The rows without those of people who left since the plan, and of those who got all that they may get this month; what
    may have gone out to them is tried again."""
    people = [row.recipient for row in rows if row.tried_at is None]
    left = gone(connection, people)
    spent: set[str] = set()
    if rules.per_month is not None:
        spent = (
            quota.full(connection, push.channel, people, month_start(now), rules.per_month, push.id) - left
        )
    for reason, whose in ((LEFT, left), (SPENT, spent)):
        for ids in chunked([row.id for row in rows if row.tried_at is None and row.recipient in whose]):
            _skip(connection, deliveries.c.id.in_(ids), reason, now)
    return [row for row in rows if row.tried_at is not None or row.recipient not in left | spent]


def _allowed(connection: Connection, rows: Sequence[_Row], rules: Rules, now: datetime) -> Sequence[_Row]:
    """The rows without those who may not get anything while the account is not live."""
    if rules.only is None:
        return rows
    barred = [row for row in rows if row.recipient not in rules.only]
    for state, some in (
        (SKIPPED, [row.id for row in barred if row.tried_at is None]),
        (UNKNOWN, [row.id for row in barred if row.tried_at is not None]),
    ):
        for ids in chunked(some):
            _end(connection, deliveries.c.id.in_(ids), state, NOT_LIVE, now)
    return [row for row in rows if row.recipient in rules.only]


def _end(
    connection: Connection, which: sa.ColumnElement[bool], state: str, reason: str, now: datetime
) -> None:
    values = {"state": state, "reason": reason, "updated_at": now}
    connection.execute(deliveries.update().where(deliveries.c.state == PLANNED, which).values(values))


def _skip(connection: Connection, which: sa.ColumnElement[bool], reason: str, now: datetime) -> None:
    _end(connection, which, SKIPPED, reason, now)


def _one_batch(
    connection: Connection,
    push: Occasion,
    ready: sa.Select[tuple[object, ...]],
    rules: Rules,
    now: datetime,
) -> list[_Row]:
    """The rows of one mass call: one that was formed before, or everyone or a tag, or the next people."""
    first = _rows(connection, ready.limit(1))
    if not first:
        return []
    if first[0].key is not None:
        return _rows(connection, ready.where(deliveries.c.key == first[0].key))
    if not is_person(first[0].recipient):
        return _wanted(connection, push, first, rules, now)
    untouched = ready.where(deliveries.c.key.is_(None))
    found: list[_Row] = []
    last, more = 0, True
    for _ in range(ROUNDS):
        some = _rows(connection, untouched.where(deliveries.c.id > last).limit(rules.batch + 2 - len(found)))
        more = len(some) == rules.batch + 2 - len(found)
        people = [row for row in some if is_person(row.recipient)]
        found += _allowed(connection, _wanted(connection, push, people, rules, now), rules, now)
        if not more or len(found) > rules.batch:
            break
        last = some[-1].id
    return _neither_alone(connection, found, more, rules.batch, now)


def _neither_alone(
    connection: Connection, found: list[_Row], more: bool, limit: int, now: datetime
) -> list[_Row]:
    """The next batch, so that nobody is left over alone for the one after it."""
    if len(found) == limit + 1 and not more:  # so the next batch gets two
        return found[: limit - 1]
    if len(found) >= SMALLEST_BATCH:
        return found[:limit]
    if not more:
        for row in found:
            _skip(connection, deliveries.c.id == row.id, ALONE, now)
    return []


def _hold(
    connection: Connection, push: Occasion, rows: Sequence[_Row], holder: str, rules: Rules, now: datetime
) -> list[Claimed]:
    """Mark the rows as held; each keeps the id under which it first went out."""
    batch = _key(push.key, "\n".join(sorted(row.recipient for row in rows))) if rules.batch > 1 else ""
    claimed = []
    for row in rows:
        key = row.key or batch or _key(push.key, row.recipient)
        claimed.append(Claimed(row.id, row.recipient, key, row.attempts + 1, row.tried_at is not None))
    values = {
        "state": SENDING,
        "holder": holder,
        "lease_until": now + rules.lease,
        "attempts": deliveries.c.attempts + 1,
        "tried_at": sa.func.coalesce(deliveries.c.tried_at, now),
        "updated_at": now,
    }
    if batch:
        for some in chunked([one.id for one in claimed]):
            these = deliveries.c.id.in_(some)
            connection.execute(deliveries.update().where(these).values(**values, key=claimed[0].key))
    elif claimed:
        this = deliveries.c.id == sa.bindparam("its_id")
        update = deliveries.update().where(this).values(**values, key=sa.bindparam("its_key"))
        connection.execute(update, [{"its_id": one.id, "its_key": one.key} for one in claimed])
    return claimed


def _key(push_key: str, rest: str) -> str:
    """32 ASCII bytes, which is as long as WeChat takes: the same for the same push and people."""
    return f"{push_key}{hashlib.sha256(rest.encode()).hexdigest()[:16]}"


def ready(connection: Connection, push_id: int, rules: Rules, now: datetime) -> bool:
    """Whether rows of a push could be claimed now."""
    one = sa.select(deliveries.c.id).where(_ready(push_id, rules, now)).limit(1)
    return connection.execute(one).first() is not None


def under_way(connection: Connection, push_id: int) -> bool:
    """Whether somebody holds a row of this push, or one waits that may have gone out before."""
    held = sa.or_(
        deliveries.c.state == SENDING,
        sa.and_(deliveries.c.state == PLANNED, deliveries.c.tried_at.is_not(None)),
    )
    mine = sa.select(deliveries.c.id).where(deliveries.c.push_id == push_id, held)
    return connection.execute(mine.limit(1)).first() is not None


# --- settle ------------------------------------------------------------------------------------------------------


def settle(connection: Connection, holder: str, outcomes: Iterable[Outcome], now: datetime) -> int:
    """Write what became of rows that this holder still holds; the number of rows that it did hold."""
    number = 0
    mine = sa.and_(deliveries.c.holder == holder, deliveries.c.state == SENDING)
    sent = []
    for outcome in outcomes:
        if outcome.state == SENT and len(outcome.ids) == 1:
            sent.append({"its_id": outcome.ids[0], "its_far_id": outcome.far_id or None})
            continue
        values: dict[str, object] = {
            **_ended(outcome.state, now),
            "reason": outcome.reason,
            "errcode": outcome.errcode,
            "not_before": outcome.not_before,
        }
        if outcome.state == SENT:
            values["far_id"] = outcome.far_id or None
        if outcome.in_vain:
            values["tried_at"] = None
        if not outcome.counted:
            values["attempts"] = deliveries.c.attempts - 1
        for ids in chunked(outcome.ids):
            update = deliveries.update().where(deliveries.c.id.in_(ids), mine).values(values)
            number += connection.execute(update).rowcount
    if sent:  # most rows end like this, so they go in one statement; in order, as all lock them
        sent.sort(key=itemgetter("its_id"))
        values = {**_ended(SENT, now), "far_id": sa.bindparam("its_far_id")}
        update = deliveries.update().where(deliveries.c.id == sa.bindparam("its_id"), mine).values(values)
        number += connection.execute(update, sent).rowcount
    return number


def _ended(state: str, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {"state": state, **_FREE, "updated_at": now}
    if state == SENT:
        values |= {"sent_at": now, "reason": "", "errcode": None, "not_before": None}
    return values


_FREE: dict[str, object] = {"holder": None, "lease_until": None}


def close(connection: Connection, push_id: int, now: datetime) -> bool:
    """Finish a push of which nothing is open; whether it did."""
    here = sa.and_(pushes.c.id == push_id, pushes.c.state == SENDING)
    if connection.execute(sa.select(pushes.c.id).where(here).with_for_update()).scalar() is None:
        return False
    if is_open(connection, push_id):
        return False
    values = {"state": FINISHED, "finished_at": now, "updated_at": now, "not_before": None, "reason": ""}
    return bool(connection.execute(pushes.update().where(here).values(values)).rowcount)


def call_off(connection: Connection, now: datetime) -> None:
    """Let go of what is still planned in cancelled pushes: unsent, or `unknown` where a first try got no answer."""
    ended = sa.select(pushes.c.id).where(pushes.c.state == CANCELLED)
    mine = deliveries.c.push_id.in_(ended)
    _skip(connection, sa.and_(mine, deliveries.c.tried_at.is_(None)), CALLED_OFF, now)
    _end(connection, mine, UNKNOWN, CALLED_OFF, now)
    for (push_id,) in connection.execute(
        sa.select(pushes.c.id).where(pushes.c.size.is_(None), pushes.c.state == CANCELLED)
    ):
        values = {"size": count(connection, push_id)}
        connection.execute(pushes.update().where(pushes.c.id == push_id).values(values))


# --- release -----------------------------------------------------------------------------------------------------


def release(
    connection: Connection,
    channel: str,
    remembers_for: timedelta | None,
    now: datetime,
    gone: Collection[str] = (),
) -> int:
    """Free what a dead worker held: to be sent again while the far end remembers its id, else `unknown`; how many rows.

    Dead is a worker whose lease is over, or who is among the `gone`: those of whose calls none can be under way any more.
    Also gives up rows that waited for a second try until the far end had forgotten them.
    """
    dead = _dead(channel, gone, now)
    number = 0
    if remembers_for is not None:
        fresh = deliveries.c.tried_at > now - remembers_for + MARGIN
        again = sa.and_(dead, fresh, deliveries.c.attempts < ATTEMPTS)
        values: dict[str, object] = {"state": PLANNED, **_FREE, "updated_at": now}
        number += _free(connection, again, values)
    values = {"state": UNKNOWN, "reason": SILENCE, **_FREE, "updated_at": now}
    for lost in (dead, _forgotten(channel, remembers_for, now)):
        number += _free(connection, lost, values)
    return number


def _free(connection: Connection, which: sa.ColumnElement[bool], values: Mapping[str, object]) -> int:
    """Change these rows but those that another worker settles or frees at this moment: whoever waited for them while holding
    others would lock in another order than they do, and one of both would be given up. How many."""
    found = sa.select(deliveries.c.id).where(which).order_by(deliveries.c.id)
    ids = connection.execute(found.with_for_update(skip_locked=True)).scalars().all()
    number = 0
    for some in chunked(ids):
        these = sa.and_(deliveries.c.id.in_(some), which)
        number += connection.execute(deliveries.update().where(these).values(values)).rowcount
    return number


def neglected(
    connection: Connection,
    memories: Mapping[str, timedelta | None],
    now: datetime,
    gone: Collection[str] = (),
) -> bool:
    """Whether there is anything to release or to call off; `memories` by channel. It only reads."""
    cancelled = sa.select(pushes.c.id).where(pushes.c.state == CANCELLED)
    called_off = sa.and_(deliveries.c.state == PLANNED, deliveries.c.push_id.in_(cancelled))
    unsized = sa.select(pushes.c.id).where(pushes.c.state == CANCELLED, pushes.c.size.is_(None))
    mine = [
        lost
        for channel, remembers_for in memories.items()
        for lost in (_forgotten(channel, remembers_for, now), _dead(channel, gone, now))
    ]
    lost_ones = [sa.select(deliveries.c.id).where(which) for which in (called_off, *mine)]
    return any(
        connection.execute(question.limit(1)).first() is not None for question in (unsized, *lost_ones)
    )


def _dead(channel: str, gone: Collection[str], now: datetime) -> sa.ColumnElement[bool]:
    over = deliveries.c.lease_until <= now
    if gone:
        over = sa.or_(over, deliveries.c.holder.in_(sorted(gone)))
    return sa.and_(deliveries.c.state == SENDING, over, deliveries.c.channel == channel)


def _forgotten(channel: str, remembers_for: timedelta | None, now: datetime) -> sa.ColumnElement[bool]:
    since = now - (remembers_for or timedelta(0)) + MARGIN
    waiting = sa.and_(deliveries.c.state == PLANNED, deliveries.c.tried_at <= since)
    return sa.and_(waiting, deliveries.c.channel == channel)
