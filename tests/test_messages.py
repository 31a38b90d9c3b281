"""Every body of the platform guide as a typed value, and anything else as a message or a refusal, never as a surprise."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from bodies import BODIES, GOOD, ID, REFUSED, SENT, Body
from hypothesis import example, given, settings
from hypothesis import strategies as st
from webhook_cast import ACCOUNT, NOON, SECOND, WORKER, cdata, envelope_of, event, text

from models.interaction import NO_TIME
from wx import messages as m
from wx.messages import EVENTS, LATEST, TYPES, BadMessage, Message, decimal, parse, whole

KNOWN_TYPES = ("text", "image", "voice", "video", "shortvideo", "location", "link", "file")
KNOWN_EVENTS = {  # the facts sheet's list, in lower case
    "subscribe", "unsubscribe", "scan", "location", "click", "view", "view_miniprogram", "scancode_push", "scancode_waitmsg",
    "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select", "masssendjobfinish", "templatesendjobfinish",
    "publishjobfinish", "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event",
    "kf_create_session", "kf_close_session", "kf_switch_session", "user_info_modified", "user_authorization_revoke",
    "user_authorization_cancellation", "qualification_verify_success", "qualification_verify_fail", "naming_verify_success",
    "naming_verify_fail", "annual_renew", "verify_expired",
}  # fmt: skip
TAGS = (
    "xml", "ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "MsgID", "Event", "EventKey", "Content", "Encrypt",
    "SendPicsInfo", "PicList", "item", "Count", "ScanCodeInfo", "ScanResult", "SendLocationInfo", "Location_X", "Latitude",
    "SubscribeMsgPopupEvent", "List", "TemplateId", "PublishEventInfo", "fail_idx", "OpenID", "TotalCount", "Recognition", "a",
)  # fmt: skip


class TestABody:
    @pytest.mark.parametrize("body", GOOD, ids=lambda body: body.name)
    def test_becomes_the_value_that_it_says(self, body: Body) -> None:
        message = parse(body.xml)

        assert message.body == body.body
        assert message.type == body.row["msg_type"] or message.type.startswith(body.row["msg_type"])
        assert (message.created is None) == (body.row["sent_at"] == NO_TIME)
        assert message.raw == body.xml.decode()

    @pytest.mark.parametrize("body", [b for b in REFUSED if b.status == 400], ids=lambda body: body.name)
    def test_that_is_no_message_is_refused_in_one_way(self, body: Body) -> None:
        with pytest.raises(BadMessage):
            parse(body.xml)

    def test_of_every_documented_kind_has_a_value_of_its_own(self) -> None:
        assert set(TYPES) == set(KNOWN_TYPES)
        assert set(EVENTS) >= KNOWN_EVENTS
        seen = {type(body.body) for body in GOOD}
        kinds = set(m.Body.__args__)  # type: ignore[attr-defined]
        assert seen == kinds

    @pytest.mark.parametrize("name", sorted(EVENTS))
    def test_of_an_event_without_its_own_fields_is_read_all_the_same(self, name: str) -> None:
        for written in (name, name.upper(), name.title()):
            message = parse(envelope_of("event", f"<Event>{written}</Event>"))

            assert type(message.body) is type(EVENTS[name](_empty()))
            assert message.event == written

    @pytest.mark.parametrize("kind", KNOWN_TYPES)
    def test_of_a_message_without_its_own_fields_is_read_all_the_same(self, kind: str) -> None:
        message = parse(envelope_of(kind, ""))

        assert type(message.body) is not m.Unknown
        assert all(value in ("", 0, None) for value in dataclasses.astuple(message.body))


SHAPE = (
    "<xml>", "<ToUserName><![CDATA[", ACCOUNT, "]]></ToUserName>", "<FromUserName><![CDATA[", WORKER, "]]></FromUserName>",
    "<CreateTime>", "1799035200", "</CreateTime>", "<MsgType><![CDATA[text]]></MsgType>", "<Content><![CDATA[", "工伤😀",
    "]]></Content>", "<MsgId>", "24000000000000001", "</MsgId>", "</xml>",
)  # fmt: skip
ODDS = ("", "\n", " ", "\r\n", "<", ">", "&", "&amp;", "]", "]]>", "<![CDATA[", "\x00", "\x0b", "\x85", "\u2028", "\ufeff", "\ufffe",
        "０", "٣", "0", "9" * 11, "-", "@", ".", "é", "工", "A" * 129, "<a>1</a>", "<!-- -->", "<bizmsgmenuid>1</bizmsgmenuid>",
        "<MsgType>image</MsgType>", "<FromUserName>x</FromUserName>", "<!DOCTYPE x>", "<?x?>")  # fmt: skip


class TestATextMessage:
    """Nearly all that comes: its usual form is read by a pattern of its own, and says what it says in any other form."""

    @settings(max_examples=500)
    @given(
        st.lists(st.tuples(st.integers(0, len(SHAPE)), st.sampled_from(ODDS)), max_size=3),
        st.sets(st.integers(0, len(SHAPE) - 1), max_size=2),
        st.sampled_from(["", "\n", " "]),
    )
    @example([], set(), "")
    @example([], set(), "\n")
    def test_is_the_same_by_either_way(self, put: list[tuple[int, str]], lost: set[int], gap: str) -> None:
        pieces = ["" if at in lost else piece for at, piece in enumerate(SHAPE)]
        for at, odd in put:
            pieces.insert(at, odd)
        both_ways(spaced("".join(pieces), gap).encode())

    @settings(max_examples=300)
    @given(st.text(max_size=30))
    def test_may_hold_any_words(self, words: str) -> None:
        both_ways(text("你好").replace("你好".encode(), words.encode(errors="surrogatepass")))
        both_ways(text(words.encode(errors="ignore").decode()))

    @pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
    def test_or_anything_else_of_the_other_tests_is_the_same(self, body: Body) -> None:
        both_ways(body.xml)

    @pytest.mark.parametrize("gap", ["", "\n"])
    def test_as_wechat_writes_it_takes_the_short_way(self, gap: str) -> None:
        assert m.TEXT.fullmatch(spaced("".join(SHAPE), gap))

    @pytest.mark.parametrize(
        "created", ["1000000000", "9999999999", "0999999999", "0000000000", "253402300800"]
    )
    def test_keeps_to_possible_times(self, created: str) -> None:
        both_ways("".join(SHAPE).replace("1799035200", created).encode())


def spaced(xml: str, gap: str) -> str:
    """With that between its elements."""
    return re.sub(r"(<xml>|</\w+>)", rf"\1{gap}", xml)


def both_ways(body: bytes) -> None:
    """Asserts that the pattern for text messages changes nothing."""
    quick = _refusal_or_message(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(m, "TEXT", re.compile("(?!)"))
        assert _refusal_or_message(body) == quick


def _refusal_or_message(body: bytes) -> Message | str:
    try:
        return parse(body)
    except BadMessage as error:
        return str(error)


class TestTheKey:
    """By which a retry is known (platform guide, 接收普通消息 and 接收事件推送)."""

    def test_is_the_same_for_every_delivery_of_one_message(self) -> None:
        assert re.fullmatch(r"[0-9a-f]{64}", parse(text("你好")).key)
        assert parse(text("你好")).key == parse(text("你好")).key
        assert parse(event("CLICK", key="A")).key == parse(event("CLICK", key="A")).key

    def test_goes_by_the_id_where_there_is_one(self) -> None:
        """The same id with other words, or an event's id under either case, is the same message."""
        assert parse(text("你好")).key == parse(text("再见")).key
        sent = "<MsgID>1</MsgID><Status>{}</Status>"
        one = parse(event("TEMPLATESENDJOBFINISH", sent.format("success"))).key
        assert one == parse(event("templatesendjobfinish", sent.format("failed:user block"))).key

    @pytest.mark.parametrize(
        "other",
        [
            text("你好", 2),
            text("你好", at=NOON + SECOND),
            text("你好", openid=WORKER.lower()),
            text("你好").replace(b"[text]", b"[image]"),
            text("你好").replace(b"<MsgId>1</MsgId>", b""),
            text("再见").replace(b"<MsgId>1</MsgId>", b""),
        ],
    )
    def test_differs_with_each_part(self, other: bytes) -> None:
        assert parse(text("你好")).key != parse(other).key

    def test_tells_events_of_one_second_apart(self) -> None:
        bodies = [
            event("CLICK", key="A"), event("CLICK", key="B"), event("CLICK", key="a"), event("SCAN", key="A"), event("VIEW"),
            event("subscribe"), event("unsubscribe"), event("pic_weixin", "<SendPicsInfo><Count>1</Count></SendPicsInfo>"),
            event("pic_weixin", "<SendPicsInfo><Count>2</Count></SendPicsInfo>"), event("hologram", "<x>1</x>"),
            event("hologram", "<x>2</x>"), event("CLICK", "<MsgID>1</MsgID>", key="A"), event("CLICK", key="A", at=NOON + SECOND),
        ]  # fmt: skip
        assert len({parse(body).key for body in bodies}) == len(bodies)

    def test_cannot_be_made_equal_by_moving_words_between_its_parts(self) -> None:
        assert (
            parse(envelope_of("text", "<MsgId>11</MsgId>")).key
            != parse(envelope_of("text1", "<MsgId>1</MsgId>")).key
        )


