"""Calls to WeChat: one shared token, no secret told, and an honest word about what happened to each call."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import simulator_cast as cast
from simulator_cast import ACCOUNT, TEMPLATE, Time

from wx import wire
from wx.client import Api, MemoryTokens
from wx.errors import (
    _TABLE,
    ERRCODES,
    POLICIES,
    ApiError,
    BadAnswer,
    NoAnswer,
    NotSent,
    WeChatError,
    explain,
    fold,
)
from wx.simulator import Platform, PlatformServer

# the fixtures of the cast
clock, account, union = cast.clock, cast.account, cast.union
platform, served, api = cast.platform, cast.served, cast.api

SECRET = ACCOUNT.app_secret.get_secret_value()


# --- the token ---------------------------------------------------------------------------------------------------


def test_twenty_threads_that_start_together_fetch_one_token(api: Api, platform: Platform) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.get("tags/get"), range(40)))

    assert all("tags" in answer for answer in answers)
    assert platform.issuer.calls == {"stable_token": 1}


def test_two_processes_share_the_token_on_the_shelf(
    served: PlatformServer, platform: Platform, clock: Time
) -> None:
    shelf = MemoryTokens()
    one, two = (Api(ACCOUNT.model_copy(update={"api_base": served.url}), shelf, clock.now) for _ in range(2))

    assert one.token() == two.token()
    assert platform.issuer.calls["stable_token"] == 1


def test_a_token_that_somebody_killed_is_replaced_and_the_call_succeeds(api: Api, platform: Platform) -> None:
    old = api.token()
    platform.issuer.kill()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.get("tags/get"), range(20)))

    assert all("tags" in answer for answer in answers)
    assert api.token() != old
    assert platform.issuer.calls["stable_token"] == 2


def test_who_finds_a_newer_token_on_the_shelf_takes_it_without_asking(
    served: PlatformServer, platform: Platform, clock: Time
) -> None:
    shelf = MemoryTokens()
    one, two = (Api(ACCOUNT.model_copy(update={"api_base": served.url}), shelf, clock.now) for _ in range(2))
    assert one.token() == two.token()
    platform.issuer.kill()

    one.get("tags/get")
    two.get("tags/get")

    assert platform.issuer.calls["stable_token"] == 2


def test_a_token_near_its_end_is_renewed_before_it_fails(api: Api, platform: Platform, clock: Time) -> None:
    old = api.token()
    clock.passes(seconds=7200 - 30)

    assert api.token() != old
    assert platform.calls["tags/get"] == 0


def test_an_old_token_serves_on_while_a_new_one_cannot_be_had(
    api: Api, platform: Platform, clock: Time
) -> None:
    old = api.token()
    clock.passes(seconds=7200 - 30)
    platform.faults.add("stable_token", errcode=-1, times=None)

    assert [api.token() for _ in range(5)] == [old] * 5
    assert platform.calls["stable_token"] == 2


def test_an_expired_token_is_replaced(api: Api, platform: Platform, clock: Time) -> None:
    api.token()
    clock.passes(days=3)

    assert "tags" in api.get("tags/get")


def test_a_token_that_stays_bad_ends_in_an_error_and_not_in_a_loop(
    api: Api, platform: Platform, clock: Time
) -> None:
    platform.faults.add("tags/get", errcode=40001, times=None)

    for _ in range(10):
        with pytest.raises(ApiError) as caught:
            api.get("tags/get")
        assert caught.value.errcode == 40001

    assert platform.issuer.calls["stable_token"] == 2
    assert platform.calls["tags/get"] == 11


def test_five_minutes_of_bad_tokens_cost_three_questions_and_one_of_them_by_force(
    api: Api, platform: Platform, clock: Time
) -> None:
    platform.faults.add("tags/get", errcode=40001, times=None)

    for _ in range(60):
        with pytest.raises(ApiError):
            api.get("tags/get")
        clock.passes(seconds=5)

    assert platform.issuer.calls["stable_token"] <= 3
    platform.faults.clear()
    assert "tags" in api.get("tags/get")


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_hiccup_about_a_good_token_costs_one_question_and_one_more_try(
    api: Api, platform: Platform, errcode: int
) -> None:
    token = api.token()
    platform.faults.add("tags/get", errcode=errcode)

    assert "tags" in api.get("tags/get")
    assert api.token() == token
    assert platform.issuer.calls["stable_token"] == 2
    assert platform.calls["tags/get"] == 2


def test_a_token_that_is_over_by_the_platforms_clock_alone_is_replaced(
    served: PlatformServer, platform: Platform, clock: Time
) -> None:
    slow_clock = Time()
    api = Api(ACCOUNT.model_copy(update={"api_base": served.url}), MemoryTokens(), slow_clock.now)
    api.token()
    clock.passes(hours=3)

    assert "tags" in api.get("tags/get")
    assert platform.issuer.calls["stable_token"] == 2


def test_a_wrong_password_is_named_and_asked_about_once(
    served: PlatformServer, platform: Platform, clock: Time
) -> None:
    wrong = ACCOUNT.model_copy(update={"api_base": served.url, "app_secret": ACCOUNT.token})
    api = Api(wrong, MemoryTokens(), clock.now)

    for _ in range(10):
        with pytest.raises(ApiError) as caught:
            api.get("tags/get")
        assert explain(caught.value.errcode).policy == "stop_all"

    assert platform.issuer.calls["stable_token"] == 1


def test_40001_of_the_token_endpoint_means_a_wrong_password(api: Api, platform: Platform) -> None:
    platform.faults.add("stable_token", errcode=40001)

    with pytest.raises(ApiError, match="40125"):
        api.token()


def test_an_address_that_is_not_on_the_white_list_is_told(api: Api, platform: Platform) -> None:
    platform.issuer.allowed_ips = frozenset({"203.0.113.7"})

    with pytest.raises(ApiError) as caught:
        api.get("tags/get")

    assert caught.value.errcode == 40164
    assert "IP白名单" in explain(40164).action_zh


# --- what became of a call ---------------------------------------------------------------------------------------


def test_a_refused_connection_is_certainly_not_sent(clock: Time) -> None:
    api = Api(ACCOUNT.model_copy(update={"api_base": "http://127.0.0.1:9"}), MemoryTokens(), clock.now)

    with pytest.raises(NotSent):
        api.get("tags/get")


def test_a_platform_that_goes_away_between_two_calls_is_certainly_not_sent(
    api: Api, served: PlatformServer
) -> None:
    api.get("tags/get")
    served.stop()

    with pytest.raises(NotSent):
        api.get("tags/get")


@pytest.mark.parametrize("fault", ["reset", "hang", "garbage", "trickle"])
def test_a_call_without_a_usable_answer_may_have_been_done(
    api: Api, platform: Platform, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    api.token()
    monkeypatch.setattr(wire, "ANSWER_S", 0.5)
    platform.faults.add("tags/get", **{fault: True})
    started = time.monotonic()

    with pytest.raises(NoAnswer):
        api.get("tags/get")

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_http_error_may_have_been_done(api: Api, platform: Platform, status: int) -> None:
    platform.faults.add("tags/get", http=status)

    with pytest.raises(NoAnswer, match=str(status)):
        api.get("tags/get")


def test_no_token_means_that_the_message_itself_was_not_sent(api: Api, platform: Platform) -> None:
    platform.faults.add("stable_token", reset=True)

    with pytest.raises(NotSent):
        api.send_service("oX", {"msgtype": "text", "text": {"content": "x"}})

    assert platform.calls["message/custom/send"] == 0


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"null", b"<html>", b"\xff\xfe{}", b'{"errcode": "x"}', b"{" * 5000, b"1" * 5000]
)
def test_an_answer_that_is_no_json_object_is_no_success(raw_server: RawServer, answer: bytes) -> None:
    raw_server.answer = answer
    shelf = MemoryTokens()
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), shelf, Time().now)

    with pytest.raises(WeChatError):
        api.get("tags/get")


@pytest.mark.parametrize(
    "tokens",
    [b"{}", b'{"access_token":"t","expires_in":null}', b'{"access_token":null,"expires_in":7200}', b'{"access_token":"","expires_in":7200}',
     b'{"access_token":["t"],"expires_in":7200}', b'{"access_token":"t","expires_in":"soon"}', b'{"access_token":"t","expires_in":0}'],
)  # fmt: skip
def test_an_answer_without_a_usable_token_means_that_nothing_was_sent(
    raw_server: RawServer, tokens: bytes
) -> None:
    raw_server.answer = tokens
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)

    with pytest.raises(NotSent):
        api.send_service("oX", {"msgtype": "text", "text": {"content": "x"}})


TOKEN = b'{"access_token":"t","expires_in":7200,'


@pytest.mark.parametrize(
    "name",
    ["班\x01组长".encode(), "班组长\n".encode(), "班组长".encode() + b"\xe7\x8f", "\t班组长\x1f".encode()],
)
def test_a_name_with_signs_that_json_forbids_is_read_all_the_same(raw_server: RawServer, name: bytes) -> None:
    raw_server.answer = TOKEN + b'"tags":[{"id":100,"name":"' + name + b'","count":2}]}'
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)

    tags = api.tags()

    assert tags[0]["id"] == 100
    assert "班组长" in tags[0]["name"].replace("\x01", "")


@pytest.mark.parametrize(
    "answer",
    [b'"x":1}', b'"tags":null}', b'"tags":{}}', b'"tags":[1]}', b'"tags":[{"name":"a"}]}',
     b'"tags":[{"id":null,"name":"a"}]}', b'"tags":[{"id":"x"}]}'],
)  # fmt: skip
def test_an_answer_without_what_was_asked_for_says_so_in_one_error(
    raw_server: RawServer, answer: bytes
) -> None:
    raw_server.answer = TOKEN + answer
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)

    with pytest.raises(BadAnswer):
        api.tags()


@pytest.mark.parametrize(
    ("answer", "people"),
    [
        (b'"count":1,"data":{"openid":["oA"]},"next_openid":"oA"}', ["oA"]),
        (b'"count":0,"data":null,"next_openid":""}', []),
        (b'"count":0,"next_openid":""}', []),
        (b'"count":2,"data":{"openid":["oB","oA"]},"next_openid":"oA"}', ["oB", "oA"]),
    ],
)
def test_a_list_that_does_not_go_on_is_at_its_end(
    raw_server: RawServer, answer: bytes, people: list[str]
) -> None:
    raw_server.answer = TOKEN + answer
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)

    assert [one for page in api.tag_pages(100) for one in page] == people
    assert list(api.followers()) == people


def test_a_refused_certificate_is_certainly_not_sent(raw_server: RawServer) -> None:
    secure = raw_server.url.replace("http://", "https://")
    shelf = MemoryTokens()
    shelf.write(f"wx:{ACCOUNT.app_id}:token", "t", Time().now() + timedelta(hours=2))
    api = Api(ACCOUNT.model_copy(update={"api_base": secure}), shelf, Time().now)

    with pytest.raises(NotSent):  # what listens there speaks no TLS
        api.send_service("oX", {"msgtype": "text", "text": {"content": "x"}})


def test_a_slow_head_counts_as_well_as_a_slow_body(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "ANSWER_S", 0.5)
    raw_server.slow = True
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)
    started = time.monotonic()

    with pytest.raises(NotSent):
        api.get("tags/get")

    assert time.monotonic() - started < 3


def test_chinese_goes_out_as_itself(api: Api, platform: Platform) -> None:
    api.create_menu({"button": [{"type": "click", "name": "服务大厅", "key": "HALL"}]})

    assert platform.world.menu == {"button": [{"type": "click", "name": "服务大厅", "key": "HALL"}]}
    menu = api.menu()
    assert menu is not None
    assert menu["menu"]["button"][0]["name"] == "服务大厅"


def test_every_call_that_we_make_is_understood(api: Api, platform: Platform, jpeg: bytes) -> None:
    people = [platform.add_follower(name, "女职工").openid for name in ("甲", "乙", "丙")]
    cover = api.add_material("thumb", "cover.jpg", jpeg)
    picture = api.upload_picture("in.jpg", jpeg)
    article = {"title": "题", "content": f"<p>文</p><img src='{picture}'>", "thumb_media_id": cover}

    assert api.send_to_all({"msgtype": "text", "text": {"content": "大家好"}}, client_id="a")["msg_id"]
    for client_id, tag_id in (("b", None), ("c", api.tags()[-1]["id"])):
        draft = api.add_draft([article])
        content = {"msgtype": "mpnews", "mpnews": {"media_id": draft}}
        assert api.send_to_all(content, client_id=client_id, tag_id=tag_id)["msg_id"]
    image = api.upload_media("image", "p.jpg", jpeg)
    assert api.send_to_many(people, {"msgtype": "image", "images": {"media_ids": [image]}}, client_id="d")
    assert api.preview(people[0], {"msgtype": "text", "text": {"content": "先看看"}})["msg_id"]
    words = {"thing1": "领福利", "time2": "2027年2月20日 10:00"}
    assert api.send_template(people[0], TEMPLATE, words, client_id="e", url="https://a.example/")
    assert list(api.followers()) == people
    assert [one for page in api.tag_pages(api.tags()[-1]["id"]) for one in page] == people
    assert [one["subscribe"] for one in api.profiles(people)] == [1, 1, 1]
    assert api.menu() is None
    api.create_menu({"button": [{"type": "view", "name": "网站", "url": "https://a.example/"}]})
    assert api.shown_menu()["is_menu_open"] == 1
    api.delete_menu()
    assert api.callback_addresses()
    assert api.api_addresses()
    assert api.check_callback()["dns"]
    assert api.quota("message/template/send") == {"daily_limit": 100_000, "used": 1, "remain": 99_999}


def test_lists_longer_than_a_page_are_read_to_their_end(api: Api, platform: Platform) -> None:
    platform.limits.page = 7
    people = [platform.add_follower(f"职工{number}", "全体").openid for number in range(21)]

    assert list(api.followers()) == people
    assert [one for page in api.tag_pages(100) for one in page] == people


def test_a_repeat_of_a_mass_message_tells_the_first_id(api: Api, platform: Platform) -> None:
    platform.add_follower("甲")
    content = {"msgtype": "text", "text": {"content": "大家好"}}
    first = api.send_to_all(content, client_id="once")

    with pytest.raises(ApiError) as caught:
        api.send_to_all(content, client_id="once")

    assert explain(caught.value.errcode).policy == "sent"
    assert caught.value.answer["msg_id"] == first["msg_id"]


# --- secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("stable_token", {"errcode": 40125}),
        ("stable_token", {"http": 500}),
        ("stable_token", {"reset": True}),
        ("tags/get", {"errcode": 48001}),
        ("tags/get", {"http": 502}),
        ("tags/get", {"reset": True}),
        ("tags/get", {"garbage": True}),
    ],
)
def test_no_error_and_no_log_tells_a_secret(
    api: Api,
    platform: Platform,
    caplog: pytest.LogCaptureFixture,
    path: str,
    fault: dict[str, int],
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.faults.add(path, **fault)

    with pytest.raises(WeChatError) as caught:
        api.get("tags/get")

    error = caught.value
    told = [str(error), repr(error), *traceback.format_exception(error), caplog.text]
    chain = [link for link in (error.__cause__, error.__context__) if link]
    secrets = [SECRET, *platform.issuer._issued]
    assert not [secret for secret in secrets for words in told if secret in words]
    assert not chain


def test_a_token_in_wechats_own_words_is_masked(raw_server: RawServer) -> None:
    raw_server.answer = b'{"errcode": 40001, "errmsg": "bad access_token=abcdef for secret: \\"hush\\""}'
    api = Api(ACCOUNT.model_copy(update={"api_base": raw_server.url}), MemoryTokens(), Time().now)

    with pytest.raises(ApiError) as caught:
        api.get("tags/get")

    assert "abcdef" not in str(caught.value)
    assert "hush" not in str(caught.value)


# --- the table of codes ------------------------------------------------------------------------------------------


def test_every_code_says_what_to_do_in_chinese() -> None:
    for code, row in ERRCODES.items():
        assert row.code == code
        assert row.policy in POLICIES
        assert re.search("[一-鿿]", row.means_zh)
        assert re.search("[一-鿿]", row.action_zh)
        assert not re.search(r"token|JSON|errcode|openid", row.means_zh + row.action_zh)


def test_no_code_stands_in_the_table_twice() -> None:
    assert len(_TABLE) == len(ERRCODES)


def test_a_code_that_nobody_knows_is_tried_again_and_shown_to_the_technicians() -> None:
    assert explain(987654).policy == "retry"
    assert explain(987654).code == 987654


@pytest.mark.parametrize(
    ("errmsg", "words", "rid"),
    [
        ("invalid openid rid: 5f3a1b2c-1a2b3c4d-0e1f2a3b", "invalid openid", "5f3a1b2c-1a2b3c4d-0e1f2a3b"),
        (
            "invalid ip 1.2.3.4, not in whitelist, hint: [abcX_1]",
            "invalid ip 1.2.3.4, not in whitelist",
            "abcX_1",
        ),
        ("system error hints: [ req_id: Rt9 ]", "system error", "Rt9"),
        ("ok", "ok", ""),
    ],
)
def test_the_id_at_the_end_of_wechats_words_is_taken_apart(errmsg: str, words: str, rid: str) -> None:
    assert fold(errmsg) == (words, rid)


# --- helpers -----------------------------------------------------------------------------------------------------


class RawServer:
    """Answers every request with the same bytes, perhaps one at a time."""

    def __init__(self) -> None:
        self.answer, self.slow = b"", False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closed = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed:
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                if connection.recv(65536):
                    self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.answer)}\r\nConnection: close\r\n\r\n"
        whole = head.encode() + self.answer
        try:
            for at in range(len(whole)) if self.slow else ():
                connection.sendall(whole[at : at + 1])
                time.sleep(0.1)
            connection.sendall(whole)
        except OSError:
            return

    def close(self) -> None:
        self._closed = True
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.close()


@pytest.fixture
def jpeg() -> bytes:
    return b"\xff\xd8\xff" + b"\0" * 100
