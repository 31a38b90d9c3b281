"""Many people vote at the same moment, and some try what they should not: every count is exact, on each database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from crowd import RECEIPT, all_vote, openid, sign_in, votes
from kind_cast import Pages, Union
from poll_cast import PATH, cast, ends, newest, on_page, recounted, tallies, union_of
from poll_cast import votes as by_chat

from models import ballot
from models.base import Store

CROWD = Path(__file__).parent / "crowd.py"


@pytest.fixture
def everywhere(store: Store) -> Iterator[Union]:
    """On each kind of database, its edition open."""
    made = union_of(store)
    made.tends()
    yield made
    made.close()


def counted_once(union: Union, people: int) -> None:
    """One ballot of each, sealed, counted, and the same by plain SQL."""
    found = cast(union)
    assert len(found) == people
    assert len({one.openid for one in found}) == people
    ends(union)
    assert tallies(union)[0].ballots == people
    assert tallies(union)[0].votes == recounted(union)
    with union.store.reading() as connection:
        assert ballot.broken(connection, newest(union)) is None


def test_thirty_people_vote_five_times_at_once_and_have_one_ballot_each(everywhere: Union) -> None:
    sign_in(everywhere.store, range(30))
    shown = all_vote(everywhere, [one for one in range(30) for _ in range(5)], "same", 8)

    assert set(shown) == {one.receipt for one in cast(everywhere)}
    counted_once(everywhere, 30)


def test_fifty_ballots_of_one_person_at_once_are_one_by_either_door(everywhere: Union) -> None:
    wang = everywhere.phone("王师傅")
    sign_in(everywhere.store, [1])
    browser = on_page(Pages(everywhere), wang)
    by_chat(everywhere, wang, "2")
    browser.sends(PATH, choices="3")
    all_vote(everywhere, [1] * 50, "one", 10)

    assert sorted(one.choices for one in cast(everywhere)) == ["2", "2"]
    counted_once(everywhere, 2)


@pytest.mark.parametrize("moved", [timedelta(days=-3), timedelta(days=30)])
def test_before_and_after_nobody_votes_whatever_their_own_clock_says(
    sqlite_store: Store, moved: timedelta
) -> None:
    union = union_of(sqlite_store)
    union.tends()
    sign_in(union.store, [1])
    pages = Pages(union)
    assert "投给 1 号" in on_page(pages, union.phone("王师傅")).text  # the page was opened in time
    union.waits(moved)
    pages = Pages(union)
    client = pages.app.test_client()
    client.set_cookie("visit", f"secret of {openid(1)}")
    page = votes(pages, 1, "late", 2)
    client.post(PATH, data={"choices": "2"}, headers={"Date": "Tue, 12 Jan 2027 04:00:00 GMT"})

    assert not RECEIPT.search(page)
    assert cast(union) == []
    union.close()


def test_nobody_votes_for_another_or_as_another(sqlite_store: Store) -> None:
    union = union_of(sqlite_store)
    union.tends()
    sign_in(union.store, [1])
    pages = Pages(union)
    forged = pages.app.test_client()
    forged.set_cookie("visit", openid(1))
    answers = [
        forged.post(PATH, data={"csrf": "0" * 32, "once": "a", "choices": "2", "openid": openid(1)}),
        forged.post(f"{PATH}?openid={openid(1)}", data={"once": "a", "choices": "2"}),
    ]
    strange = votes(pages, 1, "b", 77)

    assert {answer.status_code for answer in answers} == {403}
    assert not RECEIPT.search(strange)
    assert cast(union) == []
    union.close()


def test_every_receipt_that_was_shown_counts_though_the_server_is_killed(sqlite_store: Store) -> None:
    killed_in_the_middle(sqlite_store, 400)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_every_receipt_that_was_shown_counts_on_each_database(store: Store) -> None:
    killed_in_the_middle(store, 2000)


def killed_in_the_middle(store: Store, people: int) -> None:
    union = union_of(store)
    union.tends()
    sign_in(store, range(people))
    with started(store, 0, people, "kill", 4) as crowd:
        assert crowd.stdout is not None
        seen = [crowd.stdout.readline().strip() for _ in range(40)]
        crowd.kill()
        seen += crowd.stdout.read().split()
    stored = {one.receipt for one in cast(union)}

    assert 40 <= len(stored) < people
    assert {receipt for receipt in seen if len(receipt) == 19} <= stored
    ends(union)
    assert tallies(union)[0].ballots == len(stored)
    union.close()


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_two_thousand_people_vote_five_times_over_four_processes(store: Store) -> None:
    union = union_of(store)
    union.tends()
    sign_in(store, range(2000))
    begun = time.monotonic()
    crowds = [started(store, 0, 2000, f"share {number}", 2) for number in range(5)]
    receipts = [line for crowd in crowds for line in crowd.communicate()[0].split()]
    print(f"10,000 ballots of 2,000 people in {time.monotonic() - begun:.0f} s")

    assert len(receipts) == 10_000
    assert len(set(receipts)) == 2000
    counted_once(union, 2000)
    union.close()


def started(store: Store, first: int, last: int, share: str, threads: int) -> subprocess.Popen[str]:
    url = store.url.render_as_string(hide_password=False)
    words = [sys.executable, str(CROWD), url, str(first), str(last), share, str(threads)]
    paths = os.pathsep.join((str(CROWD.parent), str(CROWD.parent.parent)))
    here = {**os.environ, "PYTHONPATH": paths}
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=here)
