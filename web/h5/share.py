"""The card that WeChat shows when somebody passes a page on (JS-SDK): title, days and picture, and nothing that asks for anything."""

from __future__ import annotations

import logging
import secrets

from flask import Blueprint, Response, abort, jsonify, request

from handlers.turn import House
from web.cookie import wall
from web.parts import Parts
from wx.errors import WeChatError
from wx.jssdk import signature

log = logging.getLogger(__name__)


def pages(blueprint: Blueprint, parts: Parts, house: House) -> None:
    """`/h5/share`: what a page of ours proves itself with."""
    may = parts.ticket is not None and house.base_url.startswith("https://")
    blueprint.app_context_processor(lambda: {"shares": lambda: may and in_wechat()})

    @blueprint.get("/share")
    def share() -> Response:
        url = request.args.get("url", "")[:500]
        if not may or parts.ticket is None or not url.startswith(f"{house.base_url}/h5/"):
            abort(404)
        try:
            ticket = parts.ticket()
        except WeChatError as error:
            log.warning("no ticket for share cards: %s", type(error).__name__)
            abort(404)
        nonce, at = secrets.token_hex(8), int(wall().timestamp())
        signed = signature(ticket, nonce, at, url)
        answer = {"appId": parts.account.app_id, "timestamp": at, "nonceStr": nonce, "signature": signed}
        return jsonify(answer)


def in_wechat() -> bool:
    """Whether WeChat's own browser asks."""
    return "MicroMessenger" in request.headers.get("User-Agent", "")
