"""Notices of a deed: what the staff did, told to the people whom it concerns. A push whose audience is frozen in the same
transaction, named CAMPAIGN/DEED:OBJECT."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from models import ledger, push
from models.base import Connection
from models.ledger import Owed
from models.push import Plan

AUDIENCE = "people"  # whom it concerns, written down with it
CHANNEL = "service"  # within what WeChat allows; who is outside its window is skipped with that reason
LATE_OK = timedelta(days=2)
PORTION = 500


def tell(connection: Connection, name: str, words: str, people: Iterable[str], now: datetime) -> int:
    """Owe these words to each of these people once; how many they are."""
    openids = sorted(set(people), key=str.encode)
    if not openids:
        return 0
    content = json.dumps({"text": words}, ensure_ascii=False)
    push_id = push.owe(connection, Plan(name, CHANNEL, AUDIENCE, content, LATE_OK), now, now)
    if push_id is None:
        return 0
    for first in range(0, len(openids), PORTION):
        occasion = push.get(connection, push_id)
        assert occasion is not None
        portion = [Owed(openid) for openid in openids[first : first + PORTION]]
        ledger.plan(connection, occasion, portion, occasion.planned_up_to, portion[-1].recipient, now)
    ledger.planned(connection, push_id, now)
    return len(openids)
