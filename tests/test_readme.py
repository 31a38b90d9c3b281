"""Every line that the README tells to type is typed here, in a copy of the tree as a clone would have it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import free_port, slowness
from sizes import ROOT

STARTED = "make run"
# These take long or need the network, so make only says what it would do, and each of those lines must be there to run.
SPELT_OUT = ("make test", "make bench", "make soak", "make lock", "make format")
TYPED = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.parametrize("line", [line for line in TYPED if line not in (STARTED, *SPELT_OUT)])
def test_what_the_readme_tells_to_type_works(line: str, clone: Path) -> None:
    if "app.py" in line:
        shutil.copy(clone / "config.example.toml", clone / "config.toml")

    done = type_in(clone, line)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", SPELT_OUT)
def test_the_long_commands_would_run_what_is_there(line: str, clone: Path) -> None:
    assert line in TYPED

    done = type_in(clone, line.replace("make ", "make --dry-run "))

    assert done.returncode == 0, done.stderr
    for module in re.findall(r"\.venv/bin/python -m (?:\$check|([a-z]+))", done.stdout):
        if module:
            assert (clone / module).is_dir() or importable(module), module


@pytest.mark.alone
def test_make_run_shows_the_address_last_and_starts_again_at_once(clone: Path) -> None:
    assert STARTED in TYPED
    port = free_port()
    with running(clone, port) as lines:
        assert lines[-1] == f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{lines[-1]}/healthz", timeout=10) as answer:
            assert answer.status == 200

    began = time.monotonic()
    with running(clone, port):
        assert time.monotonic() - began < 3 * slowness()


@pytest.mark.alone
def test_a_port_that_is_taken_is_said_with_the_way_out(clone: Path) -> None:
    port = free_port()
    with running(clone, port):
        done = type_in(clone, STARTED, PORT=str(port))

    assert done.returncode != 0
    assert "PORT=" in done.stdout + done.stderr


def test_the_start_of_the_readme_says_it_all_to_those_who_will_use_it() -> None:
    head = (ROOT / "README.md").read_text("utf-8").splitlines()

    assert [len(re.findall(r"[一-鿿]", line)) > 10 for line in head[2:7]] == [True] * 5
    screen = "\n".join(head[:45])
    for words in ("docs/manual.zh.md", "docs/pictures/start.png", "make run", "make test"):
        assert words in screen, words
    for reader in ("**职工**", "**工会的同志**"):
        assert reader in screen, reader


def test_the_long_tables_of_figures_stand_apart_and_the_readme_leads_to_them() -> None:
    readme, figures = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/speed.md"))

    assert "docs/speed.md" in readme
    assert not re.search(r"^\|.*\d+ \|.*\d+ \|", readme, re.MULTILINE)
    assert set(re.findall(r"\d\.\d\d ×", readme)) <= set(re.findall(r"\d\.\d\d ×", figures))


# --- cast --------------------------------------------------------------------------------------------------------


def type_in(clone: Path, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], cwd=clone, env=environment(**environ), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """As a person's own shell has it: nothing of the make that runs the tests."""
    mine = ("MAKE", "MFLAGS", "CI", "PYTEST", "PORT")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)} | more


def importable(module: str) -> bool:
    return subprocess.run([sys.executable, "-c", f"import {module}"], check=False).returncode == 0


@contextmanager
def running(clone: Path, port: int) -> Iterator[list[str]]:
    """`make run` until its address stands there; gives the lines so far, and ends it as Ctrl-C does."""
    with subprocess.Popen(
        ["make", "run"], cwd=clone, env=environment(PORT=str(port)), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if lines[-1].startswith("http://"):
                    break
            yield lines
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as a clone would have it, with the packages that are installed here."""
    folder = tmp_path_factory.mktemp("clone")
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder
