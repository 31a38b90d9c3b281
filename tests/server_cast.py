"""The production server as a process of its own, and those who talk to it through real sockets.

As a program, this file serves as `app.py serve` does, with shorter limits and with pages that are slow or broken:
`python server_cast.py CONFIG LIMITS`, LIMITS in JSON. `python server_cast.py push URL` is a push worker beside it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

import quick_start
from quick_start import Process

ROOT = Path(__file__).parent.parent
TOKEN = "tokenOfTheServersTests"
ACCOUNT = "gh_97417a04a28d"  # to which the casts write
LEAVE_S = 15
NUMBERS = itertools.count(1)  # of streams: no two write the same message
HAND_OVER = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])"""
CONFIG = """
[account]
name = "测试工会"
kind = "service"
verified = true
original_id = "{account}"
app_id = "wx0123456789abcdef"
app_secret = "0123456789abcdef0123456789abcdef"
token = "{token}"
encoding_aes_key = ""
mode = "plain"

[database]
url = "{url}"

[server]
bind = "127.0.0.1:{port}"
processes = {processes}
"""


# --- the server --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Started:
    """A running server: the process that was started, its port on 127.0.0.1, its database, and where it writes."""

    process: Process | subprocess.Popen[bytes]
    port: int
    url: str
    log: Path

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers that live and have clients, oldest first."""
        return self._children("gonghui-web")

    @property
    def writer(self) -> int:
        """The process id of SQLite's writer, 0 for none."""
        return next(iter(self._children("gonghui-writer")), 0)

    def _children(self, name: str) -> list[int]:
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(each) for each in found if _alive(int(each)) and _called(int(each)) == name]

    @property
    def said(self) -> str:
        """Everything in the log."""
        return self.log.read_text("utf-8", "replace")

    def rss_mb(self) -> float:
        """Resident memory of all workers, in MB."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.workers)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def hang_up(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the master."""
        self.process.send_signal(number)

    def left(self, within_s: float = LEAVE_S) -> int:
        """Wait until it has ended; the exit code."""
        return self.process.wait(within_s)

    def kill_all(self) -> None:
        """The whole process group, at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)  # it began a session of its own
        self.process.wait(LEAVE_S)


def _called(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def write_config(folder: Path, url: str, port: int, processes: int, campaigns: str = "") -> Path:
    path = folder / "config.toml"
    text = CONFIG.format(account=ACCOUNT, token=TOKEN, url=url, port=port, processes=processes)
    path.write_text(text + campaigns, "utf-8")
    path.chmod(0o600)
    return path


def start(
    folder: Path,
    url: str,
    port: int,
    *,
    processes: int = 2,
    limits: dict[str, float] | None = None,
    sockets: socket.socket | None = None,
    wrap: tuple[str, ...] = (),
    campaigns: str = "",
) -> Started:
    """Starts the server and waits until it answers. With `limits` it is this file's own; with `sockets` it takes over that
    listening socket as systemd hands one over."""
    config = str(write_config(folder, url, port, processes, campaigns))
    words = ["app.py", "serve", "--config", config]
    if limits is not None:
        words = [str(Path(__file__)), config, json.dumps(limits)]
    log = folder / f"server-{port}.log"
    with log.open("ab") as out:
        if sockets is not None or wrap:
            process: Process | subprocess.Popen[bytes] = _wrapped(
                [sys.executable, *words], out, sockets, wrap
            )
        else:
            process = quick_start.start(words, ROOT, out, session=True)
    started = Started(process, port, url, log)
    try:
        wait_for(lambda: _answers(started, processes), 30, lambda: started.said)
    except BaseException:
        end(started)
        raise
    return started


def _wrapped(
    words: list[str], out: IO[bytes], sockets: socket.socket | None, wrap: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    handed: dict[str, Any] = {}
    if sockets is not None:
        number = sockets.fileno()
        words = [sys.executable, "-c", HAND_OVER, str(number), *words]
        handed = {"pass_fds": (number,)}
    return subprocess.Popen(
        [*wrap, *words],
        cwd=ROOT,
        stdout=out,
        stderr=out,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        **handed,
    )


def _answers(server: Started, processes: int) -> bool:
    assert server.process.poll() is None, server.said
    try:
        return get(server.port, "/healthz", 2).status == 200 and len(server.workers) >= processes
    except (OSError, Ended):
        return False


def end(server: Started) -> None:
    """Make sure that it has ended, it and its workers: the process group is its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait(LEAVE_S)


