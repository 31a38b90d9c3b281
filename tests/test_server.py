"""The production server as everybody meets it: real processes, real sockets, and whatever clients and machines do to them."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from conftest import Scratch, free_port, left_out
from server_cast import (
    ROOT,
    Answer,
    Client,
    Ended,
    Line,
    Started,
    Stream,
    end,
    flowing,
    get,
    message,
    percentile,
    post,
    request,
    serving,
    start,
    stored,
    streams,
    wait_for,
)

from models.base import FileLock
from web.server.limits import TICK_S
from web.webhook import ANSWER_S

pytestmark = pytest.mark.alone

SHORT = {"receive_s": 1.0, "idle_s": 2.5, "send_s": 1.5, "linger_s": 0.5}
ECHO = request("GET", "/test/echo?mark=1")
KINDS = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
HOST = b"Host: union.example\r\n"
CHUNKED = b"POST /test/echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /test/echo?smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


def posting(
    *headers: bytes, body: bytes = b"", target: bytes = b"/test/echo", version: bytes = b"1.1"
) -> bytes:
    """A POST whose headers are exactly these."""
    return (
        b"POST "
        + target
        + b" HTTP/"
        + version
        + b"\r\n"
        + HOST
        + b"".join(h + b"\r\n" for h in headers)
        + b"\r\n"
        + body
    )


def getting(*headers: bytes, line: bytes = b"GET / HTTP/1.1", host: bytes = HOST) -> bytes:
    return line + b"\r\n" + host + b"".join(h + b"\r\n" for h in headers) + b"\r\n"


NO_REQUESTS = {
    "two equal lengths": (posting(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400),
    "two different lengths": (posting(b"Content-Length: 3", b"Content-Length: 0", body=b"abc"), 400),
    "a length and chunks": (posting(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "chunks and a length": (posting(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"), 400),
    "a negative length": (posting(b"Content-Length: -1"), 400),
    "a length with a plus": (posting(b"Content-Length: +3", body=b"abc"), 400),
    "a list of lengths": (posting(b"Content-Length: 3, 3", body=b"abc"), 400),
    "a length in hex": (posting(b"Content-Length: 0x3", body=b"abc"), 400),
    "an empty length": (posting(b"Content-Length:"), 400),
    "a length of five thousand zeros": (posting(b"Content-Length: " + b"0" * 5000 + b"3", body=b"abc"), 400),
    "a length beyond counting": (posting(b"Content-Length: " + b"9" * 30), 400),
    "a length of 2^64 - 1": (posting(b"Content-Length: 18446744073709551615"), 413),
    "more than 64 kB for the webhook": (posting(b"Content-Length: 65537", target=b"/wx?a=1"), 413),
    "more than 1 MB for a page": (posting(b"Content-Length: 1048577"), 413),
    "more than 64 kB in chunks": (
        CHUNKED.replace(b"/test/echo", b"/wx?a=1") + b"\r\n" + b"10001\r\n" + b"x" * 0x10001 + b"\r\n0\r\n\r\n", 413
    ),
    "an unknown encoding": (posting(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 400),
    "no encoding": (posting(b"Transfer-Encoding: identity"), 400),
    "two encodings": (posting(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 400),
    "chunks not last": (posting(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400),
    "chunks twice": (posting(*[b"Transfer-Encoding: chunked"] * 2, body=b"0\r\n\r\n"), 400),
    "a space before the colon": (posting(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"), 400),
    "a tab in the encoding": (posting(b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n"), 400),
    "a folded header": (posting(b"X: 1", b" Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "chunks in HTTP/1.0": (posting(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", version=b"1.0"), 400),
    "a negative chunk": (CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk in 0x": (CHUNKED + b"\r\n0x3\r\nabc\r\n0\r\n\r\n", 400),
    "a chunk beyond counting": (CHUNKED + b"\r\n" + b"f" * 17 + b"\r\nabc", 400),
    "a chunk longer than it says": (CHUNKED + b"\r\n3\r\nabcdef\r\n0\r\n\r\n", 400),
    "chunks with bare line feeds": (CHUNKED + b"\r\n3\nabc\n0\n\n", 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "a bare carriage return": (getting(b"X: a\rb"), 400),
    "a NUL": (getting(b"X: a\x00b"), 400),
    "a space in a header's name": (getting(b"X Y: 1"), 400),
    "a header without a name": (getting(b": 1"), 400),
    "no host": (getting(host=b""), 400),
    "two hosts": (getting(b"Host: other.example"), 400),
    "HTTP/1.2": (getting(line=b"GET / HTTP/1.2"), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "a verb in small letters": (getting(line=b"get / HTTP/1.1"), 400),
    "an unknown verb": (getting(line=b"STEAL / HTTP/1.1"), 400),
    "a space in the path": (getting(line=b"GET /a b HTTP/1.1"), 400),
    "bytes in the path": (getting(line=b"GET /\xe4\xbd\xa0 HTTP/1.1"), 400),
    "a star for a path": (getting(line=b"OPTIONS * HTTP/1.1"), 400),
    "a tunnel": (getting(line=b"CONNECT example.org:443 HTTP/1.1"), 400),
    "another protocol": (getting(b"Upgrade: h2c", b"Connection: Upgrade"), 400),
    "another protocol and a body": (posting(b"Upgrade: x", b"Connection: Upgrade", b"Content-Length: 3", body=b"abc"), 400),
    "an unknown expectation": (posting(b"Expect: the-unexpected", b"Content-Length: 3", body=b"abc"), 417),
    "TLS": (bytes.fromhex("16030100c4010000c00303") + b"\x00" * 190, 400),
    "another program's protocol": (b"*1\r\n$4\r\nPING\r\n", 400),
    "noise": (bytes(range(255, 0, -1)) * 4, 400),
    "a long path": (getting(line=b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), 431),
    "a long header": (getting(b"X: " + b"a" * 20_000), 431),
    "two thousand headers": (getting(*[b"X%d: 1" % number for number in range(2500)]), 431),
    "a header that never ends": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 400_000, 431),
    "trailers without end": (CHUNKED + b"\r\n0\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(2500)), 431),
}  # fmt: skip
LATE_HEAD = {"bare line feeds", "noise", "another program's protocol"}


class TestWhatIsNoRequest:
    @pytest.mark.parametrize("name", NO_REQUESTS)
    def test_gets_a_plain_refusal_and_nothing_after_it_is_believed(self, server: Started, name: str) -> None:
        raw, status = NO_REQUESTS[name]
        with Client(server.port, 5) as client:
            answer = client.ask(raw + SMUGGLED, "POST")

            assert (answer.status, answer.body, answer.closes) == (status, b"", True)
            assert client.ended(3)

    @pytest.mark.parametrize(
        "name", ["a length and chunks", "TLS", "a long header", "more than 1 MB for a page"]
    )
    def test_is_refused_after_the_answers_that_were_due_before_it(self, server: Started, name: str) -> None:
        raw, status = NO_REQUESTS[name]
        with Client(server.port, 5) as client:
            client.send(request("GET", "/test/slow?s=0.2") + ECHO + raw + SMUGGLED)

            assert client.answer().body == b"slow"
            assert echoed(client.answer())["query"] == "mark=1"
            assert client.answer().status == status
            assert client.ended(3)

    def test_is_refused_wherever_it_is_cut_in_two(self, server: Started) -> None:
        raw = posting(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n") + SMUGGLED
        for cut in range(1, 100, 7):
            with Client(server.port, 5) as client:
                client.send(raw[:cut])
                time.sleep(0.005)
                with contextlib.suppress(ConnectionError):
                    client.send(raw[cut:])

                assert client.answer().status == 400
                assert client.ended(3)

    def test_is_told_so_though_it_goes_on_and_on(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            client.send(posting(b"Content-Length: 5000000"))
            for _ in range(50):
                client.send(b"x" * 100_000)

            assert client.answer("POST").status == 413


class TestAnOddRequest:
    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("http://union.example/test/echo?a=1", 200),
            ("HTTPS://union.example/test/echo", 200),
            ("http://union.example", 200),
            ("/%74est/echo", 200),
            ("/%2e%2e/%2e%2e/etc/passwd", 404),
            ("/../../etc/passwd", 404),
            ("/static/%2e%2e/%2e%2e/app.py", 404),
            ("/static/..%2f..%2fapp.py", 404),
            ("/static/..%5c..%5capp.py", 404),
            ("/%00", 404),
            ("/%ff%fe", 404),
            ("/wx%3fsignature=1", 404),
            ("/wx/", 404),
            ("/?" + "a" * 10_000, 200),
        ],
    )
    def test_is_answered_for_what_it_is_and_the_next_one_too(
        self, server: Started, target: str, status: int
    ) -> None:
        with Client(server.port, 5) as client:
            assert client.ask(request("GET", target)).status == status
            assert echoed(client.ask(ECHO))["query"] == "mark=1"

    def test_for_the_head_alone_gets_no_body(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            whole, head = client.ask(request("GET", "/healthz")), client.ask(request("HEAD", "/healthz"))

            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-length"] == str(len(whole.body))
            assert echoed(client.ask(ECHO))["query"] == "mark=1"

    @pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
    def test_to_the_webhook_by_another_verb_is_told_which_ones_there_are(
        self, server: Started, verb: str
    ) -> None:
        target, body = message(1)
        with Client(server.port, 5) as client:
            answer = client.ask(request(verb, target, body))

            assert answer.status == 405
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
            assert echoed(client.ask(ECHO))["query"] == "mark=1"

    def test_in_chunks_is_read_whole(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            body = b"3;note=1\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: 1\r\nCookie: a=b\r\n\r\n"
            found = echoed(client.ask(CHUNKED + b"\r\n" + body, "POST"))

            assert found["body"] == "abcdefg"
            assert not {"header-x-trailer", "header-cookie"} & found.keys()
            assert echoed(client.ask(ECHO))["query"] == "mark=1"

    def test_byte_by_byte_is_read_whole(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            for byte in request("POST", "/test/echo", b"abc"):
                client.send(bytes([byte]))

            assert echoed(client.answer())["body"] == "abc"

    def test_of_exactly_the_largest_size_is_read_whole(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            assert (
                len(echoed(client.ask(request("POST", "/test/echo", b"x" * 1024 * 1024)))["body"])
                == 1024 * 1024
            )

    def test_with_an_underscore_in_a_header_cannot_pose_as_another_header(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            found = echoed(
                client.ask(request("GET", "/test/echo", b"", "X-Real-IP: 192.0.2.1", "X_Real_IP: 192.0.2.9"))
            )

            assert found["header-x-real-ip"] == "192.0.2.1"

    @pytest.mark.parametrize("more", [b"", b"Connection: keep-alive"])
    def test_in_http_1_0_is_answered_and_hung_up_on(self, server: Started, more: bytes) -> None:
        with Client(server.port, 5) as client:
            raw = (
                getting(more, line=b"GET /healthz HTTP/1.0", host=b"")
                if more
                else b"GET /healthz HTTP/1.0\r\n\r\n"
            )
            answer = client.ask(raw)

            assert (answer.status, answer.body, answer.closes) == (200, b"ok\n", True)
            assert client.ended(3)

    def test_that_waits_to_be_told_to_go_on_is_told(self, server: Started) -> None:
        head = posting(b"Expect: 100-continue", b"Content-Length: 3")
        with Client(server.port, 5) as client:
            assert client.ask(head).status == 100
            assert echoed(client.ask(b"abc", "POST"))["body"] == "abc"
            client.send(request("GET", "/test/slow?s=0.2") + head)
            assert client.answer().body == b"slow"
            assert client.answer().status == 100
            assert echoed(client.ask(b"def", "POST"))["body"] == "def"

    def test_that_waits_to_be_told_to_send_too_much_is_told_not_to(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            assert client.ask(posting(b"Expect: 100-continue", b"Content-Length: 99999999")).status == 413


class TestABodyThatLies:
    def test_being_shorter_than_it_says_is_not_taken_for_a_message(self, server: Started) -> None:
        raw = post(60_001)
        with Client(server.port, 5) as client:
            client.send(raw[:-5]).socket.shutdown(socket.SHUT_WR)

            assert client.answer().status == 400
            assert client.ended(3)
        with Client(server.port, 5) as client:
            begun = time.monotonic()
            assert client.ask(raw[:-5], "POST").status == 408
            assert time.monotonic() - begun < 2.5
            assert client.ended(3)
        assert "60001" not in stored(server.url)

    def test_being_longer_than_it_says_is_answered_and_the_rest_is_no_request(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            client.send(post(60_002) + b"<xml>and more</xml>")

            assert client.answer().status == 200
            assert client.answer().status == 400
            assert client.ended(3)

    def test_being_cut_off_leaves_nothing_behind(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            client.send(post(60_003)[:-1])
        time.sleep(0.1)

        assert "60003" not in stored(server.url)
        assert get(server.port, "/healthz").status == 200


class TestRequestsOneAfterTheOther:
    def test_are_answered_in_their_order_though_the_first_is_the_slowest(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            raws = [
                request("GET", "/test/slow?s=0.3"),
                post(61_001),
                ECHO,
                post(61_002),
                request("GET", "/wx?a=1"),
                ECHO,
            ]
            client.send(b"".join(raws))
            answers = [client.answer() for _ in raws]

            assert [answer.status for answer in answers] == [200, 200, 200, 200, 403, 200]
            assert (answers[0].body, echoed(answers[2])["query"]) == (b"slow", "mark=1")
            assert b"<Content>" in answers[1].body

    def test_that_come_in_a_heap_are_answered_in_part_and_the_connection_ends(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            client.send(b"".join(request("GET", f"/test/echo?mark={number}") for number in range(2000)))
            seen = []
            with contextlib.suppress(Ended):
                while True:
                    seen.append(echoed(client.answer())["query"])

            assert 30 <= len(seen) < 2000
            assert seen == [f"mark={number}" for number in range(len(seen))]

    def test_that_are_refused_on_the_spot_do_not_pile_up(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            for _ in range(40):
                client.send(request("POST", "/wx?signature=0", b"x") * 30)
                assert {client.answer("POST").status for _ in range(30)} == {403}

    def test_are_answered_when_the_client_has_said_its_last(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            client.send(request("GET", "/test/slow?s=0.2") + post(61_003)).socket.shutdown(socket.SHUT_WR)

            assert client.answer().body == b"slow"
            last = client.answer("POST")
            assert (last.status, last.closes) == (200, True)
            assert client.ended(3)


class TestAMessageAmongOthersOnItsConnection:
    def test_is_read_whole_wherever_it_is_cut_in_two(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            for number in range(65_000, 65_030):
                raw = post(number)
                cut = 1 + len(raw) * (number - 65_000) // 30
                client.send(raw[:cut])
                time.sleep(0.005)
                assert client.ask(raw[cut:], "POST").status == 200
                assert client.ask(post(number + 100)).status == 200

        assert {str(number) for number in range(65_000, 65_030)} <= set(stored(server.url))

    @pytest.mark.parametrize(
        ("old", "new", "statuses"),
        [
            (b"\r\n\r\n", b"0\r\n\r\n", [408]),  # a length ten times as long
            (b"\r\n\r\n", b"\r\nHost: b\r\n\r\n", [400]),
            (b"HTTP/1.1", b"HTTP/1.2", [400]),
            (b"/wx?", b"/wx?a b&", [400]),
            (b"/wx?", b"/wx?a=\xff&", [400]),
            (b"/wx?", b"/nowhere?", [404]),
            (b"POST", b"PUT", [405]),
            (b"</xml>", b"</xml>\r\n", [200]),
            (b"</xml>", b"</xml>GET /a b HTTP/1.1\r\n", [200, 400]),
            (b"</xml>", b"</xml>GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", [200, 404]),
        ],
    )
    def test_is_not_taken_for_what_it_only_resembles(
        self, server: Started, old: bytes, new: bytes, statuses: list[int]
    ) -> None:
        with Client(server.port, 5) as client:
            for number in range(65_200, 65_203):
                assert client.ask(post(number)).status == 200
            client.send(post(65_203).replace(old, new, 1))

            assert [client.answer("POST").status for _ in statuses] == statuses

    def test_whose_head_has_no_end_yet_is_waited_for(self, server: Started) -> None:
        head = posting(b"Content-Length: 0", target=b"/wx?signature=1")
        with Client(server.port, 5) as client:
            assert [client.ask(head).status for _ in range(2)] == [403, 403]
            client.send(head[:-4])
            time.sleep(0.05)

            assert client.ask(b"5\r\n\r\nabcde" + ECHO, "POST").status == 403
            assert echoed(client.answer())["query"] == "mark=1"


class TestAHeadThatComesInPieces:
    @pytest.mark.parametrize("begun", [getting()[:-2], CHUNKED + b"\r\n0\r\n"], ids=["headers", "trailers"])
    @pytest.mark.parametrize("length", [3_000, 7_000])
    def test_may_be_no_longer_than_one_that_comes_at_once(
        self, server: Started, begun: bytes, length: int
    ) -> None:
        with Client(server.port, 5) as client:
            for number in range(3):
                client.send(begun + b"X%d: %b\r\n" % (number, b"a" * length))
                begun = b""
                time.sleep(0.05)

            assert client.ask(b"\r\n" + ECHO).status == (431 if length > 16 * 1024 / 3 else 200)


class TestASlowClient:
    def test_holds_up_nobody_and_is_hung_up_on(self, server: Started) -> None:
        halves = [post(62_000 + number) for number in range(64)]
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(Client(server.port, 5)) for _ in halves]
            for number, (client, raw) in enumerate(zip(slow, halves, strict=True)):
                client.send(raw[: 30 if number % 2 else len(raw) - 20])
            took = []
            for number in range(10):
                begun = time.monotonic()
                with Client(server.port, 5) as probe:
                    assert (
                        probe.ask(post(62_900 + number) if number % 2 else request("GET", "/healthz")).status
                        == 200
                    )
                took.append(time.monotonic() - begun)

            assert max(took) < 1.0
            assert {client.answer("POST").status for client in slow} == {408}
            assert all(client.ended(3) for client in slow)

    def test_that_drips_is_hung_up_on_all_the_same(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            begun = time.monotonic()
            with contextlib.suppress(ConnectionError):
                for byte in post(62_901)[:200]:
                    client.send(bytes([byte]))
                    time.sleep(0.05)
                    if time.monotonic() - begun > 2:
                        break
            assert client.answer("POST").status == 408

    def test_that_sends_nothing_at_all_is_hung_up_on_without_a_word(self, server: Started) -> None:
        with Client(server.port, 5) as client, Client(server.port, 5) as kept:
            assert kept.ask(ECHO).status == 200
            assert client.ended(5)
            assert kept.ended(5)

    def test_that_does_not_take_its_answers_is_hung_up_on(self, server: Started) -> None:
        before = server.rss_mb()
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                client = stack.enter_context(Client(server.port, 10))
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.send(request("GET", "/test/large") * 30)
            wait_for(lambda: established(server.port) == 0, 15)

        assert server.rss_mb() - before < 60  # of 216 MB that were asked for
        assert get(server.port, "/healthz").status == 200

    def test_that_leaves_before_the_answer_has_its_message_stored(self, server: Started) -> None:
        lock = FileLock(f"{urlsplit(server.url).path[1:]}.lock")
        with lock.held(), Client(server.port, 5) as client:
            client.send(post(62_902))
            time.sleep(0.2)

        wait_for(lambda: "62902" in stored(server.url), 3)


class TestAPage:
    def test_that_fails_says_so_in_plain_words_and_the_log_quotes_nobody(self, server: Started) -> None:
        with Client(server.port, 5) as client:
            answer = client.ask(request("GET", "/test/broken?secret=secret-of-Zhang"))

            assert answer.status == 500
            assert "系统出了点问题" in answer.body.decode()
            assert echoed(client.ask(ECHO))["query"] == "mark=1"
        wait_for(lambda: "RuntimeError" in server.said, 2)  # the query is no part of it either
        assert "secret-of-Zhang" not in server.said

    def test_does_not_wait_for_those_who_write(self, server: Started) -> None:
        lock = FileLock(f"{urlsplit(server.url).path[1:]}.lock")
        with lock.held(), Client(server.port, 10) as writer, Client(server.port, 5) as reader:
            writer.send(post(63_001))
            took = timed(10, lambda: reader.ask(request("GET", "/")))

            assert percentile(took, 0.5) < 0.3
        assert "63001" not in server.said

    def test_stays_quick_while_messages_pour_in(self, server: Started) -> None:
        with Client(server.port, 20) as reader:
            look: Callable[[], Answer] = lambda: reader.ask(request("GET", "/"))  # noqa: E731
            probe: Callable[[], Answer] = lambda: reader.ask(request("GET", "/healthz"))  # noqa: E731
            timed(3, look)
            idle, idle_probe = timed(20, look), timed(20, probe)
            with streams(server.port, 8) as writers:
                time.sleep(0.3)
                loaded, loaded_probe = timed(20, look), timed(20, probe)

        assert percentile(loaded, 0.9) < max(10 * percentile(idle, 0.9), 0.3)
        assert percentile(loaded_probe, 0.9) < max(10 * percentile(idle_probe, 0.9), 0.2)
        assert all(not writer.broken and not writer.refused for writer in writers)

    def test_that_is_slow_holds_up_neither_messages_nor_the_question_for_health(
        self, server: Started
    ) -> None:
        with contextlib.ExitStack() as stack:
            for _ in range(40):  # more than there are threads
                stack.enter_context(Client(server.port, 20)).send(request("GET", "/test/slow?s=0.4"))
            with Client(server.port, 5) as client:
                took = timed(5, lambda: client.ask(request("GET", "/healthz")))
                took += timed(5, lambda: client.ask(post(63_100 + int(time.monotonic() * 1000) % 100_000)))

            assert max(took) < 0.4


class TestManyConnections:
    def test_two_thousand_at_once_are_served(self, scratch: Scratch, tmp_path: Path) -> None:
        with (
            many_files(2500),
            serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port(), wrap=FEW_FILES) as server,
        ):
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(Client(server.port, 30)) for _ in range(2000)]
                raws = [post(number) for number in range(2000)]
                begun = time.monotonic()
                for client, raw in zip(clients, raws, strict=True):
                    client.send(raw)
                took = []
                for client in clients:
                    assert client.answer("POST").status == 200
                    took.append(time.monotonic() - begun)

            assert percentile(took, 0.99) < 6
            assert sorted(stored(server.url), key=int) == [str(number) for number in range(2000)]

    def test_more_than_there_is_room_for_are_turned_away_and_the_rest_are_served(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        url = scratch.bare("sqlite", tmp_path)
        with serving(tmp_path, url, free_port(), processes=1, limits={"connections": 30}) as server:
            with contextlib.ExitStack() as stack:
                clients = [stack.enter_context(Client(server.port, 5)) for _ in range(40)]
                statuses = []
                for client in clients:
                    try:
                        statuses.append(client.ask(request("GET", "/healthz")).status)
                    except (Ended, ConnectionError):
                        statuses.append(0)

                assert 28 <= statuses.count(200) <= 30
                assert statuses.count(0) >= 10
            wait_for(lambda: "turned away" in server.said, 3)
            assert get(server.port, "/healthz").status == 200


class TestAWorkerThatIsKilled:
    @KINDS
    def test_is_replaced_and_nothing_that_was_answered_is_lost(
        self, kind: str, scratch: Scratch, tmp_path: Path
    ) -> None:
        with serving(tmp_path, scratch.bare(kind, tmp_path), free_port()) as server:
            witnesses = [Client(server.port, 10) for _ in range(20)]
            assert {witness.ask(ECHO_404).status for witness in witnesses} == {404}
            before = server.workers
            with streams(server.port, 6) as writers:
                flowing(*writers)
                os.kill(before[0], signal.SIGKILL)
                wait_for(lambda: len(server.workers) == 2 and before[0] not in server.workers, 30)
                flowing(*writers)

            assert all(len(writer.broken) <= 1 and not writer.refused for writer in writers)
            assert lost(server.url, writers) == []
            assert 0 < sum(still_there(witness) for witness in witnesses) < 20
            for witness in witnesses:
                witness.socket.close()

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
    def test_being_the_one_that_writes_is_replaced_and_nobody_notices(
        self, how: signal.Signals, scratch: Scratch, tmp_path: Path
    ) -> None:
        limits = {"grace_s": 1}  # so long it stays for those who know no other
        with serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port(), limits=limits) as server:
            before = server.writer
            with streams(server.port, 6) as writers:
                flowing(*writers)
                os.kill(before, how)
                wait_for(lambda: server.writer not in (0, before), 30)
                flowing(*writers)

            assert_all_well(server.url, writers)

    def test_by_its_own_silence_holds_up_only_those_whom_it_serves(self, server: Started) -> None:
        asleep = server.workers[0]
        os.kill(asleep, signal.SIGSTOP)
        clients = [Client(server.port, 10) for _ in range(12)]
        for number, client in enumerate(clients):
            client.send(post(64_500 + number))
        sent = {str(64_500 + number) for number in range(12)}
        wait_for(lambda: bool(sent & set(stored(server.url))), 10)
        time.sleep(0.3)
        there = sent & set(stored(server.url))
        os.kill(asleep, signal.SIGCONT)

        assert 0 < len(there) < 12
        assert {client.answer("POST").status for client in clients} == {200}
        for client in clients:
            client.socket.close()


class TestAPowerCut:
    def test_loses_nothing_that_was_answered(self, scratch: Scratch, tmp_path: Path) -> None:
        cut_again_and_again(scratch.bare("sqlite", tmp_path), tmp_path, 2)

    @pytest.mark.soak
    @pytest.mark.timeout(600)
    def test_loses_nothing_that_was_answered_however_often_it_comes(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        cut_again_and_again(scratch.bare("sqlite", tmp_path), tmp_path, 25)


class TestTheEnd:
    @KINDS
    def test_comes_after_what_is_under_way_is_answered(
        self, kind: str, scratch: Scratch, tmp_path: Path
    ) -> None:
        url = scratch.bare(kind, tmp_path)
        with serving(tmp_path, url, free_port(), limits={}) as server, contextlib.ExitStack() as stack:
            page, half, idle, writer = (stack.enter_context(Client(server.port, 20)) for _ in range(4))
            raw = post(2)
            assert {client.ask(ECHO).status for client in (page, half, idle, writer)} == {200}
            page.send(request("GET", "/test/slow?s=2"))
            half.send(raw[:-10])
            with writers_held_up(url):
                writer.send(post(1))
                time.sleep(0.3)
                begun = time.monotonic()
                server.hang_up()
                wait_for(lambda: not listens(server.port), 10)
                for _ in range(10):  # no worker that is done leaves a queue behind in which nobody serves
                    with pytest.raises(OSError, match="refused"):
                        Client(server.port)
                time.sleep(0.5)
                half.send(raw[-10:])
            answers = [page.answer(), half.answer("POST"), writer.answer("POST")]

            assert [answer.status for answer in answers] == [200, 200, 200]
            assert all(answer.closes for answer in answers)
            assert idle.ended(5)
            assert server.left() == 0
            assert time.monotonic() - begun < 15
            assert sorted(stored(url)) == ["1", "2"]
        assert "Traceback" not in server.said

    def test_comes_in_time_though_a_page_and_a_client_would_take_for_ever(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        url = scratch.bare("sqlite", tmp_path)
        limits = {"grace_s": 0.5}
        with (
            serving(tmp_path, url, free_port(), limits=limits) as server,
            Client(server.port) as page,
            Client(server.port) as half,
        ):
            page.send(request("GET", "/test/slow?s=60"))
            half.send(post(1)[:-10])
            time.sleep(0.3)
            server.hang_up()

            assert server.left(30) == 0

    def test_of_the_master_alone_is_the_end_of_all_and_the_next_takes_its_address(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        url, port = scratch.bare("sqlite", tmp_path), free_port()
        for number in range(2):
            with serving(tmp_path, url, port) as server:
                workers = server.workers
                with Client(port) as client:
                    assert client.ask(post(number)).status == 200
                if number == 0:
                    server.process.kill()
                    server.process.wait(15)
                    wait_for(lambda gone=workers: not any(Path(f"/proc/{pid}").exists() for pid in gone), 30)  # type: ignore[misc]
        assert sorted(stored(url)) == ["0", "1"]

    def test_is_at_once_where_the_address_is_another_programs(self, server: Started, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/never.db"
        with pytest.raises(AssertionError, match="占用"):
            start(tmp_path, url, server.port)


class TestANewSetOfWorkers:
    def test_takes_over_without_a_request_being_lost(self, scratch: Scratch, tmp_path: Path) -> None:
        with serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port()) as server:
            with (
                streams(server.port, 2) as kept,
                streams(server.port, 2, keeps=False, pause_s=0.002) as fresh,
            ):
                for _ in range(2):
                    flowing(*kept, *fresh)
                    before = set(server.workers)
                    server.hang_up(signal.SIGHUP)
                    wait_for(
                        lambda old=before: len(server.workers) == 2 and not old & set(server.workers), 30
                    )  # type: ignore[misc]
                flowing(*kept, *fresh)

            assert_all_well(server.url, [*kept, *fresh])

    def test_of_another_release_takes_over_the_socket_that_systemd_holds(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        url = scratch.bare("sqlite", tmp_path)
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as door:
            port = door.getsockname()[1]
            with (
                serving(tmp_path / "old", url, port, sockets=door) as old,
                streams(port, 2) as kept,
                streams(port, 2, keeps=False, pause_s=0.005) as fresh,
            ):
                flowing(*kept, *fresh)
                old.hang_up()
                assert old.left() == 0
                with serving(
                    tmp_path / "new", url, port, sockets=door
                ):  # what came meanwhile waits in the queue
                    flowing(*kept, *fresh)
                    for writer in (*kept, *fresh):
                        writer.stop()

        assert_all_well(url, [*kept, *fresh])


class TestASecondServer:
    def test_is_not_left_behind_by_a_signal(self, scratch: Scratch, tmp_path: Path) -> None:
        with serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port()) as server:
            before = children(server.process.pid)

            server.hang_up(signal.SIGUSR2)

            wait_for(lambda: "no second server" in server.said, 30)
            assert children(server.process.pid) == before


def children(pid: int) -> set[str]:
    """The processes that this one started."""
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


class TestAFullDisk:
    def test_is_answered_with_503_and_forgotten_when_there_is_room_again(
        self, scratch: Scratch, tmp_path: Path
    ) -> None:
        with small_disk(tmp_path) as disk:
            url = scratch.bare("sqlite", disk.folder)
            with (
                serving(tmp_path / "log", url, free_port()) as server,
                streams(server.port, 4, pause_s=0.01) as writers,
            ):
                flowing(*writers)
                disk.fill(server)
                wait_for(lambda: sum(len(writer.refused) for writer in writers) >= 4, 30)
                assert get(server.port, "/healthz").status == 200
                disk.free(server)
                before = [len(writer.answered) for writer in writers]
                wait_for(
                    lambda: all(len(w.answered) > count for w, count in zip(writers, before, strict=True)),
                    30,
                )
            assert {status for writer in writers for status in writer.refused} == {503}
            assert max(max(writer.took) for writer in writers) < 5
            assert [writer.broken for writer in writers] == [[]] * 4
            assert lost(url, writers) == []
            assert integrity(url) == "ok"


class TestADatabaseThatIsGone:
    def test_is_waited_for_as_long_as_wechat_waits(self, scratch: Scratch, tmp_path: Path) -> None:
        gone_for(5.5, "mute", scratch, tmp_path, ANSWER_S)

    @pytest.mark.parametrize("way", ["cut", "our lock", "a stranger"])
    def test_is_missed_by_nobody_when_it_is_back(self, way: str, scratch: Scratch, tmp_path: Path) -> None:
        gone_for(2, way, scratch, tmp_path, 1.25)

    @pytest.mark.soak
    @pytest.mark.parametrize("way", ["cut", "mute", "our lock", "a stranger"])
    def test_for_ten_seconds_is_back_in_two(self, way: str, scratch: Scratch, tmp_path: Path) -> None:
        gone_for(10, way, scratch, tmp_path, ANSWER_S)


class TestALargePush:
    def test_leaves_the_webhook_as_quick_as_it_was(self, scratch: Scratch, tmp_path: Path) -> None:
        beside_a_push(scratch.bare("sqlite", tmp_path), tmp_path, 2000)

    @pytest.mark.soak
    @pytest.mark.timeout(900)
    @KINDS
    def test_of_a_hundred_thousand_leaves_the_webhook_as_quick_as_it_was(
        self, kind: str, scratch: Scratch, tmp_path: Path
    ) -> None:
        beside_a_push(scratch.bare(kind, tmp_path), tmp_path, 100_000)


class TestTheWriter:
    def test_hangs_up_on_another_user_of_this_machine_who_found_its_name(self, server: Started) -> None:
        if os.geteuid() != 0:
            left_out("root, who can be somebody else")

        assert knocks(server, 65_534) == "hung up"
        assert knocks(server, os.geteuid()) == "waits"


class TestMemory:
    def test_does_not_grow_with_hostile_requests(self, server: Started) -> None:
        assail(server, 1500)

    @pytest.mark.soak
    @pytest.mark.timeout(900)
    def test_does_not_grow_with_twenty_thousand_hostile_requests(self, server: Started) -> None:
        assail(server, 20_000)


KNOCK = """import os, socket, sys
os.setuid(int(sys.argv[1]))
door = socket.socket(socket.AF_UNIX)
door.connect("\\0" + sys.argv[2])
door.settimeout(1)
try:
    door.recv(1)
    print("hung up")
