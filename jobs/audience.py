"""Who gets a push: what the staff wrote made into recipients, in the order of their bytes, in memory that does not grow with them.

What our tables know is asked of the database as one condition; tags and lists are put in order beside it, and merged.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import reduce
from itertools import islice
from pathlib import Path

from channels import CHANNELS
from ground import audience as spelled
from ground import roster
from ground.audience import Both, Either, Not, Those, Whom
from ground.ordered import Ordered
from models import audience as kept
from models import follower, union
from models.audience import KEPT_HERE, Frame
from models.base import Store
from models.delivery import EVERYONE, NOT_LIVE, TAG
from models.ledger import Owed
from wx.account import Account
from wx.client import Api

PORTION = (
    1000  # recipients written down in one transaction, so that a message coming in waits for milliseconds
)
WINDOW = max((each.window for each in CHANNELS.values() if each.window), default=timedelta(0))
Brought = Mapping[Those, Iterable[str]]  # tags and lists, in order


class NoAudience(Exception):
    """The list, the tag or the edition is not there; the text says it in Chinese."""


class NotOpened(NoAudience):
    """The activity has no edition yet. It may open at the hour for which the push was written, a few seconds later."""


class Audience:
    """Finds the recipients of a push."""

    def __init__(self, store: Store, api: Api, account: Account, folder: Path) -> None:
        self.store = store
        self.api = api
        self.folder = folder
        self.testers = None if account.live else frozenset(account.testers)

    def portions(self, channel: str, audience: str, at: datetime, after: str = "") -> Iterator[list[Owed]]:
        """The recipients after this one, at most a thousand at a time, as of that moment; [] now and then while it still
        gathers. Raises NoAudience and WeChatError."""
        if CHANNELS[channel].whole and spelled.is_whole(audience):
            yield self._whole(spelled.read(audience), after)
            return
        for people in self.people(audience, at, after):
            yield [Owed(one, "" if self._may(one) else NOT_LIVE) for one in people]

    def people(self, audience: str, at: datetime, after: str = "") -> Iterator[list[str]]:
        """The openids after this one, in the order of their bytes, each once, as `portions`; while not live the testers are
        among everyone."""
        whom = spelled.read(audience)
        brought: dict[Those, Ordered] = {}
        for those in spelled.all_of(whom):
            if those.kind not in KEPT_HERE and those not in brought:
                brought[those] = Ordered()
                for number, page in enumerate(self._pages(those)):
                    if number:
                        yield []
                    brought[those].add(page)
        found = _Finder(self.store, self._frame(whom, at), brought, after).of(whom)
        if whom == spelled.EVERYONE and self.testers:
            found = _either([found, iter(sorted(one for one in self.testers if one > after))])
        while portion := list(islice(found, PORTION)):
            yield portion

    def _whole(self, whom: Whom, after: str) -> list[Owed]:
        """One row for all of them; while not live the testers instead."""
        assert isinstance(whom, Those)
        whole = EVERYONE if whom.kind == "all" else f"{TAG}{self._tag(whom.of)}"
        owed = [Owed(whole)]
        if self.testers is not None:
            owed = [Owed(whole, NOT_LIVE), *map(Owed, self.testers)]
        return sorted((one for one in owed if one.recipient > after), key=lambda one: one.recipient)

    def _may(self, openid: str) -> bool:
        return self.testers is None or openid in self.testers

    def _frame(self, whom: Whom, at: datetime) -> Frame:
        names = {those.of for those in spelled.all_of(whom) if those.kind == "joined"}
        codes = {those.of for those in spelled.all_of(whom) if those.kind == "union"}
        with self.store.reading() as connection:
            editions = {name: kept.edition_of(connection, name) for name in names}
            unions = {code: union.coded(connection, code) for code in codes}
        if missing := sorted(name for name, edition in editions.items() if edition is None):
            raise NotOpened(
                f"活动 {missing[0]} 还没有开过，不知道谁参加过。请等它开了再发，或者改正 audience。"
            )
        if unknown := sorted(code for code, one in unions.items() if one is None or one.closed_at):
            raise NoAudience(f"没有代码是 {unknown[0]} 的单位，或者已经撤销、合并。有哪些，请看 union list。")
        known = {name: edition for name, edition in editions.items() if edition is not None}
        return Frame(at, WINDOW, known, {code: one.path for code, one in unions.items() if one is not None})

    def _pages(self, those: Those) -> Iterator[list[str]]:
        if those.kind == "tag":
            yield from self.api.tag_pages(self._tag(those.of))
            return
        try:
            yield from roster.pages(self.folder, those.of)
        except roster.RosterError as fault:
            raise NoAudience(str(fault)) from None

    def _tag(self, name: str) -> int:
        for tag in self.api.tags():
            if tag.get("name") == name:
                return int(tag["id"])
        raise NoAudience(f"公众号里没有标签“{name}”，请在微信公众平台的用户管理里建好标签，或改正 audience")


class _Finder:
    """Streams of openids, each in order and each person once."""

    def __init__(self, store: Store, frame: Frame, brought: Brought, after: str) -> None:
        self.store, self.frame, self.brought, self.after = store, frame, brought, after

    def of(self, whom: Whom) -> Iterator[str]:
        if _is_kept(whom):
            return self._kept(whom)
        if isinstance(whom, Those):
            return (openid for openid in self.brought[whom] if openid > self.after)
        if isinstance(whom, Not):
            return _but(self._kept(spelled.EVERYONE), self.of(whom.those))
        if isinstance(whom, Either):
            return _either([self.of(part) for part in whom.parts])
        return self._both(whom)

    def _both(self, whom: Both) -> Iterator[str]:
        """As few questions to the database as can be. Who stands on a list and is not known to us is in none of our tables:
        `openids:vip.txt and not joined:yuanxiao` means them as well."""
        wanted = [part for part in whom.parts if not isinstance(part, Not)]
        out = [part.those for part in whom.parts if isinstance(part, Not)]
        ours, ours_out = [part for part in wanted if _is_kept(part)], [part for part in out if _is_kept(part)]
        streams = [self.of(part) for part in wanted if not _is_kept(part)]
        if ours or not streams:
            parts = (spelled.EVERYONE, *ours, *map(Not, ours_out))
            streams.append(self._kept(Both(parts)))
            ours_out = []
        found = reduce(_both, streams)
        gone = [self.of(part) for part in out if not _is_kept(part)]
        if ours_out:
            gone.append(self._kept(Either(tuple(ours_out))))
        return reduce(_but, gone, found)

    def _kept(self, whom: Whom) -> Iterator[str]:
        wanted, place = kept.condition(whom, self.frame), self.after
        while True:
            with self.store.reading() as connection:
                found, place = kept.following(connection, wanted, place)
            yield from found
            if not place:
                return


def _is_kept(whom: Whom) -> bool:
    """Whether our tables know all these people."""
    return all(those.kind in KEPT_HERE for those in spelled.all_of(whom))


def _either(streams: Iterable[Iterator[str]]) -> Iterator[str]:
    last = None
    for openid in heapq.merge(*streams):
        if openid != last:
            yield openid
        last = openid


def _both(one: Iterator[str], other: Iterator[str]) -> Iterator[str]:
    second = next(other, None)
    for first in one:
        while second is not None and second < first:
            second = next(other, None)
        if second is None:
            return
        if first == second:
            yield first


def _but(one: Iterator[str], others: Iterator[str]) -> Iterator[str]:
    other = next(others, None)
    for openid in one:
        while other is not None and other < openid:
            other = next(others, None)
        if openid != other:
            yield openid


def sizes(audience: Audience, now: datetime) -> Callable[[str], int | None]:
    """How many workers an audience reaches, for `check`; None for what only WeChat knows."""

    def size(text: str) -> int | None:
        if text == "all":
            with audience.store.reading() as connection:
                return follower.count(connection)
        if any(those.kind == "tag" for those in spelled.all_of(spelled.read(text))):
            return None
        try:
            portions = audience.portions("template", text, now)
            return sum(len(portion) for portion in portions)
        except NoAudience:
            return None

    return size


def tags(api: Api) -> dict[str, int]:
    """The account's tags, each with the number of people who have it. Raises WeChatError."""
    return {str(tag.get("name", "")): int(tag.get("count") or 0) for tag in api.tags()}
