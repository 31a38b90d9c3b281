"""The envelope around every message: who signed it, whether it is fresh, and what it says once decrypted.

Signatures and encryption: platform guide, 消息加解密说明. The AES primitive is cryptography's; everything that judges is
here, so that a forger meets one answer (`Forged`) whatever was wrong; which check it was is for our own log only.

The query's `signature` is the gate, in every mode: without it the body is not looked at. In safe mode `msg_signature` then
decides, over the Encrypt text as it stands there, before anything is decoded, parsed or decrypted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Self
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from wx.account import Account
from wx.markup import BadXml, read
from wx.messages import BadMessage

# The query in the form in which WeChat writes it, in which nothing is escaped, missing or twice; any other form goes
# through `query_fields`. The tests hold the two to the same answers.
QUERY = re.compile(
    r"signature=(\w{1,64})&timestamp=(\d{1,15})&nonce=(\w{1,64})&openid=[\w-]{0,128}"
    r"(?:&encrypt_type=(aes)&msg_signature=(\w{1,64}))?",
    re.ASCII,
)
# The body of safe mode in the form in which WeChat writes it; any other form is read as XML. What stands in Encrypt is
# Base64 or not this form either: `_unpacked` says so at less cost than a set of characters here.
SEALED = re.compile(
    rb"<xml>\s*+<ToUserName><!\[CDATA\[[A-Za-z0-9_@.-]*+\]\]></ToUserName>\s*+"
    rb"<Encrypt><!\[CDATA\[([^\]]++)\]\]></Encrypt>\s*+</xml>\s*+"
)
BLOCK = 32  # PKCS#7 here pads to 32 bytes, not to AES's 16
MAX_QUERY = 1024  # WeChat's own has 300 characters; with every sign of it as a percent, 900
MAX_FIELDS = 16
SUCCESS = b"success"  # the answer without words (platform guide, 被动回复用户消息)


class Check(StrEnum):
    """What a message did not pass."""

    QUERY = "query"  # its form
    AGE = "age"
    SIGNATURE = "signature"
    MSG_SIGNATURE = "msg_signature"
    CIPHER = "cipher"  # the key or the app_id
    XML = "xml"


class Forged(ValueError):
    """Not from WeChat, stale, or not for this account. `check` is for our log; who sent it must not learn it."""

    def __init__(self, check: Check) -> None:
        super().__init__()  # a log line of it tells a reader no more than a forger
        self.check = check


class Opened(NamedTuple):
    """A verified body in clear. `cipher` and `nonce` seal the answer; without a cipher it goes out in clear."""

    xml: bytes
    cipher: Cipher | None
    nonce: str


def _signature(parts: list[str]) -> str:
    parts.sort()  # by code point, which is the order of their UTF-8
    return hashlib.sha1("".join(parts).encode(errors="replace")).hexdigest()


def query_fields(query: str) -> dict[str, str]:
    """The query's parameters. A parameter that stands there twice is a forger's: Forged."""
    if len(query) > MAX_QUERY or query.count("&") >= MAX_FIELDS:
        raise Forged(Check.QUERY)
    parts = query.split("&")
    pairs: Sequence[Sequence[str]] = [part.split("=", 1) for part in parts]
    if "%" in query or "+" in query:
        pairs = parse_qsl(query, keep_blank_values=True)
    elif min(map(len, pairs)) < 2:  # a name without a value
        pairs = [part.partition("=")[::2] for part in parts]
    fields: dict[str, str] = dict(pairs)  # type: ignore[arg-type]
    if len(fields) != len(pairs):
        raise Forged(Check.QUERY)
    return fields


def _marks(query: str) -> tuple[str, str, str, str, str]:
    """Signature, timestamp, nonce, encrypt_type and msg_signature of a query in an unusual form; '' for what is not there.
    Raises Forged."""
    get = query_fields(query).get
    signature, stamp, msg_signature = get("signature", ""), get("timestamp", ""), get("msg_signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
        raise Forged(Check.QUERY)
    if not (signature.isascii() and msg_signature.isascii()):
        raise Forged(Check.QUERY)
    return signature, stamp, get("nonce", ""), get("encrypt_type", ""), msg_signature


def _encrypted(body: bytes) -> bytes:
    """The first Encrypt text of a body that is not in the usual form, found in one run, whatever stands there; whether it
    stands there by the rules of XML is asked later, of who signed it. Raises Forged, or BadMessage for what is surely no XML."""
    start = body.find(b"<Encrypt")
    end = body.find(b"</Encrypt", start)
    if start < 0 or end < 0:
        written = body.strip()
        if written[:1] == b"<" and written[-1:] == b">":
            raise Forged(Check.MSG_SIGNATURE)  # in clear
        raise BadMessage("not XML")
    return body[body.find(b">", start) + 1 : end].removeprefix(b"<![CDATA[").removesuffix(b"]]>")


def _confirm(body: bytes, text: bytes) -> None:
    """By the rules of XML that text is the body's Encrypt. Raises BadMessage or Forged."""
    try:
        if read(body).get("Encrypt").encode() == text:
            return
    except BadXml as error:
        raise BadMessage(str(error)) from error
    raise Forged(Check.XML)


