"""A worker in the chat, at the level of `handlers.answer`: no database, a clock that the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from guides_cast import WHOLE

from campaigns.campaign import Campaign
from handlers import House, Turn, answer
from models.base import Connection, metadata
from models.follower import Follower
from wx import messages as m
from wx.replies import Text

TABLES = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
metadata.create_all(TABLES)
START = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)


def campaign(
    ident: str, title: str, kind: str, about: str, first: str = "", last: str = "", at: str = ""
) -> Campaign:
    """A campaign as it is read from the config file, with one push where `at` says when."""
    pushes = [{"id": "open", "at": at, "channel": "mass", "text": "开始了。"}] if at else []
    keys = {
        "id": ident,
        "title": title,
        "kind": kind,
        "about": about,
        "from": first,
        "to": last,
        "pushes": pushes,
    }
    return Campaign.model_validate(keys)


YEAR = (
    campaign("plan", "内部筹备", "preparation", "内部会议"),
    campaign("spring", "春节发福利", "wish", "过年您最想要哪样福利？", "2027-01-10"),
    campaign("lantern", "正月十五闹元宵", "riddle", "线上猜灯谜。", "2027-02-20", at="2027-02-20T10:00:00"),
    campaign("food", "特色盘锦美食", "poll", "评一评。", "2027-09-16"),
    campaign("dance", "最美广场大妈", "poll", "评一评。", "2027-10-03", "2027-10-07"),
    campaign("book", "年度画册", "book", "一年的照片。", "2026-12-26", "2026-12-30"),
)


def house(*, live: bool = False, has_menu: bool = True, year: Sequence[Campaign] = YEAR) -> House:
    return House("盘锦市总工会", live, has_menu, "https://union.example", lambda: WHOLE, lambda: year)


@dataclass
class Worker:
    """Says and taps; keeps what is stored of the dialogue between two messages."""

    house: House = field(default_factory=house)
    now: datetime = START
    dialogue: str = ""
    turn: Turn | None = None
    unsubscribed_at: datetime | None = None

    def sends(self, body: m.Body, connection: Connection | None = None) -> str | None:
        """The text that comes back, or None for silence."""
        follower = Follower("oWorker", True, START, self.now, unsubscribed_at=self.unsubscribed_at)
        message = m.Message(
            "gh_union", "oWorker", "text", int(self.now.timestamp()), "1", "", "", body, "<xml/>", "k"
        )
        # hardly anything that is only said touches the database, which is empty here
        with nullcontext(connection) if connection is not None else TABLES.begin() as books:
            self.turn = Turn(message, follower, books, self.now, self.house, moved_to=self.dialogue)
            reply = answer(self.turn)
        self.dialogue = self.turn.dialogue
        assert reply is None or isinstance(reply, Text)
        return reply.content if reply else None

    def says(self, words: str) -> str:
        reply = self.sends(m.Text(words))
        assert reply
        return reply

    def taps(self, key: str) -> str:
        reply = self.sends(m.Click(key))
        assert reply
        return reply

    def waits(self, span: timedelta) -> None:
        self.now += span

    @property
    def topic(self) -> str:
        """What answered, without the mark of a guess."""
        assert self.turn is not None
        return self.turn.topic.partition("?")[0]

    @property
    def missed(self) -> bool:
        assert self.turn is not None
        return self.turn.missed
