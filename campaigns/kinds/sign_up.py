"""报名: a seat in a slot, or a place on its waiting list; given back, offered on, and opened at the door by a code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds.sign_up_line import settle, tended
from campaigns.kinds.sign_up_rules import Rules
from campaigns.kinds.sign_up_staff import DEEDS
from campaigns.kinds.sign_up_tables import STATES, result, tables
from ground.days import moment
from models import entry, handout, sign_up, slot, stock
from models.base import Connection
from models.edition import Edition
from models.sign_up import CANCELLED, CONFIRMED, OFFERED, WAITING, New, SignUp, spaced
from models.slot import Slot

MAKE, ACCEPT, CANCEL = "make", "accept", "cancel"
FULL = "名额和候补都满了。"


# --- what is asked -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Now:
    """The slots, this person's sign-ups, and what they may do with which."""

    slots: Sequence[Slot]
    mine: Sequence[SignUp]
    open: Sequence[Slot]
    offered: Sequence[SignUp]
    standing: Sequence[SignUp]


def _now(visit: Visit) -> _Now:
    slots = slot.of_edition(visit.connection, visit.edition.id)
    begins = {one.id: one.begins_at for one in slots}
    mine = sign_up.of_person(visit.connection, visit.edition.id, visit.openid) if visit.openid else []
    going = [one for one in mine if one.stands and one.came_at is None and visit.now < begins[one.slot_id]]
    held = {one.slot_id for one in mine if one.stands}
    is_open = [] if len(held) >= visit.rules.slots_each or not visit.edition.takes(visit.now) else [
        one for one in slots if one.id not in held and visit.now < one.begins_at and (one.free or one.may_wait(visit.now))
    ]  # fmt: skip
    offered = [one for one in going if one.state == OFFERED and one.until and visit.now < one.until]
    return _Now(slots, mine, is_open, offered, going)


def form(visit: Visit) -> Asked | Nothing:
    """Which slot and how many seats; or which offer to take, which sign-up to give back."""
    here = _now(visit)
    may = [
        *([(ACCEPT, "要这个名额")] if here.offered else []),
        *([(MAKE, "报名参加")] if here.open else []),
        *([(CANCEL, "取消报名，把名额让出来")] if here.standing else []),
    ]
    if not may:
        return Nothing(_closed(here))
    fields: dict[str, Any] = {}
    if may != [(MAKE, "报名参加")]:
        fields["what"] = forms.one("您想做什么", may)
    what = visit.said.get("what", "") if fields else MAKE
    if what == MAKE and here.open:
        _new(visit, here, fields)
    elif what in (ACCEPT, CANCEL):
        titles = {one.id: one.title for one in here.slots}
        every = here.offered if what == ACCEPT else here.standing
        options = [(one.number, f"{one.number} {titles[one.slot_id]}") for one in every]
        fields["number"] = forms.one("是哪一个", options)
    return Asked(forms.form_of(fields))


def _closed(here: _Now) -> str:
    """Why nobody can sign up now."""
    if any(one.stands for one in here.mine):
        return "您已经报上了，回复“我的”看报名和签到码。"
    return FULL if here.slots else "还没有可以报名的场次。"


def _new(visit: Visit, here: _Now, fields: dict[str, Any]) -> None:
    rules: Rules = visit.rules
    fields["slot"] = forms.one(
        "报哪一场", [(str(one.number), f"{_when(one)}（{_room(one)}）") for one in here.open]
    )
    if rules.seats_each > 1:
        seats = [(str(number), f"{number} 人") for number in range(1, rules.seats_each + 1)]
        fields["seats"] = forms.one("一共几个人，连您自己", seats)
    if rules.names or rules.phones:
        what = "和".join(word for word, asked in (("姓名", rules.names), ("手机号", rules.phones)) if asked)
        fields["consent"] = forms.consent(
            f"您的{what}只在签到、发放和有变动找您时用，活动结束 {rules.keep_days} 天后删掉；也可以随时在“我的”里删除。"
        )
    if rules.names:
        fields["name"] = forms.name()
    if rules.phones:
        fields["phone"] = forms.phone()


