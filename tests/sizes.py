"""How large rooms, modules and functions are, and what a new thing touches: watched, not policed.

As a program it prints them, the rooms beside those of another commit: .venv/bin/python tests/sizes.py [COMMIT]
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
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


def rooms(commit: str = "") -> Counter[str]:
    """The product's lines of Python by room, in the tree as it stands or in a commit; revisions of the schema left out."""
    found: Counter[str] = Counter()
    if not commit:
        for path in sources():
            found[path.relative_to(ROOT).parts[0]] += path.read_text("utf-8").count("\n")
        return found
    for name in _git("ls-tree", "-r", "--name-only", commit).split():
        room = name.partition("/")[0]
        if name.endswith(".py") and (room in ROOMS or name == room) and "versions" not in name:
            found[room] += _git("show", f"{commit}:{name}").count("\n")
    return found


def importers(module: str) -> set[str]:
    """The files of the program that import this module, such as `channels.mass`."""
    room, _, name = module.partition(".")
    found = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (
                node.module == module or (node.module == room and name in {each.name for each in node.names})
            ):
                found.add(str(path.relative_to(ROOT)))
    return found


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main(commit: str = "") -> None:
    now, then = rooms(), rooms(commit) if commit else Counter[str]()
    for room in sorted(now | then):
        print(f"{room:12} {f'{then[room]:7,} →' if commit else ''} {now[room]:7,}")
    print(f"{'together':12} {f'{then.total():7,} →' if commit else ''} {now.total():7,}\n")
    print(*large(), sep="\n")
    print("\na new channel touches: channels/NAME.py,", *importers("channels.template"), "(one line)")
    print("a new guide touches: an entry of menus/guides/NAME.toml")


if __name__ == "__main__":
    main(*sys.argv[1:])
