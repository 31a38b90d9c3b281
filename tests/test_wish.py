"""A wish's life in the hands of the staff: looked at, merged, priced, promised, fulfilled, and told to everybody behind it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kind_cast import WISH, Union, campaign

from commands.campaign import campaign_export, campaign_extend, campaign_list, campaign_show
from models import alarm, audit, edition, wish
from models.base import Store
from models.delivery import deliveries
from models.push import pushes
from wx.simulator import Phone


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store)
    yield made
    made.close()


def wishes(union: Union, name: str, words: str) -> Phone:
    """Somebody makes a wish; the new one, whatever others wished."""
    person = union.phone(name)
    union.opens_wishes(person)
    for said in ("1", "1", words):
        answer = person.says(said)
    if "相近" in answer:
        person.says("都不是")
    person.says("提交")
    return person


def told(union: Union, name: str) -> list[str]:
    """Whom a deed's notice is owed to."""
    query = sa.select(deliveries.c.recipient).join(pushes, pushes.c.id == deliveries.c.push_id)
    with union.store.reading() as connection:
        found = connection.execute(query.where(pushes.c.name == f"spring-wish/{name}")).scalars()
        return sorted(found)


def one(union: Union, number: int) -> wish.Wish:
    with union.store.reading() as connection:
        found = wish.get(connection, number)
    assert found is not None
    return found


def test_merging_keeps_everybody_once_tells_them_and_can_be_taken_back(union: Union) -> None:
    wang, li = wishes(union, "王师傅", "想要电影票"), wishes(union, "李大姐", "电影票想要")
    union.staff_does("merge", "2", "1")

    assert one(union, 1).supporters == 2
    assert one(union, 2).state == wish.MERGED
    assert told(union, "merge:2") == [li.openid]
    assert "并入 1 号" in li.says("我的")

    union.staff_does("unmerge", "2")
    assert one(union, 1).supporters == 1
    assert wang.openid not in told(union, "merge:2")


def test_somebody_who_was_merged_may_leave(union: Union) -> None:
    wishes(union, "王师傅", "想要电影票")
    li = wishes(union, "李大姐", "电影票想要")
    union.staff_does("merge", "2", "1")
    union.opens_wishes(li)
    li.says("1")
    li.says("收回")

    assert "不再支持" in li.says("1")
    assert one(union, 1).supporters == 1


def test_a_promise_and_its_keeping_are_told_to_all_who_stand_behind_it(union: Union) -> None:
    wang, li = wishes(union, "王师傅", "想要电影票"), union.phone("李大姐")
    union.opens_wishes(li)
    for said in ("1", "支持", "1"):
        li.says(said)
    union.staff_does("accept", "1", "30000", "二月底", "已列入预算")
    union.staff_does("fulfil", "1", "电影票已发到各单位")

    assert told(union, "accept:1") == told(union, "fulfil:1") == sorted([wang.openid, li.openid])
    assert "已经实现" in wang.says("我的")
    with pytest.raises(SystemExit):
        union.staff_does("accept", "1", "1", "明天", "再来一次")


def test_every_deed_leaves_a_trace_and_one_that_fails_leaves_none(union: Union) -> None:
    wishes(union, "王师傅", "想要电影票")
    union.staff_does("hide", "1", "有别人的名字")
    union.staff_does("show", "1")
    for words in (("hide", "99", "没有"), ("hide", "1"), ("dance", "1")):
        with pytest.raises(SystemExit):
            union.staff_does(*words)
    with union.store.reading() as connection:
        found = audit.of(connection, "spring-wish/1")
        whole = audit.broken(connection) is None

    assert [each.deed for each in found] == ["show", "hide"]
    assert all(each.staff.startswith("cli:") for each in found)
    assert whole


def test_the_curve_counts_a_person_once_and_the_cheapest_comes_first(
    union: Union, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wishes(union, "王师傅", "想要电影票")
    wishes(union, "王师傅", "一袋大米")
    wishes(union, "李大姐", "=HYPERLINK(1)")
    union.staff_does("price", "1", "100")
    union.staff_does("price", "2", "10")
    campaign_export(union.store, "spring-wish", tmp_path)
    with next(tmp_path.glob("*.csv")).open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    curve = rows[rows.index(["花多少钱、满足多少人"]) + 2 :]

    assert [row[0] for row in curve if row] == ["2", "1"]
    assert [row[3:] for row in curve if row] == [["10", "1", "50%"], ["110", "1", "50%"]]
    assert ["3", "'=HYPERLINK(1)"] in [row[:2] for row in rows]
    assert next(tmp_path.glob("*.xlsx")).stat().st_size > 0


def test_what_waits_for_the_staff_is_an_alarm_after_four_hours(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [campaign(WISH, wish={"look_first": True})])
    wishes(union, "王师傅", "想要电影票")
    union.tends()
    union.waits(timedelta(hours=4, minutes=1))
    union.tends()
    with union.store.reading() as connection:
        names = [each.name for each in alarm.standing(connection)]
    union.staff_does("show", "1")
    union.tends()
    with union.store.reading() as connection:
        left = alarm.standing(connection)
    union.close()

    assert names == ["moderation spring-wish"]
    assert left == []


def test_the_edition_opens_and_closes_by_itself_and_an_extension_holds(
    union: Union, capsys: pytest.CaptureFixture[str]
) -> None:
    union.tends()
    with union.store.reading() as connection:
        found = edition.latest(connection, "spring-wish")
    assert found is not None
    campaign_extend(union.store, "spring-wish", found.closes_at + timedelta(days=2), union.clock.now())
    union.waits(found.closes_at + timedelta(days=1) - union.clock.now())
    union.tends()
    assert "您的心愿是" in wishes(union, "王师傅", "电影票").last

    union.waits(timedelta(days=1, minutes=2))
    union.tends()
    campaign_list(union.store, union.campaigns, union.clock.now())
    campaign_show(union.store, union.campaigns, "spring-wish", union.clock.now())
    shown = capsys.readouterr().out

    assert "心愿" in shown
    assert "  wish  " not in shown
    assert "已结束" in shown
    assert "campaign do spring-wish merge 编号 并入的编号" in shown
    assert "extend" in shown
    with pytest.raises(SystemExit):
        campaign_extend(union.store, "spring-wish", union.clock.now() + timedelta(days=1), union.clock.now())
