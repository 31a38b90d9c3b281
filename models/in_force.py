"""Which config each process runs by: a row of each with the digest of the file that it has taken into force."""

from __future__ import annotations

from datetime import datetime, timedelta

from models import shared
from models.base import Connection

ROW = "config:"  # and the process
LASTS = timedelta(minutes=3)
PATIENCE = timedelta(minutes=1)  # so long may a change be on its way from one to the other


def note(connection: Connection, who: str, digest: str, now: datetime) -> None:
    """This process runs by that. `now` is the wall clock's."""
    name = f"{ROW}{who}"[:190]
    known = shared.read(connection, name, now)
    since = known[0].partition(" ")[2] if known and known[0].startswith(f"{digest} ") else now.isoformat()
    shared.write(connection, name, f"{digest} {since}", now, now + LASTS)


def differing(connection: Connection, now: datetime) -> list[str]:
    """All living processes, when they have run by different files for a minute; none when all are alike."""
    noted = shared.living(connection, ROW, now)
    settled = all(
        now - datetime.fromisoformat(value.partition(" ")[2]) >= PATIENCE for value in noted.values()
    )
    alike = len({value.partition(" ")[0] for value in noted.values()}) < 2
    return [] if alike or not settled else sorted(name.removeprefix(ROW) for name in noted)
