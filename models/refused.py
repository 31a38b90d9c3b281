"""How many messages were refused at the door, by the check that they did not pass: a row of `shared` for each process."""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from models import shared
from models.base import Connection

REFUSED = "refused:"  # and the process
KEPT = timedelta(hours=1)


def write(connection: Connection, counts: Mapping[str, int], now: datetime) -> None:
    """What this process refused in its last minute. `now` is the wall clock's."""
    name = f"{REFUSED}{socket.gethostname()[:100]}:{os.getpid()}"
    shared.write(connection, name, json.dumps(dict(counts)), now, now + KEPT)


def lately(connection: Connection, now: datetime) -> Counter[str]:
    """Check → how many, of the last minute in which each process refused any within the hour."""
    found: Counter[str] = Counter()
    for value in shared.living(connection, REFUSED, now).values():
        found.update(json.loads(value))
    return found
