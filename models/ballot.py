"""Ballots: one row for each time that somebody voted, final, sealed into a chain, and published without its person.

A person's once is UNIQUE(edition, openid, slot). At erasure or unfollow the openid becomes the person's mark (`models/poll.py`), and
whoever comes back is looked for under both. What is limited over several days is `spent`: a row and a conditional update.

`hash` is SHA-256 of `previous`, edition, id, slot, choices, time and receipt, a line each: neither of the openid, which is forgotten,
nor of an annulment, which is a row of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models import poll
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.batch import Batch
from models.driver import Prepared
from models.entry import new_receipt
from models.poll import Poll, polls
from models.rows import add

PORTION = 5_000  # ballots that are read at once
TOLD = 200  # of one person's

ballots = sa.Table(
    "ballots",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("openid", Id(128)),  # after an erasure the mark; NULL where the key is destroyed
    sa.Column("slot", Id(10), nullable=False),  # '' for once in all, else the day of Shanghai
    sa.Column("choices", Id(255), nullable=False),  # numbers in ascending order with blanks between
    sa.Column("received_at", Utc(), nullable=False),
    sa.Column("receipt", Id(32), nullable=False, unique=True),
    sa.Column(
        "exit", Id(64), nullable=False
    ),  # the mark of the address that the page was asked from, '' for the chat
    sa.Column("previous", Id(64)),  # NULL until it is sealed
    sa.Column("hash", Id(64)),
    sa.UniqueConstraint("edition_id", "openid", "slot"),
    sa.Index("ix_ballots_edition_id", "edition_id", "id"),
    sa.Index("ix_ballots_openid", "openid"),
    **MARIADB,
)

annulments = sa.Table(
    "annulments",
    metadata,
    sa.Column("ballot_id", Number(), sa.ForeignKey("ballots.id"), primary_key=True, autoincrement=False),
    sa.Column("reason", Words(), nullable=False),
    sa.Column("staff", Id(128), nullable=False),
    sa.Column("at", Utc(), nullable=False),
    **MARIADB,
)

spent = sa.Table(
    "spent",
    metadata,
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), primary_key=True, autoincrement=False),
    sa.Column("person", Id(64), primary_key=True),  # the mark
    sa.Column("what", Id(16), primary_key=True),  # '' for ballots, else a candidate's number
    sa.Column("used", sa.Integer, nullable=False),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Ballot:
    """One row of `ballots`."""

    id: int
    edition_id: int
    openid: str | None
    slot: str
    choices: str
    received_at: datetime
    receipt: str
    exit: str
    previous: str | None
    hash: str | None


@dataclass(frozen=True, slots=True)
class New:
    """A ballot to be cast. `in_all` and `for_one`: how many ballots, and how many for the same candidate, one person may cast
    over all days; 0 for no other limit than the slot."""

    openid: str
    slot: str
    choices: Sequence[int]
    received_at: datetime
    address: str = ""
    in_all: int = 0
    for_one: int = 0


@dataclass(frozen=True, slots=True)
class Cast:
    """What a person is told of their ballot of a slot; `is_new`: this call cast it."""

    receipt: str
    received_at: datetime
    is_new: bool


class Spent(Exception):
    """One of the limits over all days is reached: of ballots, or of votes for `number`."""

    def __init__(self, number: int | None) -> None:
        super().__init__("spent")
        self.number = number


_COLUMNS = [ballots.c[name] for name in Ballot.__slots__]
_OF_PERSON = (
    sa.select(*_COLUMNS)
    .where(ballots.c.edition_id == sa.bindparam("edition"))
    .where(ballots.c.openid.in_((sa.bindparam("openid"), sa.bindparam("mark"))))
    .order_by(ballots.c.id.desc())
    .limit(TOLD)
)
_MINE = Prepared(_OF_PERSON)
_MINE_IN_SLOT = Prepared(_OF_PERSON.where(ballots.c.slot == sa.bindparam("slot")))


# --- voting ------------------------------------------------------------------------------------------------------


def cast(
    connection: Connection, found: Poll, new: New, mine: Sequence[Ballot], batch: Batch | None = None
) -> Cast:
    """Vote, unless the person has a ballot of this slot: then that one stands. `mine`: what `of_person` found in this transaction.
    With a batch a ballot that nothing else limits is put off. Raises Spent."""
    row: dict[str, Any] = {
        "edition_id": found.edition_id, "openid": new.openid, "slot": new.slot,
        "choices": " ".join(str(number) for number in sorted(new.choices)), "received_at": new.received_at,
        "receipt": new_receipt(), "exit": found.mark(new.address) if new.address else "",
    }  # fmt: skip
    known = [one for one in mine if one.slot == new.slot]
    if not known and _written(connection, found, new, row, batch):
        return Cast(row["receipt"], new.received_at, True)
    first = (known or of_person(connection, found, new.openid, new.slot))[0]
    return Cast(first.receipt, first.received_at, False)


def _written(
    connection: Connection, found: Poll, new: New, row: Mapping[str, Any], batch: Batch | None
) -> bool:
    if batch is not None and not (new.in_all or new.for_one):
        batch.put_off(ballots, row)
        return True
    if not (new.in_all or new.for_one):
        return add(connection, ballots, row)
    with connection.begin_nested():  # what is used up takes the ballot with it
        written = add(connection, ballots, row)
        if written:
            _spend(connection, found, new)
    return written


def _spend(connection: Connection, found: Poll, new: New) -> None:
    limits = [("", new.in_all)] if new.in_all else []
    limits += [(str(number), new.for_one) for number in sorted(new.choices)] if new.for_one else []
    for what, most in limits:
        key = {"edition_id": found.edition_id, "person": found.mark(new.openid), "what": what}
        add(connection, spent, {**key, "used": 0})
        here = sa.and_(*(spent.c[name] == value for name, value in key.items()), spent.c.used < most)
        if not connection.execute(spent.update().where(here).values(used=spent.c.used + 1)).rowcount:
            raise Spent(int(what) if what else None)


def of_person(connection: Connection, found: Poll, openid: str, slot: str | None = None) -> list[Ballot]:
    """This person's ballots, the newest first, also those from before they left and came back."""
    whose = {"edition": found.edition_id, "openid": openid, "mark": found.mark(openid)}
    if slot is None:
        return [Ballot(*row) for row in _MINE.rows(connection, **whose)]
    return [Ballot(*row) for row in _MINE_IN_SLOT.rows(connection, **whose, slot=slot)]


