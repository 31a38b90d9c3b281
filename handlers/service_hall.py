"""服务大厅: joining, hardship, rights, work, the hotline. Each item lists its guides."""

from __future__ import annotations

from handlers.book import book
from handlers.page import show
from handlers.turn import Turn
from wx.replies import Text


def join(turn: Turn) -> Text:
    """入会转会"""
    return show(turn, book(turn.house).pages["JOIN"])


def aid(turn: Turn) -> Text:
    """困难与互助"""
    return show(turn, book(turn.house).pages["AID"])


def law(turn: Turn) -> Text:
    """维权与法律"""
    return show(turn, book(turn.house).pages["LAW"])


def jobs(turn: Turn) -> Text:
    """就业与培训"""
    return show(turn, book(turn.house).pages["JOBS"])


def hotline(turn: Turn) -> Text:
    """12351热线"""
    return show(turn, book(turn.house).pages["HOTLINE"])
