"""Riddles: the bank of an edition, what people guessed, who solved which, and the order in which they stand.

A riddle's day opens, closes and is told by its own moments, frozen when the edition opens. Who stands where is one text in
`scores.place`: points, then fewest wrong guesses, then the time at which those points were reached, so written that the better
sorts first; the same text is a shared rank. What somebody has is counted by updates of their one row, and can be counted anew
from `attempts`, `solves` and `hints` at any time (`recount`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from models import score
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add
from models.score import MOST_POINTS, scores

MOST_WRONG = 99_999

riddles = sa.Table(
    "riddles",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # as people see it
    sa.Column("face", Words(), nullable=False),  # 谜面
    sa.Column("target", Words(), nullable=False),  # 谜目
    sa.Column("answers", Words(), nullable=False),  # JSON: 谜底, then what counts as well
    sa.Column("why", Words(), nullable=False),
    sa.Column("hint", Words(), nullable=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("opens_at", Utc(), nullable=False),
    sa.Column("closes_at", Utc()),  # NULL: with the edition
    sa.Column("told_at", Utc()),  # when the answer is told; NULL: with the end of the edition
    sa.UniqueConstraint("edition_id", "number"),
    **MARIADB,
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("riddle_id", Number(), sa.ForeignKey("riddles.id"), primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),  # the person's first, second … guess
    sa.Column("words", Words(), nullable=False),
    sa.Column("plain", Words(), nullable=False),  # as it is compared
    sa.Column("hit", sa.Boolean, nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_attempts_riddle_id", "riddle_id"),
    **MARIADB,
)

solves = sa.Table(
    "solves",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("riddle_id", Number(), sa.ForeignKey("riddles.id"), primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, nullable=False),  # by which guess
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_solves_riddle_id", "riddle_id"),
    **MARIADB,
)

hints = sa.Table(
    "hints",
    metadata,
    sa.Column("openid", Id(128), primary_key=True),
    sa.Column("riddle_id", Number(), sa.ForeignKey("riddles.id"), primary_key=True, autoincrement=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_hints_riddle_id", "riddle_id"),
    **MARIADB,
)

rulings = sa.Table(
    "rulings",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("riddle_id", Number(), sa.ForeignKey("riddles.id"), nullable=False),
    sa.Column("answer", Words(), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("changed", Words(), nullable=False),  # whose rank changed, in words that name nobody
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_rulings_riddle_id", "riddle_id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Riddle:
    """One riddle of an edition; `answers` the one that is told, then those that count as well."""

    id: int
    edition_id: int
    number: int
    face: str
    target: str
    answers: tuple[str, ...]
    why: str
    hint: str
    points: int
    opens_at: datetime
    closes_at: datetime | None
    told_at: datetime | None

    def takes(self, at: datetime) -> bool:
        """Whether it may be guessed at this moment of its edition."""
        return self.opens_at <= at and (self.closes_at is None or at < self.closes_at)


@dataclass(frozen=True, slots=True)
class Guess:
    """One guess of somebody."""

    openid: str
    riddle_id: int
    n: int
    words: str
    hit: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Mine:
    """What one person has done with the riddles of an edition, by their ids."""

    tried: Mapping[int, int]
    solved: Mapping[int, int]  # riddle → points
    hinted: frozenset[int]


_RIDDLE = [riddles.c[name] for name in Riddle.__slots__]
_GUESS = [attempts.c[name] for name in Guess.__slots__]


def lay(connection: Connection, edition_id: int, number: int, values: Mapping[str, Any]) -> bool:
    """Put a riddle into an edition; False where one of this number is there."""
    answers = json.dumps(list(values["answers"]), ensure_ascii=False)
    row = {**values, "edition_id": edition_id, "number": number, "answers": answers}
    return add(connection, riddles, row)


def of_edition(connection: Connection, edition_id: int) -> list[Riddle]:
    """The riddles of an edition by their numbers."""
    query = sa.select(*_RIDDLE).where(riddles.c.edition_id == edition_id).order_by(riddles.c.number)
    return [_riddle(row) for row in connection.execute(query)]


def _riddle(row: Any) -> Riddle:
    values: dict[str, Any] = {**row._mapping, "answers": tuple(json.loads(row.answers))}
    return Riddle(**values)


def mine(connection: Connection, edition_id: int, openid: str) -> Mine:
    """What this person has done."""
    return Mine(
        _by_riddle(connection, edition_id, openid, attempts, sa.func.max(attempts.c.n)),
        _by_riddle(connection, edition_id, openid, solves, sa.func.max(solves.c.points)),
        frozenset(_by_riddle(connection, edition_id, openid, hints, sa.func.count())),
    )


def _by_riddle(
    connection: Connection, edition_id: int, openid: str, table: sa.Table, what: Any
) -> dict[int, int]:
    query = sa.select(table.c.riddle_id, what).join(riddles, riddles.c.id == table.c.riddle_id)
    here = sa.and_(table.c.openid == openid, riddles.c.edition_id == edition_id)
    return {row[0]: row[1] for row in connection.execute(query.where(here).group_by(table.c.riddle_id))}


# --- what people do ----------------------------------------------------------------------------------------------


def guess(
    connection: Connection, riddle: Riddle, openid: str, words: str, plain: str, *, hit: bool, tries: int,
    price: int, now: datetime,
) -> int | None:  # fmt: skip
    """Write down a guess and what it is worth; which one it was, or None where there are `tries` already or it is solved."""
    known = mine(connection, riddle.edition_id, openid)
    if riddle.id in known.solved:
        return None
    for n in range(known.tried.get(riddle.id, 0) + 1, tries + 1):
        row = {"openid": openid, "riddle_id": riddle.id, "n": n, "words": words, "plain": plain}
        if add(connection, attempts, {**row, "hit": hit, "at": now}):
            points = riddle.points - (price if riddle.id in known.hinted else 0)
            solve = {"openid": openid, "riddle_id": riddle.id, "n": n, "points": points, "at": now}
            new = hit and add(connection, solves, solve)
            _count(connection, riddle.edition_id, openid, points if new else 0, int(not hit), now)
            return n
    return None


def take_hint(connection: Connection, riddle: Riddle, openid: str, now: datetime) -> bool:
    """Show somebody the hint; whether they had not seen it."""
    return add(connection, hints, {"openid": openid, "riddle_id": riddle.id, "at": now})


def _count(
    connection: Connection, edition_id: int, openid: str, points: int, wrong: int, now: datetime
) -> None:
    """Count it in the person's row, which this transaction then holds, and say anew where they stand."""
    score.stand(connection, edition_id, openid)
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.openid == openid)
    later = sa.or_(scores.c.reached_at.is_(None), scores.c.reached_at < now)
    values: dict[Any, Any] = {"wrong": scores.c.wrong + wrong}
    if points:
        values |= {
            "points": scores.c.points + points,
            "solved": scores.c.solved + 1,
            "reached_at": sa.case((later, sa.literal(now, Utc())), else_=scores.c.reached_at),
        }
    connection.execute(scores.update().where(here).values(values))
    _place(connection, edition_id, openid)


