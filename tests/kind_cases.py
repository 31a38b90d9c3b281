"""One case for each kind of taking part: how somebody takes part through either door. A new kind adds a line to CASES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from kind_cast import EVALUATION, LIVE_RECORD, OPINION, POLL, QUIZ, REQUEST, RIDDLE, SIGN_UP, WISH

from campaigns.kinds import KINDS
from models import ballot, evaluation, moment, opinion, quiz, request, riddle, sign_up, wish


@dataclass(frozen=True, slots=True)
class Case:
    """A campaign of that kind, open at NOON, and one person's way through its form. `chat` is what is said after the tap on
    the menu item; `page` the query that opens the form and what is filled in; `table` holds what came of it."""

    kind: str
    keys: Mapping[str, Any]
    tap: str
    chat: tuple[str, ...]
    query: str
    page: Mapping[str, str]
    table: sa.Table
    done: str  # words of the answer

    @property
    def path(self) -> str:
        return f"/h5/c/{self.keys['id']}"


CASES = (
    Case(
        "evaluation",
        EVALUATION,
        "YEAR",
        ("1", "1", "4", "越办越好"),
        "?subject=year",
        {"stars": "5", "words": "食堂好"},
        evaluation.evaluations,
        "记下了：这一年的工会工作",
    ),
    Case(
        "live-record",
        LIVE_RECORD,
        "YEAR",
        ("1", "1"),
        "",
        {"tell": "yes"},
        moment.followings,
        "有成绩出来就告诉您",
    ),
    Case(
        "opinion",
        {**OPINION, "from": "01-10", "to": "01-31"},
        "YEAR",
        ("1", "1", "食堂", "食堂的菜太咸了", "提交"),
        "?who=named",
        {"topic": "食堂", "words": "食堂的菜太淡了"},
        opinion.opinions,
        "您的意见是",
    ),
    Case("poll", POLL, "POLL", ("1", "2"), "", {"choices": "3"}, ballot.ballots, "回执"),
    Case("quiz", QUIZ, "YEAR", ("1", "1"), "", {"start": "1"}, quiz.papers, "卷子领好了，一共 2 题"),
    Case(
        "request",
        {**REQUEST, "from": "01-10", "to": "01-31"},
        "YEAR",
        ("1", "1", "1", "厂里三个月没发工资了", "1", "提交"),
        "",
        {"topic": "困难帮扶", "kind": "ask", "words": "困难补助怎么申请", "way": "chat"},
        request.requests,
        "您的诉求是",
    ),
    Case(
        "riddle",
        RIDDLE,
        "RIDDLE",
        ("1", "1", "雨"),
        "?riddle=1",
        {"words": "下雨"},
        riddle.attempts,
        "猜对了",
    ),
    Case(
        "sign-up",
        SIGN_UP,
        "YEAR",
        ("1", "1", "1", "同意", "王建国", "提交"),
        "?slot=1",
        {"slot": "1", "seats": "1", "consent": "yes", "name": "李秀英"},
        sign_up.sign_ups,
        "您的报名是",
    ),
    Case(
        "wish",
        WISH,
        "WISH",
        ("1", "1", "一张电影票", "提交"),
        "?what=make",
        {"words": "冬天的手套"},
        wish.wishes,
        "您的心愿是",
    ),
)
assert {case.kind for case in CASES} == set(KINDS), "every kind has a case"
