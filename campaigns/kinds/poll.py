"""投票: candidates with photos, one final ballot for each person and slot, a receipt that proves it counts, results when the rules say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from campaigns import form as forms
from campaigns.kind import Alike, Asked, Finished, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds import poll_count, poll_nominee, poll_posted
from campaigns.kinds.poll_rules import Rules
from campaigns.kinds.poll_staff import DEEDS, files, published, result, tables
from ground.days import SHANGHAI
from models import ballot, candidate, nomination, objection, poll
from models import edition as editions
from models.ballot import Ballot, Cast, New, Spent
from models.base import Connection
from models.candidate import Candidate, Roll
from models.edition import Edition

FIELD = "choices"
TOP = 5
FINAL = "一张票投了就定了，不能改。"
PROVES = "回执只证明您的票算进去了，不写投给谁。"


def opened(connection: Connection, edition: Edition, rules: Rules) -> None:
    """Give a new edition its key and its candidates; their photos follow within seconds."""
    poll.lay(connection, edition.id)
    for line in rules.candidates.lines:
        values = {"name": line.name, "unit": line.unit, "words": line.words, "groups": line.groups}
        candidate.lay(connection, edition.id, line.number, values)


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """Whom to nominate or to vote for, or what became of the vote that was cast."""
    phase = visit.rules.phase(visit.edition.opens_at, visit.now)
    if phase == "nominating":
        return poll_nominee.form(visit)
    if phase == "checking":
        begins = poll_nominee.moment(visit.rules.votes_at(visit.edition.opens_at))
        return Nothing(f"推荐已经截止，工会正在审核，{begins} 开始投票。")
    asked: Asked | Nothing = visit.once_read("form", lambda: _ballot(visit))
    return asked


def _ballot(visit: Visit) -> Asked | Nothing:
    cast = [one for one in _mine_cast(visit) if one.slot == slot(visit)]
    if cast:
        return Nothing(_has_voted(visit, cast[0]))
    rules = visit.rules
    options = _options(_roll(visit).candidates if visit.heard else in_order(visit))
    if len(options) < rules.least:
        return Nothing("现在没有可以选的候选，有疑问请拨 12351。")
    limits = (rules.least, rules.most, chooses(rules))
    if not visit.heard:
        return Asked(_form(options, *limits), recap=rules.most > 1)
    return Asked(
        _same_form(options, *limits),
        recap=rules.most > 1,
        shown=lambda: _form(_options(in_order(visit)), *limits),
    )


def _options(every: Sequence[Candidate]) -> tuple[forms.Option, ...]:
    return tuple((str(one.number), one.name) for one in every if one.stands)


def _form(options: tuple[forms.Option, ...], least: int, most: int, how_many: str) -> type[forms.Form]:
    if most == 1:
        field = forms.one("投给谁", options, f"回复编号或者名字就投出去。{FINAL}")
    else:
        field = forms.several("投给谁", options, least, min(most, len(options)), f"{how_many}。{FINAL}")
    return forms.form_of({FIELD: field})


_same_form = lru_cache(maxsize=32)(_form)  # of those who answer, whatever order each was shown


def _roll(visit: Visit) -> Roll:
    read: Roll = visit.once_read("roll", lambda: candidate.with_poll(visit.connection, visit.edition.id))
    return read


def _mine_cast(visit: Visit) -> Sequence[Ballot]:
    """This person's ballots, the newest first."""
    if not visit.openid:
        return ()
    read: Sequence[Ballot] = visit.once_read(
        "ballots", lambda: ballot.of_person(visit.connection, _roll(visit).poll, visit.openid)
    )
    return read


def slot(visit: Visit) -> str:
    """What a person has one ballot for: the day of Shanghai, or the whole edition."""
    return f"{visit.now.astimezone(SHANGHAI):%Y-%m-%d}" if visit.rules.every == "day" else ""


def in_order(visit: Visit) -> Sequence[Candidate]:
    """By number, or in an order that is drawn for each person, who always sees the same one."""
    read: Sequence[Candidate] = visit.once_read("order", lambda: _ordered(visit))
    return read


def _ordered(visit: Visit) -> Sequence[Candidate]:
    every = _roll(visit).candidates
    if visit.rules.order == "fixed":
        return every
    whose = visit.openid or f"{visit.now:%Y%m%d%H}"  # who is not signed in sees another order each hour
    return sorted(every, key=lambda one: _drawn(f"{visit.edition.id} {whose} {one.number}"))


