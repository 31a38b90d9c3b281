"""Runs the load generator once and gives what it measured."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.install import LOAD

SPARE_S = 40  # ramp, drain and sorting on top of the measured time


class LoadFailed(Exception):
    """The generator gave up; the text says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: counts of requests, messages per second, and latencies in milliseconds of the measured part."""

    sent: int
    answered: int
    right: int
    not_200: int
    empty_or_wrong: int
    broken: int
    unanswered: int
    reconnects: int
    measured: int
    seconds: float
    rate: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    used_up: bool
    cpu_s: float

    @property
    def faults(self) -> int:
        """Requests that did not get a right answer."""
        return self.not_200 + self.empty_or_wrong + self.broken + self.unanswered


def load(
    requests: Path, port: int, connections: int, warm_up_s: float, seconds: float, begins: str = "<xml"
) -> Outcome:
    """Sends the file's requests to 127.0.0.1:port; a right answer's body `begins` so. Raises LoadFailed."""
    words = [str(LOAD), str(requests), str(port), str(connections), str(warm_up_s), str(seconds), begins]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=warm_up_s + seconds + SPARE_S
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed("no end in time") from error
    if done.returncode:
        raise LoadFailed(done.stderr.strip() or f"exit {done.returncode}")
    return Outcome(**json.loads(done.stdout))
