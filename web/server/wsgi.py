"""How the server calls the WSGI application for a page."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterable
from typing import IO, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from models.base import traced
from web.errors import BROKEN
from web.server.stream import ClientGone, Stream

STREAM_AT = 1024 * 1024  # bytes: up to here an answer is in memory, and its thread free before it is sent
PIECE = 64 * 1024
log = logging.getLogger(__name__)
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
OWN = frozenset(("content-length", "connection", "date", "transfer-encoding"))  # the server's to say


class WsgiCall(NamedTuple):
    """What is asked for, and between which addresses. `body` is read once, and is `size` bytes long."""

    method: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: IO[bytes]
    size: int
    peer: Any
    here: Any


def answer(
    application: Application, call: WsgiCall, date: bytes, stream: Stream | None = None
) -> tuple[bytes, bytes] | None:
    """A short answer: its head without the empty line, and its body. A long one goes into the stream, and there is None.
    What the application does not catch is a plain 500; in the middle of a long answer it raises, as it does
    (ClientGone) when nobody takes that any more."""
    try:
        return _answer(application, call, date, stream)
    except ClientGone:
        raise
    except Exception as error:
        log.error("the application failed: %s", traced(error))
        if stream is not None and stream.begun:
            raise
        headers, body = [("Content-Type", "text/plain; charset=utf-8")], "。".join(BROKEN).encode()
        return _whole(_Begun("500 Internal Server Error", headers), call, date, body)


class _Begun(NamedTuple):
    status: str
    headers: list[tuple[str, str]]

    def head(self, date: bytes) -> bytes:
        own = [f"{name}: {value}\r\n" for name, value in self.headers if name.lower() not in OWN]
        return f"HTTP/1.1 {self.status}\r\n".encode("latin-1") + date + "".join(own).encode("latin-1")

    @property
    def length(self) -> int | None:
        """What the application says of it."""
        found = [value for name, value in self.headers if name.lower() == "content-length"]
        return int(found[0]) if found else None


def _answer(
    application: Application, call: WsgiCall, date: bytes, stream: Stream | None
) -> tuple[bytes, bytes] | None:
    started: list[_Begun] = []
    pieces: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started.append(_Begun(status, headers))
        return pieces.append

    result = application(environ(call), start)
    try:
        gathered, rest = 0, iter(result)
        for piece in rest:
            pieces.append(piece)
            gathered += len(piece)
            if gathered > STREAM_AT and stream is not None and call.method != b"HEAD":
                stream.begin(started[-1].head(date), started[-1].length)
                _stream(pieces, rest, stream)
                return None
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    return _whole(started[-1], call, date, b"".join(pieces))


def _stream(pieces: list[bytes], rest: Iterable[bytes], stream: Stream) -> None:
    """What has been gathered, and the rest as it is made."""
    size = STREAM_AT
    for piece in itertools.chain(rest, [b""]):
        if size >= PIECE or not piece:
            data = b"".join(pieces)
            for at in range(0, len(data), PIECE):
                stream.send(data[at : at + PIECE])
            pieces, size = [], 0
        pieces.append(piece)
        size += len(piece)
    stream.end()


def _whole(begun: _Begun, call: WsgiCall, date: bytes, body: bytes) -> tuple[bytes, bytes]:
    if begun.status.startswith(("204", "304")):
        return begun.head(date), b""
    asked = begun.length if call.method == b"HEAD" else None
    length = len(body) if asked is None else asked
    return begun.head(date) + b"Content-Length: %d\r\n" % length, b"" if call.method == b"HEAD" else body


def environ(call: WsgiCall) -> dict[str, Any]:
    """What WSGI (PEP 3333) says an application is told."""
    here = call.here if isinstance(call.here, tuple) else ("localhost", 80)
    found: dict[str, Any] = {
        "REQUEST_METHOD": call.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(call.path).decode("latin-1"),
        "QUERY_STRING": call.query.decode("latin-1"),
        "SERVER_NAME": str(here[0]),
        "SERVER_PORT": str(here[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": str(call.peer[0]) if isinstance(call.peer, tuple) else "",
        "CONTENT_LENGTH": str(call.size),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": call.body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, value in call.headers:
        if b"_" in raw:  # it would pose as a dash
            continue
        name, text = raw.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        if name == "CONTENT_TYPE":
            found[name] = text
        elif name not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):  # the body is here, whole
            key = f"HTTP_{name}"
            found[key] = f"{found[key]},{text}" if key in found else text
    return found
