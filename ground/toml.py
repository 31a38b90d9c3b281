"""A TOML file that a clerk edits, from its bytes to a table, or the one fault that keeps it from being read."""

import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ground.slip import slips

MAX_FILE_BYTES = 1_000_000
MISSING = "没有找到这个文件"

Table = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where (`config.toml` or an environment variable), its line (0 = none), the key, and the words."""

    place: str
    line: int
    key: str
    words: str

    def __str__(self) -> str:
        place = f"{self.place}:{self.line}" if self.line else self.place
        return f"{place}：{self.key}：{self.words}" if self.key else f"{place}：{self.words}"


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T_co]):
    """The typed value, or None and every problem that stands in its way, in the order of the file."""

    value: T_co | None
    problems: tuple[Problem, ...] = ()


class UnreadableError(Exception):
    """The file holds no table at all; `problems` say why, `problem` is the first of them."""

    def __init__(self, problem: Problem, *more: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.problems = (problem, *more)


def text_of(path: Path, missing: str = MISSING) -> tuple[str, int]:
    """What the file says, and who may open it. Raises UnreadableError, with the words `missing` when there is none."""

    def fault(words: str, line: int = 0) -> UnreadableError:
        return UnreadableError(Problem(str(path), line, "", words))

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise fault("这不是一个文件（可能是文件夹），请写出文件的名字")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise fault(missing) from None
    except PermissionError:
        raise fault(
            "没有权限读取这个文件；请让运行本系统的用户成为文件的主人（chown），或放开读取权限"
        ) from None
    except (OSError, ValueError):
        raise fault("这个文件读不出来，请检查文件名和磁盘") from None
    if len(raw) > MAX_FILE_BYTES:
        raise fault(f"文件太大，最多 {MAX_FILE_BYTES // 1000} kB；请确认没有选错文件")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n"), mode
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise fault("文件不是 UTF-8 编码；请在编辑器里用“另存为”，编码选 UTF-8", line) from None


def parse(path: Path, text: str) -> Table:
    """The table that the text is. Raises UnreadableError with every line that is wrong and what is wrong there."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        problems = [Problem(str(path), line, "", words) for line, words in slips(text)]
        raise UnreadableError(*problems) from None