def _unpacked(text: bytes) -> bytes:
    """What was written as Base64, or b'' for what is none."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return b""


class _Streams(threading.local):
    """AES under one key: an encryptor and a decryptor for each thread, which serve one message after the other.

    To set up a context costs several times what the message does. In CBC what a context still holds of the last message
    touches only the first block of the next, and WeChat's first block is 16 random bytes that nobody reads: so a
    reply is opened by any decoder that begins with the key's own IV, and a message is read but for those bytes.
    Whole blocks only go in, or the rest would wait there for the next message.
    """

    def __init__(self, key: bytes) -> None:
        aes = ciphers.Cipher(algorithms.AES(key), modes.CBC(key[:16]))
        self.encrypt = aes.encryptor().update
        self.decrypt = aes.decryptor().update


class Cipher:
    """One EncodingAESKey for one appid."""

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        """Raises ValueError for what is no EncodingAESKey. Its last character may carry stray bits, which are dropped."""
        key = base64.b64decode(encoding_aes_key + "=")
        if len(key) != 32:
            raise ValueError("an EncodingAESKey has 43 characters")
        self._streams = _Streams(key)
        # What stands behind a message: the appid and the padding, by the padding's last byte.
        self._ends = {pad: app_id.encode() + bytes([pad]) * pad for pad in range(1, BLOCK + 1)}
        around = 20 + len(app_id.encode())  # the bytes about a message, without the padding
        self._tails = [self._ends[BLOCK - (around + size) % BLOCK] for size in range(BLOCK)]

    def decrypt(self, text: str) -> bytes:
        """What was encrypted. Raises Forged for anything that this key and appid did not make."""
        return self.open(_unpacked(text.encode(errors="replace")))

    def open(self, sealed: bytes) -> bytes:
        """The same for what is no longer Base64."""
        if len(sealed) < 32 or len(sealed) % 16:
            raise Forged(Check.CIPHER)
        plain = self._streams.decrypt(sealed)
        start = 20 + int.from_bytes(plain[16:20], "big")
        end = self._ends.get(plain[-1])
        if end is None or not hmac.compare_digest(plain[start:], end):
            raise Forged(Check.CIPHER)
        return plain[20:start]

    def encrypt(self, xml: bytes) -> str:
        """The Encrypt text of an answer."""
        size = len(xml)
        plain = b"".join((secrets.token_bytes(16), size.to_bytes(4, "big"), xml, self._tails[size % BLOCK]))
        return binascii.b2a_base64(self._streams.encrypt(plain), newline=False).decode()


class Envelope:
    """Opens what arrives at /wx and seals what goes back, as the account's mode says (plain, compat or safe)."""

    def __init__(
        self,
        *,
        mode: str,
        token: str,
        app_id: str,
        freshness_s: int,
        aes_key: str = "",
        aes_key_previous: str = "",
    ) -> None:
        self._always_sealed = mode == "safe"
        self._token = token or secrets.token_hex()  # without a token nothing is opened
        self._freshness_s = freshness_s
        keys = [key for key in (aes_key, aes_key_previous) if key]
        self._ciphers = [Cipher(key, app_id) for key in keys] if mode != "plain" else []

    @classmethod
    def of(cls, account: Account) -> Self:
        """The one of this account."""
        return cls(
            mode=account.mode,
            token=account.token.get_secret_value(),
            app_id=account.app_id,
            freshness_s=account.freshness_s,
            aes_key=account.encoding_aes_key.get_secret_value(),
            aes_key_previous=account.encoding_aes_key_previous.get_secret_value(),
        )

    def echo(self, query: str, now_s: float) -> str:
        """The echostr of a verification GET. Raises Forged."""
        self._gate(query, now_s)
        return query_fields(query).get("echostr", "")

    def open(self, query: str, body: bytes, now_s: float) -> Opened:
        """What the body says. Raises Forged, or BadMessage for a signed body that is no XML."""
        stamp, nonce, encrypt_type, msg_signature = self._gate(query, now_s)
        if not self._always_sealed and (encrypt_type != "aes" or not self._ciphers):
            return Opened(body, None, nonce)
        usual = SEALED.fullmatch(body)
        text = _encrypted(body) if usual is None else usual[1]
        try:
            due = _signature([self._token, stamp, nonce, text.decode()])
        except UnicodeDecodeError as error:
            raise BadMessage("not UTF-8") from error
        if not hmac.compare_digest(due, msg_signature):
            raise Forged(Check.MSG_SIGNATURE)
        sealed = _unpacked(text)
        if usual is None or not sealed:
            _confirm(body, text)
        for cipher in self._ciphers:  # while keys rotate, the previous one is still good
            try:
                return Opened(cipher.open(sealed), cipher, nonce)
            except Forged:
                continue
        raise Forged(Check.CIPHER)

    def seal(self, opened: Opened, xml: str, now_s: float) -> bytes:
        """The answer's body: `success` for '', else the XML, encrypted where the message was (回复加密)."""
        if not xml:
            return SUCCESS
        if opened.cipher is None:
            return xml.encode()
        text, stamp, nonce = opened.cipher.encrypt(xml.encode()), str(int(now_s)), opened.nonce
        signature = _signature([self._token, stamp, nonce, text])
        nonce = nonce.replace("]]>", "")
        return (
            f"<xml><Encrypt><![CDATA[{text}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        ).encode()

    def _gate(self, query: str, now_s: float) -> tuple[str, str, str, str]:
        """Timestamp, nonce, encrypt_type and msg_signature of a query that is signed and of these minutes. Raises Forged."""
        usual = QUERY.fullmatch(query)
        marks = _marks(query) if usual is None else usual.groups("")
        given, stamp, nonce, encrypt_type, msg_signature = marks
        if not hmac.compare_digest(_signature([self._token, stamp, nonce]), given):
            raise Forged(Check.SIGNATURE)
        if self._freshness_s and abs(now_s - int(stamp)) > self._freshness_s:
            raise Forged(Check.AGE)
        return stamp, nonce, encrypt_type, msg_signature
