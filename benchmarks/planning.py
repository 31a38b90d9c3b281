"""Writing down who gets a push to everyone: how long, in how much memory, in how much room; the same for a tenth of them."""

import multiprocessing
import resource
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks.compare import say
from benchmarks.databases import database
from benchmarks.pushing import CONTENT, sender_of
from models import push, schema
from models.base import Connection, Store, make_engine
from models.delivery import deliveries
from models.follower import followers
from wx.account import Account

WANTED_S, WANTED_MB = 60, 40
LAYING_S = 600
# unreachable: to plan for everyone nobody asks WeChat
ACCOUNT = Account(
    kind="service", verified=True, live=True, app_id="wx", app_secret=SecretStr("s" * 32),
    api_base="http://127.0.0.1:9",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds until the push is planned, and of them at work; the most memory of the process that plans in MB; bytes of the
    database, indexes among them, for a follower and for a recipient's row when it is planned and when it is sent."""

    seconds: float
    processor_s: float
    memory_mb: float
    follower_bytes: float
    planned_bytes: float
    sent_bytes: float


def show(folder: Path, people: int, stores: list[str], postgres: str) -> int:
    """Prints a line for each store; 0 where a minute is enough and memory does not grow with the audience."""
    folder.mkdir(parents=True, exist_ok=True)
    good = True
    for kind in stores:
        small, large = (_measured(folder, size, kind, postgres) for size in (people // 10, people))
        more = large.memory_mb - small.memory_mb
        say(
            f"planning {kind}: {people:,} followers in {large.seconds:.1f} s ({people / large.seconds:,.0f} rows/s, "
            f"{large.processor_s:.1f} s of processor time), "
            f"{large.memory_mb:.0f} MB in all, {more:+.0f} MB against {people // 10:,} "
            f"({small.seconds:.1f} s); bytes with indexes: a follower {large.follower_bytes:.0f}, "
            f"a row planned {large.planned_bytes:.0f}, sent {large.sent_bytes:.0f}"
        )
        good = good and large.seconds < WANTED_S * max(1, people / 1_000_000) and more < WANTED_MB
    return 0 if good else 1


def _measured(folder: Path, people: int, kind: str, postgres: str) -> Measured:
    with database(kind, folder, "gonghui_planning", postgres) as url:
        store = Store(url)
        schema.upgrade(store)
        empty = _size(store)
        engine = make_engine(store.url, writes=True, statement_s=LAYING_S)
        with engine.begin() as connection:
            _follow(connection, people)
        before = _size(store)
        near, far = multiprocessing.Pipe()
        planner = multiprocessing.get_context("spawn").Process(target=_plan, args=(far, url, str(folder)))
        planner.start()
        seconds, processor_s, memory_mb = near.recv()
        planner.join()
        rows = _rows(store)
        planned = _size(store)
        with engine.begin() as connection:
            _end(connection)
        if kind == "postgresql":  # what autovacuum gives back by and by
            with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.execute(sa.text("VACUUM FULL deliveries"))
        sizes = [(before - empty), (planned - before), (_size(store) - before)]
        engine.dispose()
        store.close()
    if rows != people:
        raise SystemExit(f"planned {rows:,} of {people:,}")
    return Measured(seconds, processor_s, memory_mb, *(size / people for size in sizes))


def _plan(told: Any, url: str, folder: str) -> None:
    """In a process of its own, so that its memory is what planning takes."""
    store, now = Store(url), datetime.now(UTC)
    with store.writing() as connection:
        plan = push.Plan("bench/push", "template", "all", CONTENT, timedelta(hours=1))
        push_id = push.owe(connection, plan, now, now)
    assert push_id is not None
    sender = sender_of(store, ACCOUNT, Path(folder))
    began, worked = time.monotonic(), time.process_time()
    while _state(store, push_id) == push.DUE:
        sender.plan()
    took, worked = time.monotonic() - began, time.process_time() - worked
    sender.close()
    store.close()
    told.send((took, worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _state(store: Store, push_id: int) -> str:
    with store.reading() as connection:
        found = push.get(connection, push_id)
    return found.state if found else ""


def _follow(connection: Connection, people: int) -> None:
    """So many followers, in the database itself."""
    number = {
        "sqlite": f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {people}) SELECT n FROM s",
        "postgresql": f"SELECT n FROM generate_series(1, {people}) AS n",
    }[connection.dialect.name]
    openid = {"sqlite": "printf('o%027d', n)", "postgresql": "'o' || lpad(n::text, 27, '0')"}[
        connection.dialect.name
    ]
    now = sa.literal(datetime.now(UTC), followers.c.first_seen_at.type)
    each = sa.select(sa.literal_column(openid), sa.true(), now, now, now).select_from(
        sa.text(f"({number}) AS numbers")
    )
    columns = ["openid", "subscribed", "state_at", "first_seen_at", "last_seen_at"]
    connection.execute(followers.insert().from_select(columns, each))


def _end(connection: Connection) -> None:
    """Every row as it stands when its call was good."""
    number = sa.cast(deliveries.c.id, sa.String(20))
    now = datetime.now(UTC)
    values = {
        "state": "sent", "attempts": 1, "key": sa.literal("k" * 20) + number, "far_id": sa.literal("400000000000") + number,
        "tried_at": now, "sent_at": now,
    }  # fmt: skip
    connection.execute(deliveries.update().values(values))


def _rows(store: Store) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar_one())


def _size(store: Store) -> int:
    """Bytes of the database, apart from its log."""
    asked = (
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        if store.dialect == "sqlite"
        else "SELECT pg_total_relation_size('deliveries') + pg_total_relation_size('followers')"
    )
    with store.engine.connect() as connection:
        return int(connection.execute(sa.text(asked)).scalar_one())
