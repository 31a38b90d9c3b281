"""The union's office: its config of campaigns, its workers that send, and a simulated WeChat that answers over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from guides_cast import WHOLE
from ledger_cast import assert_books_balance, follow
from simulator_cast import ACCOUNT, Time
from spring_cast import NOON, TEMPLATE, campaign

from campaigns.campaign import Campaign
from channels import Channel, Gear, SendLimits, open_channels
from handlers import House, answer
from jobs.audience import Audience
from jobs.hearts import Hearts
from jobs.pace import Pace
from jobs.push import Sender, plan_of
from jobs.worker import Worker
from models import alarm, delivery, push
from models.base import Store
from models.clock import Clock
from models.delivery import Books, deliveries
from models.media import Shelf
from models.push import Occasion
from models.shared import Shared
from web.webhook import Webhook
from wx.account import Account
from wx.client import Api
from wx.envelope import Envelope
from wx.simulator import Phone, Platform, PlatformServer, Results

__all__ = ["LIVE", "NOON", "TEMPLATE", "Office", "Wall", "campaign", "each_office", "office"]

LIVE = ACCOUNT.model_copy(update={"live": True})
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 10 + b"\xff\xd9"


class Tests(Clock):
    """A clock that stands where the test put it."""

    __test__ = False

    def __init__(self, time_: Time) -> None:
        super().__init__()
        self.time = time_

    def now(self) -> datetime:
        return self.time.now()


class Wall(Time):
    """The wall clock, for offices whose workers are processes of their own."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Office:
    """Everything that a push needs, made anew for each test; `worker()` gives one more process that sends."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        account: Account = LIVE,
        redis_url: str = "",
        time_: Time | None = None,
    ) -> None:
        self.store, self.folder, self.account = store, folder, account
        self.time = time_ or Time(NOON)
        self.clock = Tests(self.time)
        self.common = Shared(store, redis_url)
        self.platform = Platform(account, self._webhook(), now=self.time.now, results=Results(delay_s=0.01))
        self.server = PlatformServer(self.platform)
        self.server.start()
        self.account = account.model_copy(update={"api_base": self.server.url})
        self.api = Api(self.account, self.common, self.time.now)
        self.campaigns: tuple[Campaign, ...] = ()
        self.limits = SendLimits(sends_per_s=1000)
        self.workers: list[Worker] = []

    def close(self) -> None:
        for worker in self.workers:
            worker.stop()
            worker.sender.close()
        self.platform.settle(5)
        self.server.stop()
        self.platform.close()
        self.common.close()

    def _webhook(self) -> Callable[[str, bytes], tuple[int, bytes]]:
        account = self.account
        envelope = Envelope.of(account)
        house = House(account.name, True, True, "https://union.example", lambda: WHOLE)
        return Webhook(envelope, self.store, self.clock, house, answer, account.original_id).answer

    # -- people --------------------------------------------------------------------------------------------

    def hires(self, number: int, *tags: str, **columns: Any) -> list[str]:
        """So many workers follow the account since long ago; their openids."""
        people = [self.platform.add_follower(f"职工{n}", *tags).openid for n in range(number)]
        follow(self.store, people, **columns)
        return people

    def phone(self, name: str) -> Phone:
        return Phone(self.platform, name)

    # -- work ----------------------------------------------------------------------------------------------

    def worker(self, lease: timedelta = timedelta(minutes=2), account: Account | None = None) -> Worker:
        """One more process that sends."""
        account = account or self.account
        sender = Sender(
            self.store,
            Pace(self.common, self.limits),
            account,
            self.channels(),
            Audience(self.store, self.api, account, self.folder),
            self.limits,
            self.clock.now,
            lease=lease,
            hearts=Hearts(lambda: self.time.now().timestamp()),
        )
        made = Worker(self.store, self.clock, self.common, lambda: self.campaigns, sender)
        self.workers.append(made)
        return made

    def starts(self, *, asked: bool = False, **wanted: Any) -> int:
        """A push is due now, whatever its time (`asked`: because a person wants it); its id."""
        (made,) = (each for each in campaign(**wanted).pushes)
        with self.store.writing() as connection:
            push_id = push.owe(connection, plan_of(made), self.time.now(), self.time.now(), asked=asked)
        assert push_id is not None
        return push_id

    @property
    def audience(self) -> Audience:
        """Who finds the people of this office."""
        return Audience(self.store, self.api, self.account, self.folder)

    def channels(self) -> dict[str, Channel]:
        """The ways out of this office."""
        return open_channels(Gear(self.api, Shelf(self.store, self.clock.now), self.folder))

    def works(self, worker: Worker | None = None, seconds: float = 120) -> None:
        """A worker steps until nothing more happens without the clock moving."""
        worker = worker or (self.workers[0] if self.workers else self.worker())
        until = time.monotonic() + seconds
        idle = 0
        while idle < 2:
            assert time.monotonic() < until, "the worker does not come to an end"
            again = worker.step()
            idle = idle + 1 if again >= 0.5 else 0
            if 0 < again < 0.5:
                time.sleep(again)
        self.platform.settle(10)
        worker.sender.recover()

    def minutes_pass(self, minutes: float) -> None:
        """Time passes, and the worker does what has become possible."""
        self.time.passes(minutes=minutes)
        self.works()

    # -- looking -------------------------------------------------------------------------------------------

    def stands(self, push_id: int) -> Occasion:
        with self.store.reading() as connection:
            found = push.get(connection, push_id)
        assert found is not None
        return found

    def books(self, push_id: int) -> Books:
        return assert_books_balance(self.store, push_id)

    def rows(self, push_id: int) -> dict[str, Any]:
        """Each recipient's row."""
        with self.store.reading() as connection:
            query = sa.select(deliveries).where(deliveries.c.push_id == push_id)
            return {row.recipient: row for row in connection.execute(query)}

    def reasons(self, push_id: int) -> list[tuple[str, str, int]]:
        with self.store.reading() as connection:
            return delivery.reasons(connection, push_id)

    def alarms(self) -> list[str]:
        """What the staff are told."""
        with self.store.reading() as connection:
            return [each.words for each in alarm.standing(connection)]

    def calls(self, path: str) -> int:
        return self.platform.calls[path]


@pytest.fixture
def office(sqlite_store: Store, tmp_path: Path) -> Iterator[Office]:
    """An office with SQLite, on a live account."""
    made = Office(sqlite_store, tmp_path)
    yield made
    made.close()


@pytest.fixture
def each_office(store: Store, tmp_path: Path) -> Iterator[Office]:
    """An office on each kind of database."""
    made = Office(store, tmp_path)
    yield made
    made.close()
