"""系统: whether all is well, the alarms, the colleagues, and the chain of the audit."""

from __future__ import annotations

from datetime import timedelta

from flask import abort, redirect, request

from models import alarm, audit, edition, password, shared, shift
from models import staff as people
from models.staff import DUTIES, Refused, Staff
from web.console import today
from web.console.desk import Answer, Desk
from web.cookie import wall

SHEET = timedelta(days=30)  # so far ahead a hand-over looks


def look(desk: Desk) -> Answer:
    """Whether the house can serve, which workers live, and how the audit stands."""
    with desk.parts.store.reading() as connection:
        beats = shared.beats(connection, wall())
        number, head = audit.head(connection)
    return desk.page("system", reasons=desk.parts.ready(), beats=beats, number=number, head=head)


def verify(desk: Desk) -> Answer:
    """Follow the audit's chain from its first row."""
    with desk.parts.store.reading() as connection:
        broken, (number, head) = audit.broken(connection), audit.head(connection)
    whole = f"{number} 条操作记录一条不少，没有被改过。最后一条的校验码是 {head}，请抄下来，下次对一对。"
    words = (
        whole
        if broken is None
        else f"第 {broken} 条对不上：它或者它前面的被改过、删过。请马上告诉上级，保留备份。"
    )
    with desk.parts.store.writing() as connection:
        desk.note(connection, "verify", "audit", whole=broken is None)
        desk.tell(connection, words)
    return redirect("/console/system", 303)


# --- alarms ------------------------------------------------------------------------------------------------------


def one_alarm(desk: Desk, mark: str) -> Answer:
    """An alarm, and the one thing to do once it was seen to."""
    with desk.parts.store.reading() as connection:
        found = alarm.named(connection, mark) or abort(404)
    return desk.page("alarm", alarm=found)


def clear_alarm(desk: Desk, mark: str) -> Answer:
    """It has been seen to."""
    with desk.parts.store.writing() as connection:
        found = alarm.named(connection, mark)
        if found is not None and alarm.clear(connection, found.name, desk.now):
            desk.note(connection, "clear alarm", found.name)
        desk.tell(connection, "这条警报了结了。要是又发生，会再告诉您。")
    return redirect("/console/alarms", 303)


# --- colleagues --------------------------------------------------------------------------------------------------


def colleague(desk: Desk, login: str) -> Answer:
    """One colleague: their duties, where they are signed in, and what can be done."""
    with desk.parts.store.reading() as connection:
        found = people.named(connection, login) or abort(404)
        shifts = shift.of(connection, found, wall())
        did = audit.of(connection, f"staff/{login}", 20)
        others = [one for one in people.every(connection) if one.login != login and one.locked_at is None]
    return desk.page("colleague", one=found, shifts=shifts, did=did, duties=DUTIES, others=others)


def new_colleague(desk: Desk) -> Answer:
    """The form for one more."""
    return desk.page("new-colleague", duties=DUTIES, fault="", form={})


def add_colleague(desk: Desk) -> Answer:
    """One more; the link is shown this once."""
    form, duties = request.form, request.form.getlist("duty")
    try:
        with desk.parts.store.writing() as connection:
            name = form.get("name", "")[:40]
            login, scope = form.get("login", "").strip().lower(), form.get("scope", "").strip()[:32]
            one = people.add(connection, login, name, duties, wall(), scope)
            secret = password.link(connection, one, wall())
            desk.note(connection, "add staff", f"staff/{one.login}", duties=one.duties)
    except Refused as fault:
        return desk.page("new-colleague", duties=DUTIES, fault=str(fault), form=form)
    return _link(desk, one, secret)


def asks_reset(desk: Desk, login: str) -> str:
    """What is asked before somebody begins anew."""
    return f"给 {login} 一个新的链接：他原来的密码、手机和登录都马上作废。确定吗？"


def asks_lock(desk: Desk, login: str) -> str:
    """What is asked before somebody is locked."""
    return f"把 {login} 锁上：他马上退出，再也登录不了，直到您给他新的链接。确定吗？"


def reset(desk: Desk, login: str) -> Answer:
    """A new link: the old password and the old phone count no more."""
    with desk.parts.store.writing() as connection:
        one = people.named(connection, login) or abort(404)
        secret = password.link(connection, one, wall())
        shift.end(connection, one)
        desk.note(connection, "reset staff", f"staff/{login}")
    return _link(desk, one, secret)


def _link(desk: Desk, one: Staff, secret: str) -> Answer:
    return desk.page("link", one=one, address=f"{desk.parts.site.base_url}/console/begin/{secret}")


def asks_hand_over(desk: Desk, login: str) -> str:
    """What is asked before somebody takes over."""
    return f"{login} 的分工全部交给 {request.form.get('to', '')[:32]}，{login} 锁上、退出。确定吗？"


def hand_over(desk: Desk, login: str) -> Answer:
    """All duties to another in one step, and the sheet of what is open, due and waiting."""
    try:
        with desk.parts.store.writing() as connection:
            one = people.named(connection, login) or abort(404)
            other = people.named(connection, request.form.get("to", "")) or abort(404)
            taken = people.hand_over(connection, one, other, wall())
            shift.end(connection, one)
            desk.note(connection, "hand over", f"staff/{login}", to=other.login, duties=one.duties)
    except Refused as fault:
        with desk.parts.store.writing() as connection:
            desk.tell(connection, str(fault))
        return redirect(f"/console/colleague/{login}", 303)
    with desk.parts.store.reading() as connection:
        waits = list(today.tasks(one, connection, desk.now))
        on = edition.between(connection, desk.now, desk.now + SHEET)
    due = [row for row in today.coming(desk) if row.due_at < desk.now + SHEET]
    return desk.page("handed", one=one, other=taken, tasks=waits, due=due, on=on)


def lock(desk: Desk, login: str) -> Answer:
    """From now on they cannot sign in."""
    return _change(desk, login, "lock staff", "锁上了，已经在所有浏览器上退出。要放开，请给他一个新的链接。")


def share_out(desk: Desk, login: str) -> Answer:
    """Other duties."""
    return _change(desk, login, "share out", "分工改好了，马上生效。", request.form.getlist("duty"))


def _change(desk: Desk, login: str, deed: str, words: str, duties: list[str] | None = None) -> Answer:
    try:
        with desk.parts.store.writing() as connection:
            one = people.named(connection, login) or abort(404)
            if duties is None:
                people.lock(connection, one, wall())
                shift.end(connection, one)
                desk.note(connection, deed, f"staff/{login}")
            else:
                changed = people.share_out(connection, one, duties)
                desk.note(connection, deed, f"staff/{login}", before=one.duties, after=changed.duties)
            desk.tell(connection, words)
    except Refused as fault:
        with desk.parts.store.writing() as connection:
            desk.tell(connection, str(fault))
    return redirect(f"/console/colleague/{login}", 303)
