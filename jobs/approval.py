"""Whether a push has been approved by as many as must, looked at an hour before it is due; and how many must."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns.approval import Approvals, alarm_of, asks
from campaigns.campaign import Campaign, named
from ground.days import minute
from jobs.push import plan_of
from models import alarm, audit, shared
from models.base import Store

AHEAD = timedelta(hours=1)
ROW = "approvals"  # of `shared`: how many had to approve when somebody looked last
LOWERED = "approvals lowered"


def look_ahead(store: Store, approvals: Approvals, campaigns: Sequence[Campaign], now: datetime) -> None:
    """Alarms for what is due within the hour and is not approved; an alarm whose reason is gone is cleared."""
    if not approvals.most:
        return
    every = named(campaigns)
    with store.reading() as connection:
        words = {
            alarm_of(name): f"推送 {name} {minute(due)} 要发，{asks(name, lacking)}到时没有批准就不发。"
            for name, wanted in every.items()
            if (due := next(wanted.occurrences(now, now + AHEAD), None)) is not None
            and (lacking := approvals.lacking(connection, plan_of(wanted)))
        }
        over = [alarm_of(name) for name in every if alarm_of(name) not in words]
        over = [name for name in over if alarm.stands(connection, name)]
    with store.writing() as connection:
        for name, told in words.items():
            alarm.sound(connection, name, told, now)
        for name in over:
            alarm.clear(connection, name, now)


def note_setting(store: Store, most: int, now: datetime) -> None:
    """Remember how many must approve; fewer than before is written into the audit and told."""
    with store.writing() as connection:
        known = shared.read(connection, ROW, now)
        before = int(known[0]) if known else 0
        if before == most:
            return
        shared.write(connection, ROW, str(most), now)
        if most > before:
            alarm.clear(connection, LOWERED, now)
            return
        details = {"from": before, "to": most}
        audit.note(connection, "config", "lower approvals", "account.approvals", details, now)
        words = (
            f"推送要几位同志批准，从 {before} 位改成了 {most} 位（[account] approvals）。"
            "这是商量好的就不用管；不是的话，请改回去，再重新启动。"
        )
        alarm.sound(connection, LOWERED, words, now)
