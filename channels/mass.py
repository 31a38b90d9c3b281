"""群发: to everyone, to a tag, or to 2 … 10 000 openids in one call; text, one article or one picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from channels import picture
from channels.channel import Channel
from channels.limits import Allowance, Can, SendLimits, Speed
from channels.parcel import ChannelError, Content, Gear, Parcel, refused
from channels.pictures import Pictures
from wx.account import Standing
from wx.errors import ApiError, NoAnswer, NotSent

ACCEPTED_BEFORE = 45065
GONE = 40007  # a media id that this account does not know, or no longer
A_DAY = timedelta(hours=24)
EVERYONE, TAG = "all", "tag:"
SLACK_S = 1.0  # calls reach WeChat a little later than they were let go, and not all equally late
Message = dict[str, Any]


def _per_month(limits: SendLimits) -> Allowance:
    return Allowance(limits.mass_per_month, f"服务号每人每月最多收到 {limits.mass_per_month} 次群发")


def _calls_per_day(limits: SendLimits) -> Allowance:
    return Allowance(limits.mass_calls_per_day, f"服务号每天最多群发 {limits.mass_calls_per_day} 次")


def _once_a_day(limits: SendLimits) -> Allowance:
    return Allowance(limits.mass_per_day, f"订阅号每天只能群发 {limits.mass_per_day} 次")


# Platform guide, 群发接口 and 接口权限说明: only verified accounts; by openids only service accounts.
CAN: Mapping[Standing, Can] = {
    "unverified": Can(refused="账号没有认证，发不了群发"),
    "subscription": Can(by_list="订阅号不能按名单群发，请改成 all 或 tag:标签名", daily=_once_a_day),
    "service": Can(monthly=_per_month, daily=_calls_per_day),
}


class Mass(Channel):
    """Sends mass messages; WeChat knows a clientmsgid again for 24 hours (platform guide, 群发接口 clientmsgid)."""

    name, title, forms = "mass", "群发", ("text", "article", "image")
    batch = 10_000
    whole = True
    asks = True
    remembers_for = timedelta(hours=24)
    can = CAN
    quota = "message/mass/sendall"

    def __init__(self, gear: Gear) -> None:
        super().__init__(gear)
        self.api = gear.api
        self.shelf = gear.shelf
        self.pictures = Pictures(gear)

    @staticmethod
    def odds(push: Mapping[str, Any]) -> Iterator[str]:
        article = push.get("article")
        if isinstance(article, Mapping):
            if not article.get("content"):
                yield "群发的图文要写 article.content（正文）"
            if not article.get("cover"):
                yield "群发的图文要写 article.cover（封面图片文件）"

    @staticmethod
    def faults(folder: Path, content: Content) -> Iterator[str]:
        for error in picture.faults(folder, content):
            if isinstance(error, picture.NotThere):
                yield f"没有找到文件 {error.name}（从配置文件所在的文件夹算起）"
            else:
                yield error.reason

    @staticmethod
    def files(content: Content) -> Iterator[str]:
        yield from (name for name, _ in picture.named(content))

    @staticmethod
    def hints(content: Content) -> Iterator[str]:
        yield from picture.hints(content)

    @staticmethod
    def speed(limits: SendLimits) -> Speed:
        return Speed(limits.mass_per_minute, 60.0 + SLACK_S)

    def send(self, parcel: Parcel) -> str:
        """Deliver it and give its msg_id, also when WeChat had accepted it before."""
        message = self._made(parcel)
        try:
            answer = self._call(parcel, message)
        except ApiError as error:
            if error.errcode == ACCEPTED_BEFORE:
                return str(error.answer.get("msg_id", ""))
            self.shelf.forget(self._draft(parcel))
            raise self._refused(parcel, error) from None
        except NotSent as error:
            raise refused(error) from None
        return str(answer.get("msg_id", ""))

    def show(self, parcel: Parcel) -> None:
        """Let one person see it by WeChat's preview, which leaves the month's four alone."""
        message = self._made(parcel)
        if message["msgtype"] == "image":  # the preview alone still takes a single one
            message = {"msgtype": "image", "image": {"media_id": message["images"]["media_ids"][0]}}
        try:
            self.api.preview(parcel.recipients[0], message)
        except (ApiError, NotSent) as error:
            raise refused(error) from None

    def _call(self, parcel: Parcel, message: Message) -> Message:
        first = parcel.recipients[0]
        if first == EVERYONE:
            return self.api.send_to_all(message, client_id=parcel.key, may_go=parcel.may_go)
        if first.startswith(TAG):
            tag_id = int(first.removeprefix(TAG))
            return self.api.send_to_all(message, client_id=parcel.key, tag_id=tag_id, may_go=parcel.may_go)
        return self.api.send_to_many(parcel.recipients, message, client_id=parcel.key, may_go=parcel.may_go)

    def _made(self, parcel: Parcel) -> Message:
        """The message with everything uploaded that it shows. Nothing is sent yet, so every fault is a ChannelError."""
        try:
            return self._message(parcel)
        except ApiError as error:
            raise self._refused(parcel, error) from None
        except NotSent as error:
            raise refused(error) from None
        except NoAnswer as error:
            raise ChannelError(f"上传图片或草稿时微信没有回答（{error}）", permanent=False) from None

    def _refused(self, parcel: Parcel, error: ApiError) -> ChannelError:
        """The refusal. An id that WeChat does not know is given up, and once a day what it stood for goes up anew by itself."""
        if error.errcode != GONE:
            return refused(error)
        self.pictures.forget(parcel.content)
        self.shelf.forget(self._draft(parcel))
        tried = f"anew:{parcel.key}"
        if self.shelf.read(tried) is not None:
            self.shelf.forget(tried)
            return refused(error)
        self.shelf.keep(tried, "yes", A_DAY)
        said = refused(error)
        return ChannelError(said.reason, permanent=False, errcode=error.errcode, policy="retry")

    def _draft(self, parcel: Parcel) -> str:
        return f"draft:{self.api.app_id}:{parcel.key}"

    def _message(self, parcel: Parcel) -> Message:
        content = parcel.content
        if text := content.get("text"):
            return {"msgtype": "text", "text": {"content": text}}
        if image := content.get("image"):
            return {"msgtype": "image", "images": {"media_ids": [self.pictures.image(image)]}}
        if article := content.get("article"):
            # A draft is gone once it was sent, so each parcel has its own; one that died in between finds it again.
            draft = self.shelf.read(self._draft(parcel))
            if draft is None:
                draft = self.api.add_draft([self._article(article)])
                self.shelf.keep(self._draft(parcel), draft, A_DAY)
            return {"msgtype": "mpnews", "mpnews": {"media_id": draft}}
        raise ChannelError("群发里没有内容", permanent=True)

    def _article(self, article: Content) -> Message:
        made = {
            "article_type": "news",
            "title": article["title"],
            "author": article.get("author", ""),
            "digest": article.get("digest", ""),
            "content": self.pictures.inline(article["content"]),
            "content_source_url": article.get("url", ""),
            "thumb_media_id": self.pictures.cover(article["cover"]),
            "need_open_comment": 0,
            "only_fans_can_comment": 0,
        }
        return {key: value for key, value in made.items() if value != ""}
