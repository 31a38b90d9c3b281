"""How much work one message is, counted instead of timed, so that a busy machine cannot blur it.

`bytecodes`: the Python instructions of one message, from the bytes of the request to the bytes of the answer, with 32
messages in a transaction. The same on every machine with the same Python minor version and locked packages: the guard.
`machine`: the processor's instructions as valgrind counts them, C code included; shown where valgrind is installed.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import messages
from benchmarks.inside import GROUP, Box, groups, inside
from benchmarks.install import HERE, VAR

WARM_GROUPS = 3
COUNTED_GROUPS = 4
COMMITTED = HERE / "instructions.json"
TOLERANCE = 0.05
ROOT = str(HERE.parent) + "/"
PATIENCE_S = 600
FEW, MANY = 5, 45  # groups of the two runs whose difference is counted


def minor() -> str:
    """This Python's minor version, by which the counts are kept."""
    return ".".join(platform.python_version_tuple()[:2])


def place(file: str) -> str:
    """Where code stands, in a few words: our module, or the package it comes from."""
    if file.startswith(ROOT) and "/.venv/" not in file:
        return file.removeprefix(ROOT)
    package = re.search(r"site-packages/([^/]+)", file)
    return package[1] if package else "Python's own library"


class Counting:
    """Counts bytecode instructions by file while it is the thread's trace function."""

    def __init__(self) -> None:
        self.files: Counter[str] = Counter()

    def __call__(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        file = frame.f_code.co_filename

        def step(frame: types.FrameType, event: str, argument: Any) -> Any:
            if event == "opcode":
                self.files[file] += 1
            return step

        return step


def bytecodes(mode: str, folder: Path = VAR / "inside") -> dict[str, float]:
    """Bytecode instructions per message by place, in this mode."""

    async def count(box: Box) -> Counter[str]:
        asked = groups(mode, WARM_GROUPS + COUNTED_GROUPS)
        for group in asked[:WARM_GROUPS]:
            await box.exchange(group)
        counting = Counting()
        for group in asked[WARM_GROUPS:]:
            sys.settrace(counting)
            await box.exchange(group)
            sys.settrace(None)
        return counting.files

    places: Counter[str] = Counter()
    for file, number in inside(folder, mode, count).items():
        places[place(file)] += number
    del places["benchmarks/inside.py"]
    return {name: number / (COUNTED_GROUPS * GROUP) for name, number in places.most_common()}


def exchanged(mode: str, count: int, folder: Path) -> None:
    """Answers this many groups, of as many made ready as the longest run needs: what valgrind is run on."""

    async def work(box: Box) -> None:
        for group in groups(mode, MANY)[:count]:
            await box.exchange(group)

    inside(folder, mode, work)


def _valgrind(mode: str, count: int) -> int:
    out = VAR / "cachegrind.out"
    code = f"from benchmarks.instructions import *; exchanged({mode!r}, {count}, VAR / 'valgrind')"
    words = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        f"--cachegrind-out-file={out}",
        sys.executable,
        "-c",
        code,
    ]
    done = subprocess.run(
        words,
        cwd=HERE.parent,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if not found:
        raise ValueError("valgrind said nothing of instructions")
    return int(found[1].replace(",", ""))


def machine(mode: str) -> float | None:
    """Processor instructions per message by valgrind, None without valgrind; takes about a minute."""
    if not shutil.which("valgrind"):
        return None
    return (_valgrind(mode, MANY) - _valgrind(mode, FEW)) / ((MANY - FEW) * GROUP)


def committed() -> dict[str, float]:
    """The committed counts per mode for this Python; empty for a Python that was never counted."""
    kept: dict[str, dict[str, float]] = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    return kept.get(minor(), {})


def excess(mode: str, total: float) -> float | None:
    """How far this count lies above (positive) or below the committed one, as a share; None when there is none."""
    wanted = committed().get(mode)
    return total / wanted - 1 if wanted else None


def _commit(totals: dict[str, float]) -> None:
    kept = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    kept[minor()] = {mode: round(total) for mode, total in totals.items()}
    COMMITTED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def show(write: bool, with_machine: bool) -> int:
    """Prints the counts; 1 when one has grown by more than the tolerance. `write` makes them the committed ones."""
    found = {mode: bytecodes(mode) for mode in messages.MODES}
    totals = {mode: sum(places.values()) for mode, places in found.items()}
    if write:
        _commit(totals)
    print(
        f"Bytecode instructions of one message, Python {minor()}, {GROUP} messages in a transaction, SQLite:\n"
    )
    print("| where | " + " | ".join(found) + " |\n|---|" + "--:|" * len(found))
    for name in sorted(
        set().union(*found.values()), key=lambda name: -found[messages.MODES[-1]].get(name, 0)
    ):
        if any(places.get(name, 0) >= 5 for places in found.values()):
            print(
                f"| {name} | " + " | ".join(f"{places.get(name, 0):.0f}" for places in found.values()) + " |"
            )
    print("| **all** | " + " | ".join(f"**{total:.0f}**" for total in totals.values()) + " |")
    if with_machine:
        counted = [machine(mode) for mode in found]
        print(
            "| processor instructions | "
            + " | ".join(f"{n:,.0f}" if n else "no valgrind" for n in counted)
            + " |"
        )
    print()
    return max([_judged(mode, total) for mode, total in totals.items()])


def _judged(mode: str, total: float) -> int:
    above = excess(mode, total)
    if above is None:
        print(
            f"{mode}: no committed count for Python {minor()}; `python -m benchmarks instructions --write` makes one"
        )
        return 0
    print(f"{mode}: {above:+.1%} against the committed count (allowed: +{TOLERANCE:.0%})")
    return int(above > TOLERANCE)
