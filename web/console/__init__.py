"""The desk under /console/: what staff open in the morning. Which pages there are, and for whom, is the table in `routes`."""

from __future__ import annotations

from flask import Blueprint

from models import shift
from web.console import told
from web.console.route import Guard
from web.console.routes import routes
from web.cookie import Cookie
from web.parts import Parts

__all__ = ["pages"]


def pages(parts: Parts) -> Blueprint:
    """Every page of the desk."""
    blueprint = Blueprint("console", __name__, url_prefix="/console")
    secure = parts.site.base_url.startswith("https://")
    cookie, known = Cookie("desk", None, secure=secure), Cookie("desk-browser", shift.KNOWN, secure=secure)
    table = routes(parts)
    guard = Guard(parts, cookie, known, table)
    for route in table:
        methods = ["POST"] if route.post else ["GET"]
        endpoint = route.name.replace(".", "_")
        blueprint.add_url_rule(route.path, endpoint, guard.serves(route), methods=methods)
    blueprint.after_request(cookie.remember)
    blueprint.add_app_template_filter(told.deed, "deed")
    blueprint.add_app_template_filter(told.details, "details")
    return blueprint
