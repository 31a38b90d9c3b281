"""What the account answers at once: typed replies, and their XML.

Limits: platform guide, 被动回复用户消息. An answer to an ordinary message holds one article, so an answer is one article.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

MAX_TEXT_BYTES = 2048
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # what XML 1.0 cannot hold


@dataclass(frozen=True, slots=True)
class Text:
    content: str


@dataclass(frozen=True, slots=True)
class Image:
    media_id: str


@dataclass(frozen=True, slots=True)
class Voice:
    media_id: str


@dataclass(frozen=True, slots=True)
class Video:
    media_id: str
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Music:
    thumb_media_id: str
    title: str = ""
    description: str = ""
    url: str = ""
    hq_url: str = ""


@dataclass(frozen=True, slots=True)
class News:
    title: str
    description: str
    picurl: str
    url: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hands the follower to a human in WeChat's own customer-service tool."""

    kf_account: str = ""


Rest = Image | Voice | Video | Music | News | Transfer
Reply = Text | Rest


def clean(words: str) -> str:
    """Without the characters that XML cannot hold."""
    return ILLEGAL.sub("", words)


def cut(words: str, size_bytes: int = MAX_TEXT_BYTES) -> str:
    """At most that many bytes of UTF-8, ending on a whole character, with an ellipsis where something was cut off."""
    raw = words.encode()
    if len(raw) <= size_bytes:
        return words
    return raw[: size_bytes - 3].decode(errors="ignore") + "…"


def cdata(words: str) -> str:
    """The words as they are, whatever is in them: `]]>` is split over two sections."""
    return f"<![CDATA[{_split(words)}]]>"


def _split(words: str) -> str:
    return words.replace("]]>", "]]]]><![CDATA[>")


def _tags(**fields: str) -> str:
    return "".join(f"<{tag}>{cdata(clean(words))}</{tag}>" for tag, words in fields.items() if words)


@lru_cache(512)
def _content(words: str) -> str:
    """Remembered, because nearly every answer is one of our own pages."""
    return f"<Content>{cdata(cut(clean(words)))}</Content>"


def _body(reply: Rest) -> tuple[str, str]:
    """MsgType and the elements of that type."""
    match reply:
        case News(title, description, picurl, url):
            item = _tags(Title=title, Description=description, PicUrl=picurl, Url=url)
            return "news", f"<ArticleCount>1</ArticleCount><Articles><item>{item}</item></Articles>"
        case Image(media_id):
            return "image", f"<Image>{_tags(MediaId=media_id)}</Image>"
        case Voice(media_id):
            return "voice", f"<Voice>{_tags(MediaId=media_id)}</Voice>"
        case Video(media_id, title, description):
            return "video", f"<Video>{_tags(MediaId=media_id, Title=title, Description=description)}</Video>"
        case Music(thumb, title, description, url, hq_url):
            fields = _tags(
                Title=title, Description=description, MusicUrl=url, HQMusicUrl=hq_url, ThumbMediaId=thumb
            )
            return "music", f"<Music>{fields}</Music>"
        case Transfer(kf_account):
            info = f"<TransInfo>{_tags(KfAccount=kf_account)}</TransInfo>" if kf_account else ""
            return "transfer_customer_service", info


def render(reply: Reply, *, to: str, sender: str, created: int) -> str:
    """The reply's XML before encryption. `created` in seconds."""
    kind, body = ("text", _content(reply.content)) if isinstance(reply, Text) else _body(reply)
    if "]]>" in to or "]]>" in sender:
        to, sender = _split(to), _split(sender)
    return (
        f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{sender}]]></FromUserName>"
        f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{body}</xml>"
    )
