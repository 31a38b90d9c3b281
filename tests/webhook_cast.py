"""WeChat's side of /wx for the tests: it signs, encrypts and delivers, and reads the answers, with an encoder of its own.

Token, key, appid and the account's id are those of the platform guide's worked examples (消息加解密说明).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask
from guides_cast import WHOLE

from handlers import House, Turn, answer
from models.base import MARIADB, Id, Store, Words
from models.clock import Clock
from models.follower import followers
from models.interaction import Arrival, interactions
from models.recording import AsyncCommitter, Writer, committer_for, listen
from web.server.commit_queue import CommitQueue
from web.webhook import ANSWER_S, Webhook, blueprint
from wx.envelope import Envelope
from wx.replies import Reply, Text

TOKEN = "AAAAA"
KEY = "A" * 43
OLD_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"  # ends with stray bits, as real ones do
APP_ID = "wxba5fad812f8e6fb9"
ACCOUNT = "gh_97417a04a28d"
WORKER = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY"
NOON = datetime(2027, 1, 4, 4, 0, 0, 250_000, tzinfo=UTC)  # noon in Panjin
SECOND = timedelta(seconds=1)
MODES = ("plain", "compat", "safe")
effects = sa.Table(
    "test_effects",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", Id(64), nullable=False),
    sa.Column("words", Words(), nullable=False),
    sa.Column("process", sa.Integer, nullable=False),
    **MARIADB,
)  # what a handler of the tests does, beside its words
HOUSE = House("盘锦市总工会", True, True, "https://union.example", lambda: WHOLE)

Handler = Callable[[Turn], "Reply | None"]


# --- WeChat's encoder --------------------------------------------------------------------------------------------


def signature(*parts: str | bytes) -> str:
    """SHA-1 over the sorted parts, as the platform guide writes it."""
    raw = sorted(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha1(b"".join(raw)).hexdigest()


def _aes(key: str) -> Cipher[modes.CBC]:
    secret = base64.b64decode(key + "=")
    return Cipher(algorithms.AES(secret), modes.CBC(secret[:16]))


def encrypt_block(plain: bytes, key: str = KEY) -> str:
    """Base64 of the AES of what is already padded."""
    encryptor = _aes(key).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def encrypt(
    xml: bytes, *, key: str = KEY, app_id: str = APP_ID, random: bytes = b"", pad: bytes | None = None
) -> str:
    """The Encrypt text of a message. `pad` replaces the right padding, for a forger."""
    plain = (random or os.urandom(16)) + struct.pack(">I", len(xml)) + xml + app_id.encode()
    count = 32 - len(plain) % 32
    return encrypt_block(plain + (bytes([count]) * count if pad is None else pad), key)


def decrypt(text: str, *, key: str = KEY, app_id: str = APP_ID) -> bytes:
    """The message in an Encrypt text; asserts that padding, length and appid are right."""
    decryptor = _aes(key).decryptor()
    plain = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
    count = plain[-1]
    assert 1 <= count <= 32
    assert plain[-count:] == bytes([count]) * count
    (size,) = struct.unpack(">I", plain[16:20])
    assert plain[20 + size : -count] == app_id.encode()
    return plain[20 : 20 + size]


def stamp(at: datetime) -> str:
    return str(int(at.timestamp()))


def signed(at: datetime, nonce: str = "486452656", token: str = TOKEN, **more: str) -> dict[str, str]:
    """The query of a plain message."""
    time = stamp(at)
    return {"signature": signature(token, time, nonce), "timestamp": time, "nonce": nonce} | more


def sealed_query(at: datetime, text: str, nonce: str = "415670741", token: str = TOKEN) -> dict[str, str]:
    """The query of an encrypted message."""
    more = {
        "openid": WORKER,
        "encrypt_type": "aes",
        "msg_signature": signature(token, stamp(at), nonce, text),
    }
    return signed(at, nonce, token) | more


def sealed_body(text: str, clear: bytes = b"") -> bytes:
    """The body of safe mode; with the clear body, that of compat mode."""
    own = f"<Encrypt><![CDATA[{text}]]></Encrypt>".encode()
    if clear:
        head, tag, _ = clear.rpartition(b"</")
        return head + own + tag + clear[len(head) + len(tag) :]
    return b"<xml><ToUserName><![CDATA[" + ACCOUNT.encode() + b"]]></ToUserName>" + own + b"</xml>"


def delivery(mode: str, xml: bytes, at: datetime, key: str = KEY) -> tuple[str, bytes]:
    """Query and body as WeChat brings this message to an account of that mode."""
    if mode == "plain":
        return urlencode(signed(at)), xml
    text = encrypt(xml, key=key)
    return urlencode(sealed_query(at, text)), sealed_body(
        text, xml if mode == "compat" and _is_xml(xml) else b""
    )


def _is_xml(body: bytes) -> bool:
    """Whether WeChat could write this in clear beside the encrypted text."""
    try:
        return len(ElementTree.fromstring(body)) > 0 and b"<!DOCTYPE" not in body
    except (ElementTree.ParseError, ValueError, LookupError):
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the body, and the reply's XML in clear ('' for none)."""

    status: int
    body: bytes
    xml: str = ""

    @property
    def content(self) -> str:
        """The words of a text reply; asserts that there are some."""
        root = ElementTree.fromstring(self.xml)
        assert root.findtext("MsgType") == "text"
        words = root.findtext("Content")
        assert words
        return words

    @property
    def kind(self) -> str:
        """text, news, …; success; or empty."""
        if self.xml:
            return str(ElementTree.fromstring(self.xml).findtext("MsgType"))
        return {b"success": "success", b"": "empty", b"forbidden": "refused"}.get(
            self.body, "?" + repr(self.body[:40])
        )


