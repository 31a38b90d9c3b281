"""Messages that are refused at the door: the stranger learns nothing, the staff learn how many and which check."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from webhook_cast import (
    HOUSE,
    NOON,
    OLD_KEY,
    Door,
    delivery,
    encrypt,
    sealed_body,
    sealed_query,
    signed,
    text,
)

from models import refused
from models.base import Store
from web import webhook
from wx.refused import WORDS, in_words, remedy

HELLO = text("你好")
CASES: dict[str, tuple[str, tuple[str, bytes], str]] = {
    "the console is on plain and the file on safe": ("safe", delivery("plain", HELLO, NOON), "msg_signature"),
    "the console has another token": ("plain", (urlencode(signed(NOON, token="BBBBB")), HELLO), "signature"),
    "this machine's clock is wrong": ("safe", delivery("safe", HELLO, NOON - timedelta(hours=8)), "age"),
    "the console has another key": ("safe", delivery("safe", HELLO, NOON, key=OLD_KEY), "cipher"),
    "it is for another account": (
        "safe",
        (
            urlencode(sealed_query(NOON, other := encrypt(HELLO, app_id="wx0000000000000000"))),
            sealed_body(other),
        ),
        "cipher",
    ),
    "somebody tries the door": ("compat", ("", b"x"), "query"),
    "what is signed is no message": ("plain", (urlencode(signed(NOON)), b"garbage"), "xml"),
}


@pytest.mark.parametrize("name", CASES)
def test_staff_read_in_the_log_and_from_doctor_which_check_it_was(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    mode, (query, body), check = CASES[name]
    with caplog.at_level(logging.WARNING):
        answer = Door(sqlite_store, mode).post(query, body)

    assert answer.body in (b"forbidden", b"")
    what, action = WORDS[check]
    assert [record.getMessage() for record in caplog.records] == [f"拒绝了 1 条消息：{what} 1 条"]
    with sqlite_store.reading() as connection:
        counts = refused.lately(connection, datetime.now(UTC))
    assert (in_words(counts), remedy(counts)) == (f"{what} 1 条", action)


def test_a_flood_is_one_line_a_minute_with_its_number(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(webhook.time, "monotonic", lambda: now)
    door = Door(sqlite_store)
    with caplog.at_level(logging.WARNING):
        for _ in range(500):
            door.post("", HELLO)
        now += 60
        door.post(urlencode(signed(NOON, token="B")), HELLO)

    assert [record.getMessage() for record in caplog.records] == [
        "拒绝了 1 条消息：网址里缺东西或不合格式 1 条",
        "拒绝了 500 条消息：网址里缺东西或不合格式 499 条、签名不对 1 条",
    ]


def test_a_line_break_in_the_accounts_name_writes_no_line_of_its_own(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    door: Any = Door(sqlite_store)
    assert HOUSE.live
    for odd in ("gh_1\n2027-01-01 ERROR all is lost", "gh_\u2028x", "gh_\x85\x9b2Jx", "gh_\u202ex"):
        with caplog.at_level(logging.WARNING):
            door.says(HELLO.replace(b"gh_97417a04a28d", odd.encode()))

    assert len(caplog.records) == 4
    assert all(record.getMessage().isprintable() for record in caplog.records)
