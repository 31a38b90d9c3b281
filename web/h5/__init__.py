"""The workers' pages under /h5/: what is on, a campaign, 我的, and signing in. They work without JavaScript."""

from __future__ import annotations

from functools import partial

from flask import Blueprint
from markupsafe import Markup

from handlers.turn import House
from models.edition import Edition
from models.view import Views
from web.h5 import campaign, grid, live, me, nominee, opinion, photo, result, share, sign_in, union
from web.h5.browser import Browser
from web.marks import code as square
from web.parts import Parts

__all__ = ["nameless", "pages"]
nameless = opinion.pages  # beside the others: it looks at no browser


def pages(parts: Parts, house: House, views: Views) -> Blueprint:
    """Every page of workers."""
    blueprint = Blueprint("h5", __name__, url_prefix="/h5")
    browser = Browser(parts.store, house.base_url.startswith("https://"))
    blueprint.before_request(browser.look)
    blueprint.after_request(browser.remember)
    seen = {
        "csrf": browser.token,
        "signed_in": browser.is_signed_in,
        "drawn": partial(_drawn, house.base_url),
    }
    blueprint.app_context_processor(lambda: seen)
    campaign.pages(blueprint, parts, house, browser, views)
    grid.pages(blueprint)
    live.pages(blueprint, parts)
    nominee.pages(blueprint, parts)
    me.pages(blueprint, parts, house, browser)
    photo.pages(blueprint, parts, browser)
    result.pages(blueprint, parts)
    share.pages(blueprint, parts, house)
    sign_in.pages(blueprint, parts, house, browser)
    union.pages(blueprint, parts, browser)
    return blueprint


def _drawn(base_url: str, found: Edition, code: str) -> Markup:
    """A code as a square: the staff's cameras open the page of the door with it, their scanners type it there."""
    return square(f"{base_url}/console/check-in/{found.id}?q={code}")
