"""How the platform talks to the account's server: signed, perhaps encrypted, three times, and strict about answers.

Source: platform guide, 接收普通消息, 消息加解密说明, 被动回复用户消息. Nothing here is shared with the code that receives
it, so that the two check each other.
"""

import hashlib
import http.client
import secrets
import time
import xml.etree.ElementTree as ElementTree
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.exceptions import WeChatException

from wx.simulator.world import Json, World

Target = str | Callable[[str, bytes], tuple[int, bytes]]
BUSY = "该公众号暂时无法提供服务，请稍后再试"
BROKEN = "该公众号提供的服务出现故障，请稍后再试"
TEXT_BYTES = 2048
IDLE_KEPT = 32


class BadReply(Exception):
    """An answer that the platform does not understand; the reason is for tests."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the platform waits, how often it tries in all, and how long it rests in between (the last is ours)."""

    timeout_s: float = 5.0
    attempts: int = 3
    gap_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Reply:
    """What the account said: an entry's kind and content. '' is no answer."""

    kind: str = ""
    content: Json = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The words of it: a text, or an article's title and description."""
        articles = self.content.get("articles", ())
        return str(
            self.content.get("text") or "\n".join(f"{a['title']}\n{a['description']}" for a in articles)
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """How one delivery ended. `status` 0 = nothing came; `note` is what the person sees instead of an answer."""

    status: int
    body: bytes
    attempts: int
    reply: Reply = Reply()
    note: str = ""
    reason: str = ""


def xml(fields: Mapping[str, Any]) -> str:
    """Fields as WeChat writes them: words in CDATA, numbers bare, lists as repeated <item>."""
    return f"<xml>{_inner(fields)}</xml>"


def _inner(fields: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items() if value is not None)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _inner(value)
    if isinstance(value, list):
        return "".join(f"<item>{_value(one)}</item>" for one in value)
    if isinstance(value, int | float):
        return str(value)
    return f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


class Callback:
    """The account's server as the platform sees it: a URL, or a function of query and body."""

    def __init__(self, world: World, target: Target | None, patience: Patience) -> None:
        self.world, self.target, self.patience = world, target, patience
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=IDLE_KEPT)
        self.refused: deque[str] = deque(maxlen=200)  # why answers were not understood, for tests

    def deliver(self, openid: str, fields: Mapping[str, Any], *, one_answer: bool) -> Exchange:
        """Sends a message, three times if need be. `one_answer`: an ordinary message, answered by one article."""
        plain = xml(fields)
        body = self.sealed(plain)
        exchange = Exchange(0, b"", 0, note=BUSY, reason="no callback")
        for attempt in range(1, self.patience.attempts + 1):
            exchange = self._attempt(openid, body, one_answer, attempt)
            if exchange.status == 200:
                break
            if attempt < self.patience.attempts:
                time.sleep(self.patience.gap_s)
        if exchange.reason:
            self.refused.append(exchange.reason)
        return exchange

    def sealed(self, plain: str) -> bytes:
        """The body of a message in the account's mode."""
        account = self.world.account
        if account.mode == "plain":
            return plain.encode()
        crypto = PrpCrypto(_key(account.encoding_aes_key.get_secret_value()))
        text = crypto.encrypt(plain, account.app_id).decode()
        encrypted = f"<Encrypt>{_value(text)}</Encrypt>"
        if account.mode == "compat":
            return plain.replace("</xml>", f"{encrypted}</xml>").encode()
        return f"<xml><ToUserName>{_value(account.original_id)}</ToUserName>{encrypted}</xml>".encode()

    def query(self, openid: str, body: bytes) -> tuple[str, str]:
        """The signed query of a body, and its nonce."""
        account = self.world.account
        token = account.token.get_secret_value()
        stamp, nonce = str(int(self.world.now().timestamp())), str(secrets.randbelow(10**10))
        fields = {
            "signature": signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
        }
        if account.mode != "plain":
            text = body.decode().rpartition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
            fields |= {"encrypt_type": "aes", "msg_signature": signature(token, stamp, nonce, text)}
        return urlencode(fields), nonce

    def close(self) -> None:
        """Lets go of the kept connections."""
        while self._idle:
            self._idle.pop().close()

    def _attempt(self, openid: str, body: bytes, one_answer: bool, attempt: int) -> Exchange:
        if self.target is None:
            return Exchange(0, b"", attempt, note=BUSY, reason="no callback")
        query, nonce = self.query(openid, body)
        if callable(self.target):
            status, answer = self.target(query, body)
        else:
            status, answer = self._post(self.target, query, body)
        if status != 200:
            note = BROKEN if status else BUSY
            return Exchange(status, answer, attempt, note=note, reason=f"HTTP {status}")
        try:
            reply = self.read(answer, nonce, openid, one_answer)
        except BadReply as error:
            return Exchange(status, answer, attempt, note=BROKEN, reason=str(error))
        return Exchange(status, answer, attempt, reply)

    def _post(self, url: str, query: str, body: bytes) -> tuple[int, bytes]:
        """Status and body; status 0 when nothing came in time."""
        parts = urlsplit(url)
        path = f"{parts.path or '/'}?{query}"
        headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Connection": "keep-alive"}
        for fresh in (False, True):
            try:
                connection = self._connection(parts.scheme, parts.netloc, fresh)
                kept = connection.sock is not None
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if kept and not isinstance(error, TimeoutError):
                    continue  # the server had closed the kept connection meanwhile
                return 0, b""
            if answer.will_close or len(self._idle) == IDLE_KEPT:
                connection.close()
            else:
                self._idle.append(connection)
            return answer.status, content
        return 0, b""

    def _connection(self, scheme: str, netloc: str, fresh: bool) -> http.client.HTTPConnection:
        if not fresh:
            try:
                return self._idle.pop()
            except IndexError:
                pass
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return kind(netloc, timeout=self.patience.timeout_s)

    # -- answers -------------------------------------------------------------------------------------------

    def read(self, body: bytes, nonce: str, openid: str, one_answer: bool) -> Reply:
        """What the answer says. Raises BadReply for all that the platform would call 服务出现故障."""
        if body in (b"", b"success"):
            return Reply()
        found = _parsed(body)
        if self.world.account.mode == "safe" or (self.world.account.mode == "compat" and "Encrypt" in found):
            found = _parsed(self._decrypted(body, found, nonce))
        if found.get("ToUserName") != openid or found.get("FromUserName") != self.world.account.original_id:
            raise BadReply("ToUserName or FromUserName is wrong")
        if not str(found.get("CreateTime", "")).isdigit():
            raise BadReply("CreateTime is no number")
        return _reply(self.world, found, one_answer)

    def _decrypted(self, body: bytes, found: Json, nonce: str) -> bytes:
        account = self.world.account
        missing = [name for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce") if name not in found]
        if missing:
            raise BadReply(f"not encrypted: {missing[0]} is missing")
        if found["Nonce"] != nonce:
            raise BadReply("Nonce is not the one of the query")
        key = account.encoding_aes_key.get_secret_value()
        crypto = WeChatCrypto(account.token.get_secret_value(), key, account.app_id)
        try:
            return str(
                crypto.decrypt_message(found, found["MsgSignature"], found["TimeStamp"], found["Nonce"])
            ).encode()
        except (WeChatException, ValueError, IndexError) as error:
            raise BadReply(f"cannot be decrypted: {type(error).__name__}") from error


def _key(encoding_aes_key: str) -> bytes:
    return bytes(WeChatCrypto("token", encoding_aes_key, "").key)


def _parsed(body: bytes) -> Json:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - our own server's answer
    except ElementTree.ParseError as error:
        raise BadReply("not XML") from error
    if root.tag != "xml":
        raise BadReply("the root is not <xml>")
    return {child.tag: _branch(child) for child in root}


def _branch(element: ElementTree.Element) -> Any:
    if not len(element):
        return element.text or ""
    if all(child.tag == "item" for child in element):
        return [_branch(child) for child in element]
    return {child.tag: _branch(child) for child in element}


def _reply(world: World, found: Json, one_answer: bool) -> Reply:
    kind = found.get("MsgType")
    if kind == "text":
        content = found.get("Content")
        if not isinstance(content, str) or not content:
            raise BadReply("Content is empty")
        if len(content.encode()) > TEXT_BYTES:
            raise BadReply("Content is too long")
        return Reply("text", {"text": content})
    if kind == "news":
        return _news(found, one_answer)
    if kind in ("image", "voice", "video"):
        branch = found.get(kind.capitalize())
        media_id = branch.get("MediaId") if isinstance(branch, dict) else None
        if media_id not in world.media:
            raise BadReply("MediaId is not known")
        url = f"{world.base_url}/simulator/picture/{media_id}" if kind == "image" else ""
        return Reply(kind, {"url": url})
    if kind == "music" and isinstance(found.get("Music"), dict):
        music = found["Music"]
        return Reply("link", {"text": music.get("Title", ""), "url": music.get("MusicUrl", "")})
    if kind == "transfer_customer_service":
        return Reply("note", {"text": "已转接人工客服"})
    raise BadReply("MsgType is not known")


def _news(found: Json, one_answer: bool) -> Reply:
    items = found.get("Articles")
    most = 1 if one_answer else 8
    if (
        not isinstance(items, list)
        or not 1 <= len(items) <= most
        or str(len(items)) != found.get("ArticleCount")
    ):
        raise BadReply("ArticleCount is wrong")
    names = {"title": "Title", "description": "Description", "picurl": "PicUrl", "url": "Url"}
    articles = tuple(
        {ours: str(item.get(theirs, "")) for ours, theirs in names.items()} if isinstance(item, dict) else {}
        for item in items
    )
    if not all(article.get("title") for article in articles):
        raise BadReply("an article has no title")
    return Reply("news", {"articles": articles})
