"""An answer to words of danger: whom to call, before anything else; and an alarm to staff, without words or name."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from ground.days import SHANGHAI
from handlers.book import book
from handlers.turn import Turn
from menus.files import Danger
from models import alarm
from wx.replies import Text


def answer(turn: Turn, kind: Danger, target: str) -> Text:
    """The numbers and what to do now; then, where the words ask for something besides, its first words. Where the worker
    stands in the dialogue stays as it is."""
    _sound(turn, kind)
    turn.topic = f"crisis:{kind.id}"
    guide = book(turn.house).directory.by_id.get(target.removeprefix("guide:")) if target else None
    second = f"\n\n【{guide.title}】\n{guide.answer}" if guide and guide.answer else ""
    return Text(kind.answer + second)


def _sound(turn: Turn, kind: Danger) -> None:
    """The alarm: once for a person and an hour, however often they write. `key` leads to the message."""
    key = turn.message.key[:16]
    at = turn.now.astimezone(SHANGHAI)
    words = (
        f"{at:%m-%d %H:%M} 有职工说的话像是遇到了危险（{kind.title}）。电话已经告诉本人；请值班的人马上看这条消息，"
        f"能联系上就联系：消息编号 {key}。"
    )
    alarm.sound(turn.connection, f"crisis:{_once(turn.message.openid, turn.now)}", words, turn.now)


def _once(openid: str, now: datetime) -> str:
    """The same for one person within an hour; says nothing of who it is."""
    return sha256(f"{openid} {now:%Y%m%d%H}".encode()).hexdigest()[:20]
