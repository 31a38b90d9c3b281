"""The page for an opinion without a name, and for its answer: no sign-in, no cookie, no line in any log, and nothing that says who.

It hangs on a blueprint of its own, which looks at no browser. The code that a writer gets is made from `once`, which the page
carries, so that what is sent twice is one opinion with the same code.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from datetime import datetime

from flask import Blueprint, abort, render_template, request

from campaigns import form as forms
from campaigns import taking_part as door
from campaigns.campaign import Campaign
from campaigns.kind import rules_of
from campaigns.kinds import opinion as kind
from campaigns.kinds.opinion_staff import WORDS
from handlers.look_up import look_up
from handlers.turn import House
from models import opinion
from models.base import Connection
from models.edition import Edition
from models.opinion import Opinion
from web.parts import Parts

LONGEST = 4000  # characters of one answer that are looked at
ONCE = 32  # hexadecimal digits
MOST, MINUTE_S = 60, 60.0  # opinions that one process takes in a minute: nobody's address is looked at
MANY = "现在提的人很多，请过一分钟再交，写的都还在。"
UNKNOWN = "没有这个查询码，请看看有没有抄错：一共 16 个字母和数字，没有 0、1、8、9。"


def pages(parts: Parts, house: House) -> Blueprint:
    """`/h5/opinion/CAMPAIGN`."""
    blueprint = Blueprint("opinion", __name__, url_prefix="/h5/opinion")
    taken: deque[float] = deque(maxlen=MOST)

    def known(name: str) -> Campaign:
        every = door.joinable(house.campaigns())
        found = next((one for one in every if one.id == name and one.kind == "opinion"), None)
        return found or abort(404)

    @blueprint.get("/<name>")
    def look(name: str) -> str:
        return _page(known(name), parts, house, parts.clock.now(), {})

    @blueprint.post("/<name>")
    def send(name: str) -> str:
        campaign, now = known(name), parts.clock.now()
        if "code" in request.form:
            return _answered(campaign, parts, house, now, request.form["code"][:64].strip().upper())
        once = request.form.get("once", "")
        if len(once) != ONCE or set(once) - set("0123456789abcdef"):
            abort(400)
        said = {name: text[:LONGEST].replace("\r\n", "\n") for name, text in request.form.items()}
        if len(taken) == MOST and time.monotonic() - taken[0] < MINUTE_S:
            return _page(campaign, parts, house, now, said, words=MANY, once=once)
        with parts.store.writing() as connection:
            found = _open(connection, campaign, house, now)
            if found is None:
                return _page(campaign, parts, house, now, {})
            form = forms.form_of(kind.asked(rules_of(kind.KIND, found)))
            if faults := forms.faults(form, said):
                return _page(campaign, parts, house, now, said, faults=faults, once=once)
            code, topic = opinion.code_of(once), said.get("topic", "")
            opinion.make(connection, found.id, forms.bound(form, said).data["words"], topic, now, code=code)
        taken.append(time.monotonic())
        danger = look_up(house, now, said["words"]).danger
        return _page(campaign, parts, house, now, {}, code=code, danger=danger.answer if danger else "")

    return blueprint


def _open(connection: Connection, campaign: Campaign, house: House, now: datetime) -> Edition | None:
    """The edition that takes opinions now: a real one, for before the account is live nobody here can be told to be a tester."""
    if not house.live or not (campaign.rules and getattr(campaign.rules, "nameless", False)):
        return None
    return door.current(connection, campaign, now, live=True)


def _answered(campaign: Campaign, parts: Parts, house: House, now: datetime, code: str) -> str:
    with parts.store.reading() as connection:
        found = opinion.by_code(connection, code) if opinion.CODE.fullmatch(code) else None
    return _page(campaign, parts, house, now, {}, found=found, words="" if found else UNKNOWN)


def _page(
    campaign: Campaign,
    parts: Parts,
    house: House,
    now: datetime,
    said: forms.Said,
    *,
    faults: dict[str, str] | None = None,
    words: str = "",
    once: str = "",
    code: str = "",
    danger: str = "",
    found: Opinion | None = None,
) -> str:
    rules = campaign.rules
    takes = house.live and campaign.period(now) is not None and bool(getattr(rules, "nameless", False))
    filled = forms.bound(forms.form_of(kind.asked(rules)), said) if isinstance(rules, kind.Rules) else ()
    return render_template(
        "h5/opinion-page.html",
        campaign=campaign,
        takes=takes,
        fields=tuple(filled),
        faults=faults or {},
        words=words,
        once=once or secrets.token_hex(ONCE // 2),
        code=code,
        danger=danger,
        found=found,
        state=WORDS[found.state] if found else "",
        forms=forms,
    )
