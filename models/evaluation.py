"""Evaluations: how many stars somebody gave to a thing, once, and changed within a day; and the figures that may be shown of them.

`subject` is the thing itself (a person's own request, an activity, an entry of the directory, the year), `about` the group that a figure
is of. What was given is counted into its figure in portions of at least FEWEST that nobody can change any more, and as long as
the edition runs as many are held back: so no two tables differ by fewer than FEWEST people, and at the end all are counted.

waits      words that nobody of the staff has looked at
shown      everybody may read them
refused    nobody may
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ground.few import FEWEST
from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.rows import add, put
from models.sealed import Sealed

WAITS, SHOWN, REFUSED = "waits", "shown", "refused"
CHANGEABLE = timedelta(hours=24)
STARS = (5, 4, 3, 2, 1)
CONTENT = 4  # stars from which somebody counts as content: the best two of five

evaluations = sa.Table(
    "evaluations",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL: forgotten; the stars stay
    sa.Column("subject", Id(80), nullable=False),
    sa.Column("about", Id(80), nullable=False),
    sa.Column("stars", sa.Integer, nullable=False),
    sa.Column("words", Sealed("evaluations.words"), nullable=False),
    sa.Column("state", Id(8), nullable=False),  # of the words; '' where they are for the staff alone
    sa.Column("given_at", Utc(), nullable=False),
    sa.Column("counted", sa.Boolean, nullable=False),
    sa.UniqueConstraint("edition_id", "openid", "subject"),
    sa.Index("ix_evaluations_about", "edition_id", "about", "counted"),
    sa.Index("ix_evaluations_openid", "openid"),
    **MARIADB,
)

figures = sa.Table(
    "figures",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("about", Id(80), primary_key=True),
    sa.Column("asked", sa.Integer, nullable=False),  # how many could have evaluated it, when it was counted
    sa.Column("at", Utc(), nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One row of `evaluations`."""

    id: int
    edition_id: int
    openid: str | None
    subject: str
    about: str
    stars: int
    words: str
    state: str
    given_at: datetime
    counted: bool

    def may_change(self, at: datetime) -> bool:
        """Whether its person may still change it."""
        return not self.counted and at < self.given_at + CHANGEABLE


@dataclass(frozen=True, slots=True)
class Figure:
    """What may be shown of a group: of how many people, how many gave how many stars."""

    about: str
    asked: int
    stars: tuple[int, ...]  # how many gave 5, 4, 3, 2, 1

    @property
    def number(self) -> int:
        """How many gave theirs."""
        return sum(self.stars)

    @property
    def rate(self) -> str:
        """Of those who could have."""
        return f"{100 * self.number // max(self.asked, self.number)}%"

    @property
    def mean(self) -> str:
        """Stars, rounded down to a tenth."""
        tenths = 10 * sum(n * each for n, each in zip(STARS, self.stars, strict=True)) // self.number
        return f"{tenths // 10}.{tenths % 10}"

    @property
    def content(self) -> str:
        """How many of them gave CONTENT stars or more."""
        return f"{100 * sum(n for stars, n in zip(STARS, self.stars, strict=True) if stars >= CONTENT) // self.number}%"


_COLUMNS = [evaluations.c[name] for name in Evaluation.__slots__]


# --- giving ------------------------------------------------------------------------------------------------------


def give(
    connection: Connection, edition_id: int, openid: str, subject: str, about: str, stars: int, words: str,
    state: str, now: datetime,
) -> Evaluation | None:  # fmt: skip
    """Write it down, or change what was given within a day; None where it can be changed no more."""
    values = {"stars": stars, "words": words, "state": state}
    row = {**values, "edition_id": edition_id, "openid": openid, "subject": subject, "about": about}
    new = add(connection, evaluations, {**row, "given_at": now, "counted": False})
    one = next(each for each in of_person(connection, edition_id, openid) if each.subject == subject)
    if new:
        return one
    mine = sa.and_(evaluations.c.id == one.id, ~evaluations.c.counted)
    if (
        not one.may_change(now)
        or not connection.execute(evaluations.update().where(mine).values(values)).rowcount
    ):
        return None
    return one


def of_person(connection: Connection, edition_id: int, openid: str) -> list[Evaluation]:
    """What this person gave."""
    mine = sa.and_(evaluations.c.edition_id == edition_id, evaluations.c.openid == openid)
    rows = connection.execute(sa.select(*_COLUMNS).where(mine).order_by(evaluations.c.id))
    return [Evaluation(*row) for row in rows]


def get(connection: Connection, evaluation_id: int) -> Evaluation | None:
    """The one of this number."""
    row = connection.execute(sa.select(*_COLUMNS).where(evaluations.c.id == evaluation_id)).first()
    return Evaluation(*row) if row else None


