"""The waiting list of a slot: whose offer has lapsed, who is offered a free seat next, and what each of them is told.

It is worked out from the rows alone, by whoever holds the slot: the worker every few seconds, or somebody who comes. When everything was
down at the hour at which an offer lapsed, the first round afterwards finds it lapsed and offers the seat to the next, who has the
whole time from then on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.kind import Setting
from campaigns.kinds.sign_up_rules import Rules
from ground.days import moment
from models import edition as editions
from models import handout, notice, photo, sign_up, slot
from models.base import Connection, Store
from models.edition import Edition
from models.sign_up import LAPSED, OFFERED, SignUp
from models.slot import Slot

GRACE = timedelta(minutes=1)  # what was said in time may be handled a little later


def settle(connection: Connection, edition: Edition, rules: Rules, slot_id: int, now: datetime) -> Slot:
    """Hold the slot, let offers lapse and make new ones; how it stands then."""
    here = slot.hold(connection, slot_id)
    for one in sign_up.overdue(connection, slot_id, now - GRACE):
        if sign_up.move(connection, one, LAPSED, now):
            words = (
                f"{one.number} 的名额保留到了 {moment(one.until or now)}，没有等到您的确认，已经让给下一位。"
            )
            tell(connection, edition, "lapse", one, words, now)
    here = slot.get(connection, slot_id)
    while here.waiting and now < here.begins_at:
        following = sign_up.next_in_line(connection, slot_id, here.free)
        until = min(now + timedelta(hours=rules.offer_hours), here.begins_at)
        if following is None or not sign_up.move(connection, following, OFFERED, now, until):
            break
        words = (
            f"“{here.title}”有空位了，给您留到 {moment(until)}。要的话，回复“报名”，"
            "选“要这个名额”；到时候没有确认就让给下一位。"
        )
        tell(connection, edition, "offer", following, words, now)
        here = slot.get(connection, slot_id)
    return here


def tell(connection: Connection, edition: Edition, deed: str, one: SignUp, words: str, now: datetime) -> None:
    """Owe these words to whoever signed up; where WeChat lets us no more, they read it in 我的."""
    people = [one.openid] if one.openid else []
    text = f"【{edition.title}】{words}"
    notice.tell(connection, f"{edition.campaign}/{deed}:{one.number}", text, people, now)


def tended(store: Store, edition: Edition, rules: Rules, now: datetime, setting: Setting) -> None:
    """What has come due, slot by slot; and names and proofs whose time of keeping is over."""
    with store.reading() as connection:
        due = sign_up.unsettled(connection, edition.id, now - GRACE, now)
    for slot_id in due:
        with store.writing() as connection:
            found = editions.get(connection, edition.id)
            if found is not None:
                settle(connection, found, rules, slot_id, now)
    if now > edition.closes_at + timedelta(days=rules.keep_days):
        _forget(store, edition)


def _forget(store: Store, edition: Edition) -> None:
    with store.reading() as connection:
        if not (sign_up.knows(connection, edition.id) or handout.knows(connection, edition.id)):
            return
    with store.writing() as connection:
        sign_up.hush(connection, edition.id)
        photo.drop(connection, handout.hush(connection, edition.id))
