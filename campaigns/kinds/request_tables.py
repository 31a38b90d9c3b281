"""The tables of requests: what waits with the way back to its person, how deadlines were kept, and what everybody may read."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.kinds.request_rules import Rules
from ground.days import minute
from ground.few import FEWEST
from ground.table import Table
from models import request, scope, step
from models.base import Connection
from models.deadline import IN_WORK, NEW, WAITING
from models.edition import Edition
from models.request import ADVICE, ASK, HELP, Request

KINDS = {ASK: "咨询", HELP: "求助解决", ADVICE: "建议"}
STATES = {
    NEW: "等受理",
    IN_WORK: "正在办",
    WAITING: "等本人补充",
    step.ANSWERED: "已答复",
    step.CLOSED: "已办结",
    step.MERGED: "并入别的",
}
MOST = 100_000


def short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 24 else f"{line[:24]}…"


def tables(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """Everything of the edition, without its people."""
    return within(connection, edition, rules, "")


def within(connection: Connection, edition: Edition, rules: Rules, path: str) -> list[Table]:
    """What the staff of this unit see: what is open, all, and the figures of both."""
    wanted = scope.Wanted(edition_id=edition.id)
    every = scope.listed(connection, [edition.campaign], path, wanted, MOST)
    return [
        _list("还没办完的诉求", [one for one in every if one.is_open]),
        _list("全部诉求", every),
        _figures(every),
    ]


def _list(title: str, every: Sequence[Request]) -> Table:
    columns = (
        "编号", "种类", "哪方面", "内容", "说的单位", "承办部门", "状态", "收到", "期限", "超期次数", "重办", "并入", "拆自",
    )  # fmt: skip
    rows = [
        (
            one.number, KINDS[one.kind], one.topic, one.words, one.unit, one.owner, STATES[one.state],
            minute(one.received_at), minute(one.due_at) if one.due_at else "", one.level, one.reopens,
            request.number_of(one.merged_into) if one.merged_into else "",
            request.number_of(one.split_from) if one.split_from else "",
        )
        for one in every
    ]  # fmt: skip
    return Table(title, columns, rows)


def _figures(every: Sequence[Request]) -> Table:
    """By owner: how many, how many are open, and how many never passed a deadline."""
    rows = []
    for owner in sorted({one.owner for one in every}):
        mine = [one for one in every if one.owner == owner and one.state != step.MERGED]
        kept = sum(not one.level for one in mine)
        share = f"{100 * kept // len(mine)}%" if mine else ""
        rows.append((owner, len(mine), sum(one.is_open for one in mine), kept, share))
    return Table("各部门", ("承办部门", "诉求", "没办完", "没有超期", "没有超期的占"), rows)


def result(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """What everybody may read: how many of each kind, where at least five people asked; no words, no units."""
    every = scope.listed(connection, [edition.campaign], "", scope.Wanted(edition_id=edition.id), MOST)
    rows = []
    for kind, words in KINDS.items():
        mine = [one for one in every if one.kind == kind and one.state != step.MERGED]
        done = sum(not one.is_open for one in mine)
        if len({one.openid or str(one.id) for one in mine}) >= FEWEST:
            rows.append((words, len(mine), done, f"{100 * done // len(mine)}%"))
    return [Table("诉求办理情况（不到 5 个人的不列）", ("种类", "收到", "已答复", "答复的占"), rows)]