def of_people(connection: Connection, found: Poll, openids: Sequence[str]) -> dict[str, list[Ballot]]:
    """The same for several people; who has none is in it with []."""
    whose = {openid: openid for openid in openids}
    if found.key:
        whose |= {found.mark(openid): openid for openid in openids}
    here = sa.and_(ballots.c.edition_id == found.edition_id, ballots.c.openid.in_(list(whose)))
    every: dict[str, list[Ballot]] = {openid: [] for openid in openids}
    for row in connection.execute(sa.select(*_COLUMNS).where(here).order_by(ballots.c.id.desc())):
        every[whose[row.openid]].append(Ballot(*row))
    return every


def of_receipt(connection: Connection, edition_id: int, receipt: str) -> Ballot | None:
    """The ballot of this receipt."""
    here = sa.and_(ballots.c.receipt == receipt, ballots.c.edition_id == edition_id)
    row = connection.execute(sa.select(*_COLUMNS).where(here)).first()
    return Ballot(*row) if row else None


# --- the chain ---------------------------------------------------------------------------------------------------


def hash_of(previous: str, one: Ballot) -> str:
    """What seals it (SHA-256 hex)."""
    lines = (
        previous, str(one.edition_id), str(one.id), one.slot, one.choices, one.received_at.isoformat(), one.receipt,
    )  # fmt: skip
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def seal(
    connection: Connection, edition_id: int, before: datetime, *, counts: bool, after: int | None = None
) -> int | None:
    """Put the next ballots that were received before this moment into the chain, in order of id; the last id that was looked at,
    None where there is nothing more. `counts`: also count their votes; `after` looks again from another id than where it stopped.

    A ballot that was committed late has a lower id than some that are sealed: the closing looks from 0 and puts it at the end.
    """
    connection.execute(  # nobody else seals meanwhile
        polls.update().where(polls.c.edition_id == edition_id).values(sealed=polls.c.sealed)
    )
    found = poll.get(connection, edition_id)
    start = found.sealed_to if after is None else after
    here = sa.and_(ballots.c.edition_id == edition_id, ballots.c.id > start)
    query = sa.select(*_COLUMNS).where(here).order_by(ballots.c.id).limit(PORTION)
    every = [Ballot(*row) for row in connection.execute(query)]
    ripe: list[Ballot] = []
    for one in every:
        if one.received_at >= before:
            break
        ripe.append(one)
    if not ripe:
        return None
    _link(connection, found, [one for one in ripe if one.hash is None], ripe[-1].id, counts)
    return ripe[-1].id


