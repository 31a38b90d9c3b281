"""What a person types about backups: `db backup|verify|restore|upgrade`, in words. Each gives the exit code."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from commands.alarm import note_backup
from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.parts import Parts, lacks
from ground.days import SHANGHAI
from models import schema, seal
from models.backup import KEEP, CannotBackUp, bring_up, make, prune, write
from models.base import Store, StoreError
from models.holder import HOLDERS
from models.keyring import KeyTrouble
from models.proof import Proof, prove, scratch
from models.restore import RESTORED, put_back

KIND_ZH = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
TABLES = {each.table.name: each.title for each in HOLDERS} | {
    "followers": "关注者",
    "interactions": "收到的消息",
    "deliveries": "发出的每一份",
    "pushes": "推送",
    "alarms": "警报",
    "audit": "工作人员的操作记录",
    "editions": "活动的各届",
    "erasures": "忘记过的人（只有代号）",
    "media": "上传过的图片",
    "menus": "发布过的菜单",
    "menu_drafts": "工作台上写的菜单",
    "members": "会员",
    "shared": "系统自己的记号",
    "shifts": "工作台登录",
    "staff": "工作人员",
    "staff_browsers": "工作人员用过的浏览器",
    "staff_links": "没用过的登录链接",
    "union_codes": "单位的二维码",
    "union_months": "各单位每月的数",
    "unions": "单位",
}
REST = "其他"
Say = Callable[[str], None]


def run(options: Options, parts: Parts) -> int:
    """What was typed after `db`."""
    if options.deed == "verify":
        parts.salvage()
        return verify(options.file, parts.backups, options.identity)
    recipients = parts.config.backup.encrypt_to
    store, folder, now = parts.store, parts.backups, parts.clock.now()
    if options.deed == "upgrade":
        return upgrade(store, folder, now, recipients)
    if options.deed == "backup":
        if store.file and not store.file.exists():
            raise refuse(lacks(store))
        code = back_up(store, folder, now, recipients=recipients)
        with suppress(StoreError), store.writing() as connection:
            note_backup(connection, made=code == GOOD, now=now)
        return code
    return restore(
        store,
        options.file,
        folder,
        now,
        identity=options.identity,
        unproved=options.unproved,
        recipients=recipients,
    )


def back_up(
    store: Store,
    folder: Path,
    now: datetime,
    keep: int = KEEP,
    recipients: Sequence[str] = (),
    say: Say = print,
) -> int:
    """`db backup`: make one, prove it, and remove what is there in excess."""
    try:
        path = make(store, folder, now, recipients=recipients)
        proof = prove(path, folder) if not recipients else _proved_open(store, path, folder, now)
    except (CannotBackUp, seal.Sealed, OSError, StoreError, sqlite3.Error) as error:
        say(f"没有备份成：{_words(error)}")
        return PROBLEM
    _tell(proof, say)
    if proof.problems:
        return PROBLEM
    for old in prune(folder, now, keep):
        say(f"已删除旧的备份 {old.name}（保留最近 {keep} 份，最久三十天）")
    return GOOD


def _proved_open(store: Store, path: Path, folder: Path, now: datetime) -> Proof:
    """This machine cannot open what it encrypted: the same is written once more, open, proved, and thrown away."""
    with scratch(folder) as place:
        opened = place / "opened.db"
        write(store, opened, folder, now)
        proof = prove(opened, folder)
    proof.path = path
    return proof


def verify(path: Path, folder: Path | None = None, identity: Path | None = None, say: Say = print) -> int:
    """`db verify FILE`: restore the backup beside everything else and compare."""
    if not path.is_file():
        say(f"找不到备份文件 {path}")
        return PROBLEM
    proof = prove(path, folder, identity)
    _tell(proof, say)
    return PROBLEM if proof.problems else GOOD


def restore(
    store: Store,
    path: Path,
    folder: Path,
    now: datetime,
    *,
    identity: Path | None = None,
    unproved: bool = False,
    recipients: Sequence[str] = (),
    say: Say = print,
) -> int:
    """`db restore FILE`: put the backup in the database's place and halt everything outgoing."""
    if not path.is_file():
        say(f"找不到备份文件 {path}")
        return PROBLEM
    try:
        done = put_back(store, path, folder, now, identity=identity, unproved=unproved, recipients=recipients)
    except (CannotBackUp, schema.CannotUpgrade, OSError, StoreError, sqlite3.Error) as error:
        say(f"没有恢复，数据库还是原来的样子：{_in_chinese(_words(error))}")
        return PROBLEM
    if done.kept:
        say(f"原来的数据库另存为 {done.kept.absolute()}")
    say(f"已从 {path.name} 恢复。")
    if done.forgotten:
        say(f"备份之后有 {done.forgotten} 个人取消了关注或要求删除，他们说过的话已经照样删掉。")
    say(RESTORED)
    return GOOD


def upgrade(
    store: Store, folder: Path, now: datetime, recipients: Sequence[str] = (), say: Say = print
) -> int:
    """`db upgrade`."""
    try:
        applied = bring_up(store, folder, now, recipients)
    except (CannotBackUp, KeyTrouble, schema.CannotUpgrade, StoreError, OSError) as error:
        say(f"数据库没有升级：{_words(error)}")
        return PROBLEM
    say(f"数据库已升级到 {applied[-1]}。" if applied else "数据库已经是最新的，不用升级。")
    return GOOD


def _words(error: Exception) -> str:
    if isinstance(error, CannotBackUp | KeyTrouble | schema.CannotUpgrade | seal.Sealed):
        return str(error)
    if isinstance(error, OSError):
        return f"磁盘写不进去（{error.strerror}）。请查看磁盘空间和文件夹权限。"
    return f"数据库没有回应（{type(error).__name__}）。请先运行 doctor 看看数据库是否正常。"


def _tell(proof: Proof, say: Say) -> None:
    if proof.problems:
        say(f"备份 {proof.path.absolute()} 不能用来恢复：")
        for problem in proof.problems:
            say(f"  {_in_chinese(problem)}")
        return
    made = datetime.fromisoformat(proof.made_at).astimezone(SHANGHAI)
    say(f"备份 {proof.path.absolute()}")
    say(
        f"做于 {made:%Y-%m-%d %H:%M}（北京时间），来自 {KIND_ZH.get(proof.kind, proof.kind)}。已试着恢复一遍，逐表核对相符："
    )
    for title, rows in _told(proof.rows).items():
        say(f"  {title}　{rows:,} 条")


def _told(rows: dict[str, int]) -> Counter[str]:
    """How many rows stand under each title."""
    found: Counter[str] = Counter()
    for name, number in rows.items():
        found[TABLES.get(name, REST)] += number
    return found


def _in_chinese(words: str) -> str:
    """The tables' names as staff read them."""
    for name, title in TABLES.items():
        words = words.replace(f"{name} 表", f"“{title}”")
    return words
