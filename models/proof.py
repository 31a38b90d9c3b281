"""Proving a backup: opened, restored into a scratch file, and compared with its seal, table by table."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from models import schema, seal
from models.backup import SCRATCH, CannotBackUp, copy_pages, counts, private
from models.base import FileLock, Store

OWN = {"alembic_version", "backup_note", "sqlite_sequence", "sqlite_stat1"}
UNSEALED = (
    "没有签名（旧版本做的，或者被人改过），不能证明内容没有被改动。确实信得过它，恢复时加上 --unproved。"
)


@dataclass(slots=True)
class Proof:
    """What a trial restore of a backup found: `problems` is empty when it can be relied on; `unproved` says what only its
    seal could tell. `changed`: the tables whose rows are not those that were sealed."""

    path: Path
    made_at: str = ""
    kind: str = ""
    revision: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


def prove(path: Path, folder: Path | None = None, identity: Path | None = None) -> Proof:
    """Restore a backup into a scratch file, bring it up to date there, and compare every table with the seal.

    `folder` is where backups lie here, which tells the key; else the one in which this one lies."""
    proof = Proof(path)
    folder = folder or path.absolute().parent
    with scratch(folder) as place:
        try:
            unpack(path, place / "ready.db", proof, folder, identity)
        except (CannotBackUp, schema.CannotUpgrade, seal.Sealed) as error:
            proof.problems.append(str(error))
        except (sqlite3.Error, sa.exc.SQLAlchemyError):
            proof.problems.append("文件损坏，或者不是备份。")
    proof.problems += proof.unproved
    return proof


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for what is opened for a moment, on the disk of the backups; the next backup removes what a kill leaves."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
    held = os.open(place, os.O_RDONLY)
    FileLock.take(held)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def unpack(path: Path, target: Path, proof: Proof, folder: Path, identity: Path | None = None) -> None:
    """The backup as a database of today's shape in `target`, and what it says of itself in `proof`."""
    private(target)
    if path.name.endswith(seal.ENCRYPTED):
        opened = target.with_suffix(".opened")
        private(opened)
        seal.decrypt(path, opened, identity)
        copy_pages(opened, target)
    else:
        copy_pages(path, target)
    with closing(sqlite3.connect(target)) as file, file:
        file.execute("PRAGMA trusted_schema=OFF")
        _refuse_foreign(file)
        problem = file.execute("PRAGMA integrity_check").fetchone()[0]
        if problem != "ok":
            raise CannotBackUp(f"文件内部有损坏：{problem}")
        notes = dict(file.execute("SELECT name, value FROM backup_note"))
        _read(notes, proof)
        _compare(file, notes, proof, folder)
        file.execute("DROP TABLE backup_note")
    if proof.problems:
        return
    with closing(Store(f"sqlite:///{target}", raw=True)) as store:
        schema.upgrade(store)
        with store.reading() as connection:
            if schema.drift(connection):
                proof.problems.append("恢复出来的结构和这个版本的程序对不上。")
    with closing(sqlite3.connect(target)) as file:
        file.execute("PRAGMA journal_mode=DELETE")


def _refuse_foreign(file: sqlite3.Connection) -> None:
    """What could run by itself, or is none of ours, is never opened. Raises CannotBackUp."""
    found = file.execute("SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master").fetchall()
    if not any(name == "backup_note" for _, name, _, _ in found):
        raise CannotBackUp("文件损坏，或者不是备份（里面没有备份的说明）。")
    ours = {*schema.known().tables, *OWN}
    foreign = [
        name
        for kind, name, table, sql in found
        if kind not in ("table", "index") or table not in ours or sql.upper().startswith("CREATE VIRTUAL")
    ]
    if foreign:
        raise CannotBackUp(
            f"里面有不是本系统的东西（{'、'.join(sorted(foreign)[:5])}），可能被人动过，不能恢复。"
        )


def _read(notes: dict[str, str], proof: Proof) -> None:
    try:
        proof.made_at, proof.kind, proof.revision = notes["made_at"], notes["kind"], notes["revision"]
        proof.rows = {name[5:]: int(rows) for name, rows in notes.items() if name.startswith("rows:")}
    except (KeyError, ValueError):
        raise CannotBackUp("备份的说明不全，可能被人动过。") from None


def _compare(file: sqlite3.Connection, notes: dict[str, str], proof: Proof, folder: Path) -> None:
    """What is in the file beside what was sealed."""
    found = counts(file)
    for name in sorted({*found, *proof.rows}):
        if found.get(name) != proof.rows.get(name):
            proof.changed.append(name)
    if proof.changed:
        lacking = "、".join(
            f"{name} 表备份时有 {proof.rows.get(name, 0)} 行，恢复出来 {found.get(name, 0)} 行"
            for name in proof.changed
        )
        proof.problems.append(f"{lacking}。")
    if "seal" not in notes:
        proof.unproved.append(UNSEALED)
        return
    key = seal.known_key(folder)
    if key is None or seal.mark(key) != notes.get("key"):
        where = seal.key_at(folder)
        proof.unproved.append(
            f"签名要用钥匙 {notes.get('key')} 核对，{where} {'不是那一把' if key else '没有'}。"
            "请把做备份的那台机器上的 backup.key 拷到那里；实在找不到，恢复时加上 --unproved。"
        )
        return
    if not seal.same(seal.seal(notes, key), notes["seal"]):
        proof.problems.append("备份的说明被人改过。")
        return
    for name, digest in seal.digests(file, key).items():
        if name != "backup_note" and not seal.same(digest, notes.get(f"mac:{name}", "")):
            proof.changed.append(name)
            proof.problems.append(f"{name} 表的内容被改动过，和备份时不一样。")
