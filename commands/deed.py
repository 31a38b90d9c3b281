"""Who types, and that what they do is written down."""

from __future__ import annotations

import getpass
import logging
from datetime import datetime

from models import audit
from models.base import Store, StoreError

log = logging.getLogger(__name__)


def staff() -> str:
    """Who types."""
    return f"cli:{getpass.getuser()}"


def note_afterwards(store: Store, deed: str, thing: str, now: datetime) -> None:
    """Audit what stops something, when it is done: no brake waits for the audit, or fails with it."""
    try:
        with store.writing() as connection:
            audit.note(connection, staff(), deed, thing, {}, now)
    except StoreError as error:
        log.warning("a deed was not audited", extra={"deed": deed, "error": type(error).__name__})
