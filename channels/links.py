"""Links that lead nowhere: asked one by one, for who wants to know before a text goes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

LIMIT_S = 8.0
AT_A_TIME = 8
GONE = 400  # and above: there is no such page, or nobody may see it


def dead(urls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The links that cannot be opened, each with the reason in Chinese."""
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="link") as pool:
        yield from ((url, why) for url, why in zip(urls, pool.map(_why, urls), strict=True) if why)


def _why(url: str) -> str:
    """Why it cannot be opened, '' when it can. The page itself is not read."""
    try:
        with requests.get(url, timeout=LIMIT_S, stream=True) as answer:
            return f"网站回答 {answer.status_code}" if answer.status_code >= GONE else ""
    except requests.Timeout:
        return f"{LIMIT_S:g} 秒没有回答"
    except requests.exceptions.SSLError:
        return "证书不对"
    except (requests.RequestException, ValueError):
        return "连不上"
