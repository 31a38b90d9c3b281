"""模板消息 (service account, verified): one person per call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from channels.channel import Channel, unverified
from channels.parcel import Gear, Parcel, refused
from wx.account import Account
from wx.errors import ApiError, NotSent


class Template(Channel):
    """Sends template messages. What a repeat of client_msg_id answers is not documented (platform guide, 发送模板消息):
    the same msgid and a new one mean that it went out; a refusal proves nothing, and is tried again inside the memory."""

    name, title, forms = "template", "模板消息", ("template",)
    remembers_for = timedelta(minutes=10)
    asks = True
    quota = "message/template/send"

    def __init__(self, gear: Gear) -> None:
        super().__init__(gear)
        self.api = gear.api

    @staticmethod
    def obstacles(account: Account, audience: str) -> Iterator[str]:
        yield from unverified(account, Template)
        if account.kind == "subscription":
            yield "订阅号没有模板消息，请改用群发"

    def send(self, parcel: Parcel) -> str:
        """Deliver it and give its msgid; "" where WeChat gave none."""
        template = parcel.content["template"]
        try:
            return self.api.send_template(
                parcel.recipients[0],
                template["id"],
                template["data"],
                client_id=parcel.key,
                url=template.get("url", ""),
                may_go=parcel.may_go,
            )
        except (ApiError, NotSent) as error:
            raise refused(error) from None

    def show(self, parcel: Parcel) -> None:
        """Let one person see it: a template message has no preview, so it is the message itself."""
        self.send(parcel)
