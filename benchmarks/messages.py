"""Signed requests as WeChat posts them, written to a file that the load generator reads."""

import base64
import hashlib
import itertools
import os
import struct
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = "benchtoken"
APP_ID = "wx0123456789abcdef"
ORIGINAL_ID = "gh_0123456789ab"
ENCODING_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
AES_KEY = base64.b64decode(ENCODING_AES_KEY + "=")
WORD = "工伤"
PATH = "/wx"
FOLLOWERS = 5_000
MODES = ("plain", "safe")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: the query string and the body."""

    query: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says once it is opened: its words, and the size of the HTTP body in bytes."""

    to: str
    words: str
    size: int


def openid(number: int) -> str:
    """The follower with this number: 28 characters, as WeChat makes them."""
    return f"oBench{number:022d}"


def _xml(number: int, who: str, created: int, words: str) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName>"
        f"<FromUserName><![CDATA[{who}]]></FromUserName><CreateTime>{created}</CreateTime>"
        f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{words}]]></Content>"
        f"<MsgId>{24_000_000_000_000_000 + number}</MsgId></xml>"
    ).encode()


def text(number: int, who: str, created: int, words: str) -> bytes:
    """One text message."""
    return _xml(number, who, created, words)


def _subscribe(who: str, created: int) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName>"
        f"<FromUserName><![CDATA[{who}]]></FromUserName><CreateTime>{created}</CreateTime>"
        "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event>"
        "<EventKey><![CDATA[]]></EventKey></xml>"
    ).encode()


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _encrypted(xml: bytes) -> str:
    plain = os.urandom(16) + struct.pack(">I", len(xml)) + xml + APP_ID.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(AES_KEY), modes.CBC(AES_KEY[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def _decrypted(text: str) -> bytes:
    decryptor = Cipher(algorithms.AES(AES_KEY), modes.CBC(AES_KEY[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
    (length,) = struct.unpack(">I", plain[16:20])
    return plain[20 : 20 + length]


def signed(xml: bytes, who: str, mode: str, now: int, number: int) -> Sent:
    """The request that carries this message; in safe mode both signatures, as WeChat sends it."""
    timestamp, nonce = str(now), str(1_000_000_000 + number % 1_000_000_000)
    query = {
        "signature": _sha1(TOKEN, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": who,
    }
    if mode == "plain":
        return Sent(urllib.parse.urlencode(query), xml)
    cipher = _encrypted(xml)
    query |= {"encrypt_type": "aes", "msg_signature": _sha1(TOKEN, timestamp, nonce, cipher)}
    body = f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    return Sent(urllib.parse.urlencode(query), body.encode())


def sender(number: int, followers: int = FOLLOWERS) -> str:
    """Who sends the message with this number; neighbours come from far apart."""
    return openid(number * 7919 % followers)


def texts(
    mode: str, numbers: range, followers: int = FOLLOWERS, said: Sequence[str] = (WORD,)
) -> Iterator[Sent]:
    """One text message per number, each with its own MsgId, from one follower after the other; what is `said` goes round."""
    now = int(time.time())
    for number in numbers:
        who = sender(number, followers)
        yield signed(_xml(number, who, now, said[number % len(said)]), who, mode, now, number)


def subscribes(mode: str, followers: int = FOLLOWERS) -> Iterator[Sent]:
    """The follow event of every follower."""
    now = int(time.time())
    for number in range(followers):
        who = openid(number)
        yield signed(_subscribe(who, now), who, mode, now, number)


def http(sent: Sent) -> bytes:
    """The request as it goes over the wire."""
    head = (
        f"POST {PATH}?{sent.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n"
        f"Connection: Keep-Alive\r\nContent-Type: text/xml\r\nContent-Length: {len(sent.body)}\r\n\r\n"
    )
    return head.encode() + sent.body


def write(path: Path, requests: Iterator[Sent]) -> None:
    """Writes the requests as records of a 4-byte length and the HTTP bytes."""
    with path.open("wb", buffering=1 << 20) as file:
        while batch := [http(sent) for sent in itertools.islice(requests, 2_000)]:
            file.write(b"".join(struct.pack("=I", len(one)) + one for one in batch))


def opened(body: bytes) -> Said:
    """What the reply says; raises ValueError when it is no text reply, or its signature is wrong."""
    root = ElementTree.fromstring(body.strip())
    cipher = root.findtext("Encrypt")
    if cipher is not None:
        parts = (TOKEN, root.findtext("TimeStamp") or "", root.findtext("Nonce") or "", cipher)
        if root.findtext("MsgSignature") != _sha1(*parts):
            raise ValueError("the reply's signature is wrong")
        root = ElementTree.fromstring(_decrypted(cipher).strip())
    words = root.findtext("Content")
    if not words:
        raise ValueError("the reply holds no words")
    return Said(root.findtext("ToUserName") or "", words, len(body))
