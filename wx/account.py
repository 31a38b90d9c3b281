"""`[account]`: which WeChat account this is and how its two doors are locked."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    model_validator,
)

from ground.address import WHOLE, parts_of
from ground.part import Part
from ground.text import without_spaces

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WORDS = {
    "app_id": "AppID（开发者ID）",
    "app_secret": "AppSecret（开发者密码）",
    "token": "令牌 Token",
    "encoding_aes_key": "消息加解密密钥 EncodingAESKey",
}
PLAIN = (
    "正式开通（live = true）时不能用明文模式：明文模式下微信不给消息的内容签名，别人可以冒充职工取消关注，"
    '让系统删掉他的资料。请把 mode 改成 "safe"（微信公众平台里也选“安全模式”）'
)


def _plain(value: SecretStr) -> str:
    text = value.get_secret_value()
    if text != text.strip() or not text.isascii() or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError("里面有空格、换行或中文字符，请重新复制一遍，前后不要带空格")
    return text


def _secret(value: SecretStr) -> SecretStr:
    _plain(value)
    return value


def _token(value: SecretStr) -> SecretStr:
    length = len(_plain(value))
    if length and not 3 <= length <= 32:
        raise ValueError(f"令牌应为 3 至 32 个字符，现在是 {length} 个")
    return value


def _aes_key(value: SecretStr) -> SecretStr:
    """43 of [a-zA-Z0-9]; the last one may carry non-zero trailing bits (platform guide, 消息加解密)."""
    text = _plain(value)
    if text and not re.fullmatch(r"[A-Za-z0-9]{43}", text):
        raise ValueError(f"消息加解密密钥应为 43 个英文字母或数字，现在是 {len(text)} 个字符")
    return value


def _secure_url(text: str) -> str:
    url = parts_of(without_spaces(text))
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(WHOLE)
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise ValueError("必须以 https:// 开头（只有本机地址可以用 http://）")
    return text.rstrip("/")


Secret = Annotated[SecretStr, AfterValidator(_secret)]
Token = Annotated[SecretStr, AfterValidator(_token)]
AesKey = Annotated[SecretStr, AfterValidator(_aes_key)]
SecureUrl = Annotated[str, AfterValidator(_secure_url)]
NONE = SecretStr("")


Standing = Literal["unverified", "subscription", "service"]  # what WeChat's rights depend on


class Account(Part):
    """One WeChat account; empty credentials are allowed here and named by `missing`."""

    name: str = Field(default="工会", max_length=60)
    kind: Literal["service", "subscription"] = "service"
    verified: StrictBool = False
    live: StrictBool = False
    testers: tuple[Annotated[str, AfterValidator(without_spaces)], ...] = ()
    original_id: Annotated[str, Field(max_length=64), AfterValidator(without_spaces)] = ""
    app_id: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    app_secret: Secret = NONE
    token: Token = NONE
    encoding_aes_key: AesKey = NONE
    encoding_aes_key_previous: AesKey = NONE
    approvals: StrictInt = Field(default=0, ge=0, le=2)  # different staff, before a push leaves
    mode: Literal["safe", "compat", "plain"] = "safe"
    freshness_s: StrictInt = Field(default=300, ge=0, le=86_400)
    api_base: SecureUrl = "https://api.weixin.qq.com"
    oauth_base: SecureUrl = "https://open.weixin.qq.com/connect/oauth2/authorize"

    @property
    def standing(self) -> Standing:
        """Its row in the channels' tables of what may be done: an account that is not verified may do the least."""
        return self.kind if self.verified else "unverified"

    @staticmethod
    def odds(table: Mapping[str, Any]) -> list[str]:
        """What must not stand together in the raw table."""
        at_home = _host(table.get("api_base")) in LOOPBACK
        if table.get("live") is True and table.get("mode") == "plain" and not at_home:
            return [PLAIN]
        return []

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if faults := self.odds(self.model_dump()):
            raise ValueError("；".join(faults))
        return self


def _host(url: object) -> str | None:
    """The machine that an address names, None where it names none."""
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None


def risky(account: Account) -> list[str]:
    """What is allowed and yet dangerous, a sentence each with its reason and the remedy."""
    found = []
    if account.mode != "safe" and _host(account.api_base) not in LOOPBACK:
        found.append(
            f"mode = {account.mode}：微信不给消息的内容签名，截到一次请求的人可以冒充职工，比如替他取消关注。"
            "请改用安全模式 safe"
        )
    if account.freshness_s == 0:
        found.append("freshness_s = 0：不看请求的时间，截到的旧请求可以一直重放。请写 300")
    if (host := _host(account.api_base)) not in LOOPBACK and not f".{host}".endswith(".weixin.qq.com"):
        found.append(
            f"api_base 指向 {host}，不是微信的服务器：密码和所有推送都会交给它。请确认，或删掉这一行"
        )
    return found


def missing(account: Account) -> list[str]:
    """The keys without which the account can neither be served nor sent for, in the order of the file."""
    given = {
        "app_id": account.app_id,
        "app_secret": account.app_secret.get_secret_value(),
        "token": account.token.get_secret_value(),
        "encoding_aes_key": account.encoding_aes_key.get_secret_value() or account.mode == "plain",
    }
    return [key for key, value in given.items() if not value]
