"""What a page of the desk is handed: who asks, when, and the parts of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import render_template, request
from werkzeug.wrappers import Response

from campaigns.push import Push
from models import audit, shift
from models.base import Connection
from models.push import Plan
from models.shift import Shift
from models.staff import Staff
from web.cookie import Cookie
from web.parts import Parts

Answer = str | Response
NOBODY = Staff(0, "", "", (), "", enrolled=False, locked_at=None)
HOME = "/console/"


@dataclass(frozen=True, slots=True)
class Desk:
    """One request of one colleague. `now` is the house's time, which the demonstration moves."""

    parts: Parts
    staff: Staff
    shift: Shift | None
    now: datetime
    cookie: Cookie
    known: Cookie  # which browser it is, also when nobody is signed in
    menu: tuple[tuple[str, str], ...] = ()  # path and words of what this colleague may open
    may: Callable[[str], bool] = lambda name: False  # whether they may do what the route of this name does
    told: str = ""  # what was done just now
    scope: str = ""  # the path at and below which they see anything, '' being all

    @property
    def csrf(self) -> str:
        """What the forms of this page carry."""
        return self.cookie.token()

    @property
    def browser(self) -> str:
        """The secret by which this browser is known."""
        return request.cookies.get(self.known.name, "")[:128]

    @property
    def posted(self) -> Mapping[str, list[str]]:
        """What a form said besides who sent it."""
        return {
            name: request.form.getlist(name) for name in request.form if name not in ("csrf", "sure", "code")
        }

    def page(self, template: str, **values: Any) -> str:
        """A page of the desk."""
        return render_template(f"console/{template}.html", desk=self, **values)

    def planned(self, wanted: Push) -> Plan:
        """A push as it would be frozen now."""
        assert self.parts.plan
        return self.parts.plan(wanted)

    def note(self, connection: Connection, deed: str, thing: str, **details: Any) -> None:
        """Write down what this colleague does, in the transaction that does it."""
        audit.note(connection, self.staff.login, deed, thing, details, self.now)

    def tell(self, connection: Connection, words: str) -> None:
        """What the next page says was done."""
        if self.shift is not None:
            shift.tell(connection, self.shift, words)


def target(text: str) -> str:
    """Where to go on to: a page of the desk."""
    text = text[:300]
    odd = "//" in text or "\\" in text or any(ord(sign) < 33 for sign in text)
    return text if text.startswith(HOME) and not odd else HOME


def came_from() -> str:
    """The page of the desk on which somebody was."""
    url = urlsplit(request.referrer or "")
    return target(f"{url.path}?{url.query}".rstrip("?")) if url.netloc == request.host else HOME
