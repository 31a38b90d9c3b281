"""A clerk's config file: a root model as small as the tests need, and the file written and read in one step."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictInt

from campaigns.campaign import Campaign
from settings import Loaded, load
from wx.account import Account

REPO = Path(__file__).parent.parent
EXAMPLE = (REPO / "config.example.toml").read_text("utf-8")
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Database(Part):
    url: SecretStr = SecretStr("sqlite:///var/gonghui.db")


class Server(Part):
    bind: str = "127.0.0.1:8000"
    processes: StrictInt = Field(default=1, ge=1, le=64)


class Config(Part):
    account: Account = Account()
    database: Database = Database()
    server: Server = Server()
    campaigns: tuple[Campaign, ...] = ()


def written(folder: Path, text: str | bytes, *, mode: int = 0o600) -> Path:
    """The clerk's config.toml in this folder, readable by its owner alone unless the test says otherwise."""
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def read(
    folder: Path, text: str | bytes, environ: dict[str, str] | None = None, *, mode: int = 0o600
) -> Loaded[Config]:
    return load(Config, written(folder, text, mode=mode), environ or {})


def said(loaded: Loaded[Config]) -> list[tuple[int, str]]:
    """Each problem's line and key, in the order in which they are shown."""
    return [(problem.line, problem.key) for problem in loaded.problems]


PUSH = """
[[campaigns]]
id = "yuanxiao"
title = "元宵灯谜"
kind = "riddle"

[[campaigns.pushes]]
id = "open"
channel = "mass"
text = "元宵节快乐"
"""