except TimeoutError:
    print("waits")
"""


def knocks(server: Started, user: int) -> str:
    """What becomes of this user's connection to the writer, whose name they have from /proc as everybody can."""
    inodes = {str(each.readlink())[8:-1] for each in Path(f"/proc/{server.writer}/fd").iterdir()}
    lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines())
    (name,) = {
        line[7][1:] for line in lines if len(line) > 7 and line[6] in inodes and "@gonghui-" in line[7]
    }
    words = [sys.executable, "-c", KNOCK, str(user), name]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


# --- what the tests look at --------------------------------------------------------------------------------------

ECHO_404 = request("GET", "/nowhere")
FEW_FILES = ("sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh")


@pytest.fixture(scope="module")
def server(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """One server with short limits and odd pages, on SQLite, for all tests that leave it as they found it."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, scratch.bare("sqlite", folder), free_port(), limits=SHORT) as started:
        workers = started.workers
        yield started
        assert started.workers == workers
        assert "oServer" not in started.said  # whoever wrote


def echoed(answer: Answer) -> dict[str, str]:
    assert answer.status == 200
    found: dict[str, str] = json.loads(answer.body)
    return found


def timed(count: int, ask: Callable[[], Answer]) -> list[float]:
    """How long each of so many questions took, all answered with 200."""
    took = []
    for _ in range(count):
        begun = time.monotonic()
        assert ask().status == 200
        took.append(time.monotonic() - begun)
    return took


def established(port: int) -> int:
    """How many connections the server's side of that port has."""
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        found += int(fields[1].partition(":")[2], 16) == port and fields[3] == "01"
    return found


def listens(port: int) -> bool:
    try:
        Client(port).socket.close()
    except OSError:
        return False
    return True


def still_there(client: Client) -> bool:
    try:
        return client.ask(ECHO_404).status == 404
    except (Ended, OSError):
        return False


def lost(url: str, writers: list[Stream]) -> list[int]:
    """Messages that were answered 200 and are not in the database; asserts that nothing is there twice."""
    there = stored(url)
    assert len(there) == len(set(there))
    known = set(there)
    return [number for writer in writers for number in writer.answered if str(number) not in known]


def assert_all_well(url: str, writers: list[Stream]) -> None:
    assert [(writer.broken, writer.refused) for writer in writers] == [([], [])] * len(writers)
    assert min(len(writer.answered) for writer in writers) > 10
    assert lost(url, writers) == []


def integrity(url: str) -> str:
    with contextlib.closing(sqlite3.connect(urlsplit(url).path[1:])) as file:
        return str(file.execute("PRAGMA integrity_check").fetchone()[0])


@contextlib.contextmanager
def many_files(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def cut_again_and_again(url: str, folder: Path, rounds: int) -> None:
    port = free_port()
    writers: list[Stream] = []
    for number in range(rounds):
        server = start(folder, url, port)
        try:
            with streams(port, 6) as now:
                flowing(*now, more=1)
                time.sleep(0.05 * (number % 7))
                server.kill_all()
                for writer in now:
                    writer.stop()
        finally:
            end(server)
        assert min(len(writer.answered) for writer in now) > 0
        writers += now
        assert integrity(url) == "ok"
        assert lost(url, writers) == []


@contextlib.contextmanager
def writers_held_up(url: str) -> Iterator[None]:
    """Nobody's transaction can go on while the block runs."""
    if url.startswith("sqlite"):
        with FileLock(f"{urlsplit(url).path[1:]}.lock").held():
            yield
        return
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE interactions IN EXCLUSIVE MODE")
        yield
    engine.dispose()


class SmallDisk:
    """A disk of its own where we may mount one; elsewhere a limit on how large the server's files may grow."""

    def __init__(self, folder: Path, mounted: bool) -> None:
        self.folder, self._mounted = folder, mounted

    def fill(self, server: Started) -> None:
        if not self._mounted:
            largest = max(path.stat().st_size for path in self.folder.iterdir())
            for pid in server.workers:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + 65536, resource.RLIM_INFINITY))
            return
        with (self.folder / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def free(self, server: Started) -> None:
        if self._mounted:
            (self.folder / "filler").unlink()
            return
        for pid in server.workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    disk = folder / "disk"
    disk.mkdir()
    mount = shutil.which("mount") or "true"
    words = [mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    mounted = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0
    mounted = mounted and os.path.ismount(disk)
    try:
        yield SmallDisk(disk, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def gone_for(seconds: float, way: str, scratch: Scratch, folder: Path, answer_s: float) -> None:
    """The database goes and comes back, while messages come; those wait `answer_s` for it."""
    limits = {} if answer_s == ANSWER_S else {"answer_s": answer_s - TICK_S}
    with DATABASES[way](scratch, folder) as (url, near, gone):
        with (
            serving(folder, near, free_port(), limits=limits) as server,
            streams(server.port, 6, pause_s=0.02) as writers,
        ):
            flowing(*writers)
            with gone():
                until = time.monotonic() + seconds
                assert max(timed(10, lambda: get(server.port, "/healthz"))) < 1
                if url != near:
                    ready = get(server.port, "/readyz", 10)
                    assert ready.status == 503
                    assert any("数据库" in reason for reason in json.loads(ready.body)["reasons"])
                else:
                    assert max(timed(3, lambda: get(server.port, "/"))) < 1
                time.sleep(max(0, until - time.monotonic()))
            before = [len(writer.answered) for writer in writers]
            wait_for(lambda: all(len(w.answered) > n for w, n in zip(writers, before, strict=True)), 2)
        assert {status for writer in writers for status in writer.refused} == {503}
        assert [writer.broken for writer in writers] == [[]] * len(writers)
        longest = max(
            max(writer.took) for writer in writers
        )  # they were waited for, and told before WeChat hangs up
        assert answer_s - 0.5 < longest < 5
        assert lost(url, writers) == []


Gone = Callable[[], contextlib.AbstractContextManager[None]]
Database = Iterator[tuple[str, str, Gone]]  # its address, the address that the server uses, and how it goes


@contextlib.contextmanager
def over_a_line(way: str, scratch: Scratch, folder: Path) -> Database:
    far = sa.make_url(scratch.bare("postgresql", folder))
    line = Line(far.port or 5432)

    @contextlib.contextmanager
    def gone() -> Iterator[None]:
        getattr(line, way)()
        yield
        line.restore()

    try:
        yield far.render_as_string(False), far.set(port=line.port).render_as_string(False), gone
    finally:
        line.close()


@contextlib.contextmanager
def in_a_file(
    hold: Callable[[str], contextlib.AbstractContextManager[None]], scratch: Scratch, folder: Path
) -> Database:
    url = scratch.bare("sqlite", folder)
    yield url, url, partial(hold, url)


@contextlib.contextmanager
def stranger(url: str) -> Iterator[None]:
    """A program that writes this database and knows nothing of our lock."""
    with contextlib.closing(sqlite3.connect(urlsplit(url).path[1:], isolation_level=None, timeout=5)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


DATABASES: dict[str, Callable[[Scratch, Path], contextlib.AbstractContextManager[tuple[str, str, Gone]]]] = {
    "cut": partial(over_a_line, "cut"),  # every conversation is broken off, and nobody answers
    "mute": partial(over_a_line, "mute"),  # nothing passes, and nobody is told
    "our lock": partial(in_a_file, writers_held_up),
    "a stranger": partial(in_a_file, stranger),
}


def beside_a_push(url: str, folder: Path, people: int) -> None:
    from webhook_cast import NOON

    from models.base import Store
    from models.follower import followers

    rows = [
        {
            "openid": f"oPush{n:07d}",
            "subscribed": True,
            "state_at": NOON,
            "first_seen_at": NOON,
            "last_seen_at": NOON,
        }
        for n in range(people)
    ]
    with serving(folder, url, free_port()) as server:
        with contextlib.closing(Store(url)) as store, store.writing() as connection:
            for at in range(0, people, 1000):
                connection.execute(followers.insert(), rows[at : at + 1000])
        with streams(server.port, 4, pause_s=0.01) as alone:
            time.sleep(1)
            flowing(*alone)
        words = [sys.executable, str(ROOT / "tests/server_cast.py"), "push", url]
        with streams(server.port, 4, pause_s=0.01) as beside:
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
            flowing(*beside)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) >= people  # those who write follow too
    quiet, busy = ([took for writer in each for took in writer.took] for each in (alone, beside))
    figures = f"p99 {percentile(quiet, 0.99) * 1000:.1f} → {percentile(busy, 0.99) * 1000:.1f} ms, {len(busy)} messages"
    print(figures)
    assert percentile(busy, 0.99) < max(5 * percentile(quiet, 0.99), 0.15), figures
    assert max(busy) < 2, figures
    assert_all_well(url, [*alone, *beside])


def assail(server: Started, count: int) -> None:
    """So many requests that are none, in turn; the memory of the first few hundred is the measure."""
    raws = [raw for raw, _ in NO_REQUESTS.values()] + [post(64_000)[:-10]]
    for number in range(300):
        attack(server.port, raws[number % len(raws)])
    before = server.rss_mb()
    for number in range(count):
        attack(server.port, raws[number % len(raws)])

    assert server.rss_mb() - before < 20
    assert get(server.port, "/healthz").status == 200


def attack(port: int, raw: bytes) -> None:
    with Client(port, 5) as client, contextlib.suppress(OSError, Ended):
        client.send(raw)
        if raw.startswith(b"POST /wx?sign"):
            return  # half a message, and gone
        assert client.answer("POST").status in (400, 413, 417, 431)
