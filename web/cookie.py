"""A browser's secret: one cookie, and the token that every form of ours carries with it.

Sessions and codes go by the wall clock, which the demonstration does not move.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from flask import Response, abort, g, request
from werkzeug.wrappers import Response as BaseResponse

from web.parts import LOOPBACK


def wall() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def address() -> str:
    """From where the page was asked: as our own proxy says, which is the only one that may."""
    near = request.remote_addr or ""
    return request.headers.get("X-Real-IP", near)[:64] if near in LOOPBACK else near


class Cookie:
    """The secret of the browser whose request is in hand. `lasts` None: until the browser is closed."""

    def __init__(self, name: str, lasts: timedelta | None, *, secure: bool) -> None:
        self._secure = secure
        self._lasts = lasts
        self.name = f"__Host-{name}" if secure else name

    def read(self) -> None:
        """Before a page: which secret this browser has. A form from elsewhere is refused."""
        g.secret, g.new_secret = request.cookies.get(self.name, "")[:128], ""
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            ours = hmac.compare_digest(self.token().encode(), request.form.get("csrf", "").encode())
            if not ours or _from_elsewhere():
                abort(403)

    @property
    def secret(self) -> str:
        """This browser's secret, made when it is first needed."""
        if not g.secret:
            g.secret = g.new_secret = secrets.token_urlsafe(32)
        return str(g.secret)

    def token(self) -> str:
        """What a form of ours carries: only whoever may read this browser's cookie can know it."""
        return hashlib.sha256(f"form {self.secret}".encode()).hexdigest()[:32]

    def renew(self, secret: str) -> None:
        """From now on this is the browser's secret: not the one that it had before it was signed in."""
        g.secret = g.new_secret = secret

    def remember(self, response: Response) -> Response:
        """After a page: the cookie, where it is new."""
        if g.get("new_secret"):
            self.put(response, g.new_secret)
        return response

    def put(self, response: BaseResponse, secret: str) -> None:
        """Give the browser this secret."""
        response.set_cookie(
            self.name,
            secret,
            max_age=self._lasts,
            secure=self._secure,
            httponly=True,
            samesite="Lax",
            path="/",
        )


def _from_elsewhere() -> bool:
    """Whether a browser says that the form stood on another site's page. Our own proxy does not pass the port on."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).hostname != urlsplit(f"//{request.host}").hostname
