"""What the pages are handed by app.py: explicit small things, so that no page reaches for a global."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns.approval import Approvals
from campaigns.push import Push
from campaigns.year import Due
from ground.address import Console, Site
from handlers import Found
from handlers.turn import House
from menus.publish import Api as MenuApi
from models.base import Store
from models.clock import Clock
from models.delivery import REASONS
from models.push import Plan
from wx.account import Account

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # this machine, as a browser on it names it


@dataclass(frozen=True, slots=True)
class Measure:
    """One number for the monitoring page; rows of one name differ by their labels."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    counts: bool = False  # True: only ever grows


@dataclass(frozen=True, slots=True)
class Demo:
    """The demonstration's two extra things: where the simulated WeChat listens, and the hand on the clock."""

    simulator_url: str  # http://127.0.0.1:PORT, without a slash at the end
    move_clock: Callable[[], datetime | None]  # to the next push; None when the year holds no more


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the pages need. `ready` gives the reasons (in Chinese) why this process cannot serve; none is good."""

    account: Account
    store: Store
    clock: Clock
    house: House
    find: Callable[[House, datetime, str], Found]  # what words lead to
    year: Callable[[], Sequence[Due]]
    ways: Mapping[str, str]  # channel → what staff call it
    ready: Callable[[], Sequence[str]]
    why: Mapping[str, str] = field(default_factory=lambda: REASONS)  # our own codes → the words for them
    measures: Callable[[], Sequence[Measure]] = tuple  # what /metrics shows besides the counts of the tables
    demo: Demo | None = None
    site: Site = field(default_factory=Site)
    console: Console = field(default_factory=Console)
    follows: Callable[[str], bool] | None = None  # whether WeChat says that this person follows
    sign_in: Callable[[str], Mapping[str, Any]] | None = (
        None  # the code of WeChat's sign-in page → whose it is
    )
    plan: Callable[[Push], Plan] | None = None  # a push as it is frozen when it starts
    approvals: Approvals | None = None  # how many of the staff must have looked at it first
    size: Callable[[str], int | None] = lambda audience: None  # how many people an audience reaches
    test: Callable[[str, str], str] | None = (
        None  # sends one copy of a push to one person at once; what came of it
    )
    wait: Callable[[str], timedelta] = lambda channel: timedelta(0)  # in which a push of it can be called off
    where: Callable[[str], str] = lambda name: ""  # in which file and on which line a push is written
    menu: MenuApi | None = None  # the account's custom menu
    make_code: Callable[[str], str] | None = None  # what a QR code of this scene holds, from WeChat
    ticket: Callable[[], str] | None = (
        None  # what pages are signed with, where the account may set share cards
    )
