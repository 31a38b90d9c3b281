"""What staff type so that a push may leave: `push approve|withdraw`. Each gives the exit code, and is audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from campaigns.approval import Approvals, alarm_of, asks
from campaigns.campaign import Campaign
from commands.deed import staff
from commands.outlook import AudienceSize
from commands.push import GOOD, PROBLEM, Say, find, shown
from ground.days import minute
from jobs.push import plan_of
from models import alarm, approval, audit, push
from models.base import Store
from wx.account import Account

STATES = {
    approval.GIVEN: "有效",
    approval.VOID: "批准以后推送改过，作废了",
    approval.WITHDRAWN: "收回了",
}


def push_approve(
    store: Store,
    campaigns: Sequence[Campaign],
    account: Account,
    approvals: Approvals,
    name: str,
    now: datetime,
    size: AudienceSize,
    sure: Callable[[], bool],
    say: Say = print,
) -> int:
    """Approve a push as it is written now, once this person has seen it and is sure."""
    wanted = find(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    plan = plan_of(wanted)
    digest = approvals.digest(plan)
    for line in shown(campaigns, wanted, account, size):
        say(line)
    with store.reading() as connection:
        for one in approval.of(connection, name):
            say(f"{minute(one.given_at)} {one.staff} 批准过：{STATES[one.state(digest)]}")
    if not sure():
        say("没有批准。")
        return PROBLEM
    with store.writing() as connection:
        new = approval.give(connection, name, digest, staff(), now)
        if new:
            audit.note(connection, staff(), "approve", name, {"digest": digest}, now)
        lacking = approvals.lacking(connection, plan)
        waits = push.latest(connection, name, (push.PAUSED,))
        if not lacking:
            alarm.clear(connection, alarm_of(name), now)
    say(
        f"{'已批准' if new else '您已经批准过'}推送 {name}。{asks(name, lacking) if lacking else '可以发了。'}"
    )
    if waits is not None and not lacking:
        say(f"它到点时没有批准，现在暂停着；要发请运行 push resume {name}。")
    return GOOD if new else PROBLEM


def push_withdraw(store: Store, name: str, now: datetime, say: Say = print) -> int:
    """Take back one's own approval."""
    with store.writing() as connection:
        number = approval.withdraw(connection, name, staff(), now)
        if number:
            audit.note(connection, staff(), "withdraw approval", name, {}, now)
    say(f"收回了您对推送 {name} 的批准。" if number else f"您没有批准过推送 {name}，或者已经收回了。")
    return GOOD if number else PROBLEM
