"""Starts our programs as processes of their own without the second that each would take to import everything.

As a program, this file is the process from which they are forked once it has imported everything: `quick_start.py ADDRESS`.
What is about starting itself (the README's lines, another release, another interpreter) starts in the usual way.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
MOST_BYTES = 1_000_000


class Process:
    """A process that was started so, with what is used of a Popen."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        number = b""
        while not number.endswith(b"\n"):
            number += line.recv(1)
        self.pid = int(number)
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None  # whoever starts it may put its words here

    def poll(self) -> int | None:
        """Its exit code, None while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0001)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. Raises TimeoutExpired."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(16)
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self.returncode = int(told)
            self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    words: Sequence[str],
    folder: Path,
    out: IO[Any],
    environ: Mapping[str, str] = os.environ,
    *,
    faults: IO[Any] | None = None,
    session: bool = False,
) -> Process:
    """Runs `python WORDS` in this folder. What it says goes to `out`, also what it says of faults unless they have a file of
    their own; `session` makes it the first of a new one."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(_origin())
    told = json.dumps([list(words), str(folder), dict(environ), session]).encode()
    socket.send_fds(line, [len(told).to_bytes(4, "big")], [out.fileno(), (faults or out).fileno()])
    line.sendall(told)
    return Process(line)


@cache
def _origin() -> str:
    """The address of the process from which they are forked; it ends with us."""
    address = str(Path(tempfile.mkdtemp(prefix="gonghui-")) / "origin")
    process = subprocess.Popen(  # a server goes by default to where its library was imported, which must outlive a test
        [sys.executable, __file__, address], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    atexit.register(process.communicate)  # its input ends
    return address


# --- the program -------------------------------------------------------------------------------------------------


def main(address: str) -> None:
    """Forks whatever is asked for, until its input ends."""
    sys.path.insert(0, str(ROOT))
    import app  # noqa: F401

    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(address)
        door.listen(64)
        print("ready", flush=True)
        while door in select.select([door, sys.stdin], [], [])[0]:
            line, _ = door.accept()
            if not os.fork():
                door.close()
                tend(line)
                return
            line.close()


def tend(line: socket.socket) -> None:
    """Starts one program and tells its number and, when it has ended, its exit code. The program comes back from here."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, (out, faults), _, _ = socket.recv_fds(line, 4, 2)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += line.recv(MOST_BYTES)
    words, folder, environ, session = json.loads(told)
    pid = os.fork()
    if not pid:
        line.close()
        if session:
            os.setsid()
        become(words, folder, environ, (os.open(os.devnull, os.O_RDONLY), out, faults))
        return
    os.close(out)
    os.close(faults)
    line.sendall(f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        line.sendall(str(code).encode())
    os._exit(0)


def become(words: list[str], folder: str, environ: dict[str, str], files: tuple[int, int, int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv, sys.path[0] = words, str(Path(words[0]).parent)
    runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
