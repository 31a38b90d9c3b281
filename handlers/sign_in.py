"""The code of a page, typed into the chat: it signs that browser in. Neither the code nor its answer is kept."""

from __future__ import annotations

from handlers.turn import Turn
from models import session
from models.session import DIGITS
from wx.replies import Text

WORDS = {
    True: "登录好了，请回到刚才的网页，点“我已经发了”。",
    False: "这个数字不对，或者已经过了 10 分钟。请看网页上现在的数字，再发一次。",
    None: "数字试得太多了，请过 10 分钟再试。",
}


def is_code(words: str) -> bool:
    """Whether somebody may have typed a code."""
    return len(words) == DIGITS and words.isascii() and words.isdigit()


def typed(turn: Turn, code: str) -> Text:
    """What came of it."""
    done = session.type_code(turn.connection, turn.message.openid, code, turn.house.wall())
    turn.hushed, turn.topic = True, "sign-in"
    return Text(WORDS[done])
