"""Deliveries: one row for what one push owes one recipient, from the plan to what came of it.

planned    owed, not under way
sending    a worker holds it: written before the call, so that a dead worker's rows are known
sent       WeChat accepted it
failed     certainly not delivered
skipped    on purpose not sent; the reason says why
unknown    a worker or the line died after the call: a person decides, nothing sends it again by itself

For every push, always: sent + failed + skipped + unknown + open = size. `models.ledger` has the verbs that move a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ground.audience import is_whole
from models.base import MARIADB, Connection, Id, Utc, Words, metadata
from models.follower import followers
from models.listing import Listing
from models.push import SENDING, pushes

PLANNED, SENT, FAILED, SKIPPED, UNKNOWN = "planned", "sent", "failed", "skipped", "unknown"
OPEN = (PLANNED, SENDING)
OUT = (SENDING, SENT, UNKNOWN)  # what may have reached somebody
EVERYONE, TAG = "all", "tag:"  # recipients of a mass push that are no single person
LEFT, NOT_LIVE, ALONE, CALLED_OFF, SILENCE, SPENT = (
    "unsubscribed",
    "not live",
    "audience of one",
    "cancelled",
    "no answer",
    "mass limit",
)
REASONS = {  # what staff read for our own reasons; channels have theirs, and those of WeChat are kept in Chinese
    LEFT: "已经取消关注",
    NOT_LIVE: "账号还没有正式开通（live = false），只发给测试人员",
    ALONE: "只有一个人，微信不能按一个人群发",
    CALLED_OFF: "推送被取消",
    SILENCE: "发出后没有收到微信的回答，不知道是否送到，系统不会自己再发",
    SPENT: "群发次数已用完",
}
MANY = 500  # rows in one statement
MASS, TEMPLATE = "mass", "template"
REFUSALS = {  # platform guide, 事件推送群发结果 and 模板消息送达情况; blanks left out
    "failed:userblock": "他拒收本公众号的消息",
    "failed:systemfailed": "微信没有送到",
    "failed:freqlimit": "微信限制了发送频率",
    "sendfail": "微信说群发失败",
    "err(10001)": "微信审核：涉嫌广告",
    "err(20001)": "微信审核：涉嫌政治",
    "err(20002)": "微信审核：涉嫌色情",
    "err(20004)": "微信审核：涉嫌社会",
    "err(20006)": "微信审核：涉嫌违法犯罪",
    "err(20008)": "微信审核：涉嫌欺诈",
    "err(20013)": "微信审核：涉嫌版权",
    "err(21000)": "微信审核：涉嫌其他",
    "err(22000)": "微信审核：涉嫌互推",
    "err(30001)": "微信原创校验出错",
    "err(30002)": "微信原创校验：不能群发",
    "err(30003)": "微信原创校验判为转载，没有群发",
    "err(40001)": "管理员拒绝了这次群发",
    "err(40002)": "管理员 30 分钟内没有确认，微信没有群发",
}
T = TypeVar("T")

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("push_id", sa.ForeignKey("pushes.id"), nullable=False),
    sa.Column("channel", Id(16), nullable=False),
    sa.Column("recipient", Id(128), nullable=False),  # an openid; for mass also "all" or "tag:ID"
    sa.Column("state", Id(8), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("errcode", sa.Integer),
    sa.Column("reason", Words(), nullable=False, default=""),
    sa.Column("far_id", Id(64)),  # what WeChat calls it; the rows of one mass call share it
    sa.Column("key", Id(32)),  # what we call it towards WeChat; the rows of one mass call share it
    sa.Column("holder", Id(32)),
    sa.Column("lease_until", Utc()),
    sa.Column("not_before", Utc()),
    # of the first call whose outcome is not certain: WeChat's memory of `key` runs from here
    sa.Column("tried_at", Utc()),
    sa.Column("sent_at", Utc()),
    sa.Column("result", Words()),  # what WeChat told of it later
    sa.Column("result_at", Utc()),
    sa.Column("updated_at", Utc(), nullable=False),
    sa.UniqueConstraint("push_id", "channel", "recipient"),
    sa.Index("ix_deliveries_push_state", "push_id", "state", "id"),
    sa.Index("ix_deliveries_far", "far_id", "channel"),
    sa.Index("ix_deliveries_recipient", "recipient", "channel", "state"),
    sa.Index("ix_deliveries_lease", "state", "lease_until"),
    sa.Index("ix_deliveries_tried", "state", "tried_at"),
    **MARIADB,
)

LISTING = Listing(
    {
        name: deliveries.c[name]
        for name in ("id", "recipient", "state", "errcode", "reason", "attempts", "sent_at")
    },
    deliveries,
    deliveries.c.id,
    finds=(deliveries.c.recipient,),
    state=deliveries.c.state,
    of=deliveries.c.push_id,
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("channel", Id(16), primary_key=True),
    sa.Column("far_id", Id(64), primary_key=True),
    sa.Column("status", Words(), nullable=False),  # in WeChat's words
    sa.Column("total", sa.Integer),
    sa.Column("filtered", sa.Integer),
    sa.Column("sent", sa.Integer),
    sa.Column("failed", sa.Integer),
    sa.Column("told_at", Utc(), nullable=False),
    sa.Column("applied_at", Utc()),  # when it reached its rows
    sa.Index("ix_results_applied", "applied_at", "told_at"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Books:
    """A push's rows by state, and for mass what WeChat counted."""

    size: int
    open: int = 0
    sent: int = 0
    failed: int = 0
    skipped: int = 0
    unknown: int = 0
    told: Mapping[str, int] = field(default_factory=dict)  # MASSSENDJOBFINISH: total, filtered, sent, failed
    whole: bool = False  # one copy stands for everyone, or for all of a tag: only WeChat knows how many

    @property
    def copies(self) -> Mapping[str, int]:
        """How many of the copies that are over stand in each state."""
        return {SENT: self.sent, FAILED: self.failed, SKIPPED: self.skipped, UNKNOWN: self.unknown}

    @property
    def balanced(self) -> bool:
        return self.open + self.sent + self.failed + self.skipped + self.unknown == self.size


