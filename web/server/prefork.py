"""The production server: gunicorn's processes, with a worker that carries everything inside one event loop.

gunicorn supervises, restarts and stops; uvloop turns; what a connection does stands in `protocol.py`. On SQLite one more
worker listens to no client: it writes into the database for the others (`models/recording/writer.py`). SIGTERM ends the
server after what is under way; SIGHUP replaces the workers one for one without losing a request (the same program and
config: a new release or a new config file is a restart).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import os
import resource
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvloop
from gunicorn.app.base import BaseApplication
from gunicorn.sock import TCP6Socket, TCPSocket
from gunicorn.workers.base import Worker

from models import recording
from web.server.limits import TICK_S, ClientLimits, PathLimits
from web.server.protocol import HttpProtocol
from web.server.web_process import WebProcess
from web.server.wsgi import Application
from web.webhook import Webhook

BACKLOG = 2048
OPEN_FILES = 65_536
SPARE_FILES = 200  # for the database, the logs and the threads
TAKEN_S = 2  # the server before us may need a moment to leave
WRITER = -1  # in place of the number of a listening socket


class LoopWorker(Worker):  # type: ignore[misc]
    """A gunicorn worker around one event loop, or SQLite's writer. gunicorn restarts it when it dies or falls silent."""

    def init_signals(self) -> None:
        for each in self.SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)
        for each in (signal.SIGINT, signal.SIGWINCH, signal.SIGUSR1, signal.SIGHUP):
            signal.signal(
                each, signal.SIG_IGN
            )  # a terminal sends them to the whole group; the arbiter tells us its way

    _ticked = 0.0
    _orphan = False

    def run(self) -> None:
        if self.slot == WRITER:
            _call_myself("gonghui-writer")
            self._write()
        else:
            _call_myself("gonghui-web")
            uvloop.run(self._serve())

    def _write(self) -> None:
        for listener in self.sockets:
            listener.close()
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGQUIT, self.handle_exit)
        webhook = self.app.webhook
        fcntl.lockf(self.app.writers, fcntl.LOCK_SH)
        work = recording.Writer(self.app.writer, webhook.store, webhook)
        work.run(self._tick, self.app.limits.grace_s + 1, self._is_replaced)

    def _tick(self) -> bool:
        now = time.monotonic()
        if now - self._ticked > TICK_S:
            self._ticked = now
            self.notify()
            self._orphan = os.getppid() != self.ppid
        return bool(self.alive) and not self._orphan

    def _is_replaced(self) -> bool:
        """Whether there is another writer to whom ours may turn; else we stay as long as they do."""
        fcntl.lockf(self.app.writers, fcntl.LOCK_UN)
        try:
            fcntl.lockf(self.app.writers, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.lockf(self.app.writers, fcntl.LOCK_UN)
        return False

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
        writer = self.app.writer and self.app.writer.getsockname()
        app = self.app
        process = WebProcess(self.wsgi, app.webhook, loop, app.limits, room, writer, app.paths, app.pulse)
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGQUIT):
            loop.add_signal_handler(each, stop.set)
        await process.committer.open()
        listener = self._own_socket()
        server = await loop.create_server(lambda: HttpProtocol(process), sock=listener, backlog=BACKLOG)
        while not stop.is_set() and os.getppid() == self.ppid:
            self.notify()
            process.tick()
            try:
                await asyncio.wait_for(stop.wait(), TICK_S)
            except TimeoutError:
                continue
        await self._leave(process, server)

    def _own_socket(self) -> socket.socket:
        """Each worker has a listening socket of its own, so that the kernel spreads connections evenly: with a shared one
        the first to wake takes them all. The arbiter keeps every socket open: who waits in the queue of a worker that died
        is taken on by the one in its place."""
        for number, listener in enumerate(self.sockets):
            if number != self.slot:
                listener.close()  # else it would stay open, with nobody to answer, until we end
        own: socket.socket = self.sockets[self.slot].sock
        own.setblocking(False)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return own

    async def _leave(self, process: WebProcess, server: asyncio.Server) -> None:
        """Take no new connection, answer what is here, say goodbye on each; who is silent is hung up on."""
        process.closing = True
        server.close()
        begun = time.monotonic()
        while (
            process.clients or not process.commits.idle
        ) and time.monotonic() - begun < process.limits.grace_s:
            self.notify()
            process.tick()
            if time.monotonic() - begun > process.limits.quiet_s:
                for client in list(process.clients):
                    if not client.busy:
                        client.close()
            await asyncio.sleep(0.02)
        await process.close()


