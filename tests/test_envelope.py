"""The envelope by itself: the platform guide's own numbers, our sealing read by another's decoder, and everything forged."""

from __future__ import annotations

import base64
import contextlib
import hmac
import random
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from bodies import GOOD
from hypothesis import example, given, settings
from hypothesis import strategies as st
from webhook_cast import (
    APP_ID,
    KEY,
    NOON,
    OLD_KEY,
    TOKEN,
    cdata,
    decrypt,
    encrypt,
    encrypt_block,
    sealed_body,
    sealed_query,
    signature,
    signed,
    stamp,
)

from wx import envelope
from wx.envelope import Cipher, Envelope, Forged, query_fields
from wx.messages import BadMessage

NOW_S = NOON.timestamp()
GUIDE_QUERY = (
    "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=415670741"
    "&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"
)
USUAL = GUIDE_QUERY.split("&")
UNUSUAL = ("", "=", "nonce", "nonce=", "nonce=%41", "nonce=a+b", "nonce=工", "timestamp=１", "timestamp=" + "1" * 16,
           "encrypt_type=raw", "msg_signature=", "openid=", "echostr=1", "signature=" + "a" * 2048)  # fmt: skip
GUIDE_TEXT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT"
    "740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8Y"
    "L/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
GUIDE_MESSAGE = (
    b'{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,'
    b'"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}'
)
GUIDE_ANSWER = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


def account(mode: str = "safe", *, freshness_s: int = 300, key: str = KEY, previous: str = "") -> Envelope:
    keys = ("", "") if mode == "plain" else (key, previous)
    return Envelope(
        mode=mode,
        token=TOKEN,
        app_id=APP_ID,
        freshness_s=freshness_s,
        aes_key=keys[0],
        aes_key_previous=keys[1],
    )


class TestTheGuidesExample:
    """消息加解密说明: Token AAAAA, a key of 43 A's, appid wxba5fad812f8e6fb9."""

    def test_comes_in(self) -> None:
        opened = account().open(GUIDE_QUERY, sealed_body(GUIDE_TEXT), 1714112445)

        assert opened.xml == GUIDE_MESSAGE
        assert opened.nonce == "415670741"

    def test_goes_out(self) -> None:
        answer = b'{"demo_resp":"good luck"}'

        assert Cipher(KEY, APP_ID).decrypt(GUIDE_ANSWER) == answer
        assert encrypt(answer, random=b"707722b803182950") == GUIDE_ANSWER
        assert (
            signature(TOKEN, "1713424427", "415670741", GUIDE_ANSWER)
            == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
        )

    def test_of_another_minute_is_stale(self) -> None:
        for at in (1714112445 - 301, 1714112445 + 301):
            with pytest.raises(Forged):
                account().open(GUIDE_QUERY, sealed_body(GUIDE_TEXT), at)


