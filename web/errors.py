"""The pages for what did not work: what happened and what to do now, in words."""

from __future__ import annotations

import logging

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from models.base import deadlocked, timed_out, traced
from models.sealed import no_key

LOG = logging.getLogger(__name__)
WORDS = {
    400: ("没有看懂这次请求", "请回到上一页，重新打开再试一次。"),
    403: ("这里不能进", "请从公众号的菜单，或者本站的首页重新进入。"),
    404: ("没有找到这个页面", "可能是网址写错了，或者页面已经撤下。请回到首页看看。"),
    405: ("这个网址不能这样用", "请回到首页，从页面上的按钮进入。"),
    413: ("内容太大了", "请减少一些内容再提交。"),
    415: ("没有看懂这次请求", "请刷新页面，再试一次。"),
    502: ("连不上模拟的微信", "它可能正在启动，请稍等几秒再试。"),
    503: ("系统正忙", "请过一两分钟再试一次。"),
}
NO_KEY = ("这一项暂时收不了", "个人信息的保护还没有设置好，为了您的安全先不收。急事可以拨打 12351。")
BROKEN = ("系统出了点问题", "已经记下来了，请过一会儿再试。急事可以拨打 12351。")


def register(app: Flask) -> None:
    """Every refusal and every failure of `app` gets one of these pages, or its words alone where a script asked."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)


def _refused(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:
        return make_response(error.get_response())
    answer = _page(code)
    if error.code == 405:
        answer.headers["Allow"] = error.get_response().headers.get("Allow", "GET")
    return answer


def _failed(error: Exception) -> Response:
    if no_key(error):
        return _page(503, NO_KEY)
    if timed_out(error) or deadlocked(error):
        LOG.warning("a page was given up for want of the database: %s %s", request.method, request.endpoint)
        return _page(503)
    LOG.error("a page failed: %s %s: %s", request.method, request.endpoint, traced(error))
    return _page(500)


def _page(code: int, words: tuple[str, str] | None = None) -> Response:
    title, advice = words or WORDS.get(code, BROKEN)
    if "/api/" in request.path:
        return make_response(jsonify(error=f"{title}。{advice}"), code)
    return make_response(render_template("error.html", code=code, title=title, advice=advice), code)
