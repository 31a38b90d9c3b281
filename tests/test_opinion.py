"""Opinions: with a name through both doors, and without one so that nobody who holds everything we keep can tell whose it is."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kind_cast import OPINION, Browser, Pages, Union, campaign
from phone_cast import ACCOUNT

from models.base import Store, metadata
from models.delivery import deliveries
from models.interaction import interactions
from models.opinion import opinions
from wx.simulator import Phone

PAGE = "/h5/opinion/say"
WRITTEN = "班长克扣加班费，请查一查"
CODE = re.compile(r"<code>([A-Z2-7-]{19})</code>")


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store, [campaign(OPINION)])
    yield made
    made.close()


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database."""
    made = Union(store, [campaign(OPINION)])
    yield made
    made.close()


def asks_for_the_page(union: Union, phone: Phone) -> str:
    """Says that nobody shall know; what the chat answers."""
    union.waits(timedelta(seconds=1))
    phone.taps("YEAR")
    phone.says("1")
    return phone.says("不让人知道是我")


def writes(browser: Browser, words: str = WRITTEN) -> str:
    """Opens the page, writes, and has a code."""
    browser.opens(PAGE)
    browser.sends(PAGE, topic="食堂", words=words)
    found = CODE.search(browser.text)
    assert found is not None, browser.text
    return found[1]


def keys(union: Union) -> list[str]:
    with union.store.reading() as connection:
        return list(connection.execute(sa.select(opinions.c.key)).scalars())


def test_an_opinion_with_a_name_is_answered_to_its_person_and_may_be_shown_without_it(
    everywhere: Union,
) -> None:
    wang = everywhere.phone("王师傅")
    wang.taps("YEAR")
    for said in ("1", "1", "食堂", "食堂的菜太咸了", "提交"):
        wang.says(said)
    number = keys(everywhere)[0][:8].upper()
    with pytest.raises(SystemExit):
        everywhere.staff_does("show", number)  # nothing is shown without its answer
    everywhere.staff_does("adopt", number, "换了师傅")
    everywhere.staff_does("show", number)

    assert number in wang.says("我的")
    assert "采纳了：换了师傅" in wang.says(f"{number} 查看")
    page = Pages(everywhere).browser().opens("/h5/c/say")
    assert "食堂的菜太咸了" in page
    assert "换了师傅" in page
    assert "王师傅" not in page
    with everywhere.store.reading() as connection:
        assert connection.execute(sa.select(deliveries.c.recipient)).scalars().all() == [wang.openid]


def test_the_chat_gives_the_address_and_kindly_refuses_the_words(union: Union) -> None:
    Pages(union)
    wang = union.phone("王师傅")

    answer = asks_for_the_page(union, wang)
    assert f"http://localhost{PAGE}" in answer
    assert "不要发在聊天里" in answer
    assert keys(union) == []


def test_a_code_opens_the_answer_on_the_page_and_in_the_chat_where_neither_is_kept(everywhere: Union) -> None:
    browser = Pages(everywhere).browser()
    code = writes(browser)
    number = keys(everywhere)[0][:8]
    everywhere.staff_does("adopt", number, "已经补发加班费")
    wang = everywhere.phone("王师傅")
    said = wang.says(code.lower().replace("-", ""))
    browser.sends(PAGE, code=code)

    assert "已经补发加班费" in said
    assert "已经补发加班费" in browser.text
    assert "没有这个查询码" in browser.sends(PAGE, code="AAAA-BBBB-CCCC-DDDD")
    with everywhere.store.reading() as connection:
        last = sa.select(interactions.c.content, interactions.c.raw, interactions.c.reply)
        row = connection.execute(last.where(interactions.c.topic == "opinion")).one()
        owed = connection.execute(sa.select(sa.func.count()).select_from(deliveries)).scalar_one()
    assert tuple(row) == ("[匿名]", "[匿名]", "[匿名]")
    assert owed == 0


def test_what_is_sent_twice_is_one_opinion_with_the_same_code_and_what_is_wrong_keeps_the_words(
    union: Union,
) -> None:
    browser = Pages(union).browser()
    form = browser.opens(PAGE)
    codes = []
    for _ in range(2):
        browser.text = form
        codes += CODE.findall(browser.sends(PAGE, topic="食堂", words=WRITTEN))
    browser.opens(PAGE)
    wrong = browser.sends(PAGE, words="短")

    assert len(codes) == 2
    assert len(set(codes)) == 1
    assert len(keys(union)) == 1
    assert "有 2 处要改" in wrong
    assert ">短</textarea>" in wrong.replace("\r\n", "").replace("\n", "")


