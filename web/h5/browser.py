"""Whose browser this is: one cookie with a secret, whose hash leads to a session; and the token that every form carries.

Sessions and codes go by the wall clock, which the demonstration does not move.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from flask import Response, abort, g, request

from models import session
from models.base import Store
from web.parts import LOOPBACK


def wall() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def address() -> str:
    """From where the page was asked: as our own proxy says, which is the only one that may."""
    near = request.remote_addr or ""
    return request.headers.get("X-Real-IP", near)[:64] if near in LOOPBACK else near


class Browser:
    """The browser of the request in hand."""

    def __init__(self, store: Store, secure: bool) -> None:
        self._store = store
        self._secure = secure
        self._name = "__Host-visit" if secure else "visit"

    def look(self) -> None:
        """Before a page: who it is. A form from elsewhere is refused."""
        g.secret = request.cookies.get(self._name, "")[:128]
        g.openid, g.new_secret = "", ""
        if g.secret:
            with self._store.reading() as connection:
                g.openid = session.person(connection, g.secret, wall()) or ""
        if request.method == "POST" and not hmac.compare_digest(self.token(), request.form.get("csrf", "")):
            abort(403)

    @property
    def openid(self) -> str:
        """Who is signed in, '' for nobody."""
        return str(g.get("openid", ""))

    def is_signed_in(self) -> bool:
        return bool(self.openid)

    @property
    def secret(self) -> str:
        """This browser's secret, made when it is first needed."""
        if not g.secret:
            g.secret = g.new_secret = secrets.token_urlsafe(32)
        return str(g.secret)

    def token(self) -> str:
        """What a form of ours carries: only whoever may read this browser's cookie can know it."""
        return hashlib.sha256(f"form {self.secret}".encode()).hexdigest()[:32]

    def sign_in(self, secret: str) -> None:
        """From now on this is the browser's secret: not the one that it had before it was signed in."""
        g.secret = g.new_secret = secret

    def remember(self, response: Response) -> Response:
        """After a page: the cookie, where it is new."""
        if g.get("new_secret"):
            response.set_cookie(
                self._name,
                g.new_secret,
                max_age=int(session.LASTS.total_seconds()),
                secure=self._secure,
                httponly=True,
                samesite="Lax",
                path="/",
            )
        return response
