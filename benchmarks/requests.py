"""Lists of 100,000 requests by state, owner and deadline, for the city's staff and those of one unit; and how fast requests come in."""

import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.compare import say
from benchmarks.databases import database
from campaigns.campaign import Campaign
from campaigns.kind import Setting
from campaigns.kinds.request_rules import Rules, terms
from campaigns.moderation import Moderation
from jobs import editions
from models import request, schema, scope, step
from models.base import Store
from models.deadline import IN_WORK, NEW, OPEN, WAITING
from models.request import HELP, New, requests
from models.scope import Wanted

NOW = datetime(2027, 6, 1, 4, tzinfo=UTC)
ID = "request"
CAMPAIGN = {"id": ID, "title": "诉求", "kind": "request", "from": "01-01", "to": "12-31", "request": {}}
STATES = (NEW, IN_WORK, WAITING, step.ANSWERED, step.CLOSED, step.CLOSED, step.CLOSED)
BATCH, PAGE, ROUNDS = 2_000, 50, 20
MOST_MS, MINUTE = 100, 500
UNIT = "unit3/"


def show(number: int, stores: list[str], postgres: str) -> int:
    """Prints the figures of each store; 1 where a list took longer than it may."""
    return max(_shown(store, number, postgres) for store in stores)


def _shown(kind: str, number: int, postgres: str) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(kind, folder, "bench_requests", postgres))
        store = Store(url, keys=folder / "keys")  # what people write is sealed
        if store.keyring is not None:
            store.keyring.make()
        stack.callback(store.close)
        schema.upgrade(store)
        editions.tend(store, [Campaign.model_validate(CAMPAIGN)], NOW, Moderation(), live=True)
        _lay(store, number)
        if kind == "postgresql":  # as autovacuum does within a minute
            with store.writing() as connection:
                connection.exec_driver_sql("ANALYZE requests")
        say(f"{kind}: {number} requests are laid")
        slowest = max(_list(store, name, path, wanted) for name, path, wanted in LISTS)
        print(f"{kind}: {MINUTE} requests received one by one in {_received(store):.1f} s")
    return 1 if slowest > MOST_MS else 0


LISTS = (
    ("open, by deadline", "", Wanted(states=OPEN)),
    ("one state", "", Wanted(states=(IN_WORK,))),
    ("one owner", "", Wanted(states=OPEN, owner="owner3")),
    ("overdue", "", Wanted(before=NOW)),
    ("closed, the newest", "", Wanted(states=(step.CLOSED,))),
    ("of one unit, open", UNIT, Wanted(states=OPEN)),
)


def _list(store: Store, name: str, path: str, wanted: Wanted) -> float:
    """The slowest of some rounds, in ms."""

    def timed(act: Callable[[], object]) -> float:
        begun = time.perf_counter()
        act()
        return 1000 * (time.perf_counter() - begun)

    with store.reading() as connection:
        scope.listed(connection, [ID], path, wanted, PAGE)
        took = sorted(
            timed(lambda: scope.listed(connection, [ID], path, wanted, PAGE)) for _ in range(ROUNDS)
        )
        counted = timed(lambda: scope.counted(connection, [ID], path, wanted))
    middle, slowest = took[ROUNDS // 2], took[-1]
    print(f"  {name}: {middle:.1f} ms, the slowest of {ROUNDS} {slowest:.1f} ms; counted in {counted:.1f} ms")
    return middle


def _received(store: Store) -> float:
    due = terms(Rules(), HELP, Setting())
    begun = time.perf_counter()
    for number in range(MINUTE):
        new = New(1, ID, f"o{number}", HELP, "食堂太贵了", "职工服务中心")
        with store.writing() as connection:
            request.receive(connection, new, due, NOW)
    return time.perf_counter() - begun


def _lay(store: Store, number: int) -> None:
    dice = random.Random(1)
    for first in range(0, number, BATCH):
        rows = [_row(dice, at) for at in range(first, min(first + BATCH, number))]
        with store.writing() as connection:
            connection.execute(requests.insert(), rows)


def _row(dice: random.Random, number: int) -> dict[str, object]:
    state, unit = dice.choice(STATES), f"unit{dice.randrange(20)}/"
    received = NOW - timedelta(hours=dice.randrange(1, 3000))
    runs = state in (NEW, IN_WORK)
    due = received + timedelta(days=15) if runs else None
    return {
        "edition_id": 1, "campaign": ID, "openid": f"p{number}", "kind": HELP, "topic": "困难帮扶",
        "words": "厂里三个月没有发工资了，请工会帮忙", "unit": "", "against": dice.choice(("", unit, "unit7/")), "phone": "",
        "owner": f"owner{dice.randrange(20)}", "owner_unit": dice.choice(("", unit)), "level": 0, "state": state,
        "reopens": 0, "received_at": received, "due_at": due, "next_at": due,
    }  # fmt: skip
