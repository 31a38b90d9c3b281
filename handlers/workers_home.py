"""职工之家: wishes, riddles, votes, leisure and care, the year's campaigns."""

from __future__ import annotations

from handlers import year
from handlers.book import book
from handlers.page import show
from handlers.turn import Turn
from wx.replies import Text


def wish(turn: Turn) -> Text:
    """福利与心愿征集"""
    return year.answer(turn, "WISH")


def riddle(turn: Turn) -> Text:
    """元宵灯谜"""
    return year.answer(turn, "RIDDLE")


def poll(turn: Turn) -> Text:
    """投票评选"""
    return year.answer(turn, "POLL")


def life(turn: Turn) -> Text:
    """文体与关爱"""
    return show(turn, book(turn.house).pages["LIFE"])


def campaigns(turn: Turn) -> Text:
    """今年活动·画册"""
    return year.answer(turn, "YEAR")