@contextlib.contextmanager
def serving(folder: Path, url: str, port: int, **more: Any) -> Iterator[Started]:
    """A server while the block runs."""
    folder.mkdir(exist_ok=True)
    server = start(folder, url, port, **more)
    try:
        yield server
    finally:
        end(server)


def wait_for(is_so: Callable[[], bool], within_s: float, or_say: Callable[[], str] = lambda: "") -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, or_say()
        time.sleep(0.02)


# --- a client ----------------------------------------------------------------------------------------------------


class Ended(Exception):
    """The server hung up before an answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


class Client:
    """One connection, on which anything may be sent."""

    def __init__(self, port: int, timeout: float = 20) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, raw: bytes) -> Client:
        self.socket.sendall(raw)
        return self

    def ask(self, raw: bytes, method: str = "") -> Answer:
        self.send(raw)
        return self.answer(method or raw[:8].partition(b" ")[0].decode("latin-1"))

    def answer(self, method: str = "GET") -> Answer:
        """The next answer. Raises Ended when there is none."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        size = 0 if method == "HEAD" or status in (100, 204, 304) else int(headers["content-length"])
        while len(self._rest) < size:
            self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        return Answer(status, headers, body)

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Ended from error
        if not data:
            raise Ended
        self._rest += data

    def ended(self, within_s: float) -> bool:
        """Whether the server hangs up in that time, having said nothing more."""
        self.socket.settimeout(within_s)
        try:
            return not self._rest and self.socket.recv(1) == b""
        except ConnectionError:
            return not self._rest
        except TimeoutError:
            return False


