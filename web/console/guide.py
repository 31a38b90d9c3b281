"""办事指南，一条: what the chat and the page say, written at the desk above the file; looked at before it counts, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, make_response, redirect, request

from handlers.book import previewed
from menus import edit
from menus.guide import Guide
from models import guide_version
from models.base import Connection
from models.guide_version import Version
from web.console.desk import Answer, Desk

HERE = "/console/guides"
LONGEST = 4000  # signs of a field
ROWS = 60  # of a list
WORDS = {
    "answer": "回答：先用一两句话答所问",
    "how": "怎么办，一行一步",
    "bring": "带什么，一行一样",
    "who": "谁能办",
    "where": "去哪里",
    "note": "提醒",
    "phones": "电话，一行一个号码",
    "updated": "哪天核对的",
    "valid_until": "有效到哪天",
}
SHORT = {key: words.partition("：")[0].partition("，")[0] for key, words in WORDS.items()}
DATES = ("updated", "valid_until")
SOON = "两秒后，聊天和网页都这样回答。"
SAVED = f"保存好了。{SOON}"
CAME_LATE = "没有换回：刚才有别的同志改了这一条，看清楚再换。"
LATER = (
    "没有保存：您写的时候，别的同志（{}）先改了这一条。"
    "您写的都在下面；他写的在最下面“改过几次”里，看清楚再保存。"
)


def look(desk: Desk, name: str) -> Answer:
    """The form with what counts now, or with what a version said."""
    of_file = _of_file(desk, name)
    with desk.parts.store.reading() as connection:
        versions = guide_version.of(connection, name)
    newest = versions[0] if versions else None
    asked = request.args.get("version", "")
    shown = next((one for one in versions if str(one.version) == asked), newest)
    written = edit.fields(of_file) | dict((shown.fields if shown else None) or {})
    return _page(desk, of_file, versions, written, newest.version if newest else 0, old=shown is not newest)


def _of_file(desk: Desk, name: str) -> Guide:
    return desk.parts.house.guides().written(name) or abort(404)


def _page(
    desk: Desk, of_file: Guide, versions: list[Version], written: Mapping[str, Any], seen: int, **more: Any
) -> str:
    """The form; what the chat and the page would say where nothing is wrong with it."""
    directory = desk.parts.house.guides()
    wrong = edit.wrong(directory, of_file, written)
    guide = None if wrong else directory.seen(edit.edited(of_file, written), desk.parts.house.mode)
    chat = previewed(desk.parts.house, edit.edited(of_file, written)) if guide else ()
    return desk.page(
        "guide", guide=guide, title=of_file.title, name=of_file.id, written=written, wrong=wrong, seen=seen,
        chat=chat, names=WORDS, lists=edit.LISTS, dates=DATES, history=_history(of_file, versions),
        known=directory.numbers, numbers=[directory.numbers[one] for one in guide.phones] if guide else [],
        **more,
    )  # fmt: skip


def _history(of_file: Guide, versions: list[Version]) -> list[tuple[Version, dict[str, str]]]:
    """Each version with what it wrote otherwise than the one before: the field's name → its words."""
    file = edit.fields(of_file)
    before = [*(one.fields or file for one in versions[1:]), file]
    return [(one, _changes(one.fields or {}, old)) for one, old in zip(versions, before, strict=False)]


def _changes(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, str]:
    return {
        SHORT[key]: "\n".join(value) if key in edit.LISTS else value
        for key, value in new.items()
        if key in SHORT and value != old.get(key)
    }


def write(desk: Desk, name: str) -> Answer:
    """What the form says: shown first, or from now on what the chat answers."""
    of_file, written = _of_file(desk, name), _posted()
    seen = request.form.get("seen", "")
    number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 9 else 0
    with desk.parts.store.reading() as connection:
        versions = guide_version.of(connection, name)
    if request.form.get("do") != "save":
        return _page(desk, of_file, versions, written, number, tried=True)
    if edit.wrong(desk.parts.house.guides(), of_file, written):
        return make_response(_page(desk, of_file, versions, written, number), 409)
    with desk.parts.store.writing() as connection:
        done = _is_next(connection, name, number) and guide_version.add(
            connection, name, number, written, desk.staff.login, desk.now
        )
        if done:
            desk.note(connection, "change guide", f"guide/{name}", version=number + 1)
            desk.tell(connection, SAVED)
    if done:
        return redirect(f"{HERE}/{name}", 303)
    # looked at anew: the transaction may not see who came first
    with desk.parts.store.reading() as connection:
        versions = guide_version.of(connection, name)
    who, newest = (versions[0].staff, versions[0].version) if versions else ("", 0)
    return make_response(_page(desk, of_file, versions, written, newest, fault=LATER.format(who)), 409)


def _is_next(connection: Connection, name: str, seen: int) -> bool:
    """Whether the version that was seen is the newest; a form cannot jump ahead."""
    newest = next(iter(guide_version.of(connection, name)), None)
    return seen == (newest.version if newest else 0)


def _posted() -> dict[str, Any]:
    """The form, as an entry has it: a list has a line for each of its parts."""
    found: dict[str, Any] = {}
    for key in edit.KEYS:
        text = request.form.get(key, "")[:LONGEST]
        lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()][:ROWS]
        found[key] = lines if key in edit.LISTS else "\n".join(lines)
    return found


def take_back(desk: Desk, name: str, number: int) -> Answer:
    """An older version counts again, or with 0 what the file says; it is a new version, which can be taken back too."""
    of_file = _of_file(desk, name)
    with desk.parts.store.writing() as connection:
        versions = guide_version.of(connection, name)
        old = guide_version.get(connection, name, number) if number else None
        if not versions or (number and old is None):
            abort(404)
        fields = old.fields if old else None
        if fields and edit.wrong(desk.parts.house.guides(), of_file, fields):
            desk.tell(connection, "没有换回：那一版有的话现在不能用了，点开看是哪一处，改好再保存。")
            return redirect(f"{HERE}/{name}?version={number}", 303)
        seen, which = versions[0].version, f"第 {number} 版" if fields else "文件里写的"
        done = guide_version.add(connection, name, seen, fields, desk.staff.login, desk.now)
        if done:
            desk.note(connection, "take back", f"guide/{name}", to=number, version=seen + 1)
        desk.tell(connection, f"换回{which}了。{SOON}" if done else CAME_LATE)
    return redirect(f"{HERE}/{name}", 303)
