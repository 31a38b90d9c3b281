"""Figures: what came of the account, as tables. Whoever has a part of the tree (`scope`, a path) reads that part's alone.

A count of people is of persons, never of names; no table holds anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from ground.days import SHANGHAI
from ground.table import Cell, Table
from models import edition as editions_
from models import month, reach, step, union
from models.base import Connection
from models.binding import bindings
from models.delivery import SENT, deliveries
from models.edition import ANNULLED, Edition, editions
from models.entry import entries
from models.follower import followers
from models.interaction import interactions
from models.month import Count
from models.push import pushes
from models.request import requests
from models.scope import seen, within
from models.step import steps
from models.union import unions
from models.view import views

MONTHS = 12
EDITIONS = 20
NOW = "现在"


def share(part: int, whole: int) -> str:
    """In hundredths, with one digit behind the point; '' of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else ""


def members(connection: Connection, now: datetime, scope: str) -> Table:
    """Members and bound followers now and at the end of each month, by that month's tree."""
    here = next((one for one in union.every(connection) if one.path == scope), None)
    count = month.totals(connection).get(scope, Count())
    past = month.of_union(connection, here.id, MONTHS) if here else []
    rows: list[tuple[Cell, ...]] = [
        (name, each.members, each.bound, share(each.bound, each.members))
        for name, each in [(NOW, count), *past]
    ]
    return Table("会员和绑定", ("月底", "会员", "绑定的关注者", "绑定数和会员数之比"), rows if here else [])


def growth(connection: Connection, now: datetime, scope: str) -> Table:
    """Who came and who left, by month; only the last time of each counts."""
    spans = list(_months(now))
    sums = [
        _sum(column, first, last)
        for _, first, last in spans
        for column in (followers.c.subscribed_at, followers.c.unsubscribed_at)
    ]
    row = connection.execute(sa.select(*sums).select_from(followers)).one()
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            int(row[2 * at] or 0),
            int(row[2 * at + 1] or 0),
            int(row[2 * at] or 0) - int(row[2 * at + 1] or 0),
        )
        for at, (name, _, _) in enumerate(spans)
    ]
    return Table("关注", ("月份", "新关注", "取消关注", "净增"), _since_the_first(rows))


def _sum(column: sa.Column[datetime], first: datetime, last: datetime) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((sa.and_(column >= first, column < last), 1), else_=0))


def messages(connection: Connection, now: datetime, scope: str) -> Table:
    """What people said and tapped, by month."""
    spans = list(_months(now))
    at = interactions.c.received_at
    counts = [
        sa.select(sa.func.count()).select_from(interactions).where(at >= first, at < last).scalar_subquery()
        for _, first, last in spans
    ]
    row = connection.execute(sa.select(*counts)).one()
    rows: list[tuple[Cell, ...]] = [(name, int(row[n])) for n, (name, _, _) in enumerate(spans)]
    return Table("来信", ("月份", "收到的话和点击"), _since_the_first(rows))


def activities(connection: Connection, now: datetime, scope: str) -> Table:
    """The newest editions: delivered, opened, taken part; the share is of all members. A part's colleague reads how many of that
    part's followers took part, and neither what was delivered nor opened, which nobody's union is known of."""
    newest = sa.select(editions).where(editions.c.state != ANNULLED, editions.c.opens_at <= now)
    found = connection.execute(newest.order_by(editions.c.opens_at.desc()).limit(EDITIONS)).all()
    whole = month.totals(connection).get(scope, Count()).members
    people = _people(connection, [row.id for row in found], scope)
    rows: list[tuple[Cell, ...]] = []
    opened = _opened(connection, [row.id for row in found])
    for row in found:
        joined = people.get(row.id, 0)
        one = editions_.get(connection, row.id)
        assert one is not None
        sent = () if scope else (reach.delivered(connection, one), opened.get(row.id, 0))
        rows.append((f"{row.title}（{row.id}）", *sent, joined, share(joined, whole)))
    columns = (
        ("活动", "参加的人", "和会员数之比")
        if scope
        else ("活动", "送到", "打开网页", "参加的人", "和会员数之比")
    )
    return Table("活动", columns, rows)


def _people(connection: Connection, numbers: Sequence[int], scope: str) -> dict[int, int]:
    """How many people took part in each."""
    whose = sa.func.coalesce(entries.c.openid, sa.cast(entries.c.id, sa.String(32)))
    query = sa.select(entries.c.edition_id, sa.func.count(sa.distinct(whose))).where(
        entries.c.edition_id.in_(numbers)
    )
    if scope:
        query = query.where(
            bindings.c.openid == entries.c.openid,
            bindings.c.union_id == unions.c.id,
            within(unions.c.path, scope),
        )
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(entries.c.edition_id))}


