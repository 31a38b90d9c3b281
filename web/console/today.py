"""今天: what waits for me, what goes out next, what went wrong; every figure leads to its list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns import desk as deeds
from campaigns.campaign import named
from campaigns.year import Due
from ground.days import minute
from ground.words import COMING
from models import alarm, edition, letter, month, opinion, push, recent, shared
from models.base import Connection
from models.edition import Edition
from models.staff import ANSWERING, CAMPAIGN, LEAD, PLAN, PUSH, SYSTEM, Staff
from web.console import requests
from web.console.desk import Answer, Desk
from web.console.editions import LISTS

NEXT = 5
WRONG = 8
OPEN_EDITIONS = 20
LATELY = timedelta(days=60)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person: what, since when, and where it is done."""

    words: str
    address: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that leads to its list."""

    number: int
    words: str
    address: str


def first(desk: Desk) -> Answer:
    """The page that is open in the morning."""
    if desk.staff.scope:
        return _of_a_part(desk)
    with desk.parts.store.reading() as connection:
        alarms = alarm.standing(connection, WRONG) if desk.staff.has((*PLAN, SYSTEM)) else []
        return desk.page(
            "today",
            tasks=[
                *_answers(desk, connection),
                *_unapproved(desk, connection),
                *tasks(desk.staff, connection, desk.now),
            ],
            coming=coming(desk)[:NEXT],
            alarms=alarms,
            figures=list(_figures(desk, connection)),
            halted=shared.halted(connection),
        )


def _of_a_part(desk: Desk) -> Answer:
    """The same for whoever is responsible for a part of the tree: its own figures, and nothing of the whole."""
    with desk.parts.store.reading() as connection:
        count = month.totals(connection).get(desk.scope, month.Count())
        halted = shared.halted(connection)
        tasks = list(_answers(desk, connection))
    figures = [
        Figure(count.members, "位会员", "/console/members"),
        Figure(count.bound, "位关注者绑定了单位", "/console/unions"),
    ]
    return desk.page("today", tasks=tasks, coming=[], alarms=[], figures=figures, halted=halted)


def _answers(desk: Desk, connection: Connection) -> Iterator[Task]:
    """The requests and opinions that wait for somebody who answers."""
    if not desk.staff.has(ANSWERING):
        return
    if number := requests.late(connection, desk):
        yield Task(f"{number} 件诉求超过了期限", "/console/requests?state=late")
    if number := requests.unread(connection, desk):
        yield Task(f"{number} 件诉求等受理", "/console/requests?state=new")
    waiting, day = opinion.waiting(connection) if desk.may("lists.opinions") else (0, "")
    if waiting:
        yield Task(f"{waiting} 条意见等答复，最早的是 {day} 提的", "/console/opinions?state=received")


def _unapproved(desk: Desk, connection: Connection) -> Iterator[Task]:
    """What is due within a week and lacks somebody's approval."""
    gate = desk.parts.approvals
    if gate is None or not gate.most or not desk.may("pushes.approve"):
        return
    for name, wanted in named(desk.parts.house.campaigns()).items():
        due = next(wanted.occurrences(desk.now, desk.now + WEEK), None)
        if due is not None and (lacking := gate.lacking(connection, desk.planned(wanted))):
            words = f"推送 {name} 还差 {lacking} 位同志批准，{minute(due)} 要发"
            yield Task(words, f"/console/plan/{name}")


def coming(desk: Desk) -> list[Due]:
    """What goes out next, the earliest first."""
    return [row for row in desk.parts.year() if row.due_at > desk.now and row.state == COMING]


def tasks(one: Staff, connection: Connection, now: datetime) -> Iterator[Task]:
    """What waits for this colleague."""
    if one.has((LEAD, PUSH)):
        for held in push.standing(connection, (push.PAUSED,)):
            words = f"推送 {held.name} 停着：{held.reason or '有人暂停了它'}"
            yield Task(words, f"/console/push/{held.id}", held.due_at)
    if one.has(ANSWERING):
        for urgent, words in ((True, "封来信像是遇到了危险，请马上看"), (False, "封来信还没有人看")):
            number, since = letter.waiting(connection, urgent=urgent)
            if number:
                yield Task(f"{number} {words}", "/console/letters?state=waiting", since)
    if one.has((LEAD, CAMPAIGN)):
        for found in _open_editions(connection, now):
            look = deeds.waiting_beside if found.kind in LISTS else deeds.waiting_since
            since = look(connection, found)
            if since is not None:
                yield Task(f"“{found.title}”有内容等您看", f"/console/edition/{found.id}", since)


def _open_editions(connection: Connection, now: datetime) -> list[Edition]:
    return edition.between(connection, now - LATELY, now, OPEN_EDITIONS)


def _figures(desk: Desk, connection: Connection) -> Iterator[Figure]:
    if not desk.staff.has(PLAN):
        return
    counts = {(one.kind, one.state): one.value for one in recent.counts(connection, desk.now)}
    yield Figure(counts.get(("followers", ""), 0), "位关注者", "/console/editions")
    yield Figure(counts.get(("pushes", push.SENDING), 0), "次推送正在发", "/console/pushes?state=sending")
    yield Figure(
        counts.get(("deliveries", "unknown"), 0), "份不知道是否送到", "/console/pushes?state=finished"
    )
    yield Figure(counts.get(("deliveries", "failed"), 0), "份没发成", "/console/pushes?state=finished")