def test_nobody_takes_more_than_so_many_in_a_minute_and_nothing_that_was_written_is_lost(
    union: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.h5.opinion.MOST", 2)
    browser = Pages(union).browser()
    for _ in range(2):
        writes(browser)
    browser.opens(PAGE)

    assert "请过一分钟再交" in browser.sends(PAGE, topic="食堂", words=WRITTEN)
    assert WRITTEN in browser.text
    assert len(keys(union)) == 2


def test_before_the_account_is_live_the_page_takes_nothing(sqlite_store: Store) -> None:
    union = Union(sqlite_store, [campaign(OPINION)], account=ACCOUNT)
    browser = Pages(union).browser()

    assert "不在收意见的时间里" in browser.opens(PAGE)
    browser.sends(PAGE, once="0" * 32, topic="食堂", words=WRITTEN)
    assert keys(union) == []
    union.close()


def test_words_of_danger_are_taken_and_answered_with_whom_to_call(union: Union) -> None:
    browser = Pages(union).browser()
    writes(browser, "我不想活了，班长天天骂我")

    assert "12356" in browser.text
    assert len(keys(union)) == 1


def test_whoever_holds_all_that_we_keep_cannot_tell_which_of_three_people_wrote_it(
    union: Union, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The database with its WAL, a backup, and every line of the log, after one of three signed-in people wrote it."""
    caplog.set_level(logging.DEBUG)
    pages = Pages(union)
    people = [union.phone(name) for name in ("王师傅", "李大姐", "小张")]
    browsers = []
    for phone in people:
        asks_for_the_page(union, phone)
        browser = pages.browser()
        browser.signs_in(phone, "/h5/c/say")
        browsers.append(browser)
    held_before = traces(union, people)
    answer = browsers[1].client.get(PAGE)
    browsers[1].text = answer.get_data(as_text=True)
    once = re.findall(r'name="once" value="(\w+)"', browsers[1].text)[0]
    sent = browsers[1].client.post(PAGE, data={"once": once, "topic": "食堂", "words": WRITTEN})
    code = CODE.findall(sent.get_data(as_text=True))[0]

    # no cookie is set, and nothing that names one of the three has changed
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in sent.headers
    assert traces(union, people) == held_before
    # the row holds no more than it should: no time but the day, nothing that three people differ in
    with union.store.reading() as connection:
        row = connection.execute(sa.select(opinions)).mappings().one()
    assert {name for name, value in row.items() if value is not None} == {
        "key", "edition_id", "code_hash", "day", "topic", "words", "state", "answer", "shown"
    }  # fmt: skip
    assert row["day"] == "2027-01-12"
    # every byte that is kept: neither the code nor `once` nor the words, and what is sealed of them beside no openid
    copy = tmp_path / "copy.db"
    name = str(union.store.engine.url.database)
    with sqlite3.connect(name) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        (sealed,) = source.execute("SELECT CAST(words AS BLOB) FROM opinions").fetchone()
    kept = [path.read_bytes() for path in (Path(name), Path(name + "-wal"), copy) if path.exists()]
    for data in kept:
        assert code.encode() not in data
        assert code.replace("-", "").encode() not in data
        assert once.encode() not in data
        assert WRITTEN.encode() not in data
        for at in (found.start() for found in re.finditer(re.escape(sealed), data)):
            around = data[max(at - 200, 0) : at + 200]
            assert not any(phone.openid.encode() in around for phone in people)
    assert any(sealed in data for data in kept)
    # nothing in a log, and no order of rows
    assert WRITTEN not in caplog.text
    assert code not in caplog.text
    assert PAGE not in caplog.text
    with union.store.reading() as connection, pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("SELECT rowid FROM opinions"))


def traces(union: Union, people: list[Phone]) -> str:
    """Everything in every table that is not the opinions themselves."""
    with union.store.reading() as connection:
        held = {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in metadata.tables.values()
            if table.name != "opinions"
        }
    assert any(people[0].openid in line for lines in held.values() for line in lines)
    return json.dumps(held, default=str)
