"""A federation's tree and its members' lists, as clerks write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from openpyxl import Workbook

from commands.command_line import Options
from commands.union import take_in
from models import union
from models.base import Store

NOW = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)
TREE = (
    ("单位代码", "单位名称", "上级代码", "级别", "种类", "口令"),
    ("018", "辽河纺织厂工会", "2111", "", "", "纺织厂一家人"),
    ("211100", "盘锦市总工会", "", "", "", ""),
    ("2111", "双台子区总工会", "211100", "县区级", "", ""),
    ("2112", "大洼区总工会", "211100", "县区级", "", ""),
    ("019", "红海滩旅游公司工会", "2112", "", "企业", ""),
    ("020", "辽河纺织厂二车间分会", "018", "", "", ""),
)
MEMBERS = (
    ("单位代码", "姓名", "手机号", "会员编号"),
    ("018", "王桂兰", "13800000001", "PJ0001"),
    ("018", "李建国", "13800000002", ""),
    ("020", "赵铁柱", "", "PJ0003"),
    ("019", "孙海燕", "13800000004", "PJ0004"),
)
Rows = Iterable[Sequence[object]]


def sheet(path: Path, rows: Rows, code: str = "utf-8-sig") -> Path:
    """The list as a file: a spreadsheet where it is called so, else CSV."""
    if path.suffix == ".xlsx":
        book = Workbook(write_only=True)
        page = book.create_sheet()
        for row in rows:
            page.append(list(row))
        book.save(path)
        return path
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path.write_bytes(text.getvalue().encode(code))
    return path


def brings(store: Store, noun: str, path: Path, now: datetime = NOW, **typed: object) -> list[str]:
    """`union import` or `member import`, the dry run first; what was said at the end."""
    said: list[str] = []
    for dry in (True, False):
        options = Options(file=path, dry_run=dry)
        for name, value in typed.items():
            setattr(options, name, value)
        take_in(store, options, now, noun, said.append)
    return said


def settled(store: Store, folder: Path) -> None:
    """The tree of TREE with the members of MEMBERS."""
    brings(store, "union", sheet(folder / "unions.csv", TREE))
    brings(store, "member", sheet(folder / "members.csv", MEMBERS))


def path_of(store: Store, code: str) -> str:
    with store.reading() as connection:
        found = union.coded(connection, code)
    assert found is not None
    return found.path
