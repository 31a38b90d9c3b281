"""`[alarms]`: ways to the staff themselves, who must hear that something is wrong: e-mail, a group's robot, WeChat.

They are no pushes: no ledger, no brake. Each either delivers within `LIMIT_S` or raises Untold.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import requests
from pydantic import AfterValidator, Field, SecretStr, StrictInt

from ground.address import parts_of
from ground.days import SHANGHAI
from ground.part import Part
from ground.text import without_spaces
from wx.account import LOOPBACK, Account
from wx.client import Api
from wx.errors import ApiError, WeChatError, explain

LIMIT_S = 10.0
OVER_TLS = 465  # the port on which TLS comes first; on every other it is asked for
WORDS_MOST = 2000  # bytes of one message: WeChat takes 2048, a group's robot about as many
THING_MOST = 20  # characters of a template's thing field (platform guide, 模板消息)
NONE = SecretStr("")


def _address(text: str) -> str:
    without_spaces(text)
    name, at, host = text.partition("@")
    if not (name and at and "." in host) or not text.isascii():
        raise ValueError("不是邮箱地址，应写成 name@example.cn 的样子")
    return text


def _robot(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text:
        return value
    url = parts_of(without_spaces(text))
    if not url.hostname or (
        url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK)
    ):
        raise ValueError("应是 https:// 开头的完整网址")
    return value


class Alarms(Part):
    """Whom an alarm reaches. All empty: it only stands in `doctor`, on /metrics and on the staff's pages."""

    openids: tuple[Annotated[str, AfterValidator(without_spaces)], ...] = ()
    template_id: Annotated[str, AfterValidator(without_spaces)] = ""
    template_data: Mapping[str, str] = Field(default_factory=dict)
    email: tuple[Annotated[str, AfterValidator(_address)], ...] = ()
    smtp_host: Annotated[str, AfterValidator(without_spaces)] = ""
    smtp_port: StrictInt = Field(default=OVER_TLS, ge=1, le=65535)
    smtp_user: Annotated[str, AfterValidator(without_spaces)] = ""
    smtp_password: SecretStr = NONE
    webhook: Annotated[SecretStr, AfterValidator(_robot)] = NONE

    @property
    def lacks(self) -> str:
        """What is still to be filled in before it can work, '' when nothing."""
        if self.email and not (self.smtp_host and self.smtp_user):
            return "写了 email，还要写 smtp_host 和 smtp_user"
        if not (self.email or self.openids or self.webhook.get_secret_value()):
            return "还没有写出了事告诉谁：email、webhook、openids 至少写一样"
        return ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the staff read: each alarm's words say what happened and what to do."""

    account: str
    words: Sequence[str]
    at: datetime

    @property
    def title(self) -> str:
        more = f"（共 {len(self.words)} 件）" if len(self.words) > 1 else ""
        return f"【{self.account}公众号】{self.words[0][:40]}{more}"

    @property
    def text(self) -> str:
        """All of it, for a mail."""
        lines = "\n\n".join(f"· {words}" for words in self.words)
        return f"{self.when}，{self.account}公众号有 {len(self.words)} 件事要您处理：\n\n{lines}\n"

    @property
    def short(self) -> str:
        """As much as one message takes."""
        return cut(self.text, WORDS_MOST)

    @property
    def when(self) -> str:
        return f"{self.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


class Untold(Exception):
    """Nobody was reached on this way; the text says why, in Chinese. `ever`: trying again may help."""

    def __init__(self, reason: str, *, ever: bool = True) -> None:
        super().__init__(reason)
        self.ever = ever


class Way(Protocol):
    """One way to the staff."""

    @property
    def name(self) -> str:
        """Without blanks; what the alarm's row remembers."""
        ...

    @property
    def title(self) -> str: ...
    def tell(self, notice: Notice) -> None:
        """Raises Untold."""
        ...