class TestAKey:
    def test_that_ends_with_stray_bits_is_good(self) -> None:
        """As the well-known test key …ABCDEFG does: its last character carries bits that belong to no byte."""
        assert Cipher(OLD_KEY, APP_ID).decrypt(encrypt(b"<xml/>", key=OLD_KEY)) == b"<xml/>"

    @pytest.mark.parametrize("key", ["", "A", "A" * 42, "A" * 44, "A" * 64])
    def test_of_another_length_is_none(self, key: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - by whatever words
            Cipher(key, APP_ID)

    @pytest.mark.parametrize("current", [KEY, OLD_KEY])
    def test_and_the_one_before_it_both_open_while_they_rotate(self, current: str) -> None:
        both = account(key=KEY, previous=OLD_KEY)
        text = encrypt(b"<xml>1</xml>", key=current)

        opened = both.open(urlencode(sealed_query(NOON, text)), sealed_body(text), NOW_S)
        sealed = ElementTree.fromstring(both.seal(opened, "<xml>2</xml>", NOW_S))

        assert opened.xml == b"<xml>1</xml>"
        assert decrypt(sealed.findtext("Encrypt", ""), key=current) == b"<xml>2</xml>"


class TestWhatIsSealed:
    @given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1), st.sampled_from([KEY, OLD_KEY]))
    def test_is_read_by_another_decoder(self, words: str, key: str) -> None:
        assert decrypt(Cipher(key, APP_ID).encrypt(words.encode()), key=key) == words.encode()

    @given(st.binary(max_size=300), st.sampled_from([KEY, OLD_KEY]))
    def test_by_another_encoder_is_opened(self, raw: bytes, key: str) -> None:
        assert Cipher(key, APP_ID).decrypt(encrypt(raw, key=key)) == raw

    @given(st.sampled_from(GOOD), st.text("0123456789", min_size=1, max_size=12))
    def test_goes_there_and_back(self, body: object, nonce: str) -> None:
        xml: bytes = body.xml[:4000]  # type: ignore[attr-defined]
        text = encrypt(xml)
        opened = account().open(urlencode(sealed_query(NOON, text, nonce)), sealed_body(text), NOW_S)

        answer = ElementTree.fromstring(account().seal(opened, "<xml>好😀</xml>", NOW_S))

        again, at = answer.findtext("Encrypt", ""), answer.findtext("TimeStamp", "")
        assert opened.xml == xml
        assert (answer.findtext("Nonce"), at) == (nonce, stamp(NOON))
        assert answer.findtext("MsgSignature") == signature(TOKEN, at, nonce, again)
        assert decrypt(again).decode() == "<xml>好😀</xml>"

    def test_under_a_nonce_with_marks_is_still_xml(self) -> None:
        for nonce in ("]]>", "a]]><b/>", "<", "&", "工😀", " "):
            text = encrypt(b"<xml/>")
            opened = account().open(urlencode(sealed_query(NOON, text, nonce)), sealed_body(text), NOW_S)

            assert ElementTree.fromstring(account().seal(opened, "<xml/>", NOW_S)).findtext("Encrypt")

    @given(st.sampled_from(["plain", "compat", "safe"]))
    def test_as_nothing_is_the_word_success(self, mode: str) -> None:
        text = encrypt(b"<xml/>")
        opened = account(mode).open(
            urlencode(sealed_query(NOON, text)), sealed_body(text, b"<xml><a/></xml>"), NOW_S
        )

        assert account(mode).seal(opened, "", NOW_S) == b"success"


class TestOneCipher:
    """It is set up once and serves every message after that; nobody outside may notice."""

    def test_gives_each_of_many_replies_in_a_form_that_opens_by_itself(self) -> None:
        cipher = Cipher(KEY, APP_ID)
        sent = [f"<xml>第{number}条{'好' * number}</xml>".encode() for number in range(200)]

        texts = [cipher.encrypt(xml) for xml in sent]

        assert [decrypt(text) for text in reversed(texts)] == sent[::-1]

    def test_opens_each_of_many_messages_whatever_came_before(self) -> None:
        cipher = Cipher(KEY, APP_ID)
        sent = [f"<xml>第{number}条{'好' * number}</xml>".encode() for number in range(200)]
        texts = [encrypt(xml) for xml in sent]

        assert [cipher.decrypt(text) for text in texts] == sent
        assert [cipher.decrypt(text) for text in texts[::-7]] == sent[::-7]

    @given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(["in", "out"])), max_size=20))
    def test_is_not_put_out_by_a_forgery(self, story: list[bytes | str]) -> None:
        cipher = Cipher(KEY, APP_ID)
        for what in (*story, "in", "out"):
            if isinstance(what, bytes):
                with pytest.raises(Forged):
                    cipher.decrypt(base64.b64encode(what).decode())
            elif what == "in":
                assert cipher.decrypt(encrypt(b"<xml>in</xml>")) == b"<xml>in</xml>"
            else:
                assert decrypt(cipher.encrypt(b"<xml>out</xml>")) == b"<xml>out</xml>"

    @pytest.mark.parametrize("size", range(1, 100, 7))
    def test_keeps_nothing_of_a_broken_block(self, size: int) -> None:
        cipher = Cipher(KEY, APP_ID)
        with pytest.raises(Forged):
            cipher.decrypt(base64.b64encode(bytes(size)).decode())

        assert cipher.decrypt(encrypt(b"<xml/>")) == b"<xml/>"

    def test_says_nothing_twice_in_the_same_way(self) -> None:
        cipher = Cipher(KEY, APP_ID)
        texts = [cipher.encrypt(b"<xml/>") for _ in range(100)]
        texts += [Cipher(KEY, APP_ID).encrypt(b"<xml/>") for _ in range(100)]

        blocks = {base64.b64decode(text)[at : at + 16] for text in texts for at in (0, 16, 32, 48)}
        assert len(blocks) == 4 * len(texts)

    def test_serves_several_threads_at_once(self) -> None:
        cipher = Cipher(KEY, APP_ID)

        def talk(number: int) -> bool:
            xml = f"<xml>{number}{'好' * (number % 90)}</xml>".encode()
            return all(
                cipher.decrypt(encrypt(xml)) == xml and decrypt(cipher.encrypt(xml)) == xml for _ in range(20)
            )

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(talk, range(40)))


