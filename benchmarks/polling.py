"""The poll's page and ballots, over the production server: the page beside the server's constant one; ten thousand people who open it
and vote; ballots by chat beside words of the directory. Ratios in one run, on SQLite and, for ballots by chat, PostgreSQL."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import statistics
import struct
import sys
import time
import urllib.parse
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks import messages, servers
from benchmarks.contestants import Stage, config
from benchmarks.databases import database
from benchmarks.load import Outcome, load
from models import ballot, edition, schema, session
from models.base import Store
from models.follower import followers

ROOT = Path(__file__).parent.parent
PATH = "/h5/c/poll"
START_S = 60
WARM_UP_S = 1.0
CANDIDATES = 30
PAGE_RATIO, PAGE_P99_MS = 0.3, 150.0
CROWD_S, CROWD_P99_MS = 60.0, 1000.0
CHAT_RATIO = 0.5
BESIDE_RATIO = 0.8


def show(folder: Path, people: int, rounds: int, seconds: float, postgres: str) -> int:
    """Prints the figures beside what is asked for; 1 where one is missed."""
    folder.mkdir(parents=True, exist_ok=True)
    missed = 0
    with (
        database("sqlite", folder, "poll", postgres) as url,
        serving(folder, url, people, _campaign(), PATH) as (server, store),
    ):
        missed += _page(folder, server, rounds, seconds, people)
        missed += _crowd(folder, server, store, people)
    for kind in ("sqlite", "postgresql"):
        with database(kind, folder, "bench_poll", postgres) as url:
            missed += _chat(folder, url, kind, people)
    return int(missed > 0)


# --- the page ----------------------------------------------------------------------------------------------------


def _page(folder: Path, server: servers.Server, rounds: int, seconds: float, people: int) -> int:
    """The page of a poll with 30 candidates, signed in, beside the same server's constant page."""
    constant, page = folder / "constant", folder / "page"
    _write(constant, (_get("/healthz", "") for _ in range(400_000)))
    _write(page, (_get(PATH, secret(number % people)) for number in range(60_000)))
    size, wire = _weight(server.port)
    ratios, worst = [], 0.0
    for _ in range(rounds):
        fixed = _run(constant, server.port, seconds, "ok")
        shown = _run(page, server.port, seconds, "<!doctype html>")
        ratios.append(shown.rate / fixed.rate)
        worst = max(worst, shown.p99_ms)
        print(f"page {shown.rate:.0f}/s, p99 {shown.p99_ms:.0f} ms; constant {fixed.rate:.0f}/s", flush=True)
    ratio = statistics.median(ratios)
    print(
        f"the page's rate is {ratio:.2f} × the constant page's (asked: {PAGE_RATIO}); p99 {worst:.0f} ms (asked: {PAGE_P99_MS:.0f})"
    )
    print(
        f"the page is {size / 1000:.1f} kB without pictures, {wire / 1000:.1f} kB compressed (asked: 100 and 30)"
    )
    return int(ratio < PAGE_RATIO or worst > PAGE_P99_MS or size > 100_000 or wire > 30_000)


