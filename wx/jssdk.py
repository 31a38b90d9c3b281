"""What a page proves to WeChat before it may set its own card for sharing (platform guide, JS-SDK, 附录1)."""

from __future__ import annotations

from hashlib import sha1


def signature(ticket: str, nonce: str, at: int, url: str) -> str:
    """The signature of a page; `at` in seconds since 1970, `url` as the browser shows it, without what follows a #."""
    plain = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={at}&url={url.partition('#')[0]}"
    return sha1(plain.encode()).hexdigest()
