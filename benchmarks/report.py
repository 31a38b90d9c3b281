"""The table of what was measured, in Markdown, and all of it as JSON."""

import dataclasses
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare import CROWD, Found, Options
from benchmarks.contest import Run
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.install import HERE, NODE

HEAD = (
    "setup, 2 processes",
    "msg/s (spread)",
    "p50 ms",
    "p99 ms",
    f"p99 at {CROWD:,}",
    "× fastest",
    "µs CPU",
    "PSS MB",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant in one mode: medians over its runs."""

    rate: float
    least: float
    most: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    pss_mb: float
    faults: int
    lost: int


def _picked(runs: Iterable[Run], name: str, mode: str, crowd: bool) -> list[Run]:
    return [r for r in runs if r.contestant == name and r.mode == mode and (r.connections == CROWD) == crowd]


def row(runs: Iterable[Run], name: str, mode: str, crowd: bool = False) -> Row | None:
    """The medians of this contestant's runs, None without a run."""
    own = _picked(runs, name, mode, crowd)
    if not own:
        return None
    rates = [run.outcome.rate for run in own]
    return Row(
        rate=statistics.median(rates),
        least=min(rates),
        most=max(rates),
        p50_ms=statistics.median(run.outcome.p50_ms for run in own),
        p99_ms=statistics.median(run.outcome.p99_ms for run in own),
        cpu_us=statistics.median(run.cpu_us for run in own),
        pss_mb=max(run.pss_mb for run in own),
        faults=sum(run.outcome.faults for run in own),
        lost=sum(run.lost for run in own),
    )


def fastest_peer(runs: list[Run], mode: str) -> float:
    """Messages per second of the fastest echo, 0 when none ran."""
    rows = (row(runs, who.name, mode) for who in CONTESTANTS if who.role == "echo")
    return max((one.rate for one in rows if one), default=0.0)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(who: Contestant, found: Found, mode: str, best: float) -> list[str]:
    one, crowd = row(found.runs, who.name, mode), row(found.runs, who.name, mode, crowd=True)
    if one is None:
        return [
            who.name,
            f"**not measured: {found.troubles.get(who.name, 'not asked for')}**",
            *[""] * (len(HEAD) - 2),
        ]
    faults = f", **{one.faults} faults**" if one.faults else ""
    lost = f", **{one.lost} lost**" if one.lost else ""
    tail = f"{crowd.p99_ms:.0f}" + (f", {crowd.faults} faults" if crowd.faults else "") if crowd else "–"
    ratio = f"{one.rate / best:.2f}" if best else "–"
    return [
        who.name,
        f"{one.rate:,.0f} ({one.least:,.0f}–{one.most:,.0f}){faults}{lost}",
        f"{one.p50_ms:.1f}",
        f"{one.p99_ms:.1f}",
        tail,
        ratio,
        f"{one.cpu_us:.0f}",
        f"{one.pss_mb:.0f}",
    ]


def table(found: Found, modes: Iterable[str]) -> str:
    """One table: a part per mode, the fastest first."""
    lines = [_line(HEAD), "|---|" + "--:|" * (len(HEAD) - 1)]
    asked = {run.contestant for run in found.runs} | set(found.troubles)
    for mode in modes:
        best = fastest_peer(found.runs, mode)
        lines.append(_line([f"**{mode} mode**", *[""] * (len(HEAD) - 1)]))
        field = [who for who in CONTESTANTS if who.name in asked]
        rates = {who.name: one.rate if (one := row(found.runs, who.name, mode)) else 0.0 for who in field}
        field.sort(key=lambda who: -rates[who.name])
        lines += [_line(_cells(who, found, mode, best)) for who in field]
    return "\n".join(lines)


def _model() -> str:
    text = Path("/proc/cpuinfo").read_text()
    match = re.search(r"model name\s*: (.*)", text)
    return match[1] if match else platform.machine()


def _said(*words: str) -> str:
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=10).stdout.strip()
    except OSError:
        return "none"


def _locked(*names: str) -> str:
    lock = (HERE / "bench.lock").read_text() + (HERE / "bjoern.lock").read_text()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock, re.MULTILINE))
    packages = json.loads((NODE / "package-lock.json").read_text())["packages"] if NODE.exists() else {}
    own = packages.get("", {}).get("dependencies", {})
    return ", ".join(
        [f"{name} {pinned[name]}" for name in names] + [f"{k} {v}" for k, v in sorted(own.items())]
    )


def circumstances(options: Options, found: Found, load_before: float) -> list[str]:
    """Date, machine and versions, one sentence each."""
    return [
        (
            f"Measured {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC; load average before it {load_before:.1f}; "
            f"medians of {options.rounds} alternated rounds of {options.seconds:g} s, {options.connections} connections; "
            "the generator runs on the same processors."
        ),
        (
            f"Machine: {_model()}, {os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}, "
            f"Node {_said('node', '--version').removeprefix('v')}, PostgreSQL: {found.databases or 'none'}."
        ),
        f"Peers: {_locked('werobot', 'wechatpy', 'flask', 'sqlalchemy', 'granian', 'gunicorn', 'bjoern')}.",
    ]


def save(path: Path, options: Options, found: Found, notes: list[str]) -> None:
    """Writes every single run, so that a doubt can be looked up."""
    kept = {
        "circumstances": notes,
        "options": dataclasses.asdict(options) | {"postgres": "…"},
        "troubles": found.troubles,
        "runs": [dataclasses.asdict(run) for run in found.runs],
    }
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
