"""模板消息 (service account, verified): one person per call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from channels.channel import Channel
from channels.limits import Allowance, Can, SendLimits
from channels.parcel import Gear, Parcel, refused
from wx.account import Standing
from wx.errors import ApiError, NotSent


def _per_day(limits: SendLimits) -> Allowance:
    return Allowance(limits.templates_per_day, f"模板消息每天最多 {limits.templates_per_day} 条")


# Platform guide, 接口权限说明: only verified service accounts.
CAN: Mapping[Standing, Can] = {
    "unverified": Can(refused="账号没有认证，发不了模板消息"),
    "subscription": Can(refused="订阅号没有模板消息，请改用群发"),
    "service": Can(daily=_per_day),
}


class Template(Channel):
    """Sends template messages. What a repeat of client_msg_id answers is not documented (platform guide, 发送模板消息):
    the same msgid and a new one mean that it went out; a refusal proves nothing, and is tried again inside the memory."""

    name, title, forms = "template", "模板消息", ("template",)
    remembers_for = timedelta(minutes=10)
    asks = True
    can = CAN
    quota = "message/template/send"

    def __init__(self, gear: Gear) -> None:
        super().__init__(gear)
        self.api = gear.api

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
