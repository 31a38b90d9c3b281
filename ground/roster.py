"""A list of people: a text file with one openid a line, `#` before what is only said about it."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ground.beside import OutsideError, beside
from ground.ordered import Ordered
from ground.saved import NotTextError, lines_of

MOST_BYTES = 1024 * 1024 * 1024
OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")  # as wide as the tables hold it
TOLD = 3  # wrong lines that are named
PAGE = 10_000


class RosterError(ValueError):
    """The list cannot be used; the words say in Chinese why and what to do. They quote nothing: it may name a person."""


def pages(folder: Path, name: str) -> Iterator[list[str]]:
    """The openids of this file as they stand there, some thousand at a time. Raises RosterError, at its end for wrong lines."""
    wrong: list[int] = []
    try:
        with beside(folder, name).open("rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise RosterError(f"名单文件 {name} 太大，请确认没有选错文件")
            lines = enumerate(lines_of(file), 1)
            while page := list(islice(lines, PAGE)):
                yield _openids(page, wrong)
    except OutsideError as fault:
        raise RosterError(f"名单 {name}：{fault}") from None
    except FileNotFoundError:
        raise RosterError(f"没有找到文件 {name}，请把名单放到配置文件所在的文件夹里") from None
    except NotTextError as fault:
        raise RosterError(
            f"名单 {name} {fault}；请在编辑器里用“另存为”，存成文本文件，编码选 UTF-8，每行一个编号"
        ) from None
    except RosterError:
        raise
    except (OSError, ValueError):
        raise RosterError(f"名单文件 {name} 读不出来，请看它是不是一个文件，权限对不对") from None
    if wrong:
        where = "、".join(str(number) for number in wrong[:TOLD])
        more = f" 等 {len(wrong)} 行" if len(wrong) > TOLD else " 行"
        raise RosterError(
            f"名单文件 {name} 第 {where}{more}不是编号：每行只写一个编号（openid），"
            "不加引号、逗号、表头和名字，说明写在 # 后面"
        )


def people(folder: Path, name: str) -> Ordered:
    """All of them in order, each once. Raises RosterError."""
    found = Ordered()
    for page in pages(folder, name):
        found.add(page)
    return found


def count(folder: Path, name: str) -> int:
    """How many they are. Raises RosterError."""
    return sum(1 for _ in people(folder, name))


def _openids(page: list[tuple[int, str]], wrong: list[int]) -> list[str]:
    found = []
    for number, line in page:
        line = line.strip()
        if line and not line.startswith("#"):
            found.append(line)
            if not OPENID.fullmatch(line):
                wrong.append(number)
    return found