# --- what was sent -----------------------------------------------------------------------------------------------


def books(connection: Connection, push_id: int) -> Books:
    """A push's rows by state, and for mass what WeChat counted."""
    mine = deliveries.c.push_id == push_id
    query = sa.select(deliveries.c.state, sa.func.count()).where(mine).group_by(deliveries.c.state)
    by_state: dict[str, int] = {state: number for state, number in connection.execute(query).all()}  # noqa: C416 - keeps the types
    columns = (pushes.c.size, pushes.c.channel, pushes.c.audience)
    found = connection.execute(sa.select(*columns).where(pushes.c.id == push_id)).first()
    size, channel, audience = found or (None, "", "")
    counts = {state: by_state.get(state, 0) for state in (SENT, FAILED, SKIPPED, UNKNOWN)}
    still = sum(by_state.get(state, 0) for state in OPEN)
    # All rows of one call are of one push: one of them is asked, not up to ten thousand.
    one = sa.and_(deliveries.c.far_id == results.c.far_id, deliveries.c.channel == MASS)
    whose = sa.select(deliveries.c.push_id).where(one).limit(1).scalar_subquery()
    sums = [sa.func.sum(results.c[name]) for name in ("total", "filtered", "sent", "failed")]
    told = sa.select(sa.func.count(), *sums).where(results.c.channel == MASS, whose == push_id)
    number, *figures = connection.execute(told).one()
    names = ("total", "filtered", "sent", "failed")
    return Books(
        size=sum(by_state.values()) if size is None else size,
        open=still,
        told={name: int(figure) for name, figure in zip(names, figures, strict=True)} if number else {},
        whole=channel == MASS and is_whole(audience),
        **counts,
    )


