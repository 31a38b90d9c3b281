"""How far an edition reached, in words and as a table: for `campaign show`, `campaign export` and `report`."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.kinds import KINDS
from ground.days import SHANGHAI
from ground.table import Table
from models.base import Connection
from models.edition import Edition
from models.reach import Reach

COLUMNS = ("日期", "送达", "打开网页", "聊天里点开", "第一次参加的人", "聊天里填完", "网页上填完")


def table(connection: Connection, found: Edition, reach: Reach) -> Table:
    """Day by day, with the sum below; above it how many have finished, in the sense of its kind, and how many are still at it."""
    rows: list[tuple[str | int, ...]] = [
        (one.day, one.delivered, one.pages, one.taps, one.people, one.chat, one.page) for one in reach.days
    ]
    if len(rows) > 1:
        rows.append(("合计", *(sum(int(row[at]) for row in rows) for at in range(1, len(COLUMNS)))))
    finished = KINDS[found.kind].finished
    said = [f"{finished.number(connection, found.id)} {finished.words}"]
    if reach.unfinished:
        said.append(f"还有 {reach.unfinished} 人没填完")
    return Table(f"传播和参加（{'，'.join(said)}）", COLUMNS, rows)


def against_the_clock(found: Edition, reach: Reach, goal: int, now: datetime) -> str:
    """How the first day stands to its goal; '' without one, or before it began."""
    first = found.opens_at.astimezone(SHANGHAI)
    if not goal or now < found.opens_at:
        return ""
    opened = reach.on(f"{first:%Y-%m-%d}").opened
    ends = first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    lacks = f"还差 {goal - opened} 次" if opened < goal else "已经达到"
    if now >= ends:
        return (
            f"第一天的目标是打开 {goal} 次，打开了 {opened} 次，{'没有达到' if opened < goal else '达到了'}。"
        )
    hours, minutes = divmod(int((ends - now).total_seconds()) // 60, 60)
    return f"第一天的目标是打开 {goal} 次，现在 {opened} 次，{lacks}；今天还有 {hours} 小时 {minutes} 分。"