def _drawn(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def chooses(rules: Rules) -> str:
    """How many may be chosen at once."""
    if rules.least == rules.most:
        return f"每次选 {rules.most} 个"
    return f"每次选 {rules.least} 到 {rules.most} 个"


def _has_voted(visit: Visit, one: Ballot | Cast) -> str:
    again = "明天还可以再投。" if visit.rules.every == "day" else ""
    day = "今天" if visit.rules.every == "day" else ""
    return f"您{day}已经投过票了，{moment(one.received_at)} 收到，回执 {one.receipt}。{again}"


def moment(at: datetime) -> str:
    """2月6日 10:00:07"""
    here = at.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 {here:%H:%M:%S}"


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """The ballot, where a second one gets the first one's words; a nomination; an objection."""
    if "objection" in answers:
        return poll_posted.take(visit, answers)
    if FIELD not in answers:
        return poll_nominee.take(visit, answers)
    given = answers[FIELD]
    choices = sorted({int(number) for number in ([given] if isinstance(given, str) else given)})
    found = _roll(visit).poll
    new = New(
        visit.openid, slot(visit), choices, visit.now, visit.address, visit.rules.in_all, visit.rules.for_one
    )
    try:
        cast = ballot.cast(visit.connection, found, new, _mine_cast(visit), visit.batch)
    except Spent as limit:
        return Refused(_spent(visit, limit))
    visit.read.clear()  # it is not so any more
    if not cast.is_new:
        return Refused(_has_voted(visit, cast))
    again = "明天还可以再投。" if visit.rules.every == "day" else ""
    words = f"投好了！{moment(cast.received_at)} 收到，回执 {cast.receipt}。{PROVES}{again}"
    return Taken(words, receipt=cast.receipt)


def _spent(visit: Visit, limit: Spent) -> str:
    if limit.number is None:
        return f"这次活动每人最多投 {visit.rules.in_all} 次，您已经投满了，谢谢您！"
    return f"每人最多给同一个候选投 {visit.rules.for_one} 次，{limit.number} 号您已经投满了，请选别的。"


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The rules, the candidates, and the result once the rules let it be seen; and this person's receipts."""
    found = _roll(visit).poll
    mine = _mine_cast(visit)
    is_over = visit.edition.state != editions.OPEN
    places = result(visit.connection, visit.edition, visit.rules) if is_over else []
    every = {one.number: one for one in in_order(visit)}
    if places:
        order = [one.number for one in places] + [number for number, one in every.items() if not one.stands]
        notes = {one.number: f"第 {one.place} 名 · {one.given[0]} 票" for one in places}
    else:
        order = list(every)
        shown = visit.rules.shows == "now"
        notes = {number: f"{found.so_far.get(number, 0)} 票" for number in every} if shown else {}
    may = bool(visit.openid) and _is_voting(visit) and all(one.slot != slot(visit) for one in mine)
    offers = tuple(_offer(every[number], notes.get(number, ""), may=may) for number in order)
    words = poll_count.words(visit.connection, visit.edition, visit.rules, found, len(every))
    return Told(words, _mine(visit, mine), offers)


def alike(visit: Visit) -> Alike | None:
    """The page of whoever may vote and has not: alike but for the order of the candidates."""
    is_open = visit.edition.state == editions.OPEN and _is_voting(visit)
    if not is_open or visit.rules.nominate or not visit.openid or _mine_cast(visit):
        return None
    return Alike(_roll(visit).version, tuple(str(one.number) for one in in_order(visit)))


def _is_voting(visit: Visit) -> bool:
    is_on = visit.edition.takes(visit.now)
    return is_on and bool(visit.rules.phase(visit.edition.opens_at, visit.now) == "voting")


def _offer(one: Candidate, note: str, *, may: bool) -> Offer:
    can = may and one.stands
    pieces = [one.unit, note if one.stands else f"已经退出：{one.reason}"]
    return Offer(
        one.name,
        "投票" if can else "",
        {FIELD: str(one.number)} if can else {},
        str(one.number),
        " · ".join(piece for piece in pieces if piece),
        one.words,
        f"/h5/photo/{one.photo}/small" if one.photo else "",
    )


def _mine(visit: Visit, mine: Sequence[Ballot]) -> tuple[str, ...]:
    """When this person voted, never for whom: who could show that could sell it."""
    void = ballot.why_annulled(visit.connection, [one.id for one in mine]) if mine else {}
    voted = tuple(
        f"{moment(one.received_at)} 投了票，回执 {one.receipt}"
        + (f"，这张票作废了：{void[one.id]}" if one.id in void else "")
        for one in mine
    )
    return voted + (poll_nominee.mine(visit) if visit.rules.nominate and visit.openid else ())


def gathered(
    connection: Connection, edition: Edition, rules: Rules, openids: Sequence[str], now: datetime
) -> Mapping[str, dict[str, Any]]:
    """The candidates, and everybody's ballots, where nothing but its slot limits one."""
    if rules.in_all or rules.for_one or rules.phase(edition.opens_at, now) != "voting":
        return {}
    roll = candidate.with_poll(connection, edition.id)
    every = ballot.of_people(connection, roll.poll, openids)
    return {openid: {"roll": roll, "ballots": mine} for openid, mine in every.items()}


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing more here: a million ballots are sealed and counted a portion at a time, by `tended`."""


def waiting_since(connection: Connection, edition_id: int) -> datetime | None:
    """Since when a nomination or an objection waits for the staff."""
    looks = (nomination.waiting_since, objection.waiting_since)
    return min((at for look in looks if (at := look(connection, edition_id)) is not None), default=None)


KIND = Kind(
    "投票", Rules, form, take, told, tables, ended, DEEDS, waiting_since,
    opened=opened, late=poll_posted.late, tended=poll_count.tended, files=files, result=published, alike=alike, gathered=gathered,
    finished=Finished("人投了票", ballot.voters),
)  # fmt: skip
