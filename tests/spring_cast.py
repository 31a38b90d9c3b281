"""One campaign with one push, for tests of what comes due and of what is sent; light enough for a process of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from campaigns.campaign import Campaign

NOON = datetime(2027, 2, 20, 4, 0, tzinfo=UTC)  # in Panjin
TEMPLATE = {"id": "t" * 43, "data": {"thing1": "元宵灯谜"}}


def campaign(**wanted: Any) -> Campaign:
    """A campaign `spring` with one push `greeting`, by template to everyone at NOON unless told otherwise."""
    base: dict[str, Any] = {"id": "greeting", "at": NOON, "channel": "template"}
    if wanted.get("yearly") or wanted.get("lunar") or wanted.get("daily"):
        del base["at"]
    if wanted.get("channel", "template") == "template":
        base["template"] = TEMPLATE
    return Campaign.model_validate({"id": "spring", "title": "春天", "pushes": [base | wanted]})
