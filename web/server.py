"""The production server: gunicorn's processes, with a worker that carries /wx inside one event loop.

gunicorn supervises, binds, restarts and stops; httptools parses HTTP; uvloop turns. A POST to /wx goes straight to the
webhook and its shared transaction; every other request is an ordinary WSGI call of the Flask application in a thread.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import httptools
import uvloop
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from models.interaction import Arrival
from models.loop import LoopStore
from web.group import Group
from web.webhook import ANSWER_S, MAX_BODY, Webhook, media_type

MAX_PAGE_BODY = 1024 * 1024
MAX_HEADERS = 16 * 1024
RECEIVE_S = 10  # for a request to arrive whole
IDLE_S = 75  # for a kept connection without one; nginx keeps its own for 60
GRACE_S = 10
THREADS = 8
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Site(Protocol):
    """What the worker serves: a WSGI application that carries its webhook."""

    webhook: Webhook

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...


class Request:
    """One request as it comes in."""

    __slots__ = ("body", "chunks", "headers", "keep", "method", "path", "query", "size")

    def __init__(self) -> None:
        self.method = b""
        self.path = b""
        self.query = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.size = 0
        self.keep = True
        self.body = b""


class House:
    """What the connections of one process share."""

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self.site = site
        self.webhook = site.webhook
        self.loop = loop
        self.store = LoopStore(self.webhook.store)
        self.group = Group(
            self.store, self.webhook.recorder, self.webhook.handle, self.webhook.sorry, ANSWER_S
        )
        self.pages = ThreadPoolExecutor(THREADS, thread_name_prefix="page")
        self.connections: set[Connection] = set()
        self.closing = False
        self.date = b""
        self.now = 0.0
        self.tick()

    def tick(self) -> None:
        """Once a quarter second: the Date header, the time limits."""
        self.date = b"Date: " + formatdate(usegmt=True).encode() + b"\r\n"
        self.now = time.monotonic()
        self.group.expire()
        for connection in list(self.connections):
            connection.check(self.now)


class Connection(asyncio.Protocol):
    """One client's connection: requests in, answers out, in order."""

    __slots__ = ("_answering", "_house", "_parser", "_queue", "_request", "_since", "_transport")

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: Any = None
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None  # the one that is arriving
        self._queue: deque[Request] = deque()  # whole ones that wait for the answer before theirs
        self._answering: Request | None = None
        self._since = house.now

    # asyncio's side

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._house.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._house.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse(HTTPStatus.BAD_REQUEST)
        except httptools.HttpParserError:
            if self._transport is not None and not self._transport.is_closing():
                self._refuse(HTTPStatus.BAD_REQUEST)

    # httptools' side

    def on_message_begin(self) -> None:
        self._request = Request()
        self._since = self._house.now

    def on_url(self, url: bytes) -> None:
        request = self._request
        if request is None:
            return
        request.path += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._request is not None:
            self._request.headers.append((name, value))
            self._grow(len(name) + len(value))

    def on_headers_complete(self) -> None:
        request = self._request
        if request is None:
            return
        request.method = self._parser.get_method()
        request.path, _, request.query = request.path.partition(b"?")
        request.size = 0
        for name, value in request.headers:
            lower = name.lower()
            if lower == b"content-length" and value.isdigit() and int(value) > self._cap(request):
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            elif lower == b"expect" and self._transport is not None:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        request = self._request
        if request is None:
            return
        request.size += len(chunk)
        if request.size > self._cap(request):
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        request.chunks.append(chunk)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None:
            return
        self._request = None
        request.keep = self._parser.should_keep_alive()
        chunks = request.chunks
        request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self._answering is None:
            self._answer(request)
        else:
            self._queue.append(request)
            self._transport.pause_reading()  # a client that pipelines waits its turn

    # ours

    def check(self, now: float) -> None:
        """Close what has been silent for too long."""
        if self._answering is not None:
            return
        if self._request is not None and now - self._since > RECEIVE_S:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._request is None and now - self._since > IDLE_S:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def busy(self) -> bool:
        return self._answering is not None or self._request is not None

    @staticmethod
    def _cap(request: Request) -> int:
        return MAX_BODY if request.path == b"/wx" else MAX_PAGE_BODY

    def _grow(self, size: int) -> None:
        request = self._request
        if request is not None:
            request.size += size
            if request.size > MAX_HEADERS:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and hang up: what follows on this connection cannot be trusted."""
        self._request = None
        if self._transport is None or self._transport.is_closing():
            return
        if self._answering is None:
            self._transport.write(
                b"HTTP/1.1 %d %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n"
                % (status, status.phrase.encode(), self._house.date)
            )
        self._transport.close()

    def _answer(self, request: Request) -> None:
        self._answering = request
        if request.method == b"POST" and request.path == b"/wx":
            self._answer_message(request)
        else:
            self._house.loop.create_task(self._answer_page(request))

    def _answer_message(self, request: Request) -> None:
        webhook = self._house.webhook
        arrived = webhook.arrive(request.query.decode("latin-1"), request.body)
        if isinstance(arrived[0], int):
            self._send(request, *arrived)
            return
        opened, arrival = arrived
        assert isinstance(arrival, Arrival)

        def stored(xml: str | None) -> None:
            if self._transport is None:
                return  # the client has gone; what was stored answers its retry
            if xml is None:
                self._send(request, HTTPStatus.SERVICE_UNAVAILABLE, b"")
            else:
                self._send(request, HTTPStatus.OK, webhook.seal(opened, xml))

        self._house.group.submit(arrival, stored)

    def _send(self, request: Request, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d %s\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n" % (
            status,
            PHRASES[status].encode(),
            self._house.date,
            media_type(body).encode(),
            len(body),
        )
        self._finish(request, head, body)

    async def _answer_page(self, request: Request) -> None:
        house = self._house
        head, body = await house.loop.run_in_executor(house.pages, self._call, request)
        if self._transport is not None:
            self._finish(request, head, body)

    def _call(self, request: Request) -> tuple[bytes, bytes]:
        """Head and body of a page, from the WSGI application."""
        status_line = ["500 Internal Server Error"]
        headers: list[tuple[str, str]] = []

        def start(status: str, given: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            status_line[0] = status
            headers[:] = given
            return lambda chunk: None

        result = self._house.site(self._environ(request), start)
        try:
            body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        lines = [f"HTTP/1.1 {status_line[0]}\r\n".encode("latin-1"), self._house.date]
        lines += [
            f"{name}: {value}\r\n".encode("latin-1")
            for name, value in headers
            if name.lower() not in ("content-length", "connection", "date", "transfer-encoding")
        ]
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(body)))
        bodyless = request.method == b"HEAD" or status_line[0][:3] in ("204", "304")
        if not status_line[0].startswith(("204", "304")):
            lines.append(f"Content-Length: {length if bodyless else len(body)}\r\n".encode())
        return b"".join(lines), b"" if bodyless else body

    def _environ(self, request: Request) -> dict[str, Any]:
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        here = self._transport.get_extra_info("sockname") if self._transport is not None else None
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method.decode("latin-1"),
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "QUERY_STRING": request.query.decode("latin-1"),
            "SERVER_NAME": str(here[0]) if isinstance(here, tuple) else "localhost",
            "SERVER_PORT": str(here[1]) if isinstance(here, tuple) else "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": str(peer[0]) if isinstance(peer, tuple) else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(request.body)),
        }
        for raw, value in request.headers:
            name = raw.decode("latin-1").upper().replace("-", "_")
            if name == "CONTENT_TYPE":
                environ[name] = value.decode("latin-1")
            elif name != "CONTENT_LENGTH" and b"_" not in raw:  # an underscore would pose as a dash
                key, text = f"HTTP_{name}", value.decode("latin-1")
                environ[key] = f"{environ[key]},{text}" if key in environ else text
        return environ

    def _finish(self, request: Request, head: bytes, body: bytes) -> None:
        keep = request.keep and not self._house.closing
        self._transport.write(head + (b"\r\n" if keep else b"Connection: close\r\n\r\n") + body)
        self._answering = None
        self._since = self._house.now
        if not keep:
            self._transport.close()
        elif self._queue:
            self._answer(self._queue.popleft())
            if not self._queue:
                self._transport.resume_reading()


class LoopWorker(Worker):  # type: ignore[misc]
    """A gunicorn worker around one event loop. gunicorn restarts it when it dies or falls silent."""

    def init_signals(self) -> None:
        for each in self.SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C reaches the whole group; the arbiter tells us in its way
        signal.signal(signal.SIGWINCH, signal.SIG_IGN)

    def run(self) -> None:
        uvloop.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        house = House(self.wsgi, loop)
        stop = asyncio.Event()
        for each in (signal.SIGTERM, signal.SIGQUIT):
            loop.add_signal_handler(each, stop.set)
        servers = []
        for listener in self._own_sockets():
            sock = listener.sock
            sock.setblocking(False)
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            servers.append(await loop.create_server(lambda: Connection(house), sock=sock, backlog=2048))
        while not stop.is_set() and os.getppid() == self.ppid:
            self.notify()
            house.tick()
            try:
                await asyncio.wait_for(stop.wait(), 0.25)
            except TimeoutError:
                continue
        await self._stop(house, servers)

    def _own_sockets(self) -> list[Any]:
        """Each worker has a listening socket of its own, so that the kernel spreads connections evenly: with a shared one
        the first to wake takes them all. The arbiter keeps every socket open, so nothing in a queue is lost when a worker dies."""
        listeners = list(self.sockets)
        slot = getattr(self, "slot", None)
        return listeners if slot is None or slot >= len(listeners) else [listeners[slot]]

    async def _stop(self, house: House, servers: list[asyncio.Server]) -> None:
        """Take no new connection, answer what is here, say goodbye on each; who is silent for a second is hung up on."""
        house.closing = True
        for server in servers:
            server.close()
        begun = time.monotonic()
        while house.connections and time.monotonic() - begun < GRACE_S:
            self.notify()
            house.tick()
            if time.monotonic() - begun > 1:
                for connection in list(house.connections):
                    if not connection.busy:
                        connection.close()
            await asyncio.sleep(0.02)
        for connection in list(house.connections):
            connection.close()
        house.pages.shutdown(wait=False, cancel_futures=True)
        await house.store.close()


def give_slot(arbiter: Any, worker: Any) -> None:
    """gunicorn's hook before each fork: the number of the listening socket that no living worker has."""
    taken = {getattr(other, "slot", None) for other in arbiter.WORKERS.values()}
    count = len(arbiter.LISTENERS)
    worker.slot = (
        next((number for number in range(count) if number not in taken), None) if count > 1 else None
    )


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn around a site, without its command line."""

    def __init__(self, site: Site, bind: str, processes: int) -> None:
        self._site = site
        self._options = {
            "bind": [bind] * (1 if bind.startswith("unix:") else processes),
            "reuse_port": not bind.startswith("unix:"),
            "pre_fork": give_slot,
            "workers": processes,
            "worker_class": LoopWorker,
            "preload_app": True,  # one set of pages for all processes
            "timeout": 30,
            "graceful_timeout": GRACE_S + 2,
            "backlog": 2048,
            "loglevel": "warning",
            "proc_name": "gonghui",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Site:
        return self._site


class Carried:
    """A Flask application with its webhook, as the worker wants it."""

    def __init__(self, application: Callable[..., Iterable[bytes]], webhook: Webhook) -> None:
        self.webhook = webhook
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._application(environ, start_response)
