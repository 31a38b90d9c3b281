"""What belongs to a person is covered at the desk, and uncovered for a purpose, once, by whoever may, and not too often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk_cast import Colleague, Pages, Union, deeds
from test_desk_letters import UNKNOWN, Office
from test_poll_nominee import nominates, opened
from test_sign_up import cooling, opens
from union_cast import settled

from models import audit, member, shared
from models import staff as people
from models.base import Store
from models.nomination import nominations
from web.console import unmasking

IDENTITY = "11010519491231002X"


@pytest.fixture
def door(sqlite_store: Store, tmp_path: Path) -> Iterator[Pages]:
    """A house with members, and somebody who signed up with a name and a number."""
    union = Union(sqlite_store, [cooling(phones=True)])
    settled(sqlite_store, tmp_path)
    wang = union.phone("王师傅")
    opens(union, wang)
    for said in ("1", "2", "同意", "王建国", "13912345678", "提交"):
        wang.says(said)
    yield Pages(union)
    union.close()


def first(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(sa.select(sa.func.min(member.members.c.id))).scalar_one())


def looks(one: Colleague, what: str, number: int, purpose: str = "打电话通知领东西") -> str:
    path = f"/console/unmask/{what}/{number}"
    one.opens(path)
    return one.sends(path, purpose=purpose)


def test_a_members_name_and_numbers_are_read_for_a_purpose_that_is_kept(door: Pages) -> None:
    zhao, number = Colleague(door, "zhao").is_let_in("lead"), first(door.union.store)
    at = f"/console/unmask/member/{number}"
    page = zhao.opens("/console/members")
    assert at in page
    assert "王桂兰" not in page
    page = zhao.opens(at)
    assert "王**" in page
    assert "13800000001" not in page

    assert "请先写明用途" in zhao.sends(at, purpose="")
    assert zhao.status == 409
    assert "13800000001" not in zhao.text
    page = zhao.sends(at, purpose="核对名册")
    for words in ("王桂兰", "13800000001", "PJ0001", "只在这一页上看得到"):
        assert words in page
    assert "王桂兰" not in zhao.opens(at)
    with door.union.store.reading() as connection:
        (row,) = [one for one in audit.of(connection, f"member/{number}") if one.deed == "look in clear"]
    assert "核对名册" in row.details
    assert "王桂兰" not in row.details
    yuan = Colleague(door, "yuan").is_let_in("audit")
    assert "查看完整的个人信息" in yuan.opens("/console/audit?find=zhao")
    assert "用途：核对名册" in yuan.text


def test_whoever_signed_up_is_covered_at_the_door_and_uncovered_for_a_purpose(door: Pages) -> None:
    sun = Colleague(door, "sun").is_let_in("campaign")
    page = sun.opens("/console/check-in/1?q=B1")
    assert "王**" in page
    assert "/console/unmask/sign-up/1" in page
    page = looks(sun, "sign-up", 1)

    assert "王建国" in page
    assert "13912345678" in page
    assert ("sun", "look in clear", "sign-up/1") in deeds(door.union.store)


def test_a_colleague_looks_thirty_times_an_hour_and_another_may_still(door: Pages) -> None:
    zhao, sun = Colleague(door, "zhao").is_let_in("lead"), Colleague(door, "sun").is_let_in("campaign")
    for _ in range(unmasking.MOST):
        assert "王建国" in looks(zhao, "sign-up", 1)
    page = looks(zhao, "sign-up", 1)

    assert zhao.status == 429
    assert "王建国" not in page
    assert "一小时里最多看 30 次" in page
    assert deeds(door.union.store).count(("zhao", "look in clear", "sign-up/1")) == unmasking.MOST
    assert "王建国" in looks(sun, "sign-up", 1)
    with door.union.store.writing() as connection:
        shared.drop(connection, "pace:unmask:zhao")  # as after an hour
    assert "王建国" in looks(zhao, "sign-up", 1)


@pytest.mark.parametrize(
    ("duty", "scope", "what", "status"),
    [
        ("letter", "", "sign-up", 404),
        ("letter", "", "member", 200),
        ("campaign", "", "request", 404),
        ("campaign", "", "letter", 404),
        ("push", "", "member", 403),
        ("lead", "2111", "member", 200),
        ("lead", "2112", "member", 404),
        ("lead", "2111", "sign-up", 404),
        ("lead", "", "nothing", 404),
    ],
)
def test_nobody_looks_at_what_is_not_theirs(
    door: Pages, duty: str, scope: str, what: str, status: int
) -> None:
    one, number = Colleague(door, "one").is_let_in(duty), first(door.union.store) if what == "member" else 1
    with door.union.store.writing() as connection:
        mine = people.staff.c.login == "one"
        connection.execute(people.staff.update().where(mine).values(scope=scope))
    one.opens("/console/mine")
    one.sends(f"/console/unmask/{what}/{number}", purpose="看看")

    assert one.status == status
    assert ("13800000001" in one.text) == (status == 200)
    assert (deeds(door.union.store)[-1:] == [("one", "look in clear", f"{what}/{number}")]) == (status == 200)


def test_a_nominees_name_is_covered_in_the_table_and_the_export(sqlite_store: Store) -> None:
    union = opened(sqlite_store)
    nominates(union, "王师傅")
    sun = Colleague(Pages(union), "sun").is_let_in("campaign")
    with sqlite_store.reading() as connection:
        row = connection.execute(sa.select(nominations)).one()
    assert "/console/unmask/nomination/1" in sun.opens(f"/console/edition/{row.edition_id}")
    assert "孙**" in sun.text
    assert "孙师傅" not in sun.text
    at = f"/console/export/edition/{row.edition_id}"
    assert "孙师傅" not in sun.sends(at, purpose="核对", **{"as": "csv"})

    assert "孙师傅" in looks(sun, "nomination", row.id)
    union.close()


def test_numbers_that_somebody_wrote_in_a_letter_are_covered_where_they_stand(
    sqlite_store: Store, tmp_path: Path
) -> None:
    day = Office(sqlite_store, tmp_path)
    wang = day.union.phone("王师傅")
    wang.says(UNKNOWN)
    wang.says(f"我的电话 138 1234 5678，身份证 {IDENTITY}，工号 20231")
    day.gathers()
    li = day.colleague("li", "letter")
    page = li.opens(f"/console/letter/{day.letter().id}")
    for covered in ("138****5678", "110***********002X", "工号 20231"):
        assert covered in page
    assert IDENTITY not in page
    page = looks(li, "letter", day.letter().id)

    assert "13812345678" in page
    assert IDENTITY in page
    day.close()
