"""Lists of unions and members, taken in: looked over first, line by line, and written down in short transactions.

Every line that cannot be taken is a Fault with its number, column, value and reason. Who looks over a file is remembered by the
file's digest; only a file that was looked over is taken in, and one that was broken off goes on where it was. The same file a
second time changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from ground import long_sheet
from ground.long_sheet import Line
from ground.sheet import Sheet
from models import member, shared, tree, union
from models.base import Connection, Store
from models.intake_lines import MEMBERS, UNIONS, Fault, member_lines, union_lines
from models.member import Came

PORTION = 500  # members in one transaction, so that a message coming in waits for milliseconds
MOST_FAULTS = 20_000  # that are kept; all are counted
KEPT = timedelta(days=30)
SEEN, PLACE = "intake seen ", "intake place "  # and the file's digest
Progress = Callable[[int], object]  # so many lines more


class NotSeen(Exception):
    """Nobody has looked over this very file; the text says in Chinese what to do first."""


class Faulty(Exception):
    """It has lines that cannot be taken, and nobody said to leave them out; the text says so in Chinese."""


@dataclass(slots=True)
class Report:
    """What came of a file."""

    lines: int = 0
    came: Came = field(default_factory=Came)
    faults: list[Fault] = field(default_factory=list)
    wrong: int = 0
    before: int = 0  # the line after which it went on

    def blame(self, fault: Fault) -> None:
        """One more line that cannot be taken."""
        self.wrong += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)

    @property
    def words(self) -> str:
        """In one sentence."""
        wrong = f"，{self.wrong} 处不对" if self.wrong else "，没有不对的地方"
        return f"{self.lines} 行：新的 {self.came.new}，要改的 {self.came.changed}，已经有的 {self.came.same}{wrong}。"


@dataclass(frozen=True, slots=True)
class File:
    """A list to be taken in: what staff call it, and its bytes."""

    name: str
    data: BinaryIO

    def lines(self, sheet: Sheet) -> Iterator[Line]:
        """Its lines. Raises UnusableError."""
        return long_sheet.read(sheet, self.name, self.data)


def _nothing(_: int) -> None:
    """Nobody watches."""


# --- unions ------------------------------------------------------------------------------------------------------


def unions(
    store: Store, file: File, now: datetime, *, dry: bool, skip: bool = False, tick: Progress = _nothing
) -> Report:
    """Look over a list of unions, or take it in whole. Raises UnusableError, NotSeen, Faulty and tree.Refused."""
    digest = long_sheet.digest(file.data)
    _may(store, digest, now, dry=dry, skip=skip)
    report = Report()
    with store.reading() as connection:
        known = union.every(connection)
    wanted = union_lines(_counted(file.lines(UNIONS), report, tick), known, report.blame)
    if dry:
        with store.reading() as connection:
            report.came = tree.take_in(connection, wanted, now, dry=True)
        _saw(store, digest, report, now)
    else:
        with store.writing() as connection:
            report.came = tree.take_in(connection, wanted, now)
    return report


def _counted(lines: Iterator[Line], report: Report, tick: Progress) -> Iterator[Line]:
    for line in lines:
        report.lines += 1
        tick(1)
        yield line


# --- members -----------------------------------------------------------------------------------------------------


def members(
    store: Store,
    file: File,
    now: datetime,
    *,
    dry: bool,
    skip: bool = False,
    tick: Progress = _nothing,
    scope: str = "",
) -> Report:
    """Look over a list of members, or take it in, a portion at a time. `scope` is the path below which whoever brings it may write.
    Raises UnusableError, NotSeen and Faulty."""
    digest = long_sheet.digest(file.data)
    _may(store, digest, now, dry=dry, skip=skip)
    report = Report()
    with store.reading() as connection:
        known = {one.code: one for one in union.every(connection) if one.path.startswith(scope)}
        report.before = 0 if dry else _place(connection, digest, now)
    lines = _counted(file.lines(MEMBERS), report, tick)
    for last, portion in _portions(member_lines(lines, known, report.blame)):
        if last <= report.before:
            continue
        if dry:
            with store.reading() as connection:
                report.came += member.take_in(connection, portion, now, dry=True)
            continue
        with store.writing() as connection:
            report.came += member.take_in(connection, portion, now)
            shared.write(connection, PLACE + digest, str(last), now, now + KEPT)
    if dry:
        _saw(store, digest, report, now)
    else:
        with store.writing() as connection:
            shared.drop(connection, PLACE + digest)
    return report


def _portions(found: Iterator[tuple[int, member.New]]) -> Iterator[tuple[int, Sequence[member.New]]]:
    """Some members at a time, with the number of the last line."""
    portion: list[member.New] = []
    last = 0
    for number, one in found:
        portion.append(one)
        last = number
        if len(portion) == PORTION:
            yield last, portion
            portion = []
    if portion:
        yield last, portion


# --- what was looked over ----------------------------------------------------------------------------------------


def _saw(store: Store, digest: str, report: Report, now: datetime) -> None:
    text = json.dumps({"lines": report.lines, "wrong": report.wrong})
    with store.writing() as connection:
        shared.write(connection, SEEN + digest, text, now, now + KEPT)


def _may(store: Store, digest: str, now: datetime, *, dry: bool, skip: bool) -> None:
    if dry:
        return
    with store.reading() as connection:
        found = shared.read(connection, SEEN + digest, now)
    if found is None:
        raise NotSeen("这份名单还没有试读过，或者试读以后改过。请先试读一遍，看清楚会改什么，再导入。")
    wrong = json.loads(found[0])["wrong"]
    if wrong and not skip:
        raise Faulty(
            f"这份名单有 {wrong} 处不对，什么也没有导入。请改好再试读；或者说明“跳过不对的行”，只导入其余的。"
        )


def _place(connection: Connection, digest: str, now: datetime) -> int:
    found = shared.read(connection, PLACE + digest, now)
    return int(found[0]) if found else 0
