"""What the commands are handed by app.py: the parts of one process, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from campaigns.year import Year
from channels import Channel
from commands.command_line import refuse
from commands.config import Config
from ground.toml import Loaded
from handlers.turn import House
from jobs.alarm import Herald
from jobs.audience import Audience
from jobs.lookout import Lookout
from models import last_address, resealing, schema
from models.base import Store
from models.clock import Clock
from models.recording import Answer
from models.shared import Shared
from wx.account import WORDS, missing
from wx.client import Api

CONFIG = Path("config.toml")
STATE = Path("var")  # what a machine keeps for itself, from the folder in which the program was started


class Parts(Protocol):
    """The parts. Whatever needs the config file ends the program with words where that is wrong; `path`, `environ`,
    `loaded` and `written` do not."""

    path: Path  # of the config file
    environ: Mapping[str, str]
    simulator_url: str  # under the demonstration; '' is not
    held: int | None  # what says that the database is in use, as long as we live

    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def shared(self) -> Shared: ...
    @property
    def api(self) -> Api: ...
    @property
    def year(self) -> Year: ...
    @property
    def channels(self) -> Mapping[str, Channel]: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def herald(self) -> Herald: ...
    @property
    def house(self) -> House: ...
    @property
    def handle(self) -> Answer: ...

    @property
    def loaded(self) -> Loaded[Config]:
        """The config file, or what is wrong with it."""

    @property
    def config(self) -> Config:
        """The config file. Ends the program with words when it is wrong."""

    @property
    def backups(self) -> Path:
        """Where backups are kept."""

    def take_up(self) -> None:
        """Take up what the desk wrote of the service directory."""

    def salvage(self) -> None:
        """Make do with what can be read of a broken config file."""

    def written(self, section: str, key: str) -> str | None:
        """One text of the config as far as it can be made out, however broken the file is."""

    def lookout(self, *, reaches: bool = True) -> Lookout:
        """Who sees what nobody else would tell of; with `reaches` also whether WeChat can be reached."""

    def try_to_listen(self) -> None:
        """At our address, which the server before us gets a few seconds to leave. Raises OSError."""

    def serve(self) -> int:
        """Answer WeChat and browsers until told to end."""

    def work(self) -> int:
        """Send what comes due until told to end."""

    def staged(self, path: Path, environ: Mapping[str, str], simulator_url: str) -> Parts:
        """The parts of a demonstration."""


def stored(parts: Parts) -> Parts:
    """The same, for a command that needs what is stored. Ends the program with words when nothing is yet."""
    if words := lacks(parts.store):
        raise refuse(words)
    last_address.remember(STATE, parts.config.database.url.get_secret_value())
    return parts


def filled(parts: Parts, else_say: str) -> None:
    """Nothing of what WeChat asks of an account is empty; or the program ends with words."""
    empty = "、".join(f"{WORDS[name]}（account.{name}）" for name in missing(parts.config.account))
    if empty:
        raise refuse(f"{else_say}：{parts.path} 里 {empty} 是空的。请从微信公众平台抄过来。")


def lacks(store: Store) -> str:
    """What the database needs before it can be used, '' when nothing; none is made here. Raises StoreError."""
    if store.file and not store.file.exists():
        return f"还没有数据库（{store.file}）。启动 serve、work 或 run 会自己建好；也可以运行 db upgrade。"
    if not schema.standing(store).current:
        return "数据库还没有升级，请先运行 db upgrade。"
    return resealing.trouble(store)
