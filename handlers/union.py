"""Which union a follower belongs to: bound by the code that they scan or by its word, told and undone when they ask."""

from __future__ import annotations

from ground.days import minute
from handlers.turn import Turn
from models import binding
from models import union as unions
from models.union import Union
from wx.replies import Text

BIND = "绑定"
UNDO = "绑错了，回复“解除绑定”；要看绑定了哪里，回复“我的单位”。"


def scanned(turn: Turn, number: str) -> Text | None:
    """They scanned a union's code; None where we do not know it."""
    if not number.isdigit() or len(number) > 18:
        return None
    found = binding.scanned(turn.connection, int(number), turn.message.openid, turn.now)
    turn.topic = "union"
    return (
        _bound(turn, found)
        if found
        else Text("这个二维码已经不用了，请向您单位的工会要新的。\n回复 00 首页。")
    )


def said(turn: Turn, words: str) -> Text | None:
    """绑定 and a union's word; None where it is no such word."""
    word = words.removeprefix(BIND).strip(' ：:“”"')
    if not word:
        turn.topic = "union"
        return Text(
            f"请回复“{BIND}”和您单位的口令，例如：{BIND} 一家人。口令向单位的工会要。{_page(turn)}\n回复 00 首页。"
        )
    found = unions.worded(turn.connection, word)
    if found is None:
        return None
    binding.bind(turn.connection, turn.message.openid, found.id, binding.WORD, turn.now)
    turn.topic = "union"
    return _bound(turn, found)


def mine(turn: Turn) -> Text:
    """Where they belong, since when, and how we know."""
    turn.topic = "union"
    found = binding.of(turn.connection, turn.message.openid)
    one = unions.get(turn.connection, found.union_id) if found else None
    if found is None or one is None:
        return Text(
            f"您还没有绑定单位。扫单位的二维码，或者回复“{BIND}”和单位的口令，就绑上了。{_page(turn)}\n回复 00 首页。"
        )
    since = minute(found.since)
    how = binding.WAYS[found.how]
    return Text(f"您的单位：{_named(turn, one)}\n{since} 起，{how}绑定。\n{UNDO}\n回复 00 首页。")


def leave(turn: Turn) -> Text:
    """They belong nowhere any more."""
    turn.topic = "union"
    if binding.unbind(turn.connection, turn.message.openid):
        return Text("解除了，您现在没有绑定单位。\n回复 00 首页。")
    return Text("您没有绑定单位，不用解除。\n回复 00 首页。")


def _bound(turn: Turn, one: Union) -> Text:
    return Text(
        f"绑定好了，您的单位是：{_named(turn, one)}\n以后这个单位和上级的活动、通知会告诉您。\n{UNDO}\n回复 00 首页。"
    )


def _named(turn: Turn, one: Union) -> str:
    """With all above it, the county's first."""
    return " · ".join(each.name for each in unions.chain(turn.connection, one)) or one.name


def _page(turn: Turn) -> str:
    """The form that looks into the members' list."""
    if not turn.house.base_url:
        return ""
    return f'也可以<a href="{turn.house.base_url}/h5/union">用姓名和手机号核对</a>。'