def request(method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    """A request as a well-behaved client writes it."""
    own = [f"{method} {target} HTTP/1.1", "Host: union.example", *headers]
    if body or method in ("POST", "PUT"):
        own.append(f"Content-Length: {len(body)}")
    return "\r\n".join(own).encode("latin-1") + b"\r\n\r\n" + body


def get(port: int, target: str, timeout: float = 20) -> Answer:
    with Client(port, timeout) as client:
        return client.ask(request("GET", target, b"", "Connection: close"))


# --- WeChat ------------------------------------------------------------------------------------------------------


def message(number: int, words: str = "入会", openid: str = "") -> tuple[str, bytes]:
    """Target and body of a signed text message; each number is another message."""
    from webhook_cast import signed, text

    now = datetime.now(UTC)
    query = urlencode(signed(now, token=TOKEN))
    return f"/wx?{query}", text(words, number, openid=openid or f"oServer{number % 50:04d}", at=now)


def post(number: int, *headers: str, words: str = "入会", openid: str = "") -> bytes:
    """A signed message as a request."""
    target, body = message(number, words, openid)
    return request("POST", target, body, *headers)


def stored(url: str) -> list[str]:
    """The MsgIds of all messages in the database."""
    import sqlalchemy as sa

    from models.base import Store
    from models.interaction import interactions

    with contextlib.closing(Store(url)) as store, store.reading() as connection:
        return [found or "" for found in connection.execute(sa.select(interactions.c.msg_id)).scalars()]


@dataclass(slots=True)
class Stream:
    """Messages one after the other, from a thread, until told to stop. What went wrong is kept, not raised."""

    port: int
    first: int
    keeps: bool = True  # the connection; else a fresh one for each message
    pause_s: float = 0.0
    target: str = ""  # a page to look at instead
    answered: list[int] = field(default_factory=list)  # the numbers of the messages that got 200
    refused: list[int] = field(default_factory=list)  # other statuses
    broken: list[str] = field(default_factory=list)
    took: list[float] = field(default_factory=list)  # seconds
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: Any = None

    def __enter__(self) -> Stream:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        number, client = self.first, None
        while not self._stop.is_set():
            raw = request("GET", self.target) if self.target else post(number)
            begun = time.monotonic()
            try:
                client = client or Client(self.port)
                answer = client.ask(raw)
            except (Ended, OSError) as error:
                self.broken.append(type(error).__name__)
                client = self._left(client)
                time.sleep(0.02)
            else:
                self.took.append(time.monotonic() - begun)
                (self.answered if answer.status == 200 else self.refused).append(
                    number if answer.status == 200 else answer.status
                )
                if answer.closes or not self.keeps:
                    client = self._left(client)
            number += 1
            self._stop.wait(self.pause_s)
        self._left(client)

    @staticmethod
    def _left(client: Client | None) -> None:
        if client is not None:
            client.socket.close()


@contextlib.contextmanager
def streams(port: int, count: int, **more: Any) -> Iterator[list[Stream]]:
    """Several at once, each with messages of its own."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Stream(port, 1_000_000 * next(NUMBERS), **more)) for _ in range(count)]


def flowing(*writers: Stream, more: int = 20) -> None:
    """Wait until each of them has got so many more answers, good or bad."""
    before = [len(writer.took) for writer in writers]
    wait_for(lambda: all(len(w.took) >= n + more for w, n in zip(writers, before, strict=True)), 30)


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


# --- the line to the database ------------------------------------------------------------------------------------


class Line:
    """The network between the server and its database: it can be cut, and it can fall silent."""

    def __init__(self, far_port: int) -> None:
        self._far_port = far_port
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._listen()

    def cut(self) -> None:
        """Every conversation is broken off, and nobody answers any more."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._break_off()

    def mute(self) -> None:
        """Nothing passes; nobody is told."""
        self._open.clear()

    def restore(self) -> None:
        self._open.set()
        if self._door.fileno() < 0:
            self._door = socket.create_server(("127.0.0.1", self.port))
            self._listen()

    def close(self) -> None:
        self._open.set()
        self.cut()

    def _break_off(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _listen(self) -> None:
        threading.Thread(target=self._take, args=(self._door,), daemon=True).start()

    def _take(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
                far = socket.create_connection(("127.0.0.1", self._far_port))
            except OSError:
                return
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._open.wait()
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


# --- the program -------------------------------------------------------------------------------------------------


def main(config: str, limits: dict[str, Any]) -> None:
    """Serves as `app.py serve` does, with these limits, with /test/slow and with /test/broken."""
    sys.path.insert(0, str(ROOT))
    import logging

    from flask import request

    import app
    from commands.start import prepare
    from web.server import ClientLimits, Server

    logging.basicConfig(level=logging.WARNING)
    built = app.Built(Path(config), os.environ)
    prepare(built)
    pages = built.pages

    @pages.route("/test/slow")
    def slow() -> str:
        time.sleep(float(request.args["s"]))
        return "slow"

    @pages.route("/test/broken")
    def broken() -> str:
        raise RuntimeError(request.args["secret"])

    @pages.route("/test/echo", methods=["GET", "POST"])
    def echo() -> dict[str, str]:
        return {
            "path": request.path,
            "query": request.query_string.decode(),
            "body": request.get_data(as_text=True),
        } | {f"header-{name.lower()}": value for name, value in request.headers}

    @pages.route("/test/large")
    def large() -> bytes:
        return b"x" * 900_000

    serving = built.config.server
    Server(pages, built.webhook, serving.bind, serving.processes, ClientLimits(**limits)).run()


def push(url: str) -> int:
    """A push to everyone, planned and sent by the real worker as fast as WeChat allows at most; how many were sent."""
    sys.path.insert(0, str(ROOT))
    from spring_cast import campaign

    from channels import SendLimits
    from channels.template import Template
    from jobs.audience import Audience
    from jobs.pace import Pace
    from jobs.push import Sender, plan_of
    from models import delivery
    from models.base import Store
    from models.push import owe
    from models.shared import Shared
    from wx.account import Account

    class AtOnce(Template):
        """A way out that takes no time, so that the database has the most to do."""

        def __init__(self) -> None:
            pass

        def send(self, parcel: Any) -> str:
            return "1"

    def now() -> datetime:
        return datetime.now(UTC)

    with contextlib.closing(Store(url)) as store:
        limits, account = SendLimits(sends_per_s=1000), Account(live=True)
        audience: Any = Audience(store, None, account, ROOT)  # type: ignore[arg-type]  # nobody is asked of WeChat
        sender = Sender(
            store, Pace(Shared(store, ""), limits), account, {"template": AtOnce()}, audience, limits, now
        )
        with store.writing() as connection:
            number = owe(connection, plan_of(campaign().pushes[0]), now(), now())
        assert number is not None
        sender.plan()
        while True:
            time.sleep(min(sender.send(), 0.1))
            with store.reading() as connection:
                books = delivery.books(connection, number)
            if not books.open:
                sender.close()
                return books.sent


if __name__ == "__main__":
    if sys.argv[1] == "push":
        print(push(sys.argv[2]))
    else:
        main(sys.argv[1], json.loads(sys.argv[2]))
