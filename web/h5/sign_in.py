"""Signing in: WeChat's own page (网页授权, snsapi_base), or a code that the person types into the chat. No link signs anybody in."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from handlers.turn import House
from models import follower, session
from web.cookie import wall
from web.h5.browser import Browser
from web.parts import Parts
from wx.errors import WeChatError

log = logging.getLogger(__name__)
HOME = "/h5/"
SNAPSHOT = "您现在看到的是微信的快照页，还认不出您是谁。请点页面下方的“使用完整服务”，再试一次。"
OVER = "这次登录已经过期或者用过了，请再登录一次。"
FOLLOW = "请先在微信里搜索并关注我们的公众号，再回到这里登录。"
AWAY = "微信现在没有回应，请过一会儿再试。"


@dataclass(frozen=True, slots=True)
class Entrance:
    """What every way in has: the parts, the house, and the browser that comes in."""

    parts: Parts
    house: House
    browser: Browser

    @property
    def has_oauth(self) -> bool:
        """Whether WeChat's own page can be asked who it is."""
        return bool(self.parts.sign_in and self.house.base_url and self.parts.account.app_id)

    def away(self) -> Response:
        """To WeChat's page."""
        with self.parts.store.writing() as connection:
            state = session.ask_state(connection, self.browser.secret, _target(), wall())
        # WeChat compares the order of these (platform guide, 网页授权).
        back = quote(f"{self.house.base_url}/h5/sign-in/return", safe="")
        account = self.parts.account
        query = (
            f"appid={account.app_id}&redirect_uri={back}&response_type=code&scope=snsapi_base&state={state}"
        )
        return redirect(f"{account.oauth_base}?{query}#wechat_redirect", 303)

    def welcome(self, openid: str, target: str) -> Response:
        """Signed in, with a new secret."""
        with self.parts.store.writing() as connection:
            self.browser.renew(session.begin(connection, openid, wall()))
        return redirect(target, 303)

    def again(self, target: str, words: str) -> Response:
        """Not signed in; the words say why."""
        page = render_template("h5/sign-in.html", to=target, oauth=self.has_oauth, words=words)
        return make_response(page, 403)


def pages(blueprint: Blueprint, parts: Parts, house: House, browser: Browser) -> None:
    """`/h5/sign-in` and its return from WeChat."""
    entrance = Entrance(parts, house, browser)

    @blueprint.get("/sign-in")
    def choose() -> str | Response:
        target = _target()
        if browser.openid:
            return redirect(target, 303)
        if entrance.has_oauth and "MicroMessenger" in request.headers.get("User-Agent", ""):
            return entrance.away()
        return render_template("h5/sign-in.html", to=target, oauth=entrance.has_oauth, words="")

    @blueprint.get("/sign-in/wechat")
    def away() -> Response:
        return entrance.away() if entrance.has_oauth else redirect(f"/h5/sign-in?to={quote(_target())}", 303)

    @blueprint.get("/sign-in/return")
    def returned() -> Response:
        return _returned(entrance)

    @blueprint.get("/sign-in/code")
    def code() -> str | Response:
        return _by_code(entrance)


def _returned(entrance: Entrance) -> Response:
    """Back from WeChat's page with a code, which says once who it is."""
    parts, secret = entrance.parts, entrance.browser.secret
    code, state = request.args.get("code", "")[:200], request.args.get("state", "")[:128]
    with parts.store.writing() as connection:
        waited = session.use(connection, secret, session.digest(state), wall())
    if waited is None or not code or parts.sign_in is None:
        return entrance.again(HOME, OVER)
    try:
        told = parts.sign_in(code)
    except WeChatError as error:
        log.warning("sign-in refused: %s", type(error).__name__)
        return entrance.again(waited.target, AWAY)
    if told.get("is_snapshotuser"):
        return entrance.again(waited.target, SNAPSHOT)
    openid = str(told["openid"])
    try:
        follows = _follows(parts, openid)
    except WeChatError:
        return entrance.again(waited.target, AWAY)
    return entrance.welcome(openid, waited.target) if follows else entrance.again(waited.target, FOLLOW)


def _by_code(entrance: Entrance) -> str | Response:
    """A code to be typed into the chat, until somebody has."""
    secret = entrance.browser.secret
    with entrance.parts.store.writing() as connection:
        waited = session.waiting(connection, secret, wall())
        if waited is not None and waited.openid:
            session.use(connection, secret, waited.proof, wall())
        elif waited is None or len(waited.proof) != session.DIGITS:
            asked = session.ask_code(connection, secret, _target(), wall())
            waited = session.waiting(connection, secret, wall()) if asked else None
    if waited is None:
        return entrance.again(_target(), "现在登录的人太多，请过一会儿再试。")
    if waited.openid:
        return entrance.welcome(waited.openid, waited.target)
    return render_template("h5/code.html", code=waited.proof)


def _follows(parts: Parts, openid: str) -> bool:
    """Whether this person follows the account: as we know it, or else as WeChat says, who is asked once."""
    with parts.store.reading() as connection:
        known = follower.follows(connection, openid)
    return known or (parts.follows is not None and parts.follows(openid))


def _target() -> str:
    """Where to go on to: a page of ours."""
    to = request.args.get("to", HOME)[:300]
    return to if to.startswith("/h5/") and "//" not in to and "\\" not in to else HOME
