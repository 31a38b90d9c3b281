"""What a sentence costs that nobody asked before, beside a word that has its page: processor time of the same server, in turns.

The sentences are those of tests/phrases, which the finder does not learn from, each at its first sight. And the finder by itself,
on the directory as it is shipped and on 100 entries with 30 examples each.
"""

import csv
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.inside import GROUP, Box, groups, inside
from benchmarks.install import HERE, VAR
from ground.normal import normal
from handlers.crisis import Dangers
from handlers.search import Finder
from menus.directory import Directory
from menus.in_force import InForce
from menus.reading import load

PHRASES = HERE.parent / "tests" / "phrases" / "phrases.csv"
RATE, P99_MS = 0.6, 2.0
WARM = 20  # groups
ENTRIES, EXAMPLES = 100, 30
ROUNDS = 3  # the fastest of them counts for each sentence: what else the machine does is not the finder's


def sentences() -> list[str]:
    """What is asked."""
    with PHRASES.open(encoding="utf-8-sig", newline="") as file:
        return list(dict.fromkeys(row["phrase"] for row in csv.DictReader(file)))


async def _in_turns(mode: str, box: Box) -> tuple[list[float], list[float]]:
    """Seconds of processor time of each group: of the known word, and of sentences at first sight."""
    asked = sentences()
    rounds = len(asked) // GROUP
    known = groups(mode, WARM + rounds)
    unknown = groups(mode, rounds, first=2_000_000, said=asked[: rounds * GROUP])
    for group in known[:WARM]:
        await box.exchange(group)
    gc.collect()
    gc.freeze()  # as the server does before it serves
    spans: tuple[list[float], list[float]] = ([], [])
    for pair in zip(known[WARM:], unknown, strict=True):
        for group, kept in zip(pair, spans, strict=True):
            begun = time.process_time()
            await box.exchange(group)
            kept.append(time.process_time() - begun)
    return spans


def shipped() -> Directory:
    """The directory as it is in this folder."""
    return InForce().open(load()).current()


def cut(directory: Directory) -> Directory:
    """A directory of so many entries with so many examples."""
    full = [guide for guide in directory.guides if len(guide.asks) + len(guide.words) >= EXAMPLES]
    guides = tuple(
        guide.model_copy(update={"asks": guide.asks[: max(0, EXAMPLES - 1 - len(guide.words))]})
        for guide in full[:ENTRIES]
    )
    return replace(directory, guides=guides, talk=(), by_id={guide.id: guide for guide in guides})


def spans_ms(directory: Directory) -> list[float]:
    """Milliseconds that the finder takes for each sentence, in ascending order."""
    finder = Finder(directory, Dangers(directory.crisis))
    gc.collect()
    gc.freeze()
    return sorted(
        min(_took_ms(partial(finder.find, plain)) for _ in range(ROUNDS))
        for plain in map(normal, sentences())
    )


def _took_ms(work: Callable[[], object]) -> float:
    begun = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun) / 1e6


def _of(spans: Sequence[float], share: float) -> float:
    return spans[int(share * (len(spans) - 1))]


def show(mode: str, folder: Path = VAR / "finding") -> int:
    """Prints the figures; 1 when the finder is slower than it may be."""
    known, unknown = inside(folder, mode, partial(_in_turns, mode))
    of_known, of_unknown = (_of(sorted(spans), 0.5) / GROUP * 1e6 for spans in (known, unknown))
    rate = of_known / of_unknown
    print(
        f"{mode} mode, SQLite, processor time of one message: a known word {of_known:.0f} µs, a sentence at first sight {of_unknown:.0f} µs"
    )
    print(f"the rate of sentences is {rate:.2f} of that of a known word (wanted: {RATE})")
    slow = False
    for name, directory in (("as shipped", whole := shipped()), (f"{ENTRIES} × {EXAMPLES}", cut(whole))):
        spans = spans_ms(directory)
        examples = sum(len(guide.asks) + len(guide.words) + 1 for guide in directory.guides)
        print(
            f"the finder, {name} ({len(directory.guides)} entries, {examples} examples): median {_of(spans, 0.5):.3f} ms, "
            f"p99 {_of(spans, 0.99):.3f} ms (allowed: {P99_MS})"
        )
        slow = slow or _of(spans, 0.99) > P99_MS
    return int(slow or rate < RATE)