def _place(connection: Connection, edition_id: int, openid: str) -> None:
    found = score.of(connection, edition_id, openid)
    if found is not None:
        place = place_of(found.points, found.wrong, found.reached_at)
        connection.execute(scores.update().where(scores.c.id == found.id).values(place=place))


def place_of(points: int, wrong: int, reached_at: datetime | None) -> str | None:
    """The order in one text, the better first: points, then fewer wrong guesses, then the earlier; None for no points."""
    if points <= 0 or reached_at is None:
        return None
    at = f"{reached_at.astimezone(UTC):%Y%m%d%H%M%S%f}"
    return f"{MOST_POINTS - min(points, MOST_POINTS):07d}.{min(wrong, MOST_WRONG):05d}.{at}"


def recount(connection: Connection, edition_id: int, openid: str) -> None:
    """Count somebody anew from their guesses: a wrong one after the right one is no wrong one."""
    solved = sa.select(sa.func.sum(solves.c.points), sa.func.count(), sa.func.max(solves.c.at, type_=Utc()))
    ours = sa.select(riddles.c.id).where(riddles.c.edition_id == edition_id)
    points, number, reached_at = connection.execute(
        solved.where(solves.c.openid == openid, solves.c.riddle_id.in_(ours))
    ).one()
    before = sa.and_(solves.c.openid == attempts.c.openid, solves.c.riddle_id == attempts.c.riddle_id)
    query = sa.select(sa.func.count()).select_from(attempts.outerjoin(solves, before))
    wrong = connection.execute(
        query.where(
            *(attempts.c.openid == openid, attempts.c.riddle_id.in_(ours), ~attempts.c.hit),
            sa.or_(solves.c.n.is_(None), attempts.c.n < solves.c.n),
        )
    ).scalar_one()
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.openid == openid)
    values = {"points": int(points or 0), "solved": number, "wrong": wrong, "reached_at": reached_at}
    connection.execute(scores.update().where(here).values(values))
    _place(connection, edition_id, openid)


