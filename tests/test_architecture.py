"""docs/architecture.md says file by file which way data take through the rooms; here the ways are walked and compared."""

from __future__ import annotations

import ast
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from push_cast import Office, campaign, office
from sizes import ROOMS, ROOT

__all__ = ["office"]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")


def test_a_message_takes_the_way_that_the_page_says(office: Office) -> None:
    walked: list[str] = []
    phone = office.phone("王师傅")
    phone.follows()
    office.platform.settle(5)
    callback, answer = office.platform.callback, office.platform.callback.target
    assert callable(answer)

    def observed(query: str, body: bytes) -> tuple[int, bytes]:
        with watched(walked):
            return answer(query, body)

    callback.target = observed
    phone.says("工伤")
    office.platform.settle(5)

    assert "工伤" in str(phone.received)
    assert met("A message", walked) == steps("A message")
    assert {name.partition("/")[0] for name in walked} == {
        name.partition("/")[0] for name in steps("A message")
    }


def test_each_proof_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs/proofs.md").read_text("utf-8")

    named = re.findall(r"(tests/\w+\.py)::(?:(\w+)::)?(\w+)", page)

    assert len(named) > 20
    for file, holder, test in named:
        module = ast.parse((ROOT / file).read_text("utf-8"))
        marks = {ast.unparse(each) for each in module.body if isinstance(each, ast.Assign)}
        bodies = [module.body] if not holder else [
            each.body for each in module.body if isinstance(each, ast.ClassDef) and each.name == holder
        ]  # fmt: skip
        (found,) = (each for body in bodies for each in body if getattr(each, "name", "") == test)
        told = {ast.unparse(each) for each in getattr(found, "decorator_list", ())} | marks
        is_soak = any("mark.soak" in words for words in told)
        assert is_soak == (f"**soak** {file}::{holder + '::' if holder else ''}{test}" in page), test


def test_a_push_takes_the_way_that_the_page_says(office: Office) -> None:
    walked: list[str] = []
    office.hires(3)
    office.campaigns = (campaign(),)

    worker = office.worker()

    with watched(walked):
        office.works(worker)

    assert len(office.platform.log) == 3
    assert met("A push", walked) == steps("A push")


def steps(heading: str) -> list[str]:
    """The files of the section's table, in its order."""
    section = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    return re.findall(r"^\| `([\w/]+\.py)`", section, re.MULTILINE)


def met(heading: str, walked: list[str]) -> list[str]:
    """The files of the table that were walked, in the order in which they were."""
    return [name for name in walked if name in steps(heading)]


@contextmanager
def watched(walked: list[str]) -> Iterator[None]:
    """Notes each file of ours that is entered, in the order of its first call, in this thread and in those started meanwhile."""
    notes = note(walked)
    sys.setprofile(notes)
    threading.setprofile(notes)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def note(walked: list[str]) -> Callable[[FrameType, str, object], None]:
    def called(frame: FrameType, event: str, arg: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            name = str(path.relative_to(ROOT))
            if (
                name.startswith(tuple(f"{room}/" for room in ROOMS))
                and "simulator" not in name
                and name not in walked
            ):
                walked.append(name)

    return called
