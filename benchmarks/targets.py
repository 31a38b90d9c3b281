"""What the webhook has to reach, and whether this run did."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.compare import Found
from benchmarks.contest import Run
from benchmarks.contestants import ORM, OURS
from benchmarks.report import fastest_peer, row

STORES = ("SQLite FULL", "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what it asks, what was measured (None when it was not), and whether that will do."""

    wanted: str
    measured: str
    met: bool | None


def _ratio(runs: list[Run], mode: str, store: str, least: float) -> Verdict:
    own, best = row(runs, f"{OURS}: {store}", mode), fastest_peer(runs, mode)
    wanted = f"{mode}, {store}: at least {least:g} × the fastest peer"
    if own is None or not best:
        return Verdict(wanted, "–", None)
    return Verdict(wanted, f"{own.rate / best:.2f} ×", own.rate >= least * best)


def _over_orm(runs: list[Run], mode: str, store: str) -> Verdict:
    own, orm = row(runs, f"{OURS}: {store}", mode), row(runs, f"{ORM}: {store}", mode)
    wanted = f"{mode}, {store}: at least 15 × one ORM commit per message"
    if own is None or orm is None:
        return Verdict(wanted, "–", None)
    return Verdict(wanted, f"{own.rate / orm.rate:.1f} ×", own.rate >= 15 * orm.rate)


def _below(runs: list[Run], mode: str, store: str) -> list[Verdict]:
    name = f"{OURS}: {store}"
    own, crowd = row(runs, name, mode), row(runs, name, mode, crowd=True)
    return [
        _at_most(
            f"{mode}, {store}: p99 at 64 connections at most 25 ms", own.p99_ms if own else None, 25, "ms"
        ),
        _at_most(
            f"{mode}, {store}: p99 at 2,000 connections at most 500 ms",
            crowd.p99_ms if crowd else None,
            500,
            "ms",
        ),
        _at_most(
            f"{mode}, {store}: PSS of all web processes at most 200 MB",
            own.pss_mb if own else None,
            200,
            "MB",
        ),
        _at_most(f"{mode}, {store}: nothing answered is lost", float(own.lost) if own else None, 0, "lost"),
    ]


def _at_most(wanted: str, measured: float | None, most: float, unit: str) -> Verdict:
    if measured is None:
        return Verdict(wanted, "–", None)
    return Verdict(wanted, f"{measured:.0f} {unit}", measured <= most)


def judged(runs: list[Run], modes: Iterable[str]) -> list[Verdict]:
    """Every target for these modes on both databases."""
    least = {("safe", "SQLite FULL"): 1.0, ("safe", "PostgreSQL"): 0.85}
    found = []
    for mode in modes:
        for store in STORES:
            found += [_ratio(runs, mode, store, least.get((mode, store), 0.8)), _over_orm(runs, mode, store)]
            found += _below(runs, mode, store)
    return found


def verdicts(found: Found, modes: Iterable[str]) -> str:
    """The targets as a Markdown table; those that this run could not judge are counted."""
    every = judged(found.runs, modes)
    known = [one for one in every if one.met is not None]
    lines = ["| target | measured | |", "|---|--:|---|"] if known else []
    lines += [f"| {one.wanted} | {one.measured} | {'met' if one.met else '**missed**'} |" for one in known]
    if len(known) < len(every):
        lines += ["", f"{len(every) - len(known)} of {len(every)} targets were not measured in this run."]
    return "\n".join(lines)
