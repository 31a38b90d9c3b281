"""One table, three ways to read it: on the screen, as CSV, and as XLSX. What somebody typed never runs as a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from ground.text import visible

Cell = str | int
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # what a spreadsheet may take for the start of one
SAFE = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}
MOST_CHARACTERS = 32_767  # of one cell of a spreadsheet
MOST_DIGITS = 15  # of a number that a spreadsheet keeps exactly
UNNAMEABLE = re.compile(r"[\[\]:*?/\\']")  # what no sheet may be called
WIDEST = 60  # columns of text that a spreadsheet shows at once


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, its columns, its rows (each as long as `columns`; a column of numbers is whole numbers only)."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


# --- on the screen -----------------------------------------------------------------------------------------------


def lines(table: Table, most: int, more: str) -> Iterator[str]:
    """The table with its first `most` rows, numbers to the right; `more` says where the others are."""
    yield ""
    yield table.title
    if not table.rows:
        yield "  没有"
        return
    cells: list[Sequence[str]] = [
        table.columns,
        *([_shown(cell) for cell in row] for row in table.rows[:most]),
    ]
    widths = [max(width(row[column]) for row in cells) for column in range(len(table.columns))]
    numeric = [isinstance(cell, int) for cell in table.rows[0]]
    for row in cells:
        padded = (_pad(cell, wide, right) for cell, wide, right in zip(row, widths, numeric, strict=True))
        yield ("  " + "  ".join(padded)).rstrip()
    if len(table.rows) > most:
        yield f"  ……另有 {len(table.rows) - most} 行，{more}"


def width(text: str) -> int:
    """The columns that the text takes on a terminal, where a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def _shown(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else visible(cell)


def _pad(text: str, wide: int, right: bool) -> str:
    spaces = " " * (wide - width(text))
    return spaces + text if right else text + spaces


# --- in a file ---------------------------------------------------------------------------------------------------


def write_csv(file: Path, tables: Sequence[Table]) -> None:
    """Every table below the other, in UTF-8 with the mark by which Excel and WPS know it. Raises OSError."""
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        _write_csv(opened, tables)


def csv_of(tables: Sequence[Table]) -> bytes:
    """What `write_csv` writes."""
    written = io.StringIO(newline="")
    _write_csv(written, tables)
    return written.getvalue().encode("utf-8-sig")


def _write_csv(file: TextIO, tables: Sequence[Table]) -> None:
    writer = csv.writer(file)
    for table in tables:
        writer.writerow([_guarded(table.title)])
        writer.writerow([_guarded(name) for name in table.columns])
        writer.writerows([_guarded(cell) for cell in row] for row in table.rows)
        writer.writerow([])


def _guarded(cell: Cell) -> Cell:
    """A text that a spreadsheet would run as a formula gets the apostrophe that makes it a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(FORMULA) else cell


def write_xlsx(file: Path, tables: Sequence[Table]) -> None:
    """Every table on a sheet of its own, its heading fixed. Raises OSError."""
    with file.open("wb") as opened:
        _write_xlsx(opened, tables)


def xlsx_of(tables: Sequence[Table]) -> bytes:
    """What `write_xlsx` writes."""
    written = io.BytesIO()
    _write_xlsx(written, tables)
    return written.getvalue()


def _write_xlsx(file: BinaryIO, tables: Sequence[Table]) -> None:
    with Workbook(file, SAFE) as book:
        bold = book.add_format({"bold": True})
        for number, table in enumerate(tables, 1):
            sheet = book.add_worksheet(_sheet_name(number, table.title))
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(table.columns):
                wide = max(width(name), *(width(_shown(row[column])) for row in table.rows), 8)
                sheet.set_column(column, column, min(wide, WIDEST) + 1)
                sheet.write_string(0, column, name, bold)
            for line, row in enumerate(table.rows, 1):
                for column, cell in enumerate(row):
                    _put(sheet, line, column, cell)


def _put(sheet: Worksheet, line: int, column: int, cell: Cell) -> None:
    if isinstance(cell, int) and abs(cell) < 10**MOST_DIGITS:
        sheet.write_number(line, column, cell)
    else:  # a longer number would lose its last digits
        sheet.write_string(line, column, str(cell)[:MOST_CHARACTERS])


def _sheet_name(number: int, title: str) -> str:
    """A name that a spreadsheet takes: numbered, so that no two are the same, and at most 31 characters."""
    return f"{number} {UNNAMEABLE.sub(' ', title)}"[:31].rstrip()
