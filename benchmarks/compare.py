"""All contestants in alternated rounds: A B C … A B C …, so that a noisy minute hits everybody alike."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contest import Entry, Run, RunFailed, Stock
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.databases import NoDatabase, database, postgres_durability
from benchmarks.inside import our_words
from benchmarks.install import Installed

CROWD = 2_000
WARM_UP_S = 1.0
CROWD_WARM_UP_S = 3.0
MOST_FAILURES = 2  # runs of one contestant that may fail before it is left alone


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure; `seconds` is the measured part of one run."""

    modes: tuple[str, ...]
    rounds: int
    seconds: float
    connections: int
    crowd: bool
    only: tuple[str, ...]
    postgres: str


@dataclass(slots=True)
class Found:
    """All runs, and in words what could not be measured."""

    runs: list[Run] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    databases: str = ""


def say(text: str) -> None:
    """Shows progress to whoever waits."""
    print(text, file=sys.stderr, flush=True)


def chosen(only: tuple[str, ...]) -> list[Contestant]:
    """The contestants whose name or role has one of these words in it; all without words."""
    return [who for who in CONTESTANTS if not only or any(word.lower() in who.name.lower() for word in only)]


@contextlib.contextmanager
def field_of(options: Options, installed: Installed, folder: Path, found: Found) -> Iterator[list[Entry]]:
    """The contestants that can run here, each with an empty database of its own; the others are troubles."""
    with contextlib.ExitStack() as stack:
        entries = []
        words = our_words(folder / "inside")
        for index, who in enumerate(chosen(options.only)):
            reason = installed.missing.get("python" if who.needs == "bjoern" else who.needs, "")
            reason = reason or installed.missing.get(who.needs, "")
            home = folder / f"{index:02d}"
            home.mkdir(parents=True, exist_ok=True)
            try:
                if reason:
                    raise NoDatabase(reason)
                url = stack.enter_context(
                    database(who.store, home, f"gonghui_bench_{index}", options.postgres)
                )
                entries.append(Entry(who, home, url, words))
            except NoDatabase as why:
                found.troubles[who.name] = str(why)
                say(f"!!! {who.name}: not measured: {why}")
        yield entries


def _one(entry: Entry, mode: str, connections: int, options: Options, stock: Stock, found: Found) -> None:
    warm_up = WARM_UP_S if connections < CROWD else CROWD_WARM_UP_S
    name = entry.contestant.name
    if found.failures[name] >= MOST_FAILURES:
        return
    try:
        run = entry.run(mode, connections, warm_up, options.seconds, stock)
    except RunFailed as why:
        found.failures[name] += 1
        found.troubles[name] = f"{mode}, {connections} connections: {why}"
        say(f"!!! {name}: {found.troubles[name]}")
        return
    found.runs.append(run)
    faults = f", {run.outcome.faults} faults" if run.outcome.faults else ""
    lost = f", {run.lost} LOST" if run.lost else ""
    say(
        f"  {mode:5} {connections:4} {name:48} {run.outcome.rate:8.0f}/s  p99 {run.outcome.p99_ms:7.1f} ms"
        f"  {run.pss_mb:4.0f} MB  {run.cpu_us:5.0f} µs{faults}{lost}"
    )


def compare(options: Options, installed: Installed, folder: Path) -> Found:
    """Runs every contestant in every round and mode, then once with a crowd of connections."""
    found, stock, started = Found(), Stock(folder), time.monotonic()
    with contextlib.suppress(NoDatabase):
        found.databases = postgres_durability(options.postgres)
    with field_of(options, installed, folder, found) as entries:
        rounds = [(options.connections, options.seconds + WARM_UP_S)] * options.rounds
        if options.crowd:
            rounds.append((CROWD, options.seconds + CROWD_WARM_UP_S))
        for number, (connections, seconds) in enumerate(rounds, 1):
            say(
                f"round {number} of {len(rounds)}, {connections} connections, {time.monotonic() - started:.0f} s so far"
            )
            stock.round(seconds)
            for mode in options.modes:
                for entry in entries:
                    _one(entry, mode, connections, options, stock, found)
    stock.clear()
    return found
