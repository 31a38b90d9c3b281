"""Every table that names a person, and how it forgets them and tells them what it holds.

A new table with an openid gets a line here; a test reads the schema and finds one that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from models import (
    appeal,
    ballot,
    binding,
    consent,
    delivery,
    draft,
    entry,
    erasure,
    evaluation,
    handout,
    interaction,
    letter,
    moment,
    nomination,
    objection,
    opinion,
    photo,
    quiz,
    request,
    riddle,
    score,
    session,
    sign_up,
    wish,
)  # fmt: skip
from models.base import Connection
from models.follower import followers

Erase = Callable[[Connection, str, datetime | None], None]
Export = Callable[[Connection, str], list[dict[str, str]]]
NAMES = ("openid", "recipient")  # columns that name a person


@dataclass(frozen=True, slots=True)
class Holder:
    """One table that names people. `erase` takes the openid and a time: what came later stays (None: all of it goes)."""

    title: str  # as the person reads it
    table: sa.Table
    erase: Erase
    export: Export


def _nothing(connection: Connection, openid: str, until: datetime | None) -> None:
    """What it must go on holding, or what goes with another table."""


HOLDERS: tuple[Holder, ...] = (
    Holder("关注", followers, interaction.erase, interaction.export_follower),  # erases what was said with it
    Holder("说过的话", interaction.interactions, _nothing, interaction.export),
    Holder("收到的推送", delivery.deliveries, _nothing, delivery.export),  # the books must balance
    Holder("来信", letter.letters, letter.erase, letter.export),  # with what staff wrote of them
    Holder("没填完的", draft.drafts, draft.erase, draft.export),
    Holder("同意过的", consent.consents, consent.erase, consent.export),
    Holder("参加过的", entry.entries, entry.erase, entry.export),
    Holder("申诉", appeal.appeals, appeal.erase, appeal.export),
    Holder("照片", photo.photos, photo.erase, photo.export),
    Holder("网页登录", session.sessions, session.erase, session.export),
    Holder("正在登录", session.sign_ins, _nothing, lambda connection, openid: []),  # goes with the sessions
    Holder("所在的单位", binding.bindings, binding.erase, binding.export),
    Holder("投过的票", ballot.ballots, ballot.erase, ballot.export),
    Holder("推荐过的人", nomination.nominations, nomination.erase, nomination.export),
    Holder("提过的异议", objection.objections, objection.erase, objection.export),
    Holder("得分", score.scores, score.erase, score.export),
    Holder("猜过的谜底", riddle.attempts, riddle.erase, riddle.export_guesses),
    Holder("猜中的灯谜", riddle.solves, _nothing, riddle.export_solves),  # goes with the guesses
    Holder("看过的提示", riddle.hints, _nothing, riddle.export_hints),  # goes with the guesses
    Holder("答过的卷子", quiz.papers, quiz.erase, quiz.export),  # with what was chosen on them
    Holder("评过的", evaluation.evaluations, evaluation.erase, evaluation.export),
    Holder("跟着看的实录", moment.followings, moment.erase, moment.export),
    Holder("诉求", request.requests, request.erase, request.export),  # with their steps
    Holder(
        "领到的东西", handout.handouts, handout.erase, handout.export
    ),  # item, date and proof stay their time
    Holder("报名", sign_up.sign_ups, sign_up.erase, sign_up.export),
    Holder("署名的意见", opinion.opinions, opinion.erase, opinion.export),
    Holder("心愿", wish.wishes, wish.erase, wish.export),
    Holder("支持过的心愿", wish.supports, _nothing, wish.export_supports),  # goes with the wishes
)


def erase(connection: Connection, openid: str, until: datetime | None) -> None:
    """Forget a person, in every table (what they did until that time of WeChat's, or ever)."""
    for holder in HOLDERS:
        holder.erase(connection, openid, until)


def forget(connection: Connection, openid: str, until: datetime | None, at: datetime) -> None:
    """As `erase`, at that time, and remember it: a backup that is put back later forgets them as well."""
    erase(connection, openid, until)
    erasure.remember(connection, openid, until or at)


def export(connection: Connection, openid: str) -> dict[str, list[dict[str, str]]]:
    """What every table holds of a person, by the tables' titles."""
    return {holder.title: holder.export(connection, openid) for holder in HOLDERS}
