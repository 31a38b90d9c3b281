"""Whose browser this is: a cookie with a secret, whose hash leads to a session."""

from __future__ import annotations

from flask import g

from models import session
from models.base import Store
from web.cookie import Cookie, wall


class Browser(Cookie):
    """The browser of the request in hand."""

    def __init__(self, store: Store, secure: bool) -> None:
        super().__init__("visit", session.LASTS, secure=secure)
        self._store = store

    def look(self) -> None:
        """Before a page: who it is."""
        self.read()
        g.openid = ""
        if g.secret and not g.new_secret:
            with self._store.reading() as connection:
                g.openid = session.person(connection, g.secret, wall()) or ""

    @property
    def openid(self) -> str:
        """Who is signed in, '' for nobody."""
        return str(g.get("openid", ""))

    def is_signed_in(self) -> bool:
        return bool(self.openid)
