"""Quizzes: the questions of an edition, the papers that people drew, what they answered, and what was ruled.

A paper is drawn once, with its seed, and frozen in its row: a reload shows the same questions in the same order. An option is called
by its letter in the bank, never by where a paper shows it. Each answer says under which version of its question it was judged.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from models import question, score
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.question import Question, questions
from models.rows import add
from models.score import MOST_POINTS, scores

ORDERED = re.compile(
    r"以上|上述|都对|都不对|^(对|错|是|否|正确|错误)$"
)  # options that stay where the bank has them
MOST_SECONDS = 9_999_999

papers = sa.Table(
    "papers",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # NULL: forgotten; the answers stay, for how clear a right is to people
    sa.Column("n", sa.Integer, nullable=False),  # the person's first, second … paper
    sa.Column("seed", Id(32), nullable=False),
    sa.Column(
        "items", Words(), nullable=False
    ),  # JSON: question's id and its options' letters, in their order
    sa.Column("issued_at", Utc(), nullable=False),
    sa.Column("expires_at", Utc()),  # NULL: with the edition
    sa.UniqueConstraint("edition_id", "openid", "n"),
    sa.Index("ix_papers_openid", "openid"),
    **MARIADB,
)

choices = sa.Table(
    "choices",
    metadata,
    sa.Column("paper_id", Number(), sa.ForeignKey("papers.id"), primary_key=True, autoincrement=False),
    sa.Column("question_id", Number(), sa.ForeignKey("questions.id"), primary_key=True, autoincrement=False),
    sa.Column("letters", Id(8), nullable=False),  # ascending
    sa.Column("version", sa.Integer, nullable=False),  # of the question, when it was judged
    sa.Column("hit", sa.Boolean, nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_choices_question_id", "question_id", "letters"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Paper:
    """One person's questions: of each its id, and the letters of its options in the order in which they are shown."""

    id: int
    edition_id: int
    openid: str | None
    n: int
    items: tuple[tuple[int, str], ...]
    issued_at: datetime
    expires_at: datetime | None

    def over(self, at: datetime) -> bool:
        """Whether its time is up."""
        return self.expires_at is not None and at >= self.expires_at


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody answered."""

    question_id: int
    letters: str
    hit: bool
    at: datetime


_PAPER = [papers.c[name] for name in Paper.__slots__]
_CHOICE = [choices.c[name] for name in Choice.__slots__]


# --- papers ------------------------------------------------------------------------------------------------------


def draw(
    connection: Connection, edition_id: int, openid: str, *, size: int, most: int, seed: str,
    lasts: timedelta | None, now: datetime,
) -> Paper | None:  # fmt: skip
    """A new paper for this person; None where they have had `most`."""
    every = question.of_edition(connection, edition_id)
    chance = random.Random(seed)  # noqa: S311 - what is drawn is no secret
    picked = chance.sample(every, min(size, len(every)))
    items = json.dumps([[one.id, _shuffled(one, chance)] for one in picked])
    for n in range(len(of_person(connection, edition_id, openid)) + 1, most + 1):
        row = {"edition_id": edition_id, "openid": openid, "n": n, "seed": seed, "items": items}
        ends = now + lasts if lasts else None
        if add(connection, papers, {**row, "issued_at": now, "expires_at": ends}):
            return of_person(connection, edition_id, openid)[-1]
    return None


def _shuffled(one: Question, chance: random.Random) -> str:
    found = list(one.options)
    if not any(ORDERED.search(words) for words in one.options.values()):
        chance.shuffle(found)
    return "".join(found)


def of_person(connection: Connection, edition_id: int, openid: str) -> list[Paper]:
    """The papers of this person, the first one first."""
    here = sa.and_(papers.c.edition_id == edition_id, papers.c.openid == openid)
    query = sa.select(*_PAPER).where(here).order_by(papers.c.n)
    return [_paper(row) for row in connection.execute(query)]


def _paper(row: Any) -> Paper:
    items = tuple((number, letters) for number, letters in json.loads(row.items))
    return Paper(**{**row._mapping, "items": items})


def chosen(connection: Connection, paper_id: int) -> dict[int, Choice]:
    """What was answered on a paper, by the question's id."""
    query = sa.select(*_CHOICE).where(choices.c.paper_id == paper_id)
    return {row.question_id: Choice(*row) for row in connection.execute(query)}


def answer(connection: Connection, paper: Paper, asked: Question, letters: str, now: datetime) -> bool:
    """Write down what somebody answered; False where this question of the paper is answered already."""
    row = {"paper_id": paper.id, "question_id": asked.id, "letters": letters}
    hit = asked.counts(letters)
    return add(connection, choices, {**row, "version": asked.version, "hit": hit, "at": now})


