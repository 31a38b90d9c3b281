"""A program: `work` around a worker that only waits, once for each signal, which it is then sent. Prints the signal and the exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parent.parent)]

from jobs.worker import work  # noqa: E402

ENDED_BY_NOBODY = {  # nobody can answer the first two; of the others the system's own answer ends no program
    "SIGKILL", "SIGSTOP", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGWINCH",
}  # fmt: skip
TIMES = 5
OWN_FAULTS = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGIOT", "SIGSYS", "SIGTRAP"}


def main() -> None:
    for name in sorted(signal.Signals.__members__):
        if name in ENDED_BY_NOBODY | OWN_FAULTS or name.startswith("SIGRT") or name == "SIGPIPE":
            continue
        number = signal.Signals[name]
        if signal.getsignal(number) == signal.SIG_IGN:
            continue
        print(name, max(_ends(number) for _ in range(TIMES)), flush=True)


def _ends(number: signal.Signals) -> int:
    """The exit code of a worker that was sent this signal."""
    heard, says = os.pipe()
    pid = os.fork()
    if not pid:
        over = threading.Event()

        def run() -> None:
            os.write(says, b"!")
            over.wait(60)  # the signal comes just now, mostly while the event's lock is taken

        sender = SimpleNamespace(close=lambda: None, left_behind=False)
        os._exit(work(SimpleNamespace(run=run, stop=over.set, sender=sender)))  # type: ignore[arg-type]
    os.read(heard, 1)
    os.kill(pid, number)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    main()