class TestANumber:
    @pytest.mark.parametrize(
        ("words", "number"),
        [("7", 7), ("-7", -7), (" 7\n", 7), ("", 0), ("x", 0), ("7.0", 0), ("1e3", 0), ("9" * 19, 10**19 - 1), ("9" * 20, 0)],
    )  # fmt: skip
    def test_is_whole_or_nothing(self, words: str, number: int) -> None:
        assert whole(words) == number

    @pytest.mark.parametrize(
        ("words", "number"),
        [("7", 7.0), ("-0.5", -0.5), ("1e3", 1000.0), ("", None), ("nan", None), ("-inf", None), ("1e999", None), ("北", None)],
    )  # fmt: skip
    def test_is_finite_or_nothing(self, words: str, number: float | None) -> None:
        assert decimal(words) == number

    @given(st.text())
    def test_is_never_a_surprise(self, words: str) -> None:
        assert isinstance(whole(words), int)
        number = decimal(words)
        assert number is None or abs(number) < float("inf")


def trees(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """XML of elements that WeChat knows, in any order, depth and number."""
    return st.recursive(
        leaf,
        lambda inner: st.lists(
            st.tuples(st.sampled_from(TAGS), inner).map(lambda pair: f"<{pair[0]}>{pair[1]}</{pair[0]}>"),
            max_size=8,
        ).map("".join),
        max_leaves=25,
    )


words = st.one_of(
    st.sampled_from(
        ["", "text", "event", "CLICK", "subscribe", "unsubscribe", "1", "-1", "NaN", "qrscene_", "9" * 30, ID]
    ),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
).map(cdata)


class TestAnything:
    """Hypothesis: whatever is posted is a message or refused; nothing else is ever raised."""

    @settings(max_examples=500)
    @given(st.binary(max_size=400))
    def test_made_of_bytes(self, body: bytes) -> None:
        _read(body)

    @settings(max_examples=200)
    @given(trees(words), st.sampled_from([*KNOWN_TYPES, *sorted(EVENTS)]))
    def test_made_of_elements(self, inner: str, kind: str) -> None:
        own = f"<Event>{kind}</Event>" if kind in EVENTS else ""
        head = f"<FromUserName>{WORKER}</FromUserName><MsgType>{'event' if own else kind}</MsgType>{own}"

        message = _read(f"<xml>{head}{inner}</xml>".encode())

        assert message is not None
        assert (message.openid, message.type) == (WORKER, "event" if own else kind)
        assert not own or type(message.body) is type(EVENTS[kind](_empty()))

    @settings(max_examples=600)
    @given(st.data())
    def test_made_by_breaking_a_good_one(self, data: Any) -> None:
        _read(_broken_often(data))

    @pytest.mark.soak
    @settings(max_examples=20_000)
    @given(st.data())
    def test_made_by_breaking_good_ones_all_day(self, data: Any) -> None:
        _read(_broken_often(data))

    @given(st.sampled_from(GOOD), st.data())
    def test_made_by_mixing_elements_of_two_good_ones(self, one: Body, data: Any) -> None:
        other = data.draw(st.sampled_from(GOOD))
        lines = one.xml[:2000].split(b"\n") + other.xml[:2000].split(b"\n")

        _read(b"\n".join(data.draw(st.permutations(lines))))


def _read(body: bytes) -> Message | None:
    try:
        message = parse(body)
    except BadMessage:
        return None
    assert message.openid
    assert message.type
    assert message.created is None or 0 < message.created <= LATEST
    assert message == parse(body)
    message.raw.encode()
    return message


def _broken_often(data: Any) -> bytes:
    body: bytes = data.draw(st.sampled_from(GOOD)).xml[:3000]
    for _ in range(data.draw(st.integers(1, 4))):
        body = _broken(body, data.draw)
    return body


def _broken(body: bytes, draw: Callable[..., Any]) -> bytes:
    """One mutation: bytes lost, doubled, changed, put in, or swapped."""
    start, end = sorted(draw(st.tuples(st.integers(0, len(body)), st.integers(0, len(body)))))
    some = draw(
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from([b"<", b">", b"&", b"]]>", b"<![CDATA[", b"</xml>", b"\x00"]),
        )
    )
    return {
        "lose": body[:start] + body[end:],
        "double": body[:end] + body[start:],
        "change": body[:start] + some + body[start + len(some) :],
        "insert": body[:start] + some + body[start:],
        "swap": body[end:] + body[:start],
    }[draw(st.sampled_from(["lose", "double", "change", "insert", "swap"]))]  # fmt: skip


def _empty() -> Any:
    from wx.markup import read

    return read(b"<xml/>")


def test_the_time_of_every_body_is_the_second_in_which_it_was_sent() -> None:
    assert parse(text("你好")).created == int(SENT.timestamp())
    assert parse(text("你好")).to == ACCOUNT
    assert all(one <= other for one, other in pairwise(sorted(parse(b.xml).created or 0 for b in GOOD)))