class Mail:
    """One mail to everybody named, over TLS (on this machine itself it may be without)."""

    name, title = "mail", "邮件"

    def __init__(self, settings: Alarms) -> None:
        self._settings = settings

    def tell(self, notice: Notice) -> None:
        try:
            with self._server() as server:
                if password := self._settings.smtp_password.get_secret_value():
                    server.login(self._settings.smtp_user, password)
                server.send_message(self._letter(notice))
        except (OSError, smtplib.SMTPException) as error:
            raise Untold(f"邮件没有发出（{type(error).__name__}）") from None

    def _server(self) -> smtplib.SMTP:
        host, port = self._settings.smtp_host, self._settings.smtp_port
        if port == OVER_TLS:
            return smtplib.SMTP_SSL(host, port, timeout=LIMIT_S, context=ssl.create_default_context())
        server = smtplib.SMTP(host, port, timeout=LIMIT_S)
        if host not in LOOPBACK:
            server.starttls(context=ssl.create_default_context())
        return server

    def _letter(self, notice: Notice) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"] = self._settings.smtp_user, ", ".join(self._settings.email)
        letter["Subject"] = notice.title.replace("\n", " ")
        letter["Date"] = format_datetime(notice.at.astimezone(SHANGHAI))
        letter["Message-ID"] = make_msgid(domain=self._settings.smtp_user.partition("@")[2] or "localhost")
        letter.set_content(notice.text)
        return letter


def _wecom(text: str) -> dict[str, Any]:
    """企业微信 and 钉钉 group robots."""
    return {"msgtype": "text", "text": {"content": text}}


def _feishu(text: str) -> dict[str, Any]:
    """飞书 group robots."""
    return {"msg_type": "text", "content": {"text": text}}


ROBOTS = {"open.feishu.cn": _feishu, "open.larksuite.com": _feishu}  # every other host: as 企业微信


class Robot:
    """One POST to a group's robot, or to a program of one's own."""

    name, title = "webhook", "群机器人"

    def __init__(self, url: str) -> None:
        self._url = url

    def tell(self, notice: Notice) -> None:
        body = ROBOTS.get(urlsplit(self._url).hostname or "", _wecom)(notice.short)
        try:
            answer = requests.post(self._url, json=body, timeout=LIMIT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise Untold(f"群机器人连不上（{type(error).__name__}）") from None
        if answer.status_code >= 300 or (code := _code(answer)):
            raise Untold(f"群机器人没有收（{answer.status_code if answer.status_code >= 300 else code}）")


def _code(answer: requests.Response) -> object:
    """What a robot says is wrong although its HTTP status is good; 0 or None when nothing is."""
    try:
        told = answer.json()
    except ValueError:
        return None
    return (told.get("errcode") or told.get("code")) if isinstance(told, dict) else None


class Tester:
    """One of the staff by this account itself: a template message, else a customer-service message (only inside 48 hours after
    they spoke)."""

    title = "微信"

    def __init__(self, api: Api, settings: Alarms, openid: str) -> None:
        self._api, self._settings, self._openid = api, settings, openid
        self.name = "wechat-" + hashlib.sha256(openid.encode()).hexdigest()[:8]

    def tell(self, notice: Notice) -> None:
        try:
            if self._settings.template_id:
                once = hashlib.sha256(notice.text.encode()).hexdigest()[:32]
                self._api.send_template(
                    self._openid, self._settings.template_id, self._data(notice), client_id=once
                )
            else:
                text = {"msgtype": "text", "text": {"content": notice.short}}
                self._api.send_service(self._openid, text)
        except ApiError as error:
            passing = explain(error.errcode).policy in ("retry", "wait_minute", "wait_day", "stop_all")
            raise Untold(
                f"微信没有发出（{error.errcode} {explain(error.errcode).means_zh}）", ever=passing
            ) from None
        except WeChatError as error:
            raise Untold(f"微信没有回答（{type(error).__name__}）") from None

    def _data(self, notice: Notice) -> dict[str, str]:
        found = {}
        for key, text in self._settings.template_data.items():
            filled = text.replace("{words}", " ".join(notice.words[0].split())).replace("{time}", notice.when)
            found[key] = filled[:THING_MOST] if key.startswith("thing") else filled
        return found


def ways(settings: Alarms, account: Account, api: Api) -> list[Way]:
    """Every way that the config names. While the account is not live, of the openids only testers'."""
    return list(_ways(settings, account, api))


def _ways(settings: Alarms, account: Account, api: Api) -> Iterator[Way]:
    if settings.email and not settings.lacks:
        yield Mail(settings)
    if url := settings.webhook.get_secret_value():
        yield Robot(url)
    for openid in settings.openids:
        if account.live or openid in account.testers:
            yield Tester(api, settings, openid)


def cut(text: str, most: int) -> str:
    """At most so many bytes, with a sign where something is left out."""
    raw = text.encode()
    return text if len(raw) <= most else raw[: most - 3].decode(errors="ignore") + "…"
