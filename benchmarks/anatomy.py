"""Where the microseconds of one message go: timers around our real functions, in the worker's own code.

The functions of a stage are timed, in processor time of the thread, without what they call of other stages, so that the
stages add up. What the timers themselves cost is measured and taken off. Socket and kernel are the difference to the
processor time that the web processes use per message under load.
"""

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import handlers
import web.webhook
import wx.envelope
import wx.messages
from benchmarks import compare, messages
from benchmarks.contest import Entry, Stock
from benchmarks.contestants import CONTESTANTS
from benchmarks.databases import database
from benchmarks.inside import GROUP, Box, groups, inside, our_words
from handlers.search import Finder
from models.recording import fsync
from models.recording.bulk import Bulk
from models.recording.recorder import Recorder
from models.recording.writer import Writer
from models.recording.writer_client import WriterClient
from web.server.commit_queue import CommitQueue
from web.server.protocol import HttpProtocol
from web.webhook import Webhook

WARM_GROUPS = 20
TIMED_GROUPS = 100
ROUNDS = 5
SERVER, CRYPTO, MESSAGE = (
    "server: HTTP and its glue",
    "crypto: signature and AES",
    "parse: the message",
)
WEBHOOK, GROUPING, ROUTING, HANDLER = (
    "webhook: query, row, time",
    "group: waiting and waking",
    "routing",
    "handler",
)
CROSSING = "to the writer and back"
RENDER, RECORD, STATEMENT, COMMIT = "render", "record: the rules", "statements", "commit"
LOOP, ALL = "event loop, tasks, BEGIN", "all inside, writer included"
WAITING = "waiting besides: the disk (and other programs)"
LOADED, REST = (
    "web processes and writer under load, 64 connections",
    "kernel, sockets, groups of another size (difference)",
)
STAGES: tuple[tuple[Any, str, str], ...] = (
    (HttpProtocol, "data_received", SERVER),
    (HttpProtocol, "_send", SERVER),
    (Webhook, "arrive", WEBHOOK),
    (Webhook, "seal", WEBHOOK),
    (wx.envelope, "_marks", WEBHOOK),
    (wx.envelope.Envelope, "open", CRYPTO),
    (wx.envelope.Envelope, "seal", CRYPTO),
    (web.webhook, "parse", MESSAGE),
    (CommitQueue, "submit", GROUPING),
    (Webhook, "ahead", RECORD),
    (Recorder, "ready", RECORD),
    (Recorder, "record", RECORD),
    (WriterClient, "data_received", CROSSING),
    (fsync, "packed", CROSSING),
    (Writer, "_read", CROSSING),
    (fsync.FsyncQueue, "_fsync_and_send", CROSSING),
    (Writer, "_write", CROSSING),
    (Webhook, "handle", HANDLER),
    (handlers, "say", ROUTING),
    (Finder, "exact", ROUTING),
    (handlers, "open_page", HANDLER),
    (Webhook, "_render", RENDER),
    (Bulk, "select", STATEMENT),
    (Bulk, "write_columns", STATEMENT),
    (sa.engine.default.DefaultDialect, "do_commit", COMMIT),
)


