"""Messages that share a transaction: whatever becomes of one of them, of its client or of the database, the others live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import Scratch
from server_cast import Line
from webhook_cast import NOON, Beside, Door, delivery, stored, text

from handlers import Turn, answer
from models.base import FileLock, Store
from models.interaction import Arrival
from models.recording import fsync, wal, writer
from models.recording.frames import frames, packed
from models.recording.rows import REPLY
from models.recording.statement import SEPARATOR
from web.server import commit_queue
from web.server.commit_queue import CommitQueue
from web.webhook import ANSWER_S
from wx.replies import Reply, Text


def test_an_answer_that_cannot_be_handed_over_is_one_clients_loss(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(room: Room) -> None:
        def gone(xml: str | None) -> None:
            raise RuntimeError(xml)

        told = [room.says(text("入会", 1))]
        room.group.submit(room.arrival(text("入会", 2)), gone)
        told.append(room.says(text("入会", 3)))

        assert all([await each for each in told])
        assert await room.says(text("入会", 4))

    with_a_room(sqlite_store, scene)
    assert {row["msg_id"] for row in stored(sqlite_store)} == {"1", "2", "3", "4"}
    assert "could not be handed over" in caplog.text
    assert "CDATA" not in caplog.text


def test_a_group_whose_task_is_cancelled_tells_those_who_wait_and_begins_anew(sqlite_store: Store) -> None:
    async def scene(room: Room) -> None:
        with lock_of(sqlite_store).held():
            told = [room.says(text("入会", number)) for number in range(3)]
            await asyncio.sleep(0.05)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            assert [await each for each in told] == [None] * 3
            assert room.group.idle
        assert await room.says(text("入会", 3))
        assert all([await room.says(text("入会", number)) for number in range(3)])  # WeChat brings them again

    with_a_room(sqlite_store, scene)
    assert sorted(row["msg_id"] for row in stored(sqlite_store)) == ["0", "1", "2", "3"]


def test_a_group_that_is_stopped_stores_what_it_has_and_refuses_what_comes_later(sqlite_store: Store) -> None:
    async def scene(room: Room) -> None:
        told = room.says(text("入会", 1))
        await room.group.stop()

        assert await told
        assert await room.says(text("入会", 2)) is None
        assert room.group.idle

    with_a_room(sqlite_store, scene)
    assert [row["msg_id"] for row in stored(sqlite_store)] == ["1"]


def test_a_group_that_is_stopped_while_it_cannot_store_says_so_at_once(sqlite_store: Store) -> None:
    async def scene(room: Room) -> None:
        with lock_of(sqlite_store).held():
            told = room.says(text("入会", 1))
            begun = time.monotonic()
            await room.group.stop()

            assert await told is None
            assert time.monotonic() - begun < 3
            assert room.group.idle

    with_a_room(sqlite_store, scene)


def test_those_for_whom_there_is_no_room_are_told_at_once(sqlite_store: Store) -> None:
    async def scene(room: Room) -> None:
        with lock_of(sqlite_store).held():
            arrival = room.arrival(text("入会", 1))
            while len(room.group._waiting) < commit_queue.MOST:
                room.group.submit(arrival, lambda xml: None)
            begun = time.monotonic()
            assert await room.says(text("入会", 2)) is None
            assert time.monotonic() - begun < 1
        await room.group.stop()

    with_a_room(sqlite_store, scene)


def test_those_whose_time_is_up_are_not_kept(sqlite_store: Store) -> None:
    async def scene(room: Room) -> None:
        with lock_of(sqlite_store).held():
            told = [room.says(text("入会", number)) for number in range(300)]
            assert [await each for each in told] == [None] * 300
            assert room.group._waiting == []
        assert await room.says(text("入会", 300))

    with_a_room(sqlite_store, scene, answer_s=0.3)


def test_no_answer_leaves_before_its_message_is_on_the_disk(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced, real = threading.Event(), os.fdatasync

    def waits(fd: int) -> None:
        forced.wait(5)
        real(fd)

    async def scene(room: Room) -> None:
        monkeypatch.setattr(os, "fdatasync", waits)
        told = [room.says(text("入会", number)) for number in range(3)]
        await asyncio.sleep(0.3)
        early = [each.done() for each in told]
        forced.set()

        assert early == [False] * 3
        assert all([await each for each in told])

    with_a_room(sqlite_store, scene)
    assert len(stored(sqlite_store)) == 3


def test_a_disk_that_fails_answers_nobody_until_it_is_well(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(fd: int) -> None:
        raise OSError(5, "Input/output error")

    async def scene(room: Room) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(os, "fdatasync", fails)
            assert await room.says(text("入会", 1)) is None
        assert await room.says(text("入会", 1))

    with_a_room(sqlite_store, scene, answer_s=0.8)
    assert [row["msg_id"] for row in stored(sqlite_store)] == ["1"]
    assert "fsync of the WAL failed" in caplog.text


def begun(store: Store) -> int:
    """How often SQLite's log began anew; it stands in its header (SQLite's file format, 4.1)."""
    with Path(f"{store.url.database}-wal").open("rb") as log:
        return int.from_bytes(log.read(32)[12:16])


def test_the_log_of_the_writer_begins_anew_where_there_is_little_else_to_do(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "CALM_WAL", 300)

    async def scene(room: Room) -> None:
        for number in range(100):
            assert await room.says(text("入会", number))
        before, number, until = begun(sqlite_store), 100, time.monotonic() + 30
        while begun(sqlite_store) == before:
            assert time.monotonic() < until
            await asyncio.sleep(1)
            assert await room.says(text("入会", number))
            number += 1

    with_a_room(sqlite_store, scene)
    assert len(stored(sqlite_store)) > 100


@pytest.mark.parametrize("why", ["it is long", "the disk is nearly full"])
def test_the_log_takes_a_burst_but_no_more_than_there_is_room_for(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(wal, "CALM", 0)  # it is never calm
    monkeypatch.setattr(wal, "LOOK_S", 0.05)
    monkeypatch.setattr(writer, "TICK_S", 0.05)
    carried, checkpoint = [], wal.WalConnection._checkpoint

    def counted(connection: wal.WalConnection) -> tuple[int, int]:
        carried.append(connection)
        return checkpoint(connection)

    monkeypatch.setattr(wal.WalConnection, "_checkpoint", counted)

    async def speak(room: Room, first: int) -> None:
        for number in range(first, first + 50):
            assert await room.says(text("入会", number))

    async def scene(room: Room) -> None:
        await speak(room, 0)
        before = begun(sqlite_store)
        await asyncio.sleep(0.5)
        await speak(room, 50)
        assert begun(sqlite_store) == before
        if why == "it is long":
            monkeypatch.setattr(wal, "LONG_WAL", 50_000)
        else:
            monkeypatch.setattr(wal, "FREE_SHARE", 1e-9)
        until = time.monotonic() + 30
        while not carried:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert len(carried) <= 3  # and not again and again while nobody writes
        await speak(room, 100)
        assert begun(sqlite_store) > before

    with_a_room(sqlite_store, scene)
    assert len(stored(sqlite_store)) == 150


def test_the_writer_listens_to_nobody_elses_processes(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(room: Room) -> None:
        monkeypatch.setattr(os, "getuid", lambda: 4711)
        assert await room.says(text("入会", 1)) is None

    with_a_room(sqlite_store, scene, answer_s=0.5)
    assert stored(sqlite_store) == []


def test_a_web_process_that_is_slow_to_listen_hears_every_word(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEND_BUFFER", 4096)

    async def scene(room: Room) -> None:
        with await room.retries(60) as slow:
            await asyncio.sleep(0.5)
            (told,) = await asyncio.to_thread(heard, slow)

        assert sorted(told) == list(range(60))
        assert all("CDATA" in words for words in told.values())

    with_a_room(sqlite_store, scene)


def test_a_web_process_that_listens_no_more_is_hung_up_on_and_the_others_are_answered(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEND_BUFFER", 4096)
    monkeypatch.setattr(fsync, "BUSY_S", 0.3)

    async def scene(room: Room) -> None:
        with await room.retries(60) as deaf:
            await asyncio.sleep(0.8)
            assert await room.says(text("入会", 100))
            assert await asyncio.to_thread(heard, deaf) == []  # the line ends in the middle of a frame

    with_a_room(sqlite_store, scene)


def test_an_answer_of_the_writer_that_goes_wrong_is_not_the_end_of_all_answers(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, failed = fsync.packed, []

    def fails_once(content: Any) -> bytes:
        if not failed:
            failed.append(content)
            raise ValueError("unmarshallable object")
        return real(content)

    async def scene(room: Room) -> None:
        monkeypatch.setattr(fsync, "packed", fails_once)
        assert await room.says(text("入会", 1))  # asked again on a new line
        assert await room.says(text("入会", 2))

    with_a_room(sqlite_store, scene)
    assert sorted(row["msg_id"] for row in stored(sqlite_store)) == ["1", "2"]
    assert "could not be sent" in caplog.text


def test_what_cannot_travel_to_the_writer_takes_nobody_along(
    sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    topics: Any = {"2": object()}

    def odd(turn: Turn) -> Reply:
        turn.topic = topics.get(turn.message.msg_id, "word")
        return Text("好")

    async def scene(room: Room) -> None:
        told = [room.says(text("入会", number)) for number in (1, 2, 3)]
        assert [bool(await asyncio.wait_for(each, 5)) for each in told] == [True, False, True]

    with_a_room(sqlite_store, scene, odd)
    assert {row["msg_id"] for row in stored(sqlite_store)} == {"1", "3"}
    assert "a fault of ours" in caplog.text


def test_a_value_that_cannot_travel_in_one_statement_takes_the_careful_way(
    store_of_kind: Callable[[str], Store],
) -> None:
    store = store_of_kind("postgresql")

    def says_a_mark(turn: Turn) -> Reply:
        turn.topic = f"a{SEPARATOR}b"
        return Text("好")

    async def scene(room: Room) -> None:
        assert all([await each for each in [room.says(text("入会", number)) for number in range(3)]])

    with_a_room(store, scene, says_a_mark)
    assert [row["topic"] for row in stored(store)] == [f"a{SEPARATOR}b"] * 3


def test_postgresql_that_falls_silent_in_a_transaction_is_given_up_in_time_and_found_again(
    scratch: Scratch, tmp_path: Path
) -> None:
    far = sa.make_url(scratch.empty("postgresql", tmp_path))
    line = Line(far.port or 5432)
    silent: list[bool] = []

    def falls_silent(turn: Turn) -> Reply | None:
        if turn.message.msg_id == "2" and not silent:
            silent.append(True)
            line.mute()
        return answer(turn)

    async def scene(room: Room) -> None:
        assert await room.says(text("入会", 1))
        begun = time.monotonic()
        told = [room.says(text("入会", 2)), room.says(text("入会", 3))]
        await asyncio.sleep(1)
        told.append(room.says(text("入会", 4)))

        assert [await each for each in told[:2]] == [None, None]
        assert 4 < time.monotonic() - begun < 4.6
        line.restore()
        begun = time.monotonic()
        assert await room.says(text("入会", 5))
        assert time.monotonic() - begun < 3
        await told[2]

    try:
        near = Store(far.set(port=line.port).render_as_string(hide_password=False))
        with contextlib.closing(near):
            with_a_room(near, scene, falls_silent, ANSWER_S - 0.25)
    finally:
        line.close()
    with contextlib.closing(Store(far.render_as_string(hide_password=False))) as store:
        assert {"1", "5"} <= {row["msg_id"] for row in stored(store)}


@pytest.fixture
def store_of_kind(scratch: Scratch, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    with contextlib.ExitStack() as stack:
        yield lambda kind: stack.enter_context(contextlib.closing(Store(scratch.empty(kind, tmp_path))))


# --- the room ----------------------------------------------------------------------------------------------------


class Room:
    """A group on an event loop, over a store, with the real webhook behind it."""

    def __init__(self, door: Door, beside: Beside, answer_s: float) -> None:
        self.door = door
        self.address = beside.address
        self.group = CommitQueue(beside.committer, door.webhook, answer_s)

    def arrival(self, xml: bytes) -> Arrival:
        _, arrived = self.door.webhook.arrive(*delivery("plain", xml, NOON))
        assert isinstance(arrived, Arrival)
        return arrived

    def says(self, xml: bytes) -> Any:
        """A future of the answer's XML; None for 503."""
        told: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.group.submit(self.arrival(xml), told.set_result)
        return told

    async def retries(self, count: int) -> socket.socket:
        """What was told once, brought again by another web process; its line, on which long answers come."""
        messages = [text("入会", number) for number in range(count)]
        assert all([await self.says(xml) for xml in messages])
        rows = [self.door.webhook.ahead(self.arrival(xml)) for xml in messages]
        own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        own.connect(self.address)
        again = [((*row[:REPLY], "", *row[REPLY + 1 :]), person) for row, person in filter(None, rows)]
        own.sendall(packed((1, time.monotonic() + 4, again)))
        return own


