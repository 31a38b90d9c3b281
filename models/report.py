"""What came in and went out between two moments, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models import delivery
from models.base import Connection, Store, make_engine
from models.delivery import Books
from models.follower import followers
from models.interaction import FAILED, interactions
from models.push import pushes

OURS = ("mass-finished", "template-finished")  # what WeChat tells the program, not what a worker asks
STATEMENT_S = 300.0  # a year of a large account
MOST_PUSHES = 1000
MOST_WORDS = 20_000
MARKS = re.compile(r"[?#]|(?<=^near):|/all$")


@dataclass(frozen=True, slots=True)
class People:
    """Followers: how many there are now, how many came and left in the period, how many said or tapped something."""

    following: int
    came: int
    left: int
    active: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What one topic answered: how often, and to how many people."""

    topic: str
    times: int
    people: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Words that found no answer, as they were written most often."""

    words: str
    times: int
    people: int


@dataclass(frozen=True, slots=True)
class Guessed:
    """Words that were answered by a guess: the pages that were offered, and what was chosen from them, each with how often."""

    words: str
    times: int
    people: int
    offered: tuple[str, ...]
    chosen: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A push of the period with its books; `reasons` are (state, reason, how many)."""

    name: str
    due_at: datetime
    channel: str
    state: str
    books: Books
    reasons: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything a report tells."""

    people: People
    received: int
    failed: int
    heard: tuple[Heard, ...]
    missed: tuple[Missed, ...]
    guessed: tuple[Guessed, ...]
    sent: tuple[Sent, ...]


def counts(store: Store, since: datetime, until: datetime, same: Callable[[str], str]) -> Counts:
    """Everything that happened from `since` until just before `until`; the most frequent first.

    `same` gives what two ways of writing the same words have in common."""
    engine = make_engine(store.url, writes=False, statement_s=STATEMENT_S, keyring=store.keyring)
    try:
        with engine.connect() as connection, connection.begin():
            then = sa.and_(
                interactions.c.received_at >= since,
                interactions.c.received_at < until,
                sa.func.coalesce(interactions.c.topic, "").not_in(OURS),
            )
            received, failed = _received(connection, then)
            return Counts(
                people=_people(connection, since, until, then),
                received=received,
                failed=failed,
                heard=_heard(connection, then),
                missed=missed(connection, then, same),
                guessed=guessed(connection, then, same),
                sent=_sent(connection, since, until),
            )
    finally:
        engine.dispose()


def _people(connection: Connection, since: datetime, until: datetime, then: sa.ColumnElement[bool]) -> People:
    f = followers.c

    def number(of: sa.ColumnElement[bool]) -> int:
        return connection.execute(sa.select(sa.func.count()).select_from(followers).where(of)).scalar_one()

    active = sa.select(sa.func.count(interactions.c.openid.distinct())).where(then)
    return People(
        following=number(f.subscribed.is_(True)),
        came=number(sa.and_(f.subscribed_at >= since, f.subscribed_at < until)),
        left=number(sa.and_(f.unsubscribed_at >= since, f.unsubscribed_at < until)),
        active=connection.execute(active).scalar_one(),
    )


def _received(connection: Connection, then: sa.ColumnElement[bool]) -> tuple[int, int]:
    state = interactions.c.state
    found = connection.execute(sa.select(state, sa.func.count()).where(then).group_by(state)).all()
    return sum(row[1] for row in found), sum(row[1] for row in found if row[0] == FAILED)


def _heard(connection: Connection, then: sa.ColumnElement[bool]) -> tuple[Heard, ...]:
    i = interactions.c
    answered = sa.and_(then, i.topic.is_not(None), i.missed.is_(False))
    found = sa.select(i.topic, sa.func.count(), sa.func.count(i.openid.distinct())).where(answered)
    together: dict[str, tuple[int, int]] = {}
    for topic, times, people in connection.execute(found.group_by(i.topic).limit(MOST_WORDS)):
        page = MARKS.split(topic)[0] or topic  # what was shown as a guess or chosen from one is the same page
        before = together.get(page, (0, 0))
        together[page] = before[0] + times, before[1] + people
    heard = (Heard(page, *counts) for page, counts in together.items())
    return tuple(sorted(heard, key=lambda one: (-one.times, one.topic)))


def missed(
    connection: Connection, then: sa.ColumnElement[bool], same: Callable[[str], str]
) -> tuple[Missed, ...]:
    """The words of these interactions that found no answer, the most frequent first."""
    i = interactions.c
    found = sa.select(i.content, i.openid).where(then, i.missed.is_(True), i.content.is_not(None))
    ways: dict[str, Counter[str]] = {}
    people: dict[str, set[str]] = {}
    for words, openid in connection.execute(found.order_by(i.id.desc()).limit(MOST_WORDS)):
        ways.setdefault(same(words), Counter())[words] += 1
        people.setdefault(same(words), set()).add(openid)
    ranked = [Missed(way.most_common(1)[0][0], way.total(), len(people[key])) for key, way in ways.items()]
    return tuple(sorted(ranked, key=lambda one: (-one.times, one.words)))


def guessed(
    connection: Connection, then: sa.ColumnElement[bool], same: Callable[[str], str]
) -> tuple[Guessed, ...]:
    """The words of these interactions that were answered by a guess, the most frequent first.

    A topic says what was guessed: `near:MARK:PAGE+PAGE` or `PAGE?MARK`; and what was chosen: `PAGE#MARK`.
    """
    i = interactions.c
    asked = sa.or_(i.topic.like("near:%"), i.topic.like("%?%"))
    these = (then, asked, i.missed.is_(False), i.content.is_not(None))
    found = sa.select(i.content, i.openid, i.topic).where(*these)
    ways: dict[str, Counter[str]] = {}
    people: dict[str, set[str]] = {}
    offers: dict[str, tuple[str, tuple[str, ...]]] = {}
    for words, openid, topic in connection.execute(found.order_by(i.id.desc()).limit(MOST_WORDS)):
        key = same(words)
        ways.setdefault(key, Counter())[words] += 1
        people.setdefault(key, set()).add(openid)
        offers.setdefault(key, _offer(topic))
    chosen = _chosen(connection, then)
    ranked = [
        Guessed(
            way.most_common(1)[0][0],
            way.total(),
            len(people[key]),
            offers[key][1],
            chosen.get(offers[key][0], ()),
        )
        for key, way in ways.items()
    ]
    return tuple(sorted(ranked, key=lambda one: (-one.times, one.words)))


def _offer(topic: str) -> tuple[str, tuple[str, ...]]:
    """The mark and the pages of a guess."""
    if topic.startswith("near:"):
        _, mark, pages = (*topic.split(":", 2), "", "")[:3]
        return mark, tuple(pages.split("+"))
    page, _, mark = topic.partition("?")
    return mark, (page,)


def _chosen(connection: Connection, then: sa.ColumnElement[bool]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Mark of a guess → the pages that were chosen from it, the most frequent first."""
    i = interactions.c
    found = sa.select(i.topic, sa.func.count()).where(then, i.topic.like("%#%")).group_by(i.topic)
    marks: dict[str, list[tuple[str, int]]] = {}
    for topic, times in connection.execute(found.limit(MOST_WORDS)):
        page, _, mark = topic.partition("#")
        marks.setdefault(mark, []).append((page, times))
    return {mark: tuple(sorted(pages, key=lambda one: -one[1])) for mark, pages in marks.items()}


def _sent(connection: Connection, since: datetime, until: datetime) -> tuple[Sent, ...]:
    p = pushes.c
    due = sa.select(p.id, p.name, p.due_at, p.channel, p.state).where(p.due_at >= since, p.due_at < until)
    return tuple(
        Sent(
            name,
            due_at,
            channel,
            state,
            delivery.books(connection, push_id),
            tuple(delivery.reasons(connection, push_id)),
        )
        for push_id, name, due_at, channel, state in connection.execute(
            due.order_by(p.due_at, p.id).limit(MOST_PUSHES)
        ).all()
    )
