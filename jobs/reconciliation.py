"""Reconciliation: the books are compared with the plan and with what WeChat told, by itself; what is wrong is an alarm until
it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ground.days import minute
from models import alarm, reconciliation, shared
from models.base import Connection, Store
from models.delivery import MASS
from models.reconciliation import Unreported

LATELY = timedelta(minutes=30)  # ended since then: each is looked at more than once
FEW = 10  # receipts, or one in a hundred: some are lost on the way
STILL = "stands still "  # and the push; over when it moves, whoever looked at it meanwhile


def reconcile(store: Store, unwritten: Sequence[tuple[str, datetime]], now: datetime) -> None:
    """Raise what is wrong, and clear what no longer is. `unwritten`: what came due and has no row."""
    with store.reading() as connection:
        told = {
            f"no result {one.name} {one.push_id}": one for one in reconciliation.unreported(connection, now)
        }
        found = dict(_found(connection, unwritten, now))
        found |= {name: _unreported(one) for name, one in told.items() if _is_silent(one)}
        over = [
            one.name
            for one in alarm.standing(connection, 500)
            if (one.name.startswith(STILL) or one.name in told) and one.name not in found
        ]
        new = [name for name in found if _is_news(connection, name)]
    if not new and not over:
        return
    with store.writing() as connection:
        for name in new:
            alarm.sound(connection, name, found[name], now)
        for name in over:
            alarm.clear(connection, name, now)


def _found(
    connection: Connection, unwritten: Sequence[tuple[str, datetime]], now: datetime
) -> Iterator[tuple[str, str]]:
    if shared.halted(connection) is None and shared.beats(connection, now):
        for name in reconciliation.standing_still(connection, now):
            words = f"推送 {name} 半小时没有动静，没有发完也没有停。请运行 doctor；再看日志里这个推送的话。"
            yield f"{STILL}{name}", words
    for push_id, name in reconciliation.unbalanced(connection, now - LATELY):
        words = f"推送 {name} 结束了，账却不平。请运行 push list 看一看，把结果和日志发给技术人员。"
        yield f"books {name} {push_id}", words
    for name, due in unwritten:
        words = f"推送 {name} 本该在 {minute(due)} 发，账上却没有它，没有发。要补发请运行 push start {name}。"
        yield f"never due {name} {due:%Y-%m-%dT%H:%M}", words


def _is_news(connection: Connection, name: str) -> bool:
    """What somebody has seen to is not told again, unless it is so again."""
    return not (alarm.stands if name.startswith(STILL) else alarm.known)(connection, name)


def _is_silent(one: Unreported) -> bool:
    return one.copies > (0 if one.channel == MASS else max(FEW, one.sent // 100))


def _unreported(one: Unreported) -> str:
    if one.channel == MASS:
        return f"群发 {one.name} 已过了一天，微信还没有告诉结果。请登录微信公众平台，在“发表记录”里看它是否发出。"
    return (
        f"推送 {one.name} 发出的 {one.sent} 份里，有 {one.copies} 份过了一天微信还没有告诉送到没有。"
        "请运行 doctor，看看微信的消息是不是到不了这里。"
    )
