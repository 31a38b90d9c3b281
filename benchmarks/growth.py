"""What a message costs as the tables grow: the same load on ever fuller tables, each run beside one on empty tables.

The rows are laid by the database itself from a series of numbers, as large as real ones: said over two years that end now,
with dedupe keys evenly over the whole range, and the senders of the load are taken from all followers. What was laid is on
the disk before anything is measured.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from benchmarks import messages
from benchmarks.compare import WARM_UP_S, say
from benchmarks.contest import Entry, Run, RunFailed, Stock
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.databases import NoDatabase, database, postgres_memory
from benchmarks.inside import our_words
from models import schema
from models.base import Store, make_engine
from models.follower import followers
from models.interaction import interactions

Empty = Callable[[], AbstractContextManager[str]]
"""Gives the URL of a new database, which is gone again when the block ends."""
SPAN = 2**52  # the keys' first 13 hexadecimal digits
BATCH = 250_000
SEED_S = 3600
WHEN = "2026-01-01 00:00:00.000000"
YEARS_S = 2 * 365 * 86_400
NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {last}) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series({first}::bigint, {last}::bigint - 1)) ",
}
HEX = {"sqlite": "printf('%013x', {})", "postgresql": "lpad(to_hex({}), 13, '0')"}
SECOND = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', CAST({} AS INTEGER), 'unixepoch')",
    "postgresql": "to_timestamp(floor({}))",
}
PADDED = {"sqlite": "printf('%022d', {})", "postgresql": "lpad(({})::text, 22, '0')"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table: how full it was, and the pairs of runs, each on empty tables and then on these."""

    interactions: int
    followers: int
    pairs: list[tuple[Run, Run]]

    def rate(self) -> float:
        """Messages per second on the full tables."""
        return statistics.median(full.outcome.rate for _, full in self.pairs)

    def ratios(self) -> list[float]:
        """The full tables' rate over that of the empty ones beside it, for each pair."""
        return [full.outcome.rate / (empty.outcome.rate or 1.0) for empty, full in self.pairs]


def _insert(table: sa.Table, values: dict[str, str], dialect: str, first: int, last: int) -> sa.TextClause:
    head = NUMBERS[dialect].format(first=first, last=last)
    columns, sources = ", ".join(values), ", ".join(values.values())
    text = f"INSERT INTO {table.name} ({columns}) SELECT {sources} FROM n"
    # SQLite wants the series before INSERT, PostgreSQL takes it there too
    return sa.text(head.replace(":", "\\:") + text.replace(":", "\\:"))


def _follower_values(dialect: str, said: int) -> dict[str, str]:
    """Each has written before: a row that is written to for the first time grows, and has its page split."""
    when = f"'{WHEN}+00'" if dialect == "postgresql" else f"'{WHEN}'"
    when = f"CAST({when} AS timestamptz)" if dialect == "postgresql" else when
    openid = f"'oBench' || {PADDED[dialect].format('i')}"
    return {
        "openid": openid,
        "subscribed": "true",
        "first_seen_at": when,
        "last_seen_at": when,
        "state_at": when,
        "subscribed_at": when,
        "spoke_at": when,
        "dialogue": "'guide:injury 29900000'",
        "latest": f"1 + i % {said}" if said and dialect == "sqlite" else "NULL",
    }


def _interaction_values(dialect: str, people: int, start: int, count: int, size: int) -> dict[str, str]:
    """Row i gets the i-th of `count` moments and keys spread over all of them; in rising order, which an index takes quickly."""
    when = SECOND[dialect].format(f"({int(time.time()) - YEARS_S} + (i - {start}) * {YEARS_S / count!r})")
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
    _lay(engine, followers, _follower_values(dialect, want[0]), have[1], want[1])
    count = want[0] - have[0]
    if count:
        values = _interaction_values(dialect, max(1, want[1]), have[0], count, reply_bytes)
        _lay(engine, interactions, values, have[0], want[0])
    with engine.begin() as connection:
        for index in side:
            index.create(connection, checkfirst=True)
    # SQLite carries its log over when it is closed.
    last = ["ANALYZE"] if dialect == "sqlite" else ["VACUUM ANALYZE", "CHECKPOINT"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in last:
            connection.exec_driver_sql(statement)
    engine.dispose()


class Load:
    """The load of one mode and length, on whatever database."""

    def __init__(self, who: Contestant, folder: Path, mode: str, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._who, self._folder, self._mode, self._seconds = who, folder, mode, seconds
        self._words = our_words(folder)

    def fill(self, url: str, have: tuple[int, int], want: tuple[int, int]) -> None:
        """As the function of this name; the tables are made where there are none."""
        store = Store(url)
        schema.upgrade(store)
        fill(store, have, want, len(self._words.encode()))
        store.close()
        os.sync()

    def run(self, url: str, followers: int) -> Run:
        """One run of new messages from laid followers. Raises RunFailed."""
        stock = Stock(self._folder, followers)
        stock.round(self._seconds + WARM_UP_S)
        try:
            entry = Entry(self._who, self._folder, url, self._words, known=True)
            return entry.run(self._mode, 64, WARM_UP_S, self._seconds, stock)
        finally:
            stock.clear()


def _steps(load: Load, full: str, empty: Empty, sizes: list[int], people: int, rounds: int) -> list[Step]:
    have, steps = (0, 0), []
    for size in sizes:
        want = (size, max(messages.FOLLOWERS, people * size // max(1, sizes[-1])))
        load.fill(full, have, want)
        have, step = want, Step(*want, [])
        for _ in range(rounds):
            with empty() as url:
                load.fill(url, (0, 0), (0, messages.FOLLOWERS))
                first = load.run(url, messages.FOLLOWERS)
            step.pairs.append((first, load.run(full, want[1])))
        say(
            f"  {size:>12,} interactions, {want[1]:>9,} followers: {step.rate():,.0f}/s, {statistics.median(step.ratios()):.2f} × empty"
        )
        steps.append(step)
    return steps


def _table(steps: list[Step]) -> str:
    lines = [
        "| interactions | followers | msg/s | × empty (spread) | p99 ms | µs CPU, empty | µs CPU |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for step in steps:
        ratios = step.ratios()
        p99 = statistics.median(full.outcome.p99_ms for _, full in step.pairs)
        costs = [statistics.median(run.cpu_us for run in runs) for runs in zip(*step.pairs, strict=True)]
        lines.append(
            f"| {step.interactions:,} | {step.followers:,} | {step.rate():,.0f} "
            f"| {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) | {p99:.1f} | {costs[0]:.0f} | {costs[1]:.0f} |"
        )
    return "\n".join(lines)


def show(
    folder: Path,
    sizes: list[int],
    people: int,
    stores: list[str],
    mode: str,
    seconds: float,
    rounds: int,
    postgres: str,
) -> int:
    """Prints a table per database; 1 when one could not be measured."""
    failed = 0
    for who in CONTESTANTS:
        if who.role != "ours" or who.store not in stores:
            continue
        print(f"\n{who.name}, {mode} mode, medians of {rounds} pairs of {seconds:g} s:\n")
        empty = partial(database, who.store, folder / "empty", "gonghui_bench_empty", postgres)
        try:
            with database(who.store, folder, "gonghui_bench_growth", postgres) as full:
                load = Load(who, folder / "empty", mode, seconds)
                print(_table(_steps(load, full, empty, sorted(sizes), people, rounds)))
            if who.store == "postgresql":
                print(f"\n{postgres_memory(postgres)}")
        except (NoDatabase, RunFailed) as why:
            print(f"not measured: {why}")
            failed = 1
    return failed
