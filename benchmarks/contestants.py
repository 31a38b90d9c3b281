"""Who is measured: one row per contestant. All run with two processes and answer the same words."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import messages
from benchmarks.install import HERE, NODE, PEERS, VENV

ROOT = HERE.parent


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one run happens: the mode, the port on 127.0.0.1, the database's URL, a folder of its own, and the words
    that everybody answers."""

    mode: str
    port: int
    database: str
    folder: Path
    words: str


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row: `role` is echo (keeps nothing), durable, constant (no work) or ours; `needs` a part of the set-up."""

    name: str
    role: str
    needs: str
    command: Callable[[Stage], list[str]]
    store: str = ""  # "", sqlite or postgresql
    cwd: Path = PEERS
    before: Callable[[Stage], list[str]] | None = None  # run once for a fresh database
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self, stage: Stage) -> dict[str, str]:
        """What the peer's small application reads."""
        return {
            "BENCH_MODE": stage.mode,
            "BENCH_TOKEN": messages.TOKEN,
            "BENCH_APP_ID": messages.APP_ID,
            "BENCH_AES_KEY": messages.ENCODING_AES_KEY,
            "BENCH_REPLY": stage.words,
            "BENCH_DATABASE": stage.database,
            "NODE_PATH": str(NODE / "node_modules"),
            "NODE_ENV": "production",
            **self.extra,
        }


def gunicorn(module: str) -> Callable[[Stage], list[str]]:
    """Threads behind one acceptor, the usual production set-up."""
    options = "--workers 2 --worker-class gthread --threads 8 --worker-connections 2000 --backlog 2048 --keep-alive 75"
    program = [str(VENV / "bin" / "gunicorn"), *options.split(), "--log-level", "error"]
    return lambda stage: [*program, "--bind", f"127.0.0.1:{stage.port}", f"{module}:application"]


def granian(module: str, threads: int = 1) -> Callable[[Stage], list[str]]:
    """The server in Rust; more threads help only an application that waits."""
    options = f"--interface wsgi --workers 2 --blocking-threads {threads} --backlog 2048 --backpressure 2048 --no-ws --log-level error"
    program = [str(VENV / "bin" / "granian"), *options.split()]
    return lambda stage: [*program, "--host", "127.0.0.1", "--port", str(stage.port), f"{module}:application"]


def bjoern(module: str) -> Callable[[Stage], list[str]]:
    """The server in C."""
    return lambda stage: [str(VENV / "bin" / "python"), "on_bjoern.py", module, str(stage.port)]


def node(framework: str) -> Callable[[Stage], list[str]]:
    """Node with two cluster workers."""
    return lambda stage: ["node", "cluster.js", framework, str(stage.port)]


def _create_tables(stage: Stage) -> list[str]:
    return [str(VENV / "bin" / "python"), "orm_commit.py"]


def config(stage: Stage) -> str:
    """The configuration that our own server is measured with."""
    return f"""\
[account]
name = "盘锦市总工会"
kind = "service"
verified = true
live = true
original_id = "{messages.ORIGINAL_ID}"
app_id = "{messages.APP_ID}"
app_secret = "not-a-real-secret"
token = "{messages.TOKEN}"
encoding_aes_key = "{messages.ENCODING_AES_KEY}"
mode = "{stage.mode}"

[database]
url = "{stage.database}"

[server]
bind = "127.0.0.1:{stage.port}"
processes = 2
"""


def _ours(stage: Stage) -> list[str]:
    path = stage.folder / f"{stage.mode}.toml"
    path.write_text(config(stage), encoding="utf-8")
    path.chmod(0o600)
    return [sys.executable, "app.py", "serve", "--config", str(path)]


OURS = "gonghui, everything stored"
ORM = "one ORM commit per message on granian"
CONTESTANTS = (
    Contestant(f"{OURS}: SQLite FULL", "ours", "", _ours, "sqlite", cwd=ROOT),
    Contestant(f"{OURS}: PostgreSQL", "ours", "", _ours, "postgresql", cwd=ROOT),
    Contestant("WeRoBot echo on bjoern", "echo", "bjoern", bjoern("werobot_echo")),
    Contestant("WeRoBot echo on granian", "echo", "python", granian("werobot_echo")),
    Contestant("WeRoBot echo on gunicorn gthread", "echo", "python", gunicorn("werobot_echo")),
    Contestant("node-webot/wechat echo on connect", "echo", "node", node("connect")),
    Contestant("co-wechat echo on koa", "echo", "node", node("koa")),
    Contestant("wechatpy + Flask echo on bjoern", "echo", "bjoern", bjoern("wechatpy_flask")),
    Contestant("wechatpy + Flask echo on granian", "echo", "python", granian("wechatpy_flask")),
    Contestant("wechatpy + Flask echo on gunicorn gthread", "echo", "python", gunicorn("wechatpy_flask")),
    Contestant(
        "WeRoBot with its SQLite session on granian", "session", "python", granian("werobot_echo"), "file"
    ),
    Contestant(
        f"{ORM}: SQLite FULL", "durable", "python", granian("orm_commit", 4), "sqlite", before=_create_tables
    ),
    Contestant(
        f"{ORM}: PostgreSQL",
        "durable",
        "python",
        granian("orm_commit", 4),
        "postgresql",
        before=_create_tables,
    ),
    Contestant("one constant from Flask on granian", "constant", "python", granian("constant")),
    Contestant("one constant from Flask on gunicorn gthread", "constant", "python", gunicorn("constant")),
)
