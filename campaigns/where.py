"""Where in the config file a push is written, so that whoever looks at it finds the place to change it."""

from __future__ import annotations

from pathlib import Path

from ground.lines import places
from ground.toml import UnreadableError, parse, text_of


def where(path: Path, name: str) -> str:
    """The file and the line of CAMPAIGN/PUSH in words, '' where it cannot be found."""
    try:
        text, _ = text_of(path)
        table = parse(path, text)
    except UnreadableError:
        return ""
    campaign, _, push = name.partition("/")
    for at, one in enumerate(table.get("campaigns", [])):
        for number, each in enumerate(one.get("pushes", [])):
            if (one.get("id"), each.get("id")) == (campaign, push):
                wanted = ("campaigns", at, "pushes", number)
                line = next((line for place, line in places(text) if place == wanted), 0)
                return f"{path.name} 第 {line} 行" if line else path.name
    return ""
