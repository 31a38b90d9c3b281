"""Requests: what somebody asks the union to answer, to settle or to consider, and where it stands.

A row holds what `deadline.life` says of its steps, so that lists are found by an index; `note` writes a step and the row together.
`owner_unit` and `against` are paths of units, `county/works/`, the city itself being ''; `scope` says who sees what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models import step
from models.base import MARIADB, Connection, Id, Number, Utc, metadata
from models.deadline import NEW, OPEN, Life, Terms, life
from models.sealed import Sealed
from models.step import Step

ASK, HELP, ADVICE = "ask", "help", "advice"  # 咨询, 求决, 建议

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("edition_id", Number(), sa.ForeignKey("editions.id"), nullable=False),
    sa.Column("campaign", Id(64), nullable=False),
    sa.Column("openid", Id(128)),
    sa.Column("kind", Id(16), nullable=False),
    sa.Column("topic", Id(64), nullable=False),
    sa.Column("words", Sealed("requests.words"), nullable=False),
    sa.Column(
        "unit", Sealed("requests.unit"), nullable=False
    ),  # which one it is about, as the person wrote it
    sa.Column("against", Id(190), nullable=False),  # the same as a path, '' where it complains of none
    sa.Column(
        "phone", Sealed("requests.phone"), nullable=False
    ),  # '' where they want to be answered in the chat
    sa.Column("owner", Id(64), nullable=False),
    sa.Column("owner_unit", Id(190), nullable=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("state", Id(16), nullable=False),
    sa.Column("reopens", sa.Integer, nullable=False),
    sa.Column("merged_into", Number(), sa.ForeignKey("requests.id")),
    sa.Column("split_from", Number(), sa.ForeignKey("requests.id")),
    sa.Column("photo", Id(32)),  # the key of a photo that belongs to it
    sa.Column("source", Id(64)),  # what became this request, such as objection:12; NULL where somebody asked
    sa.Column("received_at", Utc(), nullable=False),
    sa.Column("due_at", Utc()),  # the next deadline, also one that has passed
    sa.Column("next_at", Utc()),  # when the clock has something to do
    sa.Index("ix_requests_openid", "openid"),
    # a list comes out of an index in its order, so that its first page costs the same however many there are
    sa.Index("ix_requests_due_at", "campaign", "due_at", "id", "state"),
    sa.Index("ix_requests_owner", "campaign", "owner", "due_at", "id", "state"),
    sa.Index("ix_requests_state", "campaign", "state", "id"),
    sa.Index("ix_requests_owner_unit", "campaign", "owner_unit", "against", "state", "due_at"),
    sa.Index("ix_requests_next_at", "campaign", "next_at"),
    sa.Index("ix_requests_merged_into", "merged_into"),
    sa.Index("ix_requests_split_from", "split_from"),
    sa.Index("ix_requests_source", "source"),
    **MARIADB,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One row of `requests`."""

    id: int
    edition_id: int
    campaign: str
    openid: str | None
    kind: str
    topic: str
    words: str
    unit: str
    against: str
    phone: str
    owner: str
    owner_unit: str
    level: int
    state: str
    reopens: int
    merged_into: int | None
    split_from: int | None
    photo: str | None
    source: str | None
    received_at: datetime
    due_at: datetime | None
    next_at: datetime | None

    @property
    def number(self) -> str:
        """What it is called."""
        return number_of(self.id)

    @property
    def is_open(self) -> bool:
        """Whether somebody still owes an answer."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class New:
    """A request to be written."""

    edition_id: int
    campaign: str
    openid: str | None
    kind: str
    words: str
    owner: str
    owner_unit: str = ""
    topic: str = ""
    unit: str = ""
    against: str = ""
    phone: str = ""
    split_from: int | None = None
    photo: str | None = None
    source: str | None = None


COLUMNS = [requests.c[name] for name in Request.__slots__]


def number_of(request_id: int) -> str:
    """S12"""
    return f"S{request_id}"


def id_of(number: str) -> int | None:
    """12 of S12, s12 or 12; None for what is no such number."""
    plain = number.strip().upper().removeprefix("S")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 16 else None


def receive(connection: Connection, new: New, terms: Terms, at: datetime, by: str = step.PERSON) -> Request:
    """Write it down with its first step; its deadlines run from then on."""
    values = {name: getattr(new, name) for name in New.__slots__}
    rest = {"level": 0, "state": NEW, "reopens": 0, "received_at": at}
    done = connection.execute(requests.insert().values(**values, **rest))
    key = done.inserted_primary_key
    assert key is not None
    request_id = int(key[0])
    first = Step(0, at, by, step.RECEIVED, new.owner, "收到了")
    found = get(connection, request_id)
    assert found is not None
    note(connection, found, first, terms)
    made = get(connection, request_id)
    assert made is not None
    return made


def get(connection: Connection, request_id: int) -> Request | None:
    """The request of this id."""
    row = connection.execute(sa.select(*COLUMNS).where(requests.c.id == request_id)).first()
    return Request(*row) if row else None


def hold(connection: Connection, request_id: int) -> Request | None:
    """The same, and nobody else changes it until the transaction ends."""
    connection.execute(requests.update().where(requests.c.id == request_id).values(level=requests.c.level))
    return get(connection, request_id)


def note(
    connection: Connection, one: Request, happened: Step, terms: Terms, **values: object
) -> tuple[Life, int]:
    """Write down a step and what the request is from now on; also the step's id. `values` are columns that it changes besides."""
    step_id = step.add(connection, one.id, happened)
    return recount(connection, one.id, terms, **values), step_id