class TestSafeModesBody:
    def test_may_be_written_in_any_way_that_is_xml(self) -> None:
        text = encrypt(b"<xml>1</xml>")
        query = urlencode(sealed_query(NOON, text))
        usual = sealed_body(text).decode()
        for written in (
            usual,
            usual.replace("e><E", "e>\n  <E") + "\n",
            usual.replace("<![CDATA[", "").replace("]]>", ""),
            '<?xml version="1.0"?>' + usual,
            "\ufeff" + usual,
            f"<xml><Encrypt>{text}</Encrypt></xml>",
            f"<xml><AgentID/><Encrypt><![CDATA[{text}]]></Encrypt><ToUserName>x</ToUserName></xml>",
            f"<xml><ToUserName>工😀</ToUserName><Encrypt>{cdata(text)}</Encrypt></xml>",
        ):
            assert account().open(query, written.encode(), NOW_S).xml == b"<xml>1</xml>"

    def test_with_blanks_about_the_text_is_another_text(self) -> None:
        text = encrypt(b"<xml>1</xml>")

        with pytest.raises(Forged):
            account().open(urlencode(sealed_query(NOON, text)), sealed_body(f" {text}\n"), NOW_S)

    @pytest.mark.parametrize("odd", ["*", "=", "\n", "é", "&amp;", "<", "&", "\x01", "\ud800"])
    def test_with_a_sign_that_is_not_base64_is_forged_or_no_xml(self, odd: str) -> None:
        """No XML is told to nobody but a friend: who signed the query."""
        text = encrypt(b"<xml>1</xml>")
        bent = text[:8] + odd + text[8:]
        body = sealed_body("").replace(b"[]]></E", b"[" + bent.encode(errors="surrogatepass") + b"]]></E")
        good = sealed_query(NOON, bent) if odd != "\ud800" else sealed_query(NOON, text)
        is_xml = odd not in ("\x01", "\ud800")

        with pytest.raises(Forged if is_xml else BadMessage):
            account().open(urlencode(good), body, NOW_S)
        with pytest.raises(Forged):
            account().open(urlencode(good | {"signature": "0" * 40}), body, NOW_S)


