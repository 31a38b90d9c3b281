"""`staff`: who may sign in at the desk. What is typed here works also when nobody can sign in. Every deed is audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from commands.command_line import GOOD, Options, refuse
from commands.deed import staff as who
from commands.parts import Parts, stored
from ground.days import minute
from models import audit, password, shift
from models import staff as people
from models.base import Connection, Store
from models.staff import Refused, Staff


def run(options: Options, parts: Parts) -> int:
    """What was typed after `staff`."""
    store, name, now = stored(parts).store, options.name, datetime.now(UTC)
    base_url = parts.config.site.base_url
    deeds: Mapping[str, Callable[[], int]] = {
        "add": lambda: add(store, base_url, options, now),
        "list": lambda: staff_list(store),
        "lock": lambda: lock(store, name, now),
        "reset": lambda: reset(store, base_url, name, now),
    }
    try:
        return deeds[options.deed]()
    except Refused as fault:
        raise refuse(str(fault)) from None


def add(store: Store, base_url: str, options: Options, now: datetime) -> int:
    """One more colleague, and the link by which they begin."""
    with store.writing() as connection:
        one = people.add(connection, options.name, options.person, options.duties, now, options.scope)
        audit.note(connection, who(), "add staff", f"staff/{one.login}", {"duties": one.duties}, now)
        secret = password.link(connection, one, now)
    _say_link(base_url, one, secret)
    return GOOD


def reset(store: Store, base_url: str, name: str, now: datetime) -> int:
    """A new link; the old password and phone count no more."""
    with store.writing() as connection:
        one = _known(connection, name)
        secret = password.link(connection, one, now)
        shift.end(connection, one)
        audit.note(connection, who(), "reset staff", f"staff/{one.login}", {}, now)
    _say_link(base_url, one, secret)
    return GOOD


def _say_link(base_url: str, one: Staff, secret: str) -> None:
    print(f"{one.name}（{one.login}，{one.titles}）的链接，一天之内有效，只能用一次，请当面给他本人：")
    print(f"{base_url}/console/begin/{secret}")


def staff_list(store: Store) -> int:
    """Who there is."""
    with store.reading() as connection:
        found = people.every(connection)
    for one in found:
        state = (
            f"锁上了（{minute(one.locked_at)}）"
            if one.locked_at
            else "在用"
            if one.enrolled
            else "还没有用过链接"
        )
        print(f"{one.login}　{one.name}　{one.titles}　{state}")
    if not found:
        print("还没有工作人员。先加一位安全管理员：staff add 登录名 --name 姓名 --duty security")
    return GOOD


def lock(store: Store, name: str, now: datetime) -> int:
    """From now on they cannot sign in."""
    with store.writing() as connection:
        one = _known(connection, name)
        people.lock(connection, one, now)
        number = shift.end(connection, one)
        audit.note(connection, who(), "lock staff", f"staff/{one.login}", {}, now)
    print(f"{one.name}（{one.login}）锁上了，退出了 {number} 个浏览器。要放开：staff reset {one.login}")
    return GOOD


def _known(connection: Connection, name: str) -> Staff:
    found = people.named(connection, name)
    if found is None:
        raise Refused(f"没有 {name} 这位。有哪些人，请运行 staff list。")
    return found
