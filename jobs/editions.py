"""Editions by the clock: opened when their time has come, closed when it is over, and what waits too long for the staff.

A job only writes down what the clock has decided: nobody's part depends on when it runs. What was received before the end may
be handled a little later, so an edition is left alone for `GRACE` before its result is made.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from campaigns import desk
from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.kind import Setting, rules_of
from campaigns.moderation import Moderation
from channels.limits import SendLimits
from models import alarm, draft, edition, month, photo, session, shift
from models.base import Connection, Store

log = logging.getLogger(__name__)
GRACE = timedelta(minutes=1)
NO_LIMITS = SendLimits()


def tend(
    store: Store,
    campaigns: Sequence[Campaign],
    now: datetime,
    moderation: Moderation,
    *,
    live: bool,
    limits: SendLimits = NO_LIMITS,
) -> None:
    """Open and close what is due, and look who waits."""
    for campaign in door.joinable(campaigns):
        if campaign.period(now) is not None and not _stands(store, campaign, now, live):
            with store.writing() as connection:
                door.current(connection, campaign, now, live=live)
    with store.reading() as connection:
        over = edition.over(connection, now - GRACE)
    for one in over:
        _close(store, one, now)
    for campaign in door.joinable(campaigns):
        _tend(store, campaign, now, limits)
    _look(store, campaigns, now, moderation.waits_most)


def _tend(store: Store, campaign: Campaign, now: datetime, limits: SendLimits) -> None:
    """What the kind itself has to do for the edition that is on or was on last."""
    with store.reading() as connection:
        found = edition.latest(connection, campaign.id)
    if found is not None and found.state in (edition.OPEN, edition.CLOSED) and found.kind == campaign.kind:
        setting = Setting(campaign.calendar.workdays, limits)
        door.kind_of(found).tended(store, found, campaign.rules, now, setting)


def _stands(store: Store, campaign: Campaign, now: datetime, live: bool) -> bool:
    with store.reading() as connection:
        found = edition.latest(connection, campaign.id)
    return found is not None and found.takes(now) and found.live == live


def _close(store: Store, one: edition.Edition, now: datetime) -> None:
    with store.writing() as connection:
        if edition.close(connection, one, now):
            kind = door.kind_of(one)
            kind.ended(connection, one, rules_of(kind, one), now)
            log.info("edition closed", extra={"campaign": one.campaign, "edition": one.id})


def _look(store: Store, campaigns: Sequence[Campaign], now: datetime, most: timedelta) -> None:
    """Nothing waits unseen for the staff for longer than a set time."""
    with store.reading() as connection:
        found = [(one, _waits(connection, one, now - most)) for one in door.joinable(campaigns)]
        standing = {one.name for one in alarm.standing(connection)}
    for campaign, waits in found:
        name = f"moderation {campaign.id}"
        if waits == (name in standing):
            continue
        words = (
            f"活动 {campaign.id} 有人写的话等工作人员看，已经等了 {most.total_seconds() / 3600:g} 小时以上。"
            f"请运行 campaign show {campaign.id}。"
        )
        with store.writing() as connection:
            if waits:
                alarm.sound(connection, name, words, now)
            else:
                alarm.clear(connection, name, now)


def _waits(connection: Connection, campaign: Campaign, before: datetime) -> bool:
    found = edition.latest(connection, campaign.id)
    since = desk.waiting_since(connection, found) if found else None
    return since is not None and since < before


def sweep(connection: Connection, now: datetime, wall: datetime) -> None:
    """Throw away old drafts and the photos that nothing came of, and sessions that are over by the wall clock; write down how the
    unions stood at the end of the last month."""
    month.settle(connection, now)
    draft.sweep(connection, now)
    photo.sweep(connection, now)
    session.sweep(connection, wall)
    shift.sweep(connection, wall)
