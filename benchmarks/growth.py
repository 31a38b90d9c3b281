"""What a message costs as the tables grow: the same load on an empty table and on ever fuller ones.

The rows are laid by the database itself from a series of numbers, as large as real ones: the dedupe keys lie evenly over
the whole range, so that new ones fall between old ones, and the senders of the load are taken from all followers.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks import messages
from benchmarks.compare import WARM_UP_S, say
from benchmarks.contest import Entry, Run, RunFailed, Stock
from benchmarks.contestants import CONTESTANTS
from benchmarks.databases import NoDatabase, database
from benchmarks.inside import our_words
from models import schema
from models.base import Store, make_engine
from models.follower import followers
from models.interaction import interactions

SPAN = 2**52  # the keys' first 13 hexadecimal digits
BATCH = 250_000
SEED_S = 3600
WHEN = "2026-01-01 00:00:00.000000"
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {last}) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series({first}::bigint, {last}::bigint - 1)) ",
}
HEX = {"sqlite": "printf('%013x', {})", "postgresql": "lpad(to_hex({}), 13, '0')"}
PADDED = {"sqlite": "printf('%022d', {})", "postgresql": "lpad(({})::text, 22, '0')"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table: how full it was, and what the load showed."""

    interactions: int
    followers: int
    run: Run


def _insert(table: sa.Table, values: dict[str, str], dialect: str, first: int, last: int) -> sa.TextClause:
    head = NUMBERS[dialect].format(first=first, last=last)
    columns, sources = ", ".join(values), ", ".join(values.values())
    text = f"INSERT INTO {table.name} ({columns}) SELECT {sources} FROM n"
    # SQLite wants the series before INSERT, PostgreSQL takes it there too
    return sa.text(head.replace(":", "\\:") + text.replace(":", "\\:"))


def _follower_values(dialect: str) -> dict[str, str]:
    when = f"'{WHEN}+00'" if dialect == "postgresql" else f"'{WHEN}'"
    when = f"CAST({when} AS timestamptz)" if dialect == "postgresql" else when
    openid = f"'oBench' || {PADDED[dialect].format('i')}"
    return {
        "openid": openid,
        "subscribed": "true",
        "first_seen_at": when,
        "last_seen_at": when,
        "state_at": when,
    }


def _interaction_values(dialect: str, people: int, start: int, count: int, size: int) -> dict[str, str]:
    """Row i gets the i-th of `count` keys spread over the whole range; in rising order, which the index takes quickly."""
    when = f"CAST('{WHEN}+00' AS timestamptz)" if dialect == "postgresql" else f"'{WHEN}'"
    step = SPAN // count
    key = HEX[dialect].format(f"(i - {start}) * {step} + {start % step}")
    openid = f"'oBench' || {PADDED[dialect].format(f'i * 7919 % {people}')}"
    return {
        "dedupe_key": f"{key} || '{start:051}'",  # no two layings make the same key
        "openid": openid,
        "msg_type": "'text'",
        "content": f"'{messages.WORD}'",
        "msg_id": "CAST(i AS varchar(20))",
        "sent_at": when,
        "received_at": when,
        "raw": f"'{'x' * 330}'",
        "reply": f"'{'y' * size}'",
        "state": "'answered'",
        "topic": "'guide:injury'",
        "missed": "false",
    }


def _lay(engine: sa.Engine, table: sa.Table, values: dict[str, str], first: int, last: int) -> None:
    for start in range(first, last, BATCH):
        end = min(last, start + BATCH)
        with engine.begin() as connection:
            connection.execute(_insert(table, values, engine.dialect.name, start, end))
        print(f"\r  {table.name}: {end:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def fill(store: Store, have: tuple[int, int], want: tuple[int, int], reply_bytes: int) -> None:
    """Brings the tables from (interactions, followers) laid so far to as many as wanted, without their side indexes."""
    engine = make_engine(store.url, writes=True, statement_s=SEED_S)
    dialect = engine.dialect.name
    side = [index for index in (*interactions.indexes, *followers.indexes) if not index.unique]
    with engine.begin() as connection:
        for index in side:
            index.drop(connection, checkfirst=True)
    _lay(engine, followers, _follower_values(dialect), have[1], want[1])
    count = want[0] - have[0]
    if count:
        values = _interaction_values(dialect, max(1, want[1]), have[0], count, reply_bytes)
        _lay(engine, interactions, values, have[0], want[0])
    with engine.begin() as connection:
        for index in side:
            index.create(connection, checkfirst=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE" if dialect == "postgresql" else "ANALYZE")
    engine.dispose()


def _steps(entry: Entry, sizes: list[int], people: int, mode: str, seconds: float) -> list[Step]:
    store = Store(entry.database)
    schema.upgrade(store)
    entry.known = True  # the senders are laid, not sent
    have, steps = (0, 0), []
    for size in sizes:
        want = (size, max(messages.FOLLOWERS, people * size // max(1, sizes[-1])))
        fill(store, have, want, len(entry.words.encode()))
        store.close()
        have = want
        stock = Stock(entry.folder, followers=want[1])
        stock.round(seconds + WARM_UP_S)
        run = entry.run(mode, 64, WARM_UP_S, seconds, stock)
        stock.clear()
        say(
            f"  {size:>12,} interactions, {want[1]:>9,} followers: {run.outcome.rate:,.0f}/s, {run.cpu_us:.0f} µs"
        )
        steps.append(Step(size, want[1], run))
    return steps


def _table(steps: list[Step]) -> str:
    lines = [
        "| interactions | followers | msg/s | p50 ms | p99 ms | µs CPU | × empty |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    empty = steps[0].run.outcome.rate or 1.0
    for step in steps:
        got = step.run.outcome
        lines.append(
            f"| {step.interactions:,} | {step.followers:,} | {got.rate:,.0f} | {got.p50_ms:.1f} | {got.p99_ms:.1f} "
            f"| {step.run.cpu_us:.0f} | {got.rate / empty:.2f} |"
        )
    return "\n".join(lines)


def show(
    folder: Path, sizes: list[int], people: int, stores: list[str], mode: str, seconds: float, postgres: str
) -> int:
    """Prints a table per database; 1 when one could not be measured."""
    failed = 0
    words = our_words(folder)
    for who in CONTESTANTS:
        if who.role != "ours" or who.store not in stores:
            continue
        print(f"\n{who.name}, {mode} mode, {seconds:g} s each:\n")
        try:
            with database(who.store, folder, "gonghui_bench_growth", postgres) as url:
                print(_table(_steps(Entry(who, folder, url, words), sorted(sizes), people, mode, seconds)))
        except (NoDatabase, RunFailed) as why:
            print(f"not measured: {why}")
            failed = 1
    return failed
