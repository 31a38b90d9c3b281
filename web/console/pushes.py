"""推送: the year as a list and as a calendar, and what the file says of each push."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from flask import abort, redirect, request

from campaigns import steering
from campaigns.campaign import Campaign, named
from campaigns.push import Push
from campaigns.year import Due
from ground import audience
from ground.days import SHANGHAI, minute
from ground.words import PUSHES
from models import alarm, approval, push, shared
from models.approval import OwnPush
from models.base import Connection, masked
from web.console.desk import Answer, Desk
from web.console.occasion import go_on
from web.cookie import wall
from web.rows import lines

STATES = {
    approval.GIVEN: "有效",
    approval.VOID: "批准以后推送改过，作废了",
    approval.WITHDRAWN: "收回了",
}
WEEK = 7
FARTHEST = 24  # months
MONTH = timedelta(days=32)


# --- the year ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Square:
    """One day of a calendar: its number, 0 outside of the month, and what goes out."""

    day: int
    dues: tuple[Due, ...] = ()


def year(desk: Desk) -> Answer:
    """The year as a list, month by month."""
    found = lines(desk.parts.year(), desk.now)
    months = [(month, list(group)) for month, group in groupby(found, key=lambda line: line.month)]
    return desk.page("year", months=months)


def this_month(desk: Desk) -> Answer:
    """The calendar of today."""
    return redirect(f"/console/calendar/{_month(desk)}", 303)


def _month(desk: Desk) -> int:
    here = desk.now.astimezone(SHANGHAI)
    return here.year * 12 + here.month - 1


def calendar(desk: Desk, number: int) -> Answer:
    """One month as a calendar; `number` counts months from the year 0."""
    if abs(number - _month(desk)) > FARTHEST:
        abort(404)
    of_year, of_month = divmod(number, 12)
    first = datetime(of_year, of_month + 1, 1, tzinfo=SHANGHAI)
    last = (first + MONTH).replace(day=1) - timedelta(days=1)
    by_day: dict[int, list[Due]] = {}
    for row in desk.parts.year():
        at = row.due_at.astimezone(SHANGHAI)
        if (at.year, at.month) == (first.year, first.month):
            by_day.setdefault(at.day, []).append(row)
    squares = [Square(0)] * first.weekday()
    squares += [Square(day, tuple(by_day.get(day, ()))) for day in range(1, last.day + 1)]
    squares += [Square(0)] * (-len(squares) % WEEK)
    weeks = [squares[at : at + WEEK] for at in range(0, len(squares), WEEK)]
    return desk.page(
        "calendar", title=f"{first.year}年{first.month}月", weeks=weeks, month=number, states=PUSHES
    )


# --- what the file says ------------------------------------------------------------------------------------------


def plan(desk: Desk, campaign: str, push_id: str) -> Answer:
    """A push as it is written: when, to whom, what it says, who approved it, and how it went the last time."""
    of_year, wanted = _wanted(desk, campaign, push_id)
    planned = desk.planned(wanted)
    with desk.parts.store.reading() as connection:
        last = push.latest(connection, wanted.name)
        lacking = desk.parts.approvals.lacking(connection, planned) if desk.parts.approvals else 0
        given = approval.of(connection, wanted.name)
    digest = desk.parts.approvals.digest(planned) if desk.parts.approvals else ""
    return desk.page(
        "plan",
        campaign=of_year,
        push=wanted,
        where=desk.parts.where(wanted.name),
        due=wanted.next_due(desk.now),
        size=desk.parts.size(wanted.audience),
        whom=audience.words(wanted.audience),
        content=wanted.content,
        last=last,
        lacking=lacking,
        most=desk.parts.approvals.most if desk.parts.approvals else 0,
        given=[(one, STATES[one.state(digest)]) for one in given],
    )


def _wanted(desk: Desk, campaign: str, push_id: str) -> tuple[Campaign, Push]:
    campaigns: Sequence[Campaign] = desk.parts.house.campaigns()
    wanted = named(campaigns).get(f"{campaign}/{push_id}") or abort(404)
    return next(one for one in campaigns if one.id == campaign), wanted


def asks_start(desk: Desk, campaign: str, push_id: str) -> str:
    """What is asked before it goes out now."""
    of_year, wanted = _wanted(desk, campaign, push_id)
    size = desk.parts.size(wanted.audience)
    people = "人数现在不知道" if size is None else f"现在 {size} 人"
    text = next((str(value) for value in wanted.content.values() if isinstance(value, str)), "")
    return (
        f"现在就发“{wanted.title or of_year.title}”（{wanted.name}），发给{audience.words(wanted.audience)}，{people}。"
        f"发出去收不回来。\n{text[:300]}"
    )


def start(desk: Desk, campaign: str, push_id: str) -> Answer:
    """Make a push due now; `work` sends it. A mass push waits for a moment in which it can be called off."""
    _, wanted = _wanted(desk, campaign, push_id)
    planned, back = desk.planned(wanted), f"/console/plan/{wanted.name}"
    due = desk.now + desk.parts.wait(wanted.channel)
    with desk.parts.store.writing() as connection:
        lacking = desk.parts.approvals.lacking(connection, planned) if desk.parts.approvals else 0
        number = None if lacking else steering.start(connection, planned, due, desk.now)
        if number is not None:
            desk.note(connection, "start", wanted.name, due_at=due)
        desk.tell(connection, _started(connection, wanted.name, number, lacking, due, desk.now))
    return redirect(f"/console/push/{number}" if number else back, 303)


def _started(
    connection: Connection, name: str, number: int | None, lacking: int, due: datetime, now: datetime
) -> str:
    if lacking:
        return f"没有开始：还差 {lacking} 位同志批准。"
    if number is None:
        return f"没有重新开始：推送 {name} 正在进行。"
    halted = shared.halted(connection)
    if halted is not None:
        return f"记下了，可是所有发送都停着（{halted}），恢复以后才会发出。"
    if not shared.beats(connection, wall()):
        return "记下了，可是没有推送进程在运行。请让管机器的同志启动 work，它会接着发。"
    return "已经开始。" if due == now else f"{minute(due)} 发，在那以前可以取消。"


def test(desk: Desk, campaign: str, push_id: str) -> Answer:
    """Send one copy to one person at once, outside the books, to see it on a real phone."""
    _, wanted = _wanted(desk, campaign, push_id)
    openid = request.form.get("openid", "").strip()[:128]
    said = desk.parts.test(wanted.name, openid) if desk.parts.test and openid else "请写上收的人的编号。"
    with desk.parts.store.writing() as connection:
        desk.note(connection, "test", wanted.name, to=masked(openid))
        desk.tell(connection, said)
    return redirect(f"/console/plan/{wanted.name}", 303)


def asks_call_off(desk: Desk, campaign: str, push_id: str) -> str:
    """What is asked before the next time is called off."""
    _, wanted = _wanted(desk, campaign, push_id)
    due = wanted.next_due(desk.now)
    return f"{wanted.name} 下一次（{minute(due) if due else '没有了'}）不发，以后的照常。确定吗？"


def call_off(desk: Desk, campaign: str, push_id: str) -> Answer:
    """Let the next time pass."""
    _, wanted = _wanted(desk, campaign, push_id)
    due = wanted.next_due(desk.now)
    with desk.parts.store.writing() as connection:
        done = due is not None and steering.call_off(
            connection, desk.planned(wanted), due, desk.now, f"{desk.staff.name}提前取消了它"
        )
        if done:
            desk.note(connection, "call off", wanted.name, due_at=due)
        words = f"{minute(due)} 的这一次不会发了。" if done and due else "没有可以取消的，或者已经取消过了。"
        desk.tell(connection, words)
    return redirect(f"/console/plan/{wanted.name}", 303)


def take_back(desk: Desk, campaign: str, push_id: str) -> Answer:
    """It was called off, and is to go out all the same; or it was paused, and goes on."""
    _, wanted = _wanted(desk, campaign, push_id)
    return go_on(desk, wanted.name, f"/console/plan/{wanted.name}")


def approve(desk: Desk, campaign: str, push_id: str) -> Answer:
    """Let a push leave as it is written now."""
    _, wanted = _wanted(desk, campaign, push_id)
    planned = desk.planned(wanted)
    with desk.parts.store.writing() as connection:
        digest = desk.parts.approvals.digest(planned) if desk.parts.approvals else ""
        try:
            new = approval.give(connection, wanted.name, digest, desk.staff.login, desk.now)
        except OwnPush:
            new, words = False, "自己写的推送，要别的同志来批准。"
        else:
            words = "批准了。以后这条推送改了一个字，批准就作废。" if new else "您已经批准过了。"
        if new:
            desk.note(connection, "approve", wanted.name, digest=digest)
        if desk.parts.approvals and not desk.parts.approvals.lacking(connection, planned):
            alarm.clear(connection, f"approval {wanted.name}", desk.now)
        desk.tell(connection, words)
    return redirect(f"/console/plan/{wanted.name}", 303)


def withdraw(desk: Desk, campaign: str, push_id: str) -> Answer:
    """Take one's own approval back."""
    _, wanted = _wanted(desk, campaign, push_id)
    with desk.parts.store.writing() as connection:
        number = approval.withdraw(connection, wanted.name, desk.staff.login, desk.now)
        if number:
            desk.note(connection, "withdraw approval", wanted.name)
        desk.tell(connection, "收回了您的批准。" if number else "您没有批准过它。")
    return redirect(f"/console/plan/{wanted.name}", 303)
