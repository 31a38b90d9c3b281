"""How large the modules and functions are: watched, not policed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("ground", "wx", "menus", "models", "campaigns", "handlers", "channels", "jobs", "commands", "web")
MODULE, FUNCTION = 300, 50


def sources() -> Iterator[Path]:
    """Every Python file of the program, revisions of the schema left out."""
    for room in ROOMS:
        yield from sorted(path for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts)
    yield from (ROOT / "app.py", ROOT / "settings.py")


def large() -> Iterator[str]:
    """A line for each module and function that is longer than we like."""
    for path in sources():
        text = path.read_text("utf-8")
        lines = text.count("\n")
        if lines > MODULE:
            yield f"{path.relative_to(ROOT)}: {lines} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}() {length} lines"
