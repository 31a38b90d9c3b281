"""The seal of a backup: what is in it, digested with a key that lies apart from it; and its encryption.

The key is made at first need in the state folder, beside the folder of the backups and never in it: who carries the backups
away cannot change one unseen. Encryption is age's (`pyrage`): the machine knows only the public half, so that a stolen machine
opens none of its old backups.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path

import pyrage

KEY = "backup.key"
OURS_TO_NOTE = "backup_note"
SCHEMA = "schema"
ENCRYPTED = ".age"


class Sealed(Exception):
    """It cannot be opened; the text says why and what to do, in Chinese."""


def key_at(folder: Path) -> Path:
    """The file of the key for the backups of this folder."""
    return folder.absolute().parent / KEY


def key_of(folder: Path) -> bytes:
    """The key, made at first need, for its owner alone."""
    path = key_at(folder)
    with suppress(FileExistsError):
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(made, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    found = known_key(folder)
    if found is None:
        raise Sealed(f"备份的钥匙 {path} 坏了。请从保险的地方拷回来；实在没有，移走它，会另做一把。")
    return found


def known_key(folder: Path) -> bytes | None:
    """The key, None where there is none or the file holds something else."""
    try:
        key = bytes.fromhex(key_at(folder).read_text("ascii").strip())
    except (OSError, ValueError):
        return None
    return key if len(key) == 32 else None


def mark(key: bytes) -> str:
    """By which a key is told from others."""
    return hmac.digest(key, b"which key", "sha256").hex()[:8]


def digests(file: sqlite3.Connection, key: bytes) -> dict[str, str]:
    """The digest of every table's rows by the table's name, and of the shape of all of them."""
    with _raw(file):
        shape = file.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
        ).fetchall()
        rest = [row for row in shape if row[2] != OURS_TO_NOTE.encode()]
        tables = [row[1].decode() for row in rest if row[0] == b"table"]
        found = {name: _digest(key, name, _rows(file, name)) for name in tables}
        return {**found, SCHEMA: _digest(key, SCHEMA, iter(rest))}


def seal(notes: Mapping[str, str], key: bytes) -> str:
    """The digest over what the backup says of itself."""
    return _digest(
        key, OURS_TO_NOTE, ((name, value) for name, value in sorted(notes.items()) if name != "seal")
    )


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _digest(key: bytes, name: str, rows: Iterator[Sequence[object]]) -> str:
    mac = hmac.new(key, f"{name}\n".encode(), sha256)
    for row in rows:
        mac.update(repr(row).encode() + b"\n")  # a tuple of None, int, float and bytes: no two read alike
    return mac.hexdigest()


def _rows(file: sqlite3.Connection, table: str) -> Iterator[Sequence[object]]:
    """In the order in which they lie, which a copy of pages keeps."""
    with closing(file.cursor()) as cursor:
        yield from cursor.execute(f'SELECT * FROM "{table}" NOT INDEXED')  # noqa: S608 - names from the file's own list


class _raw:  # noqa: N801 - reads as a deed
    """Texts as the bytes that they are, so that a byte that is no letter is a change, not a crash."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self.file, self.before = file, file.text_factory

    def __enter__(self) -> None:
        self.file.text_factory = bytes

    def __exit__(self, *_: object) -> None:
        self.file.text_factory = self.before


# --- encryption --------------------------------------------------------------------------------------------------


def recipient(text: str) -> str:
    """A public key as `age-keygen` shows it. Raises ValueError in words."""
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise ValueError("不是 age 的公钥，应是 age1 开头的一串字") from None
    return text


def encrypt(source: Path, target: Path, recipients: Sequence[str]) -> None:
    """Write the file so that only the holders of these keys can open it."""
    people = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
    pyrage.encrypt_file(str(source), str(target), people)


def decrypt(source: Path, target: Path, identity: Path | None) -> None:
    """Open it with the private half, a file as `age-keygen` writes it. Raises Sealed."""
    if identity is None:
        raise Sealed("这份备份是加密的。请在后面加上 --identity 和私钥的文件名。")
    try:
        lines = [line for line in identity.read_text("ascii").split() if line.startswith("AGE-SECRET-KEY-")]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except (OSError, ValueError, pyrage.IdentityError):
        keys = []
    if not keys:
        raise Sealed(f"{identity} 不是 age 的私钥文件：里面应有 AGE-SECRET-KEY- 开头的一行。")
    try:
        pyrage.decrypt_file(str(source), str(target), keys)
    except pyrage.DecryptError:
        raise Sealed("打不开：不是这把私钥加密的，或者文件损坏了。") from None
