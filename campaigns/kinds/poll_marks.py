"""What experts and unions gave, as a sheet: who, which candidate, how many points; taken whole or refused."""

from __future__ import annotations

from collections.abc import Collection

from ground.sheet import Sheet

MARKS = Sheet("评分表", ("评分人", "编号", "分数"), ("评分人", "编号", "分数"))
MOST_POINTS = 1_000_000
LONGEST = 64


def marks(name: str, raw: bytes, known: Collection[int]) -> list[tuple[str, int, int]]:
    """Giver, candidate's number and points of each line. Raises UnusableError."""
    found: dict[tuple[str, str], tuple[str, int, int]] = {}
    faults = []
    for line, cells in MARKS.rows(name, raw):
        giver, number, points = (cells.get(column, "") for column in MARKS.needed)
        if fault := _fault(giver, number, points, known):
            faults.append(f"第 {line} 行：{fault}")
        elif (giver, number) in found:
            faults.append(f"第 {line} 行：{giver} 给 {number} 号的分数写了两次")
        else:
            found[giver, number] = (giver, int(number), int(points))
    if faults:
        raise MARKS.refuse(name, faults)
    return list(found.values())


def _fault(giver: str, number: str, points: str, known: Collection[int]) -> str:
    if not 1 <= len(giver) <= LONGEST:
        return f"评分人要写代号，最多 {LONGEST} 个字"
    if not number.isdecimal() or int(number) not in known:
        return f"编号写的是“{number[:10]}”，候选里没有"
    if not points.isdecimal() or int(points) > MOST_POINTS:
        return f"分数写的是“{points[:10]}”，应为 0 到 {MOST_POINTS} 的整数"
    return ""
