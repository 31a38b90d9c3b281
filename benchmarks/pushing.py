"""How fast a push goes out, beside bare threads that do nothing but the same call by the same client in the same run."""

import asyncio
import json
import multiprocessing
import multiprocessing.connection
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from benchmarks.compare import say
from channels import Gear, SendLimits, open_channels
from jobs.audience import Audience
from jobs.pace import Pace
from jobs.push import IN_FLIGHT, Sender
from models import push, schema
from models.base import Store
from models.follower import followers
from models.media import Shelf
from models.shared import Shared
from wx.account import Account
from wx.client import Api, MemoryTokens

LATENCY_S = 0.05
PEOPLE = 3000
CONTENT = json.dumps({"template": {"id": "t" * 43, "data": {"thing1": "元宵灯谜"}}}, ensure_ascii=False)
ANSWER = json.dumps(
    {"errcode": 0, "errmsg": "ok", "msgid": 1, "access_token": "t", "expires_in": 7200}
).encode()


def compare(rounds: int) -> int:
    """Print calls a second of both and the share that ours reach; 0 where that is 95 % or more."""
    with far_end() as url:
        account = Account(
            kind="service",
            verified=True,
            live=True,
            app_id="wx",
            app_secret=SecretStr("s" * 32),
            api_base=url,
        )
        pairs = [(_timed(_bare, account), _timed(_pushed, account)) for _ in range(rounds)]
    (bare, bare_ms), (ours, our_ms) = (
        (statistics.median(rate for rate, _ in side), statistics.median(ms for _, ms in side))
        for side in zip(*pairs, strict=True)
    )
    share = statistics.median(pushed[0] / threads[0] for threads, pushed in pairs)
    say(
        f"push: {PEOPLE} templates at {LATENCY_S * 1000:.0f} ms, {IN_FLIGHT} in flight, {rounds} rounds: "
        f"{ours:.0f}/s of {bare:.0f}/s by bare threads, {share:.1%} (wanted: 95 %); "
        f"processor time per call {our_ms:.2f} ms, bare {bare_ms:.2f} ms; load {os.getloadavg()[0]:.1f}"
    )
    return 0 if share >= 0.95 else 1


@contextmanager
def far_end() -> Iterator[str]:
    """The address of a WeChat to which every call is good, in a process of its own."""
    far, port = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(port,), daemon=True)
    server.start()
    yield f"http://127.0.0.1:{far.recv()}"
    server.kill()


def _timed(run: Callable[[Account], float], account: Account) -> tuple[float, float]:
    """Calls a second, and milliseconds of processor time for each."""
    before = time.process_time()
    rate = run(account)
    return rate, (time.process_time() - before) * 1000 / PEOPLE


def _bare(account: Account) -> float:
    api = Api(account, MemoryTokens())
    api.token()

    def call(number: int) -> None:
        api.send_template(f"o{number:027d}", "t" * 43, {"thing1": "元宵灯谜"}, client_id=f"{number:032d}")

    begun = time.monotonic()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(call, range(PEOPLE)))
    return PEOPLE / (time.monotonic() - begun)


def _pushed(account: Account) -> float:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/push.db")
        schema.upgrade(store)
        now = datetime.now(UTC)
        row = {"subscribed": True, "state_at": now, "first_seen_at": now, "last_seen_at": now}
        with store.writing() as connection:
            connection.execute(followers.insert(), [{"openid": f"o{n:027d}", **row} for n in range(PEOPLE)])
            plan = push.Plan("bench/push", "template", "all", CONTENT, timedelta(hours=1))
            push_id = push.owe(connection, plan, now, now)
        assert push_id is not None
        sender = sender_of(store, account, Path(folder))
        sender.plan()
        sender.audience.api.token()
        begun = time.monotonic()
        while not is_over(store, push_id):
            sender.send()
        took = time.monotonic() - begun
        sender.close()
        store.close()
    return PEOPLE / took


def sender_of(
    store: Store,
    account: Account,
    folder: Path,
    limits: SendLimits = SendLimits(sends_per_s=1000),  # noqa: B008
) -> Sender:
    shared = Shared(store)
    api = Api(account, shared)
    channels = open_channels(Gear(api, Shelf(store, lambda: datetime.now(UTC)), folder))
    audience = Audience(store, api, account, folder)
    return Sender(store, Pace(shared, limits), account, channels, audience, limits, lambda: datetime.now(UTC))


def is_over(store: Store, push_id: int) -> bool:
    """Whether nothing of the push is left to do."""
    with store.reading() as connection:
        found = push.get(connection, push_id)
    return found is not None and found.state == push.FINISHED


def _serve(port: "multiprocessing.connection.Connection") -> None:
    asyncio.run(_far(port))


async def _far(port: "multiprocessing.connection.Connection") -> None:
    """WeChat as far as this needs it: every call is good, after the latency."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
            ANSWER
        )
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                sizes = [line for line in asked.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                await reader.readexactly(int(sizes[0].split(b":")[1]) if sizes else 0)
                await asyncio.sleep(LATENCY_S)
                writer.write(head + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
