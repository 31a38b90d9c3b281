"""What large bodies and long answers cost the webhook: its latency without and beside them, in alternated pairs.

Beside: two clients carry a photo of 20 MB, a list of 50 MB and a table of 200 MB, one after the other and over again, each as
fast as its line allows (LINE_MB_S).
"""

import contextlib
import http.client
import json
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import servers
from benchmarks.contest import Stock
from benchmarks.lane_site import MB
from benchmarks.load import Outcome, load

ROOT = Path(__file__).parent.parent
CARRIERS = 2
LINE_MB_S = 25.0  # 200 Mbit/s: an office's line, and more than a phone's
PIECE = 64 * 1024
WARM_UP_S = 1.0
START_S = 20
ALLOWED = 1.25  # of the 99th percentile alone


def _paced(size: int) -> Iterator[bytes]:
    """So many bytes at the speed of the line."""
    begun, piece = time.monotonic(), bytes(PIECE)
    for at in range(0, size, PIECE):
        yield piece[: size - at]
        _wait(begun, at)


def _wait(begun: float, done: int) -> None:
    time.sleep(max(0.0, begun + done / (LINE_MB_S * MB) - time.monotonic()))


def _post(port: int, path: str, kind: str, size: int, before: bytes = b"", after: bytes = b"") -> None:
    whole = str(len(before) + size + len(after))
    body = (piece for part in ([before], _paced(size), [after]) for piece in part)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, body, {"Content-Type": kind, "Content-Length": whole})
        if connection.getresponse().status != 200:
            raise RuntimeError(f"{path} was refused")


def _export(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/console/export/year")
        answer, begun, done = connection.getresponse(), time.monotonic(), 0
        while piece := answer.read(PIECE):
            done += len(piece)
            _wait(begun, done)
    if done != 200 * MB:
        raise RuntimeError("the table is not whole")


def _carry(port: int, first: int, carried: Any) -> None:
    """All three, over and over."""
    head = b'--m\r\nContent-Disposition: form-data; name="photo"; filename="p.jpg"\r\n\r\n'
    deeds = [
        lambda: _post(port, "/h5/photo", "multipart/form-data; boundary=m", 20 * MB, head, b"\r\n--m--\r\n"),
        lambda: _post(port, "/console/import", "text/csv", 50 * MB),
        lambda: _export(port),
    ]
    while True:
        deeds[first % 3]()
        first += 1
        with carried.get_lock():
            carried.value += 1


@contextlib.contextmanager
def _beside(port: int) -> Iterator[Any]:
    """The carriers, and how much they have carried."""
    context = multiprocessing.get_context("fork")
    carried = context.Value("i", 0)
    carriers = [
        context.Process(target=_carry, args=(port, 2 * number, carried), daemon=True)
        for number in range(CARRIERS)
    ]
    for each in carriers:
        each.start()
    try:
        yield carried
        if not all(each.is_alive() for each in carriers):
            raise RuntimeError("a carrier has failed")
    finally:
        for each in carriers:
            each.terminate()
            each.join()


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[float]]:
    """The memory (PSS, in MB) of the server and all its processes, from time to time."""
    seen, over = [servers.pss_mb(pid)], threading.Event()

    def watch() -> None:
        while not over.wait(0.25):
            seen.append(servers.pss_mb(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def _serving(folder: Path, mode: str) -> Iterator[servers.Server]:
    for old in folder.glob("lane.sqlite*"):
        old.unlink()
    port = servers.free_port()
    words = [sys.executable, "-m", "benchmarks.lane_site", mode, f"sqlite:///{folder / 'lane.sqlite'}"]
    with servers.running([*words, str(port), "2", "{}"], port, folder / "server.log", ROOT, {}) as server:
        until = time.monotonic() + START_S
        while not _answers(port):
            if time.monotonic() > until:
                raise RuntimeError("the server does not start")
            time.sleep(0.05)
        yield server


def _answers(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as one,
    ):
        one.request("GET", "/h5/small")
        return one.getresponse().status == 200
    return False


def _run(server: servers.Server, stock: Stock, mode: str, connections: int, seconds: float) -> Outcome:
    stock.round(seconds + WARM_UP_S)
    found = load(stock.path(mode), server.port, connections, WARM_UP_S, seconds)
    if found.faults:
        raise RuntimeError(f"messages got no right answer: {json.dumps(found.faults)}")
    return found


def show(folder: Path, mode: str, pairs: int, connections: int, seconds: float) -> int:
    """Prints a row for each pair and the median ratio of the 99th percentiles; 1 when that is more than we allow."""
    folder.mkdir(parents=True, exist_ok=True)
    stock, ratios = Stock(folder), []
    print(
        f"/wx, {mode}, {connections} connections, {seconds:g} s a run; beside: {CARRIERS} lines of {LINE_MB_S:g} MB/s\n"
    )
    print("| pair | alone p99 | beside p99 | ratio | alone /s | beside /s | carried | server's memory MB |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    with _serving(folder, mode) as server, _watched(server.process.pid) as memory:
        _run(server, stock, mode, connections, seconds)
        flat = max(memory)
        for pair in range(pairs):
            found: dict[bool, Outcome] = {}
            for beside in (False, True) if pair % 2 else (True, False):
                if beside:
                    with _beside(server.port) as carried:
                        found[beside] = _run(server, stock, mode, connections, seconds)
                        count = carried.value
                else:
                    found[beside] = _run(server, stock, mode, connections, seconds)
            alone, with_them = found[False], found[True]
            ratios.append(with_them.p99_ms / alone.p99_ms)
            print(
                f"| {pair + 1} | {alone.p99_ms:.2f} ms | {with_them.p99_ms:.2f} ms | {ratios[-1]:.2f} "
                f"| {alone.rate:.0f} | {with_them.rate:.0f} | {count} | {memory[-1]:.0f} |",
                flush=True,
            )
    print(f"\nmedian ratio {statistics.median(ratios):.2f}; memory at most {max(memory) - flat:+.0f} MB")
    stock.clear()
    return int(statistics.median(ratios) > ALLOWED)
