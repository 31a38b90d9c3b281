"""A house in which every noun has a row, what it holds replaced by what an attacker would write, and every address that the desk and
the workers' pages have, made from the URL map and the rows."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from desk_cast import Colleague, Pages, Union
from kind_cases import CASES
from kind_cast import HIDDEN, campaign
from test_desk_letters import UNKNOWN
from union_cast import settled
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from models import alarm, nomination, notice, push, unanswered
from models.base import Store, metadata
from models.sealed import Sealed
from web.console.figures import FIGURES
from web.console.unmasking import KEPT

WORKER = "王师傅"
BREAKOUTS = ("", '">', "'>", "</textarea>", "</title></style></script>", "--></option></select>")
VECTORS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<iframe srcdoc='<b>'></iframe>",
    "<a href=javascript:alert(1)>x</a>", "' onmouseover=alert(1) x='", '" autofocus onfocus=alert(1) x="', "{{ 1337*7331 }}",
    "<base href=//evil.example><form action=//evil.example>", "javascript:alert(1)",
)  # fmt: skip
PAYLOADS = tuple(before + vector for before, vector in itertools.product(BREAKOUTS, VECTORS))
COMPUTED = "9801547"  # what a template would make of {{ 1337*7331 }}
FORMULAS = ("=", "+", "-", "@", "\t=", "＝")

MADE = frozenset({
    "attempts.plain", "candidates.groups", "drafts.said", "editions.extended", "editions.rules", "followers.dialogue", "interactions.raw",
    "menu_drafts.body", "menus.body", "papers.items", "polls.posted", "polls.votes", "pushes.audience",
        "pushes.content", "questions.accepted",
    "questions.options", "riddles.answers", "rulings.changed", "shared.value", "staff.password", "staff.recovery", "staff.totp",
    "staff_links.totp", "standings.lines", "tallies.votes",
        "union_codes.url", "verdicts.changed", "wishes.due",
})  # fmt: skip
"""The columns of text that the program itself makes and reads again: nobody writes into them."""
FREE = (
    "opinions.topic",
    "requests.topic",
    "requests.owner",
    "synonyms.plain",
    "letters.owner",
    "union_codes.place",
)
"""Columns with a length in which somebody's words stand."""


