"""The desk's door and its one table of routes: who gets in, who may do what, and what is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk_cast import PASSWORD, Colleague, Pages, Union, deeds, invite, later

from ground.address import Console
from models import audit, shared, shift
from models import staff as people
from models.base import Store
from models.staff import DUTIES, Refused
from web.console.routes import ROUTES, routes

MATRIX = Path(__file__).parent / "desk_matrix.txt"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def pages(union: Union) -> Pages:
    return Pages(union)


class TestTheDoor:
    def test_a_colleague_begins_with_a_link_and_signs_in_with_password_and_phone(self, pages: Pages) -> None:
        link = invite(pages.union.store, "wang", "push")
        wang = Colleague(pages)

        assert len(wang.begins(link) and wang.codes) == 8
        assert "wang 同志（推送）" in wang.signs_in()
        assert wang.path == "/console/"
        with pages.union.store.reading() as connection:
            row = connection.execute(people.staff.select()).one()
        assert row.password.startswith("$argon2id$")
        assert PASSWORD not in str(row)
        assert all(code not in row.recovery for code in wang.codes)
        assert deeds(pages.union.store)[-1] == ("wang", "sign in", "staff/wang")

        again = Colleague(pages)
        assert again.opens("/console/begin/" + link.rpartition("/")[2]).count("用过了")
        assert again.status == 404

    def test_neither_a_code_nor_a_recovery_code_counts_twice(self, pages: Pages) -> None:
        wang = Colleague(pages)
        wang.begins(invite(pages.union.store, "wang", "push"))
        code = wang.code()

        assert "今天" in wang.signs_in(code=code)
        assert "有不对的" in Colleague(pages).signs_in(code=code)
        recovery = wang.codes.pop()
        assert "今天" in Colleague(pages).signs_in(code=recovery)
        assert "有不对的" in Colleague(pages).signs_in(code=recovery)

    def test_five_wrong_passwords_shut_strangers_out_and_not_the_colleague_at_her_own_browser(
        self, pages: Pages
    ) -> None:
        wang, stranger = Colleague(pages), Colleague(pages)
        wang.begins(invite(pages.union.store, "wang", "push"))
        wang.signs_in()
        wang.sends("/console/sign-out")
        for _ in range(5):
            assert "有不对的" in stranger.signs_in(password="password123", code="000000")

        assert "一刻钟" in stranger.signs_in(code=wang.codes.pop())
        assert "今天" in wang.signs_in()

    def test_the_last_who_could_open_again_is_not_locked(self, union: Union) -> None:
        with union.store.writing() as connection:
            one = people.add(connection, "an", "安", ["security"], datetime.now(UTC))
            with pytest.raises(Refused, match="最后一位"):
                people.lock(connection, one, datetime.now(UTC))

    def test_administrators_do_nothing_else(self, union: Union) -> None:
        with union.store.writing() as connection, pytest.raises(Refused, match="要分开"):
            people.add(connection, "an", "安", ["security", "push"], datetime.now(UTC))

    def test_is_shut_outside_of_the_offices_that_the_house_lists(self, union: Union) -> None:
        pages = Pages(union, console=Console(addresses=("203.0.113.0/24",)))
        client = pages.app.test_client()

        assert client.get("/console/sign-in").status_code == 404
        assert client.get("/console/sign-in", headers={"X-Real-IP": "203.0.113.9"}).status_code == 200

    @pytest.mark.parametrize(
        ("base_url", "name"), [("https://u.example", "__Host-desk"), ("http://localhost", "desk")]
    )
    def test_gives_a_cookie_for_this_site_alone_wherever_it_is_encrypted(
        self, union: Union, base_url: str, name: str
    ) -> None:
        union.base_url = base_url
        answer = Pages(union).app.test_client().get("/console/sign-in")
        (cookie,) = answer.headers.getlist("Set-Cookie")

        assert cookie.startswith(f"{name}=")
        assert ("Secure" in cookie) == base_url.startswith("https")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie

    @pytest.mark.parametrize(
        "to",
        [
            "https://evil.example",
            "//evil.example",
            "/console//evil.example",
            "/console/\\evil",
            "javascript:alert(1)",
        ],
    )
    def test_leads_to_a_page_of_ours_only(self, pages: Pages, to: str) -> None:
        wang = Colleague(pages)
        wang.begins(invite(pages.union.store, "wang", "push"))
        wang.opens("/console/sign-in")
        fields = {"csrf": wang.csrf(), "login": "wang", "password": PASSWORD, "code": wang.code(), "to": to}

        assert wang.client.post("/console/sign-in", data=fields).headers["Location"] == "/console/"


class TestASession:
    def test_is_not_the_one_that_the_browser_had_before(self, pages: Pages) -> None:
        wang = Colleague(pages)
        wang.begins(invite(pages.union.store, "wang", "push"))
        wang.client.set_cookie("desk", "chosen-by-somebody-else")
        wang.signs_in()

        cookie = wang.client.get_cookie("desk")
        assert cookie
        assert cookie.value != "chosen-by-somebody-else"
        assert cookie.http_only
        thief = Colleague(pages)
        thief.client.set_cookie("desk", "chosen-by-somebody-else")
        assert "登录工作台" in thief.opens("/console/")

    @pytest.mark.parametrize(
        ("span", "columns"),
        [(shift.IDLE, ("seen_at",)), (shift.LASTS, ("began_at",))],
        ids=["half an hour idle", "eight hours"],
    )
    def test_ends_by_itself(self, pages: Pages, span: timedelta, columns: tuple[str, ...]) -> None:
        wang = Colleague(pages).is_let_in("push")
        later(pages.union.store, span - timedelta(seconds=5), *columns)
        assert "今天" in wang.opens("/console/")

        later(pages.union.store, span + timedelta(seconds=5), *columns)
        assert "登录工作台" in wang.opens("/console/")

    def test_is_seen_and_ended_from_another_browser(self, pages: Pages) -> None:
        here, there = Colleague(pages).is_let_in("push"), Colleague(pages).is_let_in("push")
        here.opens("/console/mine")
        mark = here.text.partition("/console/mine/end/")[2].partition('"')[0]

        here.sends(f"/console/mine/end/{mark}")
        assert "已经退出" in here.text
        assert "登录工作台" in there.opens("/console/")

    def test_ends_when_the_colleague_is_locked(self, pages: Pages) -> None:
        wang = Colleague(pages).is_let_in("push")
        an = Colleague(pages, "an").is_let_in("security")
        an.opens("/console/colleague/wang")
        an.sends("/console/colleague/wang/lock")
        assert "确定吗" in an.text
        assert "锁上了" in an.is_sure()

        assert "登录工作台" in wang.opens("/console/")
        assert ("an", "lock staff", "staff/wang") in deeds(pages.union.store)

    def test_asks_for_a_fresh_code_before_what_is_dangerous(self, pages: Pages) -> None:
        zhao = Colleague(pages, "zhao")
        zhao.begins(invite(pages.union.store, "zhao", "lead"))
        zhao.signs_in()
        later(pages.union.store, shift.PROOF, "proved_at")
        zhao.sends("/console/halt")
        zhao.is_sure()
        zhao.sends("/console/unhalt")

        assert "证明是您本人" in zhao.text
        zhao.sends("/console/unhalt", sure="1", code="000000")
        assert zhao.status == 403
        with pages.union.store.reading() as connection:
            assert shared.halted(connection)
        assert "推送恢复了" in zhao.is_sure()


def test_every_page_is_in_the_table_and_no_other_duty_opens_it(union: Union) -> None:
    """The matrix in desk_matrix.txt is what was agreed: a new route is written there, or this fails."""
    pages = Pages(union)
    table = {
        line.rpartition(": ")[0]: line.rpartition(": ")[2].split() for line in MATRIX.read_text().splitlines()
    }
    rules = {
        f"{method} {rule.rule}"
        for rule in pages.app.url_map.iter_rules()
        if rule.rule.startswith("/console")
        for method in rule.methods or ()
        if method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    }
    assert rules == set(table)

    opened: dict[str, list[str]] = {rule: [] for rule in table}
    for duty in DUTIES:
        one = Colleague(pages, f"is-{duty}").is_let_in(duty)
        one.opens("/console/mine")
        csrf = one.csrf()
        for rule in sorted(table, key=lambda rule: "sign-out" in rule):
            method, path = rule.split()
            path = re.sub(r"<int:\w+>", "999999", path)
            path = re.sub(r"<\w+>", "nobody-12345", path)
            answer = one.client.open(path, method=method, data={"csrf": csrf} if method == "POST" else None)
            assert answer.status_code < 500, rule
            if answer.status_code != 403 or "sign-in" in path:
                opened[rule].append(duty)
    strangers = {rule for rule, duties in table.items() if duties == ["strangers"]}
    for rule, duties in table.items():
        assert opened[rule] == (list(DUTIES) if rule in strangers else duties), rule


def test_somebody_who_is_responsible_for_a_part_sees_nothing_of_the_whole(union: Union) -> None:
    pages = Pages(union)
    wang = Colleague(pages).is_let_in("lead")
    with union.store.writing() as connection:
        connection.execute(people.staff.update().values(scope="211100"))

    for route in routes(pages.parts):
        if route.duties and not route.post and "<" not in route.path:
            wang.opens(f"/console{route.path}")
            assert (wang.status == 403) == (not route.below), route.path


def test_no_form_counts_that_was_not_on_our_page(union: Union) -> None:
    pages = Pages(union)
    wang = Colleague(pages).is_let_in("lead")
    wang.opens("/console/mine")
    for route in ROUTES:
        if route.post:
            path = re.sub(r"<\w+>", "nobody", re.sub(r"<int:\w+>", "1", f"/console{route.path}"))
            assert wang.client.post(path, data={}).status_code == 403, path
            other = {"Origin": "https://elsewhere.example"}
            assert wang.client.post(path, data={"csrf": wang.csrf()}, headers=other).status_code == 403, path
    assert deeds(union.store) == []


def test_a_changed_row_of_the_audit_is_found(union: Union) -> None:
    pages = Pages(union)
    yuan = Colleague(pages, "yuan").is_let_in("audit")
    for number in range(5):
        Colleague(pages, f"one-{number}").is_let_in("lead").opens("/console/deliveries")
    with union.store.writing() as connection:
        for number in range(20):
            audit.note(connection, "wang", "pause", f"push/{number}", {}, datetime.now(UTC))
    yuan.opens("/console/system")
    assert "一条不少" in yuan.sends("/console/system/verify")

    with union.store.writing() as connection:
        connection.execute(sa.update(audit.audit).where(audit.audit.c.id == 7).values(staff="li"))
    assert "第 7 条对不上" in yuan.sends("/console/system/verify")
