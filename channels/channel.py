"""What a way out says of itself, so that nothing else needs to know which ways out there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from channels.limits import EVERYBODY, Allowance, Can, SendLimits, Speed
from channels.parcel import Content, Gear, Parcel
from ground.audience import is_whole
from ground.part import Part
from wx.account import Account, Standing


class Channel(ABC):
    """A way out. A new one says its name, title and forms and how it sends and shows; the rest only where it differs.

    Any exception other than ChannelError leaves open whether the parcel was delivered."""

    name: ClassVar[str]  # in the config file and the tables; at most 16 characters
    title: ClassVar[str]  # what staff call it
    forms: ClassVar[tuple[str, ...]]  # which of text, article, image, template, menu it takes
    batch: ClassVar[int] = 1  # the most recipients of one parcel
    whole: ClassVar[bool] = False  # `all` and `tag:` are one row, whose readers only the far end counts
    remembers_for: ClassVar[timedelta | None] = (
        None  # how long the far end knows a key again; None: it never does
    )
    asks: ClassVar[bool] = (
        False  # `send` asks parcel.may_go right before what delivers: a fault before that is no delivery
    )
    window: ClassVar[timedelta | None] = None  # how long a follower's act may be answered; None: at any time
    reasons: ClassVar[Mapping[str, str]] = {}  # why it skips somebody: code and what staff read
    can: ClassVar[Mapping[Standing, Can]] = EVERYBODY  # what each kind of account may do by it
    quota: ClassVar[str] = ""  # WeChat's path, where there is a daily quota of calls to ask for
    section: ClassVar[type[Part] | None] = (
        None  # its own table of the config file, `[name]`, all of it optional
    )

    def __init__(self, gear: Gear) -> None:
        self.gear = gear

    # --- what the config file may ask of it ----------------------------------------------------------------

    @staticmethod
    def odds(push: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong between the keys of a raw push, in Chinese, whatever else is wrong in it."""
        yield from ()

    @classmethod
    def obstacles(cls, account: Account, audience: str) -> Iterator[str]:
        """Why this account may not send so, to this audience; in Chinese."""
        can = cls.can[account.standing]
        if can.refused:
            yield can.refused
        elif can.by_list and not is_whole(audience):
            yield can.by_list

    @staticmethod
    def faults(folder: Path, content: Content) -> Iterator[str]:
        """What it would refuse in the files that this content names, beside the config file in `folder`; in Chinese."""
        yield from ()

    @staticmethod
    def files(content: Content) -> Iterator[str]:
        """The files beside the config file that this content names."""
        yield from ()

    @staticmethod
    def hints(content: Content) -> Iterator[str]:
        """What can be sent so and is hardly meant; in Chinese."""
        yield from ()

    # --- how fast and how often ----------------------------------------------------------------------------

    @staticmethod
    def speed(limits: SendLimits) -> Speed:
        """How fast calls may go."""
        return Speed(limits.sends_per_s, 1.0)

    @classmethod
    def monthly(cls, account: Account, limits: SendLimits) -> Allowance | None:
        """How often one follower may get something in a month, None where nobody counts."""
        return cls.can[account.standing].monthly(limits)

    @classmethod
    def daily(cls, account: Account, limits: SendLimits) -> Allowance | None:
        """How many calls may be made in a day, None where nobody counts."""
        return cls.can[account.standing].daily(limits)

    @staticmethod
    def closed(
        spoke_at: datetime | None,
        tapped_at: datetime | None,
        sent: Sequence[datetime],
        limits: SendLimits,
        now: datetime,
    ) -> str:
        """Of a channel with a window: why nothing may go to this follower now (one of `reasons`), or "" when it may.

        `sent` is when others went through this channel."""
        return ""

    # --- sending -------------------------------------------------------------------------------------------

    @abstractmethod
    def send(self, parcel: Parcel) -> str:
        """Deliver it and give the far end's id, "" if it has none. Raises ChannelError: certainly not delivered."""

    @abstractmethod
    def show(self, parcel: Parcel) -> None:
        """Let one person see it, outside the books."""
