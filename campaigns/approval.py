"""What is approved of a push, and how many must."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from channels import CHANNELS
from ground.beside import OutsideError, beside
from models import approval
from models.base import Connection

DEED = ":"  # in the name of a notice of a deed, whose wording is approved and not each notice
LIST = re.compile(r"openids:([^\s()]+)")


class Said(Protocol):
    """A push as it would leave: its plan, or its row."""

    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def audience(self) -> str: ...
    @property
    def content(self) -> str: ...


class Approvals:
    """Says how many approvals a push still lacks. `most`: of how many different staff, on a `live` account."""

    def __init__(self, most: int, folder: Path, *, live: bool) -> None:
        self.most, self.folder = most if live else 0, folder  # before that only testers get anything

    def lacking(self, connection: Connection, push: Said) -> int:
        """How many different staff must still approve it before it leaves."""
        if not self.most or DEED in push.name:
            return 0
        return max(0, self.most - approval.count(connection, push.name, self.digest(push)))

    def digest(self, push: Said) -> str:
        """The same for the same channel, audience and content, and the same lists and pictures beside the config file."""
        hashed = hashlib.sha256()
        files = (_of_file(self.folder, name) for name in _files(push))
        for part in (push.channel, push.audience, push.content, *files):
            hashed.update(hashlib.sha256(part.encode()).digest())
        return hashed.hexdigest()


def alarm_of(name: str) -> str:
    """The alarm for a push that lacks approval."""
    return f"approval {name}"


def asks(name: str, lacking: int) -> str:
    """What is lacking, and what to do."""
    return f"还差 {lacking} 位同志批准，请运行 push approve {name}。"


def _files(push: Said) -> Iterator[str]:
    yield from LIST.findall(push.audience)
    if push.channel in CHANNELS:
        yield from CHANNELS[push.channel].files(json.loads(push.content))


def _of_file(folder: Path, name: str) -> str:
    """What it holds, '-' when it cannot be read: then nothing leaves anyway."""
    try:
        with beside(folder, name).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OutsideError, OSError, ValueError):
        return "-"
