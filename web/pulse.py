"""The pulse of a web process: a row that says by which config it runs, so that machines that differ are seen."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime

from models import in_force
from models.base import Store, StoreError

log = logging.getLogger(__name__)


def beat(store: Store, runs_by: Callable[[], str], take_up: Callable[[], None]) -> None:
    """Note the digest of the config in force, after this process has taken up what the desk wrote. A database that is away is asked
    again at the next beat."""
    take_up()
    try:
        with store.writing() as connection:
            me = f"{socket.gethostname()} web {os.getpid()}"
            in_force.note(connection, me, runs_by(), datetime.now(UTC))
    except (StoreError, OSError) as error:
        log.error("the config in force could not be noted: %s", type(error).__name__)