# --- figures -----------------------------------------------------------------------------------------------------


def waiting(connection: Connection, edition_id: int) -> dict[str, int]:
    """How many are counted nowhere yet, by group."""
    mine = sa.and_(evaluations.c.edition_id == edition_id, ~evaluations.c.counted)
    query = sa.select(evaluations.c.about, sa.func.count()).where(mine).group_by(evaluations.c.about)
    return {row[0]: row[1] for row in connection.execute(query)}


def settled(connection: Connection, edition_id: int, about: str, now: datetime) -> list[int]:
    """Which of a group may be counted while the edition runs: nobody can change them, and FEWEST others are held back."""
    mine = sa.and_(
        evaluations.c.edition_id == edition_id, evaluations.c.about == about, ~evaluations.c.counted
    )
    query = sa.select(evaluations.c.id, evaluations.c.given_at).where(mine).order_by(evaluations.c.id)
    every = connection.execute(query).all()[:-FEWEST]
    return [row.id for row in every if row.given_at + CHANGEABLE <= now]


def count(
    connection: Connection,
    edition_id: int,
    about: str,
    asked: int,
    now: datetime,
    ids: Sequence[int] | None = None,
) -> bool:
    """Count these (None: all that are left) into the figure of their group; False where they are too few."""
    mine = sa.and_(
        evaluations.c.edition_id == edition_id, evaluations.c.about == about, ~evaluations.c.counted
    )
    if ids is None:
        ids = list(connection.execute(sa.select(evaluations.c.id).where(mine)).scalars())
    if len(ids) < FEWEST:
        return False
    for first in range(0, len(ids), 500):
        these = evaluations.c.id.in_(ids[first : first + 500])
        connection.execute(evaluations.update().where(mine, these).values(counted=True))
    key = {"edition_id": edition_id, "about": about}
    put(connection, figures, ("edition_id", "about"), {**key, "asked": asked, "at": now})
    return True


def counted(connection: Connection, edition_id: int) -> list[Figure]:
    """The figures that may be shown, by group."""
    mine = sa.and_(evaluations.c.edition_id == edition_id, evaluations.c.counted)
    stars = sa.select(evaluations.c.about, evaluations.c.stars, sa.func.count()).where(mine)
    given = {
        (row[0], row[1]): row[2]
        for row in connection.execute(stars.group_by(evaluations.c.about, evaluations.c.stars))
    }
    asked = sa.select(figures.c.about, figures.c.asked).where(figures.c.edition_id == edition_id)
    return [
        Figure(row.about, row.asked, tuple(given.get((row.about, n), 0) for n in STARS))
        for row in connection.execute(asked.order_by(figures.c.about))
    ]


def words_of(
    connection: Connection, edition_id: int, states: Sequence[str], limit: int = 1000
) -> list[Evaluation]:
    """What was written about groups that have a figure, in the order of the words, which says nothing of who or when."""
    here = sa.and_(evaluations.c.edition_id == edition_id, evaluations.c.counted, evaluations.c.words != "")
    query = sa.select(*_COLUMNS).where(here, evaluations.c.state.in_(states))
    found = [Evaluation(*row) for row in connection.execute(query.limit(limit))]
    return sorted(found, key=lambda one: one.words)


def judge(connection: Connection, evaluation_id: int, states: Sequence[str], state: str) -> bool:
    """Let others read its words, or not; False where it is in none of these states."""
    here = sa.and_(evaluations.c.id == evaluation_id, evaluations.c.state.in_(states))
    return bool(connection.execute(evaluations.update().where(here).values(state=state)).rowcount)


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when the oldest words wait that the staff can see: from the counting of their group on."""
    here = sa.and_(figures.c.edition_id == edition_id, evaluations.c.edition_id == edition_id)
    waits = sa.and_(
        evaluations.c.state == WAITS, evaluations.c.counted, evaluations.c.about == figures.c.about
    )
    return connection.execute(sa.select(sa.func.min(figures.c.at, type_=Utc())).where(here, waits)).scalar()


# --- forgetting and telling --------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take the person and the words out; the stars stay, so that no figure changes by one person."""
    mine = evaluations.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, evaluations.c.given_at <= until)
    connection.execute(evaluations.update().where(mine).values(openid=None, words="", state=""))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person gave."""
    query = sa.select(*_COLUMNS).where(evaluations.c.openid == openid).order_by(evaluations.c.id)
    return [
        {
            "subject": one.subject,
            "stars": str(one.stars),
            "words": one.words,
            "given_at": one.given_at.isoformat(),
        }
        for one in (Evaluation(*row) for row in connection.execute(query))
    ]
