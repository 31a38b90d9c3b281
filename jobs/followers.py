"""Whether we know everybody who follows: WeChat's count beside ours, once a day; only a person has them imported."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from models import alarm, follower, shared
from models.base import Store
from wx.client import Api
from wx.errors import WeChatError

log = logging.getLogger(__name__)

ONCE_IN = timedelta(days=1)
AGAIN = timedelta(hours=1)  # after WeChat did not answer
FEW = 10  # people, or one in a hundred: who follows or leaves in this very minute
ASKED = "followers asked"


def differ(ours: int, theirs: int) -> bool:
    """Whether more are missing than come and go in a minute."""
    return abs(theirs - ours) > max(FEW, theirs // 100)


def compare(store: Store, api: Api, now: Callable[[], datetime]) -> None:
    """Ask how many follow, if nobody has today, and tell the staff when a push to everyone would not reach everyone."""
    with store.writing() as connection:
        if shared.read(connection, ASKED, now()) is not None:
            return
        shared.write(connection, ASKED, "", now(), now() + AGAIN)
    try:
        theirs = api.total()
    except WeChatError as error:
        log.warning("the followers were not counted", extra={"error": type(error).__name__})
        return
    with store.writing() as connection:
        shared.write(connection, ASKED, "", now(), now() + ONCE_IN)
        ours = follower.count(connection)
        if not differ(ours, theirs):
            alarm.clear(connection, follower.DIFFERS, now())
        elif not alarm.stands(connection, follower.DIFFERS):
            words = (
                f"微信说有 {theirs} 位关注者，系统只认得 {ours} 位：发给“全体关注者”的模板消息和客服消息到不了其余的人。"
                "请运行 follower import，从微信取来名单。"
            )
            alarm.sound(connection, follower.DIFFERS, words, now())
