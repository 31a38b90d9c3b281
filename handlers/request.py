"""From an entry of the directory to a request or a sign-up, where the union takes them; where nobody reads, whom to call is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from campaigns.campaign import Campaign
from campaigns.kinds.request_rules import OTHER, Rules
from campaigns.kinds.sign_up_rules import Rules as SignUpRules
from campaigns.taking_part import may
from handlers import taking_part
from handlers.book import book
from handlers.turn import House, Turn
from handlers.year import lately
from menus.guide import HOTLINE
from menus.telling import link
from wx.replies import Text

WORDS, SIGN_UP = "提诉求", "报名"  # typed, they do the same as tapped
UNREAD = f"这里没有人看留言；要人来办，请拨 {HOTLINE}。"


@dataclass(frozen=True, slots=True)
class Door:
    """The campaign that takes requests now, and what each entry that leads there is about."""

    campaign: str
    topics: Mapping[str, str]


def led(turn: Turn, reply: Text) -> Text:
    """The answer; under an entry or a menu item for which people want somebody to take it up, the way to them."""
    house = turn.house
    entry = book(house).asking.get(turn.topic)
    if entry is None:
        return reply
    allowed = may(turn.message.openid, live=house.live, testers=house.testers)
    door = opened(house, turn.now) if allowed else None
    ways = [UNREAD]
    if door is not None:
        topic = door.topics.get(entry, OTHER)
        ways = [f"要工会的人来办：{link(f'join:{door.campaign}/{topic}', WORDS)}"]
    if allowed and (one := _signed_up_for(house, lately(turn.now)).get(entry)):
        ways.append(f"“{one.title}”现在可以：{link(f'join:{one.id}', SIGN_UP)}")
    return Text("\n".join([reply.content, *ways]))


@lru_cache(maxsize=8)
def _signed_up_for(house: House, now: datetime) -> Mapping[str, Campaign]:
    """Entry → what one can sign up for now, of those whose rules name it."""
    on = [one for one in house.campaigns() if isinstance(one.rules, SignUpRules) and one.period(now)]
    return {
        guide: one for one in reversed(on) if isinstance(one.rules, SignUpRules) for guide in one.rules.guides
    }


def begin(turn: Turn, name: str) -> Text | None:
    """A campaign's form; behind a stroke what a request is about."""
    campaign, _, topic = name.partition("/")
    return taking_part.begin(turn, campaign, {"what": "make", "topic": topic} if topic else {})


def address_for(house: House, now: datetime, guide: str) -> str:
    """Where on our pages an entry leads to somebody who takes it up; '' where it does not."""
    door = opened(house, now)
    if door is None or not house.live or f"guide:{guide}" not in book(house).asking:
        return ""
    return f"/h5/c/{quote(door.campaign)}?what=make&topic={quote(door.topics.get(guide, OTHER))}#form"


def opened(house: House, now: datetime) -> Door | None:
    """The door that is open now."""
    return _opened(house, lately(now))


@lru_cache(maxsize=8)
def _opened(house: House, now: datetime) -> Door | None:
    for one in house.campaigns():
        if isinstance(one.rules, Rules) and one.period(now) is not None:
            return Door(one.id, {guide: topic.name for topic in one.rules.topics for guide in topic.guides})
    return None
