"""A bank of quiz questions: a sheet that the staff write (CSV or XLSX, one question a line), each with the law and the article behind
it; read whole, or refused with every fault by its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ground.normal import normal
from ground.sheet import KEPT, Filed, Sheet, UnusableError, by_name, filed

SAMPLES = Path(__file__).parent.parent / "samples"
MOST = 500  # questions
LETTERS = "ABCDEF"  # an option is called by its letter in the sheet, wherever a paper puts it
OPTIONS = tuple(f"选项{letter}" for letter in LETTERS)
NEEDED = ("题目", *OPTIONS[:2], "答案", "解释", "法律", "条款")
COLUMNS = ("题目", *OPTIONS, "答案", "解释", "法律", "条款", "权利")
SHEET = Sheet("题库", COLUMNS, NEEDED)
LONGEST = {"题目": 200, **dict.fromkeys(OPTIONS, 60), "解释": 200, "法律": 40, "条款": 30, "权利": 12}
LAW = re.compile(r"《[^《》]{2,36}》")
ARTICLE = re.compile(r"第[一二三四五六七八九十百零〇\d]+条.*")


@dataclass(frozen=True, slots=True)
class BankLine:
    """One question as the sheet has it. `right` are the letters of all right options, ascending; `about` the right (权利) that it
    asks for, '' for none."""

    stem: str
    options: tuple[tuple[str, str], ...]  # letter and words
    right: str
    why: str
    law: str
    article: str
    about: str = ""


def of_folder(folder: Path, name: str) -> Filed[BankLine]:
    """The bank of this file: beside the config file, else one of the samples. Raises UnusableError."""
    return filed(SHEET, SAMPLES, lines, folder, name)


def lines(name: str, raw: bytes) -> tuple[BankLine, ...]:
    """Every question of a sheet. Raises UnusableError with the first faults of all."""
    found = SHEET.taken(name, _judged(list(SHEET.rows(name, raw))))
    if not 0 < len(found) <= MOST:
        raise UnusableError(f"题库 {name} 里有 {len(found)} 道题，应有 1 到 {MOST} 道")
    return found


# --- one question ------------------------------------------------------------------------------------------------


def _judged(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, BankLine, list[str]]]:
    """Each question with what is wrong with it."""
    stems: dict[str, int] = {}
    for number, cells in rows:
        faults = list(_faults(cells))
        stem = normal(cells.get("题目", ""))
        if stem and (first := stems.setdefault(stem, number)) != number:
            faults.append(f"题目和第 {first} 行重复")
        yield number, _line(cells), faults


def _faults(cells: Mapping[str, str]) -> Iterator[str]:
    for column in NEEDED:
        if not cells.get(column, ""):
            yield f"没有写{column}"
    for column, most in LONGEST.items():
        if len(cells.get(column, "")) > most:
            yield f"{column}最多 {most} 个字，现在是 {len(cells[column])} 个"
    yield from _option_faults(cells)
    law, article = cells.get("法律", ""), cells.get("条款", "")
    if law and not LAW.fullmatch(law):
        yield f"法律写的是“{law[:20]}”，应当是全名，放在书名号里，例如《女职工劳动保护特别规定》"
    if article and not ARTICLE.fullmatch(article):
        yield f"条款写的是“{article[:20]}”，应当写成“第七条”“第九条第一款”的样子"


def _option_faults(cells: Mapping[str, str]) -> Iterator[str]:
    written = [cells.get(column, "") for column in OPTIONS]
    there = [letter for letter, words in zip(LETTERS, written, strict=True) if words]
    if there != list(LETTERS[: len(there)]):
        yield f"选项要从 A 起挨着写，现在写了 {'、'.join(there)}"
    plain = [normal(words) or words for words in written if words]
    if len(set(plain)) < len(plain):
        yield "有两个选项是一样的"
    answer = letters(cells.get("答案", ""))
    strange = [letter for letter in answer if letter not in there]
    if cells.get("答案", "") and (not answer or strange):
        yield f"答案写的是“{cells['答案'][:10]}”，应当是选项的字母，例如 B，多选写成 AC；这道题有 {'、'.join(there)}"


def letters(words: str) -> str:
    """The letters of options in these words, ascending, each once; '' where there is anything else."""
    found = normal(words).upper()
    return "".join(sorted(set(found))) if re.fullmatch(f"[{LETTERS}]+", found) else ""


def _line(cells: Mapping[str, str]) -> BankLine:
    options = [
        (letter, cells[column])
        for letter, column in zip(LETTERS, OPTIONS, strict=True)
        if cells.get(column, "")
    ]
    rest = (cells.get(column, "") for column in ("解释", "法律", "条款", "权利"))
    return BankLine(cells.get("题目", ""), tuple(options), letters(cells.get("答案", "")), *rest)


Bank = Annotated[Filed[BankLine], by_name(of_folder), KEPT]
"""In the config file a file's name."""
