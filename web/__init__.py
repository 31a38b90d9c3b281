"""The pages and the webhook: `create_app(parts)` gives the Flask application."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request
from werkzeug.routing import IntegerConverter, ValidationError

from models import alarm
from models.alarm import Alarm
from models.view import Views
from web import console, errors, face, h5, health, phone, start, webhook
from web.parts import LOOPBACK, Demo, Measure, Parts
from web.paths import PATHS
from web.rows import dated
from web.server import limits_of
from web.webhook import Webhook

__all__ = ["Demo", "Measure", "Parts", "create_app"]

ANY_HOST = ("/wx", "/healthz", "/readyz", "/metrics")  # asked by machines, by whatever name
ALARMS = 5  # on one page
GREATEST = 2**63 - 1  # number of a row
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


def create_app(parts: Parts, hook: Webhook | None = None) -> Flask:
    """The application with every page that `parts` allows: the simulated phone exists only with `parts.demo`.

    `hook` answers at /wx; without it there is no such page.
    """
    app = Flask(__name__)
    app.url_map.converters["int"] = RowNumber
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.jinja_env.globals.update(
        nonce=_nonce, account=parts.account, site=parts.site, alarms=lambda: standing(parts)
    )
    app.add_template_filter(dated, "when")
    app.before_request(_limited)
    if parts.demo is not None:
        app.before_request(_at_home)
    app.after_request(_guarded)
    errors.register(app)
    app.register_blueprint(health.pages(parts))
    app.register_blueprint(face.pages(parts))
    app.extensions["views"] = views = Views(parts.store)
    app.register_blueprint(h5.pages(parts, parts.house, views))
    app.register_blueprint(console.pages(parts))
    app.register_blueprint(h5.nameless(parts, parts.house))
    if parts.demo is not None:
        app.register_blueprint(start.pages(parts))
        app.register_blueprint(phone.pages(parts, parts.demo))
    if hook is not None:
        app.register_blueprint(webhook.blueprint(hook))
    return app


def standing(parts: Parts) -> list[Alarm]:
    """The alarms that staff see on each of their pages, the newest first."""
    with parts.store.reading() as connection:
        return alarm.standing(connection, ALARMS)


class RowNumber(IntegerConverter):
    """A number in an address: one that no row can have leads nowhere, before a database is asked for it."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        if len(value) > len(str(GREATEST)) or (number := int(super().to_python(value))) > GREATEST:
            raise ValidationError
        return number


class _Nonce:
    """One nonce for each answer, made when a template first asks for it."""

    def __str__(self) -> str:
        if "nonce" not in g:
            g.nonce = secrets.token_urlsafe(16)
        return str(g.nonce)


_nonce = _Nonce()


def _limited() -> None:
    """A body that is too large is refused under any server; the webhook has its own, smaller limit."""
    request.max_content_length = limits_of(PATHS, request.path).body_bytes


def _at_home() -> None:
    """The demonstration has no sign-in: a page from elsewhere whose name was made to lead to this machine (DNS rebinding) brings
    that name as Host, and finds nothing."""
    if request.path not in ANY_HOST and urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        abort(404)


def _guarded(response: Response) -> Response:
    """Every answer says what a browser may do with it; a page from elsewhere has brought its own, stricter policy."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", POLICY.format(nonce=_nonce))
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    return response
