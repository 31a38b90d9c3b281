"""The simulated platform over HTTP on this machine: API, sign-in page, articles and the control API."""

import html
import json
import re
import socket
import struct
import threading
from email.parser import BytesParser
from email.policy import HTTP
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from wx.simulator.control import ROUTES, NotFound
from wx.simulator.endpoints import Call
from wx.simulator.faults import Fault, short
from wx.simulator.platform import Platform
from wx.simulator.world import Errcode, Json

MOST_BYTES = 32 * 1024 * 1024
IDLE_S = 120.0
HANG_S = 120.0
COOKIE = "simulated_worker"
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}")
_STYLE = "body{max-width:40em;margin:2em auto;padding:0 1em;font:17px/1.7 sans-serif}img{max-width:100%}"


class PlatformServer:
    """Serves a Platform on 127.0.0.1; port 0 picks a free one. Use as a context, or start and stop."""

    def __init__(self, platform: Platform, port: int = 0) -> None:
        self._server = _Server(platform, port)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        platform.world.base_url = self.url
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.cut_off()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, platform: Platform, port: int) -> None:
        self.platform = platform
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: object) -> None:
        if isinstance(request, socket.socket):
            self._open.discard(request)
        super().shutdown_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller who hangs up is no error of the platform."""

    def cut_off(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    timeout = IDLE_S
    server: _Server

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self.close_connection = True
            self._page(413, "太大了")
            return
        self._answer(self.rfile.read(length))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet: the addresses hold tokens."""

    def _answer(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))
        if path.startswith("/cgi-bin/"):
            self._api(self._call(short(path), query, body))
        elif path == "/sns/oauth2/access_token":
            self._sns(query)
        elif path == "/connect/oauth2/authorize":
            self._authorize(parts.query, query)
        elif path.startswith("/s/"):
            self._article(path.removeprefix("/s/"))
        elif path.startswith("/simulator/picture/"):
            self._picture(path.removeprefix("/simulator/picture/"))
        elif path == "/simulator/open":
            self._open_as(query)
        elif path.startswith("/simulator/"):
            self._control(path.removeprefix("/simulator/"), query, body)
        else:
            self._page(404, "没有这个页面")

    # -- API -----------------------------------------------------------------------------------------------

    def _call(self, path: str, query: dict[str, str], body: bytes) -> Call:
        ip, verb = str(self.client_address[0]), self.command
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            return Call(path, verb, query, files=_files(kind, body), ip=ip)
        if verb == "GET":
            return Call(path, verb, query, ip=ip)
        if _ESCAPED.search(body):
            return Call(path, verb, query, ip=ip, flaw=40033)
        try:
            given = json.loads(body)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return Call(path, verb, query, ip=ip, flaw=47001 if body else 44002)
        return Call(path, verb, query, given, ip=ip)

    def _api(self, call: Call) -> None:
        platform = self.server.platform
        fault = platform.faults.take(call.path)
        if fault is None:
            self._json(200, platform.call(call))
            return
        if fault.delay_s:
            self.server.stopping.wait(fault.delay_s)
        answer: Json = {}
        if fault.does_it():
            answer = platform.call(call)
        if fault.errcode:
            answer = platform.call(call, errcode=fault.errcode)
        self._troubled(fault, answer)

    def _troubled(self, fault: Fault, answer: Json) -> None:
        if fault.hang:
            self.server.stopping.wait(HANG_S)
        if fault.hang or fault.reset:
            # No FIN but RST: whatever was under way is cut.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()
            self.close_connection = True
        elif fault.http:
            self._page(fault.http, "系统维护中")
        elif fault.garbage:
            self._page(200, "系统维护中")
        elif fault.trickle:
            self._trickle(json.dumps(answer, ensure_ascii=False).encode())
        else:
            self._json(200, answer)

    def _trickle(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for at in range(len(body)):
            self.wfile.write(body[at : at + 1])
            self.wfile.flush()
            if self.server.stopping.wait(1.0):
                return

    def _sns(self, query: dict[str, str]) -> None:
        try:
            self._json(200, self.server.platform.sign_in.exchange(query))
        except Errcode as refused:
            self._json(200, {"errcode": refused.errcode, "errmsg": refused.errmsg})

    # -- pages ---------------------------------------------------------------------------------------------

    def _authorize(self, raw: str, query: dict[str, str]) -> None:
        """Whose phone this is, says the cookie that /simulator/open has set; a plain browser may choose."""
        world = self.server.platform.world
        openid = query.get(COOKIE) or self._cookie()
        if openid not in world.followers:
            links = "".join(
                f"<p><a href='?{html.escape(raw)}&amp;{COOKIE}={one.openid}'>{html.escape(one.name)}</a></p>"
                for one in list(world.followers.values())[:50]
            )
            self._page(200, "请在微信客户端打开链接", f"<p>这里是模拟的微信，请选择您是谁：</p>{links}")
            return
        raw = raw.partition(f"&{COOKIE}=")[0]
        try:
            self._redirect(self.server.platform.sign_in.redirect(raw, openid))
        except Errcode as refused:
            self._page(200, f"{refused.errmsg}（{refused.errcode}）")

    def _open_as(self, query: dict[str, str]) -> None:
        url = query.get("url", "")
        if urlsplit(url).scheme not in ("http", "https"):
            self._page(404, "没有这个页面")
            return
        self._redirect(url, f"{COOKIE}={query.get('openid', '')[:64]}; Path=/; HttpOnly; SameSite=Lax")

    def _cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found else ""

    def _article(self, name: str) -> None:
        article = self.server.platform.world.articles.get(name)
        if article is None:
            self._page(404, "该内容已被删除")
        else:
            self._page(200, article["title"], article["content"])

    def _picture(self, media_id: str) -> None:
        data = self.server.platform.world.pictures.get(media_id)
        if data is None:
            self._page(404, "图片已过期")
            return
        kind = "png" if data.startswith(b"\x89PNG") else "gif" if data.startswith(b"GIF") else "jpeg"
        self._send(200, data, f"image/{kind}")

    def _control(self, path: str, query: dict[str, str], body: bytes) -> None:
        route = ROUTES.get((self.command, path))
        if "Origin" in self.headers and self.command == "POST":
            self._json(403, {"error": "no web page may do this"})  # whatever site the browser has open
            return
        try:
            given = json.loads(body or b"{}") if self.command == "POST" else query
            if route is None or not isinstance(given, dict):
                raise NotFound(path)
            self._json(200, route(self.server.platform, given))
        except NotFound as error:
            self._json(404, {"error": f"not found: {error}"})
        except (ValueError, TypeError) as error:
            self._json(400, {"error": str(error)})

    # -- what goes out -------------------------------------------------------------------------------------

    def _json(self, status: int, answer: Json) -> None:
        if isinstance(answer.get("data"), bytes):
            self._send(status, answer["data"], "image/jpeg")
            return
        self._send(status, json.dumps(answer, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def _page(self, status: int, title: str, body: str = "") -> None:
        title = html.escape(title)
        page = (
            "<!doctype html><html lang=zh-CN><meta charset=utf-8><meta name=viewport "
            f"content='width=device-width'><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}"
        )
        self._send(status, page.encode(), "text/html; charset=utf-8")

    def _redirect(self, url: str, cookie: str = "") -> None:
        more = {"Location": url} | ({"Set-Cookie": cookie} if cookie else {})
        self._send(302, b"", "text/plain", more)

    def _send(self, status: int, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if kind.startswith("text/html"):
            self.send_header(
                "Content-Security-Policy", "default-src 'none'; img-src * data:; style-src 'unsafe-inline'"
            )
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _files(kind: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """The files of a form: field -> (file name, bytes)."""
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    files = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() and isinstance(name, str):
            content = part.get_payload(decode=True)
            files[name] = (str(part.get_filename()), content if isinstance(content, bytes) else b"")
    return files
