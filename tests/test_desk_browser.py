"""A working day at the desk in a real browser: by mouse, by keyboard alone, and at a telephone's width.

With GONGHUI_TEST_PICTURES=1 it renews the manual's screenshots.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from desk_cast import PASSWORD, Colleague, deeds, invite
from phone_cast import WAIT_MS, barriers, launched, opened, shot
from playwright.sync_api import Browser, Page, expect
from test_desk_work import Day
from werkzeug.serving import make_server

from models import shared, unanswered
from models.base import Store

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
SMALL = """() => [...document.querySelectorAll('button, .button, nav a, input:not([type=hidden], [type=checkbox]), select, summary')]
  .map(one => [one.outerHTML.slice(0, 60), one.getBoundingClientRect()])
  .filter(([_, box]) => box.height && box.height < 44).map(([html]) => html)"""


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)


@pytest.fixture
def day(sqlite_store: Store, tmp_path: Path) -> Iterator[Day]:
    made = Day(sqlite_store, tmp_path)
    yield made
    made.close()


@pytest.fixture
def url(day: Day) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, day.pages.app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_day_from_the_link_to_the_export(day: Day, url: str, browser: Browser, tmp_path: Path) -> None:
    day.office.hires(3)
    day.wishes("王师傅", "我想赌博")
    qian = Colleague(day.pages, "qian")  # her authenticator
    link = invite(day.store, "qian", "push", "campaign")
    with opened(browser, f"{url}/console/begin/{link.rpartition('/')[2]}", 1100, 900) as page:
        begins(page, qian)
        expect(page.get_by_role("heading", name="等我的")).to_be_visible()
        looked_over(page, "desk-today")

        page.get_by_role("link", name="全年").click()
        looked_over(page, "desk-year")
        page.get_by_role("link", name="春天").click()
        expect(page.locator(".bubble")).to_contain_text("元宵灯谜")
        looked_over(page, "desk-plan")
        page.get_by_role("button", name="现在就发").click()
        expect(page.get_by_text("发出去收不回来")).to_be_visible()
        looked_over(page, "desk-sure")
        page.get_by_role("button", name="确定").click()
        expect(page.locator("#progress")).to_contain_text("正在准备名单")
        day.office.works()
        stays(day, page, url, "qian")
        expect(page.locator("#progress")).to_contain_text("已发完")
        looked_over(page, "desk-push")

        page.goto(f"{url}/console/")
        page.get_by_role("link", name="“春节发福利”有内容等您看").click()
        looked_over(page, "desk-edition")
        page.locator("td a", has_text="1").first.click()
        page.locator("#do-hide").get_by_label("理由").fill("这里不能写这个")
        page.locator("#do-hide").get_by_role("button").click()
        expect(page.get_by_role("status").first).to_contain_text("不再公开")
        page.get_by_text("导出成表格").click()
        page.get_by_label("用途").fill("福利会议")
        with page.expect_download() as got:
            page.get_by_role("button", name="导出 CSV").click()
        assert "我想赌博" in got.value.path().read_text("utf-8-sig")
        page.get_by_role("link", name="qian 同志").click()
        page.get_by_role("button", name="退出").click()
        expect(page.get_by_role("heading", name="登录工作台")).to_be_visible()
        looked_over(page)
    done = [deed for who, deed, _ in deeds(day.store) if who == "qian"]
    assert done == ["begin", "sign in", "start", "hide", "export", "sign out"]


def test_everything_stops_by_keyboard_alone_on_a_telephone(day: Day, url: str, browser: Browser) -> None:
    page = on_a_telephone(day, url, browser, "li", "letter")
    page.goto(f"{url}/console/")
    looked_over(page)
    reaches(page, "停止一切发送")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="请确认")).to_be_visible()
    looked_over(page)
    reaches(page, "确定")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("所有发送都停着")
    looked_over(page, "desk-halted")
    with day.store.reading() as connection:
        assert shared.halted(connection) == "li 同志在工作台按了停止"
    for path in ("editions", "pushes", "year", "mine"):
        page.goto(f"{url}/console/{path}")
        looked_over(page)
    page.context.close()


def test_what_workers_say_is_taught_to_the_chat_on_a_telephone(day: Day, url: str, browser: Browser) -> None:
    wang = day.union.phone("王师傅")
    for words in ("手续怎么走", "我不想活了", "嘎拉哈旮旯咕嘟噶哒"):
        wang.says(words)
    day.union.waits(timedelta(seconds=10))
    with day.store.writing() as connection:
        unanswered.gather(connection, day.union.clock.now())
    page = on_a_telephone(day, url, browser, "sun", "guide", "letter")
    page.goto(f"{url}/console/")
    page.get_by_role("link", name="像是遇到了危险").click()
    looked_over(page)
    page.locator("tbody a").first.click()
    looked_over(page, "desk-letter")
    page.get_by_label("发到他的微信里").fill("您现在安全吗？我在，电话 12356 也一直有人接。")
    page.get_by_role("button", name="发出去").click()
    expect(page.get_by_role("status")).to_contain_text("几秒钟就到")
    page.goto(f"{url}/console/synonyms?words=工伤")
    looked_over(page, "desk-synonyms")
    page.get_by_text("答别的页").last.click()
    page.get_by_label("页的名称").last.fill("困难职工帮扶")
    page.get_by_role("button", name="就答“").last.click()
    expect(page.get_by_role("status")).to_contain_text("两秒后")
    looked_over(page)
    page.goto(f"{url}/console/guides/injury")
    page.get_by_label("回答：").fill("先拨 12351，工会的人陪您去认定。")
    page.get_by_role("button", name="先看看").click()
    expect(page.get_by_role("status")).to_contain_text("还没有保存")
    looked_over(page)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status")).to_contain_text("保存好了")
    looked_over(page, "desk-guide")
    page.context.close()


def on_a_telephone(day: Day, url: str, browser: Browser, login: str, *duties: str) -> Page:
    """The desk of this colleague, 375 points wide, without JavaScript."""
    cookie = day.colleague(login, *duties).client.get_cookie("desk")
    assert cookie
    context = browser.new_context(viewport={"width": 375, "height": 740}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": "desk", "value": cookie.value, "url": url}])
    return context.new_page()


def begins(page: Page, qian: Colleague) -> None:
    """Uses the link: scans, chooses a password, and signs in."""
    qian.totp = page.locator("code").inner_text()
    looked_over(page, "desk-begin")
    page.get_by_label("六位数").fill(qian.code())
    page.get_by_label("密码，至少").fill(PASSWORD)
    page.get_by_label("再写一遍").fill(PASSWORD)
    page.get_by_role("button", name="好了").click()
    expect(page.locator(".codes li")).to_have_count(8)
    page.get_by_role("link", name="抄好了").click()
    page.get_by_label("登录名").fill("qian")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_label("验证器上的六位数").fill(qian.code())
    page.get_by_role("button", name="登录").click()


def stays(day: Day, page: Page, url: str, login: str) -> None:
    """The office's clock is years ahead of the wall, so that its worker takes everybody for long gone: sign in anew."""
    cookie = Colleague(day.pages, login).is_let_in().client.get_cookie("desk")
    assert cookie
    page.context.add_cookies([{"name": "desk", "value": cookie.value, "url": url}])
    page.reload()


def reaches(page: Page, words: str) -> None:
    """Goes on with the tab key until the button with these words has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(":focus").inner_text() == words:
            return
    raise AssertionError(f"the keyboard does not reach {words}")


def looked_over(page: Page, picture: str = "") -> None:
    """Nothing keeps anybody out of this page, and it fits."""
    assert barriers(page) == []
    assert not page.evaluate(WIDER)
    assert page.evaluate(SMALL) == []
    if picture and os.environ.get("GONGHUI_TEST_PICTURES"):
        shot(page, PICTURES / f"{picture}.png")
