"""One text of a TOML file that may be broken anywhere else: for what must work whatever a clerk has done to the file."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_BYTES = 2_000_000


def value(path: Path, section: str, key: str) -> Any:
    """What stands there (a text, or a table such as `{ file = … }`), None where it cannot be made out."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    except (OSError, ValueError):
        return None
    try:
        return _inside(tomllib.loads(text), section, key)
    except (ValueError, RecursionError):
        return next(_lines(text, section, key), None)


def _inside(table: dict[str, Any], section: str, key: str) -> Any:
    part = table.get(section)
    return part.get(key) if isinstance(part, dict) else None


def _lines(text: str, section: str, key: str) -> Iterator[Any]:
    """The same read line by line, each for itself."""
    here = ""
    written = re.compile(rf"\s*(?:{section}\.)?{key}\s*[=＝:：]?\s*[\"'“‘]?\s*([^\"'“”‘’\s]+)")
    for line in text.split("\n"):
        if header := re.match(r"\s*[\[【［]+\s*([^\]】］\s]*)", line):
            here = header[1].strip("\"'")
            continue
        try:
            table = tomllib.loads(line)
        except (ValueError, RecursionError):
            if here == section and (found := written.match(line)):
                yield found[1]
            continue
        found_value = (
            table.get(key) if here == section else _inside(table, section, key) if not here else None
        )
        if found_value is not None:
            yield found_value
