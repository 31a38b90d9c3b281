"""Scores: how somebody stands in an edition that ranks people, the name that they chose, and the prizes that are posted.

Who stands where is one text in `place`, which the kind writes so that the better sorts first; the same text is a shared rank. A
rank is a count over an index, and closing writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

PORTION = 5_000
MOST_POINTS = 9_999_999

scores = sa.Table(
    "scores",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL: forgotten; the place stays, so that nobody's rank changes
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("solved", sa.Integer, nullable=False),
    sa.Column("wrong", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Integer),  # that it took, where that counts
    sa.Column("reached_at", Utc()),
    sa.Column("place", Id(40)),  # NULL: no points
    sa.Column("name", Words(), nullable=False),  # which the person chose for others to read
    sa.Column("name_state", Id(8), nullable=False),  # '', waits, shown, refused
    sa.Column("named_at", Utc()),
    sa.Column("prize", Words(), nullable=False),  # as it was posted, '' for none
    sa.UniqueConstraint("edition_id", "openid"),
    sa.Index("ix_scores_place", "edition_id", "place"),
    sa.Index("ix_scores_openid", "openid"),
    **MARIADB,
)

postings = sa.Table(
    "postings",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("words", Words(), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    **MARIADB,
)

WAITS, SHOWN, REFUSED = "waits", "shown", "refused"  # a chosen name


@dataclass(frozen=True, slots=True)
class Score:
    """How somebody stands in an edition. `id` is what the staff call them."""

    id: int
    openid: str | None
    points: int
    solved: int
    wrong: int
    seconds: int | None
    reached_at: datetime | None
    place: str | None
    name: str
    name_state: str
    prize: str


_SCORE = [scores.c[name] for name in Score.__slots__]


def stand(connection: Connection, edition_id: int, openid: str) -> None:
    """Begin somebody's row, unless there is one."""
    nothing = {"points": 0, "solved": 0, "wrong": 0, "name": "", "name_state": "", "prize": ""}
    add(connection, scores, {"edition_id": edition_id, "openid": openid, **nothing})


# --- who stands where --------------------------------------------------------------------------------------------


def of(connection: Connection, edition_id: int, openid: str) -> Score | None:
    """How this person stands; None where they have not begun."""
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.openid == openid)
    row = connection.execute(sa.select(*_SCORE).where(here)).first()
    return Score(*row) if row else None


def get(connection: Connection, score_id: int) -> Score | None:
    """The one that the staff call by this number."""
    row = connection.execute(sa.select(*_SCORE).where(scores.c.id == score_id)).first()
    return Score(*row) if row else None


def rank(connection: Connection, edition_id: int, place: str) -> int:
    """How many stand before this place, and one."""
    before = sa.and_(scores.c.edition_id == edition_id, scores.c.place < place)
    query = sa.select(sa.func.count()).select_from(scores).where(before)
    return 1 + int(connection.execute(query).scalar_one())


def ranking(connection: Connection, edition_id: int, most: int | None = None) -> Iterator[tuple[int, Score]]:
    """Rank and score of everybody who has points, the best first, those who are equal by their numbers; portion by
    portion."""
    after: tuple[str, int] = ("", 0)
    number = rank_now = 0
    while True:
        portion = _portion(connection, edition_id, after, min(PORTION, most or PORTION))
        for one in portion:
            number += 1
            assert one.place is not None
            rank_now = rank_now if one.place == after[0] else number
            after = (one.place, one.id)
            yield rank_now, one
            if number == most:
                return
        if len(portion) < PORTION:
            return


def _portion(connection: Connection, edition_id: int, after: tuple[str, int], size: int) -> list[Score]:
    place, number = after
    # where many stand at one place, the next portion goes on among them
    beyond = sa.or_(scores.c.place > place, scores.c.id > number)
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.place >= place, beyond)
    query = sa.select(*_SCORE).where(here).order_by(scores.c.place, scores.c.id).limit(size)
    return [Score(*row) for row in connection.execute(query)]


# --- names -------------------------------------------------------------------------------------------------------


def name(connection: Connection, edition_id: int, openid: str, words: str, now: datetime) -> None:
    """Choose the name that others read, once the staff have looked at it."""
    stand(connection, edition_id, openid)
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.openid == openid)
    values = {"name": words, "name_state": WAITS, "named_at": now}
    connection.execute(scores.update().where(here).values(values))


def judge_name(connection: Connection, score_id: int, states: Sequence[str], state: str) -> bool:
    """Let others read a chosen name, or not; False where there is none in these states."""
    here = sa.and_(scores.c.id == score_id, scores.c.name_state.in_(states))
    return bool(connection.execute(scores.update().where(here).values(name_state=state)).rowcount)


def names_waiting(connection: Connection, edition_id: int, limit: int = 500) -> list[Score]:
    """The chosen names at which nobody has looked, the oldest first."""
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.name_state == WAITS)
    query = sa.select(*_SCORE).where(here).order_by(scores.c.named_at, scores.c.id).limit(limit)
    return [Score(*row) for row in connection.execute(query)]


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest chosen name waits."""
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.name_state == WAITS)
    return connection.execute(sa.select(sa.func.min(scores.c.named_at, type_=Utc())).where(here)).scalar()


# --- prizes -------------------------------------------------------------------------------------------------------


def award(connection: Connection, edition_id: int, prizes: Mapping[int, str]) -> None:
    """Post the prizes, by the scores' numbers; what was posted before is taken back."""
    mine = sa.and_(scores.c.edition_id == edition_id, scores.c.prize != "")
    connection.execute(scores.update().where(mine).values(prize=""))
    for number, prize in prizes.items():
        connection.execute(scores.update().where(scores.c.id == number).values(prize=prize))


def post(connection: Connection, edition_id: int, words: str, now: datetime) -> bool:
    """Write down that the prizes are posted from now on; False where they are already."""
    return add(connection, postings, {"edition_id": edition_id, "words": words, "at": now})


def posted_at(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the prizes are posted."""
    query = sa.select(postings.c.at).where(postings.c.edition_id == edition_id)
    return connection.execute(query).scalar()


def winners(connection: Connection, edition_id: int) -> list[Score]:
    """Those with a prize, the best first."""
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.prize != "")
    query = sa.select(*_SCORE).where(here).order_by(scores.c.place, scores.c.id)
    return [Score(*row) for row in connection.execute(query)]


def players(connection: Connection, edition_id: int) -> list[str]:
    """Everybody with points."""
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.place.isnot(None), scores.c.openid.isnot(None))
    return list(connection.execute(sa.select(scores.c.openid).where(here)).scalars())


# --- forgetting and telling ---------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take the person out; the place stays, so that nobody's rank changes."""
    mine = scores.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, sa.or_(scores.c.reached_at.is_(None), scores.c.reached_at <= until))
    connection.execute(scores.update().where(mine).values(openid=None, name="", name_state=""))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """How this person stands."""
    query = sa.select(*_SCORE, scores.c.edition_id).where(scores.c.openid == openid).order_by(scores.c.id)
    return [
        {"edition_id": str(row.edition_id), "points": str(row.points), "solved": str(row.solved),
         "wrong": str(row.wrong), "name": row.name, "prize": row.prize}
        for row in connection.execute(query)
    ]  # fmt: skip
