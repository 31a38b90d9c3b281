"""Colleagues at the desk, each with a browser and an authenticator of their own, and the house behind it."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from html import unescape

import pyotp
from kind_cast import Pages, Union

from commands import staff as typed
from commands.command_line import Options
from models import audit, shift
from models import staff as people
from models.base import Store

PASSWORD = "红旗渠边的老槐树 1958"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


class Colleague:
    """One of the staff: what they see last is `text` and `status`."""

    def __init__(self, pages: Pages, login: str = "wang") -> None:
        self.pages = pages
        self.store = pages.union.store
        self.login = login
        self.client = pages.app.test_client()
        self.text, self.status, self.path = "", 0, ""
        self.totp = ""
        self.codes: list[str] = []
        self._last = 0

    # -- the browser ---------------------------------------------------------------------------------------

    def opens(self, path: str) -> str:
        return self._seen(self.client.get(path, follow_redirects=True))

    def csrf(self) -> str:
        found = dict(HIDDEN.findall(self.text))
        return found.get("csrf", "")

    def sends(self, path: str, **fields: object) -> str:
        """A form of the page that is shown, to this address, with these fields."""
        answer = self.client.post(path, data={"csrf": self.csrf(), **fields}, follow_redirects=True)
        return self._seen(answer)

    def is_sure(self) -> str:
        """Says yes to what is asked, with a code where one is wanted."""
        form = self.text[self.text.rindex('<form method="post" action="') :]
        path = unescape(form.split('"')[3])
        fields = {name: unescape(value) for name, value in HIDDEN.findall(form)}
        if 'name="code"' in form:
            fields["code"] = self.code()
        return self._seen(self.client.post(path, data=fields, follow_redirects=True))

    def _seen(self, answer) -> str:  # type: ignore[no-untyped-def]
        self.status, self.text = answer.status_code, answer.get_data(as_text=True)
        self.path = answer.request.path
        return self.text

    # -- who they are --------------------------------------------------------------------------------------

    def code(self) -> str:
        """What the authenticator shows: never the same twice."""
        here = int(datetime.now(UTC).timestamp()) // 30
        step = max(self._last + 1, here - 1)
        if step > here + 1:
            return self.codes.pop()
        self._last = step
        return pyotp.TOTP(self.totp).at(step * 30)

    def begins(self, link: str) -> str:
        """Uses the link that the security administrator gave."""
        self.opens("/console/begin/" + link.rpartition("/")[2])
        self.totp = re.search(r"<code>([A-Z2-7]{32})</code>", self.text)[1]  # type: ignore[index]
        path = "/console/begin/" + link.rpartition("/")[2]
        self.sends(path, code=self.code(), password=PASSWORD, again=PASSWORD)
        self.codes = re.findall(r"<code>([0-9a-f]{6}-[0-9a-f]{6})</code>", self.text)
        return self.text

    def signs_in(self, to: str = "/console/", password: str = PASSWORD, code: str = "") -> str:
        self.opens(f"/console/sign-in?to={to}")
        return self.sends(
            "/console/sign-in", login=self.login, password=password, code=code or self.code(), to=to
        )

    def is_let_in(self, *duties: str) -> Colleague:
        """Is signed in with these duties, without the ceremony of the door."""
        with self.store.writing() as connection:
            one = people.named(connection, self.login) or people.add(
                connection, self.login, f"{self.login} 同志", duties, datetime.now(UTC)
            )
            secret = shift.begin(connection, one, "test", "127.0.0.1", datetime.now(UTC))
        self.client.set_cookie("desk", secret)
        return self


def invite(store: Store, login: str, *duties: str) -> str:
    """`staff add`: the link."""
    said = io.StringIO()
    with redirect_stdout(said):
        typed.add(
            store,
            "http://localhost",
            Options(name=login, person=f"{login} 同志", duties=duties),
            datetime.now(UTC),
        )
    return said.getvalue().splitlines()[-1]


def later(store: Store, span: timedelta, *columns: str) -> None:
    """So much time has gone by for everybody who is signed in."""
    with store.writing() as connection:
        for column in columns or ("began_at", "seen_at", "proved_at"):
            for row in connection.execute(shift.shifts.select()).all():
                here = shift.shifts.c.secret_hash == row.secret_hash
                value = getattr(row, column) - span
                connection.execute(shift.shifts.update().where(here).values({column: value}))


def deeds(store: Store) -> list[tuple[str, str, str]]:
    """The audit: who, what, with what, oldest first."""
    with store.reading() as connection:
        rows = connection.execute(audit.audit.select().order_by(audit.audit.c.id)).all()
    return [(row.staff, row.deed, row.object) for row in rows]


__all__ = ["PASSWORD", "Colleague", "Pages", "Union", "deeds", "invite", "later"]
