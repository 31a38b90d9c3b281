"""菜单 at the desk: looked at, written, compared, published, taken back, and switched when its time has come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from desk_cast import Colleague, Pages, Union, deeds
from kind_cast import NOON

from jobs.menu import Switch
from models.alarm import standing
from models.base import Store
from models.menu import menu_drafts
from wx.client import Api, MemoryTokens
from wx.simulator.server import PlatformServer

SPRING = timedelta(hours=12)  # to midnight


@pytest.fixture
def city(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def api(city: Union) -> Iterator[Api]:
    server = PlatformServer(city.platform)
    server.start()
    yield Api(city.account.model_copy(update={"api_base": server.url}), MemoryTokens())
    server.stop()


@pytest.fixture
def wang(city: Union, api: Api) -> Colleague:
    return Colleague(Pages(city, menu=api)).is_let_in("lead")


def shown(city: Union) -> list[str]:
    """The first row on every phone."""
    menu = city.platform.world.menu
    return [button["name"] for button in menu["button"]] if menu else []


def writes(wang: Colleague, title: str, **fields: str) -> str:
    """A menu of the desk's own, a copy of the file's with these fields changed; its address."""
    wang.opens("/console/menu")
    wang.sends("/console/menu/new", title=title)
    path = wang.path
    wang.sends(f"{path}/save", **{**form(wang.text), "title": title, **fields})
    return path


def form(page: str) -> dict[str, str]:
    """What the form holds as it stands."""
    body = page.partition("/save")[2].partition("</form>")[0]
    found = {
        name: unescape(value)
        for name, value in re.findall(r'<input [^>]*name="([^"]+)"[^>]*value="([^"]*)"', body)
    }
    for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else re.findall(r'value="([^"]*)"', options)[0]
    return found


def test_the_live_menu_stands_beside_the_files_and_is_published_and_taken_back(
    city: Union, wang: Colleague
) -> None:
    city.platform.world.menu = {"button": [{"name": "旧的", "type": "click", "key": "JOIN"}]}
    page = wang.opens("/console/menu")
    assert "旧的" in page
    assert "去掉　旧的" in page

    assert "确定吗" in wang.sends("/console/menu/publish")
    assert "发布好了" in wang.is_sure()
    assert shown(city) == ["服务大厅", "创新创业", "职工之家"]
    assert "和线上的一样" in wang.opens("/console/menu")
    wang.sends("/console/menu/rollback")
    wang.is_sure()

    assert shown(city) == ["旧的"]
    assert ("wang", "roll back menu", "menu/last") in deeds(city.store)


def test_a_menu_for_the_festival_comes_at_midnight_and_the_other_back_after_it(
    city: Union, wang: Colleague, api: Api
) -> None:
    spring = writes(wang, "春节菜单", **{"name-0": "新春", "name-0-0": "拜年啦"})
    usual = writes(wang, "平时的菜单")
    for path, after in ((spring, SPRING), (usual, SPRING + timedelta(days=7))):
        wang.opens(path)
        at = (NOON + after + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")
        assert "自动换成菜单" in wang.sends(f"{path}/plan", at=at)
        wang.is_sure()
    switch = Switch(city.store, api, city.clock.now)

    assert switch.step() == ""
    city.waits(SPRING)
    assert Switch(city.store, api, city.clock.now).step() == "春节菜单"
    assert shown(city)[0] == "新春"
    city.waits(timedelta(days=7))
    assert Switch(city.store, api, city.clock.now).step() == "平时的菜单"

    assert shown(city)[0] == "服务大厅"
    assert states(city) == ["done", "done"]


def test_one_that_wechat_refuses_at_its_time_is_an_alarm_and_is_tried_again(
    city: Union, wang: Colleague, api: Api
) -> None:
    path = writes(wang, "春节菜单", **{"name-0": "新春"})
    wang.opens(path)
    wang.sends(f"{path}/plan", at=(NOON + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M"))
    wang.is_sure()
    city.waits(timedelta(hours=2))
    switch = Switch(city.store, api, city.clock.now)
    city.platform.faults.add("menu/create", errcode=45009, times=1)

    assert switch.step() == ""
    with city.store.reading() as connection:
        assert any("春节菜单" in one.words for one in standing(connection))
    assert switch.step() == "春节菜单"

    with city.store.reading() as connection:
        assert not any("春节菜单" in one.words for one in standing(connection))


def test_one_called_off_does_not_come(city: Union, wang: Colleague, api: Api) -> None:
    path = writes(wang, "春节菜单", **{"name-0": "新春"})
    wang.opens(path)
    wang.sends(f"{path}/plan", at=(NOON + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M"))
    wang.is_sure()
    wang.opens(path)
    wang.sends(f"{path}/cancel")
    city.waits(timedelta(hours=2))

    assert Switch(city.store, api, city.clock.now).step() == ""
    assert shown(city)[0] == "服务大厅"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name-0": "一个太长的栏目名"}, "字节"),
        ({"what-0-0": "page", "url-0-0": "不是网址"}, "网址"),
        ({"what-0-0": "NOBODY"}, "没有程序回答"),
    ],
)
def test_what_wechat_would_refuse_is_said_and_is_not_published(
    city: Union, wang: Colleague, fields: dict[str, str], words: str
) -> None:
    path = writes(wang, "错的", **fields)
    assert words in wang.opens(path)
    before = shown(city)

    wang.sends(f"{path}/publish")
    assert words in wang.is_sure()
    wang.sends(f"{path}/plan", at="2020-01-01T00:00")
    wang.is_sure()

    assert shown(city) == before
    assert states(city) == ["draft"]


def test_two_colleagues_write_the_same_and_the_second_is_told(city: Union, wang: Colleague) -> None:
    path = writes(wang, "春节菜单")
    li = Colleague(wang.pages, "li").is_let_in("guide")
    li.opens(path)
    mine, theirs = form(li.text), form(wang.opens(path))
    wang.sends(f"{path}/save", **{**theirs, "name-0": "新春"})

    page = li.sends(f"{path}/save", **{**mine, "name-0": "过年"})

    assert "刚才有别的同志改过" in page
    assert 'value="新春"' in page


def test_without_wechat_the_page_says_so(city: Union, wang: Colleague) -> None:
    city.platform.faults.add("menu/get", errcode=-1, times=None)

    assert "现在问不到微信" in wang.opens("/console/menu")


def states(city: Union) -> list[str]:
    with city.store.reading() as connection:
        return list(connection.execute(sa.select(menu_drafts.c.state).order_by(menu_drafts.c.id)).scalars())
