"""Many people fill in forms at once, as production carries them: in shared transactions on an event loop, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from kind_cast import WISH, campaign
from webhook_cast import HOUSE, NOON, SECOND, Door, close_doors, event, person, stored, text

from models.base import Store
from models.wish import wishes

EARLY = {"from": "01-01", "wish": {"similar": 1.0}}  # only the very same counts as like it
PEOPLE = [f"oWorker{number:03d}" for number in range(40)]


@pytest.fixture
def door(store: Store) -> Iterator[Door]:
    made = Door(store)
    union = replace(HOUSE, base_url="", campaigns=lambda: (campaign(WISH, **EARLY),))
    made.webhook._house = union
    yield made
    close_doors()


def all_say(door: Door, step: int, words: str, *more: bytes) -> list[str]:
    """Everybody says it at the same moment, and others say more; what everybody hears."""
    at = NOON.replace(microsecond=0) + step * SECOND
    said = [
        text(words.replace("#", chr(0x4E00 + n)), step * 1000 + n, openid=openid, at=at)
        for n, openid in enumerate(PEOPLE)
    ]
    answers = door.hears([*said, *more])
    return [answer.content for answer in answers[: len(PEOPLE)]]


def test_everybody_is_asked_answered_and_counted_once_among_those_who_ask_the_directory(door: Door) -> None:
    taps = [event("CLICK", key="WISH", openid=openid, at=NOON.replace(microsecond=0)) for openid in PEOPLE]
    outside = text("体检", 7, openid="oOutside")
    first = door.hears([*taps, outside])[-1].content

    assert all("1 写下我的心愿" in words for words in all_say(door, 1, "1"))
    assert all("您的心愿？" in words for words in all_say(door, 2, "1"))
    again = text("体检", 8, openid="oOutside", at=NOON + 3 * SECOND)
    assert all("请看一看对不对" in words for words in all_say(door, 3, "体检#", again))
    assert all("您的心愿是" in words for words in all_say(door, 4, "提交"))
    assert all("您的心愿是" in words for words in all_say(door, 4, "提交"))  # WeChat brings it again

    with door.store.reading() as connection:
        made = connection.execute(sa.select(wishes.c.openid, wishes.c.words)).all()
    assert sorted(openid for openid, _ in made) == PEOPLE
    assert len({words for _, words in made}) == len(PEOPLE)
    heard = [row["reply"] for row in stored(door.store, "oOutside")]
    assert all(first[:20] in reply for reply in heard)
    assert len(heard) == 2


def test_a_menu_item_takes_somebody_out_of_the_form(door: Door) -> None:
    now = NOON.replace(microsecond=0)
    door.hears([event("CLICK", key="WISH", openid=PEOPLE[0], at=now)])
    door.hears([text("1", 1, openid=PEOPLE[0], at=now + SECOND)])
    assert stands(door, PEOPLE[0]).startswith("form|")

    door.hears([event("CLICK", key="JOIN", openid=PEOPLE[0], at=now + 2 * SECOND)])

    assert not stands(door, PEOPLE[0]).startswith("form|")


def stands(door: Door, openid: str) -> Any:
    return person(door.store, openid)["dialogue"]
