"""The whole, as a visitor meets it: one command, and then a worker's day in a browser, up to the push that comes by itself.

With GONGHUI_TEST_PICTURES=1 it renews the documentation's screenshots in docs/pictures/.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from conftest import free_port
from guides_cast import WHOLE
from phone_cast import launched, opened, shot
from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, expect

from menus import tree
from models.base import Store
from models.delivery import deliveries
from models.interaction import interactions

HERE = Path(__file__).parent.parent
PICTURES = HERE / "docs" / "pictures"
PICTURES_WANTED = "GONGHUI_TEST_PICTURES"
START_S = 60
TO_THE_QUESTION = """one => { const log = document.getElementById('log')
  log.scrollTop += one.closest('.said').getBoundingClientRect().top - log.getBoundingClientRect().top - 76 }"""
ASKED = (
    "老板不给钱", "最低工资是多少", "产假几天", "工伤", "年假几天", "社保没缴", "被辞退了怎么赔", "加班费怎么算", "尘肺", "入会",
    "中暑", "心里难受想找人说说",
)  # fmt: skip


def test_a_worker_follows_taps_everything_asks_and_receives_a_push(house: House, browser: Browser) -> None:
    with opened(browser, house.url, 1280, 900) as page:
        phone = page.frame_locator(".demo-phone iframe")
        phone.get_by_role("button", name="关注公众号", exact=True).click()
        expect(said(phone).last).to_contain_text("欢迎")

        for section in WHOLE.menu:
            for item in section.sub_button:
                tap(phone, section.name, item.name)
        speak(phone, "工伤")
        expect(said(phone).last).to_contain_text("工伤")
        speak(phone, "👍")
        expect(page.locator("#board-said")).to_contain_text("👍")
        seen = news(phone).count()

        page.get_by_role("button", name="把时间拨到下一次推送").click()
        expect(news(phone)).to_have_count(seen + 1, timeout=60_000)
        expect(page.locator("#board-sent")).to_contain_text("已发", timeout=30_000)

    keys = [key for key, _ in house.stored(interactions.c.event_key, interactions.c.event) if key]
    assert sorted(set(tree.keys(WHOLE.menu))) == sorted(set(keys) & set(tree.keys(WHOLE.menu)))
    words = [text for (text,) in house.stored(interactions.c.content)]
    assert "工伤" in words
    assert "👍" in words
    assert all(state == "answered" for (state,) in house.stored(interactions.c.state))
    assert [state for (state,) in house.stored(deliveries.c.state)] == ["sent"]


def test_the_pictures_of_the_documentation(house: House, browser: Browser) -> None:
    """The phone at a telephone's width: the talk, the menu, an answer, a notice that came by itself."""
    with opened(browser, f"{house.url}/phone") as phone:
        follow = phone.get_by_role("button", name="关注公众号", exact=True)
        settled = phone.get_by_role("button", name="服务大厅").or_(follow)
        expect(settled).to_be_visible()
        if follow.is_visible():
            keep(phone, "profile")
            follow.click()
        expect(phone.get_by_role("button", name="服务大厅")).to_be_visible()
        phone.get_by_role("button", name="服务大厅").click()
        keep(phone, "menu")
        expect(news(phone)).not_to_have_count(0)  # the welcome has come
        before = news(phone).count()
        phone.get_by_role("button", name="维权与法律").click()
        expect(news(phone)).to_have_count(before + 1)
        keep(phone, "answer")
        speak(phone, "工伤")
        expect(said(phone).last).to_contain_text("工伤")
        keep(phone, "words")
        phone.get_by_role("button", name="返回职工名单").click()
        expect(phone.get_by_role("heading", name="职工的手机")).to_be_visible()
        keep(phone, "people")
    if os.environ.get(PICTURES_WANTED):
        with opened(browser, house.url, 1280, 900) as page:
            go_to(page, "元宵")
            keep(page, "start")
        with opened(browser, f"{house.url}/phone", 1280, 900) as page:
            page.wait_for_timeout(1500)
            keep(page, "desk")


def test_twelve_answers_are_read_whole_on_the_phone_at_normal_and_at_large_type(
    house: House, browser: Browser
) -> None:
    """They fit the bubble, and what they name can be tapped; the documentation shows them three by three."""
    with opened(browser, f"{house.url}/phone") as phone:
        follow = phone.get_by_role("button", name="关注公众号", exact=True)
        section = phone.get_by_role("button", name="服务大厅")
        expect(section.or_(follow)).to_be_visible()
        if follow.is_visible():
            follow.click()
        expect(section).to_be_visible()
        expect(said(phone)).not_to_have_count(0)
        start = said(phone).count()
        for words in ASKED:
            speak(phone, words)
        for size, step in (("normal", "1"), ("large", "3")):
            phone.evaluate(
                "step => document.documentElement.className = step > 1 ? `type-${step}` : ''", int(step)
            )
            shots = []
            for at, words in enumerate(ASKED):
                answer = said(phone).nth(start + at)
                assert not answer.evaluate("one => one.scrollWidth > one.clientWidth + 1"), words
                assert len(answer.inner_text()) > 40, words
                answer.evaluate(TO_THE_QUESTION)
                if os.environ.get(PICTURES_WANTED):
                    phone.wait_for_timeout(150)
                    shots.append(phone.screenshot(animations="disabled", caret="hide"))
            for row in range(0, len(shots), 3):
                sheet(shots[row : row + 3], PICTURES / f"answers-{size}-{row // 3 + 1}.png")


