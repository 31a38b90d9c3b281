"""What is on now, and a campaign's page: what it is, where it stands, one's own part in it, and the form."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from flask import Blueprint, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response

from campaigns import form as forms
from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.form import Said
from campaigns.kind import Alike, Asked, Nothing, Refused, Told, Visit
from ground.days import SHANGHAI, moment
from ground.text import without_blanks
from handlers import danger
from handlers.turn import House
from handlers.year import picture_of
from models import draft, edition, follower
from models.base import Connection
from models.edition import Edition
from models.view import Views
from web.cookie import address
from web.h5 import grid, photo, share
from web.h5.alike import Pattern, Patterns, pattern
from web.h5.browser import Browser
from web.parts import Parts

LONGEST = 4000  # characters of one answer that are looked at
LONGEST_FIND = 30
BESIDE = ("csrf", "once", "done", "from", "find", "look")  # what a page carries besides the answers
ONCE = 64


@dataclass(frozen=True, slots=True)
class Shown:
    """The form as the page shows it: the fields with what was typed and what is wrong, or the first choice as buttons."""

    fields: tuple[Any, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    hidden: str = ""  # the field that was chosen by a button
    buttons: tuple[tuple[str, str], ...] = ()  # address and words
    head: str = ""
    words: str = ""  # why nothing is asked, or was not taken
    danger: str = ""  # whom to call now, before anything else


SHOWN_NOTHING = Shown()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request is answered: the parts, the house, and whose browser it is."""

    parts: Parts
    house: House
    browser: Browser
    patterns: Patterns = field(default_factory=Patterns)

    def allowed(self) -> bool:
        return door.may(self.browser.openid, live=self.house.live, testers=self.house.testers)

    def campaign(self, name: str) -> Campaign:
        found = next((one for one in door.joinable(self.house.campaigns()) if one.id == name), None)
        return found or abort(404)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a campaign's page shows of its edition and of this person. `done`: the words of what was sent just now; `alike`: it
    shows the same to many, and `pattern` is what it shows them."""

    edition: Edition | None
    told: Told | None = None
    shown: Shown = SHOWN_NOTHING
    done: str | None = None
    alike: Alike | None = None
    pattern: Pattern | None = None


def pages(blueprint: Blueprint, parts: Parts, house: House, browser: Browser, views: Views) -> None:
    """`/h5/` and `/h5/c/CAMPAIGN`."""
    at = Place(parts, house, browser)

    @blueprint.get("/")
    def on_now() -> str:
        return _on_now(house, parts.clock.now())

    @blueprint.get("/c/<name>")
    def look(name: str) -> str:
        campaign, now = at.campaign(name), parts.clock.now()
        seen = _looked_at(at, campaign, now)
        if seen.edition and not seen.done:
            views.count(seen.edition.id, f"{now.astimezone(SHANGHAI):%Y-%m-%d}")
        return _alike(at, campaign, seen) if seen.alike else _page(at, campaign, seen)

    @blueprint.post("/c/<name>")
    def send(name: str) -> str | Response:
        campaign, once = at.campaign(name), request.form.get("once", "")[:ONCE]
        back = f"/h5/c/{quote(campaign.id)}"
        if not browser.openid:
            return redirect(f"/h5/sign-in?to={back}", 303)
        if not at.allowed() or not once:
            abort(403)
        try:
            done = _taken(at, campaign, once, back)
        except door.Repeated:
            done = f"{back}?done={once}"
        return redirect(done, 303) if isinstance(done, str) else _page(at, campaign, done)


def _on_now(house: House, now: datetime) -> str:
    found = [(one, one.period(now)) for one in door.joinable(house.campaigns())]
    on = [(one, moment(period[1])) for one, period in found if period]
    today = now.astimezone(SHANGHAI).date()
    dates = [(dates[0][0], one) for one, period in found if not period and (dates := one.dates(today))]
    coming = [
        (one, f"{day.year}年{day.month}月{day.day}日开始") for day, one in sorted(dates, key=itemgetter(0))
    ]
    return render_template("h5/on.html", on=on, coming=coming)


def _looked_at(at: Place, campaign: Campaign, now: datetime) -> Seen:
    """The edition to be looked at, opened where its time has come."""
    with at.parts.store.reading() as connection:
        found = edition.latest(connection, campaign.id)
        is_on = found is not None and found.takes(now) and found.live == at.house.live
        if is_on or campaign.period(now) is None:
            return _seen(connection, at, campaign, found, now)
    with at.parts.store.writing() as connection:
        found = door.standing(connection, campaign, now, live=at.house.live)
    with at.parts.store.reading() as connection:
        return _seen(connection, at, campaign, found, now)


def _seen(
    connection: Connection, at: Place, campaign: Campaign, found: Edition | None, now: datetime
) -> Seen:
    if found is None:
        return Seen(None)
    openid, kind = at.browser.openid, door.kind_of(found)
    visit = _visit(connection, found, at, now)
    if not openid or not at.allowed():
        return Seen(found, kind.told(visit), done=_done(connection, found, openid))
    said = _prefilled(visit)
    alike = kind.alike(visit) if not said and not request.args else None
    if alike is not None and (pattern := at.patterns.get(_key(campaign, found, alike))):
        return Seen(found, alike=alike, pattern=pattern)
    told, shown = kind.told(visit), _shown(visit, said)
    return Seen(found, told, shown, _done(connection, found, openid), alike)


def _key(campaign: Campaign, found: Edition, alike: Alike) -> Hashable:
    return campaign.title, campaign.about, found, alike.key, share.in_wechat()


def _alike(at: Place, campaign: Campaign, seen: Seen) -> str:
    """A page that is alike for many, made where nobody has seen it yet."""
    assert seen.alike
    assert seen.edition
    order, once = seen.alike.order, secrets.token_hex(16)
    own = {"csrf": at.browser.token(), "once": once, "nonce": str(current_app.jinja_env.globals["nonce"])}
    if seen.pattern:
        return seen.pattern.filled(own, order)
    page = _page(at, campaign, seen, once)
    if seen.told:
        several = any(one.several for one in seen.shown.fields)
        offers = {one.number: grid.piece(one, several, True, False) for one in seen.told.offers}
        made = pattern(page, own, offers, order)
        at.patterns.keep(_key(campaign, seen.edition, seen.alike), made)
    return page


def _taken(at: Place, campaign: Campaign, once: str, back: str) -> Seen | str:
    """What is still to be filled in or put right; the address to go on to where it counts, or was sent before. Raises Repeated."""
    sent, openid, now = photo.sent(), at.browser.openid, at.parts.clock.now()
    with at.parts.store.writing() as connection:
        if not follower.stays(connection, openid):
            return f"/h5/sign-in?to={back}"
        found = door.standing(connection, campaign, now, live=at.house.live) or abort(404)
        if door.known(connection, found.id, openid, once) is not None:
            return f"{back}?done={once}"
        visit = _visit(connection, found, at, now).named(once, "page", address())
        if "look" in request.form:
            _keep(visit)
            return f"{back}?find={quote(_find(request.form))}#form"
        keys, refused = sent.keep(connection, found.id, openid, now)
        posted = {**_posted(), **keys}
        shown = _in_danger(at.house, visit, posted) or _sent(visit, posted, refused)
        if shown is None:
            return f"{back}?done={once}"
        return Seen(found, door.kind_of(found).told(visit), shown)


def _visit(connection: Connection, found: Edition, at: Place, now: datetime) -> Visit:
    return door.visit(connection, found, at.browser.openid, now, at.house.sensitive, at.house.setting)


def _done(connection: Connection, found: Edition, openid: str) -> str | None:
    """The words of what was sent just now."""
    once = request.args.get("done", "")[:ONCE]
    return door.known(connection, found.id, openid, once) if once and openid else None


def _posted() -> Said:
    """What was filled in; a photo that was sent before is its key."""
    said = {
        name: " ".join(request.form.getlist(name))[:LONGEST].replace("\r\n", "\n")
        for name in request.form
        if name not in BESIDE
    }
    return {**dict.fromkeys(request.files, ""), **said}


def _find(given: Mapping[str, str]) -> str:
    """What is looked for among many."""
    return given.get("find", "").strip()[:LONGEST_FIND]


def _keep(visit: Visit) -> None:
    """Keep what was chosen so far while somebody looks for more."""
    asked = door.asks(visit.with_said(_posted()))
    if not isinstance(asked, Nothing):
        posted = _posted()
        door.keep(
            visit.with_said({name: posted[name] for name in forms.fields_of(asked.form) if name in posted})
        )


def _prefilled(visit: Visit) -> Said:
    """What a link says, else what was said so far through either door."""
    said = {name: text[:LONGEST] for name, text in request.args.items() if name not in BESIDE}
    if said:
        return said
    kept = draft.get(visit.connection, visit.openid, visit.edition.id, visit.now)
    return kept.said if kept and not request.args.get("done") else {}


def _shown(visit: Visit, said: Said, faults: Mapping[str, str] | None = None, words: str = "") -> Shown:
    asked = door.asks(visit.with_said(said))
    if isinstance(asked, Nothing):
        return Shown(words=words or asked.words)
    names = forms.fields_of(asked.form)
    filled = forms.bound(asked.form, {name: text for name, text in said.items() if name in names})
    only = filled[names[0]]
    if asked.links and len(names) == 1 and names[0] not in said and isinstance(only, forms.One):
        return Shown(buttons=_buttons(visit, only), head=asked.head, words=words)
    hidden = names[0] if len(names) > 1 and isinstance(only, forms.One) and names[0] in said else ""
    return Shown(tuple(filled), faults or {}, hidden, head=asked.head, words=words)


def _buttons(visit: Visit, only: Any) -> tuple[tuple[str, str], ...]:
    back = f"/h5/c/{quote(visit.edition.campaign)}"
    return tuple((f"{back}?{only.name}={quote(value)}#form", words) for value, words in forms.options(only))


def _in_danger(house: House, visit: Visit, posted: Said) -> Shown | None:
    """The numbers to call, where what was written sounds like danger; sent once more it is taken as it is."""
    asked = door.asks(visit.with_said(posted))
    if "sure" in request.form or isinstance(asked, Nothing):
        return None
    title = visit.edition.title
    words = forms.written(asked.form, posted)
    found = danger.written(house, visit.connection, visit.openid, words, title, visit.now)
    if found is None:
        return None
    said = {name: posted[name] for name in forms.fields_of(asked.form) if name in posted}
    door.keep(visit.with_said(said))
    return replace(_shown(visit, said), danger=found.answer)


def _sent(visit: Visit, posted: Said, refused: Mapping[str, str]) -> Shown | None:
    """What is still to be filled in or put right; None where it counts. `refused`: the photos that are none."""
    asked = door.asks(visit.with_said(posted))
    if isinstance(asked, Nothing):
        return Shown(words=asked.words)
    said = {name: posted[name] for name in forms.fields_of(asked.form) if name in posted}
    visit = visit.with_said(said)
    if refused or forms.missing(asked.form, said):
        door.keep(visit)
        return _shown(visit, said, {**_faults(asked, said), **refused})
    done = door.take(visit)
    if isinstance(done, door.Faulty):
        door.keep(visit)
        return _shown(visit, said, done.faults)
    if isinstance(done, Refused | Nothing):
        return _shown(visit, said, words=done.words)
    draft.drop(visit.connection, visit.openid, visit.edition.id)
    return None


def _faults(asked: Asked, said: Said) -> dict[str, str]:
    """What is wrong with what was filled in; what was not asked yet is no fault."""
    found = {name: forms.fault(asked.form, said, name) for name in said}
    return {name: words for name, words in found.items() if words}


def _page(at: Place, campaign: Campaign, seen: Seen, once: str = "") -> str:
    found = seen.edition
    about = without_blanks(campaign.about) if at.house.live else campaign.about
    return render_template(
        [f"h5/{campaign.kind}.html", "h5/campaign.html"],  # a kind's own page, where it has one
        campaign=campaign,
        about=about,
        edition=found,
        closes=moment(found.closes_at) if found else "",
        picture=picture_of(campaign),
        is_open=found is not None and found.state == edition.OPEN,
        told=seen.told,
        shown=seen.shown,
        done=seen.done,
        may=at.allowed(),
        once=once or secrets.token_hex(16),
        find=_find(request.args),
        forms=forms,
    )
