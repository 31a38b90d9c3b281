"""What WeChat answers, read with care: each reader gives the value, or raises BadAnswer naming what was not there.

The platform guide says what comes; what came has been `{}`, `"data": null`, a number as text and half a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wx.errors import BadAnswer

Answer = Mapping[str, Any]


def text(answer: Answer, key: str) -> str:
    """The text, or number as text, under this key; never empty."""
    value = answer.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadAnswer(f"an answer without a usable {key}")
    return str(value)


def number(answer: Answer, key: str, least: int = 0) -> int:
    """The whole number under this key, written as a number or as text."""
    value = answer.get(key)
    try:
        found = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        found = None
    if found is None or found < least:
        raise BadAnswer(f"an answer without a usable {key}")
    return found


def objects(answer: Answer, key: str) -> list[dict[str, Any]]:
    """The list of objects under this key; what is none of them is an answer that cannot be trusted."""
    value = answer.get(key)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise BadAnswer(f"an answer without a list of {key}")
    return list(value)


def texts(answer: Answer, key: str) -> list[str]:
    """The list of texts under this key."""
    value = answer.get(key)
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise BadAnswer(f"an answer without a list of {key}")
    return list(value)


def inner(answer: Answer, key: str) -> dict[str, Any]:
    """The object under this key."""
    value = answer.get(key)
    if not isinstance(value, dict):
        raise BadAnswer(f"an answer without {key}")
    return value


def file(answer: Answer) -> bytes:
    """The file that came instead of words."""
    value = answer.get("data")
    if not isinstance(value, bytes):
        raise BadAnswer("an answer without a file")
    return value


def page(answer: Answer) -> tuple[list[str], str]:
    """(openids, where the next page begins) of user/get and user/tag/get, whose last page has no data at all."""
    data = answer.get("data") or {}
    after = answer.get("next_openid") or ""
    if not isinstance(data, dict) or not isinstance(after, str):
        raise BadAnswer("a page of followers that cannot be read")
    return (texts(data, "openid") if data.get("openid") else []), after
