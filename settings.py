"""The config file, the environment and the secrets made into one typed value, or every fault in plain words."""

import difflib
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

PREFIX = "GONGHUI_"
MAX_FILE_BYTES = 1_000_000
MAX_SECRET_BYTES = 64_000

Key = str | int
Loc = tuple[Key, ...]
Table = dict[str, Any]
M = TypeVar("M", bound=BaseModel)


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
class Loaded(Generic[M]):
    """The typed value, or None and every problem that stands in its way, in the order of the file."""

    value: M | None
    problems: tuple[Problem, ...] = ()


class UnreadableError(Exception):
    """The file holds no table at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def load(model: type[M], path: Path, environ: Mapping[str, str]) -> Loaded[M]:
    """The file with the environment laid over it and its secrets fetched; never raises for a wrong file."""
    try:
        text, mode = _text(path)
        table = _parse(path, text)
    except UnreadableError as fault:
        return Loaded(None, (fault.problem,))
    draft = _Draft(model, path, text, table)
    draft.lay_over(environ)
    draft.fetch_secrets(environ, mode)
    value = draft.judge(model)
    problems = tuple(sorted(draft.problems, key=lambda problem: (problem.line, problem.place)))
    return Loaded(None if problems else value, problems)


# --- from bytes to a table ---------------------------------------------------------------------------------


def _text(path: Path) -> tuple[str, int]:
    """What the file says, and who may open it."""

    def fault(words: str, line: int = 0) -> UnreadableError:
        return UnreadableError(Problem(str(path), line, "", words))

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise fault("这不是一个文件（可能是文件夹），请写出配置文件的名字")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise fault(
            "没有找到配置文件；请先复制一份：cp config.example.toml config.toml，再按里面的说明修改"
        ) from None
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


def _parse(path: Path, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UnreadableError(Problem(str(path), 0, "", "括号套得太深，请检查方括号和花括号")) from None
    except ValueError as error:
        message = str(error)
        place = re.search(r"at line (\d+), column (\d+)", message)
        lines = text.split("\n")
        line, column = (int(place[1]), int(place[2])) if place else (_last_begun(lines), 1)
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


# --- what the models know about a key ----------------------------------------------------------------------


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _bare(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        if NoneType not in get_args(annotation) or len(kinds) != 1:
            return annotation
        annotation = kinds[0]


def _item(annotation: Any) -> Any:
    """What a list holds, None for anything else."""
    bare = _bare(annotation)
    return _bare(get_args(bare)[0]) if get_origin(bare) in (list, tuple, set, frozenset) else None


def _model(annotation: Any) -> type[BaseModel] | None:
    bare = _bare(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, BaseModel) else None


def _tables(
    model: type[BaseModel], table: Table, loc: Loc = ()
) -> Iterator[tuple[Loc, type[BaseModel], Table]]:
    """Every table that is written, with the model that it should fit."""
    yield loc, model, table
    for key, field in _keys(model).items():
        value = table.get(key)
        inner, item = _model(field.annotation), _model(_item(field.annotation))
        if inner and isinstance(value, dict):
            yield from _tables(inner, value, (*loc, key))
        elif item and isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, dict):
                    yield from _tables(item, each, (*loc, key, index))


def _nearest(word: str, names: list[str]) -> str:
    close = difflib.get_close_matches(word, names, 1)
    return f"，是否想写 {close[0]}？" if close else ""


def _one_of(names: list[str]) -> str:
    return "、".join(names)


# --- one file being judged ---------------------------------------------------------------------------------


class _Draft:
    """The raw table on its way to becoming a value, and the problems met so far."""

    def __init__(self, model: type[BaseModel], path: Path, text: str, table: Table) -> None:
        self.model, self.path, self.text, self.table = model, path, text, table
        self.problems: list[Problem] = []
        self.from_environ: dict[Loc, str] = {}
        self._lines: dict[Loc, int] | None = None

    def blame(self, loc: Loc, words: str) -> None:
        """Notes a fault of this key, with the line that it stands on or the variable that it came from."""
        for length in range(len(loc), 0, -1):
            if name := self.from_environ.get(loc[:length]):
                self.problems.append(Problem(f"来自环境变量 {name}", 0, self._spell(loc), words))
                return
        self.problems.append(Problem(str(self.path), self.line(loc), self._spell(loc), words))

    def line(self, loc: Loc) -> int:
        """The line of the key, or of the nearest table around it; 0 when the file has neither."""
        if self._lines is None:
            self._lines = dict(reversed(list(_lines(self.text))))
        while loc and loc not in self._lines:
            loc = loc[:-1]
        return self._lines.get(loc, 0)

    def _spell(self, loc: Loc) -> str:
        """`campaigns[yuanxiao].pushes[open].yearly`: items are called by their id, else counted from 1."""
        words = ""
        value: Any = self.table
        for key in loc:
            listed = isinstance(value, list) and isinstance(key, int)
            value = value.get(key) if isinstance(value, dict) else value[key] if listed else None
            if isinstance(key, int):
                name = value.get("id") if isinstance(value, dict) else None
                words += f"[{name}]" if isinstance(name, str) and name else f"[第 {key + 1} 个]"
            else:
                words += f".{key}" if words else key
        return words

    def lay_over(self, environ: Mapping[str, str]) -> None:
        """Puts GONGHUI_<SECTION>__<KEY> over what the file says; names that secrets refer to are left alone."""
        known = {
            f"{PREFIX}{section}__{key}".upper(): (section, key, field)
            for section, part in _keys(self.model).items()
            if (inner := _model(part.annotation))
            for key, field in _keys(inner).items()
        }
        referred = {value.get("env") for _, value in self._secrets() if isinstance(value, dict)}
        for name in sorted(n for n in environ if n.startswith(PREFIX) and n not in referred):
            if name not in known and "__" not in name and not difflib.get_close_matches(name, known, 1, 0.85):
                continue  # no section and no key: somebody else's variable
            if name not in known:
                words = f"没有这个配置项{_nearest(name, list(known)) or '，请删掉这个环境变量'}"
                self.problems.append(Problem(f"来自环境变量 {name}", 0, "", words))
                continue
            section, key, field = known[name]
            part = self.table.setdefault(section, {})
            if isinstance(part, dict):
                part[key] = _from_text(environ[name], field.annotation)
                self.from_environ[section, key] = name

    def _secrets(self) -> Iterator[tuple[Loc, Any]]:
        """Every secret that is written, with its raw value."""
        for loc, model, table in _tables(self.model, self.table):
            for key, field in _keys(model).items():
                if _bare(field.annotation) is SecretStr and key in table:
                    yield (*loc, key), table[key]

    def fetch_secrets(self, environ: Mapping[str, str], mode: int) -> None:
        """Puts the secret itself where `{ env = … }` or `{ file = … }` stands, and looks who may read the others."""
        open_to_all = []
        for loc, value in list(self._secrets()):
            if isinstance(value, dict):
                self._fetch(loc, value, environ)
            elif isinstance(value, str) and _gives_away(value) and loc not in self.from_environ:
                open_to_all.append(loc)
        if open_to_all and mode & 0o077:
            keys = _one_of([self._spell(loc) for loc in open_to_all])
            self.blame(
                open_to_all[0],
                f"密码（{keys}）直接写在文件里，可是别的用户也能打开这个文件（权限 {mode & 0o777:o}）；"
                f"请执行 chmod 600 {self.path}",
            )

    def _fetch(self, loc: Loc, source: Table, environ: Mapping[str, str]) -> None:
        parent: Any = self.table
        for key in loc[:-1]:
            parent = parent[key]
        kind, name = next(iter(source.items())) if len(source) == 1 else ("", "")
        secret: str | None = None
        if kind not in ("env", "file") or not isinstance(name, str) or not name:
            self.blame(loc, '密码要写成文字，或 { env = "环境变量名" }，或 { file = "文件名" }')
        elif kind == "env":
            secret = environ.get(name)
            if secret is None:
                self.blame(loc, f"没有设置环境变量 {name}")
        else:
            secret = self._secret_file(loc, self.path.parent / name)
        parent[loc[-1]] = secret or ""

    def _secret_file(self, loc: Loc, path: Path) -> str | None:
        """What the file holds, without the space around it; None when it cannot be had, which is noted."""
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_SECRET_BYTES + 1)
            if len(raw) <= MAX_SECRET_BYTES:
                return raw.decode("utf-8-sig").strip()
            self.blame(loc, f"存放密码的文件 {path} 太大，请确认没有选错文件")
        except FileNotFoundError:
            self.blame(loc, f"没有找到存放密码的文件 {path}")
        except UnicodeDecodeError:
            self.blame(loc, f"存放密码的文件 {path} 不是 UTF-8 文字")
        except (OSError, ValueError):
            self.blame(loc, f"存放密码的文件 {path} 读不出来，请检查权限")
        return None

    def judge(self, model: type[M]) -> M | None:
        """The value; every fault that the models find is noted."""
        between = {loc for loc, part, _ in _tables(model, self.table) if hasattr(part, "odds")}
        for loc, part, table in _tables(model, self.table):
            for words in getattr(part, "odds", lambda _: ())(table):
                self.blame(loc, words)
        self._unique_ids()
        try:
            return model.model_validate(self.table)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                at: Loc = tuple(each["loc"])
                if not (each["type"] == "value_error" and at in between):  # `odds` has said it
                    self.blame(at, _words(model, at, each))
        return None

    def _unique_ids(self) -> None:
        seen: dict[tuple[Loc, str], Loc] = {}
        for loc, _, table in _tables(self.model, self.table):
            name = table.get("id")
            if not (loc and isinstance(loc[-1], int) and isinstance(name, str)):
                continue
            first = seen.setdefault((loc[:-1], name), loc)
            if first != loc:
                self.blame(
                    (*loc, "id"), f"「{name}」重复了，第 {self.line((*first, 'id'))} 行已经用过，请换一个"
                )


def _from_text(text: str, annotation: Any) -> Any:
    """What an environment variable means for a key of this type; text that does not fit is left for the models."""
    bare, item = _bare(annotation), _item(annotation)
    if item is not None:
        return [_from_text(each.strip(), item) for each in text.split(",") if each.strip()]
    if bare is bool:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if bare in (int, float) and re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", text.strip()):
        return float(text) if "." in text else int(text)
    return text


def _gives_away(text: str) -> bool:
    """Whether a secret really says something secret: an address does only with a password in it."""
    return bool(re.match(r"[^@]*://[^@]*:[^@]+@", text)) if "://" in text else bool(text)


# --- where a key stands ------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[tuple[Loc, int]]:
    """Every key path of a file that parses, with the line on which it begins, first mention first."""
    lines = text.split("\n")
    counts: dict[Loc, int] = {}
    here: Loc = ()
    start = 0
    while start < len(lines):
        end, fragment = _statement(lines, start)
        if lines[start].lstrip().startswith("["):
            here = _header(fragment, lines[start].lstrip().startswith("[["), counts)
            yield from ((here[:length], start + 1) for length in range(1, len(here) + 1))
        elif fragment:
            yield from (((*here, *path), start + 1) for path in _paths(fragment, deep=end == start + 1))
            yield from (((*here, *path), line) for path, line in _inside(lines, start, end))
        start = end


def _statement(lines: list[str], start: int) -> tuple[int, Table]:
    """The end of the statement that begins here, and what it says; it grows until it parses."""
    for end in range(start + 1, len(lines) + 1):
        if end == start + 1 or any(mark in lines[end - 1] for mark in ("]", "}", '"""', "'''")):
            try:
                return end, tomllib.loads("\n".join(lines[start:end]))
            except ValueError:
                continue
    return len(lines), {}


