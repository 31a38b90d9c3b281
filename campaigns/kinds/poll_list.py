"""The candidates of a poll as staff write them: a sheet (XLSX or CSV) or a list in the config file, taken whole or refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo

from ground.beside import OutsideError, beside
from ground.photo import NoPhoto, glance
from ground.sheet import Sheet, UnusableError

SAMPLES = Path(__file__).parent.parent / "samples"
MOST = 500
LARGEST = 9999
COLUMNS = ("编号", "名称", "单位", "介绍", "类别", "照片")
KEYS = {"number": "编号", "name": "名称", "unit": "单位", "words": "介绍", "groups": "类别", "photo": "照片"}
LONGEST = {"名称": 30, "单位": 40, "介绍": 300, "类别": 60, "照片": 100}
SHEET = Sheet("候选名单", COLUMNS, ("编号", "名称"))
BETWEEN = re.compile(r"[、/|；;，,\s]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One candidate as it was written. `photo` is a file's name; `place` says where it stands, for words."""

    number: int
    name: str
    unit: str = ""
    words: str = ""
    groups: tuple[str, ...] = ()
    photo: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was written. Frozen rules keep the file's name and the digest of it all; the candidates are rows by then."""

    file: str = ""
    digest: str = ""
    folder: str = ""
    lines: tuple[Line, ...] = ()

    def photo(self, name: str) -> Path:
        """Where the photo of this name lies."""
        path = beside(Path(self.folder), name)
        return path if path.exists() else beside(SAMPLES, name)


def of_folder(folder: Path, name: str) -> Candidates:
    """The candidates of this file: beside the config file, else one of the samples. Raises UnusableError."""
    raw = SHEET.read(folder, name, SAMPLES)
    rows = [(f"第 {number} 行", cells) for number, cells in SHEET.rows(name, raw)]
    return _whole(name, folder, rows, raw)


def of_list(folder: Path, written: Sequence[object]) -> Candidates:
    """Those that stand in the config file itself. Raises UnusableError."""
    rows = []
    for number, one in enumerate(written, 1):
        if not isinstance(one, Mapping) or not set(one) <= set(KEYS):
            raise UnusableError(f"candidates 的第 {number} 个要写成表，可以写的是：{'、'.join(KEYS)}")
        cells = {KEYS[key]: _text(value) for key, value in one.items()}
        rows.append((f"第 {number} 个", cells))
    return _whole("", folder, rows, json.dumps(written, ensure_ascii=False, sort_keys=True).encode())


def _text(value: object) -> str:
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)


def _whole(name: str, folder: Path, rows: Sequence[tuple[str, Mapping[str, str]]], raw: bytes) -> Candidates:
    numbers: dict[str, str] = {}
    digest, lines, faults = hashlib.sha256(raw), [], []
    for place, cells in rows:
        wrong = list(_faults(cells))
        number = cells.get("编号", "").lstrip("0")
        if (first := numbers.setdefault(number, place)) != place:
            wrong.append(f"编号 {number} 和{first}重复")
        photo = cells.get("照片", "")
        if photo and not wrong:
            wrong += _photo_faults(folder, photo, digest)
        faults += [f"{place}：{each}" for each in wrong]
        if not wrong:
            lines.append(_line(cells, f"{place}（{number} 号 {cells['名称']}）"))
    if faults:
        raise SHEET.refuse(name, faults)
    if not 1 < len(lines) <= MOST:
        raise UnusableError(f"候选名单 {name} 里有 {len(lines)} 个候选，应有 2 到 {MOST} 个")
    return Candidates(name, digest.hexdigest(), str(folder), tuple(sorted(lines, key=lambda one: one.number)))


def _faults(cells: Mapping[str, str]) -> Iterator[str]:
    number = cells.get("编号", "")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= LARGEST):
        yield f"编号写的是“{number[:10]}”，应为 1 到 {LARGEST} 的整数"
    if not cells.get("名称", "").strip():
        yield "没有写名称"
    for column, most in LONGEST.items():
        if len(cells.get(column, "")) > most:
            yield f"{column}最多 {most} 个字，现在是 {len(cells[column])} 个"


def _photo_faults(folder: Path, name: str, digest: Any) -> Iterator[str]:
    """What is wrong with a photo's file; a good one goes into the digest."""
    try:
        data = Candidates(folder=str(folder)).photo(name).read_bytes()
        glance(data)
        digest.update(hashlib.sha256(data).digest())
    except (OutsideError, NoPhoto) as fault:
        yield f"照片 {name}：{fault}"
    except OSError:
        yield f"没有找到照片 {name}，请把它放到配置文件所在的文件夹里"


def _line(cells: Mapping[str, str], place: str) -> Line:
    groups = tuple(dict.fromkeys(piece for piece in BETWEEN.split(cells.get("类别", "")) if piece))
    name, unit, words, photo = (cells.get(column, "").strip() for column in ("名称", "单位", "介绍", "照片"))
    return Line(int(cells["编号"]), name, unit, words, groups, photo, place)


def _read(value: object, info: ValidationInfo) -> object:
    """A file's name or a list in the config becomes what it holds; frozen rules have been read before."""
    folder = (info.context or {}).get("folder", Path())
    if isinstance(value, str):
        return of_folder(folder, value)
    return of_list(folder, value) if isinstance(value, list) else value


def _kept(found: Candidates) -> dict[str, Any]:
    return {"file": found.file, "digest": found.digest}


Listed = Annotated[Candidates, BeforeValidator(_read), PlainSerializer(_kept)]
"""In the config file a file's name, or the candidates themselves."""