def _weight(port: int) -> tuple[int, int]:
    """Bytes of the page, its style and its script, as they are and compressed as a proxy does it."""
    size = wire = 0
    for path in (PATH, "/static/h5.css", "/static/poll.js"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("GET", path, headers={"Cookie": f"visit={secret(0)}"})
            body = connection.getresponse().read()
        size += len(body)
        wire += len(zlib.compress(body, 6))
    return size, wire


# --- ten thousand people -----------------------------------------------------------------------------------------


def _crowd(folder: Path, server: servers.Server, store: Store, people: int) -> int:
    """Everybody opens the page and votes: how long, and whether every ballot is there once."""
    file = folder / "crowd"
    _write(file, (one for number in range(people) for one in (_get(PATH, secret(number)), _vote(number))))
    begun = time.monotonic()
    found = load(file, server.port, 256, 0, CROWD_S * 3, "")
    took = time.monotonic() - begun
    with store.reading() as connection:
        here = edition.latest(connection, "poll")
        assert here is not None
        cast = connection.execute(sa.select(sa.func.count()).select_from(ballot.ballots)).scalar_one()
        persons = connection.execute(
            sa.select(sa.func.count(sa.distinct(ballot.ballots.c.openid)))
        ).scalar_one()
    print(
        f"{people} people opened the page and voted in {took:.0f} s (asked: {CROWD_S:.0f}); p99 {found.p99_ms:.0f} ms"
        f" (asked: {CROWD_P99_MS:.0f}); {cast} ballots of {persons} persons; {found.faults} faults"
    )
    exact = cast == persons == people and not found.faults
    return int(not exact or took > CROWD_S or found.p99_ms > CROWD_P99_MS)


def _vote(number: int) -> bytes:
    mine = secret(number)
    token = token_of(number)
    choice = str(1 + number % CANDIDATES)
    body = urllib.parse.urlencode({"csrf": token, "once": f"once{number}", "choices": choice})
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: visit={mine}\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()


# --- by chat -----------------------------------------------------------------------------------------------------


def _chat(folder: Path, url: str, kind: str, people: int) -> int:
    """Ballots by chat, all from different people, beside a word of the directory from different people; and such words while the
    others stand in a form beside words of no forms at all."""
    with serving(folder, url, people, _campaign(), PATH) as (server, store):
        with store.writing() as connection:
            now = datetime.now(UTC)
            here = edition.latest(connection, "poll")
            assert here is not None
            minute = int(now.timestamp() // 60)
            rows = [
                {"openid": messages.openid(number), "subscribed": True, "first_seen_at": now, "last_seen_at": now,
                 "dialogue": ""}
                for number in range(4 * people)
            ]  # fmt: skip
            connection.execute(followers.insert(), rows)
        file = folder / "said"
        _rate(file, server, kind, range(3 * people, 4 * people), messages.WORD)  # until all is laid out
        rates = {"words alone": _rate(file, server, kind, range(2 * people, 3 * people), messages.WORD)}
        with store.writing() as connection:
            voters = followers.c.openid.in_([messages.openid(number) for number in range(people)])
            stands = followers.update().where(voters).values(dialogue=f"form|home|{here.id}|{minute}")
            connection.execute(stands)
        rates["words"] = _rate(file, server, kind, range(people, 2 * people), messages.WORD)
        rates["ballots"] = _rate(file, server, kind, range(people), "2")
        with store.reading() as connection:
            cast = connection.execute(sa.select(sa.func.count()).select_from(ballot.ballots)).scalar_one()
    ratio, beside = rates["ballots"] / rates["words"], rates["words"] / rates["words alone"]
    print(
        f"{kind}: {rates['ballots']:.0f} ballots/s by chat, {rates['words']:.0f} words/s: {ratio:.2f} × (asked: {CHAT_RATIO});"
        f" {cast} of {people} ballots are there; words beside {people} people in a form {beside:.2f} × (asked: {BESIDE_RATIO})"
    )
    return int(ratio < CHAT_RATIO or beside < BESIDE_RATIO or cast != people)


def _rate(file: Path, server: servers.Server, kind: str, people: range, words: str) -> float:
    """Messages a second, when each of these people says this."""
    now = int(time.time())
    messages.write(file, (said(number, words, now) for number in people))
    found = load(file, server.port, 64, 0, 120)
    if found.faults:
        print(f"{kind}: {found.faults} times “{words}” got no right answer")
    return found.answered / found.seconds if found.seconds else 0.0


def said(number: int, words: str, now: int) -> messages.Sent:
    """These words of that person, as WeChat posts them."""
    who = messages.openid(number)
    xml = messages.text(number, who, now, words)
    return messages.signed(xml, who, "safe", now, number)


# --- the server --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(
    folder: Path, url: str, people: int, campaigns: str, address: str
) -> Iterator[tuple[servers.Server, Store]]:
    """The production server with campaigns that are on, one of them at this address, and everybody signed in."""
    port = servers.free_port()
    path = folder / "bench.toml"
    path.write_text(config(Stage("safe", port, url, folder, "")) + campaigns, encoding="utf-8")
    path.chmod(0o600)
    store = Store(url)
    schema.upgrade(store)
    with store.writing() as connection:
        now = datetime.now(UTC)
        rows = [
            {"secret_hash": session.digest(secret(number)), "openid": messages.openid(number), "created_at": now,
             "expires_at": now + timedelta(days=1)}
            for number in range(people)
        ]  # fmt: skip
        connection.execute(session.sessions.insert(), rows)
    words = [sys.executable, "app.py", "serve", "--config", str(path)]
    with servers.running(words, port, folder / "server.log", ROOT, dict(os.environ)) as server:
        until = time.monotonic() + START_S
        while not _answers(port, address):
            if time.monotonic() > until:
                raise RuntimeError("the server does not start; see server.log")
            time.sleep(0.2)
        yield server, store
    store.close()


def _answers(port: int, address: str) -> bool:
    with (
        contextlib.suppress(OSError),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as one,
    ):
        one.request("GET", address)  # which also opens the edition
        return one.getresponse().status == 200
    return False


def _campaign() -> str:
    names = ", ".join(
        f'{{ number = {number}, name = "候选{number}", unit = "第 {number} 车间", words = "三十年如一日，带出四十多个徒弟" }}'
        for number in range(1, CANDIDATES + 1)
    )
    day = datetime.now(UTC).date()
    return (
        f'\n[[campaigns]]\nid = "poll"\ntitle = "评选"\nkind = "poll"\nfrom = "{day - timedelta(2):%Y-%m-%d}"\n'
        f'to = "{day + timedelta(9):%Y-%m-%d}"\n\n[campaigns.poll]\nphotos = false\ncandidates = [{names}]\n'
    )


def secret(number: int) -> str:
    """The cookie of this person's browser."""
    return f"secret-of-{number:06d}"


def token_of(number: int) -> str:
    """What this person's forms carry."""
    return hashlib.sha256(f"form {secret(number)}".encode()).hexdigest()[:32]


def _get(path: str, secret: str) -> bytes:
    cookie = f"Cookie: visit={secret}\r\n" if secret else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{cookie}\r\n".encode()


def _write(path: Path, requests: Iterator[bytes]) -> None:
    with path.open("wb", buffering=1 << 20) as file:
        for one in requests:
            file.write(struct.pack("=I", len(one)) + one)


def _run(file: Path, port: int, seconds: float, begins: str) -> Outcome:
    found = load(file, port, 64, WARM_UP_S, seconds, begins)
    if found.faults:
        raise RuntimeError(f"{found.faults} requests got no right answer")
    return found
