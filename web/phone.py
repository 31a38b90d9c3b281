"""The simulated phone at `/phone` and its way through this process to the simulated WeChat. Only under `demo`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Blueprint, Response, abort, jsonify, make_response, render_template, request

from web.parts import LOOPBACK, Demo, Parts

CONNECT_S = 2
READ_S = 20  # one deed of a worker may be delivered three times, five seconds each (platform guide, 消息推送)
ANSWER_BYTES = 8 * 1024 * 1024
FAR = "/phone/far"
OPEN = (
    "s/",
    "simulator/picture/",
    "connect/oauth2/",
)  # articles, pictures and the sign-in: what a browser follows
PLAIN = re.compile(r"[A-Za-z0-9_./~-]+")  # nothing that somebody on the way would read as something else
DOTS = frozenset((".", ".."))
FAR_POLICY = "sandbox allow-popups; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def pages(parts: Parts, demo: Demo) -> Blueprint:
    """`/phone`, its API, and the platform's own pages and pictures under `/phone/far/`."""
    blueprint = Blueprint("phone", __name__, url_prefix="/phone")
    far = Far(demo.simulator_url)

    @blueprint.get("")
    def phone() -> str:
        return render_template("phone.html")

    @blueprint.get("/api/workers")
    def workers() -> Response:
        return far.look("/simulator/workers")

    @blueprint.get("/api/chat")
    def chat() -> Response:
        return far.look("/simulator/chat")

    @blueprint.get("/api/menu")
    def menu() -> Response:
        return far.look("/simulator/menu")

    @blueprint.post("/api/workers")
    def newcomer() -> Response:
        return far.tell("/simulator/workers", told())

    @blueprint.post("/api/do")
    def do() -> Response:
        return far.tell("/simulator/do", told())

    @blueprint.post("/api/clock")
    def clock() -> Response:
        told()
        moved = demo.move_clock()
        return jsonify(now=parts.clock.now().isoformat(), moved_to=moved.isoformat() if moved else None)

    @blueprint.get("/far/<path:path>")
    def page(path: str) -> Response:
        if not path.startswith(OPEN) or not PLAIN.fullmatch(path) or not DOTS.isdisjoint(path.split("/")):
            abort(404)
        response = far.look(f"/{path}")
        response.headers["Content-Security-Policy"] = FAR_POLICY
        return response

    return blueprint


def told() -> dict[str, Any]:
    """The JSON object that our own page posted. Anything else, and any other site's page, is refused."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site not in ("same-origin", "none") or (origin and urlsplit(origin).netloc != request.host):
        abort(403)
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400)
    return body


class Far:
    """The simulated platform as the browser may see it: its own address becomes a path of ours."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")

    def look(self, path: str) -> Response:
        query = request.query_string.decode("latin-1")  # as it came: the sign-in page minds the order
        return self._ask("GET", f"{path}?{query}" if query else path)

    def tell(self, path: str, body: dict[str, Any]) -> Response:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **what: Any) -> Response:
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the environment has no business on loopback
                answer = session.request(
                    method, self.base + path, timeout=(CONNECT_S, READ_S), allow_redirects=False, **what
                )
        except requests.RequestException:
            abort(502)
        if len(answer.content) > ANSWER_BYTES:
            abort(502)
        kind = answer.headers.get("Content-Type", "application/octet-stream")
        body = answer.content
        if kind.startswith(("application/json", "text/html")):
            body = body.replace(self.base.encode(), FAR.encode())
        response = make_response(body, answer.status_code)
        response.headers["Content-Type"] = kind
        if "Location" in answer.headers:
            response.headers["Location"] = _home(answer.headers["Location"].replace(self.base, FAR))
        response.headers["Cache-Control"] = "no-store"
        return response


def _home(location: str) -> str:
    """Where the platform sends the browser, when that is a page of ours: whoever made the link does not choose another site."""
    leads, here = urlsplit(location), urlsplit(f"//{request.host}")
    if leads.scheme == "http" and leads.hostname in LOOPBACK and leads.port == here.port:
        return location
    if leads.scheme or leads.netloc or not re.match(r"/(?![/\\])", location):
        abort(404)
    return location
