"""Polls: what a poll's edition has besides its rules. Its key, how far its ballots are sealed, and what was counted.

The key makes marks: of a person whose ballot must go on counting once and say no more whose it is, and of the address that a page
was asked from. It is destroyed when the objection term ends; from then on nobody can make such a mark again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.driver import Prepared
from models.rows import add

polls = sa.Table(
    "polls",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("key", Id(64), nullable=False),  # hex; '' once it is destroyed
    sa.Column("sealed", sa.BigInteger, nullable=False),  # how many ballots are in the chain
    sa.Column("sealed_to", Number(), nullable=False),  # the last of them
    sa.Column("head", Id(64), nullable=False),  # its hash, '' for none
    sa.Column("votes", Words(), nullable=False),  # JSON: number → votes so far, where the rules show them
    sa.Column("posted_at", Utc()),  # since when the result may be objected to
    sa.Column("posted_to", Utc()),
    sa.Column("posted", Words(), nullable=False),  # what was said with it
    **MARIADB,
)

heads = sa.Table(
    "heads",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("day", Id(10), primary_key=True),  # of Shanghai
    sa.Column("sealed", sa.BigInteger, nullable=False),
    sa.Column("head", Id(64), nullable=False),
    **MARIADB,
)

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    sa.Column("reason", Words(), nullable=False),  # why it was counted anew, '' for the first
    sa.Column("ballots", sa.BigInteger, nullable=False),  # that count
    sa.Column("annulled", sa.BigInteger, nullable=False),
    sa.Column("votes", Words(), nullable=False),  # JSON: number → votes
    sa.Column("ballots_digest", Id(64), nullable=False),  # SHA-256 of each published file
    sa.Column("receipts_digest", Id(64), nullable=False),
    sa.Index("ix_tallies_edition_id", "edition_id", "id"),
    **MARIADB,
)

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("side", Id(8), primary_key=True),  # expert or union
    sa.Column("giver", Id(64), primary_key=True),  # who gave it: an expert's number, a union's code
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # the candidate's
    sa.Column("points", sa.Integer, nullable=False),
    **MARIADB,
)

Votes = Mapping[int, int]
"""Candidate's number → votes."""


@dataclass(frozen=True, slots=True)
class Poll:
    """One row of `polls`."""

    edition_id: int
    key: str
    sealed: int
    sealed_to: int
    head: str
    votes: str
    posted_at: datetime | None
    posted_to: datetime | None
    posted: str

    def mark(self, what: str) -> str:
        """HMAC-SHA256 (hex) of a person or an address; '' once the key is destroyed."""
        return (
            hmac.new(bytes.fromhex(self.key), what.encode(), hashlib.sha256).hexdigest() if self.key else ""
        )

    @property
    def so_far(self) -> Votes:
        """The votes that are shown while it runs."""
        return votes_of(self.votes)


@dataclass(frozen=True, slots=True)
class Tally:
    """One counting; the newest is the result."""

    id: int
    at: datetime
    reason: str
    ballots: int
    annulled: int
    votes: Votes
    ballots_digest: str
    receipts_digest: str


_POLL = [polls.c[name] for name in Poll.__slots__]
_GET = Prepared(sa.select(*_POLL).where(polls.c.edition_id == sa.bindparam("edition")))
_LAST_HEAD = Prepared(
    sa.select(heads.c.day, heads.c.sealed, heads.c.head)
    .where(heads.c.edition_id == sa.bindparam("edition"))
    .order_by(heads.c.day.desc())
    .limit(1)
)
_TALLY = [tallies.c[name] for name in Tally.__slots__]


def votes_of(text: str) -> dict[int, int]:
    """Votes as they are stored."""
    return {int(number): votes for number, votes in json.loads(text).items()}


def text_of(votes: Votes) -> str:
    """Votes as they are stored."""
    return json.dumps({str(number): votes[number] for number in sorted(votes)})


