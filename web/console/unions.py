"""组织 and 会员: one union with what hangs below it, its codes and its months; and the lists that are brought in.

Whoever is responsible for a part of the tree (`desk.scope`) finds, moves and brings in nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, cast

from flask import abort, redirect, request

from ground.sheet import UnusableError
from models import audit, binding, intake, month, tree, union
from models.base import Connection
from models.intake import File, Report
from models.intake_lines import MEMBERS, UNIONS
from models.union import KINDS, LEVELS, Union
from web.console.desk import Answer, Desk
from web.marks import code as drawn
from wx.errors import WeChatError

LONGEST = 20_000  # lines that the desk takes in at once; more by the command line
SHOWN = 200  # lines with a fault, and unions below
MONTHS = 24
FAR = "微信现在没有给二维码，请过一会儿再试；一直这样，请运行 doctor。"


def _mine(desk: Desk, connection: Connection, code: str) -> Union:
    """The union of this code, where this colleague may see it."""
    found = union.coded(connection, code)
    if found is None or not found.path.startswith(desk.scope):
        abort(404)
    return found


def look(desk: Desk, code: str) -> Answer:
    """One union."""
    with desk.parts.store.reading() as connection:
        one = _mine(desk, connection, code)
        totals = month.totals(connection)
        below = [
            (each, totals[each.path])
            for each in union.every(connection)
            if each.parent_id == one.id and each.closed_at is None
        ]
        return desk.page(
            "union",
            one=one,
            level=LEVELS.get(one.level, one.level),
            kind=KINDS.get(one.kind, one.kind),
            chain=union.chain(connection, one),
            count=totals[one.path],
            below=below[:SHOWN],
            months=month.of_union(connection, one.id, MONTHS),
            codes=binding.codes(connection, one.id),
            did=audit.of(connection, f"union/{code}", 20),
        )


def poster(desk: Desk, code: str, number: int) -> Answer:
    """A QR code to be printed."""
    with desk.parts.store.reading() as connection:
        one = _mine(desk, connection, code)
        found = next(
            (each for each in binding.codes(connection, one.id) if each.id == number), None
        ) or abort(404)
    return desk.page("poster", one=one, code=found, picture=drawn(found.url) if found.url else "")


def make_code(desk: Desk, code: str) -> Answer:
    """One more QR code, for one place; the same place gets the same code."""
    place = " ".join(request.form.get("place", "").split())[:40]
    with desk.parts.store.writing() as connection:
        one = _mine(desk, connection, code)
        number, url = binding.make_code(connection, one.id, place or "大门口", desk.now)
        desk.note(connection, "make code", f"union/{code}", place=place)
    words = ""
    if not url:
        try:
            url = desk.parts.make_code(binding.scene(number)) if desk.parts.make_code else ""
        except WeChatError:
            words = FAR
    with desk.parts.store.writing() as connection:
        binding.keep_url(connection, number, url)
        if words or not url:
            desk.tell(connection, words or FAR)
    return redirect(
        f"/console/union/{code}" if words or not url else f"/console/union/{code}/poster/{number}", 303
    )


# --- the tree ----------------------------------------------------------------------------------------------------


def asks_move(desk: Desk, code: str) -> str:
    """What is asked before a union moves."""
    return _asked(
        desk, code, "连同它的下级，移到 {to} 下面。会员、关注者和没办完的诉求跟着走；过去月份的数字不变。"
    )


def asks_merge(desk: Desk, code: str) -> str:
    """What is asked before a union is merged."""
    return _asked(desk, code, "并入 {to}：会员、关注者、二维码和下级都归它，以后没有这个单位了，不能撤回。")


def asks_close(desk: Desk, code: str) -> str:
    """What is asked before a union is closed."""
    return _asked(desk, code, "撤销：{members} 位会员记为退会，关注者归上一级，不能撤回。")


def _asked(desk: Desk, code: str, words: str) -> str:
    with desk.parts.store.reading() as connection:
        one = _mine(desk, connection, code)
        other = union.coded(connection, request.form.get("to", "").strip())
        count = month.totals(connection)[one.path]
    to = f"{other.name}（{other.code}）" if other else request.form.get("to", "")[:32] or "（没有写）"
    return f"{one.name}（{code}）{words.format(to=to, members=count.members)}确定吗？"


def move(desk: Desk, code: str) -> Answer:
    """Under another."""
    return _change(desk, code, "move union", "移好了。", tree.move)


def merge(desk: Desk, code: str) -> Answer:
    """Into another."""
    return _change(desk, code, "merge union", "合并好了，这里是合并以后的单位。", tree.merge)


def close(desk: Desk, code: str) -> Answer:
    """No more."""
    return _change(
        desk,
        code,
        "close union",
        "撤销了。",
        lambda connection, code, _, now: tree.close(connection, code, now),
    )


def _change(desk: Desk, code: str, deed: str, words: str, change: Callable[..., Union]) -> Answer:
    to, where = request.form.get("to", "").strip()[:32], code
    try:
        with desk.parts.store.writing() as connection:
            _may_change(desk, connection, _mine(desk, connection, code), to)
            where = change(connection, code, to, desk.now).code
            desk.note(connection, deed, f"union/{code}", to=to)
            desk.tell(connection, words)
    except tree.Refused as fault:
        with desk.parts.store.writing() as connection:
            desk.tell(connection, str(fault))
    return redirect(f"/console/union/{where}", 303)


def _may_change(desk: Desk, connection: Connection, one: Union, to: str) -> None:
    """Whoever is responsible for a part changes what lies below it, within it. Raises Refused."""
    if desk.scope and one.path == desk.scope:
        raise tree.Refused("您这一级的移动、合并和撤销，要请上一级的同志来做。")
    other = union.coded(connection, to) if to else None
    if other is not None and not other.path.startswith(desk.scope):
        raise tree.Refused(f"没有代码是 {to} 的单位。有哪些，请看“组织”。")


# --- lists -------------------------------------------------------------------------------------------------------


def ask_unions(desk: Desk) -> Answer:
    """The form for a list of unions."""
    return desk.page("intake", noun="unions", sheet=UNIONS, report=None, fault="", dry=True)


def ask_members(desk: Desk) -> Answer:
    """The form for a list of members."""
    return desk.page("intake", noun="members", sheet=MEMBERS, report=None, fault="", dry=True)


def take_unions(desk: Desk) -> Answer:
    """Look over a list of unions, or take it in."""

    def read(file: File, dry: bool, skip: bool, tick: intake.Progress) -> Report:
        return intake.unions(desk.parts.store, file, desk.now, dry=dry, skip=skip, tick=tick)

    return _take(desk, "unions", read)


def take_members(desk: Desk) -> Answer:
    """Look over a list of members, or take it in; a part's colleague writes into that part alone."""

    def read(file: File, dry: bool, skip: bool, tick: intake.Progress) -> Report:
        store, scope = desk.parts.store, desk.scope
        return intake.members(store, file, desk.now, dry=dry, skip=skip, tick=tick, scope=scope)

    return _take(desk, "members", read)


def _take(desk: Desk, noun: str, read: Callable[[File, bool, bool, intake.Progress], Report]) -> Answer:
    dry, skip = request.form.get("do") != "take", request.form.get("skip") == "1"
    sent, fault, report = request.files.get("file"), "", None
    data = cast("BinaryIO", sent.stream) if sent else BytesIO()
    lines = 0

    def tick(number: int) -> None:
        nonlocal lines
        lines += number
        if lines > LONGEST:
            raise UnusableError(
                f"名单超过 {LONGEST:,} 行，网页上一次太长；请分成几份，或者请系统管理员用命令导入。"
            )

    try:
        report = read(File((sent.filename if sent else "") or "名单", data), dry, skip, tick)
    except (UnusableError, intake.NotSeen, intake.Faulty, tree.Refused) as error:
        fault = str(error)
    if report is not None and not dry:
        with desk.parts.store.writing() as connection:
            desk.note(
                connection,
                f"import {noun}",
                noun,
                lines=report.lines,
                new=report.came.new,
                changed=report.came.changed,
            )
    sheet = UNIONS if noun == "unions" else MEMBERS
    return desk.page("intake", noun=noun, sheet=sheet, report=report, fault=fault, dry=dry, shown=SHOWN)
