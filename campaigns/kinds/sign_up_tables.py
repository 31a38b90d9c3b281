"""The tables of sign-ups: the slots with their room, the sign-ups without their people, the goods and their ledger."""

from __future__ import annotations

from campaigns.kinds.sign_up_rules import Rules
from ground.days import minute
from ground.table import Table
from models import handout, sign_up, slot, stock
from models.base import Connection
from models.edition import Edition
from models.handout import DRAWN, PHOTO, SELF, TYPED
from models.sign_up import CANCELLED, CONFIRMED, LAPSED, OFFERED, WAITING
from models.stock import CORRECTION, IN, OUT

STATES = {
    CONFIRMED: "报上了",
    WAITING: "候补",
    OFFERED: "有空位，等本人确认",
    LAPSED: "没有按时确认",
    CANCELLED: "取消了",
}
PROOFS = {SELF: "本人到场", TYPED: "代领人姓名", DRAWN: "手写签名", PHOTO: "照片"}
MOVES = {IN: "入库", OUT: "发放", CORRECTION: "更正"}


def tables(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """Everything of the edition, without its people."""
    goods = [_stock(connection, edition, rules), _moves(connection, edition), _handouts(connection, edition)]
    return [_slots(connection, edition), _sign_ups(connection, edition), *(goods if rules.items else [])]


def result(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """What everybody may read: how many seats there were, were taken, and how many came."""
    return [_slots(connection, edition)]


def _slots(connection: Connection, edition: Edition) -> Table:
    came = sign_up.came(connection, edition.id)
    rows = [
        (one.number, one.title, minute(one.begins_at), one.place, one.places, one.used, one.waiting, came.get(one.id, 0))
        for one in slot.of_edition(connection, edition.id)
    ]  # fmt: skip
    return Table("场次", ("场次", "名称", "开始", "地点", "名额", "报上的人数", "候补几份", "到场人数"), rows)


def _sign_ups(connection: Connection, edition: Edition) -> Table:
    titles = {one.id: one.title for one in slot.of_edition(connection, edition.id)}
    rows = [
        (
            one.number, titles[one.slot_id], one.seats, STATES[one.state], minute(one.made_at),
            minute(one.until) if one.until else "", minute(one.came_at) if one.came_at else "",
        )
        for one in sign_up.of_edition(connection, edition.id)
    ]  # fmt: skip
    return Table("报名", ("编号", "场次", "人数", "状态", "报名时间", "给他留到", "签到时间"), rows)


def _stock(connection: Connection, edition: Edition, rules: Rules) -> Table:
    """Each sum of the ledger, and what it comes to."""
    sums = stock.sums(connection, edition.id)
    rows: list[tuple[str | int, ...]] = [
        (item.title, *(sums.get((item.title, kind), 0) for kind in MOVES), _balance(sums, item.title))
        for item in rules.items
    ]
    return Table("物资", ("物资", *MOVES.values(), "现存"), rows)


def _balance(sums: dict[tuple[str, str], int], title: str) -> int:
    return sum(quantity for (item, _), quantity in sums.items() if item == title)


def _moves(connection: Connection, edition: Edition) -> Table:
    rows = [
        (minute(one.at), one.item, MOVES[one.kind], one.quantity, one.note, one.staff)
        for one in stock.moves(connection, edition.id)
    ]
    return Table("物资流水（新的在前）", ("时间", "物资", "哪一种", "数量", "说明", "经手人"), rows)


def _handouts(connection: Connection, edition: Edition) -> Table:
    rows = [
        (
            f"B{one.sign_up_id}", one.item, one.quantity, minute(one.at), "代领" if one.proxy else "本人", PROOFS[one.proof],
            one.staff, "" if one.held else "已经收回",
        )
        for one in handout.of_edition(connection, edition.id)
    ]  # fmt: skip
    return Table("发放", ("编号", "物资", "数量", "时间", "谁领的", "凭据", "经手人", "备注"), rows)
