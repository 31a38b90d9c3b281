"""办事指南: what is due to be looked up again, and what is still blank; each row leads to where it is edited."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ground.days import SHANGHAI
from menus.guide import Guide, placeholders
from models.base import Connection
from models.staff import TEACH
from web.console.desk import Desk
from web.console.listing import Column, List, held

SOON = timedelta(days=60)
FINE, COMING, OVER, BLANK = "fine", "coming", "over", "blank"
STATES = {OVER: "过了核对日期", COMING: "两个月内要核对", BLANK: "还有空没填", FINE: "没问题"}


def found(connection: Connection, desk: Desk) -> list[Mapping[str, Any]]:
    """Every entry with the day until which it holds, what is due first."""
    directory, today = desk.parts.house.guides(), desk.now.astimezone(SHANGHAI).date()
    rows = [
        {
            "id": guide.id,
            "title": guide.title,
            "heading": guide.heading,
            "state": _state(guide, today),
            "valid_until": guide.valid_until,
            "checked": min((fact.checked for fact in guide.facts), default=guide.updated),
            "blanks": "、".join(placeholders(guide)),
        }
        for guide in directory.guides
    ]
    order = list(STATES)
    return sorted(rows, key=lambda row: (order.index(str(row["state"])), row["valid_until"], row["id"]))


def _state(guide: Guide, today: date) -> str:
    if guide.valid_until < today:
        return OVER
    if guide.valid_until < today + SOON:
        return COMING
    return BLANK if placeholders(guide) else FINE


LIST = List(
    "guides",
    "办事指南",
    TEACH,
    (
        Column("title", "名称"),
        Column("heading", "哪一类"),
        Column("state", "状态", lambda state: STATES[state]),
        Column("valid_until", "有效到"),
        Column("checked", "最早的依据核对于"),
        Column("blanks", "还没填的"),
    ),
    held(found),
    "还没有办事指南。在 menus/guides 的文件里写一条，存盘两秒后这里就有一行。",
    menu="办事指南",
    states=STATES,
    finds="名称、哪一类",
    link=lambda row: f"/console/guides/{row['id']}",
)
