"""Photos on pages: taken from a form, and shown to everybody or to their own person only."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, make_response, request

from ground import photo as photos
from models import photo
from models.base import Connection
from web.h5.browser import Browser
from web.parts import Parts

CACHED_S = 600  # by a browser or a proxy: so long a photo that was hidden may still be seen
TOO_MANY = f"照片太多了，一次活动最多 {photo.MOST} 张。"
_one_at_a_time = threading.Lock()  # a large photo takes 150 MB while it is read


@dataclass(frozen=True, slots=True)
class Sent:
    """The photos of a form by field, and what was wrong with the others."""

    read: Mapping[str, photos.Photo]
    faults: Mapping[str, str]

    def keep(
        self, connection: Connection, edition_id: int, openid: str, now: datetime
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The key of each photo that is stored now, and every fault, by field."""
        keys = {
            name: photo.add(connection, edition_id, openid, read, photo.PENDING, now)
            for name, read in self.read.items()
        }
        too_many = {name: TOO_MANY for name, key in keys.items() if key is None}
        return {name: key for name, key in keys.items() if key}, {**self.faults, **too_many}


def sent() -> Sent:
    """The photos that came with this form. Takes a second for a large one, so call it outside a transaction."""
    read: dict[str, photos.Photo] = {}
    faults: dict[str, str] = {}
    for name, file in request.files.items():
        if file.filename:
            try:
                with _one_at_a_time:
                    read[name] = photos.read(file.stream.read(photos.MOST_BYTES + 1))
            except photos.NoPhoto as fault:
                faults[name] = str(fault)
    return Sent(read, faults)


def pages(blueprint: Blueprint, parts: Parts, browser: Browser) -> None:
    """`/h5/photo/KEY/SIZE`."""

    @blueprint.get("/photo/<key>/<size>")
    def show(key: str, size: str) -> Response:
        with parts.store.reading() as connection:
            found = photo.get(connection, key) or abort(404)
            mine = bool(browser.openid) and found.openid == browser.openid
            if not (mine or found.state == photo.SHOWN):
                abort(404)
            data = photo.data(connection, found.id, size) or abort(404)
        answer = make_response(data)
        answer.headers["Content-Type"] = "image/jpeg"
        is_public = found.state == photo.SHOWN
        answer.headers["Cache-Control"] = f"public, max-age={CACHED_S}" if is_public else "private, no-store"
        return answer