def read_answer(status: int, body: bytes, key: str = KEY, nonce: str = "415670741") -> Answer:
    """The answer as WeChat reads it; asserts that an encrypted one is signed."""
    if not body.startswith(b"<xml><Encrypt>"):
        return Answer(status, body, body.decode() if body.startswith(b"<xml>") else "")
    root = ElementTree.fromstring(body)
    text, time = root.findtext("Encrypt", ""), root.findtext("TimeStamp", "")
    assert root.findtext("Nonce") == nonce
    assert root.findtext("MsgSignature") == signature(TOKEN, time, nonce, text)
    return Answer(status, body, decrypt(text, key=key).decode())


# --- the account's side ------------------------------------------------------------------------------------------


def counts(turn: Turn) -> Reply:
    """A handler with an effect of its own: one row for each message that it handles."""
    words = getattr(turn.message.body, "content", "")
    turn.connection.execute(effects.insert().values(key=turn.message.key, words=words, process=os.getpid()))
    turn.topic = "counted"
    return Text(f"收到：{words}")


class SetClock(Clock):
    """Stands still where the test puts it."""

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__()
        self.at = at

    def now(self) -> datetime:
        return self.at


DOORS: list[Door] = []


def close_doors() -> None:
    """After each test."""
    while DOORS:
        DOORS.pop().close()


class Beside:
    """How production stores messages, for a loop of the tests: on SQLite by the writer, which here is a thread."""

    def __init__(self, webhook: Webhook) -> None:
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self.address: Any = None  # where the writer listens
        if webhook.store.dialect == "sqlite":
            listener = listen()
            self.address = listener.getsockname()
            writer = Writer(listener, webhook.store, webhook)
            self._thread = threading.Thread(target=writer.run, args=(lambda: not self._over.is_set(), 1))
            self._thread.start()
        self.committer: AsyncCommitter = committer_for(webhook.store, webhook.recorder, webhook, self.address)

    async def close(self) -> None:
        await self.committer.close()
        self._over.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 10)


