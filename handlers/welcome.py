"""The first words: to who follows for the first time or again, with or without a QR code, and to who scans one later."""

from __future__ import annotations

from collections.abc import Callable

from handlers.dialogue import home
from handlers.turn import Turn
from wx.messages import Scan, Subscribe
from wx.replies import Text

OpenPage = Callable[[Turn, str], Text | None]
PRIVACY = "您在这里说的话怎么保存、怎么删，回复“隐私”就能看到。"
SCENE_PAGES = 64  # characters of a scene that can name a page


def follow(turn: Turn, open_page: OpenPage) -> Text:
    """The welcome; after a scan of a code that names a page, that page comes with it."""
    body = turn.message.body
    scene = body.scene if isinstance(body, Subscribe) else ""
    again = turn.follower.unsubscribed_at is not None
    greeting = "欢迎回来！" if again else "您好，欢迎关注！"
    scanned = _scanned(turn, scene, open_page)
    if scanned is not None:
        return Text(f"{greeting}您扫码要看的是：\n{scanned.content}")
    reply = home(turn)
    turn.topic = "welcome-back" if again else "welcome"
    return Text(f"{greeting}\n{reply.content}\n{PRIVACY}")


def scan(turn: Turn, open_page: OpenPage) -> Text:
    """A follower scanned a code: the page that it names, or the home page."""
    body = turn.message.body
    scanned = _scanned(turn, body.scene if isinstance(body, Scan) else "", open_page)
    if scanned is not None:
        return scanned
    reply = home(turn)
    turn.topic = "scan"
    return Text("扫码成功，您已经关注我们了。\n" + reply.content)


def _scanned(turn: Turn, scene: str, open_page: OpenPage) -> Text | None:
    """A scene names a page as it is: JOIN, guide:join, campaign:lantern; any other is only stored."""
    return open_page(turn, scene) if scene and len(scene) <= SCENE_PAGES else None
