"""From a message to the words that answer it: three tables, and `answer` that looks into them. No network, no sleep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from handlers import dialogue, innovation, results, service_hall, talk, welcome, workers_home, year
from handlers.book import book
from handlers.page import listing, show
from handlers.route import SmallTalk, explain, route
from handlers.turn import House, Turn
from menus.directory import normal
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

SPOKEN: Mapping[Callable[[Turn], Text], str] = {
    dialogue.home: "首页 主页 菜单 目录 帮助 开始 功能 服务 返回首页 help menu home h",
    talk.hello: "你好 您好 你好啊 您好啊 在吗 在么 有人吗 早上好 上午好 中午好 下午好 晚上好 hello hi 嗨 哈喽 喂 新年好 过年好",
    talk.thanks: "谢谢 谢谢你 谢谢您 多谢 感谢 非常感谢 谢了 辛苦了 thanks thankyou 好的谢谢",
    talk.good: "好 好的 好吧 行 知道了 明白了 明白 收到 嗯 嗯嗯 哦 是的 ok 可以 没事 没事了 不用了",
    talk.goodbye: "再见 拜拜 bye 回头见",
    talk.person: "人工 转人工 人工服务 人工客服 客服 找人 真人 接线员 工作人员 找客服 找人工",
    talk.complaint: "投诉 我要投诉 投诉举报 投诉单位 告状",
    talk.leave: "退订 取消关注 td t 不想收消息 别发了 不要发了 取关",
}
"""Who answers → the words said for it, apart from those of the service directory."""

WORDS: Mapping[str, Callable[[Turn], Text]] = {
    word: who for who, words in SPOKEN.items() for word in words.split()
}
"""Words as `normal` makes them → who answers."""

INSIDE = ("投诉", "人工", "客服", "退订", "取消关注", "谢谢", "你好", "您好")
"""Words that also count inside a sentence, when the directory knows nothing of it; in this order."""

TALK = SmallTalk(WORDS, INSIDE)


def answer(turn: Turn) -> Reply | None:
    """The words that answer this message, or None where WeChat takes none or nothing is to be said."""
    handler = EVENTS.get(type(turn.message.body))
    return handler(turn) if handler else None


def open_page(turn: Turn, name: str) -> Text:
    """The page of that name; one that is gone leads home."""
    return _known_page(turn, name) or dialogue.home(turn)


def say(turn: Turn, words: str) -> Text:
    """The answer to something said."""
    target = book(turn.house).finder.exact(words)  # most often it is a name just as we wrote it
    if target is not None:
        return open_page(turn, target)
    way = route(turn.house, turn.now, normal(words), TALK)
    match way.kind:
        case "page":
            return open_page(turn, way.target)
        case "number":
            return dialogue.choose(turn, way.target, open_page)
        case "talk":
            return WORDS[way.target](turn)
        case "faces":
            return talk.faces(turn)
        case "choice":
            return _choice(turn, way.offered, "您想问的是哪一件？回复数字：")
        case "near":
            turn.missed = True
            guess = "是不是这几件？" if way.hits[0].score else "常办的有这几件。"
            return _choice(turn, way.offered, f"没听明白您的意思。{guess}回复数字：")


def which(house: House, words: str, now: datetime) -> str:
    """For staff: who would answer these words, who else was near, and why."""
    return explain(house, now, words, TALK)


def _choice(turn: Turn, targets: tuple[str, ...], head: str) -> Text:
    tail = "都不是的话，换个说法再试，或拨 12351 问一问。\n回复 00 首页。"
    lines = book(turn.house).titles(targets)
    return show(turn, listing("near:" + "+".join(targets), "", lines, over=head, tail=tail))


def _known_page(turn: Turn, name: str) -> Text | None:
    if name in TAPS:
        return TAPS[name](turn)
    shelf = book(turn.house)
    if name in shelf.pages:
        return show(turn, shelf.pages[name])
    kind, _, rest = name.partition(":")
    if kind == "campaign":
        return year.detail(turn, rest)
    if kind == "near":
        known = tuple(target for target in rest.split("+") if target in shelf.pages)
        return _choice(turn, known, "回复数字：") if known else None
    return talk.complaint(turn) if name == "complaint" else None


def _text(turn: Turn) -> Text:
    body = turn.message.body
    assert isinstance(body, m.Text)
    chosen = _known_page(turn, body.menu_id) if body.menu_id else None
    return chosen or say(turn, body.content)


def _voice(turn: Turn) -> Text:
    body = turn.message.body
    assert isinstance(body, m.Voice)
    return say(turn, body.recognition) if normal(body.recognition) else talk.unheard(turn)


def _click(turn: Turn) -> Text:
    body = turn.message.body
    assert isinstance(body, m.Click)
    handler = TAPS.get(body.key)
    if handler is not None:
        return handler(turn)
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

__all__ = ["EVENTS", "TAPS", "WORDS", "House", "Turn", "answer", "open_page", "say", "which"]
