"""`push list --waiting`: everything that waits for a person, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from campaigns.approval import Approvals, alarm_of
from campaigns.campaign import Campaign, named
from commands.push import GOOD, PROBLEM, Say
from ground.days import minute
from jobs.push import plan_of
from models import alarm, delivery, push, shared
from models.base import Connection, Store

AHEAD = timedelta(days=7)  # so long before it is due is it told that a push lacks approval
LATELY = timedelta(days=7)  # so long after it ended that some copies are unknown
PAUSED = "paused {}"


def waiting(
    store: Store, campaigns: Sequence[Campaign], approvals: Approvals, now: datetime, say: Say = print
) -> int:
    """Say all that waits; 1 when anything does."""
    with store.reading() as connection:
        found = list(_waiting(connection, campaigns, approvals, now))
    say("等您处理的：" if found else "没有等您处理的。")
    for what, deed in found:
        say(f"  · {what}")
        say(f"      {deed}")
    return PROBLEM if found else GOOD


def _waiting(
    connection: Connection, campaigns: Sequence[Campaign], approvals: Approvals, now: datetime
) -> Iterator[tuple[str, str]]:
    """What waits, and what to do. What has its own line is not told again as an alarm."""
    told = set()
    if (why := shared.halted(connection)) is not None:
        told.add("halted")
        yield f"所有推送都停着：{why}", "弄清原因以后运行 unhalt"
    for one in push.standing(connection, (push.PAUSED,)):
        told.add(PAUSED.format(one.name))
        yield (
            f"推送 {one.name}（{minute(one.due_at)}）暂停着：{one.reason}",
            f"接着发：push resume {one.name}；不发了：push cancel {one.name}",
        )
    for name, due, lacking in _unapproved(connection, campaigns, approvals, now):
        told.add(alarm_of(name))
        yield (
            f"推送 {name} {minute(due)} 要发，还差 {lacking} 位同志批准",
            f"看过以后批准：push approve {name}",
        )
    for one in push.ended(connection, now - LATELY):
        if number := delivery.books(connection, one.id).unknown:
            yield (
                f"推送 {one.name}（{minute(one.due_at)}）有 {number} 份不知道是否送到",
                "系统不会自己再发；要紧的话打电话问一声，七天以后不再列在这里",
            )
    for each in alarm.standing(connection):
        if each.name not in told:
            yield each.words, f"处理好以后：alarm clear {each.mark}"


def _unapproved(
    connection: Connection, campaigns: Sequence[Campaign], approvals: Approvals, now: datetime
) -> Iterator[tuple[str, datetime, int]]:
    for name, wanted in named(campaigns).items() if approvals.most else ():
        due = next(wanted.occurrences(now, now + AHEAD), None)
        if due is not None and (lacking := approvals.lacking(connection, plan_of(wanted))):
            yield name, due, lacking
