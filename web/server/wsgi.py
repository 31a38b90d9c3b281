"""How the server calls the WSGI application for a page."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from models.base import traced
from web.errors import BROKEN

log = logging.getLogger(__name__)
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
OWN = frozenset(("content-length", "connection", "date", "transfer-encoding"))  # the server's to say


class WsgiCall(NamedTuple):
    """What is asked for, and between which addresses."""

    method: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    peer: Any
    here: Any


def called(application: Application, call: WsgiCall, date: bytes) -> tuple[bytes, bytes]:
    """The answer: its head without the empty line, and its body. What the application does not catch is a plain 500."""
    try:
        status, headers, body = _run(application, call)
    except Exception as error:  # noqa: BLE001
        log.error("the application failed: %s", traced(error))
        status, headers = "500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")]
        body = "。".join(BROKEN).encode()
    lines = [f"HTTP/1.1 {status}\r\n".encode("latin-1"), date]
    length = str(len(body))
    for name, value in headers:
        if name.lower() not in OWN:
            lines.append(f"{name}: {value}\r\n".encode("latin-1"))
        elif name.lower() == "content-length" and call.method == b"HEAD":
            length = value
    if status.startswith(("204", "304")):
        return b"".join(lines), b""
    lines.append(f"Content-Length: {length}\r\n".encode("latin-1"))
    return b"".join(lines), b"" if call.method == b"HEAD" else body


def _run(application: Application, call: WsgiCall) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return written.append

    result = application(environ(call), start)
    try:
        written.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return status, headers, b"".join(written)


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
        "CONTENT_LENGTH": str(len(call.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
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
