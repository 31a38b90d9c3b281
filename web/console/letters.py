"""来信: what somebody of the staff should read: the person's time-line, the answer within WeChat's windows, and the way from one
colleague to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from campaigns.way_back import way
from ground.personal import covered
from ground.words import DELIVERIES
from models import letter, listing, notice, timeline
from models import staff as people
from models.base import Connection
from models.letter import Letter
from models.listing import Wanted
from models.staff import ANSWERING
from web.console.desk import Answer, Desk
from web.console.listing import Rows

LONGEST = 600  # characters of an answer: three messages' worth at most would be cut by the phone
STATES = {letter.WAITING: "等人看", letter.TAKEN: "有人在办", letter.DONE: "办完了"}
DEEDS = {
    letter.OPENED: "打开看过",
    letter.ANSWERED: "答复了",
    letter.NOTED: "记了一笔",
    letter.MOVED: "转办",
}
MOMENTS = {
    timeline.SAID: "说",
    timeline.TAPPED: "点了",
    timeline.GOT: "收到推送",
    timeline.TOOK_PART: "参加了",
}
CANNED = (
    "您好，您的话我们看到了，正在了解，有了结果马上在这里告诉您。",
    "您好，这件事要当面说才说得清。请您方便时带上身份证和相关材料，到职工服务中心来，我们帮您看。",
    "您好，请您拨 12351，说明是从公众号来的，有人接着办。",
    "您好，请再说详细一点：是什么时候、在哪个单位、发生了什么，我们好帮您。",
)
AGAIN = "没有做：您看的时候，这封信刚变过（本人又说了话，或者别的同志动了它）。请看看现在的样子，再决定。您写的还在。"
WORDS = re.compile(r"<(?:Content|Title|Description)><!\[CDATA\[(.*?)\]\]>", re.DOTALL)


def found(connection: Connection, desk: Desk, wanted: Wanted, size: int) -> Rows:
    """The list: who may be in danger first."""
    order = wanted if wanted.sort else replace(wanted, sort="urgent", down=True)
    return listing.rows(connection, letter.LISTING, order, size)


def look(desk: Desk, number: int) -> Answer:
    """A letter with its person's time-line; that it was opened is written down."""
    with desk.parts.store.writing() as connection:
        one = letter.get(connection, number) or abort(404)
        desk.note(connection, "look", f"letter/{number}", urgent=one.urgent)
        seen = letter.steps(connection, number)
        if not seen or (seen[0].staff, seen[0].deed) != (desk.staff.login, letter.OPENED):
            letter.step(connection, number, desk.staff.login, letter.OPENED, "", desk.now)
    return _page(desk, number)


def _page(desk: Desk, number: int, said: str = "", fault: str = "") -> Response:
    with desk.parts.store.reading() as connection:
        one = letter.get(connection, number) or abort(404)
        back = way(connection, one.openid, desk.parts.house.setting.limits, desk.now)
        steps = letter.steps(connection, number)
        moments = [_told(each) for each in timeline.of(connection, one.openid)]
        others = [
            each
            for each in people.every(connection)
            if each.has(ANSWERING) and not each.locked_at and each.login != desk.staff.login
        ]
    canned = request.args.get("say", "")
    page = desk.page(
        "letter",
        one=one,
        state=STATES[one.state],
        back=back.words(desk.now),
        open=back.is_open(desk.now),
        until=back.until,
        steps=[(replace(each, words=covered(each.words)), DEEDS[each.deed]) for each in steps],
        others=others,
        beside=next((s for s in steps if s.staff != desk.staff.login), None),
        moments=moments,
        canned=CANNED,
        said=said or (CANNED[int(canned)] if canned.isdigit() and int(canned) < len(CANNED) else ""),
        fault=fault,
    )
    return make_response(page, 409 if fault else 200)


def _told(one: timeline.Moment) -> Mapping[str, Any]:
    """A moment as it is read: the chat's answer without its envelope."""
    answer = "\n".join(unescape(words) for words in WORDS.findall(one.answer))
    ended = DELIVERIES.get(one.state, one.state) if one.kind == timeline.GOT else one.state
    return {
        "at": one.at,
        "kind": MOMENTS[one.kind],
        "words": covered(one.words) or f"（{one.state}）",
        "answer": covered(re.sub(r"<[^>]+>", "", answer)),
        "state": ended if one.kind in (timeline.GOT, timeline.TOOK_PART) else "",
    }


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1


