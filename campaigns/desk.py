"""What the staff see and do in an edition of any kind: its kind's own tables and deeds, and those that every kind has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from campaigns import appeal as appeals
from campaigns import photo as photos
from campaigns.kind import Deed, Impossible, Kind, Work, rules_of
from campaigns.kinds import KINDS
from ground.table import Table
from models import appeal, photo
from models.base import Connection
from models.edition import Edition

CORRECT = "correct"


def _correct(work: Work, words: Sequence[str]) -> str:
    """Say publicly what was wrong and how it is right; the audit is where it stands."""
    if not words[0].strip():
        raise Impossible("更正里要有字。")
    return "更正已经写在结果页上。"


EVERY: Mapping[str, Deed] = {
    **photos.DEEDS,
    **appeals.deeds(lambda work: deeds(KINDS[work.edition.kind])),
    CORRECT: Deed("在结果页上写一条更正，大家都看得到", ("说明",), _correct),
}


def deeds(kind: Kind) -> Mapping[str, Deed]:
    """What can be done in an edition of this kind."""
    return {**kind.deeds, **EVERY}


def thing(found: Edition) -> str:
    """What the audit calls an edition."""
    return f"{found.campaign}/{found.id}"


def tables(connection: Connection, found: Edition) -> Sequence[Table]:
    """Everything that may be shown and taken away, without the people."""
    kind = KINDS[found.kind]
    own = [photos.table(connection, found.id), appeals.table(connection, found.id)]
    return [*kind.tables(connection, found, rules_of(kind, found)), *(one for one in own if one.rows)]


def waiting_since(connection: Connection, found: Edition) -> datetime | None:
    """Since when the oldest thing waits for somebody of the staff to look at it; None where nothing does."""
    looks = (KINDS[found.kind].waiting_since, photo.waiting_since, appeal.waiting_since)
    return min((at for look in looks if (at := look(connection, found.id)) is not None), default=None)
