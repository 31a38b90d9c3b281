"""The engine that keeps what was said, fast and durable. This is its only door: nobody imports past it.

`recorder_for` gives the statements of one kind of database, `Committer` stores messages in blocking transactions,
`committer_for` stores them from within an event loop, and `Writer` is SQLite's one writer, a process of its own.
`docs/decisions/webhook.md` says how and why.
"""

from models.recording.async_committer import AsyncCommitter, committer_for
from models.recording.committer import Committer
from models.recording.frames import Unstorable
from models.recording.inside import NOT_YET, Answer, Later
from models.recording.rows import FOLLOWER_COLUMNS, Ready, follower_of
from models.recording.thread import recorder_for
from models.recording.writer import Writer, listen

__all__ = [
    "FOLLOWER_COLUMNS",
    "NOT_YET",
    "Answer",
    "AsyncCommitter",
    "Committer",
    "Later",
    "Ready",
    "Unstorable",
    "Writer",
    "committer_for",
    "follower_of",
    "listen",
    "recorder_for",
]
