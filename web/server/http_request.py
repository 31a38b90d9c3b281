"""One request as it comes in."""

from __future__ import annotations

from web.server.limits import ELSEWHERE, PathLimits
from web.server.spool import Spool


class HttpRequest:
    """What it does not bring stays as the class has it, which costs a request nothing."""

    headers: list[tuple[bytes, bytes]]
    url = b""
    method = b""  # until the headers are complete
    path = b""
    query = b""
    fields = 0  # how many of the headers are no trailers; those nobody reads
    body: bytes | bytearray | Spool = b""
    cap = 0  # bytes of it
    limits: PathLimits = ELSEWHERE  # of a page, as is
    version = "1.1"
    raw = 0  # bytes on the wire since the read that began it
    head = 0  # bytes; not counted while one short read brings it
    keep = False
    expects = False