def _last_begun(lines: list[str]) -> int:
    """The line on which the last statement begins, which may never end."""
    start = end = 0
    while end < len(lines):
        start, (end, _) = end, _statement(lines, end)
    return start + 1


def _header(fragment: Table, array: bool, counts: dict[Loc, int]) -> Loc:
    """The path of a `[table]` or of the newest item of an `[[array]]`."""
    keys: list[str] = []
    value: Any = fragment
    while isinstance(value, dict) and value:
        key = next(iter(value))
        keys.append(key)
        value = value[key]
    loc: Loc = ()
    for position, key in enumerate(keys):
        loc = (*loc, key)
        if array and position == len(keys) - 1:
            counts[loc] = counts.get(loc, 0) + 1
        if loc in counts:
            loc = (*loc, counts[loc] - 1)
    return loc


def _paths(value: Any, loc: Loc = (), *, deep: bool = True) -> Iterator[Loc]:
    """Every path inside a value; not `deep` leaves out what lists hold."""
    if loc:
        yield loc
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*loc, key), deep=deep)
    elif isinstance(value, list) and deep:
        for index, inner in enumerate(value):
            yield from _paths(inner, (*loc, index))


def _inside(lines: list[str], start: int, end: int) -> Iterator[tuple[Loc, int]]:
    """What the lines of a long list hold, each on the line that completes it."""
    if end - start < 2 or end - start > 300:
        return
    for last in range(start + 1, end + 1):
        for closing in ("", "]", "}]", "]}", "]}]", "]]"):
            try:
                fragment = tomllib.loads("\n".join(lines[start:last]) + closing)
            except ValueError:
                continue
            yield from ((path, last) for path in _paths(fragment))
            break


