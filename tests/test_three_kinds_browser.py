"""A quiz, an evaluation and a live record in a real browser at a telephone's width, and the page of the colleague on the spot. With
GONGHUI_TEST_PICTURES=1 it renews the documentation's screenshots."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from desk_cast import Colleague, Pages, Union
from kind_cast import EVALUATION, LIVE_RECORD, QUIZ, campaign
from phone_cast import WAIT_MS, launched
from playwright.sync_api import Browser, Page, expect
from test_desk_browser import looked_over as desk_looked_over
from test_h5_browser import looked_over
from test_photo import jpeg
from werkzeug.serving import make_server

from commands.campaign import campaign_do
from models import session
from models.base import Store


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)


@contextmanager
def narrow(browser: Browser, url: str, name: str, secret: str, *, script: bool = False) -> Iterator[Page]:
    """A telephone on which somebody is signed in."""
    context = browser.new_context(viewport={"width": 375, "height": 812}, java_script_enabled=script)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": name, "value": secret, "url": url}])
    yield context.new_page()
    context.close()


@pytest.mark.timeout(300)
def test_a_quiz_an_evaluation_and_a_live_record_are_done_at_a_telephones_width(
    sqlite_store: Store, browser: Browser
) -> None:
    union = Union(sqlite_store, [campaign(QUIZ), campaign(EVALUATION), campaign(LIVE_RECORD)])
    union.tends()
    pages = Pages(union)
    server = make_server("127.0.0.1", 0, pages.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with union.store.writing() as connection:
        secret = session.begin(connection, union.phone("王师傅").openid, datetime.now(UTC))

    with narrow(browser, url, "visit", secret) as page:
        answers_a_quiz(page, url)
        evaluates(page, url)
    cookie = Colleague(pages, "sun").is_let_in("campaign").client.get_cookie("desk")
    assert cookie
    with union.store.reading() as connection:
        number = connection.exec_driver_sql("SELECT id FROM editions WHERE kind = 'live-record'").scalar_one()
    with (
        narrow(browser, url, "desk", cookie.value, script=True) as desk,
        narrow(browser, url, "visit", secret, script=True) as page,
    ):
        writes_on_the_spot(desk, f"{url}/console/live/{number}")
        page.goto(f"{url}/h5/c/contest")
        expect(page.locator("#fresh")).to_contain_text("这一页自己更新")
        expect(page.locator("table")).to_contain_text("李巧手")
        looked_over(page, "h5-live-record")
        union.waits(timedelta(seconds=1))
        campaign_do(union.store, "contest", "post", ("现在", "颁奖了，大家合影！"), union.clock.now())
        expect(page.locator("#live")).to_contain_text("颁奖了")
    server.shutdown()
    server.server_close()
    union.close()


def answers_a_quiz(page: Page, url: str) -> None:
    page.goto(f"{url}/h5/c/women-quiz")
    looked_over(page)
    page.get_by_label("领卷子").check()
    page.get_by_role("button", name="提交").click()
    for number in (1, 2):
        expect(page.locator("legend")).to_contain_text(f"第 {number} 题")
        if number == 2:
            expect(page.get_by_role("status")).to_be_in_viewport()  # why, just above the next question
        looked_over(page, "h5-quiz" if number == 1 else "h5-quiz-why")
        for words in ("98 天", "降工资", "辞退"):
            for one in page.get_by_label(words, exact=True).all():
                one.check()
        page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status").first).to_contain_text("2 题答对 2 题，20 分")
    looked_over(page)


def evaluates(page: Page, url: str) -> None:
    page.goto(f"{url}/h5/c/summary")
    looked_over(page)
    page.get_by_role("link", name="这一年的工会工作").click()
    page.get_by_label("很满意").first.check()
    page.get_by_label("想说的话").fill("食堂越办越好")
    looked_over(page, "h5-evaluation")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status").first).to_contain_text("★★★★★")
    looked_over(page)


def writes_on_the_spot(page: Page, address: str) -> None:
    page.goto(address)
    desk_looked_over(page)
    page.get_by_label("现在发生了什么").fill("焊接决赛开始了，八位师傅上场。")
    page.get_by_label("照片").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    page.get_by_role("button", name="发出去").click()
    expect(page.get_by_role("status")).to_contain_text("1 号记下了")
    page.get_by_text("记一个项目的成绩").first.click()
    page.get_by_label("项目").fill("焊接")
    page.get_by_label("成绩：一人一行").fill("王大力 一车间 95.5\n李巧手 二车间 97")
    page.get_by_role("button", name="记一个项目的成绩").click()
    expect(page.get_by_role("status")).to_contain_text("成绩记下了")
    page.get_by_text("更正", exact=True).first.click()
    page.get_by_label("改成").fill("焊接决赛开始了，十位师傅上场。")
    page.get_by_label("为什么改").last.fill("数错了人")
    desk_looked_over(page, "desk-live")
    page.get_by_role("button", name="更正", exact=True).first.click()
    expect(page.locator("s")).to_contain_text("八位师傅")
    desk_looked_over(page)
