"""The demonstration: a simulated WeChat in the place of the real one, a database of its own, and a hand on the clock."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from commands import sample_desk, sample_tree
from commands.command_line import WRONG_USE, Options, refuse
from commands.menu import publish
from commands.parts import CONFIG, STATE, Parts
from commands.supervise import supervise
from models import shared, use
from models.backup import bring_up
from models.base import Store
from wx.account import Account
from wx.errors import WeChatError
from wx.reach import reach
from wx.simulator import Phone, Platform, PlatformServer

WORKERS = ("王师傅", "李大姐", "小张")
EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
OFFSET = "clock_offset_s"  # the row that says how far the clock is ahead of the wall's
BEFORE = timedelta(seconds=1)  # the visitor sees the push come due
START_S = 60.0
log = logging.getLogger("app")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it happens: our address, the simulated WeChat's, and what is laid over the config file for it."""

    bind: str
    far_port: int
    environment: Mapping[str, str]

    @property
    def far(self) -> str:
        return f"http://127.0.0.1:{self.far_port}"

    @classmethod
    def set(cls, environ: Mapping[str, str]) -> Stage:
        """At PORT of this machine. Ends the program with words when that cannot be."""
        text = environ.get("PORT", "8000")
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
            raise refuse(f"PORT={text} 不是端口号：写成 PORT=8001 的样子。", code=WRONG_USE)
        port, far_port = int(text), _free_port()
        if _taken(port):
            other = port + 1 if port < 65535 else 8000
            raise refuse(f"端口 {port} 已经被别的程序占用。换一个：PORT={other} make run")
        return cls(f"127.0.0.1:{port}", far_port, _environment(port, far_port, environ))

    def platform(self, account: Account, now: Callable[[], datetime]) -> int:
        """The simulated WeChat with a few workers' phones, until told to end."""
        platform = Platform(account, f"http://{self.bind}/wx", now=now)
        for name in WORKERS:
            Phone(platform, name)
        with PlatformServer(platform, self.far_port):
            signal.pause()
        return 0

    def open(self, publish: Callable[[], int]) -> None:
        """Once everything answers the menu is published, and the last line is the address."""
        for url in (f"{self.far}/simulator/workers", f"http://{self.bind}/healthz"):
            if not _answers(url):
                raise refuse(f"等了很久，{url} 还没有回应，请看上面的记录。")
        publish()
        print("演示已经启动：微信是模拟的，什么也不会真的发出去。按 Ctrl-C 停止。在浏览器里打开：")
        print(f"http://{self.bind}", flush=True)


def demo(options: Options, parts: Parts) -> int:
    """The simulated WeChat, the pages and the push worker, each in a process of its own."""
    stage = Stage.set(parts.environ)
    path = options.config or (CONFIG if CONFIG.exists() else EXAMPLE)
    parts = parts.staged(path, {**parts.environ, **stage.environment}, stage.far)
    account = parts.config.account
    # What was under way when the clock moved is refused as stale.
    logging.getLogger("web.webhook").setLevel(logging.ERROR)
    parts.held = use.occupy(parts.store)
    bring_up(parts.store, parts.backups, datetime.now(UTC))
    sample_desk.lay(parts.store, parts.config.campaigns, datetime.now(UTC))
    sample_tree.lay(parts.store, account.name, datetime.now(UTC))
    parts.store.close()
    children = {
        "platform": lambda: stage.platform(account, parts.clock.now),
        "web": parts.serve,
        "work": parts.work,
    }
    return supervise(children, lambda: stage.open(lambda: publish(parts, say=log.info)))


def _environment(port: int, far_port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """A simulated account in the place of the real one, this machine only, and data that are new each time."""
    far = f"http://127.0.0.1:{far_port}"
    values = {
        "ACCOUNT__KIND": "service",
        "ACCOUNT__VERIFIED": "true",
        "ACCOUNT__LIVE": "true",
        "ACCOUNT__MODE": "safe",
        "ACCOUNT__ORIGINAL_ID": "gh_demonstration",
        "ACCOUNT__APP_ID": "wxdemonstration000",
        "ACCOUNT__APP_SECRET": secrets.token_hex(16),
        "ACCOUNT__TOKEN": secrets.token_hex(12),
        "ACCOUNT__ENCODING_AES_KEY": secrets.token_hex(22)[:43],
        "ACCOUNT__ENCODING_AES_KEY_PREVIOUS": "",
        "ACCOUNT__API_BASE": far,
        "ACCOUNT__OAUTH_BASE": f"{far}/connect/oauth2/authorize",
        "REDIS__URL": "",
        "SITE__BASE_URL": f"http://127.0.0.1:{port}",
        "SITE__FOLLOW_URL": f"http://127.0.0.1:{port}/phone",
        "SERVER__BIND": f"127.0.0.1:{port}",
        "SERVER__PROCESSES": "1",
    }
    if "GONGHUI_DATABASE__URL" not in environ:
        file = STATE / f"demo-{port}.db"
        for old in STATE.glob(f"{file.name}*"):
            old.unlink()
        values["DATABASE__URL"] = f"sqlite:///{file}"
    return {f"GONGHUI_{name}": value for name, value in values.items()}


def _answers(url: str) -> bool:
    """Whether somebody answers there within a minute."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            if reach(url).status == 200:
                return True
        except WeChatError:
            time.sleep(0.05)
    return False


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the clock ---------------------------------------------------------------------------------------------------


def offset(store: Store) -> timedelta:
    """How far the demonstration's clock is ahead."""
    with store.reading() as connection:
        found = shared.read(connection, OFFSET, datetime.now(UTC))
    return timedelta(seconds=float(found[0])) if found else timedelta(0)


def move_clock(store: Store, due: datetime) -> None:
    """The clock to the moment before `due`, for all processes."""
    now = datetime.now(UTC)
    with store.writing() as connection:
        shared.write(connection, OFFSET, str((due - BEFORE - now).total_seconds()), now)
