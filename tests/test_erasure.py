"""Whoever leaves is gone from every file that the database left, not only from its tables."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from webhook_cast import NOON, SECOND, Door, event, stored, text

from models.base import Store
from models.recording import wal

SECRETS = [f"canary{number}欠我工资" for number in range(20)]
ADDRESS = "https://union.example/about-wages-canary"


def traces(folder: Path) -> int:
    """How often what the person said, or was shown, stands in any file."""
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return sum(data.count(words.encode()) for data in found for words in (*SECRETS, ADDRESS))


def test_the_words_of_whoever_left_are_in_no_file_any_more(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write-ahead log held 82 copies of 20 texts, and after thousands of quiet messages still nearly all of them."""
    monkeypatch.setattr(wal, "EMPTY_S", 0.3)
    folder = Path(str(sqlite_store.url.database)).parent
    door = Door(sqlite_store)
    for number, words in enumerate(SECRETS):
        door.hears([text(words, number, openid="oLeaves")])
    door.hears([event("VIEW", key=ADDRESS, openid="oLeaves")])
    assert traces(folder) > 20

    door.hears([event("unsubscribe", openid="oLeaves", at=NOON + SECOND)])
    door.hears([text("工伤", 100, openid="oStays")])

    until = time.monotonic() + 20
    while found := traces(folder):
        assert time.monotonic() < until, f"{found} copies are still there"
        time.sleep(0.1)
    assert {row["topic"] for row in stored(sqlite_store, "oLeaves")} == {None}
    assert [row["content"] for row in stored(sqlite_store, "oStays")] == ["工伤"]


def test_the_database_overwrites_what_is_deleted_whoever_built_it(sqlite_store: Store) -> None:
    with sqlite_store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
