"""The one place where it is decided who may open what at the desk.

Every page is a `Route` of the table in `web.console.routes`; nothing else is served below /console/. A route says whose duty it is,
whether it is asked about first, and whether a fresh code of the phone is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import abort, g, make_response, redirect, request
from werkzeug.wrappers import Response

from models import password, shift, union
from models.shift import Shift
from models.staff import DUTIES, PLAN, Staff
from web.console.desk import NOBODY, Answer, Desk, came_from
from web.cookie import Cookie, address, wall
from web.parts import Parts

ANYBODY = tuple(DUTIES)  # whoever is signed in
STRANGERS: tuple[str, ...] = ()
EVERY_PLAN = PLAN
SIGN_IN = "/console/sign-in"
WRONG_CODE = "六位数不对，或者用过了。请写验证器现在显示的那一个。"
TOO_OFTEN = "试的次数太多了，请过一刻钟再试。"


@dataclass(frozen=True, slots=True)
class Route:
    """One page or deed: `path` below /console, `view` what answers, `duties` whose it is."""

    path: str
    view: Callable[..., Answer]
    duties: Sequence[str]
    post: bool = False
    menu: str = ""  # its words in the menu, '' for none
    asks: Callable[..., str] | None = None  # what is asked before it is done
    proof: bool = False  # a code of the phone must have been given just now
    below: bool = False  # also for whoever is responsible for a part of the tree only
    quiet: bool = False  # asked by the page itself: nobody was there

    @property
    def name(self) -> str:
        """Its name in the URL map and in templates, such as `pushes.pause`."""
        return f"{self.view.__module__.rpartition('.')[2]}.{self.view.__name__}"

    def is_for(self, one: Staff) -> bool:
        """Whether this colleague may."""
        return one.has(self.duties) and (self.below or not one.scope)


class Guard:
    """Stands before every route."""

    def __init__(self, parts: Parts, cookie: Cookie, known: Cookie, routes: Sequence[Route]) -> None:
        self._parts = parts
        self._cookie, self._known = cookie, known
        self._routes = {route.name: route for route in routes}

    def serves(self, route: Route) -> Callable[..., Answer]:
        """The view of this route, with everything that is asked of whoever opens it."""

        def view(**values: Any) -> Answer:
            self._at_home()
            self._cookie.read()
            if not route.duties:
                return route.view(self._desk(NOBODY, None, ""), **values)
            found = self._who()
            if found is None:
                return redirect(f"{SIGN_IN}?to={quote(_path())}", 303)
            desk = self._seen(*found, route)
            if not route.is_for(desk.staff):
                abort(403)
            if route.post and (question := self._question(desk, route, values)) is not None:
                return question
            return route.view(desk, **values)

        return view

    def _at_home(self) -> None:
        """Where the house lists the addresses of its offices, the desk is open to them alone."""
        if not self._parts.console.is_open_to(address()):
            abort(404)

    def _who(self) -> tuple[Staff, Shift] | None:
        if not g.secret or g.new_secret:
            return None
        with self._parts.store.reading() as connection:
            return shift.at(connection, g.secret, wall())

    def _seen(self, one: Staff, mine: Shift, route: Route) -> Desk:
        """The desk of this colleague, who was here now; what the last deed came to is said once."""
        now, told = wall(), ""
        if not route.quiet:
            told = "" if route.post else mine.told
            if told or now - mine.seen_at > shift.SEEN:
                with self._parts.store.writing() as connection:
                    shift.see(connection, mine, now)
                    if told:
                        shift.tell(connection, mine, "")
        return self._desk(one, mine, told)

    def _desk(self, one: Staff, mine: Shift | None, told: str) -> Desk:
        routes = self._routes
        menu = [
            (f"/console{each.path}", each.menu) for each in routes.values() if each.menu and each.is_for(one)
        ]
        return Desk(
            self._parts,
            one,
            mine,
            self._parts.clock.now(),
            self._cookie,
            self._known,
            tuple(menu),
            lambda name: name in routes and routes[name].is_for(one),
            told,
            self._scope(one),
        )

    def _scope(self, one: Staff) -> str:
        if not one.scope:
            return ""
        with self._parts.store.reading() as connection:
            return union.scope_path(connection, one.scope)

    def _question(self, desk: Desk, route: Route, values: dict[str, Any]) -> Response | None:
        """What is asked before it is done: whether they are sure, and a code; None where it may be done."""
        assert desk.shift is not None
        code, needs = request.form.get("code", ""), route.proof and desk.staff.enrolled
        needs = needs and not desk.shift.is_proved(wall())
        fault = ""
        if "sure" in request.form or (route.asks is None and not needs):
            if not needs:
                return None
            fault = self._fault(desk, desk.shift, code)
            if not fault:
                return None
        words = route.asks(desk, **values) if route.asks else "请再证明一次是您本人。"
        page = desk.page("sure", words=words, needs=needs, fault=fault, fields=desk.posted, back=came_from())
        return make_response(page, 403 if fault else 200)

    def _fault(self, desk: Desk, mine: Shift, code: str) -> str:
        """What is wrong with a code; '' where it counts."""
        now = wall()
        with self._parts.store.writing() as connection:
            bucket = shift.may_try(connection, desk.staff.login, desk.browser, address(), now)
            if bucket is None:
                return TOO_OFTEN
            if not password.takes(connection, desk.staff.id, code, now):
                return WRONG_CODE
            shift.prove(connection, mine, now)
            if desk.browser:
                shift.succeed(connection, desk.staff, bucket, desk.browser, now)
        return ""


def _path() -> str:
    """The page that was wanted; of a form that came too late, the desk's first."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/console/"
