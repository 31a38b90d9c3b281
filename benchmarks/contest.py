"""One run of one contestant: start it, probe it, load it, look at it, end it."""

import http.client
import itertools
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import databases, messages, servers
from benchmarks.contestants import Contestant, Stage
from benchmarks.load import LoadFailed, Outcome, load

START_S = 60
FRESH_S = 200  # below the 300 s for which a signature is taken
MOST_PER_SECOND = 40_000


class RunFailed(Exception):
    """This run gives no figure; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run showed; memory in MB over all web processes, their processor time in µs per message."""

    contestant: str
    mode: str
    connections: int
    outcome: Outcome
    pss_mb: float
    cpu_us: float
    reply_bytes: int
    lost: int  # answered but not stored; 0 for one who stores nothing


class Stock:
    """Requests for one round, the same for everybody, signed anew when they grow stale; numbers never repeat."""

    def __init__(self, folder: Path, followers: int = messages.FOLLOWERS) -> None:
        self._folder = folder
        self.followers = followers
        self._next = itertools.count(int(time.time()) * 1000)  # distinct from the run before, too
        self._first = 0
        self._written: dict[str, float] = {}
        self._count = 0

    def number(self) -> int:
        """A message number nobody has used."""
        return next(self._next)

    def round(self, seconds: float) -> None:
        """Begins a round of this many seconds per run with new messages."""
        self._count = int(seconds * MOST_PER_SECOND)
        self._first = next(self._next)
        self._next = itertools.count(self._first + self._count)
        self._written.clear()

    def path(self, mode: str) -> Path:
        """The file of this round's requests in this mode."""
        path = self._folder / f"{mode}.requests"
        if time.monotonic() - self._written.get(mode, -FRESH_S) >= FRESH_S:
            numbers = range(self._first, self._first + self._count)
            messages.write(path, messages.texts(mode, numbers, self.followers))
            self._written[mode] = time.monotonic()
        return path

    def clear(self) -> None:
        """Removes the files, which are large."""
        for mode in self._written:
            (self._folder / f"{mode}.requests").unlink(missing_ok=True)


def _ask(port: int, sent: messages.Sent) -> messages.Said:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", f"{messages.PATH}?{sent.query}", sent.body, {"Content-Type": "text/xml"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RunFailed(f"status {answer.status} to a rightly signed message")
    return messages.opened(body)


def _probe(server: servers.Server, mode: str, constant: bool, stock: Stock) -> messages.Said:
    """Waits until the server listens, and judges its first answer in full: words, addressee, signature."""
    deadline = time.monotonic() + START_S
    while True:
        if server.process.poll() is not None:
            raise RunFailed(f"it ended at the start, see {os.path.relpath(server.log)}")
        number = stock.number()
        try:
            said = _ask(server.port, next(messages.texts(mode, range(number, number + 1), stock.followers)))
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise RunFailed(f"no answer within {START_S} s, see {os.path.relpath(server.log)}") from error
            time.sleep(0.05)
        except (ValueError, SyntaxError, http.client.HTTPException) as error:
            raise RunFailed(f"no valid reply: {error}") from error
    if not constant and said.to != messages.sender(number, stock.followers):
        raise RunFailed("the reply is addressed to somebody else")
    return said


def _follow(server: servers.Server, mode: str, folder: Path) -> None:
    """Makes every sender a known follower, through the webhook itself."""
    path = folder / "subscribe.requests"
    messages.write(path, messages.subscribes(mode))
    outcome = load(path, server.port, 32, 0, 60)
    if not outcome.used_up or outcome.faults > outcome.empty_or_wrong:
        raise RunFailed(f"the followers could not be made known: {outcome}")


@dataclass(slots=True)
class Entry:
    """A contestant with its database, ready to run again and again."""

    contestant: Contestant
    folder: Path
    database: str
    words: str
    known: bool = False  # whether its senders are followers by now

    def run(self, mode: str, connections: int, warm_up_s: float, seconds: float, stock: Stock) -> Run:
        """One measured run; raises RunFailed."""
        who = self.contestant
        stage = Stage(mode, servers.free_port(), self.database, self.folder, self.words)
        requests = stock.path(mode)
        environment = who.environment(stage)
        if who.before and not self.known:
            subprocess.run(
                who.before(stage), cwd=who.cwd, env=os.environ | environment, check=True, timeout=START_S
            )
        log = self.folder / "server.log"
        with servers.running(who.command(stage), stage.port, log, who.cwd, environment) as server:
            said = _probe(server, mode, who.role == "constant", stock)
            if not self.known and who.store in ("sqlite", "postgresql"):
                _follow(server, mode, self.folder)
            self.known = True
            before, cpu = self._stored(), servers.cpu_s(server.process.pid)
            try:
                outcome = load(requests, server.port, connections, warm_up_s, seconds)
            except LoadFailed as why:
                raise RunFailed(str(why)) from why
            used = servers.cpu_s(server.process.pid) - cpu
            pss = servers.pss_mb(server.process.pid)
        lost = max(0, outcome.right - (self._stored() - before)) if before >= 0 else 0
        return Run(
            who.name, mode, connections, outcome, pss, used * 1e6 / max(1, outcome.answered), said.size, lost
        )

    def _stored(self) -> int:
        return databases.stored(self.database) if self.contestant.store in ("sqlite", "postgresql") else -1
