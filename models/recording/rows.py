"""The rows of the recording engine: their columns, how a row that is there changes, and what they say of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.follower import Follower
from models.interaction import NO_TIME, Arrival
from models.recording.bulk import Rules, moment

INTERACTION_COLUMNS = (
    "dedupe_key", "openid", "msg_type", "event", "event_key", "content", "msg_id", "sent_at", "received_at", "raw", "reply",
    "state", "topic", "missed",
)  # fmt: skip
# What is said of somebody who was only heard; and what a follow or an unfollow says besides.
HEARD_COLUMNS = (
    "openid", "scene", "first_seen_at", "last_seen_at", "spoke_at", "tapped_at", "dialogue",
)  # fmt: skip
FOLLOWER_COLUMNS = (
    "openid",
    "subscribed",
    "state_at",
    "subscribed_at",
    "unsubscribed_at",
    *HEARD_COLUMNS[1:],
)
SENT, RECEIVED, RAW, REPLY = (
    INTERACTION_COLUMNS.index(name) for name in ("sent_at", "received_at", "raw", "reply")
)
# What somebody said, tapped or asked about, and was answered: it goes when they leave.
SPOKEN_COLUMNS = ("event_key", "content", "raw", "reply", "topic")
SPOKEN = frozenset(INTERACTION_COLUMNS.index(name) for name in SPOKEN_COLUMNS)
# What is sealed where the config says so, and for which place (models/keyring.py).
SEALED = {
    INTERACTION_COLUMNS.index(name): f"interactions.{name}".encode() for name in ("content", "raw", "reply")
}
OPENID, MSG_TYPE = INTERACTION_COLUMNS.index("openid"), INTERACTION_COLUMNS.index("msg_type")
SAID = ("text", "voice", "image")
IN_FORM = " AND SUBSTR(dialogue, 1, 5) = 'form|'"  # see handlers/taking_part.py
LEFT_COLUMNS = ("openid", "subscribed", "unsubscribed_at")
TIMES = tuple(HEARD_COLUMNS.index(name) for name in ("last_seen_at", "spoke_at", "tapped_at"))

Ready = tuple[tuple[Any, ...], tuple[Any, ...] | None]
"""An answered message: its row of `interactions`, and what it says of its sender, a row of HEARD_COLUMNS (None where WeChat
itself speaks). Plain values as the driver takes them, for they cross to another process on SQLite."""


def _with(at: str, column: str) -> str:
    """The column goes with the newer of two times."""
    newer = f"{{new}}.{at} IS NOT NULL AND ({{old}}.{at} IS NULL OR {{new}}.{at} >= {{old}}.{at})"
    return f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


def _latest(column: str) -> str:
    newer = f"{{old}}.{column} IS NULL OR {{new}}.{column} > {{old}}.{column}"
    return f"CASE WHEN {newer} THEN {{new}}.{column} ELSE {{old}}.{column} END"


HEARD_RULES: Rules = {
    **{name: f"COALESCE({{new}}.{name}, {{old}}.{name})" for name in ("scene", "dialogue")},
    **{name: _latest(name) for name in ("last_seen_at", "spoke_at", "tapped_at")},
}
DECIDED_RULES: Rules = {
    **HEARD_RULES,
    **{name: _latest(name) for name in ("subscribed_at", "unsubscribed_at")},
    **{name: _with("state_at", name) for name in ("subscribed", "state_at")},
}


def key_of(item: Ready | Arrival) -> str:
    """The dedupe key."""
    return item.key if isinstance(item, Arrival) else item[0][0]


def openid_of(item: Ready | Arrival) -> str:
    """Its sender's."""
    return item.openid if isinstance(item, Arrival) else item[0][1]


def people_of(ready: Sequence[Ready]) -> list[tuple[Any, ...]]:
    """What the messages say of their senders, one row for each, in the order of the openids."""
    people: dict[str, tuple[Any, ...]] = {}
    for _, person in ready:
        if person is not None:
            before = people.get(person[0])
            people[person[0]] = person if before is None else _merged(before, person)
    return [people[openid] for openid in sorted(people)]


def _merged(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """What two messages of one group say of the same person, the second having come after the first."""
    both = [old if new is None else new for old, new in zip(one, other, strict=True)]
    for at in TIMES:
        if one[at] is not None and one[at] > both[at]:
            both[at] = one[at]
    return tuple(both)


def wordless(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row of `interactions` without what was said."""
    return tuple(None if place in SPOKEN else value for place, value in enumerate(row))


def follower_of(row: Sequence[Any]) -> Follower:
    """The follower in a row of FOLLOWER_COLUMNS."""
    values: Any = list(row)
    openid, subscribed, state, since, until, scene, first, last, spoke, tapped, dialogue = values
    follower = Follower(
        openid, bool(subscribed), moment(first) or NO_TIME, moment(last) or NO_TIME, moment(state)
    )
    follower.subscribed_at, follower.unsubscribed_at = moment(since), moment(until)
    follower.spoke_at, follower.tapped_at = moment(spoke), moment(tapped)
    follower.scene, follower.dialogue = scene, dialogue or ""
    return follower
