"""Many who vote by chat at the same moment share one transaction: each has a ballot, an entry and words of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from kind_cast import Union
from poll_cast import cast, newest, union_of
from webhook_cast import text

from handlers.arrival import arrival
from models import ballot, candidate, draft
from models.base import Connection, Store
from models.batch import Batch
from models.entry import entries
from models.follower import followers
from models.interaction import Arrival
from wx.messages import parse

RECEIPT = re.compile(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}")
PEOPLE = 8
Said = tuple[int, str]
"""Who, and what they say."""


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database, everybody at the question."""
    yield from asked(store)


@pytest.fixture
def here(sqlite_store: Store) -> Iterator[Union]:
    """The same, on SQLite only."""
    yield from asked(sqlite_store, most=2)


def asked(store: Store, **rules: int) -> Iterator[Union]:
    union = union_of(store, **rules)
    union.tends()
    with store.writing() as connection:
        now = union.clock.now()
        stands = f"form|home|{newest(union)}|{int(now.timestamp() // 60)}"
        connection.execute(
            followers.insert(),
            [
                {"openid": openid(one), "subscribed": True, "first_seen_at": now, "last_seen_at": now, "dialogue": stands}
                for one in range(PEOPLE)
            ],
        )  # fmt: skip
    yield union
    union.close()


def openid(one: int) -> str:
    return f"oTogether{one:019}"


def hears(union: Union, said: Sequence[Said], first: int = 1) -> list[str]:
    """What each hears who says this in one group of messages; they have numbers from `first` on."""
    now = union.clock.now()
    rows: list[Arrival] = [
        arrival(parse(text(words, number, openid=openid(one), at=now)), now)
        for number, (one, words) in enumerate(said, first)
    ]
    return union.webhook.committer.commit(rows, time.monotonic() + 60)


def told(union: Union) -> dict[str, str]:
    """The receipt of every entry, by the openid."""
    with union.store.reading() as connection:
        rows = connection.execute(sa.select(entries.c.openid, entries.c.receipt, entries.c.door)).all()
    assert {row.door for row in rows} <= {"chat"}
    assert len({row.openid for row in rows}) == len(rows)
    return {row.openid: row.receipt for row in rows}


def receipts(heard: Sequence[str]) -> list[str]:
    return [found[0] if (found := RECEIPT.search(words)) else "" for words in heard]


def test_each_has_a_ballot_for_whom_they_chose_and_the_receipt_that_they_were_told(everywhere: Union) -> None:
    choices = [1 + one % 3 for one in range(PEOPLE)]
    heard = hears(everywhere, [(one, str(choice)) for one, choice in enumerate(choices)])

    stored = {one.openid: one for one in cast(everywhere)}
    assert len(cast(everywhere)) == PEOPLE
    assert [stored[openid(one)].choices for one in range(PEOPLE)] == [str(choice) for choice in choices]
    assert [stored[openid(one)].receipt for one in range(PEOPLE)] == receipts(heard)
    assert told(everywhere) == {name: one.receipt for name, one in stored.items()}
    with everywhere.store.writing() as connection:
        ballot.seal(
            connection, newest(everywhere), everywhere.clock.now() + timedelta(seconds=1), counts=True
        )
        assert ballot.broken(connection, newest(everywhere)) is None


def test_a_retry_hears_the_first_words_and_whoever_voted_is_told_so(everywhere: Union) -> None:
    everybody = [(one, "2") for one in range(PEOPLE)]
    heard = hears(everywhere, everybody)
    again = hears(everywhere, everybody)
    stands_there_again(everywhere)
    later = hears(everywhere, everybody, 100)

    assert again == heard
    assert all("已经投过票了" in words for words in later)
    assert receipts(later) == receipts(heard)
    assert len(cast(everywhere)) == PEOPLE


def stands_there_again(union: Union) -> None:
    minute = int(union.clock.now().timestamp() // 60)
    with union.store.writing() as connection:
        connection.execute(followers.update().values(dialogue=f"form|home|{newest(union)}|{minute}"))


def test_whoever_says_something_else_in_between_is_answered_and_stops_nobody(everywhere: Union) -> None:
    said = [(0, "1"), (1, "77"), (2, "00"), (3, "3"), (3, "2"), (4, "我的"), (5, "2")]
    heard = hears(everywhere, said)

    assert "没有“77”这个选项" in heard[1]
    assert "先不填了" in heard[2]
    assert {one.openid: one.choices for one in cast(everywhere)} == {
        openid(0): "1", openid(3): "3", openid(5): "2",
    }  # fmt: skip
    assert told(everywhere).keys() == {openid(0), openid(3), openid(5)}


def test_a_ballot_that_comes_in_between_stands_and_nobody_else_notices(
    everywhere: Union, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody votes on the page after we have looked and before we write."""
    write = Batch.write
    rival = everywhere.store.dialect != "sqlite"  # where whoever writes has the database alone
    times = []

    def meanwhile(self: Batch, connection: Connection) -> None:
        times.append(len(cast(everywhere)))
        if rival:
            with everywhere.store.writing() as other:
                votes(everywhere, other)
        else:
            votes(everywhere, connection)  # which goes with the transaction
        write(self, connection)

    monkeypatch.setattr(Batch, "write", meanwhile)
    heard = hears(everywhere, [(one, "2") for one in range(PEOPLE)])

    assert times == [0]
    assert [("已经投过票了" in words) for words in heard] == [one == 3 and rival for one in range(PEOPLE)]
    assert [one.choices for one in cast(everywhere) if one.openid == openid(3)] == ["1" if rival else "2"]
    assert len(cast(everywhere)) == PEOPLE
    assert sorted(one.receipt for one in cast(everywhere)) == sorted(receipts(heard))


def votes(union: Union, connection: Connection) -> None:
    poll = candidate.with_poll(connection, newest(union)).poll
    ballot.cast(connection, poll, ballot.New(openid(3), "", [1], union.clock.now()), [])


def test_what_was_chosen_is_repeated_first_where_several_may_be_and_no_draft_stays(here: Union) -> None:
    recaps = hears(here, [(one, "1 3") for one in range(PEOPLE)])
    with here.store.reading() as connection:
        kept = connection.execute(sa.select(sa.func.count()).select_from(draft.drafts)).scalar_one()
    heard = hears(here, [(one, "1") for one in range(PEOPLE)], 100)

    assert all("请看一看对不对" in words for words in recaps)
    assert kept == PEOPLE
    assert all("投好了" in words for words in heard)
    assert [one.choices for one in cast(here)] == ["1 3"] * PEOPLE
    with here.store.reading() as connection:
        assert not connection.execute(sa.select(draft.drafts)).all()


def test_before_the_opening_and_after_the_end_nobody_votes_in_a_group_either(here: Union) -> None:
    here.waits(timedelta(days=60))
    stands_there_again(here)
    heard = hears(here, [(one, "1") for one in range(PEOPLE)])

    assert all("结束" in words for words in heard)
    assert cast(here) == []
