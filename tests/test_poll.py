"""A poll by chat and page: one final ballot, a receipt, results that nobody sees too early, a chain and files that anybody recounts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from kind_cast import Pages, Union
from poll_cast import DAY, PATH, cast, ends, mark, newest, on_page, recounted, tallies, union_of, votes

from commands.campaign import campaign_export, campaign_show
from commands.recount import recount
from ground.days import SHANGHAI
from models import audit, ballot, driver, edition, poll
from models.base import Store

MINUTE = timedelta(minutes=1)
RECEIPT = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}")


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = union_of(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = union_of(store)
    yield made
    made.close()


def stored(union: Union) -> list[str]:
    return [one.choices for one in cast(union)]


# --- voting ------------------------------------------------------------------------------------------------------


def test_one_word_votes_and_a_second_ballot_gets_the_first_ones_receipt(everywhere: Union) -> None:
    wang = everywhere.phone("王师傅")
    first = votes(everywhere, wang, "李巧手")
    again = votes(everywhere, wang, "3")
    receipt = RECEIPT.search(first)

    assert receipt
    assert "不写投给谁" in first
    assert receipt[0] in again
    assert "已经投过票" in again
    assert stored(everywhere) == ["2"]
    assert receipt[0] == cast(everywhere)[0].receipt
    mine = wang.says("我的")
    assert receipt[0] in mine
    assert "李巧手" not in mine


def test_several_are_chosen_then_looked_at_then_sent(sqlite_store: Store) -> None:
    union = union_of(sqlite_store, least=2, most=3)
    wang = union.phone("王师傅")

    assert "请选 2 到 3 个" in votes(union, wang, "5")
    assert "王大力、赵管" in wang.says("1 赵管")
    assert stored(union) == []
    assert RECEIPT.search(wang.says("1"))
    assert stored(union) == ["1 5"]
    union.close()


def test_with_a_ballot_a_day_the_limits_over_all_days_hold(store: Store) -> None:
    union = union_of(store, every="day", in_all=3, for_one=2)
    wang = union.phone("王师傅")

    assert RECEIPT.search(votes(union, wang, "1"))
    assert "今天已经投过票" in votes(union, wang, "2")
    union.waits(DAY)
    assert RECEIPT.search(votes(union, wang, "1"))
    union.waits(DAY)
    assert "同一个候选投 2 次" in votes(union, wang, "1")
    assert RECEIPT.search(votes(union, wang, "2"))
    union.waits(DAY)
    assert "最多投 3 次" in votes(union, wang, "3")
    assert [(one.slot, one.choices) for one in cast(union)] == [
        ("2027-01-12", "1"),
        ("2027-01-13", "1"),
        ("2027-01-14", "2"),
    ]
    union.close()


def test_who_leaves_and_comes_back_has_one_ballot_that_says_no_more_whose_it_is(everywhere: Union) -> None:
    wang = everywhere.phone("王师傅")
    first = votes(everywhere, wang, "2")
    wang.unfollows()
    everywhere.waits(MINUTE)
    wang.follows()
    again = votes(everywhere, wang, "3")
    browser = on_page(Pages(everywhere), wang)
    browser.sends(PATH, choices="1")

    assert [(one.openid, one.choices) for one in cast(everywhere)] == [(mark(everywhere, wang.openid), "2")]
    receipt = RECEIPT.search(first)
    assert receipt
    assert receipt[0] in again
    assert receipt[0] in browser.text


def test_on_the_page_a_tap_votes_and_the_choice_is_never_shown_again(union: Union) -> None:
    browser = on_page(Pages(union), union.phone("王师傅"))
    assert "投给 3 号" in browser.text
    page = browser.sends(PATH, choices="3")

    assert RECEIPT.search(page)
    assert "投给 3 号" not in page
    assert "checked" not in page
    assert stored(union) == ["3"]
    assert RECEIPT.search(browser.opens("/h5/me"))


def test_looking_for_somebody_keeps_what_was_chosen(sqlite_store: Store) -> None:
    union = union_of(sqlite_store, most=3)
    browser = on_page(Pages(union), union.phone("王师傅"))
    found = browser.sends(PATH, choices="5", find="纺织", look="1")

    assert "李巧手" in found
    assert "王大力" not in found
    assert re.search(r'value="5" checked', found)
    assert re.search(r'value="5" checked', browser.opens(PATH))
    assert stored(union) == []
    union.close()


def test_candidates_come_in_an_order_of_ones_own_that_stays(union: Union) -> None:
    pages = Pages(union)
    seen = []
    for name in ("王师傅", "李大姐", "小张", "老赵", "小孙"):
        browser = on_page(pages, union.phone(name))
        orders = {tuple(re.findall(r'id="n(\d)"', browser.opens(PATH))) for _ in range(2)}
        assert len(orders) == 1
        seen += orders

    assert len(set(seen)) > 1
    assert {tuple(sorted(order)) for order in seen} == {("1", "2", "3", "5")}


def test_who_withdrew_cannot_be_chosen_and_keeps_number_and_ballots(
    union: Union, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes(union, union.phone("王师傅"), "2")
    votes(union, union.phone("李大姐"), "3")
    union.staff_does("withdraw", "2", "本人不愿参评")
    zhang = union.phone("小张")

    assert "没有“2”这个选项" in votes(union, zhang, "2")
    page = Pages(union).browser().opens(PATH)
    assert "已经退出：本人不愿参评" in page
    ends(union)
    page = Pages(union).browser().opens(PATH)
    assert "第 1 名 · 1 票" in page
    assert tallies(union)[0].votes == {2: 1, 3: 1}
    campaign_export(union.store, "model", tmp_path)
    assert "已退出：本人不愿参评" in next(tmp_path.glob("*.csv")).read_text("utf-8-sig")


def test_the_page_asks_the_database_little_and_shows_at_once_who_withdrew(
    union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(union)
    people = [on_page(pages, union.phone(name)) for name in ("王师傅", "李大姐", "小张")]
    asked: list[str] = []
    real = driver.run

    def noted(connection: Any, text: str, given: Any, **how: Any) -> Any:
        asked.append(text)
        return real(connection, text, given, **how)

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        monkeypatch.setattr(driver, "run", noted)
        for one in people:
            asked.clear()
            assert "投给 2 号" in one.opens(PATH)
            assert 0 < len(asked) <= 5, asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    for number in ("2", "5"):
        union.staff_does("withdraw", number, "本人不愿参评")
        for one in people:
            page = one.opens(PATH)
            assert f"投给 {number} 号" not in page
            assert "投给 1 号" in page
            assert "已经退出：本人不愿参评" in page


def test_a_page_that_many_see_alike_holds_each_ones_own_order_and_form(union: Union) -> None:
    pages = Pages(union)
    people = [on_page(pages, union.phone(name)) for name in ("王师傅", "李大姐", "小张", "老赵")]
    seen = [one.opens(PATH) for one in people]
    orders = [re.findall(r'id="n(\d)"', page) for page in seen]

    assert len(set(map(tuple, orders))) > 1
    for name in ("csrf", "once"):
        assert (
            len({value for page in seen for value in re.findall(rf'name="{name}" value="(\w+)"', page)}) == 4
        )
    assert len({re.search(r'nonce="([\w-]+)"', page)[1] for page in seen}) == 4  # type: ignore[index]
    for one in people:
        assert RECEIPT.search(one.sends(PATH, choices="3"))
    assert stored(union) == ["3"] * 4
    assert "投给 3 号" not in people[0].opens(PATH)


# --- results -----------------------------------------------------------------------------------------------------


def test_nobody_peeks_while_results_are_hidden(
    union: Union, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wang = union.phone("王师傅")
    for name in ("李大姐", "小张"):
        votes(union, union.phone(name), "3")
    votes(union, wang, "1")
    union.waits(2 * MINUTE)
    union.tends()
    campaign_show(union.store, union.campaigns, "model", union.clock.now())
    campaign_export(union.store, "model", tmp_path)
    seen = [
        capsys.readouterr().out,
        next(tmp_path.glob("*.csv")).read_text("utf-8-sig"),
        Pages(union).browser().opens(PATH),
        on_page(Pages(union), wang).text,
        wang.says("我的"),
    ]
    with union.store.reading() as connection:
        seen.append(poll.get(connection, newest(union)).votes)

    assert not [text for text in seen if re.search(r"\d 票|第 \d 名|: 2", text)]
    assert [path.name for path in tmp_path.glob("*.txt")] == []


def test_where_the_rules_say_so_everybody_sees_the_votes_within_a_minute(sqlite_store: Store) -> None:
    union = union_of(sqlite_store, shows="now")
    for name in ("王师傅", "李大姐"):
        votes(union, union.phone(name), "3")
    union.waits(MINUTE)
    union.tends()

    assert "设计院 · 2 票" in Pages(union).browser().opens(PATH)
    union.close()


def test_ballots_are_sealed_in_a_chain_whose_head_is_shown_and_a_changed_one_is_found(
    everywhere: Union,
) -> None:
    for name in ("王师傅", "李大姐", "小张"):
        votes(everywhere, everywhere.phone(name), "3")
    everywhere.waits(MINUTE)
    everywhere.tends()
    votes(everywhere, everywhere.phone("老赵"), "1")
    first, second, third, last = cast(everywhere)

    assert first.previous == ""
    assert second.previous == first.hash
    assert third.previous == second.hash
    assert last.hash is None
    assert f"2027-01-12 公布的校验码（3 张票）：{third.hash}" in Pages(everywhere).browser().opens(PATH)
    with everywhere.store.writing() as connection:
        assert ballot.broken(connection, newest(everywhere)) is None
        connection.execute(
            ballot.ballots.update().where(ballot.ballots.c.id == second.id).values(choices="1")
        )
        assert ballot.broken(connection, newest(everywhere)) == second.id


def test_the_files_recount_to_what_was_shown_and_say_of_nobody(
    everywhere: Union, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = [everywhere.phone(name) for name in ("王师傅", "李大姐", "小张", "老赵", "小孙")]
    for person, choice in zip(people, "33125", strict=True):
        votes(everywhere, person, choice)
    ends(everywhere)
    campaign_export(everywhere.store, "model", tmp_path)
    ballots, receipts = sorted(tmp_path.glob("*.txt"))
    result = tallies(everywhere)[0]
    capsys.readouterr()

    assert ballots.read_text() == "1\n2\n3\n3\n5\n"
    assert receipts.read_text().split() == sorted(
        hashlib.sha256(one.receipt.encode()).hexdigest() for one in cast(everywhere)
    )
    for file, digest in ((ballots, result.ballots_digest), (receipts, result.receipts_digest)):
        assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
        assert digest in Pages(everywhere).browser().opens(PATH)
        assert recount(file, digest) == 0
    assert "3 号 2 票" in capsys.readouterr().out
    assert recounted(everywhere) == result.votes == {1: 1, 2: 1, 3: 2, 5: 1}
    together = ballots.read_text() + receipts.read_text()
    assert not [one for one in cast(everywhere) if one.receipt in together or str(one.openid) in together]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n3\n3\n", "不一样"),
        ("1\n2\n3\n3\n5\n", "不一样"),
        ("1\n2\n3\n4\n", "不一样"),
        ("2\n1\n", "第 2 行没有排在"),
        ("1\n2 王大力\n", "第 2 行是“2 王大力”，应该是候选的编号"),
        ("1\n3 2\n", "没有从小到大"),
        ("1\n2", "第 2 行没有写完整"),
    ],
)
def test_a_file_with_a_line_changed_removed_or_added_is_found(
    tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    true = hashlib.sha256(b"1\n2\n3\n3\n").hexdigest()
    (tmp_path / "b.txt").write_text(text)
    try:
        code = recount(tmp_path / "b.txt", true)
    except SystemExit as end:
        code = int(str(end.code))
    told = capsys.readouterr()

    assert code == 1
    assert words in told.out + told.err


def test_an_annulled_ballot_leaves_its_trace_and_is_counted_anew(everywhere: Union) -> None:
    wang, li = everywhere.phone("王师傅"), everywhere.phone("李大姐")
    votes(everywhere, wang, "3")
    votes(everywhere, li, "1")
    ends(everywhere)
    before = tallies(everywhere)[0]
    everywhere.staff_does("annul", cast(everywhere)[0].receipt, "花钱买的票")
    everywhere.tends()
    after = tallies(everywhere)

    assert (before.votes, before.ballots) == ({1: 1, 3: 1}, 2)
    assert [(one.ballots, one.annulled, one.reason) for one in after] == [
        (1, 1, "作废：花钱买的票 1 张"),
        (2, 0, ""),
    ]
    assert recounted(everywhere) == after[0].votes == {1: 1}
    assert "这张票作废了：花钱买的票" in wang.says("我的")
    assert "作废 1 张：花钱买的票 1 张" in Pages(everywhere).browser().opens(PATH)
    assert len(cast(everywhere)) == 2
    with everywhere.store.reading() as connection:
        assert ballot.broken(connection, newest(everywhere)) is None
        assert audit.of(connection, f"model/{newest(everywhere)}")[0].deed == "annul"
    with pytest.raises(SystemExit):
        everywhere.staff_does("annul", "AAAA-AAAA-AAAA-AAAA", "没有这张")


def test_many_ballots_behind_one_exit_are_shown_to_staff_and_never_dropped(
    sqlite_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    union = union_of(sqlite_store, exit_flag=3)
    pages = Pages(union)
    for name in ("王师傅", "李大姐", "小张"):
        on_page(pages, union.phone(name)).sends(PATH, choices="3")
    votes(union, union.phone("老赵"), "1")
    campaign_show(union.store, union.campaigns, "model", union.clock.now())
    shown = capsys.readouterr().out
    exits = {one.exit for one in cast(union)} - {""}

    assert len(exits) == 1
    assert exits.pop()[:8] in shown
    assert "127.0.0.1" not in shown
    ends(union)
    assert tallies(union)[0].ballots == 4
    with union.store.reading() as connection:
        flagged = ballot.exits(connection, newest(union), 3)[0][0]
    union.staff_does("annul-exit", flagged[:8], "同一个人代投")
    union.tends()
    assert tallies(union)[0].votes == {1: 1}
    union.close()


def test_the_result_is_posted_for_working_days_then_published_and_the_key_destroyed(union: Union) -> None:
    wang = union.phone("王师傅")
    votes(union, wang, "3")
    ends(union)  # Monday 1 February 2027; the Spring Festival begins on the 5th
    union.staff_does("post", "名单贴在职工之家")
    with union.store.reading() as connection:
        until = poll.get(connection, newest(union)).posted_to
    assert until == datetime(2027, 2, 11, tzinfo=SHANGHAI)
    union.waits(until - union.clock.now() - MINUTE)
    with pytest.raises(SystemExit):
        union.staff_does("publish", "谢谢大家")
    union.waits(2 * MINUTE)
    union.staff_does("publish", "谢谢大家")
    with union.store.reading() as connection:
        found = edition.latest(connection, "model")
        assert poll.get(connection, newest(union)).key == ""
    assert found is not None
    assert found.state == edition.PUBLISHED
    with pytest.raises(SystemExit):
        union.staff_does("annul", cast(union)[0].receipt, "晚了")
    wang.unfollows()
    assert [one.openid for one in cast(union)] == [None]