def _when(one: Slot) -> str:
    return "，".join(piece for piece in (one.title, moment(one.begins_at), one.place) if piece)


def _room(one: Slot) -> str:
    """How much room there is."""
    if one.free:
        return f"还有 {one.free} 个名额"
    return f"满了，可以候补，前面 {one.waiting} 人" if one.waiting < one.most_waiting else "满了"


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """A seat, a place on the waiting list, or the end of either."""
    what = str(answers.get("what") or MAKE)
    if what == MAKE:
        return _make(visit, answers)
    found = sign_up.get(visit.connection, sign_up.id_of(str(answers["number"])) or 0)
    if found is None or found.openid != visit.openid or found.edition_id != visit.edition.id:
        return Refused("没有找到这个报名。")
    here = slot.hold(visit.connection, found.slot_id)
    one = sign_up.get(visit.connection, found.id) or found  # as it stands now that nobody else changes it
    return _accept(visit, here, one) if what == ACCEPT else _cancel(visit, here, one)


def _make(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    rules: Rules = visit.rules
    chosen = next(one for one in _now(visit).open if str(one.number) == str(answers["slot"]))
    seats = int(answers.get("seats") or 1)
    here, state = chosen, CONFIRMED
    # where nobody waits nothing is to be worked out, and one statement takes the seats: the row is held for a shorter time
    if chosen.waiting or not slot.change(visit.connection, chosen.id, seats=seats):
        here = settle(visit.connection, visit.edition, rules, chosen.id, visit.now)
        state = CONFIRMED if slot.change(visit.connection, here.id, seats=seats) else WAITING
    if state == WAITING and not slot.change(visit.connection, here.id, waiting=1):
        return Refused(f"“{here.title}”{FULL}您可以看看别的场次，或者过几天再来看有没有人让出来。")
    new = New(
        visit.edition.id, here.id, visit.openid, seats, str(answers.get("name") or ""), str(answers.get("phone") or ""),
        rules.slots_each,
    )  # fmt: skip
    one = sign_up.make(visit.connection, new, state, visit.now)
    if one is None:
        undo = {"seats": -seats} if state == CONFIRMED else {"waiting": -1}
        slot.change(visit.connection, here.id, **undo)
        return Refused("您已经报过这一场了。")
    if state == CONFIRMED:
        return Taken(f"报上了！您的报名是 {one.number}，{_when(here)}。{_shows(one)}", one.number)
    place = sign_up.ahead(visit.connection, one) + 1
    return Taken(
        f"“{here.title}”满了，您的报名是 {one.number}，候补第 {place} 位。有人让出来会按先后留给您，保留 {rules.offer_hours} 小时；"
        f"微信只让我们在您说话后的 48 小时里先开口，过后请常回复“{one.number} 查看”。",
        one.number,
    )


def _shows(one: SignUp) -> str:
    return (
        f"到场时给工作人员看签到码 {spaced(one.code)}（在“我的”里也有）；来不了，请早点取消，把名额让给别人。"
    )


def _accept(visit: Visit, here: Slot, one: SignUp) -> Taken | Refused:
    in_time = one.state == OFFERED and one.until is not None and visit.now < one.until
    if not in_time or not sign_up.move(visit.connection, one, CONFIRMED, visit.now):
        return Refused(f"{one.number} 保留的时间过了，名额已经让给下一位。")
    return Taken(f"名额是您的了！{one.number}，{_when(here)}。{_shows(one)}", one.number)


def _cancel(visit: Visit, here: Slot, one: SignUp) -> Taken | Refused:
    if handout.of_sign_up(visit.connection, one.id) or visit.now >= here.begins_at:
        return Refused(f"{one.number} 已经开始了，或者已经领过东西，不能再取消。")
    if not one.stands or not sign_up.move(visit.connection, one, CANCELLED, visit.now):
        return Refused(f"{one.number} 现在是“{STATES[one.state]}”，不用取消。")
    settle(visit.connection, visit.edition, visit.rules, one.slot_id, visit.now)
    return Taken(f"{one.number} 取消了，名额让给别人。谢谢您提前说一声！", one.number)


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The slots with their room, and this person's own sign-ups with their codes."""
    here = _now(visit)
    open_ids = {one.id for one in here.open} if visit.openid else set()
    held = {one.slot_id for one in here.mine if one.stands}
    offers = tuple(
        Offer(
            _when(one), "报名" if one.id in open_ids else "", _said(here, one), str(one.number),
            _room(one) if visit.now < one.begins_at else "已经开始", chosen=one.id in held,
        )
        for one in here.slots
    )  # fmt: skip
    titles = {one.id: one for one in here.slots}
    lines = {one.number: _line(visit, one, titles[one.slot_id]) for one in here.mine}
    codes = {one.number: one.code for one in here.mine if one.state == CONFIRMED and one.came_at is None}
    places, used = (sum(getattr(one, name) for one in here.slots) for name in ("places", "used"))
    return Told(f"一共 {places} 个名额，已经报了 {used} 个。", tuple(lines.values()), offers, codes=codes)


def _said(here: _Now, one: Slot) -> dict[str, str]:
    """What the button of a slot says: the answer to the first question too, where one is asked."""
    said = {"slot": str(one.number)}
    return {"what": MAKE, **said} if here.standing else said


def _line(visit: Visit, one: SignUp, here: Slot) -> str:
    seats = f"{one.seats} 人，" if one.seats > 1 else ""
    got = "、".join(
        f"{each.item} {each.quantity} 份" for each in handout.of_sign_up(visit.connection, one.id)
    )
    gone = visit.now >= here.begins_at
    if one.state == CONFIRMED:
        code = f"，签到码 {spaced(one.code)}" if one.came_at is None else "，已经签到"
        how = "；来不了，回复“报名”选“取消报名”" if not gone and one.came_at is None else ""
        return f"{one.number} {_when(here)}，{seats}报上了{code}{f'，领了 {got}' if got else ''}{how}"
    if one.state == OFFERED and one.until and visit.now < one.until:
        return f"{one.number} {_when(here)}，{seats}有空位了，给您留到 {moment(one.until)}，回复“报名”选“要这个名额”"
    if one.state == WAITING and not gone:
        place = sign_up.ahead(visit.connection, one) + 1
        return f"{one.number} {_when(here)}，{seats}候补第 {place} 位；不等了，回复“报名”选“取消报名”"
    state = "没有排到" if one.state == WAITING else STATES["lapsed" if one.state == OFFERED else one.state]
    return f"{one.number} {_when(here)}，{seats}{state}"


# --- by the clock ------------------------------------------------------------------------------------------------


def opened(connection: Connection, edition: Edition, rules: Rules) -> None:
    """Lay the slots and the goods of a new edition."""
    for number, one in enumerate(rules.slots, 1):
        values = {
            "title": one.title, "place": one.place, "begins_at": one.begins_at(edition), "places": one.places,
            "most_waiting": one.waiting,
        }  # fmt: skip
        slot.lay(connection, edition.id, number, values)
    for item in rules.items:
        stock.lay(connection, edition.id, item.title, item.stock, edition.opens_at)


def late(visit: Visit) -> Asked | Nothing | None:
    """After the end whoever has a place may still give it back, and whoever is offered one may take it, until the slot begins."""
    asked = form(visit)
    return asked if isinstance(asked, Asked) else None


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing: a slot may begin later, and its waiting list goes on until then."""


KIND = Kind(
    "报名", Rules, form, take, told, tables, ended, DEEDS, opened=opened, late=late, tended=tended, result=result,
    personal=True,
    finished=Finished("人报过名", entry.people),
)  # fmt: skip
