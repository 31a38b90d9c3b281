"""`[moderation]` of the config file: what the staff look at before others see it, and how long it may wait for them."""

from __future__ import annotations

import re
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


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text):
        raise ValueError("写网站的域名，例如 lnszgh.org，不带 https://，也不带 /")
    return text.lower()


class Moderation(Part):
    """The words that the staff have put on their list, the sites that they trust, and their own patience."""

    words: tuple[Annotated[str, AfterValidator(_word)], ...] = ()
    file: str = ""  # more words, one a line, beside the config file
    sites: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    waits_most: Duration = timedelta(hours=4)
