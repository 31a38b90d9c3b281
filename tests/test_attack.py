"""Slow, forging and flooding strangers at nginx and the server, and WeChat's own posts beside them: who is still answered."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attack_cast import ATTACKERS, PATIENCE_S, PER_S
from conftest import Scratch, free_port
from server_cast import percentile, serving, stored
from site_cast import Site, nginx, site, stage

__all__ = ["site", "stage"]
pytestmark = pytest.mark.soak
CAST = str(Path(__file__).parent / "attack_cast.py")
SECONDS, AHEAD_S = 12, 2  # of WeChat's posts, after attackers have had time to come
ALMOST_ALL = 0.999


@pytest.mark.parametrize("attackers", [(), *((each,) for each in ATTACKERS), ATTACKERS], ids=" and ".join)
def test_wechat_is_answered_whoever_is_at_the_door(
    guarded: Site, attackers: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    posts, took = beside(guarded.port, attackers)

    told(capsys, attackers, posts, took)
    assert len(took) >= ALMOST_ALL * posts
    assert percentile(took, 0.99) < PATIENCE_S / 2


def test_with_what_debian_sets_silence_alone_would_shut_wechat_out(
    site: Site, scratch: Scratch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = site.stage / "etc/nginx/nginx.conf"
    conf.write_text(conf.with_name("nginx.conf.before-gonghui").read_text())

    with serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port()) as server, nginx(site, server.port):
        posts, took = beside(site.port, ("silent",))

    told(capsys, ("silent, with 768 connections",), posts, took)
    assert len(took) < ALMOST_ALL * posts


def test_what_was_answered_under_attack_is_stored(site: Site, scratch: Scratch, tmp_path: Path) -> None:
    url = scratch.bare("sqlite", tmp_path)
    with serving(tmp_path, url, free_port()) as server, nginx(site, server.port):
        _, took = beside(site.port, ("forging", "slow bodies"))

        assert len(took) <= len(set(stored(url))) <= SECONDS * PER_S


# --- cast --------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(site: Site, scratch: Scratch, tmp_path: Path) -> Iterator[Site]:
    """The server as `serve` starts it, behind nginx as `install` sets it."""
    with serving(tmp_path, scratch.bare("sqlite", tmp_path), free_port()) as server, nginx(site, server.port):
        yield site


def beside(port: int, attackers: tuple[str, ...]) -> tuple[int, list[float]]:
    """WeChat's posts while they are at it: how many there were, and the seconds of those that were answered in time."""
    lasting = str(SECONDS + AHEAD_S)
    line = [sys.executable, CAST, "wechat", str(port), str(SECONDS)]
    with contextlib.ExitStack() as stack:
        for who in attackers:
            stranger = subprocess.Popen([sys.executable, CAST, who, str(port), lasting])
            stack.callback(stranger.wait)
            stack.callback(stranger.kill)
        time.sleep(AHEAD_S if attackers else 0)
        done = subprocess.run(line, stdout=subprocess.PIPE, check=True, timeout=120)
    found = json.loads(done.stdout)
    return found["posts"], found["took"]


def told(
    capsys: pytest.CaptureFixture[str], attackers: tuple[str, ...], posts: int, took: list[float]
) -> None:
    p50, p99 = (f"{percentile(took, part) * 1000:.0f} ms" if took else "-" for part in (0.5, 0.99))
    with capsys.disabled():
        who = " + ".join(attackers) or "nobody"
        print(f"\n  beside {who}: {len(took)} of {posts} answered, p50 {p50}, p99 {p99}")
