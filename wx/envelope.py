"""The envelope around every message: who signed it, whether it is fresh, and what it says once decrypted.

Signatures and encryption: platform guide, 消息加解密说明. The AES primitive is wechatpy's; everything that judges is here,
so that a forger meets one answer (`Forged`) whatever was wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from wechatpy.crypto.base import WeChatCipher

from wx.markup import BadXml, read
from wx.messages import BadMessage

# The body of safe mode in the form in which WeChat writes it; any other form is read as XML.
SEALED = re.compile(
    rb"<xml>\s*<ToUserName><!\[CDATA\[[\w@.-]*\]\]></ToUserName>\s*"
    rb"<Encrypt><!\[CDATA\[([A-Za-z0-9+/=]+)\]\]></Encrypt>\s*</xml>\s*"
)
BLOCK = 32  # PKCS#7 here pads to 32 bytes, not to AES's 16
MAX_QUERY = 2048


class Forged(ValueError):
    """Not from WeChat, stale, or not for this account. Carries no reason on purpose."""


class Opened(NamedTuple):
    """A verified body in clear. `cipher` and `nonce` seal the answer; without a cipher it goes out in clear."""

    xml: bytes
    cipher: Cipher | None
    nonce: str


def _signature(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(sorted(parts))).hexdigest().encode()


def query_fields(query: str) -> dict[str, str]:
    """The query's parameters. A parameter that stands there twice is a forger's: Forged."""
    if len(query) > MAX_QUERY:
        raise Forged
    parts = query.split("&")
    pairs: Sequence[Sequence[str]] = [part.split("=", 1) for part in parts]
    if "%" in query or "+" in query:
        pairs = parse_qsl(query, keep_blank_values=True)
    elif min(map(len, pairs)) < 2:  # a name without a value
        pairs = [part.partition("=")[::2] for part in parts]
    fields: dict[str, str] = dict(pairs)  # type: ignore[arg-type]
    if len(fields) != len(pairs):
        raise Forged
    return fields


class Cipher:
    """One EncodingAESKey for one appid."""

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        """Raises ValueError for what is no EncodingAESKey. Its last character may carry stray bits, which are dropped."""
        key = base64.b64decode(encoding_aes_key + "=")
        if len(key) != 32:
            raise ValueError("an EncodingAESKey has 43 characters")
        self._cipher = WeChatCipher(key)
        self._app_id = app_id.encode()

    def decrypt(self, text: str) -> bytes:
        """What was encrypted. Raises Forged for anything that this key and appid did not make."""
        try:
            sealed = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Forged from error
        if not sealed or len(sealed) % 16:
            raise Forged
        plain: bytes = self._cipher.decrypt(sealed)
        pad = plain[-1]
        if not 1 <= pad <= BLOCK or plain[-pad:] != bytes([pad]) * pad or len(plain) < 20 + pad:
            raise Forged
        (size,) = struct.unpack_from(">I", plain, 16)
        end = 20 + size
        if end > len(plain) - pad or not hmac.compare_digest(plain[end:-pad], self._app_id):
            raise Forged
        return plain[20:end]

    def encrypt(self, xml: bytes) -> str:
        """The Encrypt text of an answer."""
        plain = secrets.token_bytes(16) + struct.pack(">I", len(xml)) + xml + self._app_id
        pad = BLOCK - len(plain) % BLOCK
        return base64.b64encode(self._cipher.encrypt(plain + bytes([pad]) * pad)).decode()


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
        self._mode = mode
        self._token = token.encode()
        self._freshness_s = freshness_s
        keys = [key for key in (aes_key, aes_key_previous) if key]
        self._ciphers = [Cipher(key, app_id) for key in keys] if mode != "plain" else []

    def echo(self, query: str, now_s: float) -> str:
        """The echostr of a verification GET. Raises Forged."""
        fields = query_fields(query)
        self._check_fresh(fields, now_s)
        self._check(fields, "signature")
        return fields.get("echostr", "")

    def open(self, query: str, body: bytes, now_s: float) -> Opened:
        """What the body says. Raises Forged, or BadMessage for a signed body that is no XML."""
        fields = query_fields(query)
        self._check_fresh(fields, now_s)
        nonce = fields.get("nonce", "")
        if self._mode == "plain" or (self._mode == "compat" and fields.get("encrypt_type") != "aes"):
            self._check(fields, "signature")
            return Opened(body, None, nonce)
        text = self._sealed(fields, body)
        self._check(fields, "msg_signature", text)
        return self._decrypt(text, nonce)

    def seal(self, opened: Opened, xml: str, now_s: float) -> bytes:
        """The answer's body: `success` for '', else the XML, encrypted where the message was (回复加密)."""
        if not xml:
            return b"success"
        if opened.cipher is None:
            return xml.encode()
        text, stamp = opened.cipher.encrypt(xml.encode()), str(int(now_s))
        signature = _signature(self._token, stamp.encode(), opened.nonce.encode(), text.encode()).decode()
        nonce = opened.nonce.replace("]]>", "")
        return (
            f"<xml><Encrypt><![CDATA[{text}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        ).encode()

    def _sealed(self, fields: dict[str, str], body: bytes) -> str:
        """The Encrypt text."""
        plain = SEALED.fullmatch(body)
        if plain is not None:
            return plain[1].decode()
        try:
            return read(body).get("Encrypt")
        except BadXml as error:
            self._check(fields, "signature")  # to a stranger, garbage is just one more forgery
            raise BadMessage(str(error)) from error

    def _decrypt(self, text: str, nonce: str) -> Opened:
        for cipher in self._ciphers:  # while keys rotate, the previous one is still good
            try:
                return Opened(cipher.decrypt(text), cipher, nonce)
            except Forged:
                continue
        raise Forged

    def _check_fresh(self, fields: dict[str, str], now_s: float) -> None:
        stamp = fields.get("timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
            raise Forged
        if self._freshness_s and abs(now_s - int(stamp)) > self._freshness_s:
            raise Forged

    def _check(self, fields: dict[str, str], name: str, *more: str) -> None:
        parts = (fields.get("timestamp", ""), fields.get("nonce", ""), *more)
        due = _signature(self._token, *(part.encode(errors="replace") for part in parts))
        if not self._token or not hmac.compare_digest(due, fields.get(name, "").encode(errors="replace")):
            raise Forged