# --- faults in words ---------------------------------------------------------------------------------------

WORDS = {
    "missing": "缺少这一项，必须写",
    "string_type": "应为文字，放在英文双引号里",
    "bool_type": "只能写 true 或 false，不加引号",
    "bool_parsing": "只能写 true 或 false，不加引号",
    "int_type": "应为整数，不加引号",
    "int_parsing": "应为整数，不加引号",
    "int_from_float": "应为整数，不带小数",
    "float_type": "应为数字，不加引号",
    "float_parsing": "应为数字，不加引号",
    "finite_number": "应为普通的数字",
    "list_type": '应为列表，例如 ["甲", "乙"]',
    "tuple_type": '应为列表，例如 ["甲", "乙"]',
    "dict_type": '应为一张表，例如 {{ 名字 = "值" }}',
    "model_type": '应为一张表，例如 {{ 名字 = "值" }}',
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "too_short": "至少要有 {min_length} 项，现在是 {actual_length} 项",
    "too_long": "最多 {max_length} 项，现在是 {actual_length} 项",
    "string_too_short": "不能少于 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_pattern_mismatch": "里面有不能用的字符",
    "value_error": "{error}",
    "assertion_error": "{error}",
}


def _words(model: type[BaseModel], loc: Loc, error: Mapping[str, Any]) -> str:
    """The fault in Chinese: what was found (secrets masked), what is allowed, the nearest name."""
    kind, context, value = error["type"], dict(error.get("ctx", {})), error["input"]
    if kind == "extra_forbidden":
        names = list(_keys(_model_at(model, loc[:-1]) or model))
        return f"不认识的配置项{_nearest(str(loc[-1]), names)}（这里可以写：{_one_of(names)}）"
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", context["expected"])
        close = _nearest(value, names) if isinstance(value, str) else ""
        return f"只能写 {_one_of(names)} 之一{close}{_found(model, loc, value)}"
    if kind == "string_too_short" and context["min_length"] == 1:
        return "不能空着"
    if kind == "string_too_long":
        return f"{WORDS[kind].format(**context)}，现在是 {len(value)} 个{_found(model, loc, value)}"
    words = WORDS.get(kind, "这样写不行").format(**context)
    return words if kind in ("missing", "too_short", "too_long") else words + _found(model, loc, value)


def _found(model: type[BaseModel], loc: Loc, value: object) -> str:
    """What was written, in brackets; nothing for tables and lists, stars for secrets."""
    if isinstance(value, Mapping | list | tuple | BaseModel):
        return ""
    if _is_secret(model, loc):
        return "（写的是 ***）"
    if isinstance(value, bool):
        return f"（写的是 {str(value).lower()}）"
    if isinstance(value, date | time):
        return f"（写的是 {value.isoformat()}）"
    line = " ".join(str(value).split())
    text = line if len(line) <= 40 else f"{line[:40]}…"
    return f"（写的是「{text}」）" if isinstance(value, str) else f"（写的是 {text}）"


def _is_secret(model: type[BaseModel], loc: Loc) -> bool:
    if not loc:
        return False
    parent = _model_at(model, loc[:-1])
    field = _keys(parent).get(str(loc[-1])) if parent else None
    return field is not None and _bare(field.annotation) is SecretStr


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel] | None:
    """The model of the table at this path, None where it is no table."""
    here: Any = model
    for key in loc:
        if isinstance(key, int):
            here = _item(here)
        else:
            part = _model(here)
            field = _keys(part).get(key) if part else None
            here = field.annotation if field else None
    return _model(here)
