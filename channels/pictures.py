"""Pictures of a push: read from files beside the config file, uploaded once, known again by their content."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from channels.parcel import ChannelError, Gear

# platform guide, 上传图文消息内的图片 and 新增永久素材
INLINE_BYTES = 1024 * 1024
THUMB_BYTES = 64 * 1024
IMAGE_BYTES = 10 * 1024 * 1024
INLINE_KINDS = (".jpg", ".jpeg", ".png")
THUMB_KINDS = (".jpg", ".jpeg")
IMAGE_KINDS = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
THREE_DAYS = timedelta(days=3) - timedelta(hours=1)
IMG = re.compile(r"(<img\b[^>]*?\bsrc\s*=\s*)([\"'])(.*?)\2", re.IGNORECASE | re.DOTALL)


class Pictures:
    """Uploads what a push shows, each picture once."""

    def __init__(self, gear: Gear) -> None:
        self.gear = gear

    def inline(self, content: str) -> str:
        """An article's text as WeChat takes it: its picture files uploaded, plain lines made into paragraphs."""
        if not re.search(r"<[a-zA-Z/!]", content):
            return "".join(f"<p>{html.escape(line)}</p>" for line in content.splitlines() if line.strip())
        return IMG.sub(lambda match: f"{match[1]}{match[2]}{self._inline_one(match[3])}{match[2]}", content)

    def cover(self, name: str) -> str:
        """The media_id of an article's cover: a small JPEG as thumb, any other picture as image; both for good."""
        data = self._data(name, IMAGE_KINDS, IMAGE_BYTES)
        small = len(data) <= THUMB_BYTES and Path(name).suffix.lower() in THUMB_KINDS
        kind = "thumb" if small else "image"
        return self._once(kind, data, None, lambda: self.gear.api.add_material(kind, _plain(name), data))

    def image(self, name: str) -> str:
        """A media_id of a picture that is a message of its own, good for three days."""
        data = self._data(name, IMAGE_KINDS, IMAGE_BYTES)
        return self._once(
            "media", data, THREE_DAYS, lambda: self.gear.api.upload_media("image", _plain(name), data)
        )

    def _inline_one(self, name: str) -> str:
        if re.match(r"https?://", name):
            return name
        data = self._data(html.unescape(name), INLINE_KINDS, INLINE_BYTES)
        url = self._once("inline", data, None, lambda: self.gear.api.upload_picture(_plain(name), data))
        return html.escape(url, quote=True)

    def _once(self, kind: str, data: bytes, lasts: timedelta | None, upload: Callable[[], str]) -> str:
        key = f"{kind}:{hashlib.sha256(data).hexdigest()}"
        known = self.gear.shelf.read(key)
        if known is None:
            known = upload()
            self.gear.shelf.keep(key, known, lasts)
        return known

    def _data(self, name: str, kinds: tuple[str, ...], most: int) -> bytes:
        """The file's content. Raises ChannelError in words that staff can act on."""
        if Path(name).suffix.lower() not in kinds:
            allowed = "、".join(kind.removeprefix(".") for kind in kinds)
            raise ChannelError(f"图片 {name} 的格式微信不收，请换成 {allowed}", permanent=True)
        try:
            with (self.gear.folder / name).open("rb") as file:
                data = file.read(most + 1)
        except OSError:
            raise ChannelError(
                f"没有找到图片 {name}，请把它放到配置文件所在的文件夹里", permanent=True
            ) from None
        if not data:
            raise ChannelError(f"图片 {name} 是空的，请换一张", permanent=True)
        if len(data) > most:
            raise ChannelError(f"图片 {name} 太大，最多 {most // 1024} KB，请压缩后再推送", permanent=True)
        return data


def _plain(name: str) -> str:
    """A file name that every server understands, with the ending that tells the kind."""
    return f"picture{Path(name).suffix.lower()}"