def copies(connection: Connection, push_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many copies of these pushes stand in each state."""
    found: dict[int, dict[str, int]] = {}
    for some in chunked(push_ids):
        rows = sa.select(deliveries.c.push_id, deliveries.c.state, sa.func.count())
        mine = rows.where(deliveries.c.push_id.in_(some))
        for push_id, state, number in connection.execute(
            mine.group_by(deliveries.c.push_id, deliveries.c.state)
        ):
            found.setdefault(push_id, {})[state] = number
    return found


def is_open(connection: Connection, push_id: int) -> bool:
    """Whether something of this push is still planned or under way."""
    still = sa.select(deliveries.c.id).where(deliveries.c.push_id == push_id, deliveries.c.state.in_(OPEN))
    return connection.execute(still.limit(1)).first() is not None


def reasons(connection: Connection, push_id: int) -> list[tuple[str, str, int]]:
    """Why rows of this push are failed, skipped or unknown: (state, reason, how many)."""
    other = sa.and_(deliveries.c.push_id == push_id, deliveries.c.state.in_((FAILED, SKIPPED, UNKNOWN)))
    columns = (deliveries.c.state, deliveries.c.reason)
    # a text column of any length cannot be grouped everywhere, so the rows are counted here
    counted = Counter(tuple(row) for row in connection.execute(sa.select(*columns).where(other)))
    return [(state, reason, number) for (state, reason), number in sorted(counted.items())]


def number(connection: Connection, push_id: int, state: str, reason: str = "") -> int:
    """How many rows of a push stand in this state, for this reason where one is given."""
    these = sa.and_(deliveries.c.push_id == push_id, deliveries.c.state == state)
    if reason:
        these = sa.and_(these, deliveries.c.reason == reason)
    return int(
        connection.execute(sa.select(sa.func.count()).select_from(deliveries).where(these)).scalar_one()
    )


def sent_since(
    connection: Connection, channel: str, recipients: Sequence[str], since: datetime, but: int
) -> dict[str, list[datetime]]:
    """When something went (or may have gone) out to these recipients by this channel, apart from the push `but`."""
    at = sa.func.coalesce(deliveries.c.sent_at, deliveries.c.tried_at)
    found: dict[str, list[datetime]] = {}
    for some in chunked(recipients):
        out = sa.and_(
            deliveries.c.channel == channel,
            deliveries.c.recipient.in_(some),
            deliveries.c.state.in_(OUT),
            deliveries.c.push_id != but,
        )
        for recipient, moment in connection.execute(
            sa.select(deliveries.c.recipient, at).where(out, at > since)
        ):
            found.setdefault(recipient, []).append(moment)
    return found


def last_acts(
    connection: Connection, openids: Sequence[str]
) -> dict[str, tuple[datetime | None, datetime | None]]:
    """When each of these followers last spoke, and last tapped, scanned or followed."""
    columns = (followers.c.openid, followers.c.spoke_at, followers.c.tapped_at)
    found = {}
    for some in chunked(openids):
        query = sa.select(*columns).where(followers.c.openid.in_(some))
        found.update({row.openid: (row.spoke_at, row.tapped_at) for row in connection.execute(query)})
    return found


# --- results -----------------------------------------------------------------------------------------------------


def finish_mass(
    connection: Connection,
    far_id: str,
    status: str,
    sent: int,
    failed: int,
    total: int,
    filtered: int,
    now: datetime,
) -> None:
    """Keep what MASSSENDJOBFINISH told, once, and bring it to the rows of that call, now or when they are known."""
    counts = {"sent": sent, "failed": failed, "total": total, "filtered": filtered}
    if _note(connection, MASS, far_id, status, now, counts):
        _apply(connection, MASS, far_id, status, now)


def finish_template(connection: Connection, far_id: str, status: str, now: datetime) -> None:
    """Bring what TEMPLATESENDJOBFINISH told to its row; kept when the row is not known yet."""
    if not _apply(connection, TEMPLATE, far_id, status, now):
        _note(connection, TEMPLATE, far_id, status, now, {})


def apply_early(connection: Connection, now: datetime) -> int:
    """Bring results that came before our answer was stored to their rows."""
    rows = connection.execute(_early(now).limit(MANY)).all()
    for row in rows:
        _apply(connection, row.channel, row.far_id, row.status, now)
    return len(rows)


def has_early(connection: Connection, now: datetime) -> bool:
    """Whether a result waits whose row is known by now. It only reads."""
    return connection.execute(_early(now).limit(1)).first() is not None


def forget_strangers(connection: Connection, now: datetime) -> int:
    """Remove results of two days ago that belong to nothing of ours: another program may send for the same account."""
    strangers = sa.and_(results.c.applied_at.is_(None), results.c.told_at < now - timedelta(days=2))
    return connection.execute(results.delete().where(strangers)).rowcount


def _early(now: datetime) -> sa.Select[tuple[str, str, str]]:
    ours = sa.exists().where(
        deliveries.c.far_id == results.c.far_id,
        deliveries.c.channel == results.c.channel,
        deliveries.c.state == SENT,
        deliveries.c.result_at.is_(None),
    )
    fresh = sa.and_(results.c.applied_at.is_(None), results.c.told_at > now - timedelta(hours=1))
    return sa.select(results.c.channel, results.c.far_id, results.c.status).where(fresh, ours)


def _note(
    connection: Connection, channel: str, far_id: str, status: str, now: datetime, counts: Mapping[str, int]
) -> bool:
    values = {"channel": channel, "far_id": far_id, "status": status, "told_at": now, **counts}
    try:
        with connection.begin_nested():
            connection.execute(results.insert().values(values))
    except IntegrityError:  # told twice
        return False
    return True


def _apply(connection: Connection, channel: str, far_id: str, status: str, now: datetime) -> bool:
    """Write the result into the rows of this far id; whether there are any."""
    values: dict[str, object] = {"result": status, "result_at": now, "updated_at": now}
    if not status.replace(" ", "").lower().endswith("success"):
        values |= {"state": FAILED, "reason": REFUSALS.get(status.replace(" ", ""), status)}
    found = sa.and_(deliveries.c.far_id == far_id, deliveries.c.channel == channel)
    untouched = sa.and_(found, deliveries.c.state == SENT, deliveries.c.result_at.is_(None))
    number = connection.execute(deliveries.update().where(untouched).values(values)).rowcount
    if not number:
        # Not "is there a row": one that was stored between the two statements has not got the result yet.
        done = sa.select(deliveries.c.id).where(found, deliveries.c.result_at.is_not(None))
        if connection.execute(done.limit(1)).first() is None:
            return False
    this = sa.and_(results.c.channel == channel, results.c.far_id == far_id)
    connection.execute(results.update().where(this).values(applied_at=now))
    return True


def count(connection: Connection, push_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.push_id == push_id)
    return int(connection.execute(query).scalar_one())


def chunked(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in portions that fit into one statement."""
    for start in range(0, len(values), MANY):
        yield values[start : start + MANY]


def is_person(recipient: str) -> bool:
    """Whether this is an openid, not everyone or a tag."""
    return recipient != EVERYONE and not recipient.startswith(TAG)


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What was sent to this person, the newest 1000."""
    query = sa.select(pushes.c.name, deliveries.c.state, deliveries.c.updated_at).join(
        pushes, pushes.c.id == deliveries.c.push_id
    )
    mine = query.where(deliveries.c.recipient == openid).order_by(deliveries.c.id.desc()).limit(1000)
    return [
        {"push": row.name, "state": row.state, "at": row.updated_at.isoformat()}
        for row in connection.execute(mine)
    ]
