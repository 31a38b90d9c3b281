"""The simulated phone, visited with a real browser: what a worker sees, does, and what is stored of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from phone_cast import START, Visit, launched, opened
from playwright.sync_api import Browser, Page, expect

from models.base import Store
from models.follower import followers
from models.interaction import interactions


def test_a_worker_follows_and_is_greeted(visit: Visit, phone: Page) -> None:
    phone.get_by_role("button", name="关注公众号", exact=True).click()

    expect(said(phone).last).to_contain_text("欢迎关注")
    assert stored(visit.store, "event") == ["subscribe"]
    with visit.store.reading() as connection:
        assert connection.execute(sa.select(followers.c.subscribed)).scalar_one()


def test_a_worker_who_scanned_a_poster_sees_what_it_is_about(visit: Visit, phone: Page) -> None:
    phone.get_by_role("button", name="扫海报上的二维码关注").click()
    phone.get_by_role("button", name="“怎样加入工会”海报").click()

    expect(said(phone).last).to_contain_text("怎样加入工会")
    assert stored(visit.store, "event_key") == ["qrscene_guide:join"]


def test_the_menu_opens_and_each_section_answers(visit: Visit, chat: Page) -> None:
    for section, item, key in (
        ("服务大厅", "维权与法律", "LAW"),
        ("创新创业", "创业扶持", "STARTUP"),
        ("职工之家", "文体与关爱", "LIFE"),
    ):
        before = said(chat).count()
        chat.get_by_role("button", name=section).click()
        chat.get_by_role("button", name=item).click()

        expect(said(chat)).to_have_count(before + 1)
        assert stored(visit.store, "event_key")[-1] == key


def test_words_and_emoji_are_answered_and_stored_as_they_were_typed(visit: Visit, chat: Page) -> None:
    chat.get_by_role("button", name="切换到打字").click()
    box = chat.get_by_label("说点什么")
    box.fill("工伤")
    box.press("Enter")
    expect(said(chat).last).to_contain_text("工伤")

    chat.get_by_role("button", name="表情").click()
    chat.locator("#panel-emoji button").first.click()
    box.press("Shift+Enter")
    box.press_sequentially("第二行")
    chat.get_by_role("button", name="发送").click()
    expect(mine(chat).last).to_have_text(re.compile("😊\n第二行"))

    wait(lambda: stored(visit.store, "content")[-1:] == ["😊\n第二行"])
    assert "工伤" in stored(visit.store, "content")


def test_hostile_words_stay_words(visit: Visit, chat: Page) -> None:
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    worker = visit.phone("王秀英")
    visit.platform.world.show(
        worker.follower,
        "account",
        "text",
        text=f'{attack}<a href="javascript:alert(3)">坏</a><a href="https://union.example/x" onclick=alert(4)>好</a>',
    )
    visit.platform.world.show(
        worker.follower, "account", "news", articles=({"title": attack, "url": "javascript:alert(5)"},)
    )
    worker.says(attack)

    expect(mine(chat).last).to_have_text(attack)
    expect(
        chat.locator("#log img[src='x'], #log script, #log [onclick], #log a[href^='javascript']")
    ).to_have_count(0)
    expect(chat.get_by_role("link", name="好")).to_have_attribute("href", "https://union.example/x")
    expect(chat.locator(".article-title").last).to_have_text(attack)


def test_a_push_arrives_by_itself_and_opens(visit: Visit, chat: Page) -> None:
    world = visit.platform.world
    world.articles["lantern"] = {"title": "元宵灯谜开猜了", "content": "<p>十条灯谜</p>"}
    card = {
        "title": "元宵灯谜开猜了",
        "description": "答对有小礼品",
        "picurl": "",
        "url": f"{visit.far.url}/s/lantern",
    }
    world.show(visit.phone("王秀英").follower, "account", "news", articles=(card,))

    expect(chat.get_by_text("答对有小礼品")).to_be_visible()
    chat.get_by_role("link", name="元宵灯谜开猜了").click()
    expect(chat.frame_locator("#web-frame iframe").get_by_text("十条灯谜")).to_be_visible()

    chat.get_by_role("button", name="关闭网页").click()
    expect(chat.get_by_text("答对有小礼品")).to_be_visible()


def test_a_day_later_the_time_says_which_day_it_was(visit: Visit, chat: Page) -> None:
    expect(chat.locator(".when")).to_have_text("09:00")

    visit.watch.moves_to(START + timedelta(days=1))
    expect(chat.locator(".when")).to_have_text("昨天 09:00")

    visit.watch.moves_to(START + timedelta(days=30))
    expect(chat.locator(".when")).to_have_text("2月18日 09:00")


def test_a_notice_shows_its_rows_and_a_list_can_be_tapped(visit: Visit, chat: Page) -> None:
    world, worker = visit.platform.world, visit.phone("王秀英")
    world.show(
        worker.follower, "account", "template", text="活动开始通知\n活动：元宵灯谜\n时间：10:00", url=""
    )
    world.show(worker.follower, "account", "menu", text="您满意吗？", items=({"id": "1", "content": "谢谢"},))

    expect(chat.locator(".template dt")).to_have_text(["活动", "时间"])
    chat.get_by_role("button", name="谢谢").click()
    expect(mine(chat).last).to_have_text("谢谢")
    wait(lambda: stored(visit.store, "content")[-1] == "谢谢")


def test_news_on_another_phone_is_counted(visit: Visit, chat: Page) -> None:
    other = visit.phone("李建国")
    other.follows()
    expect(chat.locator("#unread-all")).to_have_text("1")

    chat.get_by_role("button", name=re.compile("返回职工名单")).click()
    chat.get_by_role("button", name=re.compile("李建国")).click()

    expect(said(chat).last).to_contain_text("欢迎关注")
    expect(chat.locator("#unread-all")).to_be_hidden()


def test_a_new_worker_gets_a_phone_of_her_own(visit: Visit, chat: Page) -> None:
    chat.get_by_role("button", name=re.compile("返回职工名单")).click()
    chat.get_by_label("新职工的名字").fill("赵<b>敏</b>🦀")
    chat.get_by_role("button", name="添加").click()

    expect(chat.get_by_role("button", name="关注公众号", exact=True)).to_be_visible()
    assert "赵<b>敏</b>🦀" in [one.name for one in visit.platform.world.followers.values()]


@pytest.mark.parametrize(
    ("button", "steps", "kind"),
    [
        ("图片", ["芦苇荡"], "image"),
        ("位置", ["盘锦市大洼区"], "location"),
        ("扫一扫", ["服务大厅的 12351 桌牌"], "event"),
    ],
)
def test_the_plus_panel_sends(visit: Visit, chat: Page, button: str, steps: list[str], kind: str) -> None:
    chat.get_by_role("button", name="切换到打字").click()
    chat.get_by_role("button", name=re.compile("更多")).click()
    chat.locator("#panel-plus").get_by_role("button", name=button).click()
    for step in steps:
        chat.get_by_role("button", name=step).click()

    wait(lambda: stored(visit.store, "msg_type")[-1] == kind)
    expect(said(chat)).to_have_count(2)


def test_what_a_worker_speaks_is_heard(visit: Visit, chat: Page) -> None:
    chat.get_by_role("button", name="切换到打字").click()
    chat.get_by_role("button", name=re.compile("更多")).click()
    chat.locator("#panel-plus").get_by_role("button", name="语音").click()
    chat.get_by_label(re.compile("说了什么")).fill("高温津贴")
    chat.get_by_role("button", name="发送语音").click()

    expect(chat.locator(".heard")).to_have_text("高温津贴")
    expect(said(chat).last).to_contain_text("高温")


def test_a_picture_of_ones_own_is_sent(visit: Visit, chat: Page) -> None:
    chat.get_by_role("button", name="切换到打字").click()
    chat.get_by_role("button", name=re.compile("更多")).click()
    chat.locator("#panel-plus").get_by_role("button", name="图片").click()
    chat.locator("#sheet input[type=file]").set_input_files("web/static/pictures/crab.png")

    expect(chat.locator(".me .picture img")).to_be_visible()
    assert (
        chat.locator(".me .picture img").evaluate("one => one.decode().then(() => one.naturalWidth)") == 480
    )


def test_leaving_is_asked_twice_and_undone_by_following_again(visit: Visit, chat: Page) -> None:
    chat.get_by_role("button", name="公众号资料").click()
    chat.get_by_role("button", name="不再关注").click()
    chat.get_by_role("button", name="再想想").click()
    assert stored(visit.store, "event") == ["subscribe"]

    chat.get_by_role("button", name="不再关注").click()
    chat.locator("#sheet").get_by_role("button", name="不再关注").click()
    expect(chat.get_by_role("button", name="关注公众号", exact=True)).to_be_visible()
    wait(lambda: stored(visit.store, "event") == ["subscribe", "unsubscribe"])

    chat.get_by_role("button", name="关注公众号", exact=True).click()
    expect(said(chat).last).to_contain_text("欢迎回来")


def test_the_whole_talk_works_from_the_keyboard(visit: Visit, phone: Page) -> None:
    phone.get_by_role("button", name="关注公众号", exact=True).focus()
    phone.keyboard.press("Enter")
    expect(said(phone)).to_have_count(1)

    phone.get_by_role("button", name="服务大厅").focus()
    phone.keyboard.press("Enter")
    phone.keyboard.press("ArrowDown")
    expect(phone.get_by_role("button", name="入会转会")).to_be_focused()
    phone.keyboard.press("ArrowDown")
    phone.keyboard.press("Enter")
    expect(said(phone)).to_have_count(2)
    assert stored(visit.store, "event_key")[-1] == "AID"

    phone.get_by_role("button", name="服务大厅").press("Enter")
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("button", name="入会转会")).to_be_hidden()


def test_a_server_that_is_gone_is_said_and_found_again(visit: Visit, chat: Page) -> None:
    visit.stop()
    expect(chat.locator("#offline")).to_be_visible()

    visit.start()
    expect(chat.locator("#offline")).to_be_hidden()
    visit.phone("王秀英").says("谢谢")
    expect(mine(chat).last).to_have_text("谢谢")


@pytest.mark.parametrize("width", [360, 390, 414, 1280])
def test_nothing_is_cut_off_or_too_small_to_tap(visit: Visit, browser: Browser, width: int) -> None:
    worker = visit.phone("王秀英")
    worker.follows()
    worker.says("长" * 600 + "https://union.example/" + "x" * 300)

    with opened(browser, f"{visit.url}/phone?openid={worker.openid}", width) as page:
        expect(mine(page)).to_have_count(1)
        wider = page.evaluate(
            "[...document.querySelectorAll('#screen *')].filter(e => e.getBoundingClientRect().right >"
            " document.getElementById('screen').getBoundingClientRect().right + 1).map(e => e.className)"
        )
        small = page.evaluate(
            "[...document.querySelectorAll('button')].filter(e => e.offsetParent && (e.offsetHeight < 40 || e.offsetWidth < 40))"
            ".map(e => e.id || e.textContent)"
        )
        assert (wider, small) == ([], [])
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.bubble')).fontSize)") >= 17


# --- the cast ----------------------------------------------------------------------------------------------------


def said(page: Page):  # type: ignore[no-untyped-def]
    """What the account said in bubbles."""
    return page.locator(".said.them .bubble")


def mine(page: Page):  # type: ignore[no-untyped-def]
    """What the worker said in bubbles."""
    return page.locator(".said.me .bubble")


def stored(store: Store, column: str) -> list[str]:
    """One column of what was stored, in its order, empty ones left out."""
    with store.reading() as connection:
        found = connection.execute(sa.select(interactions.c[column]).order_by(interactions.c.id))
        return [value for (value,) in found if value]


def wait(holds: Callable[[], bool]) -> None:
    """Until it holds; what is stored comes a moment after what is seen."""
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    yield from launched(program)


@pytest.fixture
def visit(sqlite_store: Store) -> Iterator[Visit]:
    visited = Visit(sqlite_store)
    yield visited
    visited.close()


@pytest.fixture
def phone(visit: Visit, browser: Browser) -> Iterator[Page]:
    """The phone of a worker who does not follow yet."""
    worker = visit.phone("王秀英")
    with opened(browser, f"{visit.url}/phone?openid={worker.openid}") as page:
        yield page


@pytest.fixture
def chat(visit: Visit, browser: Browser) -> Iterator[Page]:
    """The phone of a worker who follows."""
    worker = visit.phone("王秀英")
    worker.follows()
    with opened(browser, f"{visit.url}/phone?openid={worker.openid}") as page:
        expect(said(page)).to_have_count(1)
        expect(page.get_by_role("button", name="服务大厅")).to_be_visible()
        yield page
