"""A sheet that staff write, CSV or XLSX, one thing a line: read whole, or refused in words with every fault by its line."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from xml.etree.ElementTree import ParseError

import openpyxl
from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

from ground.beside import OutsideError, beside
from ground.saved import NotTextError, text_of

MOST_BYTES = 4_000_000
MOST_UNPACKED = 40_000_000  # of an XLSX, which is a zip
TOLD = 8  # faults that are named
Line = TypeVar("Line")
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class UnusableError(ValueError):
    """The file cannot be taken; the words name every fault with its line."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet must look like. `what` is what staff call it; the `needed` columns must be there."""

    what: str
    columns: tuple[str, ...]
    needed: tuple[str, ...]

    def read(self, folder: Path, name: str, samples: Path) -> bytes:
        """The file beside the config file, else one of the samples. Raises UnusableError."""
        try:
            path = beside(folder, name)
            path = path if path.exists() else beside(samples, name)
            return path.read_bytes()
        except OutsideError as fault:
            raise UnusableError(f"{self.what} {name}：{fault}") from None
        except FileNotFoundError:
            raise UnusableError(f"没有找到{self.what} {name}，请把它放到配置文件所在的文件夹里") from None
        except OSError:
            raise UnusableError(f"{self.what} {name} 读不出来，请看它是不是一个文件，权限对不对") from None

    def rows(self, name: str, raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number and cells of each line; blank lines and those that begin with # are skipped. Raises UnusableError."""
        heading: list[str] = []
        for number, cells in self._lines(name, raw):
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not heading:
                heading = self.heading(name, cells)
            elif len(cells) > len(heading) and any(cells[len(heading) :]):
                raise UnusableError(
                    f"{self.what} {name} 第 {number} 行有 {len(cells)} 格，表头只有 {len(heading)} 格；"
                    "一格里有逗号的，前后要加英文双引号"
                )
            else:
                yield number, dict(zip(heading, cells, strict=False))

    def taken(self, name: str, judged: Iterable[tuple[int, Line, Sequence[str]]]) -> tuple[Line, ...]:
        """Every line, each given with its number and what is wrong with it. Raises UnusableError where anything is."""
        found, faults = [], []
        for number, line, words in judged:
            faults += [f"第 {number} 行：{each}" for each in words]
            found.append(line)
        if faults:
            raise self.refuse(name, faults)
        return tuple(found)

    def refuse(self, name: str, faults: Sequence[str]) -> UnusableError:
        """The first of these faults in one sentence, and how many more there are."""
        more = f"；还有 {len(faults) - TOLD} 处" if len(faults) > TOLD else ""
        return UnusableError(f"{self.what} {name} 有 {len(faults)} 处要改：{'；'.join(faults[:TOLD])}{more}")

    def _lines(self, name: str, raw: bytes) -> Iterator[tuple[int, list[str]]]:
        if raw.startswith(ZIP):
            yield from self._of_excel(name, raw)
            return
        reader = csv.reader(self._text(name, raw).splitlines(keepends=True), strict=True)
        try:
            for cells in reader:
                yield reader.line_num, [cell.strip() for cell in cells]
        except csv.Error:
            raise UnusableError(
                f"{self.what} {name} 第 {reader.line_num} 行读不出来，请看双引号是不是成对"
            ) from None

    def _of_excel(self, name: str, raw: bytes) -> Iterator[tuple[int, list[str]]]:
        """The first sheet's values, never its formulas."""
        strange = UnusableError(
            f"{self.what} {name} 不是能读的 Excel 表，请在 Excel 或 WPS 里另存为 .xlsx 或 CSV"
        )
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as packed:
                unpacked = sum(one.file_size for one in packed.infolist())
            if len(raw) > MOST_BYTES or unpacked > MOST_UNPACKED:
                raise UnusableError(f"{self.what} {name} 太大，请确认没有选错文件")
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            lines = [[plain(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
        except UnusableError:
            raise
        except (zipfile.BadZipFile, ParseError, KeyError, IndexError, TypeError, ValueError, OSError):
            raise strange from None
        yield from enumerate(lines, 1)

    def _text(self, name: str, raw: bytes) -> str:
        if raw.startswith(OLD_EXCEL):
            raise UnusableError(
                f"{self.what} {name} 是老式 Excel 文件（.xls）；请在 Excel 或 WPS 里另存为 .xlsx 或“CSV UTF-8”"
            )
        if len(raw) > MOST_BYTES:
            raise UnusableError(f"{self.what} {name} 太大，请确认没有选错文件")
        try:
            return text_of(raw)
        except NotTextError as fault:
            raise UnusableError(f"{self.what} {name} {fault}；请另存为“CSV UTF-8（逗号分隔）”") from None

    def heading(self, name: str, cells: Sequence[str]) -> list[str]:
        """The cells of the first line, where every column is known and none that is needed is missing. Raises UnusableError."""
        strange = [cell for cell in cells if cell and cell not in self.columns]
        lacking = [column for column in self.needed if column not in cells]
        twice = [cell for cell in dict.fromkeys(cells) if cell and cells.count(cell) > 1]
        if strange or lacking or twice:
            found = "；".join(
                f"{what}{'、'.join(names)}"
                for what, names in (("不认识 ", strange), ("缺少 ", lacking), ("重复了 ", twice))
                if names
            )
            raise UnusableError(
                f"{self.what} {name} 的表头{found}。可以写的是：{'、'.join(self.columns)}，"
                f"一定要有的是：{'、'.join(self.needed)}"
            )
        return list(cells)


@dataclass(frozen=True, slots=True)
class Filed(Generic[Line]):
    """What a sheet's file holds. Frozen rules keep its name and digest; the lines themselves are rows by then."""

    file: str
    digest: str = ""
    lines: tuple[Line, ...] = ()


def filed(
    sheet: Sheet, samples: Path, lines: Callable[[str, bytes], tuple[Line, ...]], folder: Path, name: str
) -> Filed[Line]:
    """What this file holds: beside the config file, else one of the samples. Raises UnusableError."""
    raw = sheet.read(folder, name, samples)
    return Filed(name, hashlib.sha256(raw).hexdigest(), lines(name, raw))


def by_name(take: Callable[[Path, str], Any]) -> BeforeValidator:
    """In the config file a file's name stands for what it holds; frozen rules have been read before."""

    def read(value: object, info: ValidationInfo) -> object:
        return take((info.context or {}).get("folder", Path()), value) if isinstance(value, str) else value

    return BeforeValidator(read)


def _kept(found: Filed[Any]) -> dict[str, str]:
    return {"file": found.file, "digest": found.digest}


KEPT = PlainSerializer(_kept)
"""How frozen rules keep a Filed."""


def plain(cell: object) -> str:
    """A cell of a spreadsheet as a person would have typed it."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return f"{cell:%Y-%m-%d}" if isinstance(cell, datetime) else str(cell).strip()
