"""Closing a poll in which a million ballots were cast: sealing what is not sealed, counting and both digests: how long, in how much
memory, and whether the count is right."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.closing import memory
from benchmarks.compare import say
from campaigns.campaign import Campaign
from campaigns.moderation import Moderation
from jobs import editions
from models import ballot, edition, poll, schema
from models.base import Store

OPENS = datetime(2027, 1, 9, 16, tzinfo=UTC)
BATCH = 5_000
CANDIDATES = 30
WITHIN_S = 60.0
CAMPAIGN = {
    "id": "counting",
    "title": "评选",
    "kind": "poll",
    "from": "2027-01-10",
    "to": "2027-01-31",
    "poll": {
        "photos": False,
        "candidates": [{"number": n, "name": f"候选{n}"} for n in range(1, CANDIDATES + 1)],
    },
}


def show(number: int) -> int:
    """Prints the figures; 1 when it took more than a minute or the count is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'counting.db'}")
        schema.upgrade(store)
        campaign = Campaign.model_validate(CAMPAIGN)
        editions.tend(store, [campaign], OPENS + timedelta(hours=1), Moderation(), live=True)
        _lay(store, number)
        say(f"{number} ballots are laid, none of them sealed")
        before, start = memory(), time.perf_counter()
        editions.tend(store, [campaign], OPENS + timedelta(days=40), Moderation(), live=True)
        took = time.perf_counter() - start
        with store.reading() as connection:
            found = edition.get(connection, 1)
            tally = next(iter(poll.tallied(connection, 1)), None)
            sealed = poll.get(connection, 1).sealed
        store.close()
    expected = Counter(1 + n % CANDIDATES for n in range(number))
    exact = tally is not None and dict(expected) == tally.votes and sealed == number
    state = found.state if found else "gone"
    print(
        f"closing a poll of {number} ballots, sealed and counted: {took:.1f} s (asked: {WITHIN_S:.0f}); {state};"
        f" {memory() - before:.1f} MB more memory; the count is {'exact' if exact else 'wrong'}"
    )
    return int(not exact or state != edition.CLOSED or took > WITHIN_S)


def _lay(store: Store, number: int) -> None:
    for first in range(0, number, BATCH):
        rows = [
            {
                "edition_id": 1, "openid": f"oBench{n:022}", "slot": "", "choices": str(1 + n % CANDIDATES),
                "received_at": OPENS + timedelta(seconds=n % 1_000_000), "receipt": f"R{n:018}", "exit": "",
            }
            for n in range(first, min(number, first + BATCH))
        ]  # fmt: skip
        with store.writing() as connection:
            connection.execute(ballot.ballots.insert(), rows)
