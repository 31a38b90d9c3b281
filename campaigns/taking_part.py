"""What both doors do alike: find the edition that is on, ask, check, let the kind take it, and give a repeat the first words.

Open or closed is judged by the clock inside the caller's transaction; a job only writes down what the clock has decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from campaigns import form as forms
from campaigns.campaign import Campaign
from campaigns.form import Consent
from campaigns.kind import Asked, Kind, Nothing, Refused, Setting, Taken, Visit, rules_of
from campaigns.kinds import KINDS
from ground.days import moment
from models import consent, draft, edition, entry, photo
from models.base import Connection
from models.edition import Edition, Opening
from models.sealed import can_seal

NOT_YET = "还没有开始。"
NO_KEY = "这一项暂时收不了：个人信息的保护还没有设置好，为了您的安全先不收。急事请拨打 12351。"
NO_SETTING = Setting()
NO_PHOTO = "这张照片不在了，请再传一次。"


class Repeated(Exception):
    """The same was sent twice at the same moment: roll back, and ask `known` for the first words."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """What is wrong with the answers, by field."""

    faults: dict[str, str]


def joinable(campaigns: Iterable[Campaign]) -> list[Campaign]:
    """Those in which workers can take part: their kind is known and they say its rules."""
    return [one for one in campaigns if one.kind in KINDS and one.rules is not None]


def current(connection: Connection, campaign: Campaign, now: datetime, *, live: bool) -> Edition | None:
    """The campaign's edition that is on now, opened when nobody has opened it yet; None between editions.

    While the account is not live, the edition is the testers'; `may` says who they are.
    """
    found = edition.latest(connection, campaign.id)
    if found is not None and found.takes(now) and (found.live or not live):
        return found
    period = campaign.period(now)
    if period is None or campaign.rules is None or campaign.kind not in KINDS:
        return None
    rules = campaign.rules.model_dump(mode="json", by_alias=True)
    opening = Opening(campaign.id, campaign.kind, campaign.title, *period, rules, live)
    opened = edition.open_anew(connection, opening, now)
    if opened is None or not opened.takes(now):
        return None
    KINDS[campaign.kind].opened(connection, opened, campaign.rules)
    return opened


def standing(connection: Connection, campaign: Campaign, now: datetime, *, live: bool) -> Edition | None:
    """The edition that is on, or else the last one, to be looked at."""
    return current(connection, campaign, now, live=live) or edition.latest(connection, campaign.id)


def kind_of(found: Edition) -> Kind:
    """The edition's kind."""
    return KINDS[found.kind]


def visit(
    connection: Connection,
    found: Edition,
    openid: str,
    now: datetime,
    sensitive: tuple[str, ...] = (),
    setting: Setting = NO_SETTING,
) -> Visit:
    """This person at this edition."""
    rules = rules_of(kind_of(found), found)
    return Visit(connection, found, rules, openid, now, sensitive=sensitive, setting=setting)


def asks(visit: Visit) -> Asked | Nothing:
    """What is asked of this person now, or why nothing is."""
    if not visit.edition.takes(visit.now):
        return kind_of(visit.edition).late(visit) or Nothing(over(visit.edition, visit.now))
    if kind_of(visit.edition).personal and not can_seal(visit.connection):
        return Nothing(NO_KEY)
    return kind_of(visit.edition).form(visit)


def take(visit: Visit) -> Taken | Refused | Faulty | Nothing:
    """Let what was said count: checked as a whole, once, with the consents that were given. Raises Repeated."""
    asked = asks(visit)
    if isinstance(asked, Nothing):
        return asked
    filled = forms.bound(asked.form, visit.said)
    if faults := forms.faults_in(filled) or _lost(visit, filled):
        return Faulty(faults)
    taken = kind_of(visit.edition).take(visit, filled.data)
    if isinstance(taken, Refused):
        return taken
    _note(visit, filled, taken)
    return taken


def _lost(visit: Visit, filled: forms.Form) -> dict[str, str]:
    """The photos that are not this person's, or broke meanwhile."""
    keys = {field.name: field.data for field in forms.photos(filled) if field.data}
    there = photo.of(visit.connection, keys.values()) if keys else {}
    mine = {
        key
        for key, one in there.items()
        if one.openid == visit.openid and one.edition_id == visit.edition.id and one.state != photo.BROKEN
    }
    return {name: NO_PHOTO for name, key in keys.items() if key not in mine}


def _note(visit: Visit, filled: forms.Form, taken: Taken) -> None:
    new = entry.New(
        visit.edition.id,
        visit.openid,
        visit.once,
        visit.door,
        visit.now,
        taken.words,
        taken.number,
        taken.receipt,
    )
    if not entry.write(visit.connection, new, visit.batch):
        raise Repeated
    for field in forms.photos(filled):
        photo.send(visit.connection, visit.edition.id, visit.openid, field.data, visit.now)
    for name, field in filled._fields.items():
        if isinstance(field, Consent):
            version = f"{name}:{field.version}"
            consent.give(visit.connection, visit.openid, visit.edition.id, version, visit.now)


def known(connection: Connection, edition_id: int, openid: str, once: str) -> str | None:
    """The words of what was sent before under this name."""
    found = entry.known(connection, edition_id, openid, once)
    return found.told if found else None


def keep(visit: Visit) -> None:
    """Keep what was said so far."""
    kept = draft.Draft(visit.said, visit.once, visit.now)
    draft.keep(visit.connection, visit.openid, visit.edition.id, kept)


def over(found: Edition, now: datetime) -> str:
    """Why nobody can take part now."""
    if now < found.opens_at:
        return f"{NOT_YET}{moment(found.opens_at)} 开始。"
    return f"“{found.title}”已经在 {moment(found.closes_at)} 结束了，谢谢您。"


def left(found: Edition, now: datetime) -> str:
    """How long it goes on."""
    rest = found.closes_at - now
    if rest.total_seconds() <= 0:
        return "已经结束"
    if rest.days >= 1:
        return f"还有 {rest.days} 天"
    hours = int(rest.total_seconds() // 3600)
    return f"还有 {hours} 小时" if hours else "马上就要结束"


def may(openid: str, *, live: bool, testers: Collection[str]) -> bool:
    """Whether this person may take part: everybody once the account is live, testers before."""
    return live or openid in testers
