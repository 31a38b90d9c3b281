"""The way back to a person: until when, and how often, WeChat still lets us write into the chat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels import CHANNELS
from channels.limits import SendLimits
from models import delivery
from models.base import Connection

CHANNEL = "service"
WINDOW = CHANNELS[CHANNEL].window or timedelta(0)  # after somebody's last words
EDGE = timedelta(minutes=1)  # an answer takes its way: what closes so soon is closed
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WayBack:
    """`until` and `left` say how long it is open and for how many messages; closed where either is past or used up."""

    until: datetime | None = None
    left: int = 0

    def is_open(self, now: datetime) -> bool:
        """Whether a message of now would be let through."""
        return self.until is not None and now < self.until and self.left > 0

    def words(self, now: datetime) -> str:
        """What the staff read of it."""
        if self.until is None or not self.is_open(now):
            return "微信里现在不能答复"
        hours = (self.until - now) // HOUR
        span = f"{hours} 小时" if hours else "不到 1 小时"
        return f"还可在微信答复 {span} · {self.left} 条"


CLOSED = WayBack()


def ways(
    connection: Connection, openids: Collection[str], limits: SendLimits, now: datetime
) -> dict[str, WayBack]:
    """The way back to each of these people (platform guide, 客服消息: 48 hours after their last words, so many messages)."""
    people = sorted(set(openids))
    acts = delivery.last_acts(connection, people)
    went = delivery.sent_since(connection, CHANNEL, people, now - WINDOW, 0)
    found = {}
    for openid in people:
        spoke_at, _ = acts.get(openid, (None, None))
        if spoke_at is None:
            continue
        spent = sum(at >= spoke_at for at in went.get(openid, ()))
        found[openid] = WayBack(spoke_at + WINDOW - EDGE, max(limits.service_messages - spent, 0))
    return found


def way(connection: Connection, openid: str | None, limits: SendLimits, now: datetime) -> WayBack:
    """The way back to one of them; closed to somebody who is forgotten."""
    return ways(connection, [openid], limits, now).get(openid, CLOSED) if openid else CLOSED