def test_the_embedded_phone_shows_the_whole_name_of_each_section_on_a_narrow_screen(
    house: House, browser: Browser
) -> None:
    with opened(browser, house.url, 375, 780) as page:
        phone = page.frame_locator(".demo-phone iframe")
        follow = phone.get_by_role("button", name="关注公众号", exact=True)
        section = phone.get_by_role("button", name="服务大厅")
        expect(section.or_(follow)).to_be_visible()
        if follow.is_visible():
            follow.click()
        back = phone.get_by_role("button", name="切换到菜单")
        expect(section.or_(back)).to_be_visible()
        if not section.is_visible():
            back.click()
        for name in phone.locator(".menu-slot > button span").all():
            assert not name.evaluate("one => one.scrollWidth > one.clientWidth"), name.inner_text()


def test_the_directory_finds_what_a_worker_types(house: House, browser: Browser) -> None:
    with opened(browser, house.url) as page:
        page.get_by_label("想办什么事").fill("我想退会")
        page.get_by_role("button", name="查一查").click()
        page.get_by_role("link", name="看怎么办、带什么").first.click()

        expect(page.get_by_role("heading", level=1)).to_contain_text("退会")
        expect(page.get_by_role("heading", name="怎么办", exact=True)).to_be_visible()


def test_a_clock_that_did_not_move_is_not_told_in_the_colour_of_success(
    house: House, browser: Browser
) -> None:
    with opened(browser, house.url) as page:
        page.route("**/phone/api/clock", lambda route: route.fulfill(status=503, body=""))
        page.get_by_role("button", name="把时间拨到下一次推送").click()

        expect(page.locator("#moved")).to_have_text("没有拨成，请再按一次。")
        expect(page.locator("#moved")).to_have_css("color", "rgb(179, 21, 27)")


# --- the cast ----------------------------------------------------------------------------------------------------


class House:
    """The demonstration in processes of its own, as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = f"sqlite:///{folder}/visit.db"
        self.log = (folder / "log").open("w+")
        environ = os.environ | {"PORT": str(self.port), "GONGHUI_DATABASE__URL": self.database}
        words = [sys.executable, "app.py", "demo", "--config", "config.example.toml"]
        self.process = subprocess.Popen(
            words, cwd=HERE, env=environ, stdout=self.log, stderr=subprocess.STDOUT
        )

    def wait(self) -> None:
        """Until it answers, its menu is published and its workers are up."""
        until = time.monotonic() + START_S
        while not self.is_ready():
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.2)

    def is_ready(self) -> bool:
        try:
            menu = requests.get(f"{self.url}/phone/api/menu", timeout=2).json().get("button")
            return bool(menu) and requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def told(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stored(self, *columns: sa.Column[object]) -> list[sa.Row[tuple[object, ...]]]:
        store = Store(self.database)
        with store.reading() as connection:
            found = list(connection.execute(sa.select(*columns)))
        store.close()
        return found

    def stop(self) -> None:
        print(self.told())  # pytest shows it beside a failure
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.log.close()


def said(phone: Page | FrameLocator):  # type: ignore[no-untyped-def]
    return phone.locator(".said.them .bubble")


def news(phone: Page | FrameLocator):  # type: ignore[no-untyped-def]
    """Everything that came from the account."""
    return phone.locator(".said.them, .card")


def tap(phone: FrameLocator, section: str, item: str) -> None:
    """Tap an item of the menu, and wait for its answer."""
    before = news(phone).count()
    phone.get_by_role("button", name=section).click()
    phone.locator(".menu-pop").get_by_role("button", name=item, exact=True).click()
    expect(news(phone)).to_have_count(before + 1)


def speak(phone: Page | FrameLocator, words: str) -> None:
    """Type words and send them, and wait for the answer."""
    before = news(phone).count()
    switch = phone.get_by_role("button", name="切换到打字")
    if switch.is_visible():
        switch.click()
    phone.get_by_label("说点什么").fill(words)
    phone.get_by_role("button", name="发送").click()
    expect(news(phone)).to_have_count(before + 1)


def sheet(shots: list[bytes], path: Path) -> None:
    """Screens side by side in one small picture."""
    seen = [Image.open(BytesIO(one)).convert("RGB") for one in shots]
    whole = Image.new("RGB", (sum(one.width + 12 for one in seen) - 12, seen[0].height), "white")
    for at, one in enumerate(seen):
        whole.paste(one, (at * (one.width + 12), 0))
    whole.quantize(48).save(path, optimize=True)


def go_to(page: Page, title: str) -> None:
    """Move the clock from push to push until the one of this title has come."""
    came = news(page.frame_locator(".demo-phone iframe"))
    expect(came).not_to_have_count(0)
    for _ in range(60):
        coming = page.locator(".next-title").inner_text()
        before = came.count()
        page.get_by_role("button", name="把时间拨到下一次推送").click()
        expect(came).not_to_have_count(before, timeout=60_000)
        if title in coming:
            page.mouse.move(0, 0)
            page.wait_for_timeout(2500)
            return


def keep(page: Page, name: str) -> None:
    """A screenshot for the documentation, when they are to be renewed."""
    if os.environ.get(PICTURES_WANTED):
        shot(page, PICTURES / f"{name}.png")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("visit"))
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)