class TestAForgery:
    """Hypothesis: everything that is not WeChat's is `Forged` (or, signed, no XML); nothing else is ever raised."""

    @settings(max_examples=500)
    @given(st.text(max_size=60), st.binary(max_size=200), st.sampled_from(["plain", "compat", "safe"]))
    def test_of_any_query_and_body_is_refused(self, query: str, body: bytes, mode: str) -> None:
        with pytest.raises(Forged):
            account(mode).open(query, body, NOW_S)

    @given(
        st.dictionaries(
            st.sampled_from(
                ["signature", "timestamp", "nonce", "msg_signature", "encrypt_type", "echostr", "openid"]
            ),
            st.one_of(st.sampled_from([stamp(NOON), "aes", "", "1" * 40]), st.text(max_size=20)),
        ),
        st.sampled_from(["plain", "compat", "safe"]),
    )
    def test_of_the_right_names_is_refused(self, fields: dict[str, str], mode: str) -> None:
        for raised in (
            lambda: account(mode).open(
                urlencode(fields, errors="replace"), sealed_body(encrypt(b"<xml/>")), NOW_S
            ),
            lambda: account(mode).echo(urlencode(fields, errors="replace"), NOW_S),
        ):
            with pytest.raises(Forged):
                raised()

    @settings(max_examples=500)
    @given(st.binary(max_size=160))
    def test_of_any_ciphertext_is_refused(self, block: bytes) -> None:
        """Even with the key in hand: what decrypts to no message of this account is none."""
        padded = block + bytes(-len(block) % 16)
        for text in (block.hex(), encrypt_block(padded) if padded else ""):
            with pytest.raises(Forged):
                account().open(urlencode(sealed_query(NOON, text)), sealed_body(text), NOW_S)

    @given(st.binary(max_size=100), st.integers(0, 2**32 - 1), st.binary(max_size=40))
    def test_of_any_length_and_padding_is_refused_or_read(self, middle: bytes, size: int, pad: bytes) -> None:
        plain = bytes(16) + size.to_bytes(4, "big") + middle + APP_ID.encode() + pad
        plain += bytes(-len(plain) % 16)
        text = encrypt_block(plain)
        try:
            opened = account().open(urlencode(sealed_query(NOON, text)), sealed_body(text), NOW_S)
        except Forged:
            return
        assert opened.xml == plain[20 : 20 + size]

    def test_of_ten_thousand_signatures_is_refused(self) -> None:
        dice = random.Random(7)
        door, good = account("plain"), signed(NOON)
        for _ in range(10_000):
            bent = list(good["signature"])
            bent[dice.randrange(40)] = dice.choice("0123456789abcdefABCDEF ")
            if "".join(bent) == good["signature"]:
                continue
            with pytest.raises(Forged):
                door.open(urlencode(good | {"signature": "".join(bent)}), b"<xml/>", NOW_S)

    def test_is_compared_in_constant_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        compared: list[tuple[bytes, bytes]] = []
        really = hmac.compare_digest

        def compare(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return really(one, other)

        monkeypatch.setattr(envelope.hmac, "compare_digest", compare)
        text = encrypt(b"<xml/>")
        account().open(urlencode(sealed_query(NOON, text)), sealed_body(text), NOW_S)
        account("plain").open(urlencode(signed(NOON)), b"<xml/>", NOW_S)

        assert len(compared) == 4  # signature, msg_signature, appid; signature

    def test_of_a_signed_body_that_is_no_xml_is_told_to_its_friend(self) -> None:
        with pytest.raises(BadMessage):
            account().open(urlencode(signed(NOON)), b"garbage", NOW_S)


class TestAQuery:
    @given(st.text(max_size=100))
    def test_gives_its_fields_or_is_forged(self, query: str) -> None:
        with contextlib.suppress(Forged):
            assert all(isinstance(value, str) for value in query_fields(query).values())

    def test_is_read_as_browsers_write_it(self) -> None:
        assert query_fields("a=1&b=&c=%E5%B7%A5&d=a+b&e=x=y") == {
            "a": "1",
            "b": "",
            "c": "工",
            "d": "a b",
            "e": "x=y",
        }

    @settings(max_examples=300)
    @given(st.lists(st.one_of(st.sampled_from(USUAL), st.sampled_from(UNUSUAL)), max_size=8), st.booleans())
    @example(list(USUAL[:4]), False)
    @example(list(USUAL), False)
    @example([*USUAL, USUAL[0]], False)
    def test_in_the_usual_form_says_what_it_says_in_any_other(self, parts: list[str], ends: bool) -> None:
        query = "&".join(parts) + "\n" * ends
        if envelope.QUERY.fullmatch(query):
            get = query_fields(query).get
            names = ("signature", "timestamp", "nonce", "encrypt_type", "msg_signature")
            assert envelope._marks(query) == tuple(get(name, "") for name in names)

    @pytest.mark.parametrize(
        "odd", ["", "1" * 16, "0" * 5000, "１７１４１１２４４５", "-1", "1.0", " 1", "1\n"]
    )
    def test_with_a_time_that_is_none_is_forged_even_where_no_time_is_too_old(self, odd: str) -> None:
        door = account("plain", freshness_s=0)
        for good in (signed(NOON), sealed_query(NOON, "")):
            bent = good | {"timestamp": odd, "signature": signature(TOKEN, odd, good["nonce"])}
            for query in (urlencode(bent), "&".join(f"{name}={value}" for name, value in bent.items())):
                with pytest.raises(Forged):
                    door.open(query, b"<xml/>", NOW_S)

    def test_of_wechats_takes_the_short_way(self) -> None:
        """Which is the point of it; a query in another order is as good."""
        turned = "&".join(reversed(GUIDE_QUERY.split("&")))

        assert envelope.QUERY.fullmatch(GUIDE_QUERY)
        assert envelope.QUERY.fullmatch(GUIDE_QUERY.partition("&encrypt_type")[0])
        assert not envelope.QUERY.fullmatch(turned)
        for query in (GUIDE_QUERY, turned):
            assert account().open(query, sealed_body(GUIDE_TEXT), 1714112445).xml == GUIDE_MESSAGE

    def test_says_nothing_in_an_error(self) -> None:
        """A log line of it tells a reader no more than a forger."""
        with pytest.raises(Forged) as caught:
            account("plain").open("signature=1", b"", NOW_S)

        assert (str(caught.value), caught.value.args) == ("", ())
