"""What one client may take and must wait, and what each part of the site allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from web.webhook import ANSWER_S

TICK_S = 0.25  # how often the time limits are looked at


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Seconds and counts."""

    answer_s: float = ANSWER_S - TICK_S  # for a message to be stored, whenever the tick comes
    receive_s: float = 10  # for a request to arrive whole, and longer for a large one:
    receive_rate: int = 64 * 1024  # bytes a second, on an average
    idle_s: float = 75  # for a kept connection without one; nginx keeps its own for 60
    send_s: float = 30  # for an answer to be taken
    linger_s: float = 2  # for what is still on its way from a client that was told to stop
    pipelined: int = 32  # requests that wait on one connection for the answers before theirs
    connections: int = 10_000  # per process
    spools: int = 32  # large bodies at once, per process
    grace_s: float = 10  # for what is under way when the process is to end
    quiet_s: float = 1  # then, for a kept connection to bring one more request and be told


@dataclass(frozen=True, slots=True)
class PathLimits:
    """What the pages below one path may take."""

    prefix: str
    body_bytes: int = 1024 * 1024
    export: bool = False  # long answers: they have threads of their own


ELSEWHERE = PathLimits("/")


def limits_of(paths: Sequence[PathLimits], path: str) -> PathLimits:
    """Those with the longest prefix of this path."""
    fitting = [each for each in paths if path.startswith(each.prefix)]
    return max(fitting, key=lambda each: len(each.prefix), default=ELSEWHERE)
