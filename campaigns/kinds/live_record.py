"""实录: what happens on the spot, written there by colleagues and followed by everybody; and the results as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from campaigns import form as forms
from campaigns.kind import Asked, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds.live_record_staff import DEEDS, clock, result, standing_tables, tables
from campaigns.photo import address
from ground.part import Part
from models import moment, standing
from models.base import Connection
from models.edition import Edition
from models.moment import WITHDRAWN, Amendment, Moment

SHORT = 60  # characters of a moment in the chat
BEST = 3  # of a contest, in the chat


class Rules(Part):
    """`[campaigns.live-record]`: how many moments the chat shows."""

    latest: Annotated[int, Field(ge=1, le=6)] = 3


# --- the chat ----------------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """The latest and the standing; and whether they want to hear of the results."""
    head = "\n".join(latest(visit))
    if visit.openid and moment.follows(visit.connection, visit.edition.id, visit.openid):
        return Nothing(f"{head}\n有成绩出来会告诉您。")
    options = [("yes", "要，有成绩出来告诉我")]
    fields: dict[str, Any] = {"tell": forms.one("要不要跟着看", options)}
    return Asked(forms.form_of(fields), head, recap=False, links=False)


def latest(visit: Visit) -> list[str]:
    """The newest moments and who is in front, in lines."""
    found = moment.of_edition(visit.connection, visit.edition.id, visit.rules.latest)
    lines = [f"{_at(visit, one)} {_short(one)}" for one in found] or ["现场的消息来了，就在这里。"]
    every = standing.newest(standing.versions(visit.connection, visit.edition.id))
    for one in every[-4:]:
        best = [f"第 {rank} 名 {each.name}（{each.score}）" for rank, each in one.ranked if rank <= BEST]
        lines.append(f"{one.title}：{'，'.join(best[:BEST])}")
    return lines


def _short(one: Moment) -> str:
    if one.state == WITHDRAWN:
        return f"（这一条撤下了：{one.reason}）"
    plain = " ".join(one.words.split())
    return plain if len(plain) <= SHORT else f"{plain[:SHORT]}…"


def _at(visit: Visit, one: Moment) -> str:
    return clock(one.at, visit.now)


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """Somebody wants to hear of the results."""
    moment.follow(visit.connection, visit.edition.id, visit.openid, visit.now)
    return Taken("好的，有成绩出来就告诉您（微信只让我们给 48 小时内说过话的人发）。现在的，随时点开就能看。")


# --- the page ----------------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """Every moment, the newest first, and the standings."""
    found = moment.of_edition(visit.connection, visit.edition.id)
    before = moment.amended(visit.connection, [one.id for one in found])
    offers = tuple(_offer(visit, one, before.get(one.id, [])) for one in found)
    every = standing.versions(visit.connection, visit.edition.id)
    follows = bool(visit.openid) and moment.follows(visit.connection, visit.edition.id, visit.openid)
    words = f"已经记下 {len(found)} 条，改过的都留着原来的话。" if found else "现场的消息来了，就在这里。"
    mine = ("有成绩出来会告诉您",) if follows else ()
    return Told(words, mine, offers, tables=tuple(standing_tables(every)))


def _offer(visit: Visit, one: Moment, before: Sequence[Amendment]) -> Offer:
    at = _at(visit, one)
    if one.state == WITHDRAWN:
        return Offer(f"这一条撤下了：{one.reason}", number=str(one.number), note=at)
    was = tuple((each.was, f"{clock(each.at, visit.now)} 更正：{each.reason}") for each in before)
    picture = address(one.photo, "large") if one.photo else ""
    return Offer(one.words, number=str(one.number), note=at, picture=picture, was=was)


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing: what was written stays, and can still be corrected in the open."""


KIND = Kind("实录", Rules, form, take, told, tables, ended, DEEDS, result=result)
