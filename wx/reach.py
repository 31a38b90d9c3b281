"""Whether an address on the network answers at all, and what time it is there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from wx.errors import NoAnswer, NotSent, WeChatError

LIMIT_S = 8.0


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer: its HTTP status, how long it took, and the far end's Date (None when it does not say)."""

    status: int
    took_s: float
    date: datetime | None


def reach(url: str) -> Reached:
    """One plain GET. Raises NotSent when nobody is there, NoAnswer when somebody is and does not answer.

    The error's text is the kind of failure in requests' words: SSLError, ConnectTimeout, ConnectionError …"""
    started = time.monotonic()
    try:
        with requests.get(url, timeout=LIMIT_S, allow_redirects=False, stream=True) as answer:
            told = answer.headers.get("Date", "")
            status = answer.status_code
    except (requests.ReadTimeout, requests.exceptions.ChunkedEncodingError) as error:
        raise NoAnswer(type(error).__name__) from None
    except requests.RequestException as error:
        raise NotSent(type(error).__name__) from None
    return Reached(status, time.monotonic() - started, _date(told))


def reachable(url: str) -> bool:
    """Whether anybody answers there, whatever the answer."""
    try:
        reach(url)
    except WeChatError:
        return False
    return True


def _date(told: str) -> datetime | None:
    try:
        return parsedate_to_datetime(told)
    except ValueError:
        return None