def guessed(connection: Connection, edition_id: int) -> list[tuple[int, int, int]]:
    """For each riddle's id how many people guessed and how many solved it."""
    ours = riddles.c.edition_id == edition_id
    people = sa.func.count(sa.distinct(attempts.c.openid))
    tried = sa.select(riddles.c.id, people).join(attempts, attempts.c.riddle_id == riddles.c.id)
    right = sa.select(riddles.c.id, sa.func.count()).join(solves, solves.c.riddle_id == riddles.c.id)
    solved = {row[0]: row[1] for row in connection.execute(right.where(ours).group_by(riddles.c.id))}
    rows = connection.execute(tried.where(ours).group_by(riddles.c.id).order_by(riddles.c.id))
    return [(row[0], row[1], solved.get(row[0], 0)) for row in rows]


# --- rulings ----------------------------------------------------------------------------------------------------


def accept(connection: Connection, riddle: Riddle, answer: str, plain: str, price: int) -> list[str]:
    """Let this answer count as well, for whoever has given it already too; those who get points by it or earlier."""
    answers = json.dumps([*riddle.answers, answer], ensure_ascii=False)
    connection.execute(riddles.update().where(riddles.c.id == riddle.id).values(answers=answers))
    same = sa.and_(attempts.c.riddle_id == riddle.id, attempts.c.plain == plain, ~attempts.c.hit)
    found = [Guess(*row) for row in connection.execute(sa.select(*_GUESS).where(same).order_by(attempts.c.n))]
    connection.execute(attempts.update().where(same).values(hit=True))
    first: dict[str, Guess] = {}
    for one in found:
        first.setdefault(one.openid, one)
    for one in first.values():
        _solve(connection, riddle, one, price)
        recount(connection, riddle.edition_id, one.openid)
    return sorted(first)


def _solve(connection: Connection, riddle: Riddle, one: Guess, price: int) -> None:
    """Solved by this guess, unless it was solved by an earlier one; a hint counts when it had been seen by then."""
    key = (hints.c.openid == one.openid, hints.c.riddle_id == riddle.id, hints.c.at <= one.at)
    hinted = connection.execute(sa.select(hints.c.riddle_id).where(*key)).first() is not None
    values = {"n": one.n, "points": riddle.points - (price if hinted else 0), "at": one.at}
    if not add(connection, solves, {"openid": one.openid, "riddle_id": riddle.id, **values}):
        mine = (solves.c.openid == one.openid, solves.c.riddle_id == riddle.id, solves.c.n > one.n)
        connection.execute(solves.update().where(*mine).values(values))


def note_ruling(
    connection: Connection, riddle_id: int, answer: str, reason: str, changed: str, now: datetime
) -> None:
    """Keep what was ruled, why, and whose rank it changed."""
    values = {"riddle_id": riddle_id, "answer": answer, "reason": reason, "changed": changed, "at": now}
    connection.execute(rulings.insert().values(values))


def ruled(connection: Connection, edition_id: int) -> list[tuple[int, str, str, str, datetime]]:
    """Riddle's number, answer, reason, what changed and when, of each ruling, oldest first."""
    columns = (riddles.c.number, rulings.c.answer, rulings.c.reason, rulings.c.changed, rulings.c.at)
    query = sa.select(*columns).join(riddles, riddles.c.id == rulings.c.riddle_id)
    rows = connection.execute(query.where(riddles.c.edition_id == edition_id).order_by(rulings.c.id))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


# --- forgetting and telling --------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget what this person guessed; the score stays without its person (models/score.py)."""
    for table in (attempts, solves, hints):
        theirs = table.c.openid == openid
        if until is not None:
            theirs = sa.and_(theirs, table.c.at <= until)
        connection.execute(table.delete().where(theirs))


def export_guesses(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person guessed."""
    query = sa.select(*_GUESS, riddles.c.number).join(riddles, riddles.c.id == attempts.c.riddle_id)
    rows = connection.execute(query.where(attempts.c.openid == openid).order_by(attempts.c.at))
    return [
        {"riddle": str(row.number), "words": row.words, "right": str(row.hit), "at": row.at.isoformat()}
        for row in rows
    ]


def export_solves(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person solved."""
    query = sa.select(riddles.c.number, solves.c.points, solves.c.at).join(
        riddles, riddles.c.id == solves.c.riddle_id
    )
    rows = connection.execute(query.where(solves.c.openid == openid).order_by(solves.c.at))
    return [{"riddle": str(row.number), "points": str(row.points), "at": row.at.isoformat()} for row in rows]


def export_hints(connection: Connection, openid: str) -> list[dict[str, str]]:
    """Which hints this person saw."""
    query = sa.select(riddles.c.number, hints.c.at).join(riddles, riddles.c.id == hints.c.riddle_id)
    rows = connection.execute(query.where(hints.c.openid == openid).order_by(hints.c.at))
    return [{"riddle": str(row.number), "at": row.at.isoformat()} for row in rows]
