"""我的单位: where this person belongs, and the form that looks into the members' list. It never says which part was wrong."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from models import binding, union
from web.cookie import wall
from web.h5.browser import Browser
from web.parts import Parts

HERE = "/h5/union"
WRONG = "没有核对上。请看姓名和号码是不是和单位登记的一样；不清楚的，问一问您单位的工会。"
TOO_OFTEN = "今天试的次数太多了，请明天再来，或者扫您单位的二维码。"


def pages(blueprint: Blueprint, parts: Parts, browser: Browser) -> None:
    """`/h5/union`."""

    @blueprint.get("/union")
    def my_union() -> str | Response:
        if not browser.openid:
            return redirect(f"/h5/sign-in?to={HERE}", 303)
        return _page()

    @blueprint.post("/union")
    def check_union() -> str | Response:
        if not browser.openid:
            return redirect(f"/h5/sign-in?to={HERE}", 303)
        name, proof = request.form.get("name", "").strip()[:40], request.form.get("proof", "").strip()[:32]
        try:
            with parts.store.writing() as connection:
                found = binding.check(connection, browser.openid, name, proof, parts.clock.now(), wall())
        except binding.TooOften:
            return make_response(_page(TOO_OFTEN), 429)
        return redirect(HERE, 303) if found else make_response(_page(WRONG), 422)

    @blueprint.post("/union/leave")
    def leave_union() -> Response:
        if browser.openid:
            with parts.store.writing() as connection:
                binding.unbind(connection, browser.openid)
        return redirect(HERE, 303)

    def _page(fault: str = "") -> str:
        with parts.store.reading() as connection:
            mine = binding.of(connection, browser.openid)
            one = union.get(connection, mine.union_id) if mine else None
            chain = union.chain(connection, one) if one else []
        how = binding.WAYS[mine.how] if mine else ""
        return render_template("h5/union.html", mine=mine, one=one, chain=chain, how=how, fault=fault)
