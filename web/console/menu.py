"""菜单: the account's menu beside the file's and the desk's own; written, published, taken back, and switched at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import abort, redirect, request

from ground.days import SHANGHAI, minute
from handlers import TAPS
from menus import check, tree
from menus import publish as live
from menus.tree import Button, Menu
from models import menu as menus
from models.menu import CANCELLED, DONE, DRAFT, PLANNED, Draft, Versions
from web.console.desk import Answer, Desk
from wx.errors import WeChatError

HERE = "/console/menu"
STATES = {DRAFT: "草稿", PLANNED: "到时间发布", DONE: "发布过", CANCELLED: "取消了"}
SECTIONS, ITEMS = range(check.MAX_FIRST), range(check.MAX_SECOND)
PAGE = "page"  # an item that opens an address
AWAY = "现在问不到微信，看不到线上的菜单。请过一会儿再试；一直这样，请运行 doctor。"
CHANGED = "没有保存：刚才有别的同志改过这份菜单。下面是现在的样子，请再改一次。"


def look(desk: Desk) -> Answer:
    """The live menu, how the file's differs, and the desk's own."""
    shown, lines, fault = None, [], ""
    file = desk.parts.house.guides().menu
    try:
        if desk.parts.menu is not None:
            shown = live.live_menu(desk.parts.menu, lambda _: None)
            lines = live.differences(shown, tree.body(file))
    except WeChatError:
        fault = AWAY
    with desk.parts.store.reading() as connection:
        drafts = menus.drafts(connection)
    rows = _rows(shown) if shown else []
    return desk.page("menu", shown=rows, lines=lines, fault=fault, drafts=drafts, states=STATES)


def _rows(body: Mapping[str, object]) -> list[tuple[str, list[str]]]:
    """The names of a menu, section by section."""
    return [(one.name, [item.name for item in one.sub_button]) for one in _menu(body)]


def _menu(body: Mapping[str, object]) -> Menu:
    """The buttons of a menu as it is kept."""
    found = body.get("button")
    buttons = found if isinstance(found, list) else []
    return tuple(
        Button(
            **{name: str(one[name]) for name in tree.FIELDS if one.get(name)},
            sub_button=_menu({"button": one.get("sub_button") or []}),
        )
        for one in buttons
    )


# --- the file's --------------------------------------------------------------------------------------------------


def asks_publish(desk: Desk) -> str:
    """What is asked before the file's menu is published."""
    return "把文件里的菜单发布到公众号，所有关注的人都会看到。现在线上的会存下来，可以退回。确定吗？"


def asks_rollback(desk: Desk) -> str:
    """What is asked before the last menu comes back."""
    return "退回上一次的菜单，所有关注的人都会看到。确定吗？"


def publish(desk: Desk) -> Answer:
    """The file's menu, on the account."""
    return _does(desk, "publish menu", "file", lambda api, say: live.publish(
        api, desk.parts.house.guides().menu, TAPS, Versions(desk.parts.store), desk.now, say=say
    ))  # fmt: skip


def rollback(desk: Desk) -> Answer:
    """The menu from before."""
    return _does(desk, "roll back menu", "last", lambda api, say: live.rollback(
        api, Versions(desk.parts.store), desk.now, say=say
    ))  # fmt: skip


def _does(desk: Desk, deed: str, thing: str, act: Callable[[live.Api, live.Say], int]) -> Answer:
    said: list[str] = []
    failed = act(desk.parts.menu, said.append) if desk.parts.menu is not None else 1
    with desk.parts.store.writing() as connection:
        desk.note(connection, deed, f"menu/{thing}", done=not failed)
        desk.tell(connection, (said or [AWAY])[-1])
    return redirect(HERE, 303)


# --- the desk's own ----------------------------------------------------------------------------------------------


def new(desk: Desk) -> Answer:
    """One more, which begins as a copy of the file's."""
    title = " ".join(request.form.get("title", "").split())[:30] or "新菜单"
    body = tree.body(desk.parts.house.guides().menu)
    with desk.parts.store.writing() as connection:
        number = menus.make(connection, title, body, desk.staff.login, desk.now)
        desk.note(connection, "make menu", f"menu/{number}", title=title)
    return redirect(f"{HERE}/{number}", 303)


def edit(desk: Desk, number: int) -> Answer:
    """The form, with what WeChat would not take."""
    with desk.parts.store.reading() as connection:
        one = menus.get(connection, number) or abort(404)
    return _form(desk, one)


def _form(desk: Desk, one: Draft, fault: str = "") -> Answer:
    menu = _menu(one.body)
    return desk.page(
        "menu-draft", one=one, menu=menu, faults=_faults(menu), fault=fault, state=STATES[one.state],
        sections=SECTIONS, items=ITEMS, taps=_taps(desk), page=PAGE,
        editable=one.state in (DRAFT, CANCELLED, DONE),
    )  # fmt: skip


