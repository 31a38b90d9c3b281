"""数据: what came of the account, each figure as a table with its bars, to be taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import abort

from ground.table import Cell, Table
from models import edition as editions
from models import figures
from models.base import Connection
from web.console.desk import Answer, Desk
from web.console.listing import export

MOST = 60  # rows on the page

Make = Callable[[Connection, datetime, str], Table]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to be shown: `drawn` is the column whose numbers get bars, 0 for none."""

    table: Table
    drawn: int
    empty: str
    note: str = ""
    links: Mapping[Cell, str] = field(default_factory=dict)
    name: str = ""
    most: int = MOST

    def share(self, row: tuple[Cell, ...]) -> int:
        """How long this row's bar is, in hundredths of the longest."""
        longest = max((_number(each[self.drawn]) for each in self.table.rows if each[0] != "合计"), default=0)
        return min(100, round(100 * max(_number(row[self.drawn]), 0) / longest)) if longest else 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One figure of the page: what makes it, which column is drawn, what stands there before there is any, and what is to be known
    of it; `below` says whether a part of the tree has it."""

    make: Make
    drawn: int
    empty: str
    note: str = ""
    below: bool = False


FIGURES: Mapping[str, Kind] = {
    "members": Kind(
        figures.members, 1, "还没有单位和会员。导入名单以后，这里就有数。",
        "过去的月份是当时的单位划分，以后怎么移动、合并都不变。", below=True,
    ),
    "growth": Kind(figures.growth, 1, "还没有人关注。", "一个人反复关注和取消，只算最近的一次。"),
    "messages": Kind(figures.messages, 1, "还没有人说过话。"),
    "activities": Kind(
        figures.activities, -2, "还没有开过活动。",
        "参加的人不一定是会员，“和会员数之比”只看大小，不是会员的参加率。点活动看各单位。", below=True,
    ),
    "kept": Kind(
        figures.kept, 2, "还没有诉求。", "“满意的占”只算说了满意不满意的人，人少的时候不要当真。", below=True
    ),
}  # fmt: skip


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def _shown(desk: Desk, connection: Connection, name: str) -> Figure:
    kind = FIGURES[name]
    table = kind.make(connection, desk.now, desk.scope)
    links = {}
    if name == "activities":
        links = {
            row[0]: f"/console/figures/edition/{str(row[0]).rpartition('（')[2][:-1]}" for row in table.rows
        }
    return Figure(table, kind.drawn % len(table.columns), kind.empty, kind.note, links, name)


def _mine(desk: Desk) -> list[str]:
    return [name for name, kind in FIGURES.items() if kind.below or not desk.staff.scope]


def look(desk: Desk) -> Answer:
    """All figures."""
    with desk.parts.store.reading() as connection:
        shown = [_shown(desk, connection, name) for name in _mine(desk)]
    return desk.page("figures", title="数据", figures=shown)


def edition(desk: Desk, number: int) -> Answer:
    """One edition by unions."""
    figure = _by_union(desk, number)
    return desk.page("figures", title="活动到了哪些单位", figures=[figure])


def _by_union(desk: Desk, number: int) -> Figure:
    with desk.parts.store.reading() as connection:
        one = editions.get(connection, number) or abort(404)
        table = figures.of_edition(connection, one, desk.scope)
    note = "只算绑定了单位的关注者；按现在的绑定算。"
    return Figure(table, 4, "还没有单位，不知道谁是哪里的。", note, {}, f"edition/{number}")


def take(desk: Desk, name: str) -> Answer:
    """One figure as a file."""
    if name not in _mine(desk):
        abort(404)
    with desk.parts.store.reading() as connection:
        table = _shown(desk, connection, name).table
    return export(desk, f"figures-{name}", [table])


def take_edition(desk: Desk, number: int) -> Answer:
    """One edition by unions as a file."""
    return export(desk, f"figures-edition-{number}", [_by_union(desk, number).table])
