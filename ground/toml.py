"""A TOML file that a clerk edits, from its bytes to a table, or the one fault that keeps it from being read."""

import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ground.lines import last_begun

MAX_FILE_BYTES = 1_000_000
MISSING = "没有找到这个文件"

Table = dict[str, Any]
T = TypeVar("T")


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
class Loaded(Generic[T]):
    """The typed value, or None and every problem that stands in its way, in the order of the file."""

    value: T | None
    problems: tuple[Problem, ...] = ()


class UnreadableError(Exception):
    """The file holds no table at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


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


SYNTAX = (
    ("Invalid value", "等号后面的值写法不对；文字要放在英文双引号里"),
    ("Expected '=' after a key", "名字后面应是英文等号 ="),
    ("Invalid initial character for a key part", "名字只能用英文字母、数字、- 和 _，前面不能有别的符号"),
    ("Unterminated string", "引号没有成对，少了后一半"),
    ("Illegal character", "引号没有成对，或者文字里夹了看不见的字符"),
    (
        "Expected newline or end of document",
        '这一行后面多了东西：文字（例如 "02-21 10:00"）要放在英文双引号里，某一天的时间要写到秒（2027-02-20T10:00:00），说明写在 # 后面',
    ),
    ("Cannot declare", "这张表前面已经写过一次"),
    ("Cannot overwrite a value", "这一项前面已经写过一次"),
    ("Cannot mutate immutable namespace", "这张表前面已经写完，不能再往里加"),
    ("Cannot redefine namespace", "这张表前面已经写过一次"),
    ("Duplicate inline table key", "花括号里有一项写了两次"),
    ("Unclosed array", "列表没有结束，少了 ]；每项之间用英文逗号"),
    ("Unclosed inline table", "花括号没有结束，少了 }；每项之间用英文逗号，并且写在同一行"),
    ("Expected ']", "方括号没有成对"),
    ('Expected \'"""\'', '三个双引号 """ 没有成对，少了后一半'),
    ("Invalid statement", "这一行看不懂；应是 名字 = 值（名字用英文字母），或 [表名]"),
    ("Found invalid character", "夹了不允许的字符"),
    ("Unescaped '\\'", "反斜杠 \\ 要写成 \\\\"),
    ("Invalid hex value", "反斜杠后面的写法不对"),
    ("Escaped character", "反斜杠后面的写法不对"),
    ("Invalid date or datetime", "没有这个日期或时间"),
    ("Expected ", "引号没有成对，少了后一半"),  # after the other things that can be expected
)
WIDE = "“”‘’＝，；：【】［］｛｝＃．"


def parse(path: Path, text: str) -> Table:
    """The table that the text is. Raises UnreadableError with the line and what is wrong there."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UnreadableError(Problem(str(path), 0, "", "括号套得太深，请检查方括号和花括号")) from None
    except ValueError as error:
        message = str(error)
        place = re.search(r"at line (\d+), column (\d+)", message)
        lines = text.split("\n")
        line, column = (int(place[1]), int(place[2])) if place else (last_begun(lines), 1)
        written = lines[line - 1] if line <= len(lines) else ""
        words = next((words for start, words in SYNTAX if message.startswith(start)), "写法不合 TOML 的规则")
        if message.startswith("Invalid initial") and not written[column - 1 :].strip():
            words = "花括号里的内容要写在同一行，最后一项后面不加逗号"
        wide = _wide(written, column)
        where = f"第 {column} 个字" if place else "从这一行开始，到文件末尾"
        raise UnreadableError(Problem(str(path), line, "", f"{where}：{words}{wide}")) from None


def _wide(line: str, column: int) -> str:
    """A hint when a Chinese punctuation mark stands where TOML wants its own."""
    here = line[column - 1 :].lstrip()[:1]
    found = here if here and here in WIDE else next((c for c in line if c in "“”＝"), "")
    return f"（这一行有中文标点 {found} ，请换成英文的）" if found else ""
