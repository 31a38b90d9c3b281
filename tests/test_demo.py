"""`make run` as a visitor's terminal shows it; what his browser shows stands in test_visit.py."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port, slowness
from line_cast import Desk, Running, desk, listening, reached

__all__ = ["desk"]
SECOND_START_S = 3.0
TRIES = 4  # the machine may be busy with other tests


REMINDED = "pushes WHERE name = 'spring-wish/reminder' AND state = 'finished'"


def test_the_last_line_is_the_address_and_nothing_follows_a_day_of_use(desk: Desk) -> None:
    (desk.folder / "config.toml").unlink()  # then the example is shown
    port = free_port()
    demo = opened(desk, port)
    said = demo.told()
    assert said.splitlines()[-1] == f"http://127.0.0.1:{port}"
    assert "按 Ctrl-C 停止" in said

    worker = ask(port, "/phone/api/workers")["workers"][0]["openid"]
    for act in (
        {"action": "follow", "scene": "poster"},
        {"action": "tap", "key": [0, 0]},
        {"action": "say", "text": "工伤"},
        {"action": "say", "text": "👍"},
        {"action": "picture"},
        {"action": "voice", "recognition": "退会"},
        {"action": "location"},
    ):
        assert ask(port, "/phone/api/do", {"openid": worker, **act})["answered"], act
    assert len(ask(port, f"/phone/api/menu?openid={worker}")["button"]) == 3
    before, file = seen(port, worker), desk.folder / "var" / f"demo-{port}.db"
    for number in range(before + 1, before + 4):
        if number == before + 3:  # first comes a reminder for who spoke within two days: nobody did
            demo.until(lambda: is_there(file, "editions WHERE state = 'open'"), "the wishes do not open")
            assert ask(port, "/phone/api/clock", {})["moved_to"]
            demo.until(lambda: is_there(file, REMINDED), "the reminder does not end")
        assert ask(port, "/phone/api/clock", {})["moved_to"]
        demo.until(lambda n=number: seen(port, worker) == n, "the push does not arrive")
    ask(port, "/phone/api/do", {"openid": worker, "action": "unfollow"})
    with pytest.raises(urllib.error.HTTPError):
        ask(port, "/no-such-page")
    assert reached(port, "/readyz")

    assert demo.told() == said, "not a word after the address"
    assert file.stat().st_mode & 0o077 == 0, "nobody else reads it"
    with closing(sqlite3.connect(file)) as database:
        (sent,) = database.execute("SELECT COUNT(*) FROM deliveries WHERE state = 'sent'").fetchone()
    assert sent == 3
    desk.said.append(demo.told())
    assert worker not in demo.told()
    assert demo.ends(signal.SIGINT) == 0
    assert demo.told() == said
    assert not reached(port)


@pytest.mark.alone
def test_the_second_start_takes_less_than_three_seconds(desk: Desk) -> None:
    took = []
    for _ in range(1 + TRIES):
        port = free_port()
        demo = opened(desk, port)
        took.append(time.monotonic() - demo.begun)
        assert demo.ends() == 0
        if len(took) > 1 and took[-1] < SECOND_START_S * slowness():
            return
    pytest.fail(f"the starts took {took} seconds")


def test_a_process_that_is_killed_comes_back_and_the_visit_goes_on(desk: Desk) -> None:
    port = free_port()
    demo = opened(desk, port)
    before = demo.children()
    assert len(before) == 3

    victim = max(before)
    os.kill(victim, signal.SIGKILL)

    demo.until(lambda: len(demo.children()) == 3 and victim not in demo.children(), "it does not come back")
    demo.until(lambda: reached(port, "/readyz"), "it is not ready again")
    assert demo.ends(signal.SIGHUP) == 0, "the terminal was closed"


def test_a_taken_port_says_so_and_names_the_way_out(desk: Desk) -> None:
    port = free_port()
    with listening(port):
        demo = desk.starts("demo", PORT=str(port))
        assert demo.process.wait(20) == 1

    assert f"端口 {port} 已经被别的程序占用" in demo.told()
    assert f"PORT={port + 1} make run" in demo.told()


@pytest.mark.parametrize("port", ["x", "0", "70000", "-1", "８０００"])
def test_what_is_no_port_is_a_wrong_use(desk: Desk, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)

    told = desk.types("demo")

    assert told.code == 2
    assert "写成 PORT=8001 的样子" in told.words


def test_a_config_of_ones_own_is_shown_without_touching_its_data_or_its_account(desk: Desk) -> None:
    port = free_port()
    demo = opened(desk, port)

    assert "正月十五闹元宵" in page(port)
    assert not (desk.folder / "gonghui.db").exists()
    assert desk.platform.calls == {}, "the account of the config file was not asked"
    assert demo.ends() == 0


# --- small things ------------------------------------------------------------------------------------------------


def opened(desk: Desk, port: int) -> Running:
    """A demonstration that has told its address."""
    demo = desk.starts("demo", PORT=str(port))
    demo.until(lambda: f"http://127.0.0.1:{port}\n" in demo.told(), "it does not tell its address")
    return demo


def page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return str(answer.read().decode())


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the page of the phone asks for."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def is_there(file: Path, rows: str) -> bool:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"SELECT 1 FROM {rows}").fetchone() is not None


def seen(port: int, openid: str) -> int:
    """How many things the account has put into this chat."""
    entries = ask(port, f"/phone/api/chat?openid={openid}&after=0")["entries"]
    return sum(entry["from"] == "account" for entry in entries)
