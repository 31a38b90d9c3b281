"""What the staff see and do in an edition of any kind: its kind's own tables and deeds, and those that every kind has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from campaigns import photo as photos
from campaigns.kind import Deed, Kind, rules_of
from campaigns.kinds import KINDS
from ground.table import Table
from models import photo
from models.base import Connection
from models.edition import Edition

EVERY: Mapping[str, Deed] = photos.DEEDS


def deeds(kind: Kind) -> Mapping[str, Deed]:
    """What can be done in an edition of this kind."""
    return {**kind.deeds, **EVERY}


def tables(connection: Connection, found: Edition) -> Sequence[Table]:
    """Everything that may be shown and taken away, without the people."""
    kind = KINDS[found.kind]
    own = [photos.table(connection, found.id)]
    return [*kind.tables(connection, found, rules_of(kind, found)), *(one for one in own if one.rows)]


def waiting_since(connection: Connection, found: Edition) -> datetime | None:
    """Since when the oldest thing waits for somebody of the staff to look at it; None where nothing does."""
    looks = (KINDS[found.kind].waiting_since, photo.waiting_since)
    return min((at for look in looks if (at := look(connection, found.id)) is not None), default=None)