@dataclass(slots=True)
class Timers:
    """Seconds and calls per stage; a stage that calls another stops its own clock meanwhile.

    `spill` is what a timed call costs its caller beyond the time that it takes itself, in seconds.
    """

    spill: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    running: list[float] = field(default_factory=list)  # time spent in inner stages, one per open stage

    def around(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """The same function with a timer."""
        clock, spill = time.thread_time, self.spill
        seconds, calls, running = self.seconds, self.calls, self.running
        seconds.setdefault(stage, 0.0)
        calls.setdefault(stage, 0)

        def timed(*given: Any, **named: Any) -> Any:
            running.append(0.0)
            begun = clock()
            try:
                return function(*given, **named)
            finally:
                took = clock() - begun
                seconds[stage] += took - running.pop()
                calls[stage] += 1
                if running:
                    running[-1] += took + spill

        return timed

    def clear(self) -> None:
        """Begins anew."""
        self.seconds.update(dict.fromkeys(self.seconds, 0.0))
        self.calls.update(dict.fromkeys(self.calls, 0))


@contextlib.contextmanager
def installed(timers: Timers) -> Iterator[None]:
    """The stages timed while the block runs."""
    with contextlib.ExitStack() as stack:
        for owner, name, stage in STAGES:
            plain = vars(owner)[name]
            held_by_class = isinstance(plain, staticmethod)
            timed = timers.around(plain.__func__ if held_by_class else plain, stage)
            setattr(owner, name, staticmethod(timed) if held_by_class else timed)
            stack.callback(setattr, owner, name, plain)
        yield


def cost_of_a_timer() -> tuple[float, float]:
    """Seconds that one timed call adds: inside its own stage, and to the whole."""
    timers, count = Timers(), 20_000
    nothing: Callable[[], None] = lambda: None  # noqa: E731
    timed = timers.around(nothing, "")
    begun = time.thread_time()
    for _ in range(count):
        timed()
    whole = (time.thread_time() - begun) / count
    begun = time.thread_time()
    for _ in range(count):
        nothing()
    bare = (time.thread_time() - begun) / count
    return max(0.0, timers.seconds[""] / count - bare), max(0.0, whole - bare)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that the timed groups took, by the clock and of the processor."""

    clock: float
    processor: float


async def _timed(box: Box, mode: str, timers: Timers, first: int) -> Took:
    asked = groups(mode, WARM_GROUPS + TIMED_GROUPS, first)
    for group in asked[:WARM_GROUPS]:
        await box.exchange(group)
    timers.clear()
    gc.collect()
    begun, used = time.perf_counter(), time.process_time()
    for group in asked[WARM_GROUPS:]:
        await box.exchange(group)
    return Took(time.perf_counter() - begun, time.process_time() - used)


async def _round(box: Box, mode: str, first: int) -> dict[str, float]:
    """Microseconds per message and stage."""
    own, whole = cost_of_a_timer()
    timers, count = Timers(whole - own), TIMED_GROUPS * GROUP
    with installed(timers):
        took = await _timed(box, mode, timers, first)
    found = {name: (s - timers.calls[name] * own) / count * 1e6 for name, s in timers.seconds.items()}
    used = (took.processor - sum(timers.calls.values()) * whole) / count * 1e6
    waited = (took.clock - took.processor) / count * 1e6
    return found | {LOOP: used - sum(found.values()), ALL: used, WAITING: waited}


def stages(mode: str, folder: Path) -> dict[str, float]:
    """Microseconds of processor time per stage of one message, medians of some rounds, and the wait for the disk."""

    async def work(box: Box) -> list[dict[str, float]]:
        return [await _round(box, mode, 10_000_000 * (number + 1)) for number in range(ROUNDS)]

    rounds: list[dict[str, float]] = inside(folder, mode, work)
    return {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}


def under_load(mode: str, folder: Path, seconds: float) -> float:
    """Microseconds of processor time that the two web processes and the writer use per message, with 64 connections on SQLite."""
    who = next(one for one in CONTESTANTS if one.role == "ours" and one.store == "sqlite")
    stock = Stock(folder)
    stock.round(seconds + compare.WARM_UP_S)
    with database(who.store, folder, "", "") as url:
        entry = Entry(who, folder, url, our_words(folder))
        return entry.run(mode, 64, compare.WARM_UP_S, seconds, stock).cpu_us


def show(folder: Path, seconds: float) -> int:
    """Prints the table for both modes."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {mode: stages(mode, folder) for mode in messages.MODES}
    for mode, parts in found.items():
        parts[LOADED] = under_load(mode, folder, seconds)
        parts[REST] = parts[LOADED] - parts[ALL]
    print(f"Processor microseconds of one message, SQLite FULL, {GROUP} messages in a transaction:\n")
    print("| stage | " + " | ".join(found) + " |\n|---|" + "--:|" * len(found))
    totals = (ALL, REST, LOADED, WAITING)
    names = [name for name in found[messages.MODES[0]] if name not in totals]
    for name in [*names, *totals]:
        mark = "**" if name in (ALL, LOADED) else ""
        print(
            f"| {mark}{name}{mark} | "
            + " | ".join(f"{mark}{parts[name]:.1f}{mark}" for parts in found.values())
            + " |"
        )
    return 0
