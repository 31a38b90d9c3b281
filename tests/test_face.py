"""The public face: somebody who has no account and perhaps no JavaScript asks, reads an entry, prints it, and is led on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient
from guides_cast import WHOLE
from kind_cast import Pages, Union
from phone_cast import SITE, parts

from ground.address import Footer, Site, lacking
from menus.directory import Directory
from models.base import Store
from models.interaction import interactions
from web import Demo, create_app

FOOT = Footer(
    organiser="河湾县总工会",
    contact="河湾大街1号",
    icp="辽ICP备00000001号",
    police="辽公网安备21110000000001号",
)


def test_the_first_page_has_every_section_and_leads_to_every_entry(visitor: FlaskClient) -> None:
    page = visitor.get("/").text

    assert all(section in page for section in ("服务大厅", "创新创业", "职工之家"))
    assert set(re.findall(r"/guide/([a-z0-9-]+)", page)) >= {guide.id for guide in WHOLE.guides}
    assert 'href="tel:12351"' in page
    assert "下一次推送" not in page


def test_a_long_item_is_read_under_headings_none_of_them_long(visitor: FlaskClient) -> None:
    page = visitor.get("/").text
    law = page[page.index('id="LAW"') : page.index('id="JOBS"')]

    assert all(f"<h3>{heading}</h3>" in law for heading in ("工资", "工伤", "休假", "退休和养老金"))
    assert all(each.count("<li>") <= 12 for each in page.split("<ul>"))


@pytest.mark.parametrize(
    ("words", "guide"),
    [("产假几天", "maternity-leave"), ("尘肺", "dust-lung"), ("不给钱", "wages"), ("gong shang", "injury"),
     ("我想退会", "quit")],
)  # fmt: skip
def test_who_asks_in_their_own_words_finds_the_entry(visitor: FlaskClient, words: str, guide: str) -> None:
    page = visitor.get("/", query_string={"q": words}).text

    found = re.findall(r'<article class="card"><h2><a href="/guide/([a-z0-9-]+)"', page)
    assert found[:1] == [guide]


def test_who_asks_what_nobody_knows_is_told_so_and_given_a_number(visitor: FlaskClient) -> None:
    page = visitor.get("/", query_string={"q": "量子纠缠怎么算"}).text

    assert "没有找到" in page
    assert "<article" not in page


def test_words_of_danger_come_before_anything_else_and_are_kept_nowhere(
    visitor: FlaskClient, sqlite_store: Store
) -> None:
    page = visitor.get("/", query_string={"q": "我不想活了"}).text

    assert page.index('href="tel:12356"') < page.index('href="tel:12351"')
    with sqlite_store.reading() as connection:
        assert connection.execute(interactions.select()).all() == []


def test_hostile_words_in_the_question_stay_words(visitor: FlaskClient) -> None:
    page = visitor.get("/", query_string={"q": '"><script>alert(1)</script>'}).text

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_an_entry_has_a_page_with_its_steps_numbers_law_and_what_is_asked_next(visitor: FlaskClient) -> None:
    answer = visitor.get("/guide/dues")

    assert answer.status_code == 200
    for words in ("会费交多少、怎么交", "0.5%", "怎么办", "《中国工会章程》第六条", "更新于"):
        assert words in answer.text
    assert 'href="tel:12351"' in answer.text
    assert 'href="/guide/join"' in answer.text
    assert f'<link rel="canonical" href="{SITE}/guide/dues">' in answer.text
    assert '<div class="printed"><svg' in answer.text


def test_every_entry_can_be_opened(visitor: FlaskClient) -> None:
    for guide in WHOLE.guides:
        answer = visitor.get(f"/guide/{guide.id}")
        assert answer.status_code == 200, guide.id
        assert guide.title in answer.text


def test_an_entry_that_is_not_there_is_said_in_words(visitor: FlaskClient) -> None:
    answer = visitor.get("/guide/nowhere")

    assert answer.status_code == 404
    assert "没有找到这个页面" in answer.text


def test_what_is_not_filled_in_is_marked_before_going_live_and_left_out_after(sqlite_store: Store) -> None:
    draft, live = (there(sqlite_store, blank(), live=live).get("/guide/join").text for live in (False, True))

    assert "到<mark>〔待填：地址〕</mark>办理" in draft
    assert "〔待填" not in live
    assert "怎样加入工会" in live


def test_an_entry_past_its_day_says_ask_first(sqlite_store: Store) -> None:
    old = there(sqlite_store, blank(valid_until=date(2027, 2, 17)))

    assert "已过核对日期，办理前请先拨" in old.get("/guide/join").text


def test_the_foot_names_the_organiser_and_the_numbers_of_the_registry(sqlite_store: Store) -> None:
    site = Site(base_url=SITE, follow_url="http://weixin.qq.com/r/x", footer=FOOT)
    page = create_app(replace(parts(sqlite_store), site=site)).test_client().get("/").text

    for words in (FOOT.organiser, FOOT.contact, FOOT.icp, FOOT.police, "/guide/privacy"):
        assert words in page
    assert 'role="img" aria-label="关注“盘锦市总工会”的二维码"><svg' in page


def test_a_public_site_without_its_registry_number_is_told_to_staff() -> None:
    assert lacking(Site()) == []
    assert lacking(Site(base_url=SITE, footer=FOOT)) == []
    assert "icp" in lacking(Site(base_url=SITE))[0]


def test_what_is_on_now_leads_to_its_page(sqlite_store: Store) -> None:
    union = Union(sqlite_store)
    browser = Pages(union).browser()

    assert 'href="/h5/c/spring-wish"' in browser.opens("/")
    assert '<a href="/h5/c/spring-wish">' in browser.opens("/?q=春节发福利")
    union.close()


def test_the_demonstration_shows_its_own_page_until_something_is_asked(sqlite_store: Store) -> None:
    demo = Demo("http://127.0.0.1:9", lambda: datetime(2027, 1, 1, tzinfo=UTC))
    visitor = create_app(parts(sqlite_store, demo=demo)).test_client()

    assert "下一次推送" in visitor.get("/").text
    assert "想办什么事" in visitor.get("/?q=").text
    assert "〔待填" not in visitor.get("/?q=").text


# --- the cast ----------------------------------------------------------------------------------------------------


def blank(**more: object) -> Directory:
    """The directory with one entry that lacks an address."""
    join = WHOLE.by_id["join"].model_copy(update={"how": ("到〔待填：地址〕办理",), **more})
    return replace(WHOLE, guides=(join,), by_id={"join": join})


def there(store: Store, directory: Directory, *, live: bool = False) -> FlaskClient:
    given = parts(store)
    house = replace(given.house, live=live, guides=lambda: directory)
    return create_app(replace(given, house=house)).test_client()


@pytest.fixture
def visitor(sqlite_store: Store) -> FlaskClient:
    return create_app(parts(sqlite_store)).test_client()