def _opened(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    query = sa.select(views.c.edition_id, sa.func.sum(views.c.times)).where(views.c.edition_id.in_(numbers))
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(views.c.edition_id))}


def of_edition(connection: Connection, one: Edition, scope: str) -> Table:
    """One edition by the unions right below: members, bound, delivered to, taken part. What a union has of its own stands in a row
    of its own, so that the rows make up the whole."""
    every = union.every(connection)
    totals = month.totals(connection)
    sent = _rolled(connection, _delivered(one))
    joined = _rolled(connection, _joined(one))
    rows: list[tuple[Cell, ...]] = []
    here = next((each for each in every if each.path == scope), None)
    below = [each for each in every if here and each.parent_id == here.id]
    for each in below:
        whole = totals.get(each.path, Count())
        taken = joined.get(each.path, 0)
        numbers = (whole.members, whole.bound, sent.get(each.path, 0), taken)
        if not each.closed_at or any(numbers):
            rows.append((each.name, *numbers, share(taken, whole.members)))
    if here is not None:
        sums = [sum(int(row[at]) for row in rows) for at in range(1, 5)]
        whole = totals.get(scope, Count())
        all_ = (whole.members, whole.bound, sent.get(scope, 0), joined.get(scope, 0))
        own = [number - sum_ for number, sum_ in zip(all_, sums, strict=True)]
        rows.append((f"{here.name}本级", *own, share(own[3], own[0])))
        rows.append(("合计", *all_, share(all_[3], all_[0])))
    columns = ("单位（含下级）", "会员", "绑定的关注者", "送到", "参加的人", "和会员数之比")
    return Table(f"{one.title}：各单位", columns, rows)


def _delivered(one: Edition) -> sa.Select[str, int]:
    return (
        sa.select(unions.c.path, sa.func.count())
        .select_from(pushes)
        .join(deliveries, sa.and_(deliveries.c.push_id == pushes.c.id, deliveries.c.state == SENT))
        .join(bindings, bindings.c.openid == deliveries.c.recipient)
        .join(unions, unions.c.id == bindings.c.union_id)
        .where(reach.announced(one))
        .group_by(unions.c.path)
    )


def _joined(one: Edition) -> sa.Select[str, int]:
    return (
        sa.select(unions.c.path, sa.func.count(sa.distinct(entries.c.openid)))
        .select_from(entries)
        .join(bindings, bindings.c.openid == entries.c.openid)
        .join(unions, unions.c.id == bindings.c.union_id)
        .where(entries.c.edition_id == one.id)
        .group_by(unions.c.path)
    )


def _rolled(connection: Connection, query: sa.Select[str, int]) -> dict[str, int]:
    """By path, with all below."""
    rolled = month.rolled((row[0], Count(int(row[1]))) for row in connection.execute(query))
    return {path: count.members for path, count in rolled.items()}


def kept(connection: Connection, now: datetime, scope: str) -> Table:
    """Requests by the month in which they came: how many never passed a deadline, and how many of those who said so were content."""
    spans = list(_months(now))
    rows: list[tuple[Cell, ...]] = []
    content = sa.exists().where(
        steps.c.request_id == requests.c.id, steps.c.kind == step.CLOSED, steps.c.by == step.PERSON
    )
    sums = (
        sa.func.count(),
        sa.func.sum(sa.case((requests.c.level == 0, 1), else_=0)),
        sa.func.sum(sa.case((sa.and_(requests.c.reopens == 0, content), 1), else_=0)),
        sa.func.sum(sa.case((requests.c.reopens > 0, 1), else_=0)),
    )
    for name, first, last in spans:
        here = (
            requests.c.received_at >= first,
            requests.c.received_at < last,
            requests.c.state != step.MERGED,
        )
        row = connection.execute(sa.select(*sums).select_from(requests).where(*here, seen(scope))).one()
        number, intime, happy, unhappy = (int(value or 0) for value in row)
        rows.append(
            (name, number, intime, share(intime, number), happy + unhappy, share(happy, happy + unhappy))
        )
    columns = ("月份", "诉求", "没有超期", "没有超期的占", "说了满意不满意的人", "满意的占")
    return Table("诉求", columns, _since_the_first(rows))


def _since_the_first(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """Without the months, at the end, before there was anything."""
    last = max((at for at, row in enumerate(rows) if any(cell for cell in row[1:] if cell != "")), default=-1)
    return list(rows[: last + 1])


def _months(now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The last twelve, this one first: name, begin and end."""
    here = now.astimezone(SHANGHAI)
    year, number = here.year, here.month
    end = _begin(year + number // 12, number % 12 + 1)
    for _ in range(MONTHS):
        first = _begin(year, number)
        yield f"{year}-{number:02d}", first, end
        end = first
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)


def _begin(year: int, number: int) -> datetime:
    return datetime(year, number, 1, tzinfo=SHANGHAI).astimezone(UTC)
