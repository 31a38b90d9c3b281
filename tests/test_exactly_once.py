"""The whole promise at once: two real server processes, every message brought three times at the same moment."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import free_port
from webhook_cast import NOON, SECOND, count, delivery, effects, read_answer, text

from models.base import Store
from models.follower import followers
from models.interaction import interactions

MESSAGES = 1000
PEOPLE = 100
LINES = 48
SITE = Path(__file__).parent / "counting_site.py"


class TestAThousandMessagesThreeTimes:
    def test_are_a_thousand_rows_and_effects_and_three_equal_answers_each(
        self, store: Store, address: tuple[str, int]
    ) -> None:
        bodies = [
            text(
                f"第{number}句😀",
                number,
                openid=f"oPerson{number % PEOPLE:03}",
                at=NOON + number % 7 * SECOND,
            )
            for number in range(MESSAGES)
        ]
        begun = time.monotonic()
        heard = asyncio.run(_bring(address, [body for body in bodies for _ in range(3)]))
        took = time.monotonic() - begun

        assert Counter(status for status, _ in heard) == {200: 3 * MESSAGES}
        answers = [read_answer(status, body).content for status, body in heard]
        assert [answers[at : at + 3] for at in range(0, 3 * MESSAGES, 3)] == [
            [f"收到：第{number}句😀"] * 3 for number in range(MESSAGES)
        ]
        xmls = [read_answer(status, body).xml for status, body in heard]
        assert all(len({*xmls[at : at + 3]}) == 1 for at in range(0, 3 * MESSAGES, 3))
        assert (count(store), count(store, effects), count(store, followers)) == (MESSAGES, MESSAGES, PEOPLE)
        with store.reading() as connection:
            keys = set(connection.execute(sa.select(interactions.c.dedupe_key)).scalars())
            assert set(connection.execute(sa.select(effects.c.key)).scalars()) == keys
            processes = connection.execute(sa.select(effects.c.process).distinct()).all()
        by = 1 if store.dialect == "sqlite" else 2  # there the writer acts for both
        assert (len(keys), len(processes)) == (MESSAGES, by)
        assert took < 20


async def _bring(address: tuple[str, int], bodies: list[bytes]) -> list[tuple[int, bytes]]:
    """Status and body of each, over many kept connections; neighbours are on their way at the same time."""
    waiting = list(enumerate(bodies))[::-1]
    heard: list[tuple[int, bytes]] = [(0, b"")] * len(bodies)

    async def line() -> None:
        reader, writer = await asyncio.open_connection(*address)
        while waiting:
            number, xml = waiting.pop()
            query, body = delivery("safe", xml, NOON)
            head = f"POST /wx?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            heard[number] = await asyncio.wait_for(_answer(reader), 10)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(line() for _ in range(LINES)))
    return heard


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = next(int(row.split(":")[1]) for row in head.split("\r\n") if row.startswith("content-length"))
    return int(head.split()[1]), await reader.readexactly(size)


@pytest.fixture
def address(store: Store) -> Iterator[tuple[str, int]]:
    """Where the counting site listens over that store."""
    effects.metadata.create_all(store.engine)
    port = free_port()
    words = [
        sys.executable,
        str(SITE),
        store.url.render_as_string(hide_password=False),
        str(port),
        NOON.isoformat(),
    ]
    with subprocess.Popen(words) as process:
        try:
            yield asyncio.run(_awake(port))
        finally:
            process.terminate()
            process.wait(15)
    effects.metadata.drop_all(store.engine)


async def _awake(port: int) -> tuple[str, int]:
    until = time.monotonic() + 15
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return "127.0.0.1", port
