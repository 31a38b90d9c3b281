"""From a message to the words that answer it: two tables, and `answer` that looks into them. No network, no sleep."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ground.normal import normal
from handlers import (
    dialogue,
    innovation,
    request,
    results,
    said,
    service_hall,
    taking_part,
    talk,
    union,
    welcome,
    workers_home,
    year,
)
from handlers.book import book, lay_out
from handlers.look_up import Found, look_up
from handlers.page import show
from handlers.turn import House, Turn
from handlers.which import which
from wx import messages as m
from wx.replies import Reply, Text

Handler = Callable[[Turn], Reply | None]

TAPS: Mapping[str, Callable[[Turn], Text]] = {
    "JOIN": service_hall.join,
    "AID": service_hall.aid,
    "LAW": service_hall.law,
    "JOBS": service_hall.jobs,
    "HOTLINE": service_hall.hotline,
    "IDEA": innovation.idea,
    "CONTEST": innovation.contest,
    "MODEL": innovation.model,
    "LEARN": innovation.learn,
    "STARTUP": innovation.startup,
    "WISH": workers_home.wish,
    "RIDDLE": workers_home.riddle,
    "POLL": workers_home.poll,
    "LIFE": workers_home.life,
    "YEAR": workers_home.campaigns,
}
"""Menu key → who answers the tap."""


def answer(turn: Turn) -> Reply | None:
    """The words that answer this message, or None where WeChat takes none or nothing is to be said."""
    handler = EVENTS.get(type(turn.message.body))
    return taking_part.answer(turn, handler) if handler else None


def open_page(turn: Turn, name: str) -> Text:
    """The page of that name; one that is gone leads home."""
    return _known_page(turn, name) or dialogue.home(turn)


def say(turn: Turn, words: str) -> Text:
    """The answer to something said."""
    return said.say(turn, words, open_page)


def _known_page(turn: Turn, name: str) -> Text | None:
    if name in TAPS:
        return request.led(turn, TAPS[name](turn))
    shelf = book(turn.house)
    if name in shelf.pages:
        return request.led(turn, show(turn, shelf.pages[name]))
    kind, _, rest = name.partition(":")
    if kind in ("campaign", "card"):
        return year.detail(turn, rest)
    if kind == "rest":
        return year.rest(turn, rest)
    if kind == "union":
        return union.scanned(turn, rest)
    if kind == "join":
        return request.begin(turn, rest)
    if kind == "talk":
        saying = shelf.sayings.get(rest)
        return talk.small(turn, saying) if saying else None
    return said.again(turn, name)


def _text(turn: Turn) -> Text:
    body = turn.message.body
    assert isinstance(body, m.Text)
    chosen = _known_page(turn, body.menu_id) if body.menu_id else None
    return chosen or said.say(turn, body.content, open_page)


def _voice(turn: Turn) -> Text:
    body = turn.message.body
    assert isinstance(body, m.Voice)
    return say(turn, body.recognition) if normal(body.recognition) else talk.unheard(turn)


def _click(turn: Turn) -> Reply:
    body = turn.message.body
    assert isinstance(body, m.Click)
    handler = TAPS.get(body.key)
    if handler is not None:
        words = request.led(turn, handler(turn))
        return year.card(turn) or words
    reply = dialogue.home(turn)
    turn.topic = "unknown-key"
    return Text("这个菜单已经换新了，您手机上看到的还是旧的。过一会儿重新打开公众号就好。\n" + reply.content)


def _scancode(turn: Turn) -> Text | None:
    body = turn.message.body
    assert isinstance(body, m.ScanCode)
    return talk.scanned(turn) if body.waits else None


EVENTS: Mapping[type[m.Body], Handler] = {
    m.Text: _text,
    m.Voice: _voice,
    m.Image: talk.picture,
    m.Video: talk.video,
    m.Location: talk.place,
    m.Link: talk.link,
    m.File: talk.file,
    m.Click: _click,
    m.Subscribe: lambda turn: welcome.follow(turn, _known_page),
    m.Scan: lambda turn: welcome.scan(turn, _known_page),
    m.ScanCode: _scancode,
    m.MassFinished: results.mass,
    m.TemplateFinished: results.template,
}
"""What kind of message → who answers. Every other kind gets no words: an unfollow, a link that was opened, a place that the
phone told by itself, pictures and places picked from the menu (they follow as messages of their own), unknown types."""

__all__ = [
    "EVENTS",
    "TAPS",
    "Found",
    "House",
    "Turn",
    "answer",
    "lay_out",
    "look_up",
    "open_page",
    "say",
    "which",
]
