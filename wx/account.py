"""`[account]`: which WeChat account this is and how its two doors are locked."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
)

from ground.part import Part

LOOPBACK = ("127.0.0.1", "::1", "localhost")
WORDS = {
    "app_id": "AppID（开发者ID）",
    "app_secret": "AppSecret（开发者密码）",
    "token": "令牌 Token",
    "encoding_aes_key": "消息加解密密钥 EncodingAESKey",
}


def _plain(value: SecretStr) -> str:
    text = value.get_secret_value()
    if text != text.strip() or not text.isascii() or any(c.isspace() for c in text):
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
    try:
        url = urlsplit(text)
        host = url.hostname
        url.port  # noqa: B018  (reading it is what checks it)
    except ValueError:
        raise ValueError("不是完整的网址，应写成 https://… 的样子") from None
    if url.scheme not in ("http", "https") or not host:
        raise ValueError("不是完整的网址，应写成 https://… 的样子")
    if url.scheme == "http" and host not in LOOPBACK:
        raise ValueError("必须以 https:// 开头（只有本机地址可以用 http://）")
    return text.rstrip("/")


Secret = Annotated[SecretStr, AfterValidator(_secret)]
Token = Annotated[SecretStr, AfterValidator(_token)]
AesKey = Annotated[SecretStr, AfterValidator(_aes_key)]
SecureUrl = Annotated[str, AfterValidator(_secure_url)]
NONE = SecretStr("")


class Account(Part):
    """One WeChat account; empty credentials are allowed here and named by `missing`."""

    name: str = Field(default="工会", max_length=60)
    kind: Literal["service", "subscription"] = "service"
    verified: StrictBool = False
    live: StrictBool = False
    testers: tuple[str, ...] = ()
    original_id: str = Field(default="", max_length=64)
    app_id: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_-]*$")
    app_secret: Secret = NONE
    token: Token = NONE
    encoding_aes_key: AesKey = NONE
    encoding_aes_key_previous: AesKey = NONE
    mode: Literal["safe", "compat", "plain"] = "safe"
    freshness_s: StrictInt = Field(default=300, ge=0, le=86_400)
    api_base: SecureUrl = "https://api.weixin.qq.com"
    oauth_base: SecureUrl = "https://open.weixin.qq.com/connect/oauth2/authorize"


def missing(account: Account) -> list[str]:
    """The keys without which the account can neither be served nor sent for, in the order of the file."""
    given = {
        "app_id": account.app_id,
        "app_secret": account.app_secret.get_secret_value(),
        "token": account.token.get_secret_value(),
        "encoding_aes_key": account.encoding_aes_key.get_secret_value() or account.mode == "plain",
    }
    return [key for key, value in given.items() if not value]
