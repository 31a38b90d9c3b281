"""Nominating by chat and page, the nominee's own link, the checks; experts and unions beside the public vote; objections while posted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kind_cast import Browser, Pages, Union
from poll_cast import DAY, PATH, ends, newest, on_page, union_of, votes

from campaigns.kinds.poll_staff import result
from commands.campaign import campaign_export, campaign_show
from models import candidate, edition, nomination
from models.base import Store

LINK = re.compile(r"/h5/nominee/[\w-]+")
NOMINATE = {"lasts": "5d", "checking": "3d", "checks": ["单位公示", "纪检"]}


def opened(store: Store, **more: Any) -> Union:
    """A union whose poll begins with nominations, on its third day."""
    union = union_of(store, nominate=NOMINATE, **more)
    union.base_url = "http://localhost"
    union.restarts()
    return union


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = opened(sqlite_store)
    yield made
    made.close()


def nominates(union: Union, name: str) -> str:
    """Somebody nominates 孙师傅 by chat; the answer with the link."""
    return votes(
        union, union.phone(name), "同意", "孙师傅", "热力公司维修工", "三九天钻管沟，一冬没歇过", "1"
    )


def follows_the_link(union: Union, said: str) -> tuple[Browser, str]:
    found = LINK.search(said)
    assert found
    browser = Pages(union).browser()
    browser.opens(found[0])
    return browser, found[0]


def states(union: Union) -> list[tuple[str, str]]:
    with union.store.reading() as connection:
        return [(one.name, one.state) for one in nomination.of_edition(connection, newest(union))]


def test_nobody_stands_who_has_not_agreed_by_their_own_link(store: Store) -> None:
    union = opened(store)
    said = nominates(union, "王师傅")
    with pytest.raises(SystemExit):
        union.staff_does("accept", "1", "7", "一线")
    browser, link = follows_the_link(union, said)
    assert "三九天钻管沟" in browser.text
    assert states(union) == [("孙师傅", "waits")]  # opening it changes nothing

    page = browser.sends(link, deed="confirm", unit="热力公司班长", words="三九天钻管沟，带着七个人")
    assert "同意参评" in page
    for check in ("单位公示", "纪检"):
        with pytest.raises(SystemExit):
            union.staff_does("accept", "1", "7", "一线")
        union.staff_does("check", "1", check, "通过", "无异议")
    union.staff_does("accept", "1", "7", "一线、农民工")
    union.waits(8 * DAY)

    assert "7 孙师傅" in votes(union, union.phone("李大姐"))
    with union.store.reading() as connection:
        found = [one for one in candidate.of_edition(connection, newest(union)) if one.number == 7]
    assert [(one.unit, one.groups) for one in found] == [("热力公司班长", ("一线", "农民工"))]
    union.close()


def test_a_nominee_who_does_not_want_it_withdraws_and_what_was_said_is_gone(union: Union) -> None:
    browser, link = follows_the_link(union, nominates(union, "王师傅"))
    assert "已经退出" in browser.sends(link, deed="withdraw")

    assert states(union) == [("", "withdrawn")]
    browser.opens(link)
    assert browser.status == 200
    assert "三九天" not in browser.text
    assert "本人不愿参评" in union.phone("王师傅").says("我的")


def test_who_stands_already_may_still_leave(union: Union) -> None:
    browser, link = follows_the_link(union, nominates(union, "王师傅"))
    browser.sends(link, deed="confirm", unit="热力公司", words="三九天钻管沟")
    for check in ("单位公示", "纪检"):
        union.staff_does("check", "1", check, "通过", "无异议")
    union.staff_does("accept", "1", "7", "无")
    browser.opens(link)
    browser.sends(link, deed="withdraw")

    with union.store.reading() as connection:
        found = [one for one in candidate.of_edition(connection, newest(union)) if one.number == 7]
    assert [(one.state, one.reason) for one in found] == [("withdrawn", "本人不愿参评")]


def test_a_forged_link_leads_nowhere_and_a_form_from_elsewhere_is_refused(union: Union) -> None:
    browser, link = follows_the_link(union, nominates(union, "王师傅"))
    thief = Pages(union).browser()
    thief.opens("/h5/nominee/abcdefghijklmnopqrstuv")
    assert thief.status == 404
    thief.text = browser.text
    thief.sends(link, deed="withdraw")  # the token of another browser

    assert thief.status == 403
    assert states(union) == [("孙师傅", "waits")]


def test_while_the_staff_check_nobody_votes_or_nominates(union: Union) -> None:
    wang = union.phone("王师傅")
    union.waits(4 * DAY)

    assert "正在审核，1月18日 00:00 开始投票" in votes(union, wang)
    assert "投给" not in on_page(Pages(union), wang).text


def test_without_consent_nothing_is_kept_and_ones_limit_holds(union: Union) -> None:
    wang = union.phone("王师傅")
    assert "不同意就不用填了" in votes(union, wang, "2")
    nominates(union, "李大姐")
    nominates(union, "李大姐")

    assert "推荐满了" in votes(union, union.phone("李大姐"))
    assert len(states(union)) == 2


# --- three sides and a list --------------------------------------------------------------------------------------


def test_public_experts_and_unions_are_weighed_and_the_list_keeps_its_quota(
    sqlite_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quotas = [{"group": "一线", "at_least": 50}]
    weights = {"public": 50, "expert": 30, "union": 20}
    union = union_of(sqlite_store, weights=weights, seats=2, quotas=quotas, most=2)
    for name, said in (("王师傅", "3 5"), ("李大姐", "3 5"), ("小张", "5 1"), ("老赵", "3 2")):
        votes(union, union.phone(name), said, "1")
    experts, unions = tmp_path / "专家.csv", tmp_path / "工会.csv"
    experts.write_text("评分人,编号,分数\n甲,3,90\n甲,5,60\n乙,3,80\n乙,2,70\n")
    unions.write_text("评分人,编号,分数\n钻采,1,1\n纺织,2,1\n")
    union.staff_does("experts", str(experts))
    union.staff_does("unions", str(unions))
    ends(union)
    with union.store.reading() as connection:
        found = edition.latest(connection, "model")
        assert found is not None
        places = result(connection, found, union.campaigns[0].poll)
    campaign_export(union.store, "model", tmp_path)
    sheet = next(tmp_path.glob("model-*.csv")).read_text("utf-8-sig")

    # 3: 50·3/8 + 30·170/300; 5: 50·3/8 + 30·60/300; 2: 50·1/8 + 30·70/300 + 20/2; 1: 50·1/8 + 20/2
    assert [(one.number, float(one.score), one.chosen) for one in places] == [
        (3, 35.75, True),
        (5, 24.75, False),
        (2, 23.25, True),
        (1, 16.25, False),
    ]
    assert "1,3,张明,设计院,,3,170,0,35.750000,入选" in sheet
    assert "一线,一线不少于 50%,1,2,1,满足" in sheet
    union.close()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("甲,9,5", "第 2 行：编号写的是“9”"),
        ("甲,3,很好", "分数写的是“很好”"),
        ("甲,3,1\n甲,3,2", "第 3 行：甲 给 3 号的分数写了两次"),
    ],
)
def test_points_that_do_not_fit_are_refused_with_their_line(
    sqlite_store: Store, tmp_path: Path, line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    union = union_of(sqlite_store, weights={"public": 70, "expert": 30})
    union.tends()
    (tmp_path / "分.csv").write_text(f"评分人,编号,分数\n{line}\n")
    with pytest.raises(SystemExit):
        union.staff_does("experts", str(tmp_path / "分.csv"))

    assert words in capsys.readouterr().err
    union.close()


# --- objections --------------------------------------------------------------------------------------------------


def test_while_the_result_is_posted_people_object_and_nothing_is_final_before_they_are_answered(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    union = union_of(store)
    wang, li = union.phone("王师傅"), union.phone("李大姐")
    votes(union, wang, "3")
    ends(union)
    assert "结束" in votes(union, li)
    union.staff_does("post", "名单贴在职工服务中心。")
    assert "异议收到了" in votes(union, li, "张明", "他的票是花钱买的，有转账记录", "1")
    page = on_page(Pages(union), wang)
    assert "结果正在公示" in page.text
    assert "异议收到了" in page.sends(PATH, objection="0", why="计票的时候没有人监督")
    union.staff_does("note-objection", "3", "来信：事迹不实")
    campaign_show(union.store, union.campaigns, "model", union.clock.now())
    shown = capsys.readouterr().out
    union.waits(timedelta(days=20))

    assert "有转账记录" in shown
    assert li.openid not in shown
    for number, verdict in (("1", "不成立"), ("2", "不成立"), ("3", "成立")):
        with pytest.raises(SystemExit):
            union.staff_does("publish", "谢谢大家")
        union.staff_does("settle", number, verdict, "查过了")
    union.staff_does("publish", "谢谢大家")
    assert "结束" in votes(union, li)
    union.close()
