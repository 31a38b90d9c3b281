"""Staff: who works at the desk, and with which duties.

Duties are the five of a year's plan; the three administrators (system, security, audit) stand apart: whoever is one does nothing
else. How they prove who they are: `models.password`. All times are the wall clock's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from models import union
from models.base import MARIADB, Connection, Id, Number, Utc, Words, metadata
from models.rows import add as add_row
from models.sealed import Sealed

LEAD, PUSH, CAMPAIGN, LETTER, GUIDE = "lead", "push", "campaign", "letter", "guide"
SYSTEM, SECURITY, AUDIT = "system", "security", "audit"
DUTIES: Mapping[str, str] = {
    LEAD: "统筹",
    PUSH: "推送",
    CAMPAIGN: "活动",
    LETTER: "来信",
    GUIDE: "办事指南",
    SYSTEM: "系统管理",
    SECURITY: "安全管理",
    AUDIT: "审计",
}
APART = (SYSTEM, SECURITY, AUDIT)
PLAN = tuple(duty for duty in DUTIES if duty not in APART)
TEACH = (LEAD, GUIDE)  # who looks after what the chat says
ANSWERING = (LEAD, LETTER)  # who answers what people write
LOGIN = re.compile(r"[a-z][a-z0-9.-]{1,31}")

staff = sa.Table(
    "staff",
    metadata,
    sa.Column("id", Number(), primary_key=True, autoincrement=True),
    sa.Column("login", Id(32), nullable=False, unique=True),
    sa.Column("name", Words(), nullable=False),
    sa.Column("duties", Id(190), nullable=False),  # with blanks between, in the order of DUTIES
    sa.Column("scope", Id(64), nullable=False),  # the union whose part of the tree is theirs; '' for all
    sa.Column("password", Words(), nullable=False),  # Argon2id; '' until the link was used
    sa.Column("totp", Sealed("staff.totp", must=False), nullable=False),  # what the phone knows too
    sa.Column("step", Number(), nullable=False),  # of the last code that was taken: each counts once
    sa.Column("recovery", Words(), nullable=False),  # hashes with blanks between
    sa.Column("locked_at", Utc()),
    sa.Column("created_at", Utc(), nullable=False),
    **MARIADB,
)


class Refused(Exception):
    """It was not done; the text says in Chinese why, and what can be done instead."""


@dataclass(frozen=True, slots=True)
class Staff:
    """One colleague."""

    id: int
    login: str
    name: str
    duties: tuple[str, ...]
    scope: str
    enrolled: bool  # has a password and a phone
    locked_at: datetime | None

    @property
    def titles(self) -> str:
        """The duties in words."""
        return "、".join(DUTIES[duty] for duty in self.duties)

    def has(self, duties: Collection[str]) -> bool:
        """Whether one of these duties is theirs."""
        return any(duty in duties for duty in self.duties)


# --- who there is ------------------------------------------------------------------------------------------------


def add(
    connection: Connection, login: str, name: str, duties: Sequence[str], now: datetime, scope: str = ""
) -> Staff:
    """A new colleague, who cannot sign in before a link was used. Raises Refused."""
    if not LOGIN.fullmatch(login):
        raise Refused(f"登录名“{login}”不行：用小写字母开头，只用小写字母、数字、点和横线，2 到 32 个字符。")
    if scope and union.coded(connection, scope) is None:
        raise Refused(f"没有代码是 {scope} 的单位。有哪些，请看“组织”，或者 union list。")
    values = {
        "login": login,
        "name": name.strip() or login,
        "duties": _duties(duties),
        "scope": scope,
        "password": "",
        "totp": "",
        "step": 0,
        "recovery": "",
        "created_at": now,
    }
    if not add_row(connection, staff, values):
        raise Refused(f"已经有一位 {login} 了。忘了密码或者换了手机，请用 staff reset {login}。")
    return _known(connection, login)


def _duties(duties: Sequence[str]) -> str:
    by_title = {title: duty for duty, title in DUTIES.items()}
    named = [by_title.get(duty, duty) for duty in duties]
    strange = [duty for duty in named if duty not in DUTIES]
    allowed = "、".join(f"{duty}（{title}）" for duty, title in DUTIES.items())
    if strange or not named:
        raise Refused(
            f"{f'没有“{strange[0]}”这样的分工' if strange else '没有写分工'}，可以写的是：{allowed}。"
        )
    if len(set(named)) > 1 and any(duty in APART for duty in named):
        raise Refused("系统管理、安全管理和审计要分开：一个登录名只能有其中一样，也不能再有别的分工。")
    return " ".join(duty for duty in DUTIES if duty in named)


def share_out(connection: Connection, one: Staff, duties: Sequence[str]) -> Staff:
    """Give a colleague other duties. Raises Refused."""
    wanted = _duties(duties)
    if SECURITY in one.duties and SECURITY not in wanted.split():
        _not_the_last(connection, one)
    connection.execute(staff.update().where(staff.c.id == one.id).values(duties=wanted))
    return _known(connection, one.login)


def hand_over(connection: Connection, one: Staff, other: Staff, now: datetime) -> Staff:
    """All duties of a colleague go to another in one step, and the first is locked: they have left. Raises Refused."""
    if one.id == other.id:
        raise Refused("不能交给自己，请另选一位。")
    if other.locked_at is not None:
        raise Refused(f"{other.login} 锁上了，不能接。请先给他新的链接。")
    taken = share_out(connection, other, [*other.duties, *one.duties])
    lock(connection, one, now)
    return taken


def lock(connection: Connection, one: Staff, now: datetime) -> None:
    """From now on they cannot sign in, and are signed out everywhere. Raises Refused for the last who could undo it."""
    if SECURITY in one.duties:
        _not_the_last(connection, one)
    connection.execute(staff.update().where(staff.c.id == one.id).values(locked_at=now))


def _not_the_last(connection: Connection, one: Staff) -> None:
    others = [
        each
        for each in every(connection)
        if each.id != one.id and SECURITY in each.duties and each.locked_at is None and each.enrolled
    ]
    if not others:
        raise Refused(f"{one.login} 是最后一位安全管理员，锁上以后就没有人能管登录名了。请先加一位。")


def get(connection: Connection, number: int) -> Staff | None:
    """The colleague of this number."""
    return _one(connection, staff.c.id == number)


def named(connection: Connection, login: str) -> Staff | None:
    """The colleague of this login name."""
    return _one(connection, staff.c.login == login)


def every(connection: Connection) -> list[Staff]:
    """All of them, by login name."""
    return [of_row(row) for row in connection.execute(sa.select(staff).order_by(staff.c.login))]


def _known(connection: Connection, login: str) -> Staff:
    found = named(connection, login)
    assert found is not None
    return found


def _one(connection: Connection, which: sa.ColumnElement[bool]) -> Staff | None:
    row = connection.execute(sa.select(staff).where(which)).first()
    return of_row(row) if row else None


def of_row(row: Any) -> Staff:
    """As its row says."""
    duties = tuple(row.duties.split())
    return Staff(row.id, row.login, row.name, duties, row.scope, bool(row.password), row.locked_at)
