"""One push at one due time: how it stands while it goes out, its books, and what stops it."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, redirect

from campaigns import steering
from campaigns.campaign import named
from ground import audience
from ground.days import minute
from ground.words import DELIVERIES, ending, said
from models import delivery, notice, push
from models.delivery import Books
from models.push import Occasion
from web.console.desk import Answer, Desk


def look(desk: Desk, number: int) -> Answer:
    """One push at one due time: how it stands, its books, and what can be done."""
    return desk.page("push", **_standing(desk, number))


def progress(desk: Desk, number: int) -> Answer:
    """The same figures alone, which the page asks for while they move."""
    return desk.page("progress", **_standing(desk, number))


def _standing(desk: Desk, number: int) -> dict[str, Any]:
    with desk.parts.store.reading() as connection:
        one = push.get(connection, number) or abort(404)
        books = delivery.books(connection, number)
        why = delivery.reasons(connection, number)
    return {
        "push": one,
        "books": books,
        "state": said(one.state, books.copies),
        "tone": ending(one.state, books.copies),
        "figures": _figures(books),
        "why": [
            (DELIVERIES.get(state, state), desk.parts.why.get(reason, reason), count)
            for state, reason, count in why
        ],
        "whom": "这件事关系到的人" if one.audience == notice.AUDIENCE else audience.words(one.audience),
        "content": json.loads(one.content),
        "moves": one.state in (push.DUE, push.SENDING),
        "written": one.name in named(desk.parts.house.campaigns()),
    }


def _figures(books: Books) -> list[tuple[str, str, int]]:
    counted = (
        ("sent", books.sent),
        ("failed", books.failed),
        ("skipped", books.skipped),
        ("unknown", books.unknown),
    )
    return [
        *((state, DELIVERIES.get(state, state), figure) for state, figure in counted),
        ("", "还没发完", books.open),
    ]


def pause(desk: Desk, number: int) -> Answer:
    """Stop it where it stands: at once, without a question."""
    one = _known(desk, number)
    with desk.parts.store.writing() as connection:
        done = steering.pause(connection, one.name, desk.now, f"{desk.staff.name}暂停了它")
        if done:
            desk.note(connection, "pause", one.name)
        desk.tell(connection, "暂停了，没发的都还在。" if done else "它现在不在发。")
    return redirect(f"/console/push/{number}", 303)


def asks_resume(desk: Desk, number: int) -> str:
    """What is asked before it goes on."""
    one = _known(desk, number)
    return f"继续发 {one.name}（{minute(one.due_at)}）：{one.reason or '有人暂停了它'}。没发完的会马上接着发，确定吗？"


def resume(desk: Desk, number: int) -> Answer:
    """Go on where it stood."""
    return go_on(desk, _known(desk, number).name, f"/console/push/{number}")


def go_on(desk: Desk, name: str, back: str) -> Answer:
    """A paused push goes on, or the next time is no longer called off."""
    with desk.parts.store.writing() as connection:
        done = steering.resume(connection, name, desk.now)
        if done.going_on or done.back:
            desk.note(connection, "resume", name)
        if done.back:
            words = f"收回了取消：{minute(done.back)} 照常发。"
        else:
            words = "继续发送。" if done.going_on else "没有暂停的，也没有提前取消的。"
        desk.tell(connection, words)
    return redirect(back, 303)


def asks_cancel(desk: Desk, number: int) -> str:
    """What is asked before it ends."""
    one = _known(desk, number)
    return f"取消 {one.name}（{minute(one.due_at)}）：没发出的都不发了，已经发出的收不回来。确定吗？"


def cancel(desk: Desk, number: int) -> Answer:
    """End it; what has gone out stays out."""
    one = _known(desk, number)
    with desk.parts.store.writing() as connection:
        books = steering.stop(connection, one.name, desk.now, f"{desk.staff.name}取消了它")
        if books is not None:
            desk.note(connection, "cancel", one.name)
        desk.tell(connection, f"取消了，已经发出 {books.sent} 份。" if books else "它已经不在发了。")
    return redirect(f"/console/push/{number}", 303)


def _known(desk: Desk, number: int) -> Occasion:
    with desk.parts.store.reading() as connection:
        return push.get(connection, number) or abort(404)
