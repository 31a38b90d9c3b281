"""/wx as anybody can reach it: every body, every envelope, in every mode, under Flask and on the event loop alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from bodies import BODIES, GOOD, MOST_BYTES, PLAIN, REFUSED, ROW, Body
from hypothesis import given, settings
from hypothesis import strategies as st
from webhook_cast import (
    ACCOUNT,
    APP_ID,
    MODES,
    NOON,
    OLD_KEY,
    SECOND,
    TOKEN,
    WORKER,
    Answer,
    Door,
    count,
    decrypt,
    delivery,
    encrypt,
    encrypt_block,
    event,
    person,
    sealed_body,
    sealed_query,
    signature,
    signed,
    stamp,
    stored,
    text,
)

from models.base import Store
from models.follower import followers

FRESH = timedelta(seconds=300)
HELLO = text("你好")


class TestEveryBody:
    def test_there_are_more_than_two_hundred_of_them_each_with_its_name(self) -> None:
        assert len({body.name for body in BODIES}) == len(BODIES) > 200

    @pytest.mark.parametrize("body", GOOD, ids=lambda body: body.name)
    def test_that_is_a_message_is_answered_and_stored_once(self, doors: Doors, body: Body) -> None:
        for mode in body.modes:
            for way in ("flask", "loop"):
                openid = sender(body, mode, way)

                answer = doors.answer(body, mode, way)

                _assert_answered(body, openid, answer)
                _assert_stored(body, openid, answer, doors)

    @pytest.mark.parametrize("body", REFUSED, ids=lambda body: body.name)
    def test_that_is_no_message_leaves_nothing_behind(self, doors: Doors, body: Body) -> None:
        rows = count(doors.store)
        for mode in body.modes:
            door = doors.by_mode[mode]
            for answer in (door.says(body.xml), *door.hears([body.xml])):
                assert (answer.status, answer.body) == (body.status, b"")
        assert count(doors.store) == rows

    @settings(max_examples=150)
    @given(
        body=st.sampled_from(GOOD),
        at=st.integers(0, 900),
        some=st.binary(max_size=4),
        lost=st.integers(0, 40),
    )
    def test_that_is_broken_anywhere_gets_an_answer(
        self, doors: Doors, body: Body, at: int, some: bytes, lost: int
    ) -> None:
        broken = body.xml[:at] + some + body.xml[at + lost : 4000]
        for mode in MODES:
            answer = doors.by_mode[mode].says(broken)

            assert answer.status in (200, 400)
            assert answer.status == 200 or answer.body == b""


class TestTheAccountIsConnected:
    """The verification GET (platform guide, 消息与事件推送, 第二步)."""

    def test_with_the_guides_own_numbers(self, plain: Door) -> None:
        plain.clock.at = NOON.fromtimestamp(1714036504, NOON.tzinfo)
        response = plain.phone.get(
            "/wx?signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249"
            "&timestamp=1714036504&nonce=1514711492"
        )

        assert (response.status_code, response.text) == (200, "4375120948345356249")
        assert response.content_type == "text/plain; charset=utf-8"

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("echo", ["1", "", "a b", "<script>alert(1)</script>", "%", "工会"])
    def test_by_giving_back_what_was_sent(self, sqlite_store: Store, mode: str, echo: str) -> None:
        door = Door(sqlite_store, mode)

        response = door.phone.get("/wx", query_string=signed(NOON, echostr=echo))

        assert (response.status_code, response.text) == (200, echo)
        assert response.content_type.startswith("text/plain")

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "echostr=1",
            urlencode(signed(NOON, token="BBBBB", echostr="1")),
            urlencode(signed(NOON, echostr="1") | {"signature": ""}),
            urlencode(signed(NOON, echostr="1") | {"nonce": "1"}),
            urlencode(signed(NOON - FRESH - SECOND, echostr="1")),
            urlencode(signed(NOON + FRESH + SECOND, echostr="1")),
            urlencode(signed(NOON, echostr="1")) + "&echostr=2",
        ],
    )
    def test_but_not_by_a_stranger(self, plain: Door, query: str) -> None:
        response = plain.phone.get("/wx?" + query)

        assert (response.status_code, response.data) == (403, b"forbidden")

    @pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
    def test_and_by_no_other_verb(self, plain: Door, verb: str) -> None:
        response = plain.phone.open("/wx?" + urlencode(signed(NOON)), method=verb, data=HELLO)

        assert response.status_code == 405
        assert stored(plain.store) == []


PLAIN_FORGERIES = {
    "no query": "",
    "another token": urlencode(signed(NOON, token="BBBBB")),
    "an empty token": urlencode(signed(NOON, token="")),
    "an empty signature": urlencode(signed(NOON) | {"signature": ""}),
    "no signature": urlencode({"timestamp": stamp(NOON), "nonce": "1"}),
    "half a signature": urlencode(signed(NOON) | {"signature": signed(NOON)["signature"][:20]}),
    "a signature in capitals": urlencode(signed(NOON) | {"signature": signed(NOON)["signature"].upper()}),
    "a signature with a blank": urlencode(signed(NOON) | {"signature": signed(NOON)["signature"] + " "}),
    "a signature not in ASCII": urlencode(signed(NOON) | {"signature": "工" * 40}),
    "a signature of broken UTF-8": urlencode(signed(NOON) | {"signature": ""}) + "&x=%ff%fe",
    "raw bytes in the query": urlencode(signed(NOON) | {"signature": ""}) + "\xff\xfe",
    "another nonce": urlencode(signed(NOON) | {"nonce": "7"}),
    "no nonce": urlencode({k: v for k, v in signed(NOON).items() if k != "nonce"}),
    "another timestamp": urlencode(signed(NOON) | {"timestamp": stamp(NOON + SECOND)}),
    "no timestamp": urlencode({k: v for k, v in signed(NOON).items() if k != "timestamp"}),
    "an empty timestamp": urlencode({"timestamp": "", "nonce": "1", "signature": signature(TOKEN, "", "1")}),
    "a timestamp in words": urlencode(
        {"timestamp": "now", "nonce": "1", "signature": signature(TOKEN, "now", "1")}
    ),
    "a timestamp in wide digits": urlencode(
        {"timestamp": "１", "nonce": "1", "signature": signature(TOKEN, "１", "1")}
    ),
    "a timestamp with a fraction": urlencode(
        {
            "timestamp": stamp(NOON) + ".0",
            "nonce": "1",
            "signature": signature(TOKEN, stamp(NOON) + ".0", "1"),
        }
    ),
    "a negative timestamp": urlencode(
        {"timestamp": "-1", "nonce": "1", "signature": signature(TOKEN, "-1", "1")}
    ),
    "a timestamp of 30 digits": urlencode(
        {"timestamp": "9" * 30, "nonce": "1", "signature": signature(TOKEN, "9" * 30, "1")}
    ),
    "a timestamp 301 s old": urlencode(signed(NOON - FRESH - SECOND)),
    "a timestamp 301 s ahead": urlencode(signed(NOON + FRESH + SECOND)),
    "a timestamp of 1970": urlencode(signed(NOON.fromtimestamp(0, NOON.tzinfo))),
    "the signature twice": urlencode(signed(NOON)) + "&signature=" + signed(NOON)["signature"],
    "the timestamp twice": urlencode(signed(NOON)) + "&timestamp=" + stamp(NOON),
    "the nonce twice, once with a percent": urlencode(signed(NOON)) + "&%6eonce=1",
    "names in capitals": urlencode(signed(NOON)).upper(),
    "a semicolon for an ampersand": urlencode(signed(NOON)).replace("&", ";"),
    "a query of 3000 characters": urlencode(signed(NOON)) + "&x=" + "y" * 3000,
    "five hundred parameters": urlencode(signed(NOON)) + "&" * 500,
    "the signature of an encrypted message only": urlencode(
        {"timestamp": stamp(NOON), "nonce": "1", "msg_signature": signature(TOKEN, stamp(NOON), "1")}
    ),
    "parts moved between timestamp and nonce": urlencode(
        {
            "timestamp": stamp(NOON) + "4",
            "nonce": "86452656",
            "signature": signature(TOKEN, stamp(NOON), "486452656"),
        }
    ),
}


def sealed_forgeries() -> dict[str, tuple[str, bytes]]:
    """Query and body of encrypted messages that are properly signed but cannot be read, and the reverse."""
    good = encrypt(HELLO)
    block = bytes(16) + len(HELLO).to_bytes(4, "big") + HELLO + APP_ID.encode()
    room = 32 - len(block) % 32

    def sealed(text: str) -> tuple[str, bytes]:
        return urlencode(sealed_query(NOON, text)), sealed_body(text)

    def padded(pad: bytes) -> tuple[str, bytes]:
        return sealed(encrypt(HELLO, random=bytes(16), pad=pad))

    def sized(size: int) -> tuple[str, bytes]:
        plain = bytes(16) + size.to_bytes(4, "big") + HELLO + APP_ID.encode() + bytes([room]) * room
        return sealed(encrypt_block(plain))

    return {
        "encrypted for another account": sealed(encrypt(HELLO, app_id="wx0000000000000000")),
        "encrypted for nobody": sealed(encrypt(HELLO, app_id="")),
        "encrypted for an account of a longer name": sealed(encrypt(HELLO, app_id=APP_ID + "x")),
        "encrypted for an account of a shorter name": sealed(encrypt(HELLO, app_id=APP_ID[:-1])),
        "encrypted with another key": sealed(encrypt(HELLO, key=OLD_KEY)),
        "padded with nothing": padded(bytes([0]) * room),
        "padded with too much": padded(bytes([33]) * room),
        "padded with 255": padded(bytes([255]) * room),
        "padded unevenly": padded(b"\x01" * (room - 1) + bytes([room])),
        "said to be longer than it is": sized(len(HELLO) + 1),
        "said to be shorter than it is": sized(len(HELLO) - 1),
        "said to be empty": sized(0),
        "said to be 4 GB": sized(2**32 - 1),
        "cut off within a block": sealed(good[:-8]),
        "cut off after a block": sealed(good[: 64 * 4 // 3 // 4 * 4]),
        "one block": sealed(encrypt_block(bytes(16))),
        "one block of padding": sealed(encrypt_block(b"\x10" * 16)),
        "two blocks of padding": sealed(encrypt_block(b"\x20" * 32)),
        "nothing": sealed(""),
        "blanks": sealed("   "),
        "no base64": sealed("你好"),
        "base64 of the other alphabet": sealed(good.replace("+", "-").replace("/", "_") + "-_"),
        "base64 with a line end": sealed(good[:40] + "\n" + good[40:]),
        "base64 with a blank": sealed(good[:40] + " " + good[40:]),
        "base64 without its end": sealed(good.rstrip("=")[:-1]),
        "the message itself": sealed(HELLO.decode().replace("]]>", "")),
        "signed for another text": (urlencode(sealed_query(NOON, "other")), sealed_body(good)),
        "signed with another token": (urlencode(sealed_query(NOON, good, token="BBBBB")), sealed_body(good)),
        "signed for the plain signature only": (
            urlencode(signed(NOON, encrypt_type="aes", openid=WORKER)),
            sealed_body(good),
        ),
        "signed with the plain signature under the other name": (
            urlencode(signed(NOON, encrypt_type="aes", msg_signature=signed(NOON)["signature"])),
            sealed_body(good),
        ),
        "signed 301 s ago": (urlencode(sealed_query(NOON - FRESH - SECOND, good)), sealed_body(good)),
        "signed 301 s ahead": (urlencode(sealed_query(NOON + FRESH + SECOND, good)), sealed_body(good)),
        "signed twice": (
            urlencode(sealed_query(NOON, good))
            + "&msg_signature="
            + sealed_query(NOON, good)["msg_signature"],
            sealed_body(good),
        ),
        "two encrypted texts, the second signed": (
            urlencode(sealed_query(NOON, good)),
            sealed_body(good).replace(b"<Encrypt>", b"<Encrypt>x</Encrypt><Encrypt>", 1),
        ),
        "an encrypted text one level too deep": (
            urlencode(sealed_query(NOON, good)),
            b"<a>" + sealed_body(good) + b"</a>",
        ),
        "no XML around a signed text": (
            urlencode(sealed_query(NOON, good) | {"signature": ""}),
            good.encode(),
        ),
    }


SEALED_FORGERIES = sealed_forgeries()


class TestAForger:
    @pytest.mark.parametrize("name", PLAIN_FORGERIES)
    @pytest.mark.parametrize(
        "body", [HELLO, b"", b"\x00", b"<xml", b"x" * 1000], ids=["text", "nothing", "NUL", "half", "x"]
    )
    def test_learns_nothing_in_plain_mode(self, shut: dict[str, Door], name: str, body: bytes) -> None:
        _assert_forbidden(shut["plain"], PLAIN_FORGERIES[name], body)

    @pytest.mark.parametrize("mode", ["safe", "compat"])
    @pytest.mark.parametrize("name", PLAIN_FORGERIES)
    def test_learns_nothing_in_the_other_modes(self, shut: dict[str, Door], name: str, mode: str) -> None:
        _assert_forbidden(shut[mode], PLAIN_FORGERIES[name], HELLO)

    @pytest.mark.parametrize("mode", ["safe", "compat"])
    @pytest.mark.parametrize("name", SEALED_FORGERIES)
    def test_learns_nothing_from_what_cannot_be_decrypted(
        self, shut: dict[str, Door], name: str, mode: str
    ) -> None:
        _assert_forbidden(shut[mode], *SEALED_FORGERIES[name])

    def test_who_flips_any_one_bit_of_a_sealed_message_is_refused(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, "safe")
        sealed = encrypt(HELLO)
        for at in range(0, len(sealed), 3):
            other = "A" if sealed[at] != "A" else "B"
            bent = sealed[:at] + other + sealed[at + 1 :]

            unsigned = door.post(urlencode(sealed_query(NOON, sealed)), sealed_body(bent))

            assert (unsigned.status, unsigned.body) == (403, b"forbidden")
        assert stored(door.store) == []

    def test_cannot_bring_a_seen_message_again_after_its_time(self, plain: Door) -> None:
        query, body = delivery("plain", HELLO, NOON)
        first = plain.post(query, body)
        for seconds, status in ((1, 200), (299, 200), (300, 200), (301, 403)):
            plain.clock.at = NOON.replace(microsecond=0) + seconds * SECOND

            again = plain.post(query, body)

            assert again.status == status
            assert status != 200 or again.body == first.body
        assert len(stored(plain.store)) == 1

    def test_is_not_told_apart_from_a_clumsy_friend_by_the_body(self, sqlite_store: Store) -> None:
        """Only who holds the token hears that a body is no XML."""
        door = Door(sqlite_store, "safe")

        assert door.post(urlencode(signed(NOON)), b"garbage").status == 400
        assert door.post(urlencode(signed(NOON, token="BBBBB")), b"garbage").status == 403


class TestTheEnvelope:
    def test_of_the_guides_own_plain_example_is_accepted(self, plain: Door) -> None:
        plain.clock.at = NOON.fromtimestamp(1714037059, NOON.tzinfo)

        answer = plain.post(
            "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656",
            event("debug_demo", "<debug_str>hello world</debug_str>"),
        )

        assert (answer.status, answer.body) == (200, b"success")
        assert stored(plain.store)[0]["event"] == "debug_demo"

    @pytest.mark.parametrize("way", ["flask", "loop"])
    def test_of_the_previous_key_is_opened_and_answered_under_that_key(
        self, sqlite_store: Store, way: str
    ) -> None:
        door = Door(sqlite_store, "safe", previous=OLD_KEY)
        query, body = delivery("safe", HELLO, NOON, key=OLD_KEY)

        if way == "flask":
            raw = door.phone.post("/wx?" + query, data=body).get_data()
        else:
            opened, _ = door.webhook.arrive(query, body)
            assert not isinstance(opened, int)
            raw = door.webhook.seal(opened, "<xml>您好</xml>")

        reply = decrypt(ElementTree.fromstring(raw).findtext("Encrypt", ""), key=OLD_KEY)
        assert "您好" in reply.decode()
        assert door.says(text("谢谢", 2)).status == 200

    def test_of_a_key_that_was_given_up_is_refused(self, sqlite_store: Store) -> None:
        answer = Door(sqlite_store, "safe").post(*delivery("safe", HELLO, NOON, key=OLD_KEY))

        assert (answer.status, answer.body) == (403, b"forbidden")

    def test_in_safe_mode_a_plain_body_with_a_good_signature_is_refused(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, "safe")
        for query in (signed(NOON), signed(NOON, encrypt_type="raw"), sealed_query(NOON, "")):
            answer = door.post(urlencode(query), HELLO)

            assert (answer.status, answer.body) == (403, b"forbidden")
        assert stored(sqlite_store) == []

    def test_in_safe_mode_the_encrypted_body_counts_whatever_encrypt_type_says(
        self, sqlite_store: Store
    ) -> None:
        door = Door(sqlite_store, "safe")
        sealed = encrypt(HELLO)
        for kind in ("aes", "raw", "", "AES"):
            answer = door.post(
                urlencode(sealed_query(NOON, sealed) | {"encrypt_type": kind}), sealed_body(sealed)
            )

            assert "您好" in answer.content

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("given", ["", "0" * 40, None])
    def test_without_the_gates_signature_is_not_looked_at_in_any_mode(
        self, sqlite_store: Store, mode: str, given: str | None
    ) -> None:
        """Whatever else is right: a good msg_signature, a body that is no XML."""
        door = Door(sqlite_store, mode)
        for xml in (HELLO, b"garbage"):
            query, body = delivery(mode, xml, NOON)
            fields = dict(pair.split("=", 1) for pair in query.split("&"))
            fields = fields | {"signature": given} if given is not None else fields
            if given is None:
                del fields["signature"]

            answer = door.post(urlencode(fields), body)

            assert (answer.status, answer.body) == (403, b"forbidden")
        assert stored(sqlite_store) == []

    @pytest.mark.parametrize("kind", ["", "raw", "AES", "aes "])
    def test_in_compat_mode_without_aes_the_message_is_plain_and_so_is_the_answer(
        self, sqlite_store: Store, kind: str
    ) -> None:
        door = Door(sqlite_store, "compat")
        more = {"encrypt_type": kind} if kind else {}

        answer = door.post(urlencode(signed(NOON, **more)), sealed_body(encrypt(text("谢谢")), HELLO))

        assert answer.body.startswith(b"<xml><ToUserName>")
        assert "您好" in answer.content

    def test_in_compat_mode_with_aes_only_what_was_encrypted_counts(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, "compat")
        sealed = encrypt(HELLO)

        answer = door.post(urlencode(sealed_query(NOON, sealed)), sealed_body(sealed, text("谢谢")))

        assert answer.body.startswith(b"<xml><Encrypt>")
        assert "您好" in answer.content
        assert [row["content"] for row in stored(sqlite_store)] == ["你好"]

    def test_in_plain_mode_an_encrypted_body_is_no_message(self, plain: Door) -> None:
        sealed = encrypt(HELLO)

        assert plain.post(urlencode(sealed_query(NOON, sealed)), sealed_body(sealed)).status == 400

    def test_stale_by_any_measure_is_opened_when_freshness_is_not_looked_at(
        self, sqlite_store: Store
    ) -> None:
        door = Door(sqlite_store, freshness_s=0)

        assert door.says(HELLO, NOON - timedelta(days=4000)).status == 200
        assert door.says(HELLO, NOON + timedelta(days=4000)).status == 200

    def test_old_is_no_fault_of_the_message_itself(self, plain: Door) -> None:
        """CreateTime is never judged: WeChat may have been unable to reach us."""
        assert plain.says(text("你好", at=NOON - timedelta(days=400))).status == 200

    def test_in_which_the_token_is_empty_is_never_opened(self, sqlite_store: Store) -> None:
        answer = Door(sqlite_store, token="").post(urlencode(signed(NOON, token="")), HELLO)

        assert (answer.status, answer.body) == (403, b"forbidden")

    def test_in_a_query_written_with_percents_is_the_same(self, plain: Door) -> None:
        query = "&".join(
            "".join(f"%{ord(c):02x}" for c in name) + "=" + "".join(f"%{ord(c):02X}" for c in value)
            for name, value in signed(NOON).items()
        )

        assert plain.post(query, HELLO).status == 200

    def test_with_more_in_the_query_is_the_same(self, plain: Door) -> None:
        query = urlencode(signed(NOON, openid=WORKER, 工会="😀", empty="", x="a+b c%"))

        assert plain.post(query, HELLO).status == 200

    @pytest.mark.parametrize("mode", ["safe", "compat"])
    def test_carries_any_message_whole(self, sqlite_store: Store, mode: str) -> None:
        door = Door(sqlite_store, mode)
        for number in range(70):  # every length of padding
            words = "工" * number + "a" * (number % 3)

            assert door.says(text(words, number)).status == 200
            assert stored(sqlite_store)[-1]["raw"] == text(words, number).decode()

    def test_of_every_answer_has_another_random_part(self, sqlite_store: Store) -> None:
        door = Door(sqlite_store, "safe")

        assert door.says(HELLO).body != door.says(HELLO).body

    def test_says_success_in_clear(self, sqlite_store: Store) -> None:
        """platform guide, 消息加解密说明: 回复空串或者success（无需加密）即可."""
        assert Door(sqlite_store, "safe").says(event("VIEW", key="u")).body == b"success"


class TestAMessage:
    def test_for_another_account_is_answered_in_that_accounts_name_and_a_warning_is_logged(
        self, plain: Door, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            answer = plain.says(HELLO.replace(ACCOUNT.encode(), b"gh_other"))

        root = ElementTree.fromstring(answer.xml)
        assert (root.findtext("FromUserName"), root.findtext("ToUserName")) == ("gh_other", WORKER)
        assert "gh_other" in caplog.text
        assert WORKER not in caplog.text

    def test_is_answered_to_its_sender_at_this_moment(self, plain: Door) -> None:
        root = ElementTree.fromstring(plain.says(HELLO).xml)

        assert root.tag == "xml"
        assert (root.findtext("FromUserName"), root.findtext("ToUserName")) == (ACCOUNT, WORKER)
        assert root.findtext("CreateTime") == stamp(NOON)

    def test_of_64_kb_is_read_and_one_byte_more_is_not(self, plain: Door) -> None:
        most = PLAIN.encode() + b" " * (MOST_BYTES - len(PLAIN.encode()))

        assert plain.says(most).status == 200
        assert plain.says(most + b" ").status == 413
        assert plain.post("", most + b" ").status == 413

    def test_that_comes_with_the_wrong_media_type_is_a_message_all_the_same(self, plain: Door) -> None:
        query, body = delivery("plain", HELLO, NOON)
        for kind in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "text/plain",
        ):
            response = plain.phone.post("/wx?" + query, data=body, content_type=kind)

            assert response.status_code == 200
        assert len(stored(plain.store)) == 1

    def test_answer_says_what_it_is(self, plain: Door) -> None:
        query, body = delivery("plain", HELLO, NOON)
        xml = plain.phone.post("/wx?" + query, data=body)
        word = plain.phone.post("/wx?" + query, data=event("VIEW", key="u"))

        assert xml.content_type == "text/xml; charset=utf-8"
        assert word.content_type == "text/plain; charset=utf-8"


def _assert_forbidden(door: Door, query: str, body: bytes) -> None:
    under_flask = door.phone.post("/wx?" + query, data=body)
    status, words = door.webhook.answer(query, body)

    assert (under_flask.status_code, under_flask.data) == (status, words) == (403, b"forbidden")
    assert count(door.store) == 0


def _assert_answered(body: Body, openid: str, answer: Answer) -> None:
    assert (answer.status, answer.kind) == (200, body.answer)
    if answer.xml:
        assert body.has in answer.content
        root = ElementTree.fromstring(answer.xml)
        assert root.findtext("ToUserName") == _named(body, openid)


def _named(body: Body, openid: str) -> str:
    """The sender as the body writes it."""
    name: str = body.row.get("openid", "{}").replace("{}", openid)
    return name


def _assert_stored(body: Body, openid: str, answer: Answer, doors: Doors) -> None:
    xml, openid = body.sent_by(openid), _named(body, openid)
    (row,), seen = doors.rows(openid), doors.person(openid)
    due = {"raw": xml.decode(), "reply": answer.xml} | body.row | {"openid": openid}
    assert {name: row[name] for name in due} == due
    assert set(due) >= set(ROW)
    if body.follower is None:
        assert seen is None
    else:
        assert seen is not None
        assert {name: seen[name] for name in body.follower} == dict(body.follower)


def sender(body: Body, mode: str, way: str) -> str:
    """Somebody else for each body, mode and way, with an openid of the usual length."""
    return body.openid[:-2] + mode[0] + way[0]


class Doors:
    """The account in each mode. Every good body comes once through Flask, by itself, and once on the event loop, where
    all of them share groups as they do in production."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.by_mode = {mode: Door(store, mode) for mode in MODES}
        self._grouped: dict[tuple[str, str], Answer] = {}
        for mode, door in self.by_mode.items():
            bodies = [body for body in GOOD if mode in body.modes]
            answers = door.hears([body.sent_by(sender(body, mode, "loop")) for body in bodies])
            self._grouped |= {(mode, body.name): answer for body, answer in zip(bodies, answers, strict=True)}
        self._rows = {row["openid"]: row for row in stored(store)}
        assert len(self._rows) == len(self._grouped) == count(store)
        with store.reading() as connection:
            people = connection.execute(sa.select(followers)).mappings()
            self._people = {row["openid"]: row for row in people}

    def answer(self, body: Body, mode: str, way: str) -> Answer:
        if way == "loop":
            return self._grouped[mode, body.name]
        return self.by_mode[mode].says(body.sent_by(sender(body, mode, way)))

    def rows(self, openid: str) -> list[Any]:
        return [self._rows[openid]] if openid in self._rows else stored(self.store, openid)

    def person(self, openid: str) -> Any:
        return self._people.get(openid) if openid in self._rows else person(self.store, openid)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, scratch: Any) -> Iterator[Doors]:
    store = Store(scratch.empty("sqlite", tmp_path_factory.mktemp("doors")))
    made = Doors(store)
    yield made
    for door in made.by_mode.values():
        door.close()
    store.close()


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory, scratch: Any) -> Iterator[dict[str, Door]]:
    """The account in each mode, over a store into which nothing ever comes."""
    store = Store(scratch.empty("sqlite", tmp_path_factory.mktemp("shut")))
    yield {mode: Door(store, mode) for mode in MODES}
    store.close()


@pytest.fixture
def plain(sqlite_store: Store) -> Iterator[Door]:
    door = Door(sqlite_store)
    yield door
    door.close()
