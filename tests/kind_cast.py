"""A union with campaigns to take part in: its webhook and its pages over one database, workers with phones and browsers, a
clock that the test moves, and the staff at the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from phone_cast import ACCOUNT, WHOLE

import handlers
from campaigns.campaign import Campaign
from handlers.turn import House
from menus import tree
from models.base import Store
from models.clock import Clock
from web.webhook import Webhook
from wx.account import Account
from wx.envelope import Envelope
from wx.simulator import Patience, Phone, Platform

NOON = datetime(2027, 1, 12, 4, 0, tzinfo=UTC)  # in the middle of the wishes
LIVE = ACCOUNT.model_copy(update={"live": True})
WISH = {
    "id": "spring-wish",
    "title": "春节发福利",
    "kind": "wish",
    "about": "您最想要哪一种节日福利？",
    "from": "01-10",
    "to": "01-31",
    "wish": {"per_person": 2},
}


def campaign(keys: dict[str, Any], **more: Any) -> Campaign:
    """A campaign as it stands in the config file."""
    return Campaign.model_validate({**keys, **more})


class Union:
    """The whole house at a moment of the year."""

    def __init__(
        self,
        store: Store,
        campaigns: Sequence[Campaign] | None = None,
        *,
        account: Account = LIVE,
        at: datetime = NOON,
        base_url: str = "",
    ) -> None:
        self.store = store
        self.campaigns = tuple(campaigns if campaigns is not None else [campaign(WISH)])
        self.ahead = at - datetime.now(UTC)
        self.account = account
        self.base_url = base_url
        self.clock = Clock(lambda: self.ahead)
        self.platform = Platform(account, self._carry, now=self._now, patience=Patience(gap_s=0.05))
        self.platform.world.menu = dict(tree.body(WHOLE.menu))
        self.webhook = self._webhook()

    def _now(self) -> datetime:
        return self.clock.now()

    def _webhook(self) -> Webhook:
        house = House(
            self.account.name,
            self.account.live,
            True,
            self.base_url,
            lambda: WHOLE,
            lambda: self.campaigns,
            testers=self.account.testers,
            sensitive=("赌博",),
        )
        secrets = (self.account.token.get_secret_value(), self.account.encoding_aes_key.get_secret_value())
        envelope = Envelope(
            mode="safe", token=secrets[0], app_id=self.account.app_id, freshness_s=300, aes_key=secrets[1]
        )
        return Webhook(envelope, self.store, self.clock, house, handlers.answer, self.account.original_id)

    def _carry(self, query: str, body: bytes) -> tuple[int, bytes]:
        return self.webhook.answer(query, body)

    def restarts(self) -> None:
        """Another process, which knows only what is stored."""
        self.webhook = self._webhook()

    def waits(self, span: timedelta) -> None:
        self.ahead += span
        self.clock = Clock(lambda: self.ahead)
        self.webhook.clock = self.clock

    def phone(self, name: str) -> Phone:
        """A follower."""
        phone = Phone(self.platform, name)
        phone.follows()
        return phone

    def close(self) -> None:
        self.platform.close()