def is_more(connection: Connection, edition_id: int) -> bool:
    """Whether a ballot was cast since the last one that is sealed."""
    last = sa.select(polls.c.sealed_to).where(polls.c.edition_id == edition_id).scalar_subquery()
    here = sa.and_(ballots.c.edition_id == edition_id, ballots.c.id > last)
    return connection.execute(sa.select(ballots.c.id).where(here).limit(1)).first() is not None


def _link(connection: Connection, found: Poll, ripe: Sequence[Ballot], last: int, counts: bool) -> None:
    head, links, votes = found.head, [], dict(found.so_far)
    void = set(annulled(connection, found.edition_id)) if counts else set()
    for one in ripe:
        previous, head = head, hash_of(head, one)
        links.append({"ballot": one.id, "before": previous, "now": head})
        for number in one.choices.split() if counts and one.id not in void else ():
            votes[int(number)] = votes.get(int(number), 0) + 1
    if links:
        mine = ballots.c.id == sa.bindparam("ballot")
        values: dict[str, Any] = {"previous": sa.bindparam("before"), "hash": sa.bindparam("now")}
        connection.execute(ballots.update().where(mine).values(values), links)
    sealed_to = max(found.sealed_to, last)
    poll.change(
        connection, found.edition_id, head=head, sealed=found.sealed + len(links), sealed_to=sealed_to,
        votes=poll.text_of(votes),
    )  # fmt: skip


def broken(connection: Connection, edition_id: int) -> int | None:
    """The id of a sealed ballot that was changed, or that no link leads to; None where the chain is whole."""
    following: dict[str, Ballot] = {}
    for one in every(connection, edition_id):
        if one.hash is not None:
            if hash_of(one.previous or "", one) != one.hash or (one.previous or "") in following:
                return one.id
            following[one.previous or ""] = one
    head = ""
    while head in following:
        head = str(following.pop(head).hash)
    if following or head != poll.get(connection, edition_id).head:
        return min((one.id for one in following.values()), default=0)
    return None


# --- counting ----------------------------------------------------------------------------------------------------


def every(connection: Connection, edition_id: int) -> Iterator[Ballot]:
    """All ballots of an edition by id, a portion at a time."""
    last = 0
    while True:
        here = sa.and_(ballots.c.edition_id == edition_id, ballots.c.id > last)
        query = sa.select(*_COLUMNS).where(here).order_by(ballots.c.id).limit(PORTION)
        rows = connection.execute(query).all()
        if not rows:
            return
        yield from (Ballot(*row) for row in rows)
        last = rows[-1].id


