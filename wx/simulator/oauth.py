"""Signing in on a web page inside WeChat (platform guide, 网页授权)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from wx.simulator.world import Errcode, Json, World

CODE_LIFE = timedelta(minutes=5)
CODES_KEPT = 1000
# The real page compares the order of the parameters and shows an error page for any other.
ORDER = re.compile(
    r"appid=[^&]+&redirect_uri=[^&]+&response_type=code&scope=snsapi_(base|userinfo)(&state=[a-zA-Z0-9]{0,128})?(&.*)?"
)


@dataclass(slots=True)
class Code:
    """A code that a page received: whose it is, and whether it was used."""

    openid: str
    scope: str
    until: datetime
    used: bool = False


class SignIn:
    """Gives out codes and takes them back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, Code] = {}
        self.domains: tuple[str, ...] = ()  # () = any redirect domain is registered

    def redirect(self, query: str, openid: str) -> str:
        """Where the browser of this person goes next. Raises Errcode with the words of the error page."""
        asked = {key: values[0] for key, values in parse_qs(query).items()}
        if not ORDER.fullmatch(query):
            raise Errcode(10015, "参数错误")
        if asked["appid"] != self._world.account.app_id:
            raise Errcode(10013, "AppID 参数错误")
        back = asked["redirect_uri"]
        if self.domains and urlsplit(back).hostname not in self.domains:
            raise Errcode(10003, "redirect_uri 域名与后台配置不一致")
        code = secrets.token_hex(16)
        with self._world.lock:
            self._codes[code] = Code(openid, asked["scope"], self._world.now() + CODE_LIFE)
            while len(self._codes) > CODES_KEPT:
                del self._codes[next(iter(self._codes))]
        joint = "&" if urlsplit(back).query else "?"
        return f"{back}{joint}{urlencode({'code': code, 'state': asked.get('state', '')})}"

    def exchange(self, given: dict[str, str]) -> Json:
        """GET /sns/oauth2/access_token. Raises 40013, 40125, 40029, 40163."""
        account = self._world.account
        if given.get("appid") != account.app_id:
            raise Errcode(40013, "invalid appid")
        if given.get("secret") != account.app_secret.get_secret_value():
            raise Errcode(40125, "invalid appsecret")
        with self._world.lock:
            code = self._codes.get(given.get("code", ""))
            if (
                code is None
                or code.until <= self._world.now()
                or given.get("grant_type") != "authorization_code"
            ):
                raise Errcode(40029, "invalid code")
            if code.used:
                raise Errcode(40163, "code been used")
            code.used = True
        return {
            "access_token": f"web_{secrets.token_urlsafe(48)}",
            "expires_in": 7200,
            "refresh_token": f"again_{secrets.token_urlsafe(48)}",
            "openid": code.openid,
            "scope": code.scope,
        }
