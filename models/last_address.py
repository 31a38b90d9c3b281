"""The address of the database that was in use last, kept so that everything can be stopped without a config file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NAME = "database-address"
MOST_BYTES = 4_000


def remember(folder: Path, url: str) -> None:
    """Keep it in this folder, for its owner alone; a folder that takes no file is no reason to stop."""
    with suppress(OSError):
        if recall(folder) == url:
            return
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{NAME}.{os.getpid()}"
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(url, "utf-8")
        new.replace(folder / NAME)


def recall(folder: Path) -> str | None:
    """The address that was kept, None where none was."""
    try:
        with (folder / NAME).open("rb") as file:
            return file.read(MOST_BYTES).decode("utf-8").strip() or None
    except (OSError, ValueError):
        return None