def recount(connection: Connection, request_id: int, terms: Terms, **values: object) -> Life:
    """Bring the row to what its steps say."""
    here = life(step.of(connection, request_id), terms)
    row = {
        "state": here.state, "owner": here.owner, "level": here.level, "reopens": here.reopens,
        "due_at": here.due_at, "next_at": here.next_at,
    }  # fmt: skip
    connection.execute(requests.update().where(requests.c.id == request_id).values(**row, **values))
    return here


# --- found ------------------------------------------------------------------------------------------------------


def of_person(connection: Connection, campaign: str, openid: str, limit: int = 50) -> list[Request]:
    """This person's own, the newest first."""
    mine = sa.and_(requests.c.openid == openid, requests.c.campaign == campaign)
    query = sa.select(*COLUMNS).where(mine).order_by(requests.c.id.desc()).limit(limit)
    return [Request(*row) for row in connection.execute(query)]


def decided(connection: Connection, openid: str, since: datetime) -> list[Request]:
    """This person's requests that came in since then and are answered, the newest first."""
    mine = sa.and_(requests.c.openid == openid, requests.c.received_at >= since, _decided())
    rows = connection.execute(sa.select(*COLUMNS).where(mine).order_by(requests.c.id.desc()).limit(20))
    return [Request(*row) for row in rows]


def decided_by(connection: Connection, owner: str, since: datetime) -> int:
    """How many that came in since then this owner has answered, to people who are still there."""
    theirs = sa.and_(
        requests.c.owner == owner, requests.c.received_at >= since, requests.c.openid.is_not(None)
    )
    query = sa.select(sa.func.count()).select_from(requests).where(theirs, _decided())
    return int(connection.execute(query).scalar_one())


def _decided() -> sa.ColumnElement[bool]:
    return requests.c.state.in_((step.ANSWERED, step.CLOSED))


def merged_in(connection: Connection, request_id: int) -> list[Request]:
    """Those that this one holds."""
    query = sa.select(*COLUMNS).where(requests.c.merged_into == request_id).order_by(requests.c.id)
    return [Request(*row) for row in connection.execute(query)]


def sourced(connection: Connection, source: str) -> Request | None:
    """The request that this became."""
    row = connection.execute(sa.select(*COLUMNS).where(requests.c.source == source).limit(1)).first()
    return Request(*row) if row else None


