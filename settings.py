"""The config file, the environment and the secrets made into one typed value, or every fault in plain words."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from ground import loose
from ground.draft import Draft
from ground.lines import Loc
from ground.shape import bare, item, keys, model_of, nearest, one_of, tables
from ground.toml import Loaded, Problem, Table, UnreadableError, parse, text_of

PREFIX = "GONGHUI_"
MAX_SECRET_BYTES = 64_000
MISSING = "没有找到配置文件；请先复制一份：cp config.example.toml config.toml，再按里面的说明修改"

M = TypeVar("M", bound=BaseModel)


def load(model: type[M], path: Path, environ: Mapping[str, str]) -> Loaded[M]:
    """The file with the environment laid over it and its secrets fetched; never raises for a wrong file."""
    try:
        text, mode = text_of(path, MISSING)
        table = parse(path, text)
    except UnreadableError as fault:
        return Loaded(None, fault.problems)
    draft = _Config(model, path, text, table)
    draft.lay_over(environ)
    draft.fetch_secrets(environ, mode)
    value = draft.judge(model)
    problems = tuple(sorted(draft.problems, key=lambda problem: (problem.line, problem.place)))
    return Loaded(None if problems else value, problems)


def loosely(path: Path, environ: Mapping[str, str], section: str, key: str) -> str | None:
    """One text or secret of the config, from the environment, else from the file however broken it is; None where it
    cannot be made out."""
    if from_environ := environ.get(f"{PREFIX}{section}__{key}".upper(), "").strip():
        return from_environ
    written = loose.value(path, section, key)
    if isinstance(written, dict) and isinstance(name := written.get("env"), str):
        written = environ.get(name, "")
    elif isinstance(written, dict) and isinstance(name := written.get("file"), str):
        try:
            with (path.parent / name).open("rb") as file:
                written = file.read(MAX_SECRET_BYTES).decode("utf-8-sig", errors="replace")
        except (OSError, ValueError):
            return None
    return written.strip() or None if isinstance(written, str) else None


def salvage(model: type[M], path: Path, environ: Mapping[str, str]) -> M:
    """What can still be had of a broken file, section by section, each by itself; its default where one cannot be read.

    For who must tell of it, or stop what runs, whatever else is wrong."""
    try:
        text, _ = text_of(path, MISSING)
    except UnreadableError:
        text = ""
    found: dict[str, object] = {}
    for section, field in keys(model).items():
        if not model_of(field.annotation):
            continue
        value = _alone(model, path, _section(text, section), environ)
        found |= {section: getattr(value, section)} if value else {}
    return model.model_construct(**{**dict(model()), **found})


def _section(text: str, name: str) -> str:
    """The lines of this table, as far as they can be told from the others."""
    found = re.search(rf"^[ \t]*\[[ \t]*{name}[ \t]*\].*?(?=^[ \t]*\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def _alone(model: type[M], path: Path, text: str, environ: Mapping[str, str]) -> M | None:
    """A config of nothing but this text and the environment, None where that is broken too."""
    try:
        table = parse(path, text)
    except UnreadableError:
        table = {}
    draft = _Config(model, path, text, table)
    draft.lay_over(environ)
    draft.fetch_secrets(environ, 0)
    value = draft.judge(model)
    return None if draft.problems else value


class _Config(Draft):
    """The raw config, with what the environment and the secrets add."""

    def __init__(self, model: type[BaseModel], path: Path, text: str, table: Table) -> None:
        super().__init__(model, str(path), text, table)
        self.path = path
        self.from_environ: dict[Loc, str] = {}

    def blame(self, loc: Loc, words: str) -> None:
        """Notes a fault of this key, with the line that it stands on or the variable that it came from."""
        for length in range(len(loc), 0, -1):
            if name := self.from_environ.get(loc[:length]):
                self.problems.append(Problem(f"来自环境变量 {name}", 0, self.spell(loc), words))
                return
        super().blame(loc, words)

    def lay_over(self, environ: Mapping[str, str]) -> None:
        """Puts GONGHUI_<SECTION>__<KEY> over what the file says; names that secrets refer to are left alone."""
        known = {
            f"{PREFIX}{section}__{key}".upper(): (section, key, field)
            for section, part in keys(self.model).items()
            if (inner := model_of(part.annotation))
            for key, field in keys(inner).items()
        }
        referred = {value.get("env") for _, value in self._secrets() if isinstance(value, dict)}
        for name in sorted(n for n in environ if n.startswith(PREFIX) and n not in referred):
            if name not in known and "__" not in name and not difflib.get_close_matches(name, known, 1, 0.85):
                continue  # no section and no key: somebody else's variable
            if name not in known:
                words = f"没有这个配置项{nearest(name, list(known)) or '，请删掉这个环境变量'}"
                self.problems.append(Problem(f"来自环境变量 {name}", 0, "", words))
                continue
            section, key, field = known[name]
            part = self.table.setdefault(section, {})
            if isinstance(part, dict):
                part[key] = _from_text(environ[name], field.annotation)
                self.from_environ[section, key] = name

    def _secrets(self) -> Iterator[tuple[Loc, Any]]:
        """Every secret that is written, with its raw value."""
        for loc, model, table in tables(self.model, self.table):
            for key, field in keys(model).items():
                if bare(field.annotation) is SecretStr and key in table:
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
            keys = one_of([self.spell(loc) for loc in open_to_all])
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
                secret = secret.strip()
        else:
            secret = self._secret_file(loc, self.path.parent / name)
        parent[loc[-1]] = secret or ""

    def _secret_file(self, loc: Loc, path: Path) -> str | None:
        """What the file holds, without the space around it; None when it cannot be had, which is noted."""
        try:
            with path.open("rb") as file:
                raw, mode = file.read(MAX_SECRET_BYTES + 1), os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                words = (
                    f"别的用户也能打开存放密码的文件 {path}（权限 {mode & 0o777:o}）；请执行 chmod 600 {path}"
                )
                self.blame(loc, words)
                return None
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


def _from_text(text: str, annotation: Any) -> Any:
    """What an environment variable means for a key of this type; text that does not fit is left for the models.

    Blanks around it are nobody's intention: a file of variables that Windows has saved ends each line in one."""
    text = text.strip()
    plain, each_type = bare(annotation), item(annotation)
    if each_type is not None:
        return [_from_text(each.strip(), each_type) for each in text.split(",") if each.strip()]
    if plain is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if plain in (int, float) and re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", text):
        return float(text) if "." in text else int(text)
    return text


def _gives_away(text: str) -> bool:
    """Whether a secret really says something secret: an address does only with a password in it."""
    return bool(re.match(r"[^@]*://[^@]*:[^@]+@", text)) if "://" in text else bool(text)