def _taps(desk: Desk) -> dict[str, str]:
    """What an item can answer, by the name that the file gives it."""
    named = {item.key: item.name for item in tree.items(desk.parts.house.guides().menu) if item.key}
    return {key: named.get(key, key) for key in TAPS}


def _faults(menu: Menu) -> list[str]:
    """What WeChat would refuse, and what nobody would answer; that something is left out is no fault."""
    known = [key for key in tree.keys(menu) if key in TAPS]
    return [f"{each.found}。{each.allowed}。" for each in check.problems(menu, known) if each.refused]


def save(desk: Desk, number: int) -> Answer:
    """What the form says, unless somebody else has changed it meanwhile."""
    version = request.form.get("version", "0")
    title = " ".join(request.form.get("title", "").split())[:30] or "菜单"
    with desk.parts.store.writing() as connection:
        one = menus.get(connection, number) or abort(404)
        values = {"title": title, "body": tree.body(_posted()), "state": DRAFT, "at": None}
        seen = int(version) if version.isdigit() else 0
        if one.state == PLANNED or not menus.change(
            connection, number, seen, desk.staff.login, desk.now, **values
        ):
            return _form(desk, one, CHANGED)
        desk.note(connection, "change menu", f"menu/{number}", title=title)
        desk.tell(connection, "保存好了，还没有发布。")
    return redirect(f"{HERE}/{number}", 303)


def _posted() -> Menu:
    """The menu that the form says; what has no name is left out."""
    return tuple(
        tree.section(name, *(_item(f"{at}-{n}") for n in ITEMS if _field(f"name-{at}-{n}")))
        for at in SECTIONS
        if (name := _field(f"name-{at}"))
    )


def _item(place: str) -> Button:
    what, name = _field(f"what-{place}"), _field(f"name-{place}")
    if what == PAGE:
        return Button(name=name, type="view", url=_field(f"url-{place}"))
    return tree.click(name, what)


def _field(name: str) -> str:
    return request.form.get(name, "").strip()[:1024]


def asks_publish_one(desk: Desk, number: int) -> str:
    """What is asked before a menu of the desk's own is published."""
    return f"现在就发布菜单“{_known(desk, number).title}”，所有关注的人都会看到。现在线上的会存下来，可以退回。确定吗？"


def asks_plan(desk: Desk, number: int) -> str:
    """What is asked before it is published at a time."""
    at = _time(request.form.get("at", ""))
    when = minute(at) if at else "（没有写时间）"
    return f"{when} 自动换成菜单“{_known(desk, number).title}”，所有关注的人都会看到。确定吗？"


def _known(desk: Desk, number: int) -> Draft:
    with desk.parts.store.reading() as connection:
        return menus.get(connection, number) or abort(404)


def publish_one(desk: Desk, number: int) -> Answer:
    """At once."""
    one = _known(desk, number)
    if faults := _faults(_menu(one.body)):
        return _form(desk, one, faults[0])
    said: list[str] = []
    versions = Versions(desk.parts.store)
    api = desk.parts.menu
    failed = live.put_live(api, one.body, versions, desk.now, said.append) if api is not None else 1
    with desk.parts.store.writing() as connection:
        if not failed:
            menus.change(connection, number, one.version, desk.staff.login, desk.now, state=DONE)
        desk.note(connection, "publish menu", f"menu/{number}", done=not failed)
        desk.tell(connection, (said or [AWAY])[-1])
    return redirect(HERE, 303)


def plan(desk: Desk, number: int) -> Answer:
    """At a time that has not come."""
    one, at = _known(desk, number), _time(request.form.get("at", ""))
    faults = _faults(_menu(one.body))
    if at is None or at <= desk.now:
        faults.append("请写一个还没有到的时间（北京时间）。")
    if faults or at is None:
        return _form(desk, one, faults[0])
    with desk.parts.store.writing() as connection:
        if not menus.change(
            connection, number, one.version, desk.staff.login, desk.now, state=PLANNED, at=at
        ):
            return _form(desk, one, CHANGED)
        desk.note(connection, "plan menu", f"menu/{number}", at=at)
        desk.tell(connection, f"{minute(at)} 会自动换成“{one.title}”。在那以前可以取消。")
    return redirect(HERE, 303)


def cancel(desk: Desk, number: int) -> Answer:
    """It will not be published by itself."""
    one = _known(desk, number)
    with desk.parts.store.writing() as connection:
        if one.state == PLANNED and menus.change(
            connection, number, one.version, desk.staff.login, desk.now, state=CANCELLED
        ):
            desk.note(connection, "call off menu", f"menu/{number}")
            desk.tell(connection, f"“{one.title}”不会自动换了。")
    return redirect(HERE, 303)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
