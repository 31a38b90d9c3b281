"""A bank of riddles: a sheet that the staff write (CSV, one riddle a line), read whole or refused with every fault by its line."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

from ground.beside import OutsideError, beside
from ground.normal import normal
from ground.simplified import simplified

SAMPLES = Path(__file__).parent.parent / "samples"
MOST_BYTES = 4_000_000
MOST = 500  # riddles
TOLD = 8  # faults that are named
NEEDED = ("谜面", "谜目", "谜底")
COLUMNS = (*NEEDED, "别的答案", "解释", "提示", "难度", "第几天")
BETWEEN = re.compile(r"[、/|；;，,]+")
LONGEST = {"谜面": 120, "谜目": 30, "谜底": 20, "别的答案": 100, "解释": 200, "提示": 60}


@dataclass(frozen=True, slots=True)
class Line:
    """One riddle as the sheet has it. `day` 0: the next day that has room."""

    face: str
    target: str
    answers: tuple[str, ...]
    why: str = ""
    hint: str = ""
    level: int = 1
    day: int = 0


@dataclass(frozen=True, slots=True)
class Riddles:
    """What a file holds. Frozen rules keep its name and digest; the riddles themselves are rows by then."""

    file: str
    digest: str = ""
    lines: tuple[Line, ...] = ()


class UnusableError(ValueError):
    """The file cannot be taken; the words name every fault with its line."""


def plain(words: str) -> str:
    """An answer as it is compared: in simplified signs, half-width, without blanks and punctuation; 《》 go too."""
    return simplified(normal(words))


def of_folder(folder: Path, name: str) -> Riddles:
    """The bank of this file: beside the config file, else one of the samples. Raises UnusableError."""
    try:
        path = beside(folder, name)
        path = path if path.exists() else beside(SAMPLES, name)
        raw = path.read_bytes()
    except OutsideError as fault:
        raise UnusableError(f"题库 {name}：{fault}") from None
    except FileNotFoundError:
        raise UnusableError(f"没有找到题库 {name}，请把它放到配置文件所在的文件夹里") from None
    except OSError:
        raise UnusableError(f"题库 {name} 读不出来，请看它是不是一个文件，权限对不对") from None
    return Riddles(name, hashlib.sha256(raw).hexdigest(), lines(name, raw))


def lines(name: str, raw: bytes) -> tuple[Line, ...]:
    """Every riddle of a sheet. Raises UnusableError with the first faults of all."""
    found, faults = [], []
    for number, line, words in _judged(list(_rows(name, raw))):
        faults += [f"第 {number} 行：{each}" for each in words]
        found.append(line)
    if faults:
        more = f"；还有 {len(faults) - TOLD} 处" if len(faults) > TOLD else ""
        raise UnusableError(f"题库 {name} 有 {len(faults)} 处要改：{'；'.join(faults[:TOLD])}{more}")
    if not 0 < len(found) <= MOST:
        raise UnusableError(f"题库 {name} 里有 {len(found)} 条灯谜，应有 1 到 {MOST} 条")
    return tuple(found)


# --- the sheet ---------------------------------------------------------------------------------------------------


def _rows(name: str, raw: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each riddle; blank lines and those that begin with # are skipped."""
    reader = csv.reader(_text(name, raw).splitlines(keepends=True), strict=True)
    heading: list[str] = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not heading:
                heading = _heading(name, cells)
            elif len(cells) > len(heading) and any(cells[len(heading) :]):
                raise UnusableError(
                    f"题库 {name} 第 {reader.line_num} 行有 {len(cells)} 格，表头只有 {len(heading)} 格；"
                    "一格里有逗号的，前后要加英文双引号"
                )
            else:
                yield reader.line_num, dict(zip(heading, cells, strict=False))
    except csv.Error:
        raise UnusableError(f"题库 {name} 第 {reader.line_num} 行读不出来，请看双引号是不是成对") from None


