"""The house rules, as far as a machine can see them."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sizes import ROOMS, ROOT, importers, sources

import app
from channels import CHANNELS
from web.console import told

TOP = {
    ".ci", ".gitignore", "Makefile", "README.md", "app.py", "benchmarks", "campaigns", "channels", "commands",
    "config.example.toml", "deploy", "docs", "ground", "handlers", "jobs", "menus", "models", "pyproject.toml",
    "settings.py", "tests", "web", "wx",
}  # fmt: skip
NAMELESS = re.compile(r"^(utils?|helpers?|managers?|services?|data|infos?|process(es)?|common|misc|core)$")
MINE = {"app", "settings", *ROOMS}
# Machine paths, package registries, and promises to finish something later; [] keeps this line from finding itself.
FORBIDDEN = re.compile(
    r"/work[/]|/root[/]|/home/(?!gonghui)\w+[/]|pypi[.]org|pythonhosted[.]|npmjs[.]|yarnpkg[.]|npmmirror[.]|debian[.]org"
    r"|\bTO[D]O\b|\bFIXM[E]\b|\bA[I]\b|\bLL[M]s?\b|[Ii]ssue #\d"
)
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_each_room_imports_only_what_it_may() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    # A process of its own: it would switch off the loggers of this one.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("room", [*ROOMS, "settings"])
def test_only_app_knows_everything(room: str) -> None:
    for path in [ROOT / "settings.py"] if room == "settings" else sorted((ROOT / room).rglob("*.py")):
        imported = set(imports(path))

        assert "app" not in imported, path
        assert room == "settings" or "settings" not in imported, path
        assert room != "settings" or not imported & (MINE - {"ground"}), path


def test_every_package_that_is_imported_is_declared_and_the_other_way_round() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deptry", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_both_locks_pin_the_same_versions() -> None:
    run, test = (pins(ROOT / name) for name in ("deploy/run.lock", "tests/test.lock"))

    assert run.items() <= test.items()


def test_every_thing_that_is_declared_is_locked() -> None:
    declared = (ROOT / "pyproject.toml").read_text().split("dependencies = [")[1].split("]\n")[0]
    names = set(re.findall(r'"([a-z0-9-]+)', declared))

    assert names <= set(pins(ROOT / "deploy/run.lock")), names - set(pins(ROOT / "deploy/run.lock"))


def test_nothing_stands_at_the_top_that_has_no_place_there() -> None:
    assert {Path(name).parts[0] for name in tracked()} <= TOP


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = {path for path in sources() if NAMELESS.match(path.stem)}

    assert named <= {ROOT / "channels/service.py"}  # it says which channel: the customer-service message


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_is_known_to_the_table_of_channels_alone(channel: str) -> None:
    assert importers(f"channels.{channel}") == {"channels/__init__.py"}


def test_no_file_names_a_machine_a_registry_or_a_stranger() -> None:
    found = []
    for name in tracked():
        try:
            text = (ROOT / name).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found += [f"{name}: {match[0]}" for match in FORBIDDEN.finditer(text)]

    assert found == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_in_the_documents_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_points_to_exists(document: Path) -> None:
    for file, name in re.findall(r"tests/(test_\w+\.py)(?:::(test_\w+))?", document.read_text("utf-8")):
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert not name or f"def {name}(" in path.read_text("utf-8"), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_is_one_that_the_program_has(document: Path) -> None:
    for words in typed(document):
        app.parse(words)  # ends the program when it does not know them
    for words in mentioned(document):
        assert words[0] in app.COMMANDS, words
        deeds = app.COMMANDS[words[0]].deeds
        assert not deeds or words[1] in deeds, words


def test_the_manual_names_every_command_that_staff_may_need() -> None:
    manual = ROOT / "docs/manual.zh.md"
    named = {words[0] for words in (*typed(manual), *mentioned(manual))}

    assert named >= set(app.COMMANDS) - {"demo", "serve", "work", "run"}


# --- what the tests look at --------------------------------------------------------------------------------------


def imports(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def tracked() -> list[str]:
    """Every file of the repository."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name]


LINE = re.compile(r"(?:\.venv/bin/python app\.py|gonghui) ([a-z].*)")


def typed(document: Path) -> Iterator[list[str]]:
    """The words after `app.py` or `gonghui` in the lines that a document tells to type."""
    for block in re.findall(r"```sh\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
        yield from (shlex.split(found[1]) for line in block.splitlines() if (found := LINE.match(line)))


def mentioned(document: Path) -> Iterator[list[str]]:
    """The same where a document speaks of a command."""
    quoted = re.findall(r"`([^`\n]+)`", document.read_text("utf-8"))
    yield from (found[1].split() for words in quoted if (found := LINE.match(words)))


def test_every_deed_that_is_written_down_is_told_to_staff_in_chinese() -> None:
    """In the list of the audit; a deed of an activity has its kind's own words."""
    untold = {
        given.value
        for folder in ("web/console", "commands", "jobs")
        for path in (ROOT / folder).glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _called(call) in ("note", "_change", "_does")
        for given in call.args[:3]
        if isinstance(given, ast.Constant)
        and re.fullmatch(r"[a-z]+( [a-z]+)+|look|start|test", str(given.value))
        if told.deed(given.value) == given.value
    }
    assert untold == set()


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))
