"""What `doctor` looks at, and what one of its checks finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from channels.alarm import Alarms
from commands import entrance
from ground.workdays import Workdays
from models import schema
from models.base import Store
from wx.account import LOOPBACK, Account
from wx.client import Api

GOOD, HINT, BAD = "✓", "·", "✗"
NOBODY = Alarms()
ANNOUNCED_ONLY = Workdays()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `action` is the one thing to do, '' when nothing is to be done."""

    mark: str
    subject: str
    words: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is looked at. `now` is the wall clock's."""

    config: Path
    account: Account
    base_url: str
    store: Store
    redis_url: str
    backups: Path
    api: Api
    now: datetime
    alarms: Alarms = NOBODY
    workdays: Workdays = ANNOUNCED_ONLY
    faults: Sequence[
        str
    ] = ()  # of the config file; the rest is then looked at as far as the file can be read
    nginx: Path = entrance.NGINX

    @property
    def begun(self) -> bool:
        """Whether there are tables to look into. Looking makes no database."""
        file = self.store.file
        return (file is None or file.exists()) and not schema.standing(self.store).pending

    @property
    def simulated(self) -> bool:
        """WeChat is on this machine: a demonstration or a test."""
        return urlsplit(self.account.api_base).hostname in LOOPBACK
