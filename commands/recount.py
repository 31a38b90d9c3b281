"""`recount`: a published file, counted again by anybody, without the database."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

from commands.command_line import GOOD, PROBLEM, Options, refuse
from commands.parts import Parts

BALLOT = re.compile(rb"[1-9]\d{0,3}( [1-9]\d{0,3})*")
RECEIPT = re.compile(rb"[0-9a-f]{64}")
LONGEST = 300  # bytes of a line


def run(options: Options, parts: Parts) -> int:
    """What was typed after `recount`."""
    return recount(options.file, options.digest)


def recount(file: Path, digest: str) -> int:
    """Count the ballots or the receipts of a file and say its digest; a problem where a line is none, or the digest another."""
    votes: Counter[int] = Counter()
    whole, number, before = hashlib.sha256(), 0, b""
    shape = None
    with file.open("rb") as lines:
        while line := lines.readline(LONGEST):
            number += 1
            whole.update(line)
            shape = shape or (RECEIPT if RECEIPT.fullmatch(line.rstrip(b"\n")) else BALLOT)
            if fault := _fault(shape, line, before):
                raise refuse(f"{file} 第 {number} 行{fault}。这个文件被改过，或者不是公布的文件。")
            before = line
            votes.update(int(each) for each in line.split() if shape is BALLOT)
    found = whole.hexdigest()
    print(f"{file}：{number} 行，{'每行是一张回执的校验码' if shape is RECEIPT else '每行是一张选票'}。")
    for candidate, count in sorted(votes.items()):
        print(f"  {candidate} 号 {count} 票")
    print(f"文件的校验码：{found}")
    if not digest:
        print("请和结果页上公布的校验码对一对；或者写上 --digest，由程序来对。")
        return GOOD
    if found != digest.strip().lower():
        print(f"和给的校验码不一样（{digest.strip().lower()}）：文件被改过，或者不是同一次公布的。")
        return PROBLEM
    print("和给的校验码一样。")
    return GOOD


def _fault(shape: re.Pattern[bytes], line: bytes, before: bytes) -> str:
    """What is wrong with a line after the one before it."""
    words = line.removesuffix(b"\n")
    if words == line:
        return "没有写完整"
    if shape.fullmatch(words) is None:
        shown = words[:40].decode("utf-8", "replace")
        return f"是“{shown}”，应该是{'64 位校验码' if shape is RECEIPT else '候选的编号，中间空一格'}"
    if line < before or (shape is RECEIPT and line == before):
        return "没有排在它该在的地方"
    numbers = [int(each) for each in words.split()] if shape is BALLOT else []
    if sorted(set(numbers)) != numbers:
        return "里的编号有重复，或者没有从小到大"
    return ""
