"""The service directory that ships, read once, and folders in which a clerk writes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from menus.reading import HERE, Reading, load, read

WHOLE = load()


@dataclass
class Clerk:
    """Somebody who edits a copy of the files."""

    folder: Path

    def writes(self, file: str, text: str) -> None:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def replaces(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text("utf-8")
        assert old in text
        self.writes(file, text.replace(old, new, 1))

    def reads(self) -> Reading:
        return read(self.folder)

    def hears(self) -> str:
        """Every fault, as it is told."""
        return "\n".join(str(problem) for problem in self.reads().problems)


def copied(folder: Path) -> Clerk:
    """The files that ship, in a folder of the clerk's own."""
    shutil.copytree(HERE, folder / "menus", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return Clerk(folder / "menus")


def small(folder: Path) -> Clerk:
    """The same with a single file of two entries."""
    clerk = copied(folder)
    shutil.rmtree(clerk.folder / "guides")
    for file, key in (("menu.toml", "first"), ("talk.toml", "offers")):
        lines = (clerk.folder / file).read_text("utf-8").splitlines()
        clerk.writes(file, "\n".join(line for line in lines if not line.startswith(key)))
    clerk.writes("guides/join.toml", ENTRY + OTHER)
    return clerk


ENTRY = """
[[guides]]
id = "join"
title = "怎样加入工会"
item = "JOIN"
words = ["入会", "加入工会"]
asks = ["咋进工会"]
answer = "向单位工会申请就行。"
how = ["填申请书。", "到〔待填：窗口〕办。"]
who = "职工。"
phones = ["12351"]
updated = 2026-11-27
valid_until = 2027-12-31
"""
OTHER = """
[[guides]]
id = "quit"
title = "怎样退会"
item = "JOIN"
words = ["退会"]
answer = "向工会小组提出。"
updated = 2026-11-27
valid_until = 2027-12-31
[[guides.facts]]
says = "会员有退会自由"
law = "中国工会章程"
article = "第六条"
version = 2023-10-12
checked = 2026-11-27
"""
