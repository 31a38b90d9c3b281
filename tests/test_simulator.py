"""The simulated WeChat: what people see on their phones, and what the platform allows, remembers and posts."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
import simulator_cast as cast
from simulator_cast import ACCOUNT, TEMPLATE, Time, Union, echo

from wx import messages as m
from wx import simulator
from wx.client import Api, MemoryTokens
from wx.errors import ERRCODES, ApiError, NoAnswer
from wx.replies import Image, Music, News, Text, Transfer
from wx.simulator import NoSuchButton, NotFollowing, Patience, Phone, Platform, PlatformServer
from wx.simulator.callback import BROKEN, BUSY

# the fixtures of the cast
clock, account, union = cast.clock, cast.account, cast.union
platform, phone, served, api = cast.platform, cast.phone, cast.served, cast.api

HELLO = {"msgtype": "text", "text": {"content": "大家好"}}
WORDS = {"thing1": "领取春节福利"}
MENU = {
    "button": [
        {
            "name": "服务大厅",
            "sub_button": [
                {"type": "click", "name": "办事指南", "key": "GUIDE"},
                {"type": "view", "name": "网站", "url": "https://union.example/h5/"},
                {"type": "scancode_waitmsg", "name": "扫一扫", "key": "SCAN_IT"},
                {"type": "pic_sysphoto", "name": "随手拍", "key": "PHOTO"},
                {"type": "location_select", "name": "在哪里", "key": "WHERE"},
            ],
        },
        {"type": "click", "name": "职工之家", "key": "HOME"},
    ]
}


def refusal(call: Callable[[], object]) -> int:
    """The errcode with which a call is refused."""
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.errcode


# --- in the chat -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["safe", "compat", "plain"])
def test_a_worker_talks_and_reads_the_answer_in_every_mode(clock: Time, mode: str) -> None:
    account = ACCOUNT.model_copy(update={"mode": mode})
    union = Union(account, clock.now)
    union.answer = echo
    phone = Phone(Platform(account, union, now=clock.now), "李师傅")

    phone.follows()

    assert phone.says("工伤 😀 ]]> <b>") == "您说：工伤 😀 ]]> <b>"
    assert [(entry.speaker, entry.text) for entry in phone.chat] == [
        ("worker", "关注了公众号"),
        ("worker", "工伤 😀 ]]> <b>"),
        ("account", "您说：工伤 😀 ]]> <b>"),
    ]


def test_every_act_arrives_as_the_message_that_wechat_would_send(
    platform: Platform, phone: Phone, union: Union
) -> None:
    platform.world.menu = MENU
    union.answer = lambda message: (
        None if message.event == "unsubscribe" else Text(type(message.body).__name__)
    )
    acts: list[Callable[[], str]] = [
        lambda: phone.follows("stand-7"),
        lambda: phone.scans("stand-8"),
        lambda: phone.says("你好"),
        phone.sends_picture,
        lambda: phone.sends_voice("我要入会"),
        phone.sends_video,
        lambda: phone.sends_location(41.1, 122.0, "盘锦市总工会"),
        phone.sends_link,
        lambda: phone.taps("GUIDE"),
        lambda: phone.taps("网站"),
        lambda: phone.taps((0, 2)),
        lambda: phone.taps((0, 3)),
        lambda: phone.taps((0, 4)),
        phone.unfollows,
    ]

    shown = [act() for act in acts]

    assert [type(message.body).__name__ for message in union.heard] == [
        "Subscribe", "Scan", "Text", "Image", "Voice", "Video", "Location", "Link", "Click", "View",
        "ScanCode", "Pictures", "Image", "PickedPlace", "Location", "Unsubscribe",
    ]  # fmt: skip
    assert shown == [
        "Subscribe", "Scan", "Text", "Image", "Voice", "Video", "Location", "Link", "Click", "",
        "ScanCode", "Image", "Location", "",
    ]  # fmt: skip
    assert all(message.openid == phone.openid for message in union.heard)
    assert all(message.to == ACCOUNT.original_id for message in union.heard)
    ids = [message.msg_id for message in union.heard if message.type != "event"]
    assert len(set(ids)) == len(ids)
    assert not platform.callback.refused


def test_who_does_not_follow_cannot_write_and_follows_by_scanning(phone: Phone, union: Union) -> None:
    for act in (lambda: phone.says("在吗"), lambda: phone.taps("GUIDE"), phone.unfollows):
        with pytest.raises(NotFollowing):
            act()

    phone.scans("stand-7")

    assert union.heard[0].body == m.Subscribe("stand-7", union.heard[0].body.ticket)


def test_a_button_that_is_not_there_cannot_be_tapped(platform: Platform, phone: Phone) -> None:
    phone.follows()
    for button in ("GUIDE", (0, 0)):
        with pytest.raises(NoSuchButton):
            phone.taps(button)
    platform.world.menu = MENU
    for button in ("服务大厅", (0,), (0, 9), (5,)):
        with pytest.raises(NoSuchButton):
            phone.taps(button)


def test_an_article_a_picture_a_song_and_a_transfer_are_shown(
    platform: Platform, phone: Phone, union: Union
) -> None:
    phone.follows()
    phone.sends_picture()
    (media_id,) = platform.world.media
    for reply, kind in (
        (News("题目", "摘要", "https://a.example/p.jpg", "https://a.example/"), "news"),
        (Image(media_id), "image"),
        (Music("thumb", "国际歌", "", "https://a.example/s.mp3"), "link"),
        (Transfer(), "note"),
    ):
        union.answer = lambda _, reply=reply: reply
        phone.says("给我看看")
        assert phone.chat[-1].kind == kind
    articles = [entry.articles for entry in phone.chat if entry.kind == "news"]
    assert articles == [
        (
            {
                "title": "题目",
                "description": "摘要",
                "picurl": "https://a.example/p.jpg",
                "url": "https://a.example/",
            },
        )
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"errcode": 0}',
        b"Error 500",
        b"<html></html>",
        b"<xml></xml>",
        b"<xml><Encrypt>AAAA</Encrypt></xml>",
        b"<xml><Encrypt>AAAA</Encrypt><MsgSignature>x</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce></xml>",
    ],
)
def test_an_answer_that_wechat_does_not_understand_shows_a_fault(
    platform: Platform, phone: Phone, union: Union, answer: bytes
) -> None:
    phone.follows()
    union.answer = lambda _: answer

    phone.says("你好")

    assert (phone.chat[-1].speaker, phone.chat[-1].text) == ("system", BROKEN)
    assert platform.callback.refused
    assert phone.answers[0].attempts == 1


@pytest.mark.parametrize(
    "change",
    [
        ("<Content>", "<Contents>"),
        ("gh_panjin", "gh_other"),
        ("<CreateTime>", "<CreateTime>x"),
        ("<![CDATA[text]]>", "<![CDATA[telegram]]>"),
        ("<![CDATA[您好]]>", ""),
        ("您好", "长" * 700),
    ],
)
def test_a_plain_answer_with_a_wrong_field_shows_a_fault(clock: Time, change: tuple[str, str]) -> None:
    account = ACCOUNT.model_copy(update={"mode": "plain"})
    good = "<xml><ToUserName>{}</ToUserName><FromUserName>gh_panjin</FromUserName><CreateTime>1</CreateTime>"
    good += "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[您好]]></Content></xml>"
    answers = [good, good.replace(*change)]
    platform = Platform(account, lambda _, __: (200, answers.pop(0).encode()), now=clock.now)
    phone = Phone(platform, "李师傅")
    answers = [answer.format(phone.openid) for answer in answers]

    assert phone.follows() == "您好"
    phone.says("你好")

    assert phone.chat[-1].text == BROKEN


def test_several_articles_answer_a_tap_but_not_a_message(clock: Time) -> None:
    account = ACCOUNT.model_copy(update={"mode": "plain"})
    item = "<item><Title>题</Title><Description/><PicUrl/><Url/></item>"
    body = (
        "<xml><ToUserName>{}</ToUserName><FromUserName>gh_panjin</FromUserName><CreateTime>1</CreateTime>"
        f"<MsgType>news</MsgType><ArticleCount>2</ArticleCount><Articles>{item * 2}</Articles></xml>"
    )
    platform = Platform(account, lambda _, __: (200, body.format(phone.openid).encode()), now=clock.now)
    phone = Phone(platform, "李师傅")

    phone.follows()
    assert len(phone.chat[-1].articles) == 2
    phone.says("你好")
    assert phone.chat[-1].text == BROKEN


def test_a_server_that_is_not_there_is_tried_three_times_with_the_same_body(
    platform: Platform, phone: Phone, union: Union
) -> None:
    phone.follows()
    union.heard.clear()
    union.bodies.clear()
    union.answer = lambda _: 503

    phone.says("有人吗")

    assert len(union.heard) == 3
    assert len(set(union.bodies)) == 1
    assert (phone.chat[-1].speaker, phone.last) == ("system", "")


def test_a_server_that_recovers_at_the_third_try_answers(
    platform: Platform, phone: Phone, union: Union
) -> None:
    phone.follows()
    tries = iter((503, 503, Text("来了")))
    union.answer = lambda _: next(tries)

    assert phone.says("有人吗") == "来了"
    assert phone.answers[0].attempts == 3


def test_one_message_can_arrive_several_times_at_once(phone: Phone, union: Union) -> None:
    phone.follows()
    union.heard.clear()
    union.answer = echo
    together = threading.Barrier(3, timeout=5)
    union.answer = lambda message: (together.wait(), echo(message))[1]

    with phone.delivers(copies=3):
        phone.says("投诉")

    assert len({message.key for message in union.heard}) == 1
    assert [outcome.reply.text for outcome in phone.answers] == ["您说：投诉"] * 3
    assert sum(entry.speaker == "account" for entry in phone.chat) == 1


def test_a_chat_keeps_only_its_newest_entries(platform: Platform, union: Union) -> None:
    platform.limits.chat_kept = 10
    phone = Phone(platform, "王师傅")
    phone.follows()

    for number in range(30):
        phone.says(str(number))

    assert [entry.text for entry in phone.chat] == [str(number) for number in range(20, 30)]


def test_openids_look_real_stay_the_same_and_may_differ_only_by_case(clock: Time) -> None:
    first, second = ([Phone(Platform(ACCOUNT), f"职工{n}").openid for n in range(3)] for _ in range(2))
    platform = Platform(ACCOUNT)
    many = [platform.world.person(f"职工{n}").openid for n in range(50)]

    assert first == second
    assert all(len(openid) == 28 and openid[0] == "o" for openid in many)
    assert len(set(many)) == 50
    assert len({openid.lower() for openid in many}) < 50


def test_a_real_server_over_http_is_called_on_kept_connections(
    union_over_http: UnionOverHttp, union: Union, clock: Time
) -> None:
    union.answer = echo
    platform = Platform(ACCOUNT, union_over_http.url, now=clock.now, patience=Patience(timeout_s=1, gap_s=0))
    phone = Phone(platform, "李师傅")

    phone.follows()
    for number in range(20):
        assert phone.says(str(number)) == f"您说：{number}"
    assert union_over_http.connections == 1
    union_over_http.drop_connections()
    assert phone.says("还在吗") == "您说：还在吗"
    platform.close()


def test_a_server_that_takes_too_long_is_given_up_after_three_tries(
    union_over_http: UnionOverHttp, union: Union, clock: Time
) -> None:
    platform = Platform(
        ACCOUNT, union_over_http.url, now=clock.now, patience=Patience(timeout_s=0.2, gap_s=0)
    )
    phone = Phone(platform, "李师傅")
    phone.follows()
    union.answer = lambda _: time.sleep(0.5)

    phone.says("慢慢来")

    assert (phone.chat[-1].text, phone.answers[0].attempts) == (BUSY, 3)
    platform.close()


# --- mass messages -----------------------------------------------------------------------------------------------


def test_a_mass_message_reaches_every_follower_once_and_its_counts_come_back(
    api: Api, platform: Platform, union: Union
) -> None:
    phones = followers(platform, 5)
    phones[0].blocks()

    msg_id = api.send_to_all(HELLO, client_id="a")["msg_id"]

    assert platform.settle()
    assert [len(phone.received) for phone in phones] == [0, 1, 1, 1, 1]
    (result,) = union.results("MASSSENDJOBFINISH")
    assert result.body == m.MassFinished(str(msg_id), "send success", 5, 4, 4, 0)
    assert [(row.channel, row.client_id, row.repeats) for row in platform.log] == [("mass", "a", 0)] * 4


def test_a_client_id_is_remembered_for_a_day(api: Api, platform: Platform, clock: Time) -> None:
    followers(platform, 3)
    api.send_to_all(HELLO, client_id="a")

    assert refusal(lambda: api.send_to_all(HELLO, client_id="a")) == 45065
    clock.passes(hours=23, minutes=59)
    assert refusal(lambda: api.send_to_all(HELLO, client_id="a")) == 45065
    assert [row.repeats for row in platform.log] == [2, 2, 2]
    clock.passes(minutes=1)
    api.send_to_all(HELLO, client_id="a")
    assert len(platform.log) == 6


def test_a_refused_mass_message_may_be_tried_again_after_a_minute(
    api: Api, platform: Platform, clock: Time
) -> None:
    followers(platform, 2)
    lost = {"msgtype": "mpnews", "mpnews": {"media_id": "nowhere"}}

    assert refusal(lambda: api.send_to_all(lost, client_id="a")) == 40007
    assert refusal(lambda: api.send_to_all(HELLO, client_id="a")) == 45066
    clock.passes(minutes=1)
    assert api.send_to_all(HELLO, client_id="a")["msg_id"]


def test_a_follower_gets_four_a_month_and_the_fifth_to_all_is_refused(
    api: Api, platform: Platform, clock: Time
) -> None:
    phones = followers(platform, 2)
    for number in range(4):
        api.send_to_all(HELLO, client_id=f"n{number}")

    assert refusal(lambda: api.send_to_all(HELLO, client_id="n4")) == 45028
    api.send_to_many([phone.openid for phone in phones], HELLO, client_id="n5")
    assert [len(phone.received) for phone in phones] == [4, 4]
    clock.passes(days=20)
    api.send_to_all(HELLO, client_id="n6")
    assert [len(phone.received) for phone in phones] == [5, 5]


def test_a_subscription_account_sends_one_a_day_and_none_by_list(clock: Time, union: Union) -> None:
    account = ACCOUNT.model_copy(update={"kind": "subscription"})
    platform = Platform(account, union, now=clock.now)
    with PlatformServer(platform) as server:
        api = Api(account.model_copy(update={"api_base": server.url}), MemoryTokens(), clock.now)
        people = [phone.openid for phone in followers(platform, 2)]
        api.send_to_all(HELLO, client_id="a")

        assert refusal(lambda: api.send_to_all(HELLO, client_id="b")) == 45028
        assert refusal(lambda: api.send_to_many(people, HELLO, client_id="c")) == 48001
        assert refusal(lambda: api.send_template(people[0], TEMPLATE, WORDS, client_id="d")) == 48001
        clock.passes(days=1)
        assert api.send_to_all(HELLO, client_id="e")
    platform.close()


def test_an_unverified_account_may_send_nothing(clock: Time, union: Union) -> None:
    account = ACCOUNT.model_copy(update={"verified": False})
    platform = Platform(account, union, now=clock.now)
    with PlatformServer(platform) as server:
        api = Api(account.model_copy(update={"api_base": server.url}), MemoryTokens(), clock.now)

        assert refusal(lambda: api.send_to_all(HELLO, client_id="a")) == 48001
        assert refusal(lambda: api.create_menu(MENU)) == 48001
        assert api.shown_menu() == {"errcode": 0, "errmsg": "ok", "is_menu_open": 0}
    platform.close()


def test_a_draft_goes_out_as_cards_and_is_gone_after_that(
    api: Api, platform: Platform, union: Union, served: PlatformServer, jpeg: bytes
) -> None:
    (phone, _) = followers(platform, 2)
    cover = api.add_material("image", "cover.jpg", jpeg)
    inside = api.upload_picture("in.jpg", jpeg)
    pictures = f"<img src='{inside}'><img src='https://elsewhere.example/x.jpg'><script>alert(1)</script>"
    draft = api.add_draft([cast.ARTICLE | {"thumb_media_id": cover, "content": f"<p>灯谜</p>{pictures}"}])
    content = {"msgtype": "mpnews", "mpnews": {"media_id": draft}}

    api.preview(phone.openid, content)
    api.send_to_all(content, client_id="a")

    assert refusal(lambda: api.send_to_all(content, client_id="b")) == 40007
    assert platform.settle()
    (result,) = union.results("MASSSENDJOBFINISH")
    (card,) = phone.received[-1].articles
    assert result.body.urls == (card["url"],)
    page = requests.get(card["url"], timeout=5).text
    assert "<p>灯谜</p>" in page
    assert inside in page
    assert "elsewhere" not in page
    assert "alert" not in page
    assert requests.get(card["picurl"], timeout=5).content == jpeg


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"title": ""}, 45003),
        ({"title": "长" * 33}, 45003),
        ({"digest": "长" * 129}, 45004),
        ({"content": " "}, 45166),
        ({"content": "长" * 20_000}, 45002),
        ({"thumb_media_id": "nowhere"}, 40007),
    ],
)
def test_a_draft_that_wechat_would_refuse_is_refused(
    api: Api, jpeg: bytes, change: dict[str, str], errcode: int
) -> None:
    cover = api.add_material("thumb", "cover.jpg", jpeg)

    assert refusal(lambda: api.add_draft([cast.ARTICLE | {"thumb_media_id": cover} | change])) == errcode


def test_a_cover_must_be_permanent_and_a_temporary_picture_dies_after_three_days(
    api: Api, platform: Platform, clock: Time, jpeg: bytes
) -> None:
    followers(platform, 2)
    picture = api.upload_media("image", "p.jpg", jpeg)
    content = {"msgtype": "image", "images": {"media_ids": [picture]}}

    assert refusal(lambda: api.add_draft([cast.ARTICLE | {"thumb_media_id": picture}])) == 40007
    api.send_to_all(content, client_id="a")
    clock.passes(days=3)
    assert refusal(lambda: api.send_to_all(content, client_id="b")) == 40007


@pytest.mark.parametrize(
    ("kind", "name", "size", "errcode"),
    [
        ("image", "p.svg", 10, 40005),
        ("image", "p.jpg", 0, 40006),
        ("thumb", "p.jpg", 64 * 1024 + 1, 40006),
        ("poster", "p.jpg", 10, 40004),
    ],
)
def test_a_file_that_wechat_would_refuse_is_refused(
    api: Api, kind: str, name: str, size: int, errcode: int
) -> None:
    assert refusal(lambda: api.upload_media(kind, name, b"x" * size)) == errcode


@pytest.mark.parametrize(
    ("call", "errcode"),
    [
        (lambda api, people: api.send_to_many(people[:1], HELLO, client_id="a"), 40130),
        (lambda api, people: api.send_to_many([*people, "oStranger"], HELLO, client_id="a"), 40003),
        (lambda api, people: api.send_to_many(people * 5001, HELLO, client_id="a"), 40032),
        (lambda api, _: api.send_to_all(HELLO, client_id="x" * 33), 45067),
        (lambda api, _: api.send_to_all(HELLO, client_id="a", tag_id=777), 40152),
        (lambda api, _: api.send_to_all({"msgtype": "telegram"}, client_id="a"), 40008),
        (
            lambda api, _: api.send_to_all({"msgtype": "text", "text": {"content": ""}}, client_id="a"),
            44004,
        ),
        (lambda api, _: api.preview("oStranger", HELLO), 40003),
    ],
)
def test_a_mass_message_that_wechat_would_refuse_is_refused(
    api: Api, platform: Platform, call: Callable[[Api, list[str]], object], errcode: int
) -> None:
    people = [phone.openid for phone in followers(platform, 2)]

    assert refusal(lambda: call(api, people)) == errcode
    assert platform.log == []


def test_sixty_mass_calls_a_minute_are_too_many(api: Api, platform: Platform, clock: Time) -> None:
    platform.limits.mass_per_month = 1000
    people = [phone.openid for phone in followers(platform, 2)]
    for number in range(60):
        api.send_to_many(people, HELLO, client_id=f"n{number}")

    assert refusal(lambda: api.send_to_many(people, HELLO, client_id="n60")) == 42010
    clock.passes(minutes=1)
    assert api.send_to_many(people, HELLO, client_id="n61")


def test_a_mass_message_that_the_censor_stops_reaches_nobody(
    api: Api, platform: Platform, union: Union
) -> None:
    phones = followers(platform, 3)
    platform.world.mass_status = "err(10001)"

    api.send_to_all(HELLO, client_id="a")

    assert platform.settle()
    (result,) = union.results("MASSSENDJOBFINISH")
    assert (result.body.status, result.body.sent, result.body.failed) == ("err(10001)", 0, 3)
    assert not any(phone.received for phone in phones)


# --- template messages -------------------------------------------------------------------------------------------


def test_a_template_message_is_shown_and_its_result_comes_back(
    api: Api, platform: Platform, union: Union
) -> None:
    platform.add_template(TEMPLATE, "活动通知", {"thing1": "活动名称"})
    one, other = followers(platform, 2)
    other.blocks()

    ids = [api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a") for phone in (one, other)]

    assert platform.settle()
    results = {message.body.msg_id: message.body.status for message in union.heard}
    assert results == dict(zip(ids, ("success", "failed:user block"), strict=True))
    assert [entry.text for entry in one.received] == ["活动通知\n活动名称：领取春节福利"]
    assert other.received == []


@pytest.mark.parametrize("answer", ["same", "new", "error"])
def test_a_repeat_within_ten_minutes_is_absorbed_and_counted(
    api: Api, platform: Platform, clock: Time, answer: Any
) -> None:
    (phone,) = followers(platform, 1)
    platform.world.repeat_answer = answer
    api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")

    for _ in range(2):
        clock.passes(minutes=4)
        if answer == "error":
            assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")) == -1
        else:
            api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")

    assert [row.repeats for row in platform.log] == [2]
    assert len(phone.received) == 1
    clock.passes(minutes=4)
    api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")
    assert len(phone.received) == 2


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("thing1", "二十个字" * 5, "二十个字" * 5 + "多"),
        ("time2", "2027年2月20日 10:00~12:00", "下午三点"),
        ("time2", "10:00", "25:61"),
        ("date3", "2027-02-20", "二月"),
        ("character_string4", "No. A-1/2", "编号一"),
        ("number5", "12.5", "十二"),
        ("amount6", "￥100.00元", "一百元"),
        ("phone_number7", "12351", "工会热线"),
        ("phrase8", "已受理", "已经受理了啊"),
        ("const9", "通知", "字" * 21),
        ("name10", "李建国", "李建国李建国李建国李建国"),
        ("car_number11", "辽L12345", "辽L12345678"),
        ("keyword1", "随便什么都行" * 20, "  "),
    ],
)
def test_template_values_follow_wechats_rules(
    api: Api, platform: Platform, key: str, good: str, bad: str
) -> None:
    (phone,) = followers(platform, 1)

    assert api.send_template(phone.openid, TEMPLATE, {key: good}, client_id="a")
    with pytest.raises(ApiError, match=rf"47003 argument invalid! data\.{key}\.value"):
        api.send_template(phone.openid, TEMPLATE, {key: bad}, client_id="b")


def test_a_template_message_to_the_wrong_person_or_of_the_wrong_template_is_refused(
    api: Api, platform: Platform
) -> None:
    (phone,) = followers(platform, 1)
    platform.add_template(TEMPLATE, "活动通知", {"thing1": "活动名称"})

    assert refusal(lambda: api.send_template("oStranger", TEMPLATE, WORDS, client_id="a")) == 40003
    assert refusal(lambda: api.send_template(phone.openid, "other", WORDS, client_id="a")) == 40037
    assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, {"thing2": "x"}, client_id="a")) == 47003
    phone.unfollows()
    assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")) == 43004


@pytest.mark.parametrize("copies", [0, 2])
def test_results_may_come_twice_or_never(api: Api, platform: Platform, union: Union, copies: int) -> None:
    (phone,) = followers(platform, 1)
    platform.results.copies = copies

    api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")

    assert platform.settle()
    assert len(union.heard) == copies


def test_a_result_may_come_before_the_answer(api: Api, platform: Platform, union: Union) -> None:
    (phone,) = followers(platform, 1)
    platform.results.early = True
    answered: list[str] = []
    union.answer = lambda message: answered.append(f"result {message.body.msg_id}")

    answered.append(f"answer {api.send_template(phone.openid, TEMPLATE, WORDS, client_id='a')}")

    assert [line.split()[0] for line in answered] == ["result", "answer"]
    assert len({line.split()[1] for line in answered}) == 1


def test_the_daily_limit_ends_at_midnight_in_shanghai(api: Api, platform: Platform, clock: Time) -> None:
    (phone,) = followers(platform, 1)
    platform.limits.daily["message/template/send"] = 2
    for client_id in ("a", "b"):
        api.send_template(phone.openid, TEMPLATE, WORDS, client_id=client_id)

    assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, WORDS, client_id="c")) == 45009
    assert api.quota("message/template/send")["remain"] == 0
    clock.passes(hours=13, minutes=59)
    assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, WORDS, client_id="c")) == 45009
    clock.passes(minutes=1)
    assert api.send_template(phone.openid, TEMPLATE, WORDS, client_id="c")


# --- customer-service messages -----------------------------------------------------------------------------------


def test_a_message_opens_five_for_two_days(api: Api, platform: Platform, clock: Time) -> None:
    (phone,) = followers(platform, 1)
    send = lambda: api.send_service(phone.openid, HELLO)  # noqa: E731

    assert refusal(send) == 45015
    phone.says("在吗")
    for _ in range(5):
        send()
    assert refusal(send) == 45047
    phone.says("还在吗")
    send()
    clock.passes(hours=48)
    assert refusal(send) == 45015
    assert len(phone.received) == 6


@pytest.mark.parametrize("act", ["follow", "scan", "tap", "choose"])
def test_other_acts_open_three_for_a_minute(api: Api, platform: Platform, clock: Time, act: str) -> None:
    phone = Phone(platform, "李师傅")
    platform.world.menu = MENU
    if act == "follow":
        phone.follows()
    else:
        platform.add_follower("李师傅")
    if act == "scan":
        phone.scans("stand-7")
    if act == "tap":
        phone.taps("GUIDE")
    if act == "choose":
        platform.world.show(phone.follower, "account", "menu", items=({"id": "101", "content": "满意"},))
        phone.chooses("101")

    for _ in range(3):
        api.send_service(phone.openid, HELLO)
    assert refusal(lambda: api.send_service(phone.openid, HELLO)) == 45047
    clock.passes(minutes=1)
    assert refusal(lambda: api.send_service(phone.openid, HELLO)) == 45015


def test_a_menu_in_a_message_can_be_answered_by_a_tap(api: Api, platform: Platform, union: Union) -> None:
    (phone,) = followers(platform, 1)
    phone.says("评价")
    items = [{"id": "101", "content": "满意"}, {"id": "102", "content": "不满意"}]
    menu = {"head_content": "这次办事您满意吗？", "list": items, "tail_content": "谢谢"}

    api.send_service(phone.openid, {"msgtype": "msgmenu", "msgmenu": menu})
    shown = phone.follower.chat[-1].shown()
    assert (shown["text"], shown["tail"]) == ("这次办事您满意吗？", "谢谢")
    phone.chooses("102")

    assert union.heard[-1].body == m.Text("不满意", "102")
    with pytest.raises(NoSuchButton):
        phone.chooses("103")


@pytest.mark.parametrize(
    ("content", "errcode"),
    [
        ({"msgtype": "text", "text": {"content": "长" * 700}}, 45002),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "image", "image": {"media_id": "nowhere"}}, 40007),
        ({"msgtype": "news", "news": {"articles": [{"title": "一"}, {"title": "二"}]}}, 45008),
        ({"msgtype": "telegram", "telegram": {}}, 40008),
    ],
)
def test_a_service_message_that_wechat_would_refuse_is_refused(
    api: Api, platform: Platform, content: dict[str, Any], errcode: int
) -> None:
    (phone,) = followers(platform, 1)
    phone.says("在吗")

    assert refusal(lambda: api.send_service(phone.openid, content)) == errcode


# --- the menu ----------------------------------------------------------------------------------------------------


def button(**change: object) -> dict[str, object]:
    return {"type": "click", "name": "服务大厅", "key": "HALL"} | change


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([], 40016),
        ([button()] * 4, 40016),
        ([button(type="sing")], 40017),
        ([button(name="")], 40018),
        ([button(name="服务大厅服务")], 40018),
        ([button(key="")], 40019),
        ([button(key="K" * 129)], 40019),
        ([{"type": "view", "name": "网站"}], 40020),
        ([{"type": "view", "name": "网站", "url": "ftp://a.example/"}], 40020),
        ([{"type": "view", "name": "网站", "url": "https://中文"}], 40055),
        ([{"name": "大厅", "sub_button": [button()] * 6}], 40023),
        ([{"name": "大厅", "sub_button": [button(type="sing")]}], 40024),
        ([{"name": "大厅", "sub_button": [button(name="长" * 21)]}], 40025),
        ([{"name": "大厅", "sub_button": [button(key="K" * 129)]}], 40026),
        ([{"name": "大厅", "sub_button": [{"type": "view", "name": "站", "url": "x"}]}], 40027),
        ([{"name": "大厅", "sub_button": [{"type": "view", "name": "站", "url": "https://x/"}]}], 40054),
        ([{"name": "大厅", "sub_button": [{"name": "更深", "sub_button": [button()]}]}], 40022),
    ],
)
def test_a_menu_that_wechat_would_refuse_is_refused_with_its_code(
    api: Api, platform: Platform, buttons: list[object], errcode: int
) -> None:
    assert refusal(lambda: api.create_menu({"button": buttons})) == errcode
    assert platform.world.menu is None


def test_a_menu_is_created_shown_tapped_and_deleted(
    api: Api, platform: Platform, phone: Phone, union: Union
) -> None:
    phone.follows()
    assert api.menu() is None

    api.create_menu(MENU)

    shown = api.shown_menu()["selfmenu_info"]["button"]
    assert [len(one["sub_button"]["list"]) for one in shown if "sub_button" in one] == [5]
    phone.taps((1,))
    assert union.heard[-1].body == m.Click("HOME")
    api.delete_menu()
    assert api.menu() is None


def test_escaped_chinese_is_refused(api: Api, served: PlatformServer) -> None:
    body = b'{"button": [{"type": "click", "name": "\\u670d\\u52a1", "key": "K"}]}'
    url = f"{served.url}/cgi-bin/menu/create?access_token={api.token()}"

    answer = requests.post(url, data=body, timeout=5).json()

    assert answer["errcode"] == 40033


# --- tokens, rights and addresses --------------------------------------------------------------------------------


def ask_token(platform: Platform, served: PlatformServer, **change: object) -> dict[str, Any]:
    secret = ACCOUNT.app_secret.get_secret_value()
    body = {"grant_type": "client_credential", "appid": ACCOUNT.app_id, "secret": secret} | change
    answer: dict[str, Any] = requests.post(f"{served.url}/cgi-bin/stable_token", json=body, timeout=5).json()
    return answer


def test_a_stable_token_stays_the_same_until_five_minutes_before_its_end(
    platform: Platform, served: PlatformServer, clock: Time
) -> None:
    first = ask_token(platform, served)
    clock.passes(minutes=114)
    again = ask_token(platform, served)
    clock.passes(minutes=1)
    new = ask_token(platform, served)

    assert (again["access_token"], again["expires_in"]) == (first["access_token"], 360)
    assert new["access_token"] != first["access_token"]
    assert new["expires_in"] == 7200
    platform.issuer.judge(first["access_token"])
    clock.passes(minutes=5)
    platform.issuer.judge(new["access_token"])


def test_a_forced_token_kills_the_old_one_and_is_rationed(
    platform: Platform, served: PlatformServer, clock: Time
) -> None:
    first = ask_token(platform, served)
    forced = ask_token(platform, served, force_refresh=True)

    assert forced["access_token"] != first["access_token"]
    url = f"{served.url}/cgi-bin/tags/get?access_token={first['access_token']}"
    assert requests.get(url, timeout=5).json()["errcode"] == 40001
    assert ask_token(platform, served, force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        clock.passes(seconds=30)
        assert "access_token" in ask_token(platform, served, force_refresh=True)
    clock.passes(seconds=30)
    assert ask_token(platform, served, force_refresh=True)["errcode"] == 45009


def test_the_old_kind_of_token_is_new_each_time_and_apart_from_the_stable_one(
    platform: Platform, served: PlatformServer, clock: Time
) -> None:
    secret = ACCOUNT.app_secret.get_secret_value()
    words = {"grant_type": "client_credential", "appid": ACCOUNT.app_id, "secret": secret}
    stable = ask_token(platform, served)["access_token"]
    tokens = [
        requests.get(f"{served.url}/cgi-bin/token", params=words, timeout=5).json()["access_token"]
        for _ in range(2)
    ]

    assert len({stable, *tokens}) == 3
    clock.passes(minutes=5)
    url = f"{served.url}/cgi-bin/tags/get"
    codes = [requests.get(url, params={"access_token": t}, timeout=5).json()["errcode"] for t in tokens]
    assert codes == [42001, 0]
    platform.issuer.judge(stable)


@pytest.mark.parametrize(
    ("change", "errcode"),
    [({"grant_type": "x"}, 40002), ({"appid": "x"}, 40013), ({"secret": "x"}, 40125)],
)
def test_who_asks_wrongly_gets_no_token(
    platform: Platform, served: PlatformServer, change: dict[str, str], errcode: int
) -> None:
    assert ask_token(platform, served, **change)["errcode"] == errcode


@pytest.mark.parametrize(
    ("verb", "path", "body", "errcode"),
    [
        ("GET", "message/custom/send", None, 43002),
        ("POST", "menu/get", b"{}", 43001),
        ("POST", "menu/create", b"", 44002),
        ("POST", "menu/create", b"{", 47001),
        ("POST", "menu/create", b"[]", 47001),
        ("GET", "no/such/path", None, 40066),
        ("GET", "stable_token", None, 43002),
    ],
)
def test_a_call_made_wrongly_is_refused(
    api: Api, served: PlatformServer, verb: str, path: str, body: bytes | None, errcode: int
) -> None:
    url = f"{served.url}/cgi-bin/{path}?access_token={api.token()}"

    answer = requests.request(verb, url, data=body, timeout=5).json()

    assert answer["errcode"] == errcode
    assert " rid: " in answer["errmsg"]


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("x", 40001)])
def test_a_call_without_a_good_token_is_refused(served: PlatformServer, token: str, errcode: int) -> None:
    answer = requests.get(f"{served.url}/cgi-bin/tags/get", params={"access_token": token}, timeout=5)

    assert answer.json()["errcode"] == errcode


# --- faults ------------------------------------------------------------------------------------------------------


def test_a_call_that_was_cut_off_was_done_and_its_repeat_is_absorbed(api: Api, platform: Platform) -> None:
    (phone,) = followers(platform, 1)
    platform.faults.add("message/template/send", reset=True)

    with pytest.raises(NoAnswer):
        api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")
    api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")

    assert [row.repeats for row in platform.log] == [1]
    assert len(phone.received) == 1


def test_a_scripted_code_comes_so_many_times_and_nothing_is_done(api: Api, platform: Platform) -> None:
    (phone,) = followers(platform, 1)
    platform.faults.add("/cgi-bin/message/template/send", errcode=-1, times=2)

    for _ in range(2):
        assert refusal(lambda: api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")) == -1
    api.send_template(phone.openid, TEMPLATE, WORDS, client_id="a")

    assert [row.repeats for row in platform.log] == [0]


def test_a_rate_befalls_about_that_many(api: Api, platform: Platform) -> None:
    platform.faults.add("*", errcode=-1, rate=0.3, times=None)
    api_calls, refused = 200, 0
    for _ in range(api_calls):
        try:
            api.get("tags/get")
        except ApiError:
            refused += 1

    assert 30 < refused < 90


# --- signing in on a page ----------------------------------------------------------------------------------------


def test_a_worker_signs_in_on_a_page_and_the_code_works_once(
    platform: Platform, served: PlatformServer, clock: Time
) -> None:
    (phone,) = followers(platform, 1)
    words = {
        "appid": ACCOUNT.app_id,
        "redirect_uri": "https://union.example/h5/?a=1",
        "response_type": "code",
    }
    page = (
        f"{served.url}/connect/oauth2/authorize?{urlencode(words | {'scope': 'snsapi_base', 'state': 'abc'})}"
    )

    assert phone.follower.name in requests.get(page, timeout=5).text
    with requests.Session() as browser:
        opened = {"openid": phone.openid, "url": page}
        browser.get(f"{served.url}/simulator/open", params=opened, timeout=5, allow_redirects=False)
        back = browser.get(page, timeout=5, allow_redirects=False).headers["Location"]
    query = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}
    assert back.startswith("https://union.example/h5/?a=1&code=")
    assert query["state"] == "abc"
    asked = {
        "appid": ACCOUNT.app_id,
        "secret": ACCOUNT.app_secret.get_secret_value(),
        "code": query["code"],
        "grant_type": "authorization_code",
    }
    exchange = f"{served.url}/sns/oauth2/access_token"
    assert requests.get(exchange, params=asked, timeout=5).json()["openid"] == phone.openid
    assert requests.get(exchange, params=asked, timeout=5).json()["errcode"] == 40163
    assert requests.get(exchange, params=asked | {"code": "x"}, timeout=5).json()["errcode"] == 40029


def test_the_sign_in_page_insists_on_the_order_of_its_words(
    platform: Platform, served: PlatformServer
) -> None:
    (phone,) = followers(platform, 1)
    words = {"redirect_uri": "https://a.example", "appid": ACCOUNT.app_id, "response_type": "code"}
    query = urlencode(words | {"scope": "snsapi_base", "simulated_worker": phone.openid})

    page = requests.get(f"{served.url}/connect/oauth2/authorize?{query}", timeout=5, allow_redirects=False)

    assert (page.status_code, "参数错误" in page.text) == (200, True)


# --- the control API ---------------------------------------------------------------------------------------------


def test_whoever_holds_the_phones_works_them_over_http(
    platform: Platform, served: PlatformServer, union: Union, api: Api
) -> None:
    union.answer = echo
    openid = tell(served, "workers", name="李师傅")["openid"]
    assert look(served, "workers")["workers"] == [{"openid": openid, "name": "李师傅", "following": False}]
    refused = do(served, openid, "say", text="在吗")
    assert refused == {"answered": False, "note": "请先关注公众号"}

    do(served, openid, "follow", scene="stand-7")
    api.create_menu(MENU)
    assert do(served, openid, "say", text="工伤") == {"answered": True}
    assert do(served, openid, "tap", path=[0, 1])["url"] == "https://union.example/h5/"
    assert do(served, openid, "tap", key="NOWHERE")["note"] == "菜单里没有这一项"
    for action in ("scan", "picture", "voice", "video", "location", "link"):
        assert "note" not in do(served, openid, action, scene="1")
    chat = look(served, "chat", openid=openid)
    assert chat["following"] is True
    assert [e["text"] for e in chat["entries"] if e["from"] == "account"] == ["您说：工伤"]
    newest = chat["entries"][-1]["seq"]
    assert look(served, "chat", openid=openid, after=newest)["entries"] == []
    assert look(served, "menu", openid=openid) == MENU
    api.send_to_all(HELLO, client_id="a")
    (entry,) = look(served, "chat", openid=openid, after=newest)["entries"]
    assert (entry["from"], entry["kind"], entry["text"]) == ("account", "text", "大家好")
    assert [row["openid"] for row in look(served, "log")["entries"]] == [openid]


def test_trouble_is_made_over_http(platform: Platform, served: PlatformServer, api: Api) -> None:
    tell(served, "fault", path="/cgi-bin/tags/get", errcode=-1, times=1)
    assert refusal(lambda: api.get("tags/get")) == -1
    tell(served, "fault", path="tags/get", errcode=-1, times=None)
    tell(served, "fault", clear=True)
    api.get("tags/get")
    tell(served, "token/kill")
    api.get("tags/get")

    assert platform.issuer.calls["stable_token"] == 2


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "simulator/chat?openid=oNobody", None, 404),
        ("GET", "simulator/nothing", None, 404),
        ("POST", "simulator/do", b"not json", 400),
        ("POST", "simulator/do", b"[]", 404),
        ("GET", "nothing", None, 404),
        ("GET", "s/nothing", None, 404),
        ("GET", "simulator/open?url=javascript:x", None, 404),
    ],
)
def test_a_wrong_question_gets_a_plain_answer(
    served: PlatformServer, verb: str, path: str, body: bytes | None, status: int
) -> None:
    assert requests.request(verb, f"{served.url}/{path}", data=body, timeout=5).status_code == status


def test_no_web_page_may_work_the_phones(served: PlatformServer) -> None:
    url, page = f"{served.url}/simulator/workers", {"Origin": "https://elsewhere.example"}

    assert requests.post(url, json={"name": "x"}, headers=page, timeout=5).status_code == 403


def test_every_code_that_the_platform_answers_with_is_explained() -> None:
    sources = Path(simulator.__file__).parent.glob("*.py")
    codes = {int(code) for source in sources for code in re.findall(r"\b[4-8]\d{4}\b", source.read_text())}

    assert codes - set(ERRCODES) == set()


# --- quick enough ------------------------------------------------------------------------------------------------


def test_two_thousand_template_messages_and_their_results_take_seconds(
    api: Api, platform: Platform, union: Union
) -> None:
    people = [phone.openid for phone in followers(platform, 2000)]
    started = time.monotonic()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda openid: api.send_template(openid, TEMPLATE, WORDS, client_id="a"), people))

    assert platform.settle()
    assert len(union.heard) == 2000
    assert {row.openid for row in platform.log} == set(people)
    assert time.monotonic() - started < 30


# --- helpers -----------------------------------------------------------------------------------------------------


def followers(platform: Platform, count: int) -> list[Phone]:
    """Phones of people who have followed for long."""
    return [Phone(platform, platform.add_follower(f"职工{number}").name) for number in range(count)]


def tell(served: PlatformServer, path: str, /, **what: object) -> dict[str, Any]:
    answer: dict[str, Any] = requests.post(f"{served.url}/simulator/{path}", json=what, timeout=5).json()
    return answer


def look(served: PlatformServer, path: str, /, **asked: str | int) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{served.url}/simulator/{path}", params=asked, timeout=5).json()
    return answer


def do(served: PlatformServer, openid: str, action: str, /, **what: object) -> dict[str, Any]:
    return tell(served, "do", openid=openid, action=action, **what)


class UnionOverHttp:
    """The same account's server behind HTTP; counts its connections."""

    def __init__(self, union: Union) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def setup(self) -> None:
                super().setup()
                outer.connections += 1
                outer.open.append(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = union(urlsplit(self.path).query, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.connections = 0
        self.open: list[Handler] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_port}/wx"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def drop_connections(self) -> None:
        for handler in self.open:
            handler.close_connection = True
            handler.connection.shutdown(2)
        self.open.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def union_over_http(union: Union) -> Iterator[UnionOverHttp]:
    server = UnionOverHttp(union)
    yield server
    server.close()


@pytest.fixture
def jpeg() -> bytes:
    return b"\xff\xd8\xff" + hashlib.sha256(b"picture").digest()
