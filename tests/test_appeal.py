"""Whoever has something hidden by the staff may object to it, by chat and by page; the answer reaches them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from kind_cast import Pages, Union

from models import appeal, edition, wish
from models.base import Store
from models.delivery import deliveries
from models.push import pushes
from wx.simulator import Phone

WISH = "/h5/c/spring-wish"


@pytest.fixture
def union(store: Store) -> Iterator[Union]:
    made = Union(store)
    yield made
    made.close()


def hidden_wish(union: Union) -> Phone:
    phone = union.phone("王师傅")
    union.opens_wishes(phone)
    for said in ("1", "1", "换一个食堂", "提交"):
        phone.says(said)
    union.staff_does("hide", str(the_wish(union).id), "写了别人的名字")
    return phone


def the_wish(union: Union) -> wish.Wish:
    """The first one that was made."""
    with union.store.reading() as connection:
        number = connection.execute(sa.select(sa.func.min(wish.wishes.c.id))).scalar_one()
        found = wish.get(connection, number)
    assert found is not None
    return found


def appeals(union: Union) -> list[appeal.Appeal]:
    with union.store.reading() as connection:
        found = edition.latest(connection, "spring-wish")
        assert found is not None
        return appeal.of_edition(connection, found.id)


def told(union: Union, phone: Phone) -> str:
    with union.store.reading() as connection:
        query = sa.select(pushes.c.content).join(deliveries, deliveries.c.push_id == pushes.c.id)
        return " ".join(connection.execute(query.where(deliveries.c.recipient == phone.openid)).scalars())


def test_by_chat_with_its_number_and_a_reason_and_what_was_hidden_is_shown_again(union: Union) -> None:
    wang = hidden_wish(union)

    assert "写了别人的名字" in wang.says("申诉")
    assert "申诉收到了" in wang.says("申诉 1 食堂不是人名")
    assert "已经申诉过" in wang.says("申诉1")
    (one,) = appeals(union)
    with union.store.reading() as connection:
        assert appeal.waiting_since(connection, one.edition_id) is not None
    assert one.words == "食堂不是人名"
    union.staff_does("grant-appeal", str(one.id), "看错了，对不起")
    assert the_wish(union).state == wish.OPEN
    assert "申诉成功，看错了" in told(union, wang)
    with pytest.raises(SystemExit):
        union.staff_does("refuse-appeal", str(one.id), "再看一遍")


def test_by_page_and_a_refusal_is_told_with_its_reason(union: Union) -> None:
    wang = hidden_wish(union)
    browser = Pages(union).browser()
    browser.signs_in(wang, "/h5/me")
    assert "写了别人的名字" in browser.text
    page = browser.sends("/h5/me/appeal", words="食堂不是人名")
    assert "等答复" in page
    union.staff_does("refuse-appeal", str(appeals(union)[0].id), "第二句里有")

    assert "申诉没有成功：第二句里有" in browser.opens("/h5/me")
    assert the_wish(union).state == wish.HIDDEN


def test_against_somebody_elses_is_not_taken(union: Union) -> None:
    hidden_wish(union)
    li = union.phone("李大姐")
    union.opens_wishes(li)
    for said in ("1", "1", "一双手套", "提交"):
        li.says(said)
    browser = Pages(union).browser()
    browser.signs_in(li, "/h5/me")
    csrf = browser.opens(f"{WISH}?what=make")
    browser.text = csrf
    browser.sends(
        "/h5/me/appeal",
        edition=str(the_wish(union).edition_id),
        undo=f"show {the_wish(union).id}",
        words="是我的",
    )

    assert browser.status == 404
    assert "申诉" not in li.says("申诉")[:2]
    assert appeals(union) == []
