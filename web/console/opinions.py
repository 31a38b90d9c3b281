"""意见: one opinion, with its name left out, and its answer; whoever wrote it without a name reads that by the code alone."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns import desk as deeds
from campaigns.kind import Impossible
from campaigns.kinds import KINDS
from campaigns.kinds.opinion_staff import WORDS, possible
from models import edition, opinion
from models.base import Connection
from models.edition import Edition
from models.opinion import Opinion
from web.console.desk import Answer, Desk
from web.console.editions import work_of

KIND = "opinion"
LONGEST = 600  # characters of what is written into a deed
AGAIN = "您看的时候，刚有别人办了。请先看看现在是什么样子，再决定要不要做。"
NAMED = "署名的：答复写在本人的“我的”里，微信允许的时候也发给他。"
NAMELESS = "没有署名：我们不知道是谁，答复只有拿着查询码的人看得到；觉得大家都该知道的，可以公开。"


def look(desk: Desk, key: str) -> Answer:
    """An opinion and what can be done with it."""
    with desk.parts.store.writing() as connection:
        one, _ = _seen(connection, key)
        desk.note(connection, "look", f"opinion {one.number}")
    return _page(desk, key)


def _seen(connection: Connection, key: str) -> tuple[Opinion, Edition]:
    one = opinion.get(connection, key) or abort(404)
    return one, edition.get(connection, one.edition_id) or abort(404)


def _page(desk: Desk, key: str, what: str = "", said: Sequence[str] = (), fault: str = "") -> Response:
    with desk.parts.store.reading() as connection:
        one, found = _seen(connection, key)
    page = desk.page(
        "opinion",
        one=one,
        edition=found,
        state=WORDS[one.state],
        about=NAMED if one.openid else NAMELESS,
        deeds=possible(one),
        what=what,
        said=said,
        fault=fault,
    )
    return make_response(page, 409 if fault else 200)


def do(desk: Desk, key: str, what: str) -> Answer:
    """A deed, the same that `campaign do` does; what was typed stays where it cannot be done."""
    said = [key, *([request.form["w1"].strip()[:LONGEST]] if "w1" in request.form else [])]
    try:
        with desk.parts.store.writing() as connection:
            one, found = _seen(connection, key)
            if what not in KINDS[KIND].deeds:
                abort(404)
            if request.form.get("seen", "") != f"{one.state} {one.answer}":
                raise Impossible(AGAIN)
            desk.tell(connection, deeds.do(work_of(desk, connection, found), what, said))
    except Impossible as fault:
        return _page(desk, key, what, said, str(fault))
    return redirect(f"/console/opinion/{key}", 303)
