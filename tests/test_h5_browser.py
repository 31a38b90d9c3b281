"""The workers' pages in a real browser at a telephone's width: read, signed in to, filled in without JavaScript, and large enough.

The numbers are those of 适老化通用设计规范 (工信部 2021). With GONGHUI_TEST_PICTURES=1 it renews the documentation's screenshots.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kind_cast import POLL, RIDDLE, Pages, Union, campaign
from kind_cast import WISH as WISHES
from phone_cast import WAIT_MS, barriers, launched, shot
from playwright.sync_api import Browser, Page, expect
from test_photo import HEIC, jpeg
from werkzeug.serving import make_server

from campaigns.kinds.poll_list import of_folder
from models import ballot, session
from models.base import Store

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
WISH = "/h5/c/spring-wish"
NARROW = 390
SMALL = """() => [...document.querySelectorAll('a, button, label.choice, input:not([type=hidden]), textarea')]
  .filter(one => !one.closest('p, li, h2') || one.matches('.button'))
  .filter(one => !one.matches('.skip') && !(one.type == 'radio' || one.type == 'checkbox'))
  .map(one => [one.outerHTML.slice(0, 60), one.getBoundingClientRect()])
  .filter(([_, box]) => box.width < 44 || box.height < 44).map(([html]) => html)"""
LINES = """() => [...document.querySelectorAll('main p, main li, main label, main h1')].map(one => getComputedStyle(one))
  .filter(style => parseFloat(style.lineHeight) < 1.3 * parseFloat(style.fontSize) || parseFloat(style.fontSize) < 16).length"""
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
CONTRAST = """() => {
  const light = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b }
  const ground = one => { for (; one; one = one.parentElement) { const c = getComputedStyle(one).backgroundColor
    if (!c.startsWith('rgba(0, 0, 0, 0')) return c } return 'rgb(255, 255, 255)' }
  return [...document.querySelectorAll('body *')].filter(one => [...one.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
    .filter(one => !one.matches('.skip'))
    .map(one => { const a = light(getComputedStyle(one).color), b = light(ground(one))
      return [one.outerHTML.slice(0, 60), (Math.max(a, b) + .05) / (Math.min(a, b) + .05)] })
    .filter(([_, ratio]) => ratio < 4.5) }"""


def test_a_wish_is_made_by_hand_without_javascript_and_every_page_is_large_enough(
    served: tuple[Union, str], browser: Browser
) -> None:
    union, url = served
    wang = union.phone("王师傅")
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()

    page.goto(f"{url}/h5/")
    looked_over(page, "h5-on")
    page.get_by_role("link", name="春节发福利").click()
    looked_over(page)
    page.get_by_role("link", name="登录后参加").click()
    looked_over(page)
    page.get_by_role("link", name="在公众号里发一个数字登录").click()
    looked_over(page)
    wang.says(page.locator(".code").inner_text())
    page.get_by_role("link", name="我已经发了").click()
    expect(page).to_have_url(re.compile(re.escape(WISH)))
    looked_over(page)
    page.get_by_role("link", name="写下我的心愿").click()
    looked_over(page, "h5-wish")
    page.get_by_label("您的心愿").fill("冬天的手套")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("您的心愿是")
    looked_over(page, "h5-done")
    page.reload()
    page.get_by_role("link", name="我的", exact=True).click()
    expect(page.locator("main")).to_contain_text("冬天的手套")
    looked_over(page, "h5-me")
    context.close()


def test_riddles_a_photo_an_appeal_and_a_result_are_seen_and_done_at_a_telephones_width(
    served: tuple[Union, str], browser: Browser
) -> None:
    union, url = served
    wang = union.phone("王师傅")
    union.opens_wishes(wang)
    for said in ("1", "1", "请王某下台", "跳过", "提交"):
        wang.says(said)
    union.staff_does("hide", "1", "写了别人的名字")
    context = browser.new_context(viewport={"width": 375, "height": 812}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(f"{url}/h5/sign-in/code?to=/h5/c/yuanxiao")
    wang.says(page.locator(".code").inner_text())
    page.get_by_role("link", name="我已经发了").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("元宵猜灯谜")
    looked_over(page, "h5-riddles")
    page.get_by_role("button", name="猜 1 号").click()
    looked_over(page, "h5-riddle")
    page.get_by_label("第 1 条").fill("雨")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status").first).to_contain_text("猜对了")
    looked_over(page)
    page.goto(f"{url}{WISH}?what=make")
    page.get_by_label("您的心愿").fill("一双手套")
    page.get_by_label("照片").set_input_files({"name": "a.heic", "mimeType": "image/heic", "buffer": HEIC})
    page.get_by_role("button", name="提交").click()
    expect(page.locator(".bad").last).to_contain_text("HEIC")
    looked_over(page, "h5-photo")
    page.get_by_label("照片").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("status")).to_contain_text("您的心愿是")
    page.goto(f"{url}/h5/me")
    looked_over(page, "h5-mine-hidden")
    page.get_by_label("觉得不对").fill("是剧里的人")
    page.get_by_role("button", name="申诉").click()
    expect(page.locator(".note")).to_contain_text("等答复")
    looked_over(page)
    page.get_by_role("link", name="删除我的资料").click()
    looked_over(page)
    page.goto(f"{url}/h5/result/1")
    looked_over(page, "h5-result")
    page.goto(f"{url}/h5/c/yuanxiao")
    page.get_by_role("link", name="规则、结果和文件").click()
    looked_over(page)
    context.close()


def test_a_vote_is_looked_for_chosen_and_cast_without_javascript(
    polled: tuple[Union, str], browser: Browser
) -> None:
    union, url = polled
    with union.store.writing() as connection:
        secret = session.begin(connection, union.phone("王师傅").openid, datetime.now(UTC))
    context = browser.new_context(viewport={"width": NARROW, "height": 844}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    context.add_cookies([{"name": "visit", "value": secret, "url": url}])
    page = context.new_page()

    page.goto(f"{url}/h5/c/model")
    looked_over(page, "h5-poll")
    page.get_by_label("5 号").check()
    page.get_by_label("找候选").fill("蟹")
    page.get_by_role("button", name="找一找").click()
    expect(page.locator(".grid li")).to_have_count(4)
    expect(page.get_by_label("5 号")).to_be_checked()
    page.get_by_label("4 号").check()
    looked_over(page)
    page.get_by_role("button", name="投票").click()
    expect(page.get_by_role("status")).to_contain_text("回执")
    looked_over(page, "h5-poll-done")
    with union.store.reading() as connection:
        assert [one.choices for one in ballot.every(connection, 1)] == ["4 5"]
    context.close()


@pytest.mark.parametrize("width", [360, 414, 1280])
def test_the_public_face_and_an_entry_are_read_without_javascript_at_any_width(
    served: tuple[Union, str], browser: Browser, width: int
) -> None:
    _, url = served
    context = browser.new_context(viewport={"width": width, "height": 780}, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    picture = "{}" if width == 360 else ""

    page.goto(f"{url}/")
    looked_over(page, picture.format("face"))
    page.get_by_label("想办什么事").fill("产假几天")
    page.get_by_role("button", name="查一查").click()
    looked_over(page, picture.format("face-asked"))
    page.get_by_role("link", name="看怎么办、带什么").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("产假")
    looked_over(page, picture.format("face-entry"))
    page.goto(f"{url}/?q=我不想活了")
    looked_over(page)
    expect(page.get_by_role("alert")).to_contain_text("12356")
    page.emulate_media(media="print")
    page.goto(f"{url}/guide/dues")
    expect(page.locator(".printed")).to_be_visible()
    expect(page.locator("header")).to_be_hidden()
    context.close()


def looked_over(page: Page, picture: str = "") -> None:
    """Nothing is too small, too pale or too wide, also at WeChat's largest type, and nothing keeps a screen reader out."""
    page.wait_for_load_state("load")
    assert page.evaluate(SMALL) == []
    assert page.evaluate(LINES) == 0
    assert page.evaluate(CONTRAST) == []
    assert not page.evaluate(WIDER)
    if page.viewport_size and page.viewport_size["width"] <= NARROW:  # axe finds the same at every width
        assert barriers(page) == []
    if picture and os.environ.get("GONGHUI_TEST_PICTURES"):
        shot(page, PICTURES / f"{picture}.png")
    page.evaluate("document.documentElement.style.fontSize = '25.5px'")
    assert not page.evaluate(WIDER)
    page.evaluate("document.documentElement.style.fontSize = ''")
    assert len(page.content().encode()) < 30_000


@pytest.fixture
def served(sqlite_store: Store) -> Iterator[tuple[Union, str]]:
    wishes = campaign(WISHES, wish={"per_person": 3, "photos": True})
    union = Union(sqlite_store, [wishes, campaign(RIDDLE)])
    server = make_server("127.0.0.1", 0, Pages(union).app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield union, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    union.close()


@pytest.fixture
def polled(sqlite_store: Store) -> Iterator[tuple[Union, str]]:
    """A poll with the sample dishes and their photos."""
    rules = {"candidates": of_folder(Path(), "food.csv"), "most": 3}
    keys = {**POLL, "title": "“特色盘锦美食”评选", "about": "咱们盘锦的好味道，由您来评！", "poll": rules}
    union = Union(sqlite_store, [campaign(keys)])
    for _ in range(3):
        union.tends()
    server = make_server("127.0.0.1", 0, Pages(union).app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield union, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    union.close()


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)
