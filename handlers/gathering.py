"""What those need who stand in a form and write at the same moment, read for all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from campaigns import taking_part as door
from campaigns.kind import rules_of
from handlers.dialogue import SILENCE
from handlers.page import FORM, where
from models import draft, edition
from models.base import Connection
from models.batch import Batch
from models.follower import Follower
from models.interaction import Arrival
from wx import messages as m

FEWEST = 2  # people; one alone is looked up as quickly by statements of their own


def gather(connection: Connection, rows: Sequence[Arrival], people: Mapping[str, Follower]) -> Batch:
    """What the kinds read beforehand for these messages' senders. Left out is who says more than one thing, or is forgotten: they are
    to see what they have done themselves."""
    batch = Batch()
    for number, every in _standing(rows, people).items():
        found = edition.get(connection, number) if len(every) >= FEWEST else None
        said = [row for row in every if found is not None and found.takes(row.received_at)]
        if found is None or not said:
            continue
        batch.editions[number] = found
        first = min(row.received_at for row in said)
        kind, openids = door.kind_of(found), [row.openid for row in said]
        read = kind.gathered(connection, found, rules_of(kind, found), openids, first)
        if read:
            drafts = draft.of_people(connection, openids, number, first)
            batch.drafts |= {(number, openid): one for openid, one in drafts.items()}
            batch.read |= {(number, openid): values for openid, values in read.items()}
    return batch


def _standing(rows: Sequence[Arrival], people: Mapping[str, Follower]) -> dict[int, list[Arrival]]:
    """Edition → what those say who stand in its form."""
    times = Counter(row.openid for row in rows)
    forgotten = {row.erases for row in rows}
    found: dict[int, list[Arrival]] = {}
    for row in rows:
        follower = people.get(row.openid)
        if follower is None or times[row.openid] > 1 or row.openid in forgotten:
            continue
        here = where(follower.dialogue)
        number = "".join(here.choices) if here is not None and here.page == FORM else ""
        if here is None or not number.isdigit() or not isinstance(row.message.body, m.Text | m.Voice):
            continue
        if row.received_at.timestamp() // 60 - here.minute <= SILENCE // timedelta(minutes=1):
            found.setdefault(int(number), []).append(row)
    return found
