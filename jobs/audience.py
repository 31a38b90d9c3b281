"""Who gets a push: everyone, a tag or a list made into recipients, in the order of their bytes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from channels import CHANNELS
from ground import roster
from models import follower
from models.base import Store
from models.delivery import EVERYONE, NOT_LIVE, TAG
from models.ledger import Owed, following
from models.push import Occasion
from wx.account import Account
from wx.client import Api

PORTION = (
    1000  # recipients written down in one transaction, so that a message coming in waits for milliseconds
)


class NoAudience(Exception):
    """The list or the tag is not there; the text says it in Chinese."""


class Audience:
    """Finds the recipients of a push."""

    def __init__(self, store: Store, api: Api, account: Account, folder: Path) -> None:
        self.store = store
        self.api = api
        self.folder = folder
        self.testers = None if account.live else frozenset(account.testers)

    def portions(self, push: Occasion) -> Iterator[list[Owed]]:
        """The recipients after `push.planned_up_to`, a thousand at a time. Raises NoAudience and WeChatError."""
        after = push.planned_up_to
        rest = (one for one in self._owed(push) if one.recipient.encode() > after.encode())
        while portion := list(islice(rest, PORTION)):
            yield portion

    def _owed(self, push: Occasion) -> Iterable[Owed]:
        kind, _, name = push.audience.partition(":")
        if CHANNELS[push.channel].whole and kind in ("all", "tag"):
            whole = EVERYONE if kind == "all" else f"{TAG}{self._tag(name)}"
            if self.testers is None:
                return [Owed(whole)]
            people = [Owed(openid) for openid in self.testers]
            return sorted([Owed(whole, NOT_LIVE), *people], key=lambda one: one.recipient.encode())
        return map(self._judged, self._people(kind, name, push.planned_up_to))

    def _judged(self, openid: str) -> Owed:
        return Owed(openid, "" if self.testers is None or openid in self.testers else NOT_LIVE)

    def _people(self, kind: str, name: str, after: str) -> Iterator[str]:
        """Openids in the order of their bytes, each once; while not live the testers are among everyone."""
        if kind == "openids":
            return iter(sorted(self._listed(name), key=str.encode))
        if kind == "tag":
            return iter(sorted(set(self.api.tagged(self._tag(name))), key=str.encode))
        testers = sorted(self.testers or (), key=str.encode)
        return _once(heapq.merge(self._following(after), testers, key=str.encode))

    def _following(self, after: str) -> Iterator[str]:
        while True:
            with self.store.reading() as connection:
                found = following(connection, after, PORTION)
            yield from found
            if len(found) < PORTION:
                return
            after = found[-1]

    def _listed(self, name: str) -> frozenset[str]:
        try:
            return roster.read(self.folder, name)
        except roster.RosterError as fault:
            raise NoAudience(str(fault)) from None

    def _tag(self, name: str) -> int:
        for tag in self.api.tags():
            if tag.get("name") == name:
                return int(tag["id"])
        raise NoAudience(f"公众号里没有标签“{name}”，请在微信公众平台的用户管理里建好标签，或改正 audience")


def _once(openids: Iterable[str]) -> Iterator[str]:
    last = None
    for openid in openids:
        if openid != last:
            yield openid
        last = openid


def sizes(store: Store) -> Callable[[str], int | None]:
    """How many workers `all` reaches, for `check`; None for what only WeChat knows."""

    def size(audience: str) -> int | None:
        if audience != "all":
            return None
        with store.reading() as connection:
            return follower.count(connection)

    return size


def tags(api: Api) -> dict[str, int]:
    """The account's tags, each with the number of people who have it. Raises WeChatError."""
    return {str(tag.get("name", "")): int(tag.get("count") or 0) for tag in api.tags()}