def voters(connection: Connection, edition_id: int) -> int:
    """How many people cast a ballot; those who cannot be told apart any more count once each time."""
    one = sa.func.coalesce(ballots.c.openid, sa.cast(ballots.c.id, sa.String(32)))
    query = sa.select(sa.func.count(sa.distinct(one))).where(ballots.c.edition_id == edition_id)
    return int(connection.execute(query).scalar_one())


def counted(connection: Connection, edition_id: int) -> Iterator[Ballot]:
    """Those that count."""
    void = annulled(connection, edition_id)
    return (one for one in every(connection, edition_id) if one.id not in void)


# --- what does not count -----------------------------------------------------------------------------------------


def annul(connection: Connection, one: Ballot, reason: str, staff: str, now: datetime) -> bool:
    """Let it count no more; its row stays as it is. Whether it counted."""
    return add(connection, annulments, {"ballot_id": one.id, "reason": reason, "staff": staff, "at": now})


def annulled(connection: Connection, edition_id: int) -> dict[int, str]:
    """Ballot's id → why it does not count."""
    query = sa.select(annulments.c.ballot_id, annulments.c.reason).join(
        ballots, ballots.c.id == annulments.c.ballot_id
    )
    rows = connection.execute(query.where(ballots.c.edition_id == edition_id))
    return {row[0]: row[1] for row in rows}


def why_annulled(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """Why these do not count, by their ids; those that count are not in it."""
    query = sa.select(annulments.c.ballot_id, annulments.c.reason).where(annulments.c.ballot_id.in_(ids))
    return {row[0]: row[1] for row in connection.execute(query)}


def reasons(connection: Connection, edition_id: int) -> list[tuple[str, int]]:
    """Why ballots do not count, and how many for each reason."""
    found: dict[str, int] = {}
    for reason in annulled(connection, edition_id).values():
        found[reason] = found.get(reason, 0) + 1
    return sorted(found.items())


def exits(connection: Connection, edition_id: int, least: int) -> list[tuple[str, int, datetime, datetime]]:
    """The exits behind which at least so many ballots were cast: mark, ballots, first and last time. A factory is one, too."""
    number = sa.func.count()
    times = [how(ballots.c.received_at, type_=Utc()) for how in (sa.func.min, sa.func.max)]
    here = sa.and_(ballots.c.edition_id == edition_id, ballots.c.exit != "")
    query = sa.select(ballots.c.exit, number, *times).where(here).group_by(ballots.c.exit)
    rows = connection.execute(query.having(number >= least).order_by(number.desc()).limit(TOLD))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def behind(connection: Connection, edition_id: int, mark: str) -> list[Ballot]:
    """The ballots that were cast behind an exit; `mark` may be its beginning."""
    here = sa.and_(ballots.c.edition_id == edition_id, ballots.c.exit.startswith(mark, autoescape=True))
    return [Ballot(*row) for row in connection.execute(sa.select(*_COLUMNS).where(here))]


# --- forgetting and telling --------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Let their ballots count without saying whose they are: the openid becomes the mark of its edition."""
    mine = ballots.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, ballots.c.received_at <= until)
    for edition_id in (
        connection.execute(sa.select(ballots.c.edition_id).where(mine).distinct()).scalars().all()
    ):
        mark = poll.get(connection, edition_id).mark(openid) or None
        here = sa.and_(mine, ballots.c.edition_id == edition_id)
        connection.execute(ballots.update().where(here).values(openid=mark))


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """This person's ballots: when, and their receipts. Not how: whoever could show that could sell it."""
    query = sa.select(*_COLUMNS).where(ballots.c.openid == openid).order_by(ballots.c.id)
    found = [Ballot(*row) for row in connection.execute(query)]
    return [
        {
            "edition_id": str(one.edition_id),
            "receipt": one.receipt,
            "received_at": one.received_at.isoformat(),
        }
        for one in found
    ]
