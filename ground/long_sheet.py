"""A sheet too long to be held at once, CSV or XLSX: read a line at a time, so that memory does not grow with it."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

import openpyxl

from ground.saved import NotTextError, lines_of
from ground.sheet import OLD_EXCEL, ZIP, Sheet, UnusableError, plain

MOST_BYTES = 200_000_000
MOST_UNPACKED = 800_000_000  # of an XLSX, which is a zip
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet: its number in the file, its cells by their headings, and whether it had more cells than there are
    headings."""

    number: int
    cells: dict[str, str]
    too_long: bool = False


def digest(file: BinaryIO) -> str:
    """By which the very same file is known again."""
    file.seek(0)
    found = hashlib.sha256()
    while piece := file.read(PIECE):
        found.update(piece)
    return found.hexdigest()


def open_sheet(sheet: Sheet, path: Path) -> BinaryIO:
    """The file, open. Raises UnusableError in words."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UnusableError(f"没有找到{sheet.what} {path.name}，请看文件名和文件夹写得对不对") from None
    except OSError:
        raise UnusableError(f"{sheet.what} {path.name} 读不出来，请看它是不是一个文件，权限对不对") from None


def read(sheet: Sheet, name: str, file: BinaryIO) -> Iterator[Line]:
    """Each line below the heading; blank ones and those that begin with # are skipped. Raises UnusableError for a file that is no
    such sheet."""
    heading: list[str] = []
    file.seek(0)
    for number, cells in _lines(sheet, name, file):
        if not any(cells) or cells[0].startswith("#"):
            continue
        if not heading:
            heading = sheet.heading(name, cells)
            continue
        yield Line(number, dict(zip(heading, cells, strict=False)), any(cells[len(heading) :]))
    if not heading:
        sheet.heading(name, [])


def _lines(sheet: Sheet, name: str, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    head = file.read(4)
    size = file.seek(0, 2)
    file.seek(0)
    if size > MOST_BYTES:
        raise UnusableError(f"{sheet.what} {name} 太大，请确认没有选错文件")
    if head.startswith(OLD_EXCEL):
        raise UnusableError(
            f"{sheet.what} {name} 是老式 Excel 文件（.xls）；请在 Excel 或 WPS 里另存为 .xlsx 或“CSV UTF-8”"
        )
    yield from _of_excel(sheet, name, file) if head.startswith(ZIP) else _of_text(sheet, name, file)


def _of_text(sheet: Sheet, name: str, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines_of(file), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error:
        raise UnusableError(
            f"{sheet.what} {name} 第 {reader.line_num} 行读不出来，请看双引号是不是成对"
        ) from None
    except NotTextError as fault:
        raise UnusableError(f"{sheet.what} {name} {fault}；请另存为“CSV UTF-8（逗号分隔）”") from None


def _of_excel(sheet: Sheet, name: str, file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """The first sheet's values, never its formulas."""
    try:
        with zipfile.ZipFile(file) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise UnusableError(f"{sheet.what} {name} 太大，请确认没有选错文件")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        first = book.worksheets[0]
        first.reset_dimensions()  # what the file says of its own size may be wrong
        for number, row in enumerate(first.iter_rows(values_only=True), 1):
            yield number, [plain(cell) for cell in row]
    except UnusableError:
        raise
    except (zipfile.BadZipFile, ParseError, KeyError, IndexError, TypeError, ValueError, OSError):
        raise UnusableError(
            f"{sheet.what} {name} 不是能读的 Excel 表，请在 Excel 或 WPS 里另存为 .xlsx 或 CSV"
        ) from None