class Door:
    """One account's webhook over a store, reached in both ways: under Flask, and as production does on an event loop."""

    def __init__(
        self,
        store: Store,
        mode: str = "plain",
        handler: Handler = answer,
        *,
        freshness_s: int = 300,
        key: str = KEY,
        previous: str = "",
        token: str = TOKEN,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.store = store
        self.mode = mode
        self.clock = SetClock()
        aes = (key, previous) if mode != "plain" else ("", "")
        envelope = Envelope(
            mode=mode,
            token=token,
            app_id=APP_ID,
            freshness_s=freshness_s,
            aes_key=aes[0],
            aes_key_previous=aes[1],
        )
        self.webhook = Webhook(envelope, store, self.clock, HOUSE, handler, ACCOUNT)
        app = Flask("door")
        app.register_blueprint(blueprint(self.webhook))
        app.testing = True  # an exception reaches the test instead of becoming a 500
        self.phone = app.test_client()
        self.answer_s = answer_s
        self._runner: asyncio.Runner | None = None
        self._beside: Beside | None = None
        self._group: CommitQueue | None = None
        DOORS.append(self)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.run(self._leave())
            self._runner.close()
            self._runner = None

    async def _leave(self) -> None:
        assert self._beside is not None
        while self._group is not None and not self._group.idle:
            await asyncio.sleep(0.01)
        await self._beside.close()

    # under Flask

    def post(self, query: str, body: bytes) -> Answer:
        """As any WSGI server would carry it."""
        response = self.phone.post("/wx?" + query, data=body, content_type="text/xml")
        return read_answer(response.status_code, response.get_data())

    def says(self, xml: bytes, at: datetime | None = None) -> Answer:
        """A message properly delivered under Flask."""
        return self.post(*delivery(self.mode, xml, at or self.clock.at))

    # on an event loop

    def group(self, requests: Sequence[tuple[str, bytes]], wait: bool = True) -> list[Answer]:
        """As production carries them, all at once: the answers in the order of the requests. Without `wait` what has been
        given up on goes on in the loop's background, as it does in production."""
        return self.runner.run(self._carry(requests, wait))

    def hears(self, xmls: Iterable[bytes], wait: bool = True) -> list[Answer]:
        """Messages properly delivered on the event loop, all at once."""
        return self.group([delivery(self.mode, xml, self.clock.at) for xml in xmls], wait)

    @property
    def runner(self) -> asyncio.Runner:
        if self._runner is None:
            self._runner = asyncio.Runner()
            self._beside = Beside(self.webhook)
        return self._runner

    async def _carry(self, requests: Sequence[tuple[str, bytes]], wait: bool) -> list[Answer]:
        hook, loop = self.webhook, asyncio.get_running_loop()
        assert self._beside is not None
        if self._group is None:
            self._group = CommitQueue(self._beside.committer, hook, self.answer_s)
        group = self._group
        answers: list[Any] = []
        for query, body in requests:
            arrived = hook.arrive(query, body)
            if not isinstance(arrived[1], Arrival):
                answers.append(arrived)
                continue
            opened, row = arrived
            stored: asyncio.Future[str | None] = loop.create_future()
            group.submit(row, stored.set_result)
            answers.append((opened, stored))
        ticking = loop.create_task(self._tick(group))
        found = []
        for first, second in answers:
            if isinstance(first, int):
                found.append(read_answer(first, second))
                continue
            xml = await second
            found.append(read_answer(503, b"") if xml is None else read_answer(200, hook.seal(first, xml)))
        while wait and not group.idle:
            await asyncio.sleep(0.005)
        ticking.cancel()
        return found

    @staticmethod
    async def _tick(group: CommitQueue) -> None:
        while True:
            await asyncio.sleep(0.25)
            group.expire()


# --- what was stored ---------------------------------------------------------------------------------------------


def stored(store: Store, openid: str | None = None) -> list[Any]:
    """The interactions (of that person) in the order in which they were said; within a group, ids go by the key."""
    query = sa.select(interactions).order_by(interactions.c.sent_at, interactions.c.id)
    if openid is not None:
        query = query.where(interactions.c.openid == openid)
    with store.reading() as connection:
        return list(connection.execute(query).mappings())


def person(store: Store, openid: str = WORKER) -> Any:
    """That follower's row, or None."""
    with store.reading() as connection:
        return connection.execute(sa.select(followers).where(followers.c.openid == openid)).mappings().first()


def count(store: Store, table: sa.Table = interactions) -> int:
    """How many rows there are."""
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


# --- messages ----------------------------------------------------------------------------------------------------


def cdata(words: str) -> str:
    return "<![CDATA[" + words.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def envelope_of(
    kind: str, inner: str, *, openid: str = WORKER, at: datetime = NOON, to: str = ACCOUNT
) -> bytes:
    """The common elements around a message's own."""
    return (
        f"<xml><ToUserName>{cdata(to)}</ToUserName>\n<FromUserName>{cdata(openid)}</FromUserName>\n"
        f"<CreateTime>{stamp(at)}</CreateTime>\n<MsgType>{cdata(kind)}</MsgType>\n{inner}</xml>"
    ).encode()


def text(words: str, msg_id: int = 1, *, openid: str = WORKER, at: datetime = NOON) -> bytes:
    inner = f"<Content>{cdata(words)}</Content>\n<MsgId>{msg_id}</MsgId>\n"
    return envelope_of("text", inner, openid=openid, at=at)


def event(name: str, inner: str = "", *, key: str = "", openid: str = WORKER, at: datetime = NOON) -> bytes:
    own = f"<Event>{cdata(name)}</Event>\n<EventKey>{cdata(key)}</EventKey>\n{inner}"
    return envelope_of("event", own, openid=openid, at=at)


# --- a database that goes away ----------------------------------------------------------------------------------


class Proxy:
    """Stands before a server on a port of its own and can refuse (`cut`), fall silent (`freeze`) and be good again.

    `near`: the loopback address on which it stands."""

    def __init__(self, host: str, port: int, near: str = "127.0.0.1") -> None:
        self._far, self._near = (host, port), near
        self._door: socket.socket | None = None
        self._pairs: list[socket.socket] = []
        self._open = threading.Event()
        self._open.set()
        self.port = 0

    def __enter__(self) -> Proxy:
        self.restore()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.set()
        self.cut()

    def cut(self) -> None:
        """Nobody listens, and every connection breaks."""
        if self._door is not None:
            _shut(self._door)
            self._door = None
        for each in self._pairs:
            _shut(each)
        self._pairs.clear()

    def freeze(self) -> None:
        """Connections are taken and stay, but nothing passes."""
        self._open.clear()

    def restore(self) -> None:
        """As it was; what hung in silence is broken, as a firewall would at last."""
        if not self._open.is_set():
            self.cut()
            self._open.set()
        self._door = socket.create_server((self._near, self.port), reuse_port=False)
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()

    def _accept(self, door: socket.socket) -> None:
        while True:
            try:
                near, _ = door.accept()
                far = socket.create_connection(self._far)
            except OSError:
                return
            self._pairs += (near, far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while chunk := one.recv(65536):
                self._open.wait()
                other.sendall(chunk)
        except OSError:
            pass
        _shut(one)
        _shut(other)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def through(url: sa.URL, port: int, host: str = "127.0.0.1") -> str:
    """The same database behind a proxy."""
    return url.set(host=host, port=port).render_as_string(hide_password=False)
