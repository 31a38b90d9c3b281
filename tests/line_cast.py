"""Staff at the terminal: a config file, a simulated WeChat behind it, commands typed one by one, programs that run."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import quick_start
from config_cast import REPO, written
from conftest import free_port
from simulator_cast import ACCOUNT

import app
from wx.account import Account
from wx.simulator import Phone, Platform, PlatformServer, Results

SECRETS = (
    ACCOUNT.app_secret.get_secret_value(),
    "Tk7fG2pQ9sWz",  # the token
    "kK9" * 14 + "k",  # the AES key
    "hunter2-of-the-database",
)
YEAR = """
[[campaigns]]
id = "lantern"
title = "正月十五闹元宵"
kind = "riddle"

[[campaigns.pushes]]
id = "riddles"
lunar = "01-15 10:00"
channel = "template"
template = { id = "tttttttttttttttttttttttttttttttttttttttttttt", data = { thing1 = "元宵灯谜" } }

[[campaigns.pushes]]
id = "thanks"
yearly = "03-08 10:00"
channel = "service"
text = "谢谢您来猜灯谜"
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        return self.out + self.err


class Desk:
    """Somebody types commands in a folder of his own."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], log: pytest.LogCaptureFixture
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.account = ACCOUNT.model_copy(update={"live": True})
        secrets = {"token": SECRETS[1], "encoding_aes_key": SECRETS[2]}
        self.account = Account.model_validate(self.account.model_dump() | secrets)
        self.platform = Platform(
            self.account, f"http://127.0.0.1:{self.port}/wx", results=Results(delay_s=0.01)
        )
        self.server = PlatformServer(self.platform).start()
        self.far = self.server.url
        self.opened: list[app.Built] = []
        self.running: list[Running] = []
        self.said: list[str] = []
        self._capsys, self._log = capsys, log
        self.writes()

    def close(self) -> None:
        for each in self.running:
            each.kill()
        for built in self.opened:
            if "shared" in vars(built):
                built.shared.close()
            if "worker" in vars(built):
                built.worker.sender.close()
            if "store" in vars(built):
                built.store.close()
        self.server.stop()
        self.platform.close()

    # -- the config file -----------------------------------------------------------------------------------

    def writes(self, more: str = YEAR, *, mode: int = 0o600, **account: object) -> Path:
        """The config file, with these keys of the account changed and the campaigns below."""
        return written(self.folder, self.config(more, **account), mode=mode)

    def config(self, more: str = YEAR, database: str = "", **account: object) -> str:
        whole: dict[str, object] = {
            "name": self.account.name,
            "kind": "service",
            "verified": True,
            "live": True,
            "original_id": self.account.original_id,
            "app_id": self.account.app_id,
            "app_secret": SECRETS[0],
            "token": SECRETS[1],
            "encoding_aes_key": SECRETS[2],
            "api_base": self.far,
            **account,
        }
        keys = "\n".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in whole.items())
        here = f"127.0.0.1:{self.port}"
        return (
            f'[account]\n{keys}\n[database]\nurl = "{database or f"sqlite:///{self.folder}/gonghui.db"}"\n'
            f'[site]\nbase_url = "http://{here}"\n[server]\nbind = "{here}"\nprocesses = 1\n{more}'
        )

    # -- typing --------------------------------------------------------------------------------------------

    def types(self, *words: str) -> Told:
        """One command, in this process."""
        self._capsys.readouterr()
        try:
            code = app.main(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        found = self._capsys.readouterr()
        told = Told(code, found.out, found.err)
        self.said.append(told.words)
        assert "Traceback" not in told.words, told.words
        return told

    def starts(self, *words: str, **environ: str) -> Running:
        """One command, in a process of its own that goes on."""
        made = Running(words, self.folder, environ)
        self.running.append(made)
        return made

    def serves(self, *words: str) -> Running:
        """One that answers at our address."""
        made = self.starts(*words)
        made.until(lambda: reached(self.port), "nobody answers")
        return made

    # -- looking -------------------------------------------------------------------------------------------

    def follows(self, name: str) -> Phone:
        """Somebody follows: both the platform and we know it."""
        phone = Phone(self.platform, name)
        phone.follows()
        return phone

    def built(self) -> app.Built:
        """The parts of the config file, as the programs have them."""
        return app.Built(self.folder / "config.toml", {})

    def nothing_was_given_away(self) -> None:
        """No secret and no openid was printed or logged, whatever went wrong."""
        everything = "\n".join([*self.said, self._log.text, *(each.told() for each in self.running)])
        for secret in (*SECRETS, *self.platform.world.followers):
            assert secret not in everything, secret


class Running:
    """A program that was started; its words, its children, its end."""

    def __init__(self, words: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> None:
        self.log = (folder / f"log-{time.monotonic_ns()}").open("w+")
        self.begun = time.monotonic()
        clean = {name: value for name, value in os.environ.items() if name != "PORT"}
        self.process = quick_start.start([str(REPO / "app.py"), *words], folder, self.log, clean | environ)

    def told(self) -> str:
        return Path(self.log.name).read_text("utf-8", errors="replace")

    def until(self, true: Callable[[], Any], otherwise: str, seconds: float = 40) -> None:
        """Wait until it is so."""
        until = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < until, f"{otherwise}\n{self.told()}"
            time.sleep(0.05)

    def family(self) -> set[int]:
        """The process and all that it started, and so on."""
        found, new = set(), {self.process.pid}
        while new:
            found |= new
            new = {pid for pid, parent in parents().items() if parent in found} - found
        return found

    def children(self) -> set[int]:
        """Those that it started itself."""
        return {pid for pid, parent in parents().items() if parent == self.process.pid}

    def ends(self, number: signal.Signals = signal.SIGTERM, seconds: float = 25) -> int:
        """It is told to end: its exit code. Nobody of its family is left."""
        family = self.family()
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        until = time.monotonic() + seconds
        while family & parents().keys():
            assert time.monotonic() < until, self.told()
            time.sleep(0.02)
        return code

    def kill(self) -> None:
        """After the test, whatever happened in it."""
        if self.process.poll() is None:
            for pid in self.family():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self.process.wait(10)
        self.log.close()


def parents() -> dict[int, int]:
    """Every living process of this machine and who started it."""
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (each / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(each.name)] = int(parent)
    return found


def reached(port: int, path: str = "/healthz") -> bool:
    """Whether somebody answers 200 there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def listening(port: int) -> Iterator[None]:
    """Another program listens at this port."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        yield


@pytest.fixture
def desk(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """A desk whose config file is in order; at the end nothing secret or personal has been told."""
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    made = Desk(tmp_path, capsys, caplog)
    keep_track(made, monkeypatch)
    yield made
    made.close()
    made.nothing_was_given_away()


def keep_track(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command ends with its process; in ours its connections are closed by hand."""

    class Tracked(app.Built):
        def __init__(self, *parts: Any) -> None:
            super().__init__(*parts)
            desk.opened.append(self)

    monkeypatch.setattr(app, "Built", Tracked)
