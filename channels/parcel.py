"""What goes through every way out: a parcel, its far id, and the one error that says it was certainly not delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from ground.part import Part
from wx.client import Api
from wx.errors import ApiError, NotSent, Policy, explain

Content = Mapping[str, Any]  # one of text, article, image, template, menu, as the staff wrote it


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent in one call. `key` (≤ 32 ASCII bytes) is the same whenever the same thing is sent again."""

    push: str
    key: str
    recipients: tuple[str, ...]
    content: Content
    repeat: bool = False  # it may have gone out before under this key
    # asked immediately before the request that delivers, and before each repeat of it
    may_go: Callable[[], bool] = always


class ChannelError(Exception):
    """Certainly not delivered. `reason` is in Chinese; `policy` says what it asks of us (wx.errors)."""

    def __init__(
        self, reason: str, permanent: bool, errcode: int | None = None, policy: Policy | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.errcode = errcode
        self.policy: Policy = policy or ("pause_push" if permanent else "retry")


class Unreached(ChannelError):
    """WeChat could not be reached at all: the next parcel would not fare better."""

    def __init__(self, what: str) -> None:
        super().__init__(f"连不上微信（{what}）", permanent=False, policy="retry")


class Shelf(Protocol):
    """Remembers what was uploaded before."""

    def read(self, key: str) -> str | None: ...
    def keep(self, key: str, value: str, lasts: timedelta | None = None) -> None: ...
    def forget(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Gear:
    """What channels work with: the API, the shelf of uploads, and the folder from which picture files are named."""

    api: Api
    shelf: Shelf
    folder: Path
    sections: Mapping[str, Part] = field(default_factory=dict)  # of the config file, by the channel's name


def refused(error: ApiError | NotSent) -> ChannelError:
    """The ChannelError of a refusal, with WeChat's own words behind the Chinese ones."""
    if isinstance(error, NotSent):
        return Unreached(str(error))
    row = explain(error.errcode)
    passing = row.policy in ("retry", "wait_minute", "wait_day")
    reason = f"{row.means_zh}（{error.errcode} {error.errmsg[:200]}）"
    return ChannelError(reason, not passing, error.errcode, row.policy)
