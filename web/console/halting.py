"""停止一切发送: large and red on every page, for whoever sees first that something is wrong."""

from __future__ import annotations

from flask import redirect

from models import alarm, shared
from web.console.desk import HOME, Answer, Desk

ASKS = (
    "停止一切发送：两秒之内，所有机器都不再发出任何推送，来信的回复也不发。收消息和自动回复照常。确定停吗？"
)
ASKS_AGAIN = "恢复发送：没发完的推送会马上接着发，发出去收不回来。确定恢复吗？"


def asks_halt(desk: Desk) -> str:
    """What is asked before everything stops."""
    return ASKS


def halt(desk: Desk) -> Answer:
    """Stop everything that goes out, on all machines."""
    with desk.parts.store.writing() as connection:
        shared.halt(connection, f"{desk.staff.name}在工作台按了停止", desk.now)
        desk.note(connection, "halt", "everything")
        desk.tell(connection, "已停止：两秒之内，什么也不会再发出。")
    return redirect(HOME, 303)


def asks_unhalt(desk: Desk) -> str:
    """What is asked before it goes on."""
    return ASKS_AGAIN


def unhalt(desk: Desk) -> Answer:
    """Let things go out again."""
    with desk.parts.store.writing() as connection:
        was = shared.unhalt(connection)
        alarm.clear(connection, "halted", desk.now)
        if was:
            desk.note(connection, "unhalt", "everything")
        desk.tell(connection, "推送恢复了，没发完的会接着发。" if was else "推送本来就没有停。")
    return redirect(HOME, 303)