def tied(connection: Connection, one: Request) -> list[Request]:
    """Those that it has to do with: what holds it and what it holds, what it was split from and what was split from it."""
    c = requests.c
    others = [each for each in (one.merged_into, one.split_from) if each]
    which = sa.or_(c.merged_into == one.id, c.split_from == one.id, c.id.in_(others))
    query = sa.select(*COLUMNS).where(which).order_by(c.id).limit(100)
    return [Request(*row) for row in connection.execute(query)]


def answered(connection: Connection, edition_id: int) -> int:
    """How many of an edition have their answer."""
    done = sa.and_(requests.c.edition_id == edition_id, requests.c.state.in_((step.ANSWERED, step.CLOSED)))
    return int(connection.execute(sa.select(sa.func.count()).where(done)).scalar_one())


def waiting_since(connection: Connection, campaign: str) -> datetime | None:
    """Since when the oldest one waits that nobody works on."""
    new = sa.and_(requests.c.campaign == campaign, requests.c.state == NEW)
    query = sa.select(sa.func.min(requests.c.received_at, type_=Utc())).where(new)
    return connection.execute(query).scalar()


# --- the clock ---------------------------------------------------------------------------------------------------


def due(connection: Connection, campaign: str, now: datetime, limit: int = 200) -> list[Request]:
    """Those with which the clock has something to do."""
    passed = sa.and_(requests.c.campaign == campaign, requests.c.next_at <= now)
    query = sa.select(*COLUMNS).where(passed).order_by(requests.c.next_at).limit(limit)
    return [Request(*row) for row in connection.execute(query)]


def overdue(connection: Connection, campaign: str, now: datetime) -> int:
    """How many deadlines have passed of what is open."""
    late = sa.and_(requests.c.campaign == campaign, requests.c.due_at <= now)
    return int(connection.execute(sa.select(sa.func.count()).where(late)).scalar_one())


def counting(connection: Connection, campaign: str, after: int, limit: int = 500) -> list[int]:
    """The ids of those whose deadlines run, behind that one."""
    running = sa.and_(requests.c.campaign == campaign, requests.c.next_at.is_not(None), requests.c.id > after)
    query = sa.select(requests.c.id).where(running).order_by(requests.c.id).limit(limit)
    return list(connection.execute(query).scalars())


# --- its person --------------------------------------------------------------------------------------------------


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget whose they are. What is open is kept for whoever owes the answer, without a way back; of the others the words go."""
    mine = requests.c.openid == openid
    if until is not None:
        mine = sa.and_(mine, requests.c.received_at <= until)
    done = list(
        connection.execute(sa.select(requests.c.id).where(mine, requests.c.state.not_in(OPEN))).scalars()
    )
    hush(connection, done)
    # the clock writes the step that says so, with its terms, in its next round
    left = {"openid": None, "phone": "", "photo": None, "next_at": requests.c.received_at}
    connection.execute(requests.update().where(mine).values(left))


def hush(connection: Connection, request_ids: Sequence[int]) -> None:
    """Take out every word of these."""
    if request_ids:
        here = requests.c.id.in_(request_ids)
        connection.execute(requests.update().where(here).values(words="", unit="", phone="", photo=None))
        step.hush(connection, request_ids)


def export(connection: Connection, openid: str) -> list[dict[str, str]]:
    """What this person asked for."""
    query = sa.select(*COLUMNS).where(requests.c.openid == openid).order_by(requests.c.id)
    found = [Request(*row) for row in connection.execute(query)]
    steps = step.of_many(connection, [one.id for one in found])
    return [
        {
            "number": one.number,
            "words": one.words,
            "unit": one.unit,
            "phone": one.phone,
            "state": one.state,
            "at": one.received_at.isoformat(),
            "steps": "; ".join(f"{each.at.isoformat()} {each.words}" for each in steps.get(one.id, ())),
        }
        for one in found
    ]
