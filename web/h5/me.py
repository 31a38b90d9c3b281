"""我的: what I took part in and what came of it, and my data: to see, to take away, to withdraw and to have erased."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from campaigns import appeal
from campaigns import taking_part as door
from campaigns.appeal import Appealable
from handlers.turn import House
from models import consent, edition, entry, holder, photo, session
from models.base import Connection
from models.edition import Edition
from models.photo import Photo
from web.h5 import photo as photos
from web.h5.browser import Browser
from web.parts import Parts


@dataclass(frozen=True, slots=True)
class Part:
    """One edition in which this person took part."""

    edition: Edition
    lines: tuple[str, ...]
    steps: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, str]
    receipts: tuple[str, ...]
    hidden: tuple[Appealable, ...]
    photos: tuple[Photo, ...]  # those that nobody may see and that may be sent anew


def pages(blueprint: Blueprint, parts: Parts, house: House, browser: Browser) -> None:
    """`/h5/me` and what can be done there."""
    _mine(blueprint, parts, house, browser)
    _data(blueprint, parts, browser)

    @blueprint.post("/me/sign-out")
    def sign_out() -> Response:
        with parts.store.writing() as connection:
            session.end(connection, browser.secret)
        return redirect("/h5/", 303)


def _mine(blueprint: Blueprint, parts: Parts, house: House, browser: Browser) -> None:
    """What I took part in; what of it is hidden or broke can be put right."""

    @blueprint.get("/me")
    def mine() -> str | Response:
        if not browser.openid:
            return redirect("/h5/sign-in?to=/h5/me", 303)
        return _page(parts, house, browser)

    @blueprint.post("/me/appeal")
    def objects() -> Response:
        number, undo = request.form.get("edition", ""), request.form.get("undo", "")
        if browser.openid and number.isdigit():
            with parts.store.writing() as connection:
                found = edition.get(connection, int(number)) or abort(404)
                visit = door.visit(
                    connection, found, browser.openid, parts.clock.now(), setting=house.setting
                )
                one = next((each for each in appeal.open_to(visit) if each.hidden.undo == undo), None)
                appeal.make(visit, one or abort(404), request.form.get("words", ""))
        return redirect("/h5/me", 303)

    @blueprint.post("/me/photo")
    def another_photo() -> str | Response:
        sent = photos.sent()
        with parts.store.writing() as connection:
            one = photo.get(connection, request.form.get("key", "")) or abort(404)
            if not browser.openid or one.openid != browser.openid:
                abort(404)
            for read in sent.read.values():
                photo.replace(connection, one, read)
        fault = next(iter(sent.faults.values()), "")
        return _page(parts, house, browser, fault) if fault else redirect("/h5/me", 303)


def _data(blueprint: Blueprint, parts: Parts, browser: Browser) -> None:
    """My data: to take away, to withdraw and to have erased."""

    @blueprint.get("/me/data")
    def data() -> Response:
        if not browser.openid:
            return redirect("/h5/sign-in?to=/h5/me", 303)
        with parts.store.reading() as connection:
            held = holder.export(connection, browser.openid)
        answer = make_response(json.dumps(held, ensure_ascii=False, indent=1))
        answer.headers["Content-Type"] = "application/json; charset=utf-8"
        answer.headers["Content-Disposition"] = "attachment; filename=my-data.json"
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @blueprint.post("/me/withdraw")
    def withdraw() -> Response:
        number = request.form.get("edition", "")
        if browser.openid and number.isdigit():
            with parts.store.writing() as connection:
                consent.withdraw(connection, browser.openid, int(number), parts.clock.now())
        return redirect("/h5/me", 303)

    @blueprint.get("/me/erase")
    def sure() -> str | Response:
        return render_template("h5/erase.html") if browser.openid else redirect("/h5/sign-in?to=/h5/me", 303)

    @blueprint.post("/me/erase")
    def erase() -> str | Response:
        if not browser.openid:
            return redirect("/h5/sign-in?to=/h5/me", 303)
        with parts.store.writing() as connection:
            holder.forget(connection, browser.openid, None, parts.clock.now())
        return render_template("h5/erased.html")


def _page(parts: Parts, house: House, browser: Browser, fault: str = "") -> str:
    now = parts.clock.now()
    with parts.store.reading() as connection:
        entries = entry.of(connection, browser.openid, 200)
        numbers = list(dict.fromkeys(one.edition_id for one in entries))
        seen = [_part(connection, house, number, entries, browser.openid, now) for number in numbers]
        agreed = [one for one in consent.of(connection, browser.openid) if one.withdrawn_at is None]
    return render_template("h5/me.html", parts=[one for one in seen if one], agreed=agreed, fault=fault)


def _part(
    connection: Connection, house: House, number: int, entries: list[entry.Entry], openid: str, now: datetime
) -> Part | None:
    found = edition.get(connection, number)
    if found is None:
        return None
    visit = door.visit(connection, found, openid, now, setting=house.setting)
    receipts = tuple(one.receipt for one in entries if one.edition_id == number and one.receipt)
    told = door.kind_of(found).told(visit)
    unseen = photo.mine(connection, openid, (photo.HIDDEN, photo.BROKEN))
    return Part(
        found,
        told.mine,
        told.steps,
        told.codes,
        receipts,
        tuple(appeal.open_to(visit)),
        tuple(one for one in unseen if one.edition_id == number),
    )
