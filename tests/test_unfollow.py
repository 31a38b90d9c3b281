"""What is kept of a person's words, and how they stand, whatever they did and in whatever order it reached us.

Two rules are each written in several places, for each is told to a database in its own way: "words said before an unfollow are
not kept" (in Python for what is answered inside, in Python for what is written ahead, in SQL for PostgreSQL's one statement) and
"the newest time wins" (the follower in hand, two messages of one group, the row that is there). Here both are said once more,
over the whole story, and every way must agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from webhook_cast import NOON, SECOND, Door, close_doors, event, person, stored, text

from handlers import Turn, answer
from models.base import Store
from models.recording.statement import SEPARATOR
from wx.replies import Reply, Text

SENT = NOON.replace(microsecond=0)
WORDS, TAP, CODE, FOLLOW, LEAVE = "words", "tap", "code", "follow", "leave"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, so many seconds after noon; `number` says as what it reached us."""

    who: str
    what: str
    second: int
    number: int

    @property
    def at(self) -> datetime:
        return SENT + self.second * SECOND

    @property
    def xml(self) -> bytes:
        key = f"place{self.number}"
        match self.what:
            case "words":
                return text("工伤", self.number, openid=self.who, at=self.at)
            case "tap":
                return event("CLICK", key=f"K{self.number}", openid=self.who, at=self.at)
            case "code":
                return event("SCAN", key=key, openid=self.who, at=self.at)
            case "follow":
                return event("subscribe", key=f"qrscene_{key}", openid=self.who, at=self.at)
            case _:
                return event("unsubscribe", openid=self.who, at=self.at)


@dataclass(slots=True)
class Story:
    """All that one person did, in the order in which it reached us: the oracle."""

    deeds: list[Deed] = field(default_factory=list)

    def latest(self, *whats: str) -> datetime | None:
        """The newest time wins."""
        return max((deed.at for deed in self.deeds if deed.what in whats), default=None)

    def subscribed(self, until: int | None = None) -> bool:
        """The newest decision, of those that had reached us by then; of two at once the one that came last. Who spoke, tapped
        or scanned later than they left follows, too."""
        known = self.deeds[:until]
        decisions = [d for d in known if d.what in (FOLLOW, LEAVE)]
        if not decisions or (last := max(decisions, key=lambda d: (d.second, d.number))).what == FOLLOW:
            return True
        return any(d.second > last.second for d in known)

    def kept(self, place: int) -> bool:
        """Whether the words of the deed at this place are."""
        words = self.deeds[place]
        for other, deed in enumerate(self.deeds):
            if deed.what != LEAVE:
                continue
            if deed.second > words.second:
                return False
            if deed.second == words.second and (other > place or not self.subscribed(place)):
                return False
            if other > place and not self.subscribed(other + 1):  # all that we had of who is gone
                return False
        return True

    @property
    def scene(self) -> str | None:
        codes = [deed for deed in self.deeds if deed.what in (CODE, FOLLOW)]
        return f"place{codes[-1].number}" if codes else None


def ahead(turn: Turn) -> Reply | None:
    """Asks for nothing: its messages go the short way, on PostgreSQL in one statement."""
    return Text("好") if turn.message.type == "text" else answer(turn)


def carefully(turn: Turn) -> Reply | None:
    """Asks for nothing, but PostgreSQL's one statement cannot carry it."""
    turn.topic = f"a{SEPARATOR}b"
    return Text("好")


def inside(turn: Turn) -> Reply | None:
    """Asks for its follower: answered inside the transaction."""
    return Text("好" if turn.follower.subscribed else "再见")


def breaks(turn: Turn) -> Reply | None:
    """Every third message is a fault: the group runs again, with savepoints."""
    reply = inside(turn)
    if turn.message.msg_id.endswith(("0", "3", "6", "9")):
        raise ZeroDivisionError
    return reply


NAMES = itertools.count()
ALL, SAID = [WORDS, WORDS, TAP, CODE, FOLLOW, LEAVE, LEAVE], [WORDS, WORDS, WORDS, TAP, CODE]


def some(whats: list[str]) -> st.SearchStrategy[list[tuple[int, str, int]]]:
    """What three people do in four seconds, and in which order it reaches us."""
    return st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(whats), st.integers(0, 3)), min_size=3, max_size=12
    )


# Words alone go the short way, which nothing that decides may share.
GROUPS = st.lists(st.tuples(st.booleans(), some(ALL) | some(SAID)), min_size=2, max_size=5)


@pytest.mark.parametrize("handler", [ahead, carefully, inside, breaks], ids=lambda handler: handler.__name__)
def test_words_before_an_unfollow_are_gone_and_the_newest_time_wins_in_whatever_order_all_reaches_us(
    store: Store, handler: Callable[[Turn], Reply | None]
) -> None:
    door = Door(store, handler=handler)

    # What it finds is said at once: each smaller story would be played on a real database.
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],
    )
    @given(GROUPS)
    def plays(groups: list[tuple[bool, list[tuple[int, str, int]]]]) -> None:
        one_by_one(door, groups)

    plays()


def one_by_one(door: Door, groups: list[tuple[bool, list[tuple[int, str, int]]]]) -> None:
    """Everybody does what stands in the groups (together on the loop, or each alone under another server), and is looked at."""
    scene, numbers = next(NAMES), itertools.count(1)
    stories: dict[str, Story] = {}
    for together, told in groups:
        deeds = [Deed(f"oStory{scene}_{who}", what, second, next(numbers)) for who, what, second in told]
        for deed in deeds:
            story = stories.setdefault(deed.who, Story())
            if not (deed.what == LEAVE and is_retry(deed, story)):
                story.deeds.append(deed)
        if together:
            assert {heard.status for heard in door.hears(deed.xml for deed in deeds)} == {200}
        else:
            assert {door.says(deed.xml).status for deed in deeds} == {200}
        door.clock.at += timedelta(milliseconds=1)
    for who, story in stories.items():
        assert_agrees(door.store, who, story)


def is_retry(deed: Deed, story: Story) -> bool:
    """An unfollow of the same second is the same one: nothing else tells two of them apart."""
    return any(known.what == LEAVE and known.second == deed.second for known in story.deeds)


def assert_agrees(store: Store, who: str, story: Story) -> None:
    """The tables say what the oracle says."""
    row: Any = person(store, who)
    told = [deed.what for deed in story.deeds]
    assert row["subscribed"] is story.subscribed(), told
    assert row["state_at"] == story.latest(FOLLOW, LEAVE)
    assert row["subscribed_at"] == story.latest(FOLLOW)
    assert row["unsubscribed_at"] == story.latest(LEAVE)
    assert row["spoke_at"] == story.latest(WORDS)
    assert row["tapped_at"] == story.latest(TAP, CODE, FOLLOW)
    assert row["scene"] == story.scene
    for each in stored(store, who):
        traces = [each[name] for name in ("content", "event_key", "topic", "raw", "reply")]
        assert each["raw"] or traces == [None] * 5, "whoever left asked about nothing, and opened no page"
    found = {each["msg_id"]: each["content"] for each in stored(store, who) if each["msg_type"] == "text"}
    wanted = {
        str(deed.number): "工伤" if story.kept(place) else None
        for place, deed in enumerate(story.deeds)
        if deed.what == WORDS
    }
    assert found == wanted, [(deed.what, deed.second) for deed in story.deeds]


@pytest.fixture(autouse=True)
def doors() -> Iterator[None]:
    """Every door is closed in the end."""
    yield
    close_doors()
