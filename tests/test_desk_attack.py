"""Whoever writes into a form what is no word, or asks for what is not theirs, at every address of the desk and the workers' pages."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_attack_cast import COMPUTED, FORMULAS, PAYLOADS, House, Page, filled, poison
from desk_cast import deeds
from openpyxl import load_workbook

from campaigns.kinds import KINDS
from models.base import Store

STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?\d+")
OWN = {"staff.name", "alarms.words"}  # what each page of a colleague's says of themselves and the house
HARMLESS = {"/console/export/guides"}  # it holds what stands in files of the house
ELSE = {
    "GET": set(),
    "POST": {303, 400, 405, 409},
}  # what is answered besides 404, of a deed that does nothing either
MARK = re.compile(r"\[\[(\w+\.\w+)\]\]")
READ = {
    "alarms.words", "audit.details", "candidates.name", "candidates.unit", "editions.title", "entries.told", "evaluations.words",
    "interactions.content", "letter_steps.words", "moments.words", "nominations.unit", "nominations.words", "opinions.answer",
    "opinions.words", "pushes.content", "questions.stem", "requests.unit", "requests.words", "riddles.face", "slots.title",
    "staff.name", "steps.note", "steps.words", "stock_moves.note", "union_codes.place", "unions.name", "wishes.reason", "wishes.words",
}  # fmt: skip
"""What must have been seen on some page, so that it shows something that the others are clean."""
WIDE = (
    *(str(each) for each in (0, 10**6, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**30)),
    "9" * 5000,
)
STRANGE = (
    "..", "../../etc/passwd", "%", "_", "*", "' or 1=1 --", '" or ""="', "1;drop table staff", "\x00", "a\x00b", "\n", " ", "None",
    "null", "undefined", "true", "-1", "1.0", "1e3", "0x1", "１", "①", "𝟙", "S1", "B1", "nobody", "admin", "ADMIN", "\u202e", "\ud7ff",
    "{{7*7}}", "${7*7}", "<script>", "a" * 64, "a" * 5000, "王" * 200, "\U0001f600", "__proto__", "constructor", "..%2f..",
)  # fmt: skip
FOREIGN = (*WIDE, *STRANGE)


@pytest.fixture
def house(sqlite_store: Store, tmp_path: Path) -> Iterator[House]:
    made = House(sqlite_store, tmp_path)
    yield made
    made.close()


def test_what_anybody_wrote_is_text_on_every_page(house: House) -> None:
    assert len(PAYLOADS) == 60
    poison(house.store, " ".join(PAYLOADS))
    seen: set[str] = set()
    opened: dict[str, set[int]] = defaultdict(set)
    for rule, path in house.addresses("GET"):
        answer = house.asks(path)
        opened[rule].add(answer.status_code)
        assert answer.status_code < 500, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype == "text/html":
            text = answer.get_data(as_text=True)
            assert Page(text).faults == [], path
            assert COMPUTED not in text, path
            seen |= set(MARK.findall(text))

    assert READ - seen == set()
    assert sum(200 in got for got in opened.values()) > 40


@pytest.mark.parametrize(
    "bad", ["<script>alert(1)</script>", "<b onclick='f()'>", "<a href=' java\nscript:x'>", "<base href=/>"]
)
def test_the_reader_of_pages_sees_what_an_attacker_has_brought_in(bad: str) -> None:
    assert Page(f"<p>{bad}</p>").faults
    assert Page("<p>&lt;script&gt;</p><script nonce='x' src='/a.js'></script>").faults == []


def test_nothing_in_any_export_runs_as_a_formula(house: House) -> None:
    taken: dict[str, set[str]] = defaultdict(set)
    paths: set[str] = set()
    exports = [each for each in house.addresses("POST") if each[0].startswith("/console/export/")]
    for sign in FORMULAS:
        poison(house.store, f"{sign}cmd|'/c calc'!A1")
        for rule, path in exports:
            for kind in ("csv", "xlsx") if sign == FORMULAS[0] else ("csv",):
                answer = house.sends(path, purpose="核对", **{"as": kind})
                assert answer.status_code in (200, 404), path
                if answer.status_code == 200:
                    paths.add(path)
                    taken[rule] |= set(cells(answer.data, kind, path))
        exports = [each for each in exports if each[0] in taken]

    assert {
        f"/console/export/edition/{number}" for number in range(1, len(KINDS) + 1)
    } <= paths  # each kind's tables
    assert set(taken) == {
        rule.rule for rule in house.rules("POST") if rule.rule.startswith("/console/export/")
    }
    assert {rule for rule, found in taken.items() if not any("cmd|" in each for each in found)} == HARMLESS


def cells(data: bytes, kind: str, path: str) -> Iterator[str]:
    """What stands in the file; none of it may run."""
    if kind == "csv":
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            for cell in row:
                assert not cell.lstrip().startswith(STARTS) or NUMBER.fullmatch(cell), (path, cell)
                yield cell
        return
    book = load_workbook(io.BytesIO(data))
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (path, cell.value)
                yield str(cell.value)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found_and_shows_nothing_of_anybody(house: House, method: str) -> None:
    assert len(set(FOREIGN)) == 50
    poison(house.store, "THEIRS")
    done = deeds(house.store)
    ask = house.asks if method == "GET" else house.sends
    known, found = house.known(), defaultdict(set)
    for rule in house.rules(method):
        for part in rule.arguments:
            real = {name: known.get(name, ["1"])[0] for name in rule.arguments}
            for foreign in FOREIGN:
                answer = ask(filled(rule, real | {part: foreign}))
                found[rule.rule, part].add(answer.status_code)
                assert answer.status_code < 500, (rule, foreign)
                if part == "what" and "/do/" in rule.rule:
                    continue  # no such deed, on the page of a thing that is theirs
                assert set(MARK.findall(answer.get_data(as_text=True))) <= OWN, (rule, foreign)
    assert {status for got in found.values() for status in got} <= {404} | ELSE[method]
    assert deeds(house.store) == done
