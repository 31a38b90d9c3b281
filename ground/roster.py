"""A list of people: a text file with one openid a line, `#` before what is only said about it."""

import re
from pathlib import Path

from ground.beside import OutsideError, beside
from ground.saved import NotTextError, text_of

MOST_BYTES = 64 * 1024 * 1024
OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")  # as wide as the tables hold it
TOLD = 3  # wrong lines that are named


class RosterError(ValueError):
    """The list cannot be used; the words say in Chinese why and what to do. They quote nothing: it may name a person."""


def read(folder: Path, name: str) -> frozenset[str]:
    """The openids of this file, each once. Raises RosterError."""
    try:
        with beside(folder, name).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OutsideError as fault:
        raise RosterError(f"名单 {name}：{fault}") from None
    except FileNotFoundError:
        raise RosterError(f"没有找到文件 {name}，请把名单放到配置文件所在的文件夹里") from None
    except (OSError, ValueError):
        raise RosterError(f"名单文件 {name} 读不出来，请看它是不是一个文件，权限对不对") from None
    if len(raw) > MOST_BYTES:
        raise RosterError(f"名单文件 {name} 太大，请确认没有选错文件")
    return _openids(name, _text(name, raw))


def _text(name: str, raw: bytes) -> str:
    try:
        return text_of(raw)
    except NotTextError as fault:
        raise RosterError(
            f"名单 {name} {fault}；请在编辑器里用“另存为”，存成文本文件，编码选 UTF-8，每行一个编号"
        ) from None


def _openids(name: str, text: str) -> frozenset[str]:
    found, wrong = set(), []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            found.add(line)
            if not OPENID.fullmatch(line):
                wrong.append(number)
    if wrong:
        lines = "、".join(str(number) for number in wrong[:TOLD])
        more = f" 等 {len(wrong)} 行" if len(wrong) > TOLD else " 行"
        raise RosterError(
            f"名单文件 {name} 第 {lines}{more}不是编号：每行只写一个编号（openid），"
            "不加引号、逗号、表头和名字，说明写在 # 后面"
        )
    return frozenset(found)
