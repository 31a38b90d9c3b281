"""Who was forgotten, remembered without their name, so that a backup that still knows them can be made to forget as well.

An erasure is HMAC(openid) and its time, in the database and in a file that lies beside the backups and is copied with them.
The key is made at random and kept in both: whoever has neither a list of openids nor the rows learns nothing from it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from models import shared
from models.base import MARIADB, Connection, Id, Utc, metadata
from models.rows import add, put

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("mark", Id(64), primary_key=True),  # HMAC-SHA256 of the openid, hex
    sa.Column("at", Utc(), nullable=False),  # what came later stays
    **MARIADB,
)

KEY = "erasure key"  # the row of `shared` that holds it


@dataclass(frozen=True, slots=True)
class Memory:
    """Erasures under one key: mark → time. `at(openid)` is when that person was forgotten, None when never."""

    key: bytes
    marks: Mapping[str, datetime]

    def at(self, openid: str) -> datetime | None:
        return self.marks.get(mark(self.key, openid))


def mark(key: bytes, openid: str) -> str:
    """The person, for whoever holds the key and already knows the openid."""
    return hmac.digest(key, openid.encode(), "sha256").hex()


def key_of(connection: Connection, now: datetime) -> bytes:
    """The key of this database, made at first need."""
    asked = sa.select(shared.shared.c.value).where(shared.shared.c.name == KEY)
    found = connection.execute(asked).scalar()
    if found is None:
        add(connection, shared.shared, {"name": KEY, "value": secrets.token_hex(32), "updated_at": now})
        found = connection.execute(asked).scalar_one()
    return bytes.fromhex(found)


def remember(connection: Connection, openid: str, at: datetime) -> None:
    """This person was forgotten, with all that came until `at`; a later time than the one known wins."""
    _write(connection, mark(key_of(connection, at), openid), at)


def recall(connection: Connection) -> Memory | None:
    """What this database remembers, None where nobody was ever forgotten."""
    key = connection.execute(sa.select(shared.shared.c.value).where(shared.shared.c.name == KEY)).scalar()
    if key is None:
        return None
    rows = connection.execute(sa.select(erasures.c.mark, erasures.c.at))
    return Memory(bytes.fromhex(key), dict(rows.all()))


def adopt(connection: Connection, memory: Memory, now: datetime) -> None:
    """From now on this database remembers under that key, and what was remembered under it."""
    shared.write(connection, KEY, memory.key.hex(), now)
    known = dict(connection.execute(sa.select(erasures.c.mark, erasures.c.at)).all())
    for found, at in memory.marks.items():
        if found not in known or known[found] < at:
            put(connection, erasures, ("mark",), {"mark": found, "at": at})


def _write(connection: Connection, found: str, at: datetime) -> None:
    if not add(connection, erasures, {"mark": found, "at": at}):
        older = sa.and_(erasures.c.mark == found, erasures.c.at < at)
        connection.execute(erasures.update().where(older).values(at=at))


# --- the file beside the backups -----------------------------------------------------------------------------------


def save(memory: Memory, folder: Path) -> Path:
    """Write them into the folder's file, with those that it holds already. All of it or nothing."""
    path = folder / f"erasures-{hashlib.sha256(memory.key).hexdigest()[:8]}.txt"
    before = load(path)
    marks = _latest([*(before.marks.items() if before else ()), *memory.marks.items()])
    lines = [f"key {memory.key.hex()}", *(f"{found} {at.isoformat()}" for found, at in sorted(marks.items()))]
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    return path


def load(path: Path) -> Memory | None:
    """What such a file holds; None where there is none. Raises ValueError when it is no such file."""
    try:
        first, *rest = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return None
    kind, _, key = first.partition(" ")
    if kind != "key":
        raise ValueError(f"{path}: no key")
    pairs = (line.split(" ") for line in rest if line)
    return Memory(
        bytes.fromhex(key), {found: datetime.fromisoformat(at).astimezone(UTC) for found, at in pairs}
    )


def beside(*folders: Path) -> Iterator[Memory]:
    """What every such file in these folders holds. Raises ValueError."""
    for path in sorted({path.resolve() for folder in folders for path in folder.glob("erasures-*.txt")}):
        if memory := load(path):
            yield memory


def _latest(pairs: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for name, at in pairs:
        found[name] = max(at, found.get(name, at))
    return found
