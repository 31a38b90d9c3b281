"""我的 in the chat: what somebody took part in and what came of it, by number, receipt or code; and an appeal against what is hidden."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from campaigns import appeal
from campaigns import taking_part as door
from campaigns.form import Said
from campaigns.kind import Visit
from campaigns.kinds.opinion_staff import WORDS as OPINION_WORDS
from handlers.turn import Turn
from menus.telling import ROOM_BYTES
from models import edition, entry, opinion
from models.edition import Edition
from wx.replies import Text

MINE_SHOWN = 5  # editions
EARLIER = "（更早的，请在网页“我的”里看。）"


def visit_of(turn: Turn, found: Edition, said: Said) -> Visit:
    """The sender of this message at an edition."""
    house = turn.house
    visit = door.visit(turn.connection, found, turn.message.openid, turn.now, house.sensitive, house.setting)
    key = turn.message.key
    read = turn.batch.read.pop((found.id, visit.openid), None) if turn.batch is not None else None
    if read is None:
        return replace(visit, once=key, said=said)
    return replace(visit, once=key, said=said, read=read, batch=turn.batch)  # once: a second one looks anew


def mine(turn: Turn) -> Text:
    """What I took part in and what came of it."""
    turn.topic = "mine"
    entries = entry.of(turn.connection, turn.message.openid)
    numbers = list(dict.fromkeys(one.edition_id for one in entries))[:MINE_SHOWN]
    pieces = [_mine_in(turn, number) for number in numbers]
    link = f'\n<a href="{turn.house.base_url}/h5/me">打开网页查看全部</a>' if turn.house.base_url else ""
    if not pieces:
        return Text(f"您还没有参加过活动。回复“活动”看看现在有什么。{link}")
    return Text("【我的】\n" + "\n".join(pieces) + link)


def _mine_in(turn: Turn, edition_id: int) -> str:
    found = edition.get(turn.connection, edition_id)
    if found is None:
        return ""
    told = door.kind_of(found).told(visit_of(turn, found, {}))
    lines = told.mine or ("已经参加",)
    return "\n".join([f"{found.title}（{door.left(found, turn.now)}）", *(f"· {line}" for line in lines)])


def numbered(turn: Turn, number: str) -> Text | None:
    """What became of the thing of this number, receipt or code."""
    return _look(turn, number) or _by_code(turn, number)


def _look(turn: Turn, number: str) -> Text | None:
    """What came of the one thing of mine that has this number or receipt; None where nothing has."""
    entries = entry.of(turn.connection, turn.message.openid, 200)
    first = [one.edition_id for one in entries if number in (one.number, one.receipt)]
    # what became of a thing may have a number of its own, which stands in no entry
    others = [one.edition_id for one in entries][:MINE_SHOWN]
    for edition_id in dict.fromkeys([*first, *others]):
        found = edition.get(turn.connection, edition_id)
        told = door.kind_of(found).told(visit_of(turn, found, {})) if found else None
        if found is None or told is None or (edition_id not in first and number not in told.steps):
            continue
        turn.topic = "mine"
        mine = told.mine
        exactly = [line for line in mine if re.search(rf"(?<![A-Z0-9]){re.escape(number)}(?![A-Z0-9])", line)]
        lines = told.steps.get(number) or exactly or mine or ("已经参加",)
        return Text(_fitting(f"【{found.title}】", [f"· {line}" for line in lines], "回复“我的”看全部。"))
    return None


def _by_code(turn: Turn, code: str) -> Text | None:
    """The answer to an opinion without a name, for whoever has its code; neither is kept, so that nothing joins the two."""
    found = opinion.by_code(turn.connection, code) if opinion.CODE.fullmatch(code) else None
    if found is None:
        return None
    turn.hushed, turn.topic = True, "opinion"
    answer = f"：{found.answer}" if found.answer else ""
    return Text(
        f"{OPINION_WORDS[found.state]}{answer}\n这个查询码和答复我们都不留，也不知道意见是谁提的。\n回复 00 首页。"
    )


def _fitting(head: str, lines: Sequence[str], tail: str) -> str:
    """These lines in one reply; what is oldest gives way."""
    kept = list(lines)
    while len(kept) > 1 and sum(len(line.encode()) + 1 for line in (head, *kept, tail, EARLIER)) > ROOM_BYTES:
        kept.pop(0)
    return "\n".join([head, *([EARLIER] if len(kept) < len(lines) else []), *kept, tail])


def appeals(turn: Turn, number: str | None, reason: str | None) -> Text | None:
    """What of mine is hidden; with its number and a reason, an appeal. None where nothing is."""
    entries = entry.of(turn.connection, turn.message.openid)
    found = [edition.get(turn.connection, one) for one in dict.fromkeys(each.edition_id for each in entries)]
    visits = [visit_of(turn, one, {}) for one in found if one is not None]
    open_ones = [(visit, one) for visit in visits for one in appeal.open_to(visit)]
    if not open_ones:
        return None
    turn.topic = "appeal"
    if number and 0 < int(number) <= len(open_ones):
        visit, one = open_ones[int(number) - 1]
        return Text(appeal.make(visit, one, reason or ""))
    lines = [f"{at} {one.told}" for at, (_, one) in enumerate(open_ones, 1)]
    return Text(
        "\n".join([*lines, "觉得哪一条不对，请回复：申诉 编号 理由，例如“申诉 1 没有写别人的名字”。"])
    )
