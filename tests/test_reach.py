"""How far a campaign reached: what arrived, who looked, who took part, day by day; and the goal of the first day against the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from kind_cast import WISH, Pages, Union, campaign

from commands.campaign import campaign_show
from models import delivery, edition, notice, reach
from models.base import Store

DAY = timedelta(days=1)
OPENED = datetime(2027, 1, 9, 17, 0, tzinfo=UTC)  # one o'clock of the first night in Shanghai


@pytest.fixture
def union(store: Store) -> Iterator[Union]:
    made = Union(store, [campaign(WISH, goal=200)], at=OPENED)
    yield made
    made.close()


def reached(union: Union) -> reach.Reach:
    with union.store.reading() as connection:
        found = edition.latest(connection, WISH["id"])
    assert found is not None
    return reach.of(union.store, found)


def test_every_day_shows_who_looked_who_took_part_and_who_is_still_at_it(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = Pages(union)
    browser = pages.browser()
    for _ in range(3):
        browser.opens("/h5/c/spring-wish")
    wang, li = union.phone("王师傅"), union.phone("李大姐")
    with union.store.writing() as connection:
        for name in ("spring-wish/open", "spring-wish/accept:1"):  # a push, and a notice of a deed
            notice.tell(connection, name, "来许愿", [wang.openid, li.openid], union.clock.now())
        arrived = delivery.deliveries.c.recipient == wang.openid
        connection.execute(delivery.deliveries.update().where(arrived).values(state=delivery.SENT))
    for phone in (wang, li):
        union.opens_wishes(phone)
    for said in ("1", "1", "一张电影票", "提交"):
        wang.says(said)
    union.waits(DAY)  # one o'clock of the second night: the first day has gone over
    union.opens_wishes(wang)
    for said in ("1", "1", "一双手套", "提交"):
        wang.says(said)
    union.opens_wishes(li)
    for said in ("1", "1"):
        li.says(said)

    pages.app.extensions["views"].close()
    first, second = reached(union).days
    assert first.delivered == 1
    assert (first.day, first.pages, first.taps, first.people, first.chat) == ("2027-01-10", 3, 2, 1, 1)
    assert (second.day, second.pages, second.taps, second.people, second.chat) == ("2027-01-11", 0, 2, 0, 1)
    assert reached(union).unfinished == 1
    campaign_show(union.store, union.campaigns, WISH["id"], union.clock.now())
    shown = capsys.readouterr().out
    assert "（1 人许了愿或者支持了别人的，还有 1 人没填完）" in shown
    assert "第一天的目标是打开 200 次，打开了 5 次，没有达到" in shown
    campaign_show(union.store, union.campaigns, WISH["id"], OPENED)
    assert "还差 195 次；今天还有 23 小时 0 分" in capsys.readouterr().out
