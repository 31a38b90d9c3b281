"""签到和发放: the page for the door of a sign-up. A keyboard scanner types a code into its field and lets somebody in; a phone's camera
opens it with the code; names and numbers are looked for; goods are handed over with a proof, and each step is undone here too."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns import desk as deeds
from campaigns import taking_part as door
from campaigns.kind import Impossible, Work, rules_of
from campaigns.kinds import sign_up_goods as goods
from campaigns.kinds.sign_up_tables import PROOFS, STATES
from ground import photo as photos
from ground.text import masked_digits, masked_name
from models import edition, handout, photo, sign_up, slot, stock
from models.base import Connection
from models.edition import Edition
from models.handout import DRAWN, PHOTO, SELF, TYPED, Handout
from models.sign_up import SignUp
from web.console.desk import Answer, Desk
from web.console.editions import work_of
from web.h5 import photo as sent

KIND = "sign-up"
LONGEST = 200  # of what is looked for: a scanner types an address
LONGEST_NAME = 20
MOST_DRAWN = 400_000  # characters of a drawn signature
DATA = "data:image/png;base64,"
DEEDS = ("come", "not-come", "take-back")


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody at the door, and what they have got."""

    one: SignUp
    slot: slot.Slot
    got: Mapping[str, Handout]

    @property
    def state(self) -> str:
        """As the staff read it."""
        return STATES[self.one.state]

    @property
    def name(self) -> str:
        """With stars."""
        return masked_name(self.one.name)

    def took(self, got: Handout) -> str:
        """Who took it for them, with stars."""
        return masked_name(got.proxy)

    @property
    def phone(self) -> str:
        """With stars."""
        return masked_digits(self.one.phone)


def look(desk: Desk, number: int) -> Answer:
    """The field, and whoever has the code or number of the address. Looking changes nothing; a name stands in no address."""
    wanted = request.args.get("q", "").strip()[:LONGEST]
    known = sign_up.code_in(wanted) or sign_up.id_of(wanted)
    return _page(desk, number, wanted if known else "")


def _page(desk: Desk, number: int, wanted: str, fault: str = "") -> Response:
    with desk.parts.store.reading() as connection:
        found = _edition(connection, number)
        slots = {one.id: one for one in slot.of_edition(connection, number)}
        people = [
            Found(
                one, slots[one.slot_id], {each.item: each for each in handout.of_sign_up(connection, one.id)}
            )
            for one in _people(connection, number, wanted)
        ]
        came, left = sign_up.came(connection, number), stock.balances(connection, number)
    if any(each.one.name or each.one.phone for each in people):
        with desk.parts.store.writing() as connection:
            numbers = {"编号": "、".join(each.one.number for each in people)}
            desk.note(connection, "look up", deeds.thing(found), **numbers)
    page = desk.page(
        "check-in",
        edition=found,
        items=rules_of(door.kind_of(found), found).items,
        slots=list(slots.values()),
        came=came,
        left=left,
        people=people,
        wanted=wanted,
        shown="" if sign_up.code_in(wanted) else wanted,
        fault=fault,
        said=request.form,
        proofs=PROOFS,
    )
    return make_response(page, 409 if fault else 200)


def _edition(connection: Connection, number: int) -> Edition:
    found = edition.get(connection, number)
    return found if found is not None and found.kind == KIND else abort(404)


def _people(connection: Connection, number: int, wanted: str) -> list[SignUp]:
    """By code or number one, by name or the end of a telephone number perhaps some."""
    code = sign_up.code_in(wanted)
    one = sign_up.by_code(connection, code) if code else None
    one = one or sign_up.get(connection, sign_up.id_of(wanted) or 0)
    if one is not None:
        return [one] if one.edition_id == number else []
    return sign_up.named(connection, number, wanted) if wanted else []


def scan(desk: Desk, number: int) -> Answer:
    """What was typed into the field: a code lets somebody in at once, all else is looked for."""
    wanted = request.form.get("q", "").strip()[:LONGEST]
    if sign_up.code_in(wanted) is None:
        return _page(desk, number, wanted)
    return _done(desk, number, wanted, "come", [wanted])


