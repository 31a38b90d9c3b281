"""A state has one name, wherever somebody reads it: in the README, the manual, `push list`, `report` and on the board."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ledger_cast import begin, follow, settle, take, worker
from phone_cast import parts
from spring_cast import NOON, campaign

from commands.push import push_list
from commands.report import show
from ground.words import BOOKS, DELIVERIES, PUSHES
from models import delivery, push
from models.base import Store
from models.ledger import Outcome, Owed
from web import Demo, create_app

ROOT = Path(__file__).parent.parent
README, MANUAL = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/manual.zh.md"))


def test_the_documents_name_what_a_pushs_copies_add_up_from_as_the_program_does() -> None:
    assert "、".join(BOOKS) in README
    assert " + ".join(("共几份 = " + BOOKS[0], *BOOKS[1:])) in MANUAL


def test_every_state_that_the_ledger_knows_has_a_name() -> None:
    assert {*push.STATES, "coming"} == set(PUSHES)
    assert {*delivery.OPEN, *delivery.OUT, delivery.FAILED, delivery.SKIPPED} == set(DELIVERIES)


@pytest.mark.parametrize("state", PUSHES)
def test_the_manual_names_each_state_of_a_push(state: str) -> None:
    assert PUSHES[state] in MANUAL


def test_list_report_and_board_name_the_end_of_each_copy_alike(sqlite_store: Store) -> None:
    follow(sqlite_store, [worker(number) for number in range(4)])
    begun = begin(sqlite_store, [worker(0), worker(1), worker(2), Owed(worker(3), delivery.NOT_LIVE)])
    sent, failed, lost = take(sqlite_store, begun, 3)
    settle(sqlite_store, Outcome((sent.id,), delivery.SENT, far_id="1"))
    settle(sqlite_store, Outcome((failed.id,), delivery.FAILED, reason="他拒收本公众号的消息"))
    settle(sqlite_store, Outcome((lost.id,), delivery.UNKNOWN, reason=delivery.SILENCE))

    listed, reported = [], []
    push_list(sqlite_store, [campaign()], NOON, listed.append)
    show(sqlite_store, "工会", date(2027, 2, 1), date(2027, 2, 28), {}, None, None, reported.append)
    page = (
        create_app(parts(sqlite_store, demo=Demo("http://127.0.0.1:9", lambda: None)))
        .test_client()
        .get("/")
        .text
    )

    for state in (delivery.SENT, delivery.FAILED, delivery.SKIPPED, delivery.UNKNOWN):
        for told in ("\n".join(listed), "\n".join(reported), page):
            assert DELIVERIES[state] in told