def lay(connection: Connection, edition_id: int) -> bool:
    """Give an edition its key; False where it has one."""
    row = {"edition_id": edition_id, "key": secrets.token_hex(32), "sealed": 0, "sealed_to": 0, "head": ""}
    return add(connection, polls, {**row, "votes": "{}", "posted": ""})


def get(connection: Connection, edition_id: int) -> Poll:
    """The edition's poll."""
    (row,) = _GET.rows(connection, edition=edition_id)
    return Poll(*row)


def change(connection: Connection, edition_id: int, **values: object) -> None:
    """Change its row."""
    connection.execute(polls.update().where(polls.c.edition_id == edition_id).values(values))


def destroy_key(connection: Connection, edition_id: int) -> bool:
    """From now on nobody can say any more whose mark one is; whether this call did it."""
    here = sa.and_(polls.c.edition_id == edition_id, polls.c.key != "")
    return bool(connection.execute(polls.update().where(here).values(key="")).rowcount)


def post(connection: Connection, edition_id: int, words: str, now: datetime, until: datetime) -> bool:
    """Let everybody object to the result until then; False where they can already."""
    here = sa.and_(polls.c.edition_id == edition_id, polls.c.posted_at.is_(None))
    values = {"posted": words, "posted_at": now, "posted_to": until}
    return bool(connection.execute(polls.update().where(here).values(values)).rowcount)


def give_marks(
    connection: Connection, edition_id: int, side: str, rows: Iterable[tuple[str, int, int]]
) -> int:
    """What a side gave (giver, number, points), in place of what it had given; how many points were written."""
    here = sa.and_(marks.c.edition_id == edition_id, marks.c.side == side)
    connection.execute(marks.delete().where(here))
    values = [
        {"edition_id": edition_id, "side": side, "giver": giver, "number": number, "points": points}
        for giver, number, points in rows
    ]
    if values:
        connection.execute(marks.insert(), values)
    return len(values)


def marks_of(connection: Connection, edition_id: int) -> dict[str, dict[int, int]]:
    """Side → candidate's number → points of all its givers."""
    columns = (marks.c.side, marks.c.number, sa.func.sum(marks.c.points))
    query = sa.select(*columns).where(marks.c.edition_id == edition_id).group_by(*columns[:2])
    found: dict[str, dict[int, int]] = {}
    for side, number, points in connection.execute(query):
        found.setdefault(side, {})[number] = int(points)
    return found


# --- the head of the chain, day by day ---------------------------------------------------------------------------


def show_head(connection: Connection, found: Poll, day: str) -> bool:
    """Keep the head for this day, to be shown from now on; False where the day has one."""
    row = {"edition_id": found.edition_id, "day": day, "sealed": found.sealed, "head": found.head}
    return add(connection, heads, row)


def shown_heads(connection: Connection, edition_id: int) -> list[tuple[str, int, str]]:
    """Day, ballots and head, the newest first."""
    query = sa.select(heads.c.day, heads.c.sealed, heads.c.head).where(heads.c.edition_id == edition_id)
    return [(row[0], row[1], row[2]) for row in connection.execute(query.order_by(heads.c.day.desc()))]


def last_head(connection: Connection, edition_id: int) -> tuple[str, int, str] | None:
    """The newest of them."""
    row = _LAST_HEAD.first(connection, edition=edition_id)
    return (row[0], row[1], row[2]) if row else None


# --- what was counted --------------------------------------------------------------------------------------------


def note_tally(connection: Connection, edition_id: int, tally: Tally) -> None:
    """Keep a counting."""
    row = {name: getattr(tally, name) for name in Tally.__slots__ if name not in ("id", "votes")}
    connection.execute(tallies.insert().values(**row, edition_id=edition_id, votes=text_of(tally.votes)))


def tallied(connection: Connection, edition_id: int) -> list[Tally]:
    """Every counting, the newest first."""
    query = sa.select(*_TALLY).where(tallies.c.edition_id == edition_id).order_by(tallies.c.id.desc())
    return [Tally(**{**row._mapping, "votes": votes_of(row.votes)}) for row in connection.execute(query)]
