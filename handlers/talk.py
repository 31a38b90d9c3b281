"""Small talk, and what people send that is no question: thanks, complaints, pictures, voices, places."""

from __future__ import annotations

from handlers.dialogue import home
from handlers.page import listing, show
from handlers.turn import Turn
from menus.files import Saying
from menus.guide import HOTLINE
from wx.replies import Text

NOBODY = "这里由程序自动回答，没有工作人员值守。"
TYPE_IT = "请用文字说，比如：工伤、欠薪、退会；回复 00 看全部服务。"


def small(turn: Turn, saying: Saying) -> Text:
    """Small talk, as the clerk's file has it."""
    if saying.home:
        reply = home(turn)
        turn.topic = saying.id
        return Text(f"{saying.answer}\n{reply.content}")
    if saying.offers:
        lines = [(offer.say, offer.page) for offer in saying.offers]
        return show(turn, listing(saying.id, "", lines, head=saying.answer))
    return _say(turn, saying.id, saying.answer)


def faces(turn: Turn) -> Text:
    """Words without a letter: faces, emoji, marks."""
    reply = home(turn)
    turn.topic = "faces"
    return Text("收到您发的表情或符号。\n" + reply.content)


def picture(turn: Turn) -> Text:
    """An image."""
    return _say(
        turn, "picture", f"收到您的图片了，可我看不懂图片里的内容。{TYPE_IT}\n{NOBODY}着急请拨 {HOTLINE}。"
    )


def video(turn: Turn) -> Text:
    """A video, long or short."""
    return _say(
        turn, "video", f"收到您的视频了，可我看不懂视频里的内容。{TYPE_IT}\n{NOBODY}着急请拨 {HOTLINE}。"
    )


def unheard(turn: Turn) -> Text:
    """A voice message that came without its words."""
    return _say(turn, "voice", f"对不起，我听不懂语音。{TYPE_IT}\n不方便打字，请拨 {HOTLINE} 直接说。")


def link(turn: Turn) -> Text:
    """A link."""
    return _say(
        turn, "link", f"收到您发的链接，我打不开它。想问什么，{TYPE_IT}\n陌生链接别乱点，叫您转账的都别信。"
    )


def file(turn: Turn) -> Text:
    """A file."""
    return _say(
        turn, "file", f"收到您的文件，可我打不开。{TYPE_IT}\n要交材料，请先拨 {HOTLINE} 问清交到哪里。"
    )


def place(turn: Turn) -> Text:
    """A place sent as a message."""
    return _say(
        turn,
        "place",
        f"收到您的位置。我还不会按位置找最近的服务站点，请拨 {HOTLINE} 问离您最近的在哪里，免得白跑。\n"
        "也可以回复“驿站”看看说明。",
    )


def scanned(turn: Turn) -> Text:
    """A code that was scanned from the menu while the phone waits for words."""
    return _say(turn, "scanned", "扫到了，不过这个码不是我们的，没法办事。回复 00 看全部服务。")


def _say(turn: Turn, topic: str, words: str) -> Text:
    """Words that leave the worker where they stand."""
    turn.topic = topic
    return Text(words)