def _text(name: str, raw: bytes) -> str:
    if raw[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UnusableError(
            f"题库 {name} 是 Excel 文件或压缩包；请在 Excel 或 WPS 里另存为“CSV UTF-8（逗号分隔）”"
        )
    if len(raw) > MOST_BYTES or b"\0" in raw:
        raise UnusableError(f"题库 {name} 不是一张表，或者太大，请确认没有选错文件")
    for encoding in ("utf-8-sig", "gb18030"):  # WPS and Excel save either
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            pass
    raise UnusableError(f"题库 {name} 的文字读不出来；请另存为“CSV UTF-8（逗号分隔）”")


def _heading(name: str, cells: Sequence[str]) -> list[str]:
    strange = [cell for cell in cells if cell and cell not in COLUMNS]
    lacking = [column for column in NEEDED if column not in cells]
    twice = [cell for cell in dict.fromkeys(cells) if cell and cells.count(cell) > 1]
    if strange or lacking or twice:
        found = "；".join(
            f"{what}{'、'.join(names)}"
            for what, names in (("不认识 ", strange), ("缺少 ", lacking), ("重复了 ", twice))
            if names
        )
        raise UnusableError(f"题库 {name} 的表头{found}。可以写的是：{'、'.join(COLUMNS)}，前三个一定要有")
    return list(cells)


# --- one riddle --------------------------------------------------------------------------------------------------


def _judged(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, Line, list[str]]]:
    """Each riddle with what is wrong with it."""
    faces: dict[str, int] = {}
    for number, cells in rows:
        faults = list(_faults(cells))
        face = plain(cells.get("谜面", ""))
        if face and (first := faces.setdefault(face, number)) != number:
            faults.append(f"谜面和第 {first} 行重复")
        yield number, _line(cells), faults


def _faults(cells: Mapping[str, str]) -> Iterator[str]:
    for column in NEEDED:
        if not plain(cells.get(column, "")):
            yield f"没有写{column}"
    for column, most in LONGEST.items():
        if len(cells.get(column, "")) > most:
            yield f"{column}最多 {most} 个字，现在是 {len(cells[column])} 个"
    shown = [
        sign for sign in dict.fromkeys(plain(cells.get("谜底", ""))) if sign in plain(cells.get("谜面", ""))
    ]
    if shown:
        yield f"谜底里的“{'、'.join(shown)}”在谜面里出现了（露面），请换一条"
    if cells.get("难度", "") not in ("", "1", "2", "3"):
        yield f"难度写的是“{cells['难度'][:10]}”，只能写 1（容易）、2、3（难）"
    day = cells.get("第几天", "")
    if day and not (day.isascii() and day.isdigit() and 1 <= int(day) <= 60):
        yield f"第几天写的是“{day[:10]}”，应为 1 到 60 的整数"


def _line(cells: Mapping[str, str]) -> Line:
    more = [piece for piece in BETWEEN.split(cells.get("别的答案", "")) if plain(piece)]
    level, day = cells.get("难度", ""), cells.get("第几天", "")
    return Line(
        cells.get("谜面", ""),
        cells.get("谜目", ""),
        tuple(dict.fromkeys([cells.get("谜底", ""), *more])),
        cells.get("解释", ""),
        cells.get("提示", ""),
        int(level) if level in ("1", "2", "3") else 1,
        int(day) if day.isascii() and day.isdigit() else 0,
    )


def _from_file(value: object, info: ValidationInfo) -> object:
    """A file's name in the config becomes what it holds; frozen rules have been read before."""
    if not isinstance(value, str):
        return value
    return of_folder((info.context or {}).get("folder", Path()), value)


def _kept(bank: Riddles) -> dict[str, Any]:
    return {"file": bank.file, "digest": bank.digest}


Bank = Annotated[Riddles, BeforeValidator(_from_file), PlainSerializer(_kept)]
"""In the config file a file's name."""
