"""Photos that were sent in the chat: fetched from WeChat by their MediaId, made into sizes, or told to be none."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ground import photo as photos
from models import edition, notice, photo
from models.base import Connection, Store
from models.photo import Photo
from wx.errors import ApiError, WeChatError

log = logging.getLogger(__name__)
LOOK_S = 2.0
GONE = (40007, 40004, 41004)  # platform guide, 返回码: WeChat has no such file (any more)
TOO_LATE = "微信那里已经取不到了。"


class Media(Protocol):
    """Who gives a file by its MediaId. Raises WeChatError."""

    def media(self, media_id: str) -> bytes: ...


class Fetcher:
    """Fetches what is awaited, a few at a time, in a thread of its own: a slow answer holds up no push."""

    def __init__(self, store: Store, api: Media, now: Callable[[], datetime]) -> None:
        self.store, self.api, self.now = store, api, now
        self._stopping = threading.Event()

    def step(self) -> int:
        """Fetch those that are due; how many there were."""
        with self.store.reading() as connection:
            due = photo.due(connection, self.now())
        for one in due:
            with self.store.writing() as connection:
                mine = photo.claim(connection, one, self.now())
            if mine:
                self._fetch(one)
        return len(due)

    def _fetch(self, one: Photo) -> None:
        try:
            read = photos.read(self.api.media(one.media_id))
        except photos.NoPhoto as fault:
            self._broke(one, str(fault))
        except WeChatError as error:
            gone = isinstance(error, ApiError) and error.errcode in GONE
            if gone or self.now() - one.created_at > photo.AT_WECHAT:
                self._broke(one, TOO_LATE)
            else:  # it is asked for again when its lease is over
                log.warning("a photo was not fetched", extra={"photo": one.id, "error": type(error).__name__})
        else:
            with self.store.writing() as connection:
                photo.arrived(connection, one, read)

    def _broke(self, one: Photo, why: str) -> None:
        with self.store.writing() as connection:
            if photo.broke(connection, one, why):
                _tell(connection, one, why, self.now())

    def run(self) -> None:
        """Look every `LOOK_S` until stopped."""
        while not self._stopping.wait(LOOK_S):
            try:
                self.step()
            except Exception:
                log.exception("fetching photos failed")

    def stop(self) -> None:
        self._stopping.set()


def _tell(connection: Connection, one: Photo, why: str, now: datetime) -> None:
    """Its person learns at once, while the chat is still open, and may just send another."""
    found = edition.get(connection, one.edition_id)
    if found is not None and one.openid:
        words = f"【{found.title}】您发来的照片没有存下来：{why}直接再发一张照片就会替换原来那张。"
        name = f"{found.campaign}/photo:{one.id}-{now:%m%d%H%M%S}"
        notice.tell(connection, name, words, [one.openid], now)
