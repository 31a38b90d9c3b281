"""客服消息: one person per call, only inside the window that his last act opened; the far end remembers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.parcel import ChannelError, Content, Gear, Parcel, refused
from wx.errors import ApiError, NotSent

# platform guide, 客服消息 下发条数限制
AFTER_WORDS = timedelta(hours=48)
AFTER_TAP = timedelta(minutes=1)
EDGE = timedelta(seconds=2)  # a window is left alone so long before it closes
SHUT = "outside the service window"
SPENT = "service window used up"


class Service:
    """Sends text, one article, or a menu of lines to tap."""

    name = "service"
    batch = 1
    remembers_for: timedelta | None = None

    def __init__(self, gear: Gear) -> None:
        self.api = gear.api

    def send(self, parcel: Parcel) -> str:
        """Deliver it; WeChat gives no id."""
        try:
            self.api.send_service(parcel.recipients[0], _message(parcel.content))
        except (ApiError, NotSent) as error:
            raise refused(error) from None
        return ""

    def show(self, parcel: Parcel) -> None:
        """Let one person see it, if his window is open."""
        self.send(parcel)


def _message(content: Content) -> dict[str, Any]:
    if text := content.get("text"):
        return {"msgtype": "text", "text": {"content": text}}
    if article := content.get("article"):
        card = {
            "title": article["title"],
            "description": article.get("digest", ""),
            "url": article.get("url", ""),
            "picurl": article.get("cover", ""),
        }
        return {"msgtype": "news", "news": {"articles": [card]}}
    if menu := content.get("menu"):
        lines = [{"id": item["id"], "content": item["content"]} for item in menu["items"]]
        menu_body = {"head_content": menu["head"], "list": lines, "tail_content": menu.get("tail", "")}
        return {"msgtype": "msgmenu", "msgmenu": menu_body}
    raise ChannelError("客服消息里没有内容", permanent=True)


@dataclass(frozen=True, slots=True)
class Window:
    """How many messages may follow one act of the worker: words (48 hours) or a tap, scan or follow (1 minute)."""

    after_words: int = 5
    after_tap: int = 3


def closed(
    spoke_at: datetime | None,
    tapped_at: datetime | None,
    sent: Sequence[datetime],
    window: Window,
    now: datetime,
) -> str:
    """Why no customer-service message may go to this worker now, or "" when one may; `sent` is when others went."""
    why = SHUT
    for opened, lasts, most in (
        (spoke_at, AFTER_WORDS, window.after_words),
        (tapped_at, AFTER_TAP, window.after_tap),
    ):
        if opened is None or now >= opened + lasts - EDGE:
            continue
        if sum(moment >= opened for moment in sent) < most:
            return ""
        why = SPENT
    return why
