"""Questions of a quiz, each with the law behind it, and what was ruled of them: what counted before stays with the ruling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add

questions = sa.Table(
    "questions",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # its line in the bank, as staff see it
    sa.Column("version", sa.Integer, nullable=False),  # 1, and one more with each ruling
    sa.Column("stem", Words(), nullable=False),
    sa.Column("options", Words(), nullable=False),  # JSON: letter and words of each
    sa.Column("several", sa.Boolean, nullable=False),  # more than one option may be chosen
    sa.Column("accepted", Words(), nullable=False),  # JSON: each answer that counts, as letters ascending
    sa.Column("why", Words(), nullable=False),
    sa.Column("law", Words(), nullable=False),
    sa.Column("article", Words(), nullable=False),
    sa.Column("about", Id(64), nullable=False),  # the right (权利) that it asks for
    sa.UniqueConstraint("edition_id", "number"),
    **MARIADB,
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("question_id", Number(), sa.ForeignKey("questions.id"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # that the question has since
    sa.Column("was", Words(), nullable=False),  # JSON: what counted until then
    sa.Column("became", Words(), nullable=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("changed", Words(), nullable=False),  # whose rank changed, in words that name nobody
    sa.Column("at", Utc(), nullable=False),
    sa.Index("ix_verdicts_question_id", "question_id"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of an edition. `accepted`: each answer that counts, as letters ascending; () where every answer does."""

    id: int
    edition_id: int
    number: int
    version: int
    stem: str
    options: Mapping[str, str]
    several: bool
    accepted: tuple[str, ...]
    why: str
    law: str
    article: str
    about: str

    def counts(self, letters: str) -> bool:
        """Whether this answer is right."""
        return not self.accepted or letters in self.accepted


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ruling: what counted before and what since, why, and what it moved."""

    number: int
    version: int
    was: tuple[str, ...]
    became: tuple[str, ...]
    reason: str
    changed: str
    at: datetime


_QUESTION = [questions.c[name] for name in Question.__slots__]


# --- questions ---------------------------------------------------------------------------------------------------


def lay(connection: Connection, edition_id: int, number: int, values: Mapping[str, Any]) -> bool:
    """Put a question into an edition; False where one of this number is there."""
    texts = {name: json.dumps(values[name], ensure_ascii=False) for name in ("options", "accepted")}
    return add(
        connection,
        questions,
        {**values, **texts, "edition_id": edition_id, "number": number, "version": 1},
    )


def of_edition(connection: Connection, edition_id: int) -> list[Question]:
    """The questions of an edition by their numbers."""
    query = sa.select(*_QUESTION).where(questions.c.edition_id == edition_id).order_by(questions.c.number)
    return [_question(row) for row in connection.execute(query)]


def some(connection: Connection, ids: Sequence[int]) -> list[Question]:
    """The questions of these ids, in no order."""
    query = sa.select(*_QUESTION).where(questions.c.id.in_(ids))
    return [_question(row) for row in connection.execute(query)]


def get(connection: Connection, question_id: int) -> Question | None:
    """One question."""
    row = connection.execute(sa.select(*_QUESTION).where(questions.c.id == question_id)).first()
    return _question(row) if row else None


def _question(row: Any) -> Question:
    values: dict[str, Any] = {
        **row._mapping,
        "options": dict(json.loads(row.options)),
        "accepted": tuple(json.loads(row.accepted)),
    }
    return Question(**values)


# --- rulings -----------------------------------------------------------------------------------------------------


def note(
    connection: Connection,
    question: Question,
    accepted: Sequence[str],
    reason: str,
    changed: str,
    now: datetime,
) -> None:
    """Keep what was ruled, what counted before, why, and whose rank it changed."""
    values = {"question_id": question.id, "version": question.version + 1, "reason": reason, "at": now}
    texts = {"was": json.dumps(list(question.accepted)), "became": json.dumps(list(accepted))}
    connection.execute(verdicts.insert().values(**values, **texts, changed=changed))


def ruled(connection: Connection, edition_id: int) -> list[Verdict]:
    """Every ruling, oldest first."""
    names = ("version", "was", "became", "reason", "changed", "at")
    query = sa.select(questions.c.number, *(verdicts.c[name] for name in names)).join(
        questions, questions.c.id == verdicts.c.question_id
    )
    rows = connection.execute(query.where(questions.c.edition_id == edition_id).order_by(verdicts.c.id))
    return [
        Verdict(
            row.number,
            row.version,
            tuple(json.loads(row.was)),
            tuple(json.loads(row.became)),
            row.reason,
            row.changed,
            row.at,
        )
        for row in rows
    ]
