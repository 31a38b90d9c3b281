"""A follower and their union: bound in three ways, told, undone, forgotten, and never by guessing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from kind_cast import NOON, Pages, Union
from union_cast import path_of, settled

from commands.union import close, merge
from models import binding, union
from models.base import Store
from models.binding import bindings, union_codes
from models.holder import export
from wx.client import Api, MemoryTokens
from wx.simulator import Phone
from wx.simulator.server import PlatformServer


@pytest.fixture
def city(sqlite_store: Store, tmp_path: Path) -> Iterator[Union]:
    made = Union(sqlite_store)
    settled(sqlite_store, tmp_path)
    yield made
    made.close()


class TestAFollower:
    def test_is_bound_by_scanning_the_code_that_hangs_at_the_door(self, city: Union) -> None:
        scene = hangs(city, "018", "大门口")

        said = city.phone("王师傅").scans(scene)
        again = city.phone("李师傅").scans(scene)

        assert "您的单位是：双台子区总工会 · 辽河纺织厂工会" in said
        assert "您的单位是" in again
        assert bound(city) == [("018", "scan"), ("018", "scan")]
        assert scans(city) == 2

    def test_is_bound_by_the_code_with_which_they_follow(self, city: Union) -> None:
        phone = Phone(city.platform, "新来的")

        said = phone.follows(hangs(city, "018", "食堂"))

        assert "您好，欢迎关注" in said
        assert "辽河纺织厂工会" in said
        assert bound(city) == [("018", "scan")]

    def test_is_bound_by_the_word_of_the_union(self, city: Union) -> None:
        phone = city.phone("王师傅")

        assert "您的单位是" in phone.says("绑定 纺织厂一家人")
        assert "口令绑定" in phone.says("我的单位")
        assert bound(city) == [("018", "word")]

    def test_is_not_bound_by_a_word_that_is_nobodys(self, city: Union) -> None:
        phone = city.phone("王师傅")

        phone.says("绑定 别的什么")
        assert "口令向单位的工会要" in phone.says("绑定")

        assert bound(city) == []

    def test_is_bound_as_a_member_by_name_and_phone_or_number(self, city: Union) -> None:
        pages = Pages(city)
        for name, proof in (("王桂兰", "13800000001"), ("赵铁柱", "PJ0003")):
            browser = pages.browser()
            browser.signs_in(city.phone(name), "/h5/union")

            page = browser.sends("/h5/union", name=name, proof=proof)

            assert "您在会员名册里" in page
        assert bound(city) == [("018", "form"), ("020", "form")]

    def test_hears_the_same_whichever_part_was_wrong_and_five_times_a_day_at_most(self, city: Union) -> None:
        browser = Pages(city).browser()
        browser.signs_in(city.phone("生人"), "/h5/union")
        wrong = (
            ("王桂兰", "13899999999"), ("生人", "13800000001"), ("生人", "13899999999"), ("王桂兰", "PJ0003"), ("", ""),
        )  # fmt: skip

        pages = [browser.sends("/h5/union", name=name, proof=proof) for name, proof in wrong]
        last = browser.sends("/h5/union", name="王桂兰", proof="13800000001")

        told = {page.partition('role="alert">')[2].partition("<")[0] for page in pages}
        assert len(told) == 1
        assert "没有核对上" in told.pop()
        assert browser.status == 429
        assert "请明天再来" in last
        assert bound(city) == []

    def test_is_a_member_on_one_phone_only(self, city: Union) -> None:
        pages = Pages(city)
        for name in ("旧手机", "新手机"):
            browser = pages.browser()
            browser.signs_in(city.phone(name), "/h5/union")
            browser.sends("/h5/union", name="王桂兰", proof="13800000001")

        assert bound(city) == [("018", "form")]

    def test_undoes_it_in_the_chat_and_on_the_page(self, city: Union) -> None:
        phone, browser = city.phone("王师傅"), Pages(city).browser()
        phone.says("绑定 纺织厂一家人")
        assert "解除了" in phone.says("解除绑定")
        city.waits(timedelta(minutes=1))
        assert "您没有绑定单位" in phone.says("解除绑定")
        phone.says("绑定 纺织厂一家人")
        browser.signs_in(phone, "/h5/union")

        browser.sends("/h5/union/leave")

        assert bound(city) == []

    def test_sees_the_union_among_their_data_and_it_goes_with_them(self, city: Union) -> None:
        phone = city.phone("王师傅")
        phone.says("绑定 纺织厂一家人")
        with city.store.reading() as connection:
            assert export(connection, phone.openid)["所在的单位"][0]["单位"] == "辽河纺织厂工会"

        city.waits(timedelta(minutes=1))
        phone.unfollows()

        assert bound(city) == []

    def test_goes_with_the_union_where_it_goes(self, city: Union) -> None:
        scene = hangs(city, "020", "车间")
        city.phone("王师傅").scans(scene)
        merge(city.store, "020", "019", NOON)

        assert "红海滩旅游公司工会" in city.phone("李师傅").scans(scene)
        assert bound(city) == [("019", "scan"), ("019", "scan")]
        close(city.store, "019", NOON)
        assert "已经不用了" in city.phone("赵师傅").scans(scene)
        assert [code for code, _ in bound(city)] == ["2112", "2112"]
        assert path_of(city.store, "2112") == "2112/"


def test_wechat_is_asked_for_a_code_that_does_not_end(city: Union) -> None:
    server = PlatformServer(city.platform)
    server.start()
    try:
        account = city.account.model_copy(update={"api_base": server.url})
        url = Api(account, MemoryTokens()).create_code("union:12")
    finally:
        server.stop()

    assert url.startswith("http://weixin.qq.com/q/")


# --- what the tests look at --------------------------------------------------------------------------------------


def hangs(city: Union, code: str, place: str) -> str:
    """A code of this union hangs there; its scene."""
    with city.store.writing() as connection:
        one = union.coded(connection, code)
        assert one
        number, _ = binding.make_code(connection, one.id, place, NOON)
    return binding.scene(number)


def bound(city: Union) -> list[tuple[str, str]]:
    query = sa.select(union.unions.c.code, bindings.c.how).where(bindings.c.union_id == union.unions.c.id)
    with city.store.reading() as connection:
        return sorted((row.code, row.how) for row in connection.execute(query))


def scans(city: Union) -> int:
    with city.store.reading() as connection:
        return int(connection.execute(sa.select(sa.func.sum(union_codes.c.scans))).scalar_one())