def _moved(desk: Desk, number: int, state: str, owner: str, deed: str, words: str, told: str) -> Answer:
    """Bring it there, unless somebody was first."""
    with desk.parts.store.writing() as connection:
        one = letter.get(connection, number) or abort(404)
        done = letter.move(connection, one, _version(), state, owner)
        if done:
            letter.step(connection, number, desk.staff.login, deed, words, desk.now)
            desk.note(connection, deed, f"letter/{number}", state=state, owner=owner)
            desk.tell(connection, told)
    return redirect(f"/console/letter/{number}", 303) if done else _page(desk, number, words, AGAIN)


def answer(desk: Desk, number: int) -> Answer:
    """Send these words into the person's chat, within WeChat's windows, through the ledger."""
    words = request.form.get("words", "").strip()[:LONGEST]
    if not words:
        return _page(desk, number, fault="没有发：请先写答复。")
    with desk.parts.store.writing() as connection:
        one = letter.get(connection, number) or abort(404)
        back = way(connection, one.openid, desk.parts.house.setting.limits, desk.now)
        fault = "" if back.is_open(desk.now) else "没有发：微信里现在不能答复，下面写着别的办法。"
        if not fault and not letter.move(connection, one, _version(), letter.TAKEN, desk.staff.login):
            fault = AGAIN
        if not fault:
            _send(desk, connection, one, words)
    return _page(desk, number, words, fault) if fault else redirect(f"/console/letter/{number}", 303)


def _send(desk: Desk, connection: Connection, one: Letter, words: str) -> None:
    notice.tell(connection, f"desk/letter:{one.id}", words, [one.openid], desk.now)
    letter.step(connection, one.id, desk.staff.login, letter.ANSWERED, words, desk.now)
    desk.note(connection, letter.ANSWERED, f"letter/{one.id}")
    desk.tell(connection, "答复交给发送了，几秒钟就到；办完了请按“办完了”。")


def take(desk: Desk, number: int) -> Answer:
    """Look after it."""
    return _moved(desk, number, letter.TAKEN, desk.staff.login, letter.MOVED, "我来办", "这封信归您了。")


def finish(desk: Desk, number: int) -> Answer:
    """Nothing is left to do."""
    return _moved(
        desk, number, letter.DONE, desk.staff.login, letter.MOVED, "办完了", "办完了。后悔了按“还没办完”。"
    )


def reopen(desk: Desk, number: int) -> Answer:
    """It was not done after all."""
    return _moved(desk, number, letter.TAKEN, desk.staff.login, letter.MOVED, "还没办完", "接着办。")


def hand_over(desk: Desk, number: int) -> Answer:
    """To a colleague, with a word."""
    login, words = request.form.get("to", "")[:32], request.form.get("words", "").strip()[:LONGEST]
    with desk.parts.store.reading() as connection:
        other = people.named(connection, login)
    if other is None or not other.has(ANSWERING) or other.locked_at:
        return _page(desk, number, words, "没有转：请选一位能看来信的同志。")
    told = f"转给 {other.name} 了。"
    return _moved(desk, number, letter.TAKEN, login, letter.MOVED, f"转给 {other.name}：{words}", told)


def note(desk: Desk, number: int) -> Answer:
    """Write something down for colleagues; its person never sees it."""
    words = request.form.get("words", "").strip()[:LONGEST]
    with desk.parts.store.writing() as connection:
        letter.get(connection, number) or abort(404)
        if words:
            letter.step(connection, number, desk.staff.login, letter.NOTED, words, desk.now)
            desk.note(connection, letter.NOTED, f"letter/{number}")
        desk.tell(connection, "记下了，只有同志们看得到。" if words else "没有记：请先写几个字。")
    return redirect(f"/console/letter/{number}", 303)


def topic(name: Any) -> str:
    """What it is about, as staff read it."""
    known = {"nothing": "没有答上", "picture": "图片", "video": "视频", "voice": "语音", "file": "文件"}
    return "像是遇到了危险" if str(name).startswith("crisis:") else known.get(str(name), str(name))
