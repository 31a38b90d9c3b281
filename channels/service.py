"""客服消息: one person per call, only inside the window that his last act opened; the far end remembers nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.channel import Channel
from channels.limits import Allowance, Can, SendLimits
from channels.parcel import ChannelError, Content, Gear, Parcel, refused
from wx.account import Standing
from wx.errors import ApiError, NotSent

# platform guide, 客服消息 下发条数限制
AFTER_WORDS = timedelta(hours=48)
AFTER_TAP = timedelta(minutes=1)
EDGE = timedelta(seconds=2)  # a window is left alone so long before it closes
SHUT = "outside the service window"
SPENT = "service window used up"


def _per_day(limits: SendLimits) -> Allowance:
    return Allowance(
        limits.service_messages_per_day, f"客服消息每天最多 {limits.service_messages_per_day} 条"
    )


# Platform guide, 接口权限说明: only verified accounts.
CAN: Mapping[Standing, Can] = {
    "unverified": Can(refused="账号没有认证，发不了客服消息"),
    "subscription": Can(daily=_per_day),
    "service": Can(daily=_per_day),
}


class Service(Channel):
    """Sends text, one article, or a menu of lines to tap."""

    name, title, forms = "service", "客服消息", ("text", "article", "menu")
    window = AFTER_WORDS
    asks = True
    can = CAN
    quota = "message/custom/send"
    reasons = {  # noqa: RUF012  - a Mapping for everybody else
        SHUT: "最近 48 小时没有来过消息，微信不让发客服消息",
        SPENT: "这次互动以后的客服消息条数已经用完",
    }

    def __init__(self, gear: Gear) -> None:
        super().__init__(gear)
        self.api = gear.api

    @staticmethod
    def odds(push: Mapping[str, Any]) -> Iterator[str]:
        article = push.get("article")
        if isinstance(article, Mapping):
            cover = article.get("cover")
            if not article.get("url"):
                yield "客服消息的图文要写 article.url（点开后的网址）"
            if isinstance(cover, str) and cover and not cover.startswith(("https://", "http://")):
                yield "客服消息的图文，article.cover 要写图片的网址（https:// 开头）"

    @staticmethod
    def closed(
        spoke_at: datetime | None,
        tapped_at: datetime | None,
        sent: Sequence[datetime],
        limits: SendLimits,
        now: datetime,
    ) -> str:
        """So many messages may follow one act of the worker: words (48 hours) or a tap, scan or follow (1 minute)."""
        why = SHUT
        for opened, lasts, most in (
            (spoke_at, AFTER_WORDS, limits.service_messages),
            (tapped_at, AFTER_TAP, limits.service_messages_after_tap),
        ):
            if opened is None or now >= opened + lasts - EDGE:
                continue
            if sum(moment >= opened for moment in sent) < most:
                return ""
            why = SPENT
        return why

    def send(self, parcel: Parcel) -> str:
        """Deliver it; WeChat gives no id."""
        try:
            self.api.send_service(parcel.recipients[0], _message(parcel.content), parcel.may_go)
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
