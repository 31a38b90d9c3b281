"""The page of whoever was nominated: what is written of them, to agree to, to put right, or to withdraw from.

Its address holds a secret that leads to this one nomination and to nothing else: it signs nobody in, and opening it changes nothing.
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from campaigns.kinds import poll_nominee
from models import edition, nomination
from models.base import Connection
from models.edition import Edition
from models.nomination import Nomination
from web.parts import Parts


def pages(blueprint: Blueprint, parts: Parts) -> None:
    """`/h5/nominee/SECRET`."""

    @blueprint.get("/nominee/<secret>")
    def nominee(secret: str) -> str:
        with parts.store.reading() as connection:
            one, found = _found(connection, secret)
        return _page(secret, one, found, "")

    @blueprint.post("/nominee/<secret>")
    def nominee_decides(secret: str) -> str:
        with parts.store.writing() as connection:
            one, found = _found(connection, secret)
            deed = request.form.get("deed", "")
            told = poll_nominee.answer(connection, one, deed, request.form, parts.clock.now())
            one, found = _found(connection, secret)
        return _page(secret, one, found, told)


def _found(connection: Connection, secret: str) -> tuple[Nomination, Edition]:
    one = nomination.by_link(connection, secret[:64]) or abort(404)
    return one, edition.get(connection, one.edition_id) or abort(404)


def _page(secret: str, one: Nomination, found: Edition, told: str) -> str:
    return render_template(
        "h5/nominee.html",
        secret=secret,
        one=one,
        edition=found,
        told=told,
        state=poll_nominee.STATES[one.state],
        agrees=poll_nominee.AGREES,
        longest=poll_nominee.LONGEST,
        may_confirm=one.state in nomination.OPEN,
        may_leave=one.state in (*nomination.OPEN, nomination.ACCEPTED) and found.state == edition.OPEN,
    )
