"""`talk`: who would answer these words, and why; or how a whole list of sayings fares, group by group."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Literal

from commands.command_line import GOOD, PROBLEM, WRONG_USE, Options, refuse
from commands.parts import Parts
from ground.saved import NotTextError, text_of
from ground.table import Table, lines
from handlers.route import Route, route
from handlers.turn import House
from handlers.which import which

LISTED = 60
Say = Callable[[str], None]
Fared = Literal["hit", "offered", "wrong", "floor"]
WORDS = {"hit": "答对", "offered": "给了选择", "wrong": "答错", "floor": "说不会"}


@dataclass(frozen=True, slots=True)
class Saying:
    """A line of the list: `expected` are the pages that would be right, empty where any answer will do."""

    words: str
    group: str
    expected: tuple[str, ...] = ()


def run(options: Options, parts: Parts) -> int:
    """One saying, or a file of them."""
    house, now = parts.house, datetime.now(UTC)
    parts.take_up()
    if options.sayings is not None:
        return try_out(house, options.sayings, now)
    if not options.saying:
        raise refuse("后面写上一句话，例如 talk 工资没发；或者 --file 说法表.csv。", code=WRONG_USE)
    return ask(house, options.saying, now)


def ask(house: House, words: str, now: datetime, say: Say = print) -> int:
    """Who would answer these words."""
    say(which(house, words, now))
    return GOOD


def try_out(house: House, file: Path, now: datetime, say: Say = print) -> int:
    """A table of how the sayings of a CSV file fare, and each one that went wrong. 1 when the file cannot be read."""
    try:
        sayings = list(read(file))
    except NotTextError as fault:
        say(f"{file} {fault}；请另存为“CSV UTF-8（逗号分隔）”。")
        return PROBLEM
    except (OSError, KeyError) as error:
        reason = f"没有 {error} 这一列" if isinstance(error, KeyError) else "打不开"
        say(f"{file} 读不了：{reason}。第一行应是 phrase,group,expected，后面一行一句。")
        return PROBLEM
    judged = [
        (saying, found, fared(saying, found))
        for saying in sayings
        for found in [route(house, now, saying.words)]
    ]
    for line in lines(_table([(saying, result) for saying, _, result in judged]), LISTED, ""):
        say(line)
    for saying, found, result in judged:
        if result in ("wrong", "floor"):
            say(
                f"  {WORDS[result]}：{saying.words}　→　{page_of(found) or '不会'}　应是 {'、'.join(saying.expected) or '随便哪一页'}"
            )
    return GOOD


def read(file: Path) -> Iterator[Saying]:
    """The lines of the file: columns phrase, group, and expected with ids between |."""
    for row in csv.DictReader(StringIO(text_of(file.read_bytes()), newline="")):
        wanted = (row.get("expected") or "").split("|")
        yield Saying(row["phrase"], row["group"], tuple(one.strip() for one in wanted if one.strip()))


def fared(saying: Saying, found: Route) -> Fared:
    """How one saying fared. A guess or a choice that offers the right page is no wrong answer; an honest no is none either,
    and the right one where `nothing` was expected."""
    wanted = {_full(name) for name in saying.expected}
    if found.kind == "nothing":
        return "hit" if "nothing" in wanted else "floor"
    shown = pages_of(found)
    if not wanted or (shown[:1] and shown[0] in wanted) or (found.kind == "both" and wanted & set(shown)):
        return "hit"
    if found.kind in ("choice", "guess"):
        return (
            "offered"
            if wanted & set(shown) or "nothing" in wanted
            else "wrong"
            if found.kind == "guess"
            else "floor"
        )
    return "wrong"


def page_of(found: Route) -> str:
    """What is shown first."""
    return next(iter(pages_of(found)), "")


def pages_of(found: Route) -> tuple[str, ...]:
    """Every page that the answer shows or offers, the first one first."""
    if found.danger is not None:
        return (f"crisis:{found.danger.id}",)
    if found.kind in ("choice", "both", "guess"):
        return found.offered
    return (found.target or found.kind,)


def _full(name: str) -> str:
    known = ":" in name or name.isupper() or name.isdigit() or name in ("nothing", "faces")
    return name if known else f"guide:{name}"


def _table(judged: Iterable[tuple[Saying, Fared]]) -> Table:
    groups: dict[str, list[Fared]] = {}
    for saying, result in judged:
        groups.setdefault(saying.group, []).append(result)
    rows = [_row(name, results) for name, results in groups.items()]
    every = [result for results in groups.values() for result in results]
    return Table(
        "各组的回答", ("组", "句数", "答对率", "给选择", "答错率", "说不会"), (*rows, _row("合计", every))
    )


def _row(name: str, results: list[Fared]) -> tuple[str | int, ...]:
    shares = (f"{results.count(kind) / len(results):.1%}" for kind in ("hit", "offered", "wrong", "floor"))
    return (name, len(results), *shares) if results else (name, 0, "", "", "", "")
