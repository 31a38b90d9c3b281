"""创新创业: ideas, contests, model workers, learning, starting up. Each item lists its guides."""

from __future__ import annotations

from handlers.book import book
from handlers.page import show
from handlers.turn import Turn
from wx.replies import Text


def idea(turn: Turn) -> Text:
    """合理化建议·五小"""
    return show(turn, book(turn.house).pages["IDEA"])


def contest(turn: Turn) -> Text:
    """先锋杯·技能竞赛"""
    return show(turn, book(turn.house).pages["CONTEST"])


def model(turn: Turn) -> Text:
    """劳模与工匠"""
    return show(turn, book(turn.house).pages["MODEL"])


def learn(turn: Turn) -> Text:
    """工匠学院·网课"""
    return show(turn, book(turn.house).pages["LEARN"])


def startup(turn: Turn) -> Text:
    """创业扶持"""
    return show(turn, book(turn.house).pages["STARTUP"])
