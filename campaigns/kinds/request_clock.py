"""What the clock does with requests: a passed deadline is told upward once, an answer that nobody objects to becomes final."""

from __future__ import annotations

from datetime import datetime

from campaigns.kind import Setting
from campaigns.kinds.request_rules import Rules, terms_of
from models import alarm, request, step
from models.base import Connection, Store
from models.deadline import life
from models.edition import Edition
from models.request import Request
from models.step import CLOCK, Step

PORTION = 200  # requests in one transaction


def tended(store: Store, edition: Edition, rules: Rules, now: datetime, setting: Setting) -> None:
    """Do what is due, of every year of this campaign."""
    with store.reading() as connection:
        waiting = bool(request.due(connection, edition.campaign, now, 1))
    while waiting:
        with store.writing() as connection:
            ones = request.due(connection, edition.campaign, now, PORTION)
            for one in ones:
                _act(connection, one, setting, now)
        waiting = len(ones) == PORTION
    _alarm(store, edition, now)


def _act(connection: Connection, found: Request, setting: Setting, now: datetime) -> None:
    one = request.hold(connection, found.id)
    if one is None or one.next_at is None or one.next_at > now:
        return
    terms = terms_of(connection, one, setting)
    if one.openid is None and life(step.of(connection, one.id), terms).has_person:
        request.note(connection, one, Step(0, now, CLOCK, step.GONE), terms)
    here = request.recount(connection, one.id, terms)  # the days may have been told anew meanwhile
    if here.overdue(now):
        note = "、".join(deadline.kind for deadline in here.overdue(now))
        request.note(connection, one, Step(0, now, CLOCK, step.ESCALATED, "", "", note), terms)
    elif here.final_at is not None and (here.final_at <= now or not here.has_person):
        request.note(connection, one, Step(0, now, CLOCK, step.CLOSED), terms, phone="")
        if not here.has_person:
            request.hush(connection, [one.id])


def _alarm(store: Store, edition: Edition, now: datetime) -> None:
    """Somebody of the staff learns of what is overdue, while it is."""
    name = f"request {edition.campaign}"
    with store.reading() as connection:
        late = request.overdue(connection, edition.campaign, now)
        stands = alarm.stands(connection, name)
    if bool(late) == stands:
        return
    with store.writing() as connection:
        if late:
            words = (
                f"有 {late} 件诉求超过了期限。请打开工作台的“诉求”，选“超过期限的”，看是哪几件、在哪个部门。"
            )
            alarm.sound(connection, name, words, now)
        else:
            alarm.clear(connection, name, now)
