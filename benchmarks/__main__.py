"""python -m benchmarks [compare|beside|requests|growth|anatomy|instructions|lane|closing|finding|gate|push|planning|poll|mass|tree].

Without a word it compares."""

import argparse
import os
import signal
import sys
import types
from pathlib import Path

from benchmarks import (
    anatomy,
    beside,
    closing,
    counting,
    finding,
    gate,
    growth,
    instructions,
    lane,
    massing,
    messages,
    planning,
    polling,
    pushing,
    report,
    requests,
    tree,
)
from benchmarks.compare import Options, compare, say
from benchmarks.install import VAR, CannotInstall, install
from benchmarks.targets import verdicts

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        default="compare",
        choices=(
            "compare",
            "growth",
            "anatomy",
            "instructions",
            "lane",
            "closing",
            "beside",
            "requests",
            "finding",
            "gate",
            "push",
            "planning",
            "poll",
            "mass",
            "tree",
        ),
    )
    parser.add_argument("--rounds", type=int, help="default: 5 (growth, push: 3; lane: 10 pairs)")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured seconds of one run")
    parser.add_argument(
        "--mode", choices=messages.MODES, action="append", help="default: both (growth, lane: safe)"
    )
    parser.add_argument(
        "--postgres",
        default=os.environ.get("BENCH_POSTGRES", POSTGRES),
        help="a server for scratch databases",
    )
    compared = parser.add_argument_group("compare")
    compared.add_argument("--connections", type=int, default=64)
    compared.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="contestants with this in the name"
    )
    compared.add_argument("--no-crowd", action="store_true", help="leave out the run with 2,000 connections")
    compared.add_argument(
        "--quick", action="store_true", help="one round of 2 s, no crowd: a look, no measurement"
    )
    grown = parser.add_argument_group("growth")
    grown.add_argument("--sizes", default="100000,1000000,10000000", help="interactions, comma-separated")
    grown.add_argument(
        "--followers",
        type=int,
        default=1_000_000,
        help="at the largest size, in proportion before; planning: of the push",
    )
    grown.add_argument("--store", choices=("sqlite", "postgresql"), action="append", help="default: both")
    listed = parser.add_argument_group("mass")
    listed.add_argument("--listed", type=int, default=7_000_000, help="on the list")
    closed = parser.add_argument_group("closing")
    closed.add_argument("--guesses", type=int, default=1_000_000, help="in the edition that is closed")
    polled = parser.add_argument_group("poll")
    polled.add_argument("--people", type=int, default=10_000, help="who open the page and vote")
    asked_for = parser.add_argument_group("requests")
    asked_for.add_argument("--requests", type=int, default=100_000, help="in the lists")
    treed = parser.add_argument_group("tree")
    treed.add_argument("--members", type=int, default=200_000, help="on the list")
    counted = parser.add_argument_group("instructions")
    counted.add_argument("--write", action="store_true", help="make these counts the committed ones")
    counted.add_argument(
        "--machine", action="store_true", help="also count the processor's instructions, by valgrind"
    )
    return parser


def _compared(asked: argparse.Namespace) -> int:
    options = Options(
        modes=tuple(asked.mode or messages.MODES),
        rounds=1 if asked.quick else asked.rounds or 5,
        seconds=2.0 if asked.quick else asked.seconds,
        connections=asked.connections,
        crowd=not (asked.quick or asked.no_crowd),
        only=tuple(asked.only),
        postgres=asked.postgres,
    )
    load_before = os.getloadavg()[0]
    found = compare(options, install(), VAR)
    notes = report.circumstances(options, found, load_before)
    report.save(VAR / "compare.json", options, found, notes)
    troubles = "\n".join(f"- **{name}**: {why}" for name, why in found.troubles.items())
    parts = [*notes, report.table(found, options.modes), troubles, verdicts(found, options.modes)]
    print("\n\n".join(part for part in parts if part))
    return 1 if found.troubles else 0


def _done(asked: argparse.Namespace) -> int:
    if asked.what == "compare":
        return _compared(asked)
    if asked.what == "gate":
        return gate.show()
    if asked.what == "push":
        return pushing.compare(asked.rounds or 3)
    if asked.what == "mass":
        return massing.show(asked.listed)
    if asked.what == "planning":
        stores = asked.store or ["sqlite", "postgresql"]
        return planning.show(VAR / "planning", asked.followers, stores, asked.postgres)
    if asked.what == "instructions":
        VAR.mkdir(exist_ok=True)
        return instructions.show(asked.write, asked.machine)
    if asked.what == "requests":
        stores = asked.store or ["sqlite", "postgresql"]
        return requests.show(asked.requests, stores, asked.postgres)
    if asked.what == "tree":
        return tree.show(asked.members, asked.store or ["sqlite", "postgresql"], asked.postgres)
    if asked.what == "closing":
        return max(closing.show(asked.guesses), counting.show(asked.guesses))
    if asked.what == "finding":
        VAR.mkdir(exist_ok=True)
        return max(finding.show(mode) for mode in asked.mode or messages.MODES)
    install(peers=False)
    if asked.what == "anatomy":
        return anatomy.show(VAR / "anatomy", asked.seconds)
    if asked.what == "beside":
        return beside.show(VAR / "beside", 60.0, asked.store or ["sqlite", "postgresql"], asked.postgres)
    if asked.what == "poll":
        return polling.show(VAR / "poll", asked.people, asked.rounds or 3, asked.seconds, asked.postgres)
    if asked.what == "lane":
        mode = (asked.mode or ["safe"])[0]
        return lane.show(VAR / "lane", mode, asked.rounds or 10, asked.connections, asked.seconds)
    sizes = [int(size) for size in asked.sizes.split(",")]
    stores = asked.store or ["sqlite", "postgresql"]
    mode = (asked.mode or ["safe"])[0]
    folder = VAR / "growth"
    rounds = asked.rounds or 3
    return growth.show(folder, sizes, asked.followers, stores, mode, asked.seconds, rounds, asked.postgres)


def _leave(number: int, frame: types.FrameType | None) -> None:
    sys.exit(128 + number)


def main(words: list[str]) -> int:
    """Runs what was asked for; 1 when something could not be measured."""
    signal.signal(signal.SIGTERM, _leave)
    os.chdir(Path(__file__).parent.parent)
    asked = _parser().parse_args(words)
    try:
        return _done(asked)
    except CannotInstall as why:
        say(f"nothing can be measured: {why}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
