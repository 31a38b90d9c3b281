"""Scripted trouble: which call answers how, how many times or how often."""

import random
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Fault:
    """What befalls a call of `path` ("*" = any). One of errcode, http, hang, reset, trickle, garbage; or a delay.

    `times` None = for ever; `rate` = with this probability. `done` says whether the platform does what was asked
    before the trouble: reset, hang and trickle do by default, so that the caller cannot know.
    """

    path: str = "*"
    errcode: int = 0
    http: int = 0
    delay_s: float = 0.0
    hang: bool = False
    reset: bool = False
    trickle: bool = False  # one byte a second
    garbage: bool = False  # 200 with a page instead of JSON
    times: int | None = 1
    rate: float = 1.0
    done: bool | None = None

    def does_it(self) -> bool:
        """Whether the platform acts on the call all the same."""
        if self.done is not None:
            return self.done
        return not (self.errcode or self.http or self.garbage)


class Faults:
    """The script; threads may share it."""

    def __init__(self) -> None:
        self._script: list[Fault] = []
        self._lock = threading.Lock()
        self._chance = random.Random(7)  # noqa: S311 - the same trouble every time

    def add(self, path: str = "*", **what: Any) -> Fault:
        """Puts a fault at the end of the script, such as add("message/template/send", errcode=-1, times=2)."""
        fault = Fault(path=short(path), **what)
        with self._lock:
            self._script.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._script.clear()

    def take(self, path: str) -> Fault | None:
        """The first fault that befalls this call, counted down."""
        with self._lock:
            for fault in self._script:
                if fault.path not in ("*", path) or self._chance.random() >= fault.rate:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._script.remove(fault)
                return fault
        return None


def short(path: str) -> str:
    """A path without /cgi-bin/ and without the first slash."""
    return path.lstrip("/").removeprefix("cgi-bin/")
