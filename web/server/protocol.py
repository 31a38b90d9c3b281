"""One client's connection: requests in, answers out, in order. httptools parses; here stands what a client may do.

A POST to /wx goes straight to the webhook and its shared transaction; every other request is an ordinary WSGI call in a
thread. Whoever sends what is no request, or too slowly, or too much, gets a plain status and is hung up on: nothing that
follows on such a connection is believed.
"""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections import deque
from http import HTTPStatus
from typing import Any

import httptools

from models.base import traced
from web.server.http_request import HttpRequest
from web.server.spool import SPOOL_AT, Spool
from web.server.stream import Stream
from web.server.web_process import STATUS_LINES, WebProcess, opening
from web.server.wsgi import WsgiCall, answer
from web.webhook import MAX_BODY

log = logging.getLogger(__name__)
MAX_HEAD = 16 * 1024
AT_ONCE = b"/healthz"  # asks for nothing but this loop, so it must not wait for a thread
JUDGED = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"))
ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class StopParsing(Exception):
    """Raised into the parser; the protocol knows why."""


class HttpProtocol(asyncio.Protocol):
    """Parses what comes, answers it in order, keeps to the limits."""

    __slots__ = (
        "_answering",
        "_choked",
        "_deaf",
        "_ended",
        "_half",
        "_headers",
        "_keep",
        "_long",
        "_opened",
        "_parser",
        "_paused",
        "_process",
        "_queue",
        "_refusal",
        "_request",
        "_since",
        "_spool",
        "_stream",
        "_transport",
        "_waiting",
    )  # fmt: skip

    def __init__(self, process: WebProcess) -> None:
        self._process = process
        self._transport: Any = None
        self._parser = httptools.HttpRequestParser(self)
        self._request: HttpRequest | None = None  # the one that is arriving
        self._headers: list[tuple[bytes, bytes]] = []  # its own
        self._long = False  # more than one short read brings it
        self._queue: deque[HttpRequest] = deque()  # whole ones that wait for the answer before theirs
        self._answering = False
        self._keep = False  # the connection, when what is being answered is answered
        self._opened: Any = None  # the envelope of the message that is being answered
        self._spool: Spool | None = None  # the large body that is arriving or being answered, one at a time
        self._waiting: HttpRequest | None = None  # being answered as soon as its body is in the file
        self._stream: Stream | None = None  # the long answer that is being sent
        self._refusal: HTTPStatus | None = None  # to be said after the answers that are due
        self._deaf = False  # nothing more is read from this client
        self._ended = False  # our last word is said
        self._half = False  # the client has said its last
        self._choked = False  # the client does not take what we have written
        self._paused = False
        self._since = process.now

    # --- asyncio's side

    def connection_made(self, transport: Any) -> None:
        process = self._process
        self._transport = transport
        if len(process.clients) >= process.room:
            process.turned_away += 1
            transport.abort()
            return
        process.clients.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._process.clients.discard(self)
        self._transport = None
        self._deaf = self._ended = True
        self._queue.clear()
        if self._stream is not None:
            self._stream.abandon()
        if not self._answering or self._waiting is not None:
            self._drop_spool()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        arriving = self._request
        self._long = arriving is not None or len(data) > MAX_HEAD
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._queue.pop()  # it asks for another protocol, and what follows is in that
            self._refuse(HTTPStatus.BAD_REQUEST)
        except httptools.HttpParserError:
            if not self._deaf:
                self._refuse(HTTPStatus.BAD_REQUEST)
        if self._queue and not self._answering and not self._choked:
            self._answer(self._queue.popleft())
        if self._queue or self._deaf:
            self._proceed()
        if self._request is not None:
            self._go_on_with(arriving, len(data))

    def eof_received(self) -> bool:
        """The client sends no more, but may wait for its answer."""
        self._half = True
        if self._ended:
            return False
        if self._request is not None:
            self._refuse(HTTPStatus.BAD_REQUEST)  # the rest will never come
        self._deaf = True
        due = self._answering or bool(self._queue)
        if self._refusal is None and self._queue:
            self._queue[-1].keep = False
        elif self._refusal is None:
            self._keep = False
        self._proceed()
        return due or self._refusal is not None

    def pause_writing(self) -> None:
        self._choked = True
        self._pause()

    def resume_writing(self) -> None:
        self._choked = False
        if self._stream is not None:
            self._since = self._process.now
            self._stream.resume()
        self._proceed()

    # --- httptools' side

    def on_message_begin(self) -> None:
        if len(self._queue) >= self._process.limits.pipelined:
            self._queue[-1].keep = False  # what was asked too early is asked again, on another connection
            self._deaf = True
            raise StopParsing
        self._request = request = HttpRequest()
        request.headers = self._headers = []
        self._since = self._process.now

    def on_url(self, url: bytes) -> None:
        request = self._request
        assert request is not None
        request.url += url
        if self._long:
            self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        if self._long:
            self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        request = self._request
        assert request is not None
        url, parser = request.url, self._parser
        path, _, request.query = (url if url[:1] == b"/" else self._relative(url)).partition(b"?")
        request.path = path
        request.method = parser.get_method()
        if path == b"/wx":
            request.cap = cap = MAX_BODY
        else:
            request.limits = self._process.limits_of(path.decode("latin-1"))
            request.version = parser.get_http_version()
            request.cap = cap = request.limits.body_bytes
        request.fields = len(self._headers)
        request.keep = parser.should_keep_alive()
        hosts = 0
        for name, value in self._headers:
            name = name.lower()
            if name not in JUDGED:
                continue
            if name == b"host":
                hosts += 1
            elif name != b"content-length":
                self._judge(request, name, value)
            elif int(value) > cap:
                raise self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if hosts != 1 and (hosts or self._parser.get_http_version() != "1.0"):
            raise self._refuse(HTTPStatus.BAD_REQUEST)

    def on_body(self, chunk: bytes) -> None:
        request = self._request
        assert request is not None
        body = request.body
        if len(body) + len(chunk) > request.cap:
            raise self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not body:
            request.body = chunk
        elif isinstance(body, Spool):
            body.write(chunk)
        elif len(body) + len(chunk) > SPOOL_AT:
            request.body = self._spooled(body + chunk)
        elif isinstance(body, bytes):
            request.body = bytearray(body + chunk)
        else:
            body += chunk

    def on_message_complete(self) -> None:
        request = self._request
        assert request is not None
        self._queue.append(request)
        self._request = None
        if isinstance(request.body, Spool):
            request.body.end()

    def _spooled(self, begun: bytes | bytearray) -> Spool:
        """The large body that is arriving. One that comes before another is answered is not taken."""
        spool = None if self._spool is not None else self._process.spool(self._disk_went_on)
        if spool is None:
            raise self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        self._spool = spool
        spool.write(begun)
        return spool

    def _disk_went_on(self) -> None:
        """Some of the large body is in its file."""
        if self._transport is None:
            return
        if self._waiting is not None and self._spool is not None and self._spool.whole:
            waiting, self._waiting = self._waiting, None
            self._answer_page(waiting)
        self._proceed()

    def _drop_spool(self) -> None:
        if self._spool is not None:
            self._process.drop(self._spool)
            self._spool = None

    # --- how a request is judged

    def _arriving(self) -> HttpRequest:
        assert self._request is not None
        return self._request

    def _count(self, more: int) -> None:
        """The head that is arriving grows. What one short read brings is never too long, so nobody counts that."""
        request = self._arriving()
        request.head += more
        if request.head > MAX_HEAD:
            raise self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _relative(self, url: bytes) -> bytes:
        """GET http://host/path is the same as GET /path (RFC 9112, 3.2.2)."""
        found = ABSOLUTE.match(url)
        if found is None:
            raise self._refuse(HTTPStatus.BAD_REQUEST)
        rest = url[found.end() :]
        return rest if rest.startswith(b"/") else b"/" + rest

    def _judge(self, request: HttpRequest, name: bytes, value: bytes) -> None:
        """The headers on which the reading of this connection depends. Two readings of one request are an attack."""
        if name == b"transfer-encoding":
            if value.lower() != b"chunked" or self._parser.get_http_version() != "1.1":
                raise self._refuse(HTTPStatus.BAD_REQUEST)
        elif name == b"connection":
            request.keep = request.keep and self._parser.get_http_version() == "1.1"
        elif value.lower() == b"100-continue":
            request.expects = self._parser.get_http_version() == "1.1"
        else:
            raise self._refuse(HTTPStatus.EXPECTATION_FAILED)

    def _go_on_with(self, before: HttpRequest | None, count: int) -> None:
        """A request is still arriving: bounded also in what the parser keeps to itself (a long header, the frames of chunks)."""
        request = self._arriving()
        if request is before:
            request.raw += count
            if request.raw > MAX_HEAD + 2 * request.cap:
                too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                self._refuse(too_large if request.method else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                self._proceed()
                return
        else:
            request.head = len(request.url) + sum(
                len(name) + len(value) + 4 for name, value in request.headers
            )
        if request.expects and not self._answering:
            request.expects = False
            self._transport.write(CONTINUE)
        if isinstance(request.body, Spool) and request.body.behind:
            self._pause()

    def _refuse(self, status: HTTPStatus) -> StopParsing:
        """Say so after the answers that are due, and hang up."""
        if self._request is not None and isinstance(self._request.body, Spool):
            self._drop_spool()
        self._request = None
        self._refusal = status
        self._deaf = True
        return StopParsing()

    # --- how it is answered

    def _proceed(self) -> None:
        """Answer what waits, one after the other; then say what was wrong with the rest."""
        while not self._answering and not self._choked and not self._ended:
            if self._queue:
                self._answer(self._queue.popleft())
            elif self._refusal is not None:
                head = STATUS_LINES[self._refusal] + self._process.date
                self._transport.write(head + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                self._end()
            else:
                break
        if self._queue or self._choked:
            self._pause()
        elif self._paused and not self._ended and not self._half and not self._is_behind():
            self._paused = False
            self._transport.resume_reading()
        if self._request is not None and not self._answering:
            self._go_on_with(None, 0)

    def _is_behind(self) -> bool:
        """Whether the disk has not yet taken what has arrived."""
        return self._spool is not None and self._spool.behind

    def _answer(self, request: HttpRequest) -> None:
        self._answering, self._keep = True, request.keep
        if request.method == b"POST" and request.path == b"/wx":
            self._answer_message(request.query, bytes(request.body))  # type: ignore[arg-type]  # it is never so large
        else:
            self._answer_page(request)

    def _answer_message(self, query: bytes, body: bytes) -> None:
        process = self._process
        try:
            arrived = process.webhook.arrive(query.decode("latin-1"), body, process.moment())
            if isinstance(arrived[0], int):
                self._send(*arrived)
                return
            self._opened, arrival = arrived
            process.commits.submit(arrival, self._stored)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not leave a client without an answer
            self._fail(error)

    def _stored(self, xml: str | None) -> None:
        """The message that is being answered is in the database, or (None) it could not be brought there."""
        opened, self._opened = self._opened, None
        if self._transport is None:
            return  # the client has gone; what was stored answers its retry
        try:
            if xml is None:
                self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"")
            else:
                self._send(200, self._process.webhook.seal(opened, xml))
        except Exception as error:  # noqa: BLE001
            self._fail(error)
        if self._queue or self._deaf or self._request is not None:
            self._proceed()

    def _send(self, status: int, body: bytes) -> None:
        process = self._process
        begun = process.xml if status == 200 and body[:4] == b"<xml" else opening(status, process.date, body)
        self._finish(begun, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def _answer_page(self, request: HttpRequest) -> None:
        process, body = self._process, request.body
        headers = request.headers[: request.fields]
        between = [self._transport.get_extra_info(name) for name in ("peername", "sockname")]
        try:
            if isinstance(body, Spool):
                if not body.whole:
                    self._waiting = request
                    return
                if body.failed:
                    raise OSError("a large body is not in its file")
                body.file.seek(0)
            read = body.file if isinstance(body, Spool) else io.BytesIO(body)
            call = WsgiCall(request.method, request.path, request.query, headers, read, len(body), *between)
            if request.path == AT_ONCE:
                short = answer(process.application, call, process.date)
                assert short is not None
                self._finish(short[0], b"\r\n" + short[1])
                return
            threads = process.exports if request.limits.export else process.pages
            self._stream = stream = Stream(self, chunks=request.version == "1.1")
            process.loop.run_in_executor(
                threads, answer, process.application, call, process.date, stream
            ).add_done_callback(self._answered)
        except Exception as error:  # noqa: BLE001
            self._drop_spool()
            self._fail(error)

    def _answered(self, future: asyncio.Future[tuple[bytes, bytes] | None]) -> None:
        stream, self._stream = self._stream, None
        self._drop_spool()
        failed = future.cancelled() or future.exception() is not None  # looked at, or asyncio complains
        if self._transport is None:
            return
        short = None if failed else future.result()
        if short is not None:
            self._finish(short[0], b"\r\n" + short[1])
        elif not failed:
            self._finish_stream()
        elif stream is not None and stream.begun:
            self._transport.abort()  # what is half sent must not look whole
            return
        else:
            self._fail()
        self._proceed()

    def begin_stream(self, head: bytes, *, delimited: bool) -> None:
        """The head of a long answer; where it is not delimited, it ends with the connection."""
        if self._transport is not None:
            self._keep = self._keep and delimited and not self._process.closing
            self._transport.write(head + (b"\r\n" if self._keep else b"Connection: close\r\n\r\n"))

    def write_stream(self, data: bytes) -> bool:
        """More of it; whether there is room for more."""
        if self._transport is None or self._ended:
            if self._stream is not None:
                self._stream.abandon()
            return False
        self._since = self._process.now
        self._transport.write(data)
        return not self._choked

    def _finish_stream(self) -> None:
        self._answering = False
        self._since = self._process.now
        if not self._keep and not self._ended:
            self._end()

    def _fail(self, error: Exception | None = None) -> None:
        """A fault of ours: WeChat is asked to come again, and the connection begins anew."""
        if error is not None:
            log.error("a request got no answer: %s", traced(error))
        if self._transport is not None and self._answering:
            self._keep = False
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"")

    def _finish(self, head: bytes, rest: bytes) -> None:
        """Write the answer; `rest` begins with more of the head, or with the empty line after it."""
        self._answering = False
        if self._ended:
            return
        process = self._process
        self._since = process.now
        if self._keep and not process.closing:
            self._transport.write(head + rest)
        else:
            self._transport.write(head + b"Connection: close\r\n" + rest)
            self._end()

    # --- how it ends

    def check(self, now: float) -> None:
        """Hang up on who keeps us waiting."""
        limits, waited = self._process.limits, now - self._since
        if self._ended:
            if waited > (limits.send_s if self._choked else limits.linger_s):
                self._transport.abort()
        elif self._answering:
            if self._stream is not None and self._choked and waited > limits.send_s:
                self._transport.abort()
        elif self._choked:
            if waited > limits.send_s:
                self._transport.abort()
        elif self._request is not None:
            if waited > limits.receive_s + len(self._request.body) / limits.receive_rate:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
                self._proceed()
        elif waited > limits.idle_s:
            self.close()

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._answering or self._request is not None or bool(self._queue)

    def close(self) -> None:
        """Hang up once what is written is taken."""
        self._deaf = self._ended = True
        if self._stream is not None:
            self._stream.abandon()
        if self._transport is not None:
            self._transport.close()

    def _end(self) -> None:
        """Our last word is said. To hang up while the client still sends would make its side throw the answer away, so we
        close only our half and let the rest run into the void for a while."""
        self._deaf = self._ended = True
        self._request = self._refusal = None
        self._queue.clear()
        self._since = self._process.now
        if self._half:
            self._transport.close()
            return
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._transport.write_eof()

    def _pause(self) -> None:
        if not self._paused and not self._ended and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
