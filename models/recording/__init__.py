"""The engine that keeps what was said, fast and durable. This is its only door: nobody imports past it.

`recorder_for` gives the statements of one kind of database, `Keeper` stores messages one transaction at a time wherever it is
called, `keeping` stores them from within an event loop, and `Scribe` is SQLite's one writer, a process of its own.
`docs/decisions/webhook.md` says how and why.
"""

from models.recording.keeper import Keeper
from models.recording.line import Refused
from models.recording.loop import Keeping, keeping
from models.recording.recorder import NOT_YET, READ_COLUMNS, Answer, Later, Ready, follower_of
from models.recording.scribe import Scribe, listen
from models.recording.thread import recorder_for

__all__ = [
    "NOT_YET",
    "READ_COLUMNS",
    "Answer",
    "Keeper",
    "Keeping",
    "Later",
    "Ready",
    "Refused",
    "Scribe",
    "follower_of",
    "keeping",
    "listen",
    "recorder_for",
]
