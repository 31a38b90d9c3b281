"""The production server's own code in this process and thread, a web worker and SQLite's writer: bytes of a request in, bytes
of an answer out."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import messages
from handlers import answer
from handlers.turn import House
from menus.in_force import InForce
from menus.reading import load
from models.base import Store
from models.clock import Clock
from models.recording import Writer, listen
from models.schema import known
from web.server.protocol import HttpProtocol
from web.server.web_process import WebProcess
from web.webhook import Webhook
from wx.envelope import Envelope

GROUP = 32  # messages that share one transaction: half of 64 connections, for there are two processes


def no_pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """In place of the pages."""
    raise NotImplementedError("only the webhook is measured")


class Wire:
    """Stands in for the socket of one connection and keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


def webhook(store: Store, mode: str) -> Webhook:
    """The webhook over an empty database, for an account in this mode."""
    known().create_all(store.engine)
    envelope = Envelope(
        mode=mode,
        token=messages.TOKEN,
        app_id=messages.APP_ID,
        freshness_s=300,
        aes_key=messages.ENCODING_AES_KEY if mode == "safe" else "",
    )
    house = House(
        name="盘锦市总工会",
        live=True,
        has_menu=True,
        base_url="https://example.org",
        guides=InForce().open(load()).current,
    )
    return Webhook(envelope, store, Clock(), house, answer, messages.ORIGINAL_ID)


class Box:
    """One worker's inside: connections that get requests in groups, as 32 phones would send them."""

    def __init__(self, hook: Webhook, loop: asyncio.AbstractEventLoop) -> None:
        listener = listen()
        self.writer = Writer(listener, hook.store, hook, alone=True)
        self.process = WebProcess(no_pages, hook, loop, writer=listener.getsockname())
        self.wires = [Wire() for _ in range(GROUP)]
        self.connections = [HttpProtocol(self.process) for _ in range(GROUP)]
        for connection, wire in zip(self.connections, self.wires, strict=True):
            connection.connection_made(wire)

    async def exchange(self, requests: Sequence[bytes]) -> list[bytes]:
        """The answers to one group of requests, once all of them are stored. At most GROUP at a time."""
        for connection, request in zip(self.connections, requests, strict=False):
            connection.data_received(request)
        while not self.process.commits.idle:
            await asyncio.sleep(0)
            self.writer.turn(0)
        answers = [b"".join(wire.written) for wire in self.wires[: len(requests)]]
        for wire in self.wires:
            wire.written.clear()
        return answers

    async def close(self) -> None:
        """Gives the database's connections and the threads back."""
        await self.process.close()
        self.writer.close()


def groups(
    mode: str, count: int, first: int = 1_000_000, said: Sequence[str] = (messages.WORD,)
) -> list[list[bytes]]:
    """This many groups of signed requests, each message new, each sender a person of his own within the group."""
    numbers = range(first, first + count * GROUP)
    asked = [messages.http(sent) for sent in messages.texts(mode, numbers, said=said)]
    return [asked[start : start + GROUP] for start in range(0, len(asked), GROUP)]


@contextlib.contextmanager
def store_in(folder: Path) -> Iterator[Store]:
    """An empty SQLite database in this folder, closed in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("inside.sqlite*"):
        old.unlink()
    store = Store(f"sqlite:///{folder / 'inside.sqlite'}")
    try:
        yield store
    finally:
        store.close()


def inside(folder: Path, mode: str, work: Callable[[Box], Any]) -> Any:
    """What the coroutine function `work` gives, run on a box of its own under the production loop."""

    async def whole() -> Any:
        with store_in(folder) as store:
            box = Box(webhook(store, mode), asyncio.get_running_loop())
            try:
                return await work(box)
            finally:
                await box.close()

    return uvloop.run(whole())


def our_words(folder: Path) -> str:
    """What we answer to the measured word: the peers are given the same to say."""

    async def one(box: Box) -> str:
        (answer,) = await box.exchange(groups("plain", 1)[0][:1])
        return messages.opened(answer.partition(b"\r\n\r\n")[2]).words

    return str(inside(folder, "plain", one))