def heard(line: socket.socket) -> list[dict[int, str]]:
    """What the writer says in the first whole frame, nothing when it hangs up before. Raises TimeoutError when it does neither."""
    line.settimeout(20)
    buffer, told = bytearray(), []
    while not told and (said := line.recv(1024)):
        buffer += said
        told += [replies for _, _, replies in frames(buffer)]
    return told


def with_a_room(
    store: Store,
    scene: Callable[[Room], Awaitable[None]],
    handler: Callable[[Turn], Reply | None] = answer,
    answer_s: float = ANSWER_S,
) -> None:
    """Plays the scene, with the clock that the server has, and asserts that the group comes to rest."""

    async def play() -> None:
        door = Door(store, handler=handler)
        beside = Beside(door.webhook)
        room = Room(door, beside, answer_s)
        try:
            with ticking(room.group):
                await scene(room)
                until = time.monotonic() + 5
                while not room.group.idle:
                    assert time.monotonic() < until
                    await asyncio.sleep(0.01)
        finally:
            await beside.close()

    asyncio.run(play())


@contextlib.contextmanager
def ticking(group: CommitQueue) -> Iterator[None]:
    """What the server does every quarter second."""
    loop = asyncio.get_running_loop()

    def tick() -> None:
        nonlocal handle
        group.expire()
        handle = loop.call_later(0.25, tick)

    handle = loop.call_later(0.25, tick)
    yield
    handle.cancel()


def lock_of(store: Store) -> FileLock:
    assert store.lock is not None
    return store.lock