# --- what it is worth --------------------------------------------------------------------------------------------


def recount(connection: Connection, edition_id: int, openid: str, points: int, *, speed: bool) -> None:
    """Count somebody's best paper into their score: most right, then least time, then the earlier."""
    best = min(
        (worth(paper, chosen(connection, paper.id)) for paper in of_person(connection, edition_id, openid)),
        default=None,
    )
    if best is None:
        return
    _, seconds, reached_at, right, wrong = best
    score.stand(connection, edition_id, openid)
    place = place_of(right * points, seconds if speed else 0)
    values = {"points": right * points, "solved": right, "wrong": wrong, "seconds": seconds, "place": place}
    here = sa.and_(scores.c.edition_id == edition_id, scores.c.openid == openid)
    connection.execute(scores.update().where(here).values(**values, reached_at=reached_at))


def worth(paper: Paper, answers: Mapping[int, Choice]) -> tuple[int, int, datetime, int, int]:
    """What sorts the better paper first: right answers (negative), seconds, when; and how many are right and wrong."""
    right = sum(one.hit for one in answers.values())
    last = max((one.at for one in answers.values()), default=paper.issued_at)
    return -right, int((last - paper.issued_at).total_seconds()), last, right, len(answers) - right


def place_of(points: int, seconds: int) -> str | None:
    """The order in one text, the better first: points, then fewer seconds; None for no points."""
    if points <= 0:
        return None
    return f"{MOST_POINTS - min(points, MOST_POINTS):07d}.{min(seconds, MOST_SECONDS):07d}"


def clear(connection: Connection, edition_id: int) -> dict[int, tuple[int, int]]:
    """How many answered each question, and how many rightly, by its id."""
    hits = sa.func.sum(sa.case((choices.c.hit, 1), else_=0))
    query = sa.select(questions.c.id, sa.func.count(), hits).join(
        choices, choices.c.question_id == questions.c.id
    )
    rows = connection.execute(query.where(questions.c.edition_id == edition_id).group_by(questions.c.id))
    return {row[0]: (row[1], int(row[2])) for row in rows}


def picked(connection: Connection, edition_id: int) -> dict[tuple[int, str], int]:
    """How often each answer was given, by the question's id and the letters."""
    query = sa.select(choices.c.question_id, choices.c.letters, sa.func.count()).join(
        questions, choices.c.question_id == questions.c.id
    )
    rows = connection.execute(
        query.where(questions.c.edition_id == edition_id).group_by(choices.c.question_id, choices.c.letters)
    )
    return {(row[0], row[1]): row[2] for row in rows}


# --- rulings -----------------------------------------------------------------------------------------------------


def rule(connection: Connection, wrong: Question, accepted: Sequence[str]) -> list[str]:
    """Let these answers count instead (none: every one does), for whoever has answered already too; those whom it changes."""
    version = wrong.version + 1
    changed = {"accepted": json.dumps(list(accepted)), "version": version}
    connection.execute(questions.update().where(questions.c.id == wrong.id).values(changed))
    mine = choices.c.question_id == wrong.id
    counts = choices.c.letters.in_(list(accepted)) if accepted else sa.true()
    gains, loses = sa.and_(mine, ~choices.c.hit, counts), sa.and_(mine, choices.c.hit, ~counts)
    query = sa.select(papers.c.openid).join(choices, choices.c.paper_id == papers.c.id)
    moved = sa.and_(sa.or_(gains, loses), papers.c.openid.is_not(None))
    people = sorted(connection.execute(query.where(moved).distinct()).scalars())
    connection.execute(choices.update().where(gains).values(hit=True))
    connection.execute(choices.update().where(loses).values(hit=False))
    connection.execute(choices.update().where(mine).values(version=version))
    return people


# --- forgetting and telling --------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Take the person out; what was answered stays and names nobody."""
    mine = papers.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, papers.c.issued_at <= until)
    connection.execute(papers.update().where(mine).values(openid=None))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person answered."""
    query = (
        sa.select(papers.c.edition_id, papers.c.n, questions.c.stem, *_CHOICE[1:])
        .join(choices, choices.c.paper_id == papers.c.id)
        .join(questions, questions.c.id == choices.c.question_id)
    )
    rows = connection.execute(query.where(papers.c.openid == openid).order_by(choices.c.at))
    return [
        {"edition_id": str(row.edition_id), "paper": str(row.n), "question": row.stem,
         "letters": row.letters, "right": str(row.hit), "at": row.at.isoformat()}
        for row in rows
    ]  # fmt: skip