def stored() -> Iterator[sa.Column[str]]:
    """Every column in which words of people stand: a new one is found by its type."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            words = isinstance(column.type, Sealed | sa.Text)
            name = f"{table.name}.{column.name}"
            if name in FREE or (words and name not in MADE):
                yield column


def poison(store: Store, words: str) -> None:
    """All of them now begin with these words; what stands behind names the column."""
    with store.writing() as connection:
        for column in stored():
            text = f"{words} [[{column.table.name}.{column.name}]]"
            connection.execute(sa.update(column.table).values({column.name: text}))
        content = json.dumps({"text": f"{words} [[pushes.content]]"})
        connection.execute(sa.update(push.pushes).values(content=content))


class House:
    """Somebody has taken part in everything, and each list of the desk has a row."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.union = Union(store, [campaign(dict(case.keys)) for case in CASES])
        settled(store, folder)
        self.pages = Pages(self.union, make_code=lambda scene: f"http://weixin.qq.com/q/{quote(scene)}")
        self.union.tends()
        wang = self.union.phone(WORKER)
        self.worker = self.pages.browser()
        self.worker.signs_in(wang)
        for case in CASES:
            self.worker.opens(case.path + case.query)
            self.worker.sends(case.path, **case.page)
            assert case.done in self.worker.text, case.kind
        self.worker.opens("/h5/me")
        wang.says(UNKNOWN)
        self.union.waits(timedelta(seconds=10))
        self.pages.parts.clock._asked = float("-inf")  # it looks again at once
        now = self.union.clock.now()
        with store.writing() as connection:
            unanswered.gather(connection, now)
            alarm.sound(connection, "disk", "磁盘快满了", now)
            notice.tell(connection, "desk/letter:1", "您好", [wang.openid], now)
            rows = connection.execute(sa.text("select kind, id from editions"))
            found = {row.kind: row.id for row in rows}
            made = nomination.make(
                connection, found["poll"], wang.openid, ("孙师傅", "热力公司", "三九天钻管沟"), 1, now
            )
            assert made
            self.secret = made[1]
        self.colleagues = {
            duty: Colleague(self.pages, f"is-{duty}").is_let_in(duty)
            for duty in ("lead", "security", "system", "audit")
        }
        for one in self.colleagues.values():
            one.opens("/console/mine")
        lead = self.colleagues["lead"]
        lead.sends("/console/letter/1/note", words="去单位看过")
        lead.sends("/console/union/018/code", place="食堂")
        lead.sends("/console/menu/new")
        lead.sends(f"/console/live/{found['live-record']}/post", words="比赛开始了", once="0" * 32)

    def close(self) -> None:
        self.union.close()

    # -- addresses -------------------------------------------------------------------------------------

    def rules(self, method: str) -> list[Rule]:
        """Of the desk, and of the workers' pages, without those that sign somebody in."""
        return [
            rule
            for rule in self.pages.app.url_map.iter_rules()
            if rule.rule.startswith(("/console/", "/h5/", "/guide/"))
            and method in (rule.methods or ())
            and "sign-in" not in rule.rule
        ]

    def known(self) -> Mapping[str, Sequence[str]]:
        """What may stand for each part of an address."""
        with self.store.reading() as connection:

            def every(query: str) -> list[str]:
                return [str(each) for each in connection.execute(sa.text(query)).scalars()]

            return {
                "number": [*(str(each) for each in range(1, 13)), str(2027 * 12)],
                "handout_id": ["1"],
                "code": every("select code from unions"),
                "key": [*every("select key from opinions"), *every("select key from photos")],
                "login": every("select login from staff"),
                "mark": [one.mark for one in alarm.standing(connection)],
                "campaign": [one.id for one in self.union.campaigns],
                "push_id": ["one"],
                "what": [*KEPT, "accept"],
                "name": [*(one.id for one in self.union.campaigns), "union", "legal-aid", *FIGURES],
                "size": ["small"],
                "secret": [self.secret],
            }

    def addresses(self, method: str) -> Iterator[tuple[str, str]]:
        """Every rule, and every address that its parts give."""
        known = self.known()
        for rule in self.rules(method):
            parts = sorted(rule.arguments)
            for values in itertools.product(*(known.get(part, ["1"]) for part in parts)):
                yield rule.rule, filled(rule, dict(zip(parts, values, strict=True)))

    def asks(self, path: str) -> TestResponse:
        """The answer to the first of the colleagues who may, or to the worker."""
        if not path.startswith("/console/"):
            return self.worker.client.get(path)
        for one in self.colleagues.values():
            answer = one.client.get(path)
            if answer.status_code != 403:
                break
        return answer

    def sends(self, path: str, **fields: str) -> TestResponse:
        """The same with a form of theirs, who are sure of it."""
        if not path.startswith("/console/"):
            hidden = dict(HIDDEN.findall(self.worker.text))
            return self.worker.client.post(path, data={**hidden, **fields})
        for one in self.colleagues.values():
            answer = one.client.post(path, data={"csrf": one.csrf(), "sure": "1", **fields})
            if answer.status_code != 403:
                break
        return answer


def filled(rule: Rule, values: Mapping[str, str]) -> str:
    """The address of a rule with these parts."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: quote(values[found[1]], safe=""), rule.rule)


class Page(HTMLParser):
    """What a browser would make of a page: the faults are what an attacker has brought into it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside = tag
        if tag in ("iframe", "base") or (tag == "script" and "nonce" not in given):
            self.faults.append(f"<{tag}>")
        for name, value in given.items():
            plain = re.sub(r"\s", "", value or "").lower()
            if name.startswith("on") or (
                name in ("href", "src", "action", "formaction") and "script:" in plain
            ):
                self.faults.append(f'{tag} {name}="{value}"')
            if name in ("action", "formaction") and "evil" in plain:
                self.faults.append(f'{tag} {name}="{value}"')

    def handle_data(self, data: str) -> None:
        if self._inside == "script" and "alert(1)" in data:
            self.faults.append("script")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
