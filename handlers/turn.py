"""What a handler is given: one message, the follower who sent it, the transaction, the time, and the house."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from campaigns.campaign import Campaign
from campaigns.kind import Setting
from ground.workdays import Workdays
from models.base import Connection
from models.batch import Batch
from models.follower import Follower
from models.recording import NOT_YET
from wx.messages import Message

if TYPE_CHECKING:
    from menus.directory import Directory
    from menus.guide import Mode


@dataclass(frozen=True, slots=True, eq=False)
class House:
    """What every handler may know of the account; built once by app.py, and compared by identity."""

    name: str
    live: bool
    has_menu: bool  # a verified account; others get the numbered dialogue
    base_url: str
    guides: Callable[[], Directory]  # the service directory in force
    campaigns: Callable[[], Sequence[Campaign]] = tuple  # those now in force
    testers: Collection[str] = ()  # who may take part before the account is live
    wall: Callable[[], datetime] = lambda: datetime.now(
        UTC
    )  # for codes, which the demonstration's clock does not move
    sensitive: tuple[str, ...] = ()  # words that staff look at before others see them
    demo: bool = False  # samples stand for what nobody has filled in yet
    synonyms: Callable[[], Mapping[str, str]] = dict  # what staff taught at the desk: plain words → page
    guide_pages: bool = False  # each entry has its page under base_url
    beside: Setting = field(
        default_factory=Setting
    )  # what the config file says beside its campaigns and days

    @property
    def setting(self) -> Setting:
        """What the config file says beside the campaigns; its days are laid under each of them."""
        first = next(iter(self.campaigns()), None)
        workdays = first.calendar.workdays if first else Workdays()
        return replace(self.beside, workdays=workdays, site=self.base_url)

    @property
    def mode(self) -> Mode:
        """What becomes of a line with a blank."""
        return "sample" if self.demo else "live" if self.live else "draft"


@dataclass(slots=True)
class Turn:
    """One message being answered. Handlers may set what stands below the line, and `dialogue`.

    Where a handler looks at neither connection nor follower nor dialogue, it is called before the transaction begins; else it
    is called again inside it, so it must not do anything lasting before it first looks.
    """

    message: Message
    follower: Follower
    connection: Connection
    now: datetime
    house: House
    batch: Batch | None = None  # what is read and written together with others' messages
    # ---
    moved_to: str = ""  # in the numbered dialogue; stored with the follower
    topic: str = ""  # what answered, such as "guide:raise"; stored with the interaction
    hushed: bool = False  # neither these words nor their answer are kept
    missed: bool = False  # nothing fitted the words; counted for staff

    @property
    def inside(self) -> bool:
        """Whether this is inside the transaction, so that connection and follower may be looked at."""
        return self.connection is not NOT_YET

    @property
    def dialogue(self) -> str:
        """Where the numbered dialogue stands."""
        return self.moved_to or self.follower.dialogue

    @dialogue.setter
    def dialogue(self, place: str) -> None:
        self.moved_to = place
