"""A poll's people: they vote by chat or page, and what they did is recounted by another way."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from kind_cast import POLL, Browser, Pages, Union, campaign

from models import ballot, edition, poll
from models.ballot import Ballot, annulments, ballots
from models.base import Store
from wx.simulator import Phone

PATH = "/h5/c/model"
DAY = timedelta(days=1)


def union_of(store: Store, **rules: Any) -> Union:
    """A union with this poll."""
    return Union(store, [campaign(POLL, poll={**POLL["poll"], **rules})])


def votes(union: Union, phone: Phone, *said: str) -> str:
    """Somebody opens the poll in the chat and says this; all that they hear."""
    union.waits(timedelta(seconds=1))
    phone.taps("POLL")
    return "\n".join(phone.says(words) for words in ("1", *said))


def on_page(pages: Pages, phone: Phone) -> Browser:
    """Somebody signed in on the poll's page."""
    browser = pages.browser()
    browser.signs_in(phone, PATH)
    browser.opens(PATH)
    return browser


def cast(union: Union) -> list[Ballot]:
    """Every ballot as it is stored."""
    with union.store.reading() as connection:
        return list(ballot.every(connection, newest(union)))


def newest(union: Union) -> int:
    with union.store.reading() as connection:
        found = edition.latest(connection, "model")
    assert found is not None
    return found.id


def ends(union: Union) -> None:
    """The poll is over, closed, sealed and counted."""
    period = union.campaigns[0].period(union.clock.now())
    assert period is not None
    union.waits(period[1] - union.clock.now() + timedelta(minutes=2))
    union.tends()


def tallies(union: Union) -> list[poll.Tally]:
    with union.store.reading() as connection:
        return poll.tallied(connection, newest(union))


def recounted(union: Union) -> dict[int, int]:
    """The votes by another way: plain SQL over the rows, split in Python."""
    query = sa.select(ballots.c.choices).where(ballots.c.id.not_in(sa.select(annulments.c.ballot_id)))
    with union.store.reading() as connection:
        lines = connection.execute(query).scalars().all()
    return dict(Counter(int(number) for line in lines for number in line.split()))


def mark(union: Union, openid: str) -> str:
    """The mark of a person, reckoned as the contract says."""
    with union.store.reading() as connection:
        key = poll.get(connection, newest(union)).key
    return hmac.new(bytes.fromhex(key), openid.encode(), hashlib.sha256).hexdigest()
