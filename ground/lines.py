"""On which line of a TOML file each key stands."""

import tomllib
from collections.abc import Iterator
from typing import Any

Key = str | int
Loc = tuple[Key, ...]
Table = dict[str, Any]


def places(text: str) -> Iterator[tuple[Loc, int]]:
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


def last_begun(lines: list[str]) -> int:
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