def _call_myself(name: str) -> None:
    """What `top` and `ps -o comm` show."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def listen(bind: str, count: int) -> list[socket.socket]:
    """So many listening sockets at one address, among which the kernel spreads connections; none when systemd, or the
    server before us, hands us its own.

    Raises OSError; when the address is another program's, after `TAKEN_S`.
    """
    if "GUNICORN_FD" in os.environ or os.environ.get("LISTEN_PID") == str(os.getpid()):
        return []
    host, _, port = bind.rpartition(":")
    family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    until = time.monotonic() + TAKEN_S
    while True:
        try:
            _listening(family, address, shared=False).close()  # is it ours alone?
            return [_listening(family, address, shared=True) for _ in range(count)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _listening(family: int, address: Any, *, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
        if shared:
            made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def give_slot(arbiter: Any, worker: Any) -> None:
    """gunicorn's hook before each fork: the number of the listening socket that the fewest workers have; one worker of a set
    has none, and writes. When a set is replaced, the oldest go: who is among the newest stays."""
    stay = sorted(arbiter.WORKERS.values(), key=lambda other: -other.age)[: arbiter.num_workers - 1]
    held = Counter(other.slot for other in stay)
    if arbiter.app.writer and not held[WRITER]:
        worker.slot = WRITER
    else:
        worker.slot = min(range(len(arbiter.LISTENERS)), key=lambda number: held[number])


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn around a WSGI application and its webhook, without gunicorn's command line. Under systemd's socket activation
    it takes the socket given."""

    def __init__(
        self,
        application: Application,
        webhook: Webhook,
        bind: str,
        processes: int,
        limits: ClientLimits | None = None,
        paths: Sequence[PathLimits] = (),
        pulse: Callable[[], object] = lambda: None,
    ) -> None:
        self.limits = limits or ClientLimits()
        self.paths, self.pulse = paths, pulse
        self.webhook = webhook
        self._application = application
        self._bind = bind
        self._processes = processes
        self._listeners: list[socket.socket] = []
        self.writer = recording.listen() if webhook.store.dialect == "sqlite" else None
        self.writers = os.memfd_create("gonghui-writers")  # locked by each writer that means to stay
        self._options = {
            "bind": [bind],
            "workers": processes + (self.writer is not None),
            "worker_class": LoopWorker,
            "on_starting": self._give_sockets,
            "pre_fork": give_slot,
            "preload_app": True,  # one set of pages for all processes
            "timeout": 30,
            "graceful_timeout": int(self.limits.grace_s) + 2,
            "backlog": BACKLOG,
            "loglevel": "warning",
            "proc_name": "gonghui",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Application:
        return self._application

    def run(self) -> None:
        """Serves until told to stop, and ends the program: code 0, or 1 with words when the address cannot be had."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        try:
            self._listeners = listen(self._bind, self._processes)
        except OSError as error:
            print(_words(self._bind, error), file=sys.stderr)
            raise SystemExit(1) from None
        gc.collect()
        gc.freeze()  # what stays for ever is not looked through: a look writes into each object, and takes it from the shared pages
        super().run()

    def _give_sockets(self, arbiter: Any) -> None:
        # gunicorn's SIGUSR2 starts a second server beside this one, of which nobody knows and which nobody ends.
        arbiter.handle_usr2 = lambda: arbiter.log.warning("SIGUSR2 starts no second server")
        for listener in self._listeners:
            kind = TCP6Socket if listener.family == socket.AF_INET6 else TCPSocket
            name = listener.getsockname()
            arbiter.LISTENERS.append(kind(name, arbiter.cfg, arbiter.log, fd=listener.detach()))


def _words(bind: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"地址 {bind} 已经被别的程序占用：请先停掉它，或者在配置文件里给 [server] bind 换一个端口。"
    return f"不能在 {bind} 上提供服务（{error.strerror}）：请检查配置文件里的 [server] bind。"
