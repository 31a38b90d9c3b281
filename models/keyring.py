"""The keys by which personal data are sealed: AES-256-GCM, read from a file of its own that is never kept with the backups.

    index <64 hex digits>   the key of the blind index (`mark`), which stays
    key <64 hex digits>     a key of the seal; the last one writes, all of them read

A sealed text is `gh1:KEY:DATA`: which key, by the first eight digits of its hash, then nonce (96 random bits), cipher text and tag in
base64. The place (`requests.phone`) is authenticated with it: moved into another column it does not open.
"""

from __future__ import annotations

import binascii
import hmac
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIGN = "gh1:"  # how a sealed text begins
NONCE_BYTES = 12
MARK_SIGNS = 32  # of a blind index, hex
HEAD = """\
# 封存个人信息的钥匙：姓名、电话、诉求这些，没有它谁也打不开，丢了就再也找不回来。
# 请拷一份锁进保险柜，不要和备份放在一起。不要手工改。
"""


class KeyTrouble(Exception):
    """Nothing can be sealed or opened; the text says why and what to do, in Chinese."""


class NoKey(KeyTrouble):
    """There is no key yet."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the file holds."""

    index: bytes
    ciphers: Mapping[str, AESGCM]  # by the key's name
    writes: str  # the name of the key that seals


class Keyring:
    """The keys of one database. `makes`: the file is made at first need; else storing what must be sealed is refused."""

    def __init__(self, path: Path | None, *, makes: bool = False, messages: bool = False) -> None:
        """`messages`: what is said to the account is sealed as well."""
        self.path, self.makes, self.messages = path, makes, messages
        self._known: Keys | None = None
        self._stamp: tuple[int, int] | None = None

    def keys(self) -> Keys | None:
        """The keys as the file has them now, None where there is none; a process that has read it goes on with what it knows when
        the file goes. Raises KeyTrouble."""
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return self._known
        except OSError as error:
            raise KeyTrouble(f"钥匙文件 {self.path} 打不开，请看文件和文件夹的权限。") from error
        if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
            self._known, self._stamp = _read(self.path, found.st_mode), stamp
        return self._known

    def has(self) -> bool:
        """Whether anything can be sealed. Raises KeyTrouble."""
        return self.makes or self.keys() is not None

    def seal(self, text: str, place: str) -> str:
        """The text so that only a holder of the key reads it. Raises KeyTrouble."""
        keys = self._needed()
        nonce = secrets.token_bytes(NONCE_BYTES)
        data = nonce + keys.ciphers[keys.writes].encrypt(nonce, text.encode(), place.encode())
        return f"{SIGN}{keys.writes}:{binascii.b2a_base64(data, newline=False).decode()}"

    def seal_rows(
        self, rows: Sequence[tuple[Any, ...]], places: Mapping[int, bytes]
    ) -> list[tuple[Any, ...]]:
        """Rows with the values at these places of theirs sealed, many at once; as they are where there is no key. Raises
        KeyTrouble."""
        keys = self._needed() if self.has() else None
        if keys is None:
            return list(rows)
        encrypt, head, found = keys.ciphers[keys.writes].encrypt, f"{SIGN}{keys.writes}:", []
        noise, at = secrets.token_bytes(NONCE_BYTES * len(rows) * len(places)), 0
        for row in rows:
            values = list(row)
            for column, place in places.items():
                if text := values[column]:
                    nonce, at = noise[at : at + NONCE_BYTES], at + NONCE_BYTES
                    data = nonce + encrypt(nonce, text.encode(), place)
                    values[column] = head + binascii.b2a_base64(data, newline=False).decode()
            found.append(tuple(values))
        return found

    def open(self, sealed: str, place: str) -> str:
        """What was sealed there. Raises KeyTrouble."""
        name, _, data = sealed.removeprefix(SIGN).partition(":")
        keys = self.keys()
        cipher = keys.ciphers.get(name) if keys else None
        if cipher is None:
            raise KeyTrouble(f"钥匙 {name} 不在 {self.path or '任何文件'} 里。")
        try:
            raw = binascii.a2b_base64(data, strict_mode=True)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):
            raise KeyTrouble(f"{place} 里有一条被人改过，或者从别处搬来的。") from None

    def mark(self, text: str, place: str) -> str:
        """By which the same text is found again in this place, and nothing else is learnt. Raises KeyTrouble."""
        return hmac.digest(self._needed().index, f"{place}\n{text}".encode(), "sha256").hex()[:MARK_SIGNS]

    def _needed(self) -> Keys:
        keys = self.keys()
        if keys is None and self.makes:
            self.make()
            keys = self.keys()
        if keys is None:
            raise NoKey(
                "还没有封存个人信息的钥匙，不能存个人信息。请在配置文件里写 [data] key_file，再运行 key make。"
            )
        return keys

    # -- making ----------------------------------------------------------------------------------------------

    def make(self) -> bool:
        """Make the file unless it is there; whether this call did. Raises KeyTrouble."""
        if self.path is None:
            raise NoKey("配置文件里没有写钥匙放在哪里：[data] key_file。")
        lines = [f"index {secrets.token_hex(32)}", f"key {secrets.token_hex(32)}"]
        return _put(self.path, lines, os.link)

    def add(self) -> str:
        """One more key, by which everything is sealed from now on; its name. Raises KeyTrouble."""
        if self.path is None or self.keys() is None:
            raise NoKey(f"还没有钥匙（{self.path or '[data] key_file 没有写'}），请先运行 key make。")
        fresh = secrets.token_hex(32)
        kept = [line for line in _lines(self.path) if line]
        _put(self.path, [*kept, f"key {fresh}"], lambda new, path: new.replace(path))
        return name_of(bytes.fromhex(fresh))


