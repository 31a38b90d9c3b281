"""The desk's door: password and code, the link by which a colleague begins, and where one is signed in."""

from __future__ import annotations

from flask import abort, make_response, redirect, request
from werkzeug.wrappers import Response

from models import audit, password, shift
from models import staff as people
from models.base import Connection
from models.staff import Refused, Staff
from web.console.desk import HOME, Answer, Desk, target
from web.console.route import TOO_OFTEN
from web.cookie import address, wall
from web.marks import code as drawn

WRONG = "登录名、密码和六位数里有不对的。六位数要写验证器现在显示的那一个，用过一次的不再算。"
COLLEAGUES = {  # of the demonstration: one for each duty of the plan
    "zhao": ("赵主席", people.LEAD),
    "qian": ("钱干事", people.PUSH),
    "sun": ("孙干事", people.CAMPAIGN),
    "li": ("李干事", people.LETTER),
    "zhou": ("周干事", people.GUIDE),
}


def ask(desk: Desk) -> Answer:
    """The page with the form; under `demo` also with the five colleagues."""
    return _asked(desk, "")


def _asked(desk: Desk, fault: str, login: str = "") -> Response:
    demo = list(COLLEAGUES.items()) if desk.parts.demo else []
    page = desk.page(
        "sign-in", fault=fault, login=login, to=target(request.values.get("to", HOME)), demo=demo
    )
    return make_response(page, 403 if fault else 200)


def enter(desk: Desk) -> Answer:
    """Sign in by login name, password and code."""
    form, now, store = request.form, wall(), desk.parts.store
    login = form.get("login", "").strip().lower()[:32]
    with store.writing() as connection:
        bucket = shift.may_try(connection, login, desk.browser, address(), now)
        claim = password.claimed(connection, login)
    if bucket is None:
        return _asked(desk, TOO_OFTEN, login)
    one = claim.proved_by(form.get("password", "")[:1000])  # outside of the transaction: it takes its time
    if one is None:
        return _asked(desk, WRONG, login)
    with store.writing() as connection:
        right = password.takes(connection, one.id, form.get("code", ""), now)
        if right:
            known = desk.browser or desk.cookie.secret
            shift.succeed(connection, one, bucket, known, now)
            answer = _welcome(desk, connection, one, "sign in")
            desk.known.put(answer, known)
    return answer if right else _asked(desk, WRONG, login)


def _welcome(desk: Desk, connection: Connection, one: Staff, deed: str) -> Response:
    secret = shift.begin(connection, one, request.headers.get("User-Agent", ""), address(), wall())
    desk.cookie.renew(secret)
    audit.note(connection, one.login, deed, f"staff/{one.login}", {"from": address()}, desk.now)
    return redirect(target(request.form.get("to", HOME)), 303)


def enter_as(desk: Desk, login: str) -> Answer:
    """Be one of the demonstration's colleagues."""
    name, duty = COLLEAGUES.get(login) or abort(404)
    with desk.parts.store.writing() as connection:
        one = people.named(connection, login) or people.add(connection, login, name, [duty], desk.now)
        return _welcome(desk, connection, one, "sign in")


def leave(desk: Desk) -> Answer:
    """Sign this browser out."""
    assert desk.shift
    with desk.parts.store.writing() as connection:
        shift.end(connection, desk.staff, desk.shift.secret_hash)
        desk.note(connection, "sign out", f"staff/{desk.staff.login}")
    return redirect("/console/sign-in", 303)


def begin(desk: Desk, secret: str) -> Answer:
    """The page behind a link: choose a password, and give the phone its code."""
    return _begun(desk, secret, "")


def _begun(desk: Desk, secret: str, fault: str) -> Response:
    with desk.parts.store.reading() as connection:
        found = password.invited(connection, secret, wall())
    if found is None:
        return make_response(desk.page("words", title="这个链接不能用了", words=password.OVER), 404)
    page = desk.page(
        "begin", invitation=found, picture=drawn(found.address, 4), fault=fault, path=request.path
    )
    return make_response(page, 403 if fault else 200)


def enrol(desk: Desk, secret: str) -> Answer:
    """Use a link; the recovery codes are shown this once."""
    form, store, now = request.form, desk.parts.store, wall()
    with store.reading() as connection:
        found = password.invited(connection, secret, now)
    if found is None:
        return _begun(desk, secret, "")
    try:
        hashed = password.hashed(found.staff, form.get("password", "")[:1000], form.get("again", "")[:1000])
        with store.writing() as connection:
            codes = password.enrol(connection, secret, hashed, form.get("code", ""), now)
            audit.note(connection, found.staff.login, "begin", f"staff/{found.staff.login}", {}, desk.now)
    except Refused as fault:
        return _begun(desk, secret, str(fault))
    return desk.page("codes", codes=codes)


def mine(desk: Desk) -> Answer:
    """Who I am here, and on which browsers I am signed in."""
    with desk.parts.store.reading() as connection:
        shifts = shift.of(connection, desk.staff, wall())
    return desk.page("mine", shifts=shifts)


def end(desk: Desk, mark: str) -> Answer:
    """Sign one of my browsers out."""
    with desk.parts.store.writing() as connection:
        number = shift.end(connection, desk.staff, mark) if len(mark) >= 12 else 0
        desk.tell(connection, "那个浏览器已经退出了。" if number else "它已经退出了。")
    return redirect("/console/mine", 303)