def do(desk: Desk, number: int, what: str) -> Answer:
    """One of the deeds at the door, as `campaign do` does it; what cannot be done is said above the person."""
    if what not in DEEDS:
        abort(404)
    who = request.form.get("number", "")[:LONGEST]
    more = [
        request.form.get(name, "").strip()[:LONGEST] for name in ("item", "reason") if name in request.form
    ]
    return _done(desk, number, who, what, [who, *more])


def _done(desk: Desk, number: int, who: str, what: str, words: list[str]) -> Answer:
    try:
        with desk.parts.store.writing() as connection:
            work = work_of(desk, connection, _edition(connection, number))
            shown = goods.found(work, who).number
            desk.tell(connection, deeds.do(work, what, [shown, *words[1:]]))
    except Impossible as fault:
        return _page(desk, number, who, str(fault))
    return redirect(_back(number, shown), 303)


def give(desk: Desk, number: int) -> Answer:
    """Hand goods to the person, or to a proxy with a proof."""
    who, title = (request.form.get(name, "")[:LONGEST] for name in ("number", "item"))
    proxy = request.form.get("proxy", "").strip()[:LONGEST_NAME]
    came = sent.sent()  # read before the transaction begins: a large photo takes a second
    try:
        if came.faults:
            raise Impossible(next(iter(came.faults.values())))
        drawn = _drawn(request.form.get("drawn", ""))
        with desk.parts.store.writing() as connection:
            work = work_of(desk, connection, _edition(connection, number))
            one, item = goods.found(work, who), goods.item_of(work, title)
            proof, read = _proof(drawn, came.read.get("photo"))
            signed = request.form.get("signed", "").strip()[:LONGEST_NAME]
            proof = TYPED if proof == SELF and signed else proof
            key = _kept(work, read)
            told = goods.hand_over(work, one, item, proxy=proxy, proof=proof, signed=signed, photo=key)
            details = {
                "编号": one.number,
                "物资": item.title,
                "谁领的": "代领" if proxy else "本人",
                "凭据": PROOFS[proof],
            }
            desk.note(connection, "give", deeds.thing(work.edition), **details)
            desk.tell(connection, told)
    except Impossible as fault:
        return _page(desk, number, who, str(fault))
    return redirect(_back(number, one.number), 303)


def _drawn(text: str) -> photos.Photo | None:
    """A signature that was drawn on the page. Raises Impossible where it is none."""
    if not text:
        return None
    try:
        if not text.startswith(DATA) or len(text) > MOST_DRAWN:
            raise photos.NoPhoto("这不是页面上写的签名")
        return photos.read(base64.b64decode(text.removeprefix(DATA), validate=True))
    except (photos.NoPhoto, binascii.Error) as fault:
        raise Impossible("手写的签名没有传好，请再写一次，或者写姓名、拍照片。") from fault


def _proof(drawn: photos.Photo | None, taken: photos.Photo | None) -> tuple[str, photos.Photo | None]:
    if drawn is not None:
        return DRAWN, drawn
    return (PHOTO, taken) if taken is not None else (SELF, None)


def _kept(work: Work, read: photos.Photo | None) -> str | None:
    """The key under which the proof is kept, for the staff only."""
    return photo.add(work.connection, work.edition.id, None, read, photo.PROOF, work.now) if read else None


def proof(desk: Desk, number: int, handout_id: int) -> Answer:
    """The signature or photo of a hand-out; that it was looked at is written down."""
    with desk.parts.store.writing() as connection:
        found = _edition(connection, number)
        one = next((each for each in handout.of_edition(connection, number) if each.id == handout_id), None)
        kept = photo.get(connection, one.photo) if one and one.photo else None
        data = photo.data(connection, kept.id, "large") if kept else None
        if one is None or data is None:
            abort(404)
        desk.note(connection, "look at proof", deeds.thing(found), 编号=f"B{one.sign_up_id}", 物资=one.item)
    answer = make_response(data)
    answer.headers["Content-Type"] = "image/jpeg"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _back(number: int, wanted: str) -> str:
    return f"/console/check-in/{number}?q={quote(wanted)}"