def is_sealed(text: str) -> bool:
    """Whether it looks like something sealed."""
    return text.startswith(SIGN)


def key_in(sealed: str) -> str:
    """The name of the key that sealed it, '' where it is not sealed."""
    return sealed.removeprefix(SIGN).partition(":")[0] if is_sealed(sealed) else ""


def name_of(key: bytes) -> str:
    """By which a key is told from others, and nobody learns it."""
    return sha256(b"which key" + key).hexdigest()[:8]


def _lines(path: Path) -> list[str]:
    lines = path.read_text("utf-8-sig").splitlines()
    return [line.strip() for line in lines if not line.lstrip().startswith("#")]


def _read(path: Path, mode: int) -> Keys:
    if mode & 0o077:
        raise KeyTrouble(f"别的用户也能打开钥匙文件 {path}（权限 {mode & 0o777:o}）；请执行 chmod 600 {path}")
    index, found = b"", []
    try:
        for line in _lines(path):
            kind, _, value = line.partition(" ")
            key = bytes.fromhex(value)
            if line and (kind not in ("index", "key") or len(key) != 32):
                raise ValueError
            if kind == "key":
                found.append(key)
            elif kind == "index":
                index = key
    except OSError as error:
        raise KeyTrouble(f"钥匙文件 {path} 打不开，请看文件的权限。") from error
    except ValueError:
        found = []
    if not index or not found:
        raise KeyTrouble(f"钥匙文件 {path} 坏了，里面不是钥匙。请从保险的地方把它拷回来。")
    return Keys(index, {name_of(key): AESGCM(key) for key in found}, name_of(found[-1]))


def _put(path: Path, lines: Sequence[str], place: Callable[[Path, Path], object]) -> bool:
    """Write the whole file, for its owner alone, before it gets its name; False where another was there first."""
    new = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(HEAD + "\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        place(new, path)
        return True
    except FileExistsError:
        return False
    except OSError as error:
        raise KeyTrouble(f"钥匙文件 {path} 写不进去，请看文件夹的权限和磁盘空间。") from error
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
