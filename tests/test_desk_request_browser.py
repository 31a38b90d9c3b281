"""A request from a worker's phone to the desk and back, in a real browser at a telephone's width.

With GONGHUI_TEST_PICTURES=1 it renews the manual's screenshots.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from phone_cast import WAIT_MS, launched
from playwright.sync_api import Browser, Page, expect
from test_desk_browser import looked_over
from test_desk_request import Hall
from werkzeug.serving import make_server

from models.base import Store


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)


@pytest.fixture
def hall(sqlite_store: Store) -> Iterator[Hall]:
    made = Hall(sqlite_store)
    yield made
    made.union.close()


@pytest.fixture
def url(hall: Hall) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, hall.pages.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def opened(browser: Browser, cookie: str, value: str, url: str) -> Page:
    """A telephone on which somebody is signed in, without JavaScript."""
    context = browser.new_context(viewport={"width": 375, "height": 740}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": cookie, "value": value, "url": url}])
    return context.new_page()


def test_a_request_and_an_opinion_go_to_the_desk_and_come_back(
    hall: Hall, url: str, browser: Browser
) -> None:
    wang = hall.asks("王师傅", "厂里三个月没发工资了，找了三次都说再等等", phone="13812345678")
    hall.asks("李大姐", "食堂晚上九点以后没有热饭")
    written = hall.pages.browser()
    written.opens("/h5/opinion/say")
    written.sends("/h5/opinion/say", topic="食堂", words="夜班的饭能不能热一点")
    cookie = hall.colleague("qian", "letter").client.get_cookie("desk")
    assert cookie
    page = opened(browser, "desk", cookie.value, url)

    page.goto(f"{url}/console/requests")
    looked_over(page, "desk-requests")
    page.get_by_role("link", name="S1", exact=True).click()
    page.locator("#do-accept summary").click()
    page.locator("#do-accept").get_by_label("说明").fill("今天就去厂里")
    page.locator("#do-accept").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("会在微信里告诉他")
    looked_over(page, "desk-request")
    page.get_by_role("link", name="看他留的电话").click()
    looked_over(page)
    page.get_by_label("用来做什么").fill("约他来签字")
    page.get_by_role("button", name="看完整的").click()
    expect(page.get_by_text("13812345678")).to_be_visible()
    looked_over(page)
    page.goto(f"{url}/console/opinions")
    looked_over(page)
    page.locator("td a").first.click()
    page.locator("#do-adopt summary").click()
    page.locator("#do-adopt").get_by_label("答复").fill("下周起夜班有热饭")
    page.locator("#do-adopt").get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("用查询码才看得到")
    looked_over(page, "desk-opinion")
    page.goto(f"{url}/console/")
    looked_over(page)
    assert "已经受理：今天就去厂里" in wang.says("S1 查看")
    page.context.close()
