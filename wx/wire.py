"""One HTTP exchange with WeChat: a JSON object comes back, or one of our errors; never a secret in either.

Built on wechatpy's client, whose own habits are switched off where they hurt:

1. it calls itself again after every bad token, without end (auto_retry);
2. it hands back an HTML page as if it were an answer;
3. its errors carry the request, and with it the token.
"""

import http.client
import io
import json
import logging
import re
import time
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ConnectionError,  # noqa: A004 - requests' own name
    ConnectTimeout,
    InvalidHeader,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    ProxyError,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from wx.errors import ApiError, BadAnswer, NoAnswer, NotSent, WeChatError, fold

CONNECT_S = 5.0
ANSWER_S = 15.0
UPLOAD_ANSWER_S = 60.0
MOST_BYTES = (
    24 * 1024 * 1024
)  # a photo has 20; the longest answer in words, 10 000 openids, is a third of a megabyte
MEDIA = ("image/", "audio/", "video/", "application/octet-stream")

_HIDDEN = re.compile(
    r"(\b(?:access_token|refresh_token|secret|appsecret|code)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+"
)


def without_secrets(words: str) -> str:
    """The same words with the value of every token and secret replaced by ***."""
    return _HIDDEN.sub(r"\1***", words)


class Wire(WeChatClient):  # type: ignore[misc]
    """Exchanges requests with one WeChat host over one kept-alive connection; use one per thread."""

    def __init__(self, app_id: str, api_base: str) -> None:
        super().__init__(app_id, secret="", auto_retry=False)
        self.API_BASE_URL = f"{api_base.rstrip('/')}/cgi-bin/"
        self._http.mount("https://", _Adapter())
        self._http.mount("http://", _Adapter())
        # On this machine there is no proxy to ask, and asking costs a tenth of a small call.
        self._http.trust_env = not re.match(r"https?://(127\.|localhost|\[::1\])", api_base)
        for name in ("urllib3.connection", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(_masked)  # they log whole URLs; adding it twice changes nothing

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object],
        body: Mapping[str, object] | None = None,
        files: Mapping[str, object] | None = None,
        form: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """WeChat's answer, a JSON object with errcode 0; a file comes as {"data": its bytes}. Raises ApiError, NotSent or NoAnswer."""
        # as a list, because wechatpy turns a dict into JSON
        kwargs: dict[str, object] = {"files": files, "data": list((form or {}).items())}
        if body is not None:
            kwargs = {"data": _json(body), "headers": {"Content-Type": "application/json; charset=utf-8"}}
        try:
            answer: dict[str, Any] = self._request(
                method,
                path,
                # wechatpy adds its own token to a dict that has none, and leaves a list alone
                params=list(params.items()),
                timeout=(CONNECT_S, UPLOAD_ANSWER_S if files else ANSWER_S),
                allow_redirects=False,
                stream=True,
                **kwargs,
            )
        except (WeChatClientException, requests.RequestException, WeChatError) as error:
            failure = _translated(error)
        else:
            return answer
        # Raised out here, so that not even __context__ holds the request with its token.
        raise failure

    def _handle_result(self, res: requests.Response, *_: object, **__: object) -> dict[str, Any]:
        answer = _object(res)
        if answer["errcode"] == 0:
            return answer
        words, rid = fold(without_secrets(str(answer.get("errmsg", ""))))
        raise ApiError(answer["errcode"], words, rid, answer)


def _object(res: requests.Response) -> dict[str, Any]:
    """The JSON object that came, or the file, always with a whole number as errcode. Raises NoAnswer for anything else.

    Names that people gave hold what people type: a raw control character and half a character are read as they are.
    """
    with res:
        raw = bytearray()
        for piece in res.iter_content(65536):
            raw += piece
            if len(raw) > MOST_BYTES:
                raise NoAnswer("the answer is too long")
    if res.headers.get("Content-Type", "").lower().startswith(MEDIA):
        return {"errcode": 0, "data": bytes(raw)}
    try:
        answer = json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
        if isinstance(answer, dict):
            answer["errcode"] = int(answer.get("errcode", 0))
            return answer
    except (ValueError, TypeError, RecursionError):
        pass
    raise BadAnswer(f"HTTP {res.status_code} without a JSON object")


def _json(body: Mapping[str, object]) -> bytes:
    """Chinese goes out as itself: WeChat refuses \\u escapes (40033) or stores them as they stand."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _masked(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_secrets(record.getMessage()), ()
    return True


_NEVER_LEFT = (ConnectTimeout, ProxyError, InvalidURL, InvalidSchema, MissingSchema, InvalidHeader)


def _translated(error: Exception) -> WeChatError:
    """Our error for one of wechatpy's or requests', in words that hold neither URL nor token."""
    if isinstance(error, WeChatError):
        return error
    if isinstance(error, WeChatClientException):
        with error.response:  # only for an HTTP error: the rest is judged in _handle_result
            return NoAnswer(f"HTTP {error.response.status_code}")
    name = type(error).__name__
    if isinstance(error, _NEVER_LEFT) or (isinstance(error, ConnectionError) and _met_nobody(error)):
        return NotSent(name)
    return NoAnswer(name)


def _met_nobody(error: ConnectionError) -> bool:
    reason = error.args[0] if error.args else None
    return isinstance(reason, MaxRetryError) and isinstance(reason.reason, NewConnectionError)


class _Until(io.RawIOBase):
    """A socket's bytes until a moment, so that one byte a second does not hold a worker for ever."""

    def __init__(self, raw: io.RawIOBase, sock: Any) -> None:
        self._raw, self._sock = raw, sock
        wait = sock.gettimeout()
        self._end = None if wait is None else time.monotonic() + wait

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the whole answer took too long")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer

    def connect(self) -> None:
        """A refused certificate and a broken handshake leave nothing sent, as a refused connection does."""
        try:
            super().connect()
        except OSError as error:  # ssl's own errors among them
            raise NewConnectionError(self, type(error).__name__) from error


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """requests' read timeout bounds each piece of an answer; here it bounds the whole."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
