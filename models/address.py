"""`[database]`, `[data]`, `[redis]` and `[backup]` of the config file: where the rows and their keys are, what is shared, and who
opens a backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StrictInt

from ground.address import parts_of
from ground.part import Part
from ground.text import without_spaces
from models.base import place
from models.seal import recipient


def _database(url: SecretStr) -> SecretStr:
    without_spaces(url.get_secret_value())
    try:
        parsed = place(url.get_secret_value())
    except ValueError:
        raise ValueError(
            "应写成 sqlite:///var/gonghui.db、postgresql://用户@主机/库名 或 mariadb://用户@主机/库名 的样子"
        ) from None
    if parsed.get_backend_name() == "sqlite" and (parsed.query or parsed.database == ":memory:"):
        raise ValueError("SQLite 只写文件名，例如 sqlite:///var/gonghui.db，后面不加别的")
    return url


def _redis(url: SecretStr) -> SecretStr:
    text = without_spaces(url.get_secret_value())
    try:
        parts_of(text)
    except ValueError:
        text = "?"
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("应写成 redis://主机:6379/0 的样子，不用 Redis 就留空")
    return url


class Database(Part):
    """Where everything is stored."""

    url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///var/gonghui.db")


class PersonalData(Part):
    """How personal data are kept. `key_file`: the file of the keys that seal them, from the folder of the config file; empty: on
    SQLite beside the database, on a server none. `seal_messages`: what is said in the chat, and its answers, are sealed as well. The
    others: after how many days the words go (models/retention.py)."""

    key_file: str = ""
    seal_messages: bool = False
    chat_days: StrictInt = Field(default=180, ge=30, le=3650)
    letters_days: StrictInt = Field(default=180, ge=30, le=3650)
    requests_days: StrictInt = Field(default=1095, ge=180, le=3650)  # three years
    opinions_days: StrictInt = Field(default=1095, ge=180, le=3650)

    @property
    def kept(self) -> Mapping[str, int]:
        """Kind → days."""
        return {
            "chat": self.chat_days,
            "letters": self.letters_days,
            "requests": self.requests_days,
            "opinions": self.opinions_days,
        }


class Redis(Part):
    """What several machines share; empty: the database does its work."""

    url: Annotated[SecretStr, AfterValidator(_redis)] = SecretStr("")


class Backups(Part):
    """To whom backups are encrypted, by age's public keys; none: they are not."""

    encrypt_to: tuple[Annotated[str, AfterValidator(recipient)], ...] = ()
