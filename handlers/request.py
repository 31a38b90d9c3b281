"""From an entry of the directory to a request, where the union takes them; where nobody reads, that is said, and whom to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from campaigns.kinds.request_rules import OTHER, Rules
from campaigns.taking_part import may
from handlers import taking_part
from handlers.book import book
from handlers.turn import House, Turn
from handlers.year import lately
from menus.guide import HOTLINE
from menus.telling import link
from wx.replies import Text

WORDS = "提诉求"  # typed, they do the same as tapped
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
    door = (
        opened(house, turn.now) if may(turn.message.openid, live=house.live, testers=house.testers) else None
    )
    if door is None:
        return Text(f"{reply.content}\n{UNREAD}")
    topic = door.topics.get(entry, OTHER)
    return Text(f"{reply.content}\n要工会的人来办：{link(f'join:{door.campaign}/{topic}', WORDS)}")


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
