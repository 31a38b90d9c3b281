"""Somebody signs up on a telephone's page and shows the code, and a colleague at the door lets them in and takes a signature, in a
real browser. With GONGHUI_TEST_PICTURES=1 it renews the documentation's screenshots."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from desk_cast import Colleague, Pages, Union
from phone_cast import WAIT_MS, launched, opened
from playwright.sync_api import Browser, Page, expect
from test_desk_browser import looked_over as desk_looked_over
from test_h5_browser import looked_over
from test_sign_up import PATH, cooling, left
from test_visit import keep, news, speak
from werkzeug.serving import make_server

from models import session
from models.base import Store
from web import Demo
from wx.simulator import PlatformServer


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)


def test_from_the_slot_to_the_signature_at_the_door(sqlite_store: Store, browser: Browser) -> None:
    union = Union(sqlite_store, [cooling()])
    far = PlatformServer(union.platform).start()
    pages = Pages(union, demo=Demo(far.url, lambda: None))
    server = make_server("127.0.0.1", 0, pages.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"

    li = union.phone("李秀英")
    with opened(browser, f"{url}/phone?openid={li.openid}", 375) as phone:
        expect(phone.get_by_role("button", name="服务大厅")).to_be_visible()
        expect(news(phone)).not_to_have_count(0)
        for words in ("报名", "2", "1", "同意", "李秀英", "提交"):
            speak(phone, words)
        expect(news(phone).last).to_contain_text("报上了！")
        keep(phone, "chat-sign-up")

    with union.store.writing() as connection:
        secret = session.begin(connection, union.phone("王师傅").openid, datetime.now(UTC))
    page = narrow(browser, url, "visit", secret, script=False)
    page.goto(f"{url}{PATH}")
    looked_over(page, "h5-sign-up")
    page.get_by_role("button", name="报名 1 号").click()
    page.get_by_label("2 人").check()
    page.get_by_label("同意", exact=True).check()
    page.get_by_label("姓名").fill("王建国")
    looked_over(page, "h5-sign-up-form")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("报上了！")
    page.goto(f"{url}/h5/me")
    page.get_by_text("的签到码，到场时点开").click()
    expect(page.locator(".pass svg")).to_be_visible()
    looked_over(page, "h5-sign-up-code")
    code = page.locator(".pass code").inner_text()
    page.context.close()

    cookie = Colleague(pages, "sun").is_let_in("campaign").client.get_cookie("desk")
    assert cookie
    page = narrow(browser, url, "desk", cookie.value, script=True)
    page.goto(f"{url}/console/check-in/1")
    desk_looked_over(page)
    page.keyboard.type(code)  # as a scanner does: the field has the focus
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("B2 签到了")
    page.get_by_text("代领，或者留下签名、照片").first.click()
    page.get_by_label("代领人姓名").first.fill("王建军")
    signs(page)
    desk_looked_over(page, "desk-check-in")
    page.get_by_role("button", name="发出去").first.click()
    expect(page.get_by_text("王**（手写签名）")).to_be_visible()
    expect(page.get_by_role("link", name="看凭据")).to_be_visible()
    page.context.close()
    assert left(union) == 9
    server.shutdown()
    server.server_close()
    far.stop()
    union.close()


def narrow(browser: Browser, url: str, name: str, secret: str, *, script: bool) -> Page:
    """A telephone on which somebody is signed in."""
    context = browser.new_context(viewport={"width": 375, "height": 812}, java_script_enabled=script)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": name, "value": secret, "url": url}])
    return context.new_page()


def signs(page: Page) -> None:
    """Draws something with a finger."""
    canvas = page.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(box["x"] + 40 + 25 * step, box["y"] + 40 + 30 * (step % 3))
    page.mouse.up()
