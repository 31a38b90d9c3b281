"""The workers' pages as a browser without JavaScript meets them: signing in, taking part, a repeat, and one's own data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from kind_cast import Browser, Pages, Union

from models import alarm, session
from models.base import Store
from models.interaction import interactions
from models.wish import wishes
from wx.simulator import Phone

WISH = "/h5/c/spring-wish"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    made = Union(sqlite_store)
    yield made
    made.close()


@pytest.fixture
def pages(union: Union) -> Pages:
    return Pages(union)


def wished(union: Union) -> list[str]:
    with union.store.reading() as connection:
        return list(connection.execute(sa.select(wishes.c.words).order_by(wishes.c.id)).scalars())


class TestACampaignsPage:
    def test_is_read_without_signing_in(self, pages: Pages) -> None:
        somebody = pages.browser()

        assert "春节发福利" in somebody.opens("/h5/")
        page = somebody.opens(WISH)
        assert "1月31日 24:00 截止" in page
        assert "登录后参加" in page
        assert somebody.opens("/h5/c/nothing")
        assert somebody.status == 404

    def test_takes_a_wish_from_button_to_number(self, union: Union, pages: Pages) -> None:
        wang = pages.browser()
        wang.signs_in(union.phone("王师傅"), WISH)

        assert "写下我的心愿" in wang.text
        assert "<textarea" in wang.opens(f"{WISH}?what=make")
        page = wang.sends(WISH, words="一张电影票")

        assert "您的心愿是" in page
        assert wished(union) == ["一张电影票"]
        assert "一张电影票" in wang.opens("/h5/me")

    def test_keeps_what_was_typed_and_says_what_is_wrong(self, union: Union, pages: Pages) -> None:
        wang = pages.browser()
        wang.signs_in(union.phone("王师傅"), WISH)
        wang.opens(f"{WISH}?what=make")
        page = wang.sends(WISH, words="票" * 201)

        assert "票" * 201 in page
        assert "现在是 201 个字" in page
        assert wished(union) == []

    def test_shows_wishes_like_it_before_it_is_sent(self, union: Union, pages: Pages) -> None:
        wang, li = pages.browser(), pages.browser()
        wang.signs_in(union.phone("王师傅"))
        wang.opens(f"{WISH}?what=make")
        wang.sends(WISH, words="想要一张电影票")
        li.signs_in(union.phone("李大姐"))
        li.opens(f"{WISH}?what=make")
        page = li.sends(WISH, words="我也想要电影票一张")
        near = re.search(r'name="same" value="(n\d+)"', page)

        assert near
        assert "2 个人" in li.sends(WISH, words="我也想要电影票一张", same=near[1])
        assert wished(union) == ["想要一张电影票"]

    def test_gives_a_repeat_the_first_result(self, union: Union, pages: Pages) -> None:
        wang = pages.browser()
        wang.signs_in(union.phone("王师傅"))
        form = wang.opens(f"{WISH}?what=make")
        first = wang.sends(WISH, words="电影票")
        wang.text = form  # back
        again = wang.sends(WISH, words="电影票")

        assert "您的心愿是" in first
        assert "您的心愿是" in again
        assert wished(union) == ["电影票"]

    def test_refuses_a_form_from_elsewhere(self, union: Union, pages: Pages) -> None:
        wang = pages.browser()
        wang.signs_in(union.phone("王师傅"))
        wang.opens(f"{WISH}?what=make")
        wang.sends(WISH, words="电影票", csrf="0" * 32)

        assert wang.status == 403
        assert wished(union) == []

    def test_goes_on_with_what_was_begun_by_chat(self, union: Union, pages: Pages) -> None:
        phone, wang = union.phone("王师傅"), pages.browser()
        phone.taps("WISH")
        phone.says("1")
        phone.says("1")
        phone.says("一张电影票")
        wang.signs_in(phone)

        assert "一张电影票</textarea>" in wang.opens(WISH).replace("\r\n", "")


class TestSigningIn:
    def test_by_wechat_works_once_and_in_the_browser_that_asked(self, union: Union, pages: Pages) -> None:
        phone, wang, thief = union.phone("王师傅"), pages.browser(), pages.browser()
        asked = wang.goes_to_wechat("/h5/sign-in/wechat?to=/h5/me")
        back = union.platform.sign_in.redirect(asked, phone.openid).partition("http://localhost")[2]

        thief.opens(back)
        assert thief.status == 403
        assert "我的" in wang.opens(back)
        wang.opens(back)
        assert wang.status == 403
        assert "我的资料" in wang.opens("/h5/me")

    def test_a_state_that_was_not_given_out_signs_nobody_in(self, pages: Pages) -> None:
        wang = pages.browser()
        wang.goes_to_wechat("/h5/sign-in/wechat")
        wang.opens("/h5/sign-in/return?code=abc&state=forged")

        assert wang.status == 403

    def test_by_a_typed_code_keeps_neither_code_nor_answer(self, union: Union, pages: Pages) -> None:
        phone, wang = union.phone("王师傅"), pages.browser()
        page = wang.opens("/h5/sign-in/code?to=/h5/me")
        code = re.search(r'class="code">(\d{6})<', page)
        assert code

        assert "登录好了" in phone.says(code[1])
        assert "我的资料" in wang.opens("/h5/sign-in/code")
        with union.store.reading() as connection:
            last = connection.execute(sa.select(interactions).order_by(interactions.c.id.desc())).first()
        assert last is not None
        assert (last.content, last.raw, last.reply) == ("[匿名]", "[匿名]", "[匿名]")

    def test_somebody_who_does_not_follow_is_asked_to(self, union: Union, pages: Pages) -> None:
        stranger, wang = Phone(union.platform, "过路人"), pages.browser()

        assert "关注我们的公众号" in wang.signs_in(stranger)
        assert "登录只为了" in wang.opens("/h5/me")

    def test_a_snapshot_page_is_told(self, union: Union, pages: Pages) -> None:
        wang = pages.browser()
        asked = wang.goes_to_wechat("/h5/sign-in/wechat")
        exchange = union.platform.sign_in.exchange
        union.platform.sign_in.exchange = lambda given: exchange(given) | {"is_snapshotuser": 1}  # type: ignore[method-assign]
        back = union.platform.sign_in.redirect(asked, union.phone("王师傅").openid)

        assert "快照页" in wang.opens(back.partition("http://localhost")[2])

    @pytest.mark.parametrize(
        "to", ["https://evil.example", "//evil.example", "/h5//evil.example", "/console/"]
    )
    def test_leads_on_to_pages_of_ours_only(self, union: Union, pages: Pages, to: str) -> None:
        wang = pages.browser()

        assert "正在进行的活动" in wang.signs_in(union.phone("王师傅"), to)


class TestMyData:
    @pytest.fixture
    def wang(self, union: Union, pages: Pages) -> Browser:
        browser = pages.browser()
        browser.signs_in(union.phone("王师傅"))
        browser.opens(f"{WISH}?what=make")
        browser.sends(WISH, words="电影票")
        return browser

    def test_can_be_taken_away(self, wang: Browser) -> None:
        told = json.loads(wang.opens("/h5/me/data"))

        assert told["心愿"][0]["words"] == "电影票"
        assert told["网页登录"]

    def test_is_erased_when_asked_for_and_the_browser_is_signed_out(
        self, union: Union, wang: Browser
    ) -> None:
        wang.opens("/h5/me/erase")
        assert "已经删除" in wang.sends("/h5/me/erase")
        assert "登录只为了" in wang.opens("/h5/me")

        assert wished(union) == [""]

    def test_goes_with_an_unfollow(self, union: Union, wang: Browser) -> None:
        union.phone("王师傅").unfollows()

        assert wished(union) == [""]
        with union.store.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(session.sessions)).scalar() == 0


class TestWordsOfDanger:
    def test_on_a_page_get_the_numbers_first_and_an_alarm_and_are_taken_when_sent_again(
        self, union: Union, pages: Pages
    ) -> None:
        wang = pages.browser()
        wang.signs_in(union.phone("王师傅"), WISH)
        wang.opens(f"{WISH}?what=make")
        page = wang.sends(WISH, words="我不想活了")

        assert "12356" in page
        assert "我不想活了</textarea>" in page.replace("\r\n", "")
        assert wished(union) == []
        with union.store.reading() as connection:
            (sounded,) = alarm.standing(connection)
        assert "春节发福利" in sounded.words
        assert "不想活" not in sounded.words
        assert "您的心愿是" in wang.sends(WISH, words="我不想活了")
