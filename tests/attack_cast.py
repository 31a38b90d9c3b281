"""Those who attack the site, and WeChat beside them, each a program of its own: `python attack_cast.py WHO PORT SECONDS`.

WeChat is at 127.0.0.1 and posts at a fixed rate, whatever becomes of it; every attacker is at 127.0.0.66. Nobody leaves the
loopback, and each ends by itself. WeChat's last line is JSON: posts, answered, and the seconds that each answer took.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from server_cast import ROOT, post

STRANGER = ("127.0.0.66", 0)
PER_S, PATIENCE_S = 40, 5.0  # WeChat's posts, and how long it waits for an answer
SILENT, CREEPING, EAGER = 3000, 150, 6  # connections of those who say nothing, say it slowly, say it fast
FORGED_PER_S = 400
NEST = b"<xml>" + b"<a>" * 10_000 + b"</a>" * 9_000  # 66 kB would be refused unread
LATER = time.monotonic
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE


async def dial(port: int, near: Any = STRANGER, tls: bool = True) -> tuple[Any, Any]:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=near, ssl=TRUSTING if tls else None)


async def again_and_again(until: float, once: Callable[[], Awaitable[object]], pause_s: float = 0.05) -> None:
    """Do it until the time is over; whoever is thrown out comes back."""
    while LATER() < until:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            await asyncio.wait_for(once(), max(0.1, until - LATER()))
        await asyncio.sleep(pause_s)


# --- attackers ---------------------------------------------------------------------------------------------------


async def silent(port: int, until: float) -> None:
    """Connections that never say a word, not even TLS's first."""

    async def once() -> None:
        reader, writer = await dial(port, tls=False)
        await reader.read()
        writer.close()

    await asyncio.gather(*(again_and_again(until, once) for _ in range(SILENT)))


async def creeping(port: int, until: float, head: bytes) -> None:
    """Requests that come a byte at a time."""

    async def once() -> None:
        reader, writer = await dial(port)
        writer.write(head)
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)
        writer.close()

    await asyncio.gather(*(again_and_again(until, once) for _ in range(CREEPING)))


async def slow_heads(port: int, until: float) -> None:
    await creeping(port, until, b"POST /wx HTTP/1.1\r\nHost: wx.example.org\r\nX-")


async def slow_bodies(port: int, until: float) -> None:
    await creeping(port, until, b"POST /wx HTTP/1.1\r\nHost: wx.example.org\r\nContent-Length: 60000\r\n\r\n")


async def pounding(port: int, until: float, raw: bytes, per_s: float) -> None:
    """The same request over and over on kept connections."""
    each_s = EAGER / per_s

    async def once() -> None:
        reader, writer = await dial(port)
        while True:
            begun = LATER()
            writer.write(raw)
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            await reader.readexactly(size)
            await asyncio.sleep(max(0, each_s - (LATER() - begun)))

    await asyncio.gather(*(again_and_again(until, once) for _ in range(EAGER)))


async def forging(port: int, until: float) -> None:
    """Nests of XML just small enough, with a signature that somebody made up."""
    target = f"/wx?signature={'a' * 40}&timestamp={int(time.time())}&nonce=1&encrypt_type=aes&msg_signature={'b' * 40}"
    head = f"POST {target} HTTP/1.1\r\nHost: wx.example.org\r\nContent-Length: {len(NEST[:65_000])}\r\n\r\n"
    await pounding(port, until, head.encode() + NEST[:65_000], FORGED_PER_S)


async def flooding(port: int, until: float) -> None:
    """As many small requests as one address can bring."""
    raw = b"GET /wx?echostr=1&signature=x HTTP/1.1\r\nHost: wx.example.org\r\n\r\n"
    await pounding(port, until, raw, 3000)


async def greeting(port: int, until: float) -> None:
    """TLS, agreed on and dropped: what costs us most and them least."""

    async def once() -> None:
        _, writer = await dial(port)
        writer.close()

    await asyncio.gather(*(again_and_again(until, once, EAGER / 200) for _ in range(EAGER)))


# --- WeChat ------------------------------------------------------------------------------------------------------


async def wechat(port: int, until: float) -> None:
    """A message every so often, each on a connection of its own as WeChat does it; who answers late counts as silent."""
    took: list[float] = []

    async def once(number: int) -> None:
        begun = LATER()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await dial(port, ("127.0.0.1", 0))
                writer.write(post(number, "Connection: close"))
                answer = await reader.read()
                writer.close()
                if answer.startswith(b"HTTP/1.1 200 "):
                    took.append(LATER() - begun)

    begun, posts = LATER(), []
    while (at := begun + len(posts) / PER_S) < until:
        await asyncio.sleep(max(0, at - LATER()))
        posts.append(asyncio.create_task(once(len(posts) + 1)))
    await asyncio.gather(*posts)
    print(json.dumps({"posts": len(posts), "took": sorted(took)}))


WHO: dict[str, Callable[[int, float], Awaitable[None]]] = {
    "silent": silent,
    "slow heads": slow_heads,
    "slow bodies": slow_bodies,
    "forging": forging,
    "flooding": flooding,
    "greeting": greeting,
    "wechat": wechat,
}
ATTACKERS = tuple(name for name in WHO if name != "wechat")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1] == "wechat":
        post(0)  # what it takes to write one is loaded before the clock runs
    else:
        os.nice(10)  # they have machines of their own
    asyncio.run(WHO[sys.argv[1]](int(sys.argv[2]), LATER() + float(sys.argv[3])))
