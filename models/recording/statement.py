"""A whole group in one durable statement for PostgreSQL, nothing read before.

Columns travel as text joined by a separator, which costs the client one `join` each and the server less than arrays or JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from models.recording.libpq import NAME
from models.recording.rows import HEARD_COLUMNS, INTERACTION_COLUMNS, SPOKEN_COLUMNS

SEPARATOR = "\x1f"  # no XML document may contain it
KINDS = {"missed": "boolean"}
# Mostly the same in a whole group: then sent once.
ALIKE = frozenset(
    (
        "msg_type", "sent_at", "received_at", "state", "missed", "first_seen_at", "last_seen_at", "spoke_at", "tapped_at",
    )
)  # fmt: skip

# Who is filling in a form is answered inside, and who has left may have come back: such a group goes the careful way. What fails is
# no constant, or it would fail for everybody.
STAND = "COALESCE(excluded.dialogue, followers.dialogue)"
REFUSES = (
    "CASE WHEN NOT followers.subscribed OR SUBSTR(followers.dialogue, 1, 5) = 'form|' "
    f"THEN CAST(1 / (CAST(followers.subscribed AS int) * 0) AS text) ELSE {STAND} END"
)


class Inseparable(ValueError):
    """A value has the separator in it."""


def _source(columns: Sequence[str], first: int) -> tuple[str, str, int]:
    """The rows that were sent, as FROM takes them; their values by the names of the columns; the next parameter."""
    arrays, values = [], []
    for name in columns:
        kind = "float8" if name.endswith("_at") else KINDS.get(name, "")
        arrays.append(f"string_to_array(${first}, E'\\x1f', ''){f'::{kind}[]' if kind else ''}")
        value, first = f"u.{name}", first + 1
        if name in ALIKE:
            value, first = f"coalesce({value}, ${first}{f'::{kind}' if kind else ''})", first + 1
        values.append(f"{f'to_timestamp({value})' if name.endswith('_at') else value} AS {name}")
    return f"unnest({', '.join(arrays)}) AS u({', '.join(columns)})", ", ".join(values), first


def statement(changes: str) -> str:
    """First the people, in the order of their openids, then what they said, in that of the keys, without the words of those
    who left after they had said them: the sort and the join need all the people before the first word is written.
    `changes`: of a follower that is there."""
    heard, people, first = _source(HEARD_COLUMNS, 1)
    said, words, end = _source(INTERACTION_COLUMNS, first)
    at = "coalesce(nullif(s.sent_at, to_timestamp(0)), s.received_at)"  # NO_TIME
    assert STAND in changes
    changes = changes.replace(STAND, REFUSES)
    gone = f"{at} < p.unsubscribed_at"
    kept = {name: f"s.{name}" for name in SPOKEN_COLUMNS} | {"reply": "coalesce(s.reply, '')"}
    wanted = [
        f"CASE WHEN {gone} THEN NULL ELSE {kept[name]} END" if name in kept else f"s.{name}"
        for name in INTERACTION_COLUMNS
    ]
    return (
        f"PREPARE {NAME.decode()}({', '.join(['text'] * (end - 1))}) AS WITH person AS ("  # noqa: S608 - our own names
        f"INSERT INTO followers (subscribed, {', '.join(HEARD_COLUMNS)}) SELECT TRUE, {people} FROM {heard} "
        f'ORDER BY u.openid COLLATE "C" ON CONFLICT (openid) DO UPDATE SET {changes} '
        "RETURNING followers.openid, followers.unsubscribed_at) "
        f"INSERT INTO interactions ({', '.join(INTERACTION_COLUMNS)}) SELECT {', '.join(wanted)} "
        f"FROM (SELECT {words} FROM {said}) AS s LEFT JOIN person AS p ON p.openid = s.openid "
        'ORDER BY s.dedupe_key COLLATE "C"'
    )


@lru_cache(2048)
def _epoch(at: datetime) -> str:
    return repr(at.timestamp())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _epoch(value)
    return "" if value is None else str(value)


def sent(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[bytes | None]:
    """The parameters that carry these rows. A column that is NULL throughout costs nothing: unnest fills it up. Raises
    Inseparable."""
    found: list[bytes | None] = []
    marks = len(rows) - 1
    for values, name in zip(zip(*rows, strict=True), columns, strict=True):
        one = values[0]
        same = (one is None or one == "" or name in ALIKE) and values.count(one) == len(values)
        if same:
            found.append(None)
        else:
            whole = name not in KINDS and name[-3:] != "_at" and None not in values
            joined = SEPARATOR.join(values if whole else map(_text, values))
            if joined.count(SEPARATOR) != marks:
                raise Inseparable
            found.append(joined.encode())
        if name in ALIKE:
            found.append(_text(one).encode() or None if same else None)
    return found
