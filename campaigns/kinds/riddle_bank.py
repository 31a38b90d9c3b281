"""A bank of riddles: a sheet that the staff write (CSV or XLSX, one riddle a line), read whole or refused with every fault by its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ground.normal import normal
from ground.sheet import KEPT, Filed, Sheet, UnusableError, by_name, filed
from ground.simplified import simplified

SAMPLES = Path(__file__).parent.parent / "samples"
MOST = 500  # riddles
NEEDED = ("谜面", "谜目", "谜底")
COLUMNS = (*NEEDED, "别的答案", "解释", "提示", "难度", "第几天")
SHEET = Sheet("题库", COLUMNS, NEEDED)
BETWEEN = re.compile(r"[、/|；;，,]+")
LONGEST = {"谜面": 120, "谜目": 30, "谜底": 20, "别的答案": 100, "解释": 200, "提示": 60}


@dataclass(frozen=True, slots=True)
class BankLine:
    """One riddle as the sheet has it. `day` 0: the next day that has room."""

    face: str
    target: str
    answers: tuple[str, ...]
    why: str = ""
    hint: str = ""
    level: int = 1
    day: int = 0


def plain(words: str) -> str:
    """An answer as it is compared: in simplified signs, half-width, without blanks and punctuation; 《》 go too."""
    return simplified(normal(words))


def of_folder(folder: Path, name: str) -> Filed[BankLine]:
    """The bank of this file: beside the config file, else one of the samples. Raises UnusableError."""
    return filed(SHEET, SAMPLES, lines, folder, name)


def lines(name: str, raw: bytes) -> tuple[BankLine, ...]:
    """Every riddle of a sheet. Raises UnusableError with the first faults of all."""
    found = SHEET.taken(name, _judged(list(SHEET.rows(name, raw))))
    if not 0 < len(found) <= MOST:
        raise UnusableError(f"题库 {name} 里有 {len(found)} 条灯谜，应有 1 到 {MOST} 条")
    return found


# --- one riddle --------------------------------------------------------------------------------------------------


def _judged(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, BankLine, list[str]]]:
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


def _line(cells: Mapping[str, str]) -> BankLine:
    more = [piece for piece in BETWEEN.split(cells.get("别的答案", "")) if plain(piece)]
    level, day = cells.get("难度", ""), cells.get("第几天", "")
    return BankLine(
        cells.get("谜面", ""),
        cells.get("谜目", ""),
        tuple(dict.fromkeys([cells.get("谜底", ""), *more])),
        cells.get("解释", ""),
        cells.get("提示", ""),
        int(level) if level in ("1", "2", "3") else 1,
        int(day) if day.isascii() and day.isdigit() else 0,
    )


Bank = Annotated[Filed[BankLine], by_name(of_folder), KEPT]
"""In the config file a file's name."""
