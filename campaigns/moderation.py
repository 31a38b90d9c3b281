"""`[moderation]` of the config file: what the staff look at before others see it, and how long it may wait for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from ground.days import Duration
from ground.normal import normal
from ground.part import Part


def _word(text: str) -> str:
    if not normal(text):
        raise ValueError("敏感词里要有字，不能只有空格和符号")
    return normal(text)


class Moderation(Part):
    """The words that the staff have put on their list, and their own patience."""

    words: tuple[Annotated[str, AfterValidator(_word)], ...] = ()
    waits_most: Duration = timedelta(hours=4)
