"""How long what people said is kept, kind by kind. The words go, the row stays, so that the books and the figures hold.

Nothing goes before a person has seen what would: they agree to the rules as they stand, by hash, and a rule that is changed
needs a new look. An unfollow forgets at once and asks nobody (models/holder.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ground.days import SHANGHAI
from models import photo, request, shared, step
from models.base import Connection
from models.deadline import OPEN
from models.edition import editions
from models.interaction import interactions
from models.letter import DONE, letter_steps, letters
from models.opinion import RECEIVED, opinions
from models.request import requests

PORTION = 500  # rows of a transaction
AGREED = "retention agreed"  # the row of `shared`: which rules, by hash, who, and when
CLEARED = "retention up to"  # of the chat, where looking at all of it again would take too long
YEAR = 365


@dataclass(frozen=True, slots=True)
class Due:
    """What would go now: how many rows, and the time of the oldest and the newest of them (of opinions the day)."""

    rows: int = 0
    oldest: datetime | str | None = None
    newest: datetime | str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of words. `due` finds the rows that came, or were done with, before that time: their key, their time, which;
    `clear` takes out the words of the rows of these keys."""

    title: str
    since: str  # from when on the days are counted
    goes: str
    due: Callable[[Connection, datetime], tuple[sa.Column[Any], sa.Column[Any], sa.ColumnElement[bool]]]
    clear: Callable[[Connection, Sequence[Any]], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """How many days each kind is kept, by its name in `KINDS`."""

    days: Mapping[str, int]

    @property
    def hash(self) -> str:
        """By which an agreement names them: the days, and what goes."""
        whole = [
            [name, days, KINDS[name].since, KINDS[name].goes] for name, days in sorted(self.days.items())
        ]
        return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()


def spoken(days: int) -> str:
    """180天, 3年"""
    return f"{days // YEAR}年" if days % YEAR == 0 else f"{days}天"


# --- the kinds ---------------------------------------------------------------------------------------------------


def _chat(connection: Connection, before: datetime) -> tuple[Any, ...]:
    i = interactions.c
    worded = sa.or_(i.content.is_not(None), i.raw.is_not(None), i.reply.is_not(None))
    which = sa.and_(i.received_at < before, worded)
    up_to = _cleared(connection)
    return i.id, i.received_at, which if up_to is None else sa.and_(i.received_at >= up_to, which)


def _clear_chat(connection: Connection, keys: Sequence[Any]) -> None:
    here = interactions.c.id.in_(keys)
    connection.execute(interactions.update().where(here).values(content=None, raw=None, reply=None))


def _letters(connection: Connection, before: datetime) -> tuple[Any, ...]:
    worded = sa.exists().where(letter_steps.c.letter_id == letters.c.id, letter_steps.c.words != "")
    return (
        letters.c.id,
        letters.c.last_at,
        sa.and_(letters.c.state == DONE, letters.c.last_at < before, worded),
    )


def _clear_letters(connection: Connection, keys: Sequence[Any]) -> None:
    connection.execute(letter_steps.update().where(letter_steps.c.letter_id.in_(keys)).values(words=""))


def _requests(connection: Connection, before: datetime) -> tuple[Any, ...]:
    later = sa.exists().where(step.steps.c.request_id == requests.c.id, step.steps.c.at >= before)
    done = sa.and_(requests.c.state.not_in(OPEN), requests.c.received_at < before, sa.not_(later))
    return requests.c.id, requests.c.received_at, sa.and_(done, requests.c.words != "")


def _clear_requests(connection: Connection, keys: Sequence[Any]) -> None:
    here = requests.c.id.in_(keys)
    pictures = list(connection.execute(sa.select(requests.c.photo).where(here)).scalars())
    request.hush(connection, list(keys))
    photo.drop(connection, [key for key in pictures if key])
    connection.execute(step.steps.update().where(step.steps.c.request_id.in_(keys)).values(note=""))
    connection.execute(requests.update().where(here).values(openid=None))


def _opinions(connection: Connection, before: datetime) -> tuple[Any, ...]:
    """Those of editions that are over; what everybody may read stays, without its name."""
    o = opinions.c
    over = o.edition_id.in_(sa.select(editions.c.id).where(editions.c.closes_at < before))
    left = sa.or_(o.openid.is_not(None), sa.and_(o.shown.is_(False), o.words != ""))
    day = f"{before.astimezone(SHANGHAI):%Y-%m-%d}"
    return o.key, o.day, sa.and_(over, o.day < day, o.state != RECEIVED, left)


def _clear_opinions(connection: Connection, keys: Sequence[Any]) -> None:
    here = opinions.c.key.in_(keys)
    connection.execute(opinions.update().where(here).values(openid=None))
    hidden = sa.and_(here, opinions.c.shown.is_(False))
    connection.execute(opinions.update().where(hidden).values(words="", answer="", code_hash=None))


KINDS: Mapping[str, Kind] = {
    "chat": Kind("聊天", "收到以后", "说的话、收到的原文和我们的回答", _chat, _clear_chat),
    "letters": Kind("来信", "办完的，最后一次来话以后", "工作人员写的答复和备注", _letters, _clear_letters),
    "requests": Kind(
        "诉求",
        "办完的，最后一步以后",
        "内容、单位、电话、照片、每一步写的和备注，是谁提的",
        _requests,
        _clear_requests,
    ),
    "opinions": Kind(
        "意见", "处理过的，那一届结束以后", "没有公开的内容和答复，是谁提的", _opinions, _clear_opinions
    ),
}


# --- looking, agreeing, clearing -----------------------------------------------------------------------------------


def due(connection: Connection, rules: Rules, now: datetime) -> dict[str, Due]:
    """What would go now, by kind."""
    found = {}
    for name, days in rules.days.items():
        key, at, which = KINDS[name].due(connection, now - timedelta(days=days))
        edges = [sa.func.min(at, type_=at.type), sa.func.max(at, type_=at.type)]
        found[name] = Due(*connection.execute(sa.select(sa.func.count(key), *edges).where(which)).one())
    return found


def any_due(connection: Connection, rules: Rules, now: datetime) -> bool:
    """Whether anything would go now."""
    each = (KINDS[name].due(connection, now - timedelta(days=days)) for name, days in rules.days.items())
    return any(connection.execute(sa.select(key).where(which).limit(1)).first() for key, _, which in each)


def agree(connection: Connection, rules: Rules, staff: str, now: datetime) -> None:
    """This person has seen what these rules take, and wants it."""
    value = {"rules": rules.hash, "staff": staff, "at": now.isoformat()}
    shared.write(connection, AGREED, json.dumps(value), now)


def agreed(connection: Connection, rules: Rules, now: datetime) -> tuple[str, datetime] | None:
    """Who agreed to these very rules, and when; None where nobody did."""
    row = shared.read(connection, AGREED, now)
    value = json.loads(row[0]) if row else {}
    if value.get("rules") != rules.hash:
        return None
    return str(value["staff"]), datetime.fromisoformat(value["at"])


def clear(connection: Connection, rules: Rules, now: datetime) -> int:
    """Take out the words of the next rows of each kind, the oldest first; how many rows. Nothing that nobody has agreed to."""
    if agreed(connection, rules, now) is None:
        return 0
    cleared = 0
    for name, days in rules.days.items():
        before = now - timedelta(days=days)
        key, at, which = KINDS[name].due(connection, before)
        rows = connection.execute(sa.select(key, at).where(which).order_by(at, key).limit(PORTION)).all()
        if rows:
            KINDS[name].clear(connection, [row[0] for row in rows])
        if name == "chat" and rows:
            up_to = rows[-1][1] if len(rows) == PORTION else before
            shared.write(connection, CLEARED, up_to.isoformat(), now)
        cleared += len(rows)
    return cleared


def _cleared(connection: Connection) -> datetime | None:
    found = sa.select(shared.shared.c.value).where(shared.shared.c.name == CLEARED)
    value = connection.execute(found).scalar()
    return datetime.fromisoformat(value) if value else None
