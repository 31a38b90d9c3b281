"""An answer to words of danger: whom to call, before anything else; and an alarm to staff, without words or name."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from ground.days import SHANGHAI
from ground.normal import normal
from handlers.book import book
from handlers.turn import House, Turn
from menus.files import Danger
from models import alarm
from models.base import Connection
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


def written(
    house: House, connection: Connection, openid: str, words: str, title: str, now: datetime
) -> Danger | None:
    """What these words of a page's form sound like, with the alarm to staff; None for no danger. `title`: of the campaign."""
    found = book(house).dangers.find(normal(words))
    if found is None:
        return None
    at = now.astimezone(SHANGHAI)
    told = (
        f"{at:%m-%d %H:%M} 有职工在网页“{title}”里写的话像是遇到了危险（{found[0].title}）。电话已经告诉本人；"
        "本人接着提交了的，campaign show 里看得到；请值班的人看一看，能联系上就联系。"
    )
    alarm.sound(connection, f"crisis:{_once(openid, now)}", told, now)
    return found[0]


def _once(openid: str, now: datetime) -> str:
    """The same for one person within an hour; says nothing of who it is."""
    return sha256(f"{openid} {now:%Y%m%d%H}".encode()).hexdigest()[:20]
