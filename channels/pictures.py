"""Pictures of a push: read from files beside the config file, uploaded once, known again by their content."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from datetime import timedelta

from channels.article import is_plain, with_sources
from channels.parcel import ChannelError, Content, Gear
from channels.picture import COVER, IMAGE, INLINE, Picture, named, outside, read

THUMB_BYTES = 64 * 1024  # platform guide, 新增永久素材
THUMB_KINDS = (".jpg", ".jpeg")
_KINDS = ("thumb", "image", "media", "inline")
THREE_DAYS = timedelta(days=3) - timedelta(hours=1)


class Pictures:
    """Uploads what a push shows, each picture once."""

    def __init__(self, gear: Gear) -> None:
        self.gear = gear

    def inline(self, content: str) -> str:
        """An article's text as WeChat takes it: its picture files uploaded, plain lines made into paragraphs."""
        if is_plain(content):
            return "".join(f"<p>{html.escape(line)}</p>" for line in content.splitlines() if line.strip())
        return with_sources(content, self._inline_one)

    def cover(self, name: str) -> str:
        """The media_id of an article's cover: a small JPEG as thumb, any other picture as image; both for good."""
        picture = read(self.gear.folder, name, COVER)
        small = len(picture.data) <= THUMB_BYTES and picture.kind in THUMB_KINDS
        kind = "thumb" if small else "image"
        api = self.gear.api
        return self._once(
            kind, picture.data, None, lambda: api.add_material(kind, _plain(picture), picture.data)
        )

    def image(self, name: str) -> str:
        """A media_id of a picture that is a message of its own, good for three days."""
        picture = read(self.gear.folder, name, IMAGE)
        api = self.gear.api
        return self._once(
            "media",
            picture.data,
            THREE_DAYS,
            lambda: api.upload_media("image", _plain(picture), picture.data),
        )

    def _inline_one(self, source: str) -> str:
        if outside(source):
            return source
        picture = read(self.gear.folder, source, INLINE)
        api = self.gear.api
        return self._once(
            "inline", picture.data, None, lambda: api.upload_picture(_plain(picture), picture.data)
        )

    def forget(self, content: Content) -> None:
        """WeChat no longer knows what this content shows: the next time each picture goes up anew."""
        for name, use in named(content):
            try:
                picture = read(self.gear.folder, name, use)
            except ChannelError:
                continue  # it is gone here too, and the next attempt says so
            for kind in _KINDS:
                self.gear.shelf.forget(self._key(kind, picture.data))

    def _key(self, kind: str, data: bytes) -> str:
        return f"{kind}:{self.gear.api.app_id}:{hashlib.sha256(data).hexdigest()}"

    def _once(self, kind: str, data: bytes, lasts: timedelta | None, upload: Callable[[], str]) -> str:
        key = self._key(kind, data)
        known = self.gear.shelf.read(key)
        if known is None:
            known = upload()
            self.gear.shelf.keep(key, known, lasts)
        return known


def _plain(picture: Picture) -> str:
    """A file name that every server understands, with the ending that tells the kind."""
    return f"picture{picture.kind}"
