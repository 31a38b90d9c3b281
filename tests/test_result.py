"""The public result at an address that stays, its files and digests, and the card that WeChat shows when a page is passed on."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from kind_cast import LIVE, POLL, RIDDLE, WISH, Pages, Union, campaign

from commands.campaign import campaign_extend
from models import edition
from models.base import Store
from models.delivery import deliveries
from wx.client import Api, MemoryTokens
from wx.jssdk import signature
from wx.simulator.server import PlatformServer


def number_of(union: Union, name: str) -> int:
    with union.store.reading() as connection:
        found = edition.latest(connection, name)
    assert found is not None
    return found.id


@pytest.fixture
def union(store: Store) -> Iterator[Union]:
    made = Union(store)
    yield made
    made.close()


def test_the_result_stays_at_its_address_with_rules_figures_files_corrections_and_whom_to_ask(
    union: Union,
) -> None:
    wang = union.phone("王师傅")
    union.opens_wishes(wang)
    for said in ("1", "1", "=一张电影票", "提交"):
        wang.says(said)
    union.staff_does("correct", "第 3 个数字写错了，应为 12")
    until = union.clock.now() + timedelta(days=30)
    campaign_extend(union.store, WISH["id"], until, union.clock.now())
    union.waits(timedelta(days=31))
    union.tends()
    reader, number = Pages(union).browser(), number_of(union, WISH["id"])
    assert f"/h5/result/{number}" in reader.opens("/h5/c/spring-wish")
    page = reader.opens(f"/h5/result/{number}")

    for words in ("已经结束", "1 人参加", "一张电影票", "应为 12", "截止时间从", "12351"):
        assert words in page
    assert wang.openid not in page
    digests = dict(re.findall(r'/h5/file/\d+/([\w.]+)">.*?<code>(\w{64})</code>', page, re.DOTALL))
    files = {name: reader.client.get(f"/h5/file/{number}/{name}").data for name in digests}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == digests
    assert json.loads(files["rules.json"])["per_person"] == 2
    rows = list(csv.reader(io.StringIO(files["result.csv"].decode("utf-8-sig"))))
    assert rows[2][1] == "'=一张电影票"  # no spreadsheet runs it
    reader.opens(f"/h5/file/{number}/other")
    assert reader.status == 404


@pytest.mark.parametrize("keys", [RIDDLE, POLL], ids=["riddle", "poll"])
def test_every_kind_has_one_that_names_nobody(sqlite_store: Store, keys: dict[str, object]) -> None:
    union = Union(sqlite_store, [campaign(dict(keys))])
    union.tends()
    phone = union.phone("王师傅")
    page = Pages(union).browser().opens(f"/h5/result/{number_of(union, str(keys['id']))}")
    union.close()

    assert "还在进行" in page
    assert phone.openid not in page
    assert "rules.json" in page


def test_what_came_of_one_thing_is_told_to_whoever_asks_by_its_number(union: Union) -> None:
    wang, li = union.phone("王师傅"), union.phone("李大姐")
    union.opens_wishes(wang)
    for said in ("1", "1", "一张电影票"):
        wang.says(said)
    number = re.search(r"(\d+) 查看", wang.says("提交"))
    assert number

    assert "一张电影票" in wang.says(f"{number[1]} 查看")
    assert "一张电影票" in wang.says(f"查看{number[1]}")
    assert "一张电影票" not in li.says(f"{number[1]} 查看")


def test_everybody_who_took_part_is_thanked_once_when_it_is_over(union: Union) -> None:
    wang = union.phone("王师傅")
    union.phone("李大姐")
    union.opens_wishes(wang)
    for said in ("1", "1", "一张电影票", "提交"):
        wang.says(said)
    with pytest.raises(SystemExit):
        union.staff_does("thank", "谢谢大家。")
    union.waits(timedelta(days=31))
    union.tends()
    union.staff_does("thank", "谢谢大家。")
    with pytest.raises(SystemExit):
        union.staff_does("thank", "再谢一遍。")

    with union.store.reading() as connection:
        owed = list(connection.execute(sa.select(deliveries.c.recipient)).scalars())
    assert owed == [wang.openid]


class TestShareCards:
    def test_are_signed_as_the_guide_says(self) -> None:
        """The example of the platform guide, JS-SDK, 附录1."""
        ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
        signed = signature(ticket, "Wm3WZYTPz0wzccnW", 1414587457, "http://mp.weixin.qq.com?params=value#top")

        assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"

    def test_are_set_by_pages_inside_wechat_only_and_sign_no_page_of_others(
        self, sqlite_store: Store
    ) -> None:
        union = Union(sqlite_store, base_url="https://union.example")
        with PlatformServer(union.platform) as far:
            api = Api(LIVE.model_copy(update={"api_base": far.url}), MemoryTokens())
            pages = Pages(union, ticket=api.ticket)
            reader = pages.browser()
            ours = "https://union.example/h5/c/spring-wish"

            assert "share.js" not in reader.opens("/h5/c/spring-wish")
            union.tends()
            inside = reader.client.get("/h5/c/spring-wish", headers={"User-Agent": "MicroMessenger/8.0"}).text
            signed = reader.client.get("/h5/share", query_string={"url": f"{ours}?from=card"}).json
            stranger = reader.client.get("/h5/share", query_string={"url": "https://evil.example/h5/"})
        union.close()

        shown = dict(re.findall(r'data-(\w+)="([^"]*)"', inside))
        assert shown["title"] == "春节发福利"
        assert not re.search("投票|转发|分享|帮", " ".join(shown.values()))
        ticket = f"ticket-of-{LIVE.app_id}"
        assert signed is not None
        expected = signature(ticket, signed["nonceStr"], signed["timestamp"], f"{ours}?from=card")
        assert signed["signature"] == expected
        assert stranger.status_code == 404
