"""`[site]`, `[console]` and `[server]` of the config file: the address that workers open, from where the desk may be opened, and
where this machine listens."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, StrictInt

from ground.part import Part
from ground.text import without_spaces
from ground.wide import hint

WHOLE = "不是完整的网址，应写成 https://… 的样子"


def parts_of(text: str) -> SplitResult:
    """The parts of an address. Raises ValueError in words for one that has none, such as `http://[x` and `http://x:99999`."""
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise ValueError(WHOLE) from None
    return url


def _bind(text: str) -> str:
    host, _, port = without_spaces(text).rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError(f"应写成 127.0.0.1:8000 的样子，端口从 1 到 65535{hint(text)}")
    return text


def _site(text: str) -> str:
    url = parts_of(without_spaces(text))
    if text and not (url.scheme in ("https", "http") and url.hostname):
        raise ValueError(WHOLE)
    return text.rstrip("/")


class Footer(Part):
    """What stands at the foot of every page of workers'."""

    organiser: str = ""  # '' for the account's name
    contact: str = ""
    icp: str = ""
    police: str = ""


class Site(Part):
    """What workers' phones open."""

    base_url: Annotated[str, AfterValidator(_site)] = "http://127.0.0.1:8000"
    follow_url: Annotated[str, AfterValidator(_site)] = ""  # what the account's QR code says
    footer: Footer = Footer()

    @property
    def is_public(self) -> bool:
        """Whether a worker's phone can open it."""
        return urlsplit(self.base_url).hostname not in (None, "127.0.0.1", "localhost", "::1")


def lacking(site: Site) -> list[str]:
    """What a public site must show and what is not filled in yet, a sentence each."""
    if not site.is_public or site.footer.icp:
        return []
    return ["网站已经有公开的网址，可是没有写备案号。请在 [site.footer] 里填 icp，公安备案号填 police"]


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError(f"不是网络地址，应写成 203.0.113.7 或者 203.0.113.0/24 的样子{hint(text)}") from None
    return text


class Console(Part):
    """From where the desk may be opened."""

    addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = ()  # none: from everywhere

    def is_open_to(self, address: str) -> bool:
        """Whether whoever comes from there may open it."""
        try:
            here = ip_address(address)
        except ValueError:
            return not self.addresses
        return not self.addresses or any(here in ip_network(one) for one in self.addresses)


class Serving(Part):
    """Where the web processes listen, and how many there are."""

    bind: Annotated[str, AfterValidator(_bind)] = "127.0.0.1:8000"
    processes: Annotated[StrictInt, Field(ge=1, le=64)] = 2


def risky(serving: Serving) -> list[str]:
    """What is allowed and yet dangerous, a sentence each with its remedy."""
    host = serving.bind.rpartition(":")[0].strip("[]")
    if host in ("0.0.0.0", "::", "*"):  # noqa: S104 - it is what is warned of
        remedy = "请写 127.0.0.1，由 nginx 转发"
        return [f"bind = {serving.bind}：别的机器可以绕过 nginx 直接连上来，不加密，也没有限流。{remedy}"]
    return []
