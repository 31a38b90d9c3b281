"""What deploy/ puts on a machine: laid below a scratch root, then judged by nginx and systemd themselves."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import left_out
from site_cast import Seen, Site, install, nginx, site, stage

import app
from models import seal
from web.paths import MB, PATHS
from web.server import PathLimits
from web.server.limits import ELSEWHERE

__all__ = ["site", "stage"]

ROOT = Path(__file__).parent.parent
SERVICES = (
    "gonghui-serve.service", "gonghui-work.service", "gonghui-backup.service", "gonghui-look.service",
    "gonghui-alarm@gonghui-work.service",
)  # fmt: skip
UNITS = (*SERVICES, "gonghui-serve.socket", "gonghui-backup.timer", "gonghui-look.timer")


def test_systemd_accepts_the_units(stage: Path, program: Callable[..., str]) -> None:
    judged = judge_units(stage, program)

    assert judged == ""


def test_systemd_would_refuse_a_unit_with_a_slip_in_it(stage: Path, program: Callable[..., str]) -> None:
    unit = stage / "etc/systemd/system/gonghui-work.service"
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=allways"))

    assert "allways" in judge_units(stage, program)


def test_nginx_and_systemd_mean_the_same_address(stage: Path) -> None:
    units = stage / "etc/systemd/system"
    socket = (units / "gonghui-serve.socket").read_text()
    site = (stage / "etc/nginx/sites-available/gonghui.conf").read_text()

    (held,) = re.findall(r"^ListenStream=(.*)", socket, re.MULTILINE)

    assert f"server {held};" in site
    assert "\nRequires=gonghui-serve.socket\n" in (units / "gonghui-serve.service").read_text()


def test_no_unit_may_do_more_than_it_must(stage: Path, program: Callable[..., str]) -> None:
    for unit in SERVICES:
        words = [
            program("systemd-analyze"),
            "security",
            "--offline=true",
            f"--root={stage}",
            "--no-pager",
            unit,
        ]
        told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout

        exposure = re.search(r"exposure level for .*: ([\d.]+)", told)
        assert exposure, told
        assert float(exposure[1]) < 3.0, told


def test_no_unit_leaves_a_core_or_takes_all_the_memory(stage: Path) -> None:
    common = (stage / "etc/systemd/system/gonghui-.service.d/common.conf").read_text()

    for setting in ("LimitCORE=0", "MemoryMax=", "MemorySwapMax=0", "TasksMax="):
        assert f"\n{setting}" in common


@pytest.mark.parametrize("unit", ["serve", "work", "backup"])
def test_a_unit_that_falls_calls_the_one_that_tells_the_staff(unit: str, stage: Path) -> None:
    text = (stage / f"etc/systemd/system/gonghui-{unit}.service").read_text()
    teller = (stage / "etc/systemd/system/gonghui-alarm@.service").read_text()

    assert "\nOnFailure=gonghui-alarm@%N.service\n" in text
    for line in re.findall(r"app\.py (alarm .*?) --config", text + teller):
        assert (
            app.parse(line.replace("%N", "gonghui-work").replace("%i", "gonghui-work").split())[0] == "alarm"
        )


def test_backups_lie_where_the_manual_says(stage: Path) -> None:
    common = (stage / "etc/systemd/system/gonghui-.service.d/common.conf").read_text()
    state = Path(re.search(r"WorkingDirectory=(.*)", common)[1])
    built = app.Built(stage / "etc/gonghui/config.toml", {})
    manual = (ROOT / "docs/manual.zh.md").read_text("utf-8")

    assert f"`{state / built.backups}/`" in manual
    assert f"`{state / seal.key_at(built.backups).relative_to(Path.cwd())}`" in manual


def test_installing_again_keeps_what_staff_wrote(stage: Path) -> None:
    config = stage / "etc/gonghui/config.toml"
    assert 'base_url = "https://wx.example.org"' in config.read_text()
    assert config.stat().st_mode & 0o077 == 0
    config.write_text("written by staff")

    told = install(stage, "wx.example.org").stdout

    assert config.read_text() == "written by staff"
    assert "没有改动" in told


@pytest.mark.parametrize("domain", ["", "http://wx.example.org", "wx.example.org;reboot", "WX"])
def test_a_wrong_domain_is_refused_before_anything_is_laid(domain: str, tmp_path: Path) -> None:
    done = install(tmp_path / "new", domain)

    assert done.returncode == 2
    assert "域名" in done.stderr
    assert not (tmp_path / "new").exists()


def test_nginx_accepts_the_site(site: Site, program: Callable[..., str]) -> None:
    words = [program("nginx"), "-t", "-p", str(site.stage), "-c", str(site.stage / "etc/nginx/nginx.conf")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_a_message_reaches_the_program_with_its_true_sender(running: Site) -> None:
    answer = running.post("/wx?signature=s&openid=o1", b"<xml/>", {"X-Forwarded-For": "6.6.6.6"})

    assert answer.status_code == 200
    (seen,) = running.seen
    assert seen.path == "/wx?signature=s&openid=o1"
    assert seen.body == b"<xml/>"
    assert seen.headers["X-Forwarded-For"] == "127.0.0.1"
    assert seen.headers["X-Forwarded-Proto"] == "https"
    assert seen.headers["Host"] == "wx.example.org"
    assert "o1" not in (running.stage / "access.log").read_text()


def test_no_log_of_nginx_holds_an_openid_a_signature_or_a_sign_in_code(running: Site) -> None:
    secret = "openid=oSecret&signature=5ec2e7&code=c0de5ec2e7&state=5ec2e7"
    running.post(f"/wx?{secret}", b"x" * 65_537)  # refused at the door
    for _ in range(60):
        running.get(f"/h5/sign-in?{secret}")  # rationed
    running.get_open(f"/h5/sign-in?{secret}")
    with running.tls_socket() as broken:
        broken.sendall(f"POST /wx?{secret} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx".encode())

    logs = "".join(path.read_text() for path in running.stage.glob("*.log*"))

    assert "/h5/sign-in" in logs
    assert not re.search("oSecret|5ec2e7|c0de", logs)


def test_the_folder_of_the_private_key_is_its_owners(stage: Path) -> None:
    assert (stage / "etc/nginx/gonghui").stat().st_mode & 0o777 == 0o700


def test_a_slow_body_holds_up_nothing_but_its_sender(running: Site) -> None:
    with running.tls_socket() as slow:
        slow.sendall(b"POST /wx HTTP/1.1\r\nHost: wx.example.org\r\nContent-Length: 100\r\n\r\n<xml>")
        time.sleep(0.3)

        assert running.seen == []  # the program is not even asked
        assert running.post("/wx", b"<xml/>").status_code == 200


def test_a_body_over_64_kb_is_refused_at_the_door(running: Site) -> None:
    assert running.post("/wx", b"x" * 65_537).status_code == 413
    assert running.post("/wx", b"x" * 65_536).status_code == 200


@pytest.mark.parametrize("part", [*PATHS, ELSEWHERE], ids=lambda part: part.prefix)
def test_a_body_is_taken_as_far_as_the_program_takes_it(running: Site, part: PathLimits) -> None:
    path = f"{part.prefix}page"
    with running.tls_socket() as larger:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: wx.example.org\r\nContent-Length: {part.body_bytes + 1}\r\n\r\n"
        )
        larger.sendall(head.encode())

        assert larger.recv(100).startswith(b"HTTP/1.1 413 ")
    assert running.post(path, bytes(part.body_bytes)).status_code == 200
    assert len(running.seen[-1].body) == part.body_bytes


def test_an_export_waits_for_who_takes_it(running: Site) -> None:
    with running.tls_socket() as slow:
        slow.sendall(b"GET /console/export/year HTTP/1.1\r\nHost: wx.example.org\r\n\r\n")
        assert slow.recv(12) == b"HTTP/1.1 200"
        time.sleep(1)

        assert running.exported < 20 * MB  # what fits between


def test_two_thousand_strangers_who_say_nothing_do_not_keep_wechat_out(running: Site) -> None:
    """Debian's own number of connections would be used up."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 5000:
        left_out("5,000 open files (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as strangers:
        for _ in range(2000):
            strangers.enter_context(socket.create_connection(("127.0.0.1", running.port), 5))

        assert running.post("/wx", b"<xml/>").status_code == 200


def test_installing_raises_what_nginx_holds_and_keeps_what_stood_there(stage: Path) -> None:
    conf = stage / "etc/nginx/nginx.conf"
    raised = conf.read_text()
    assert "worker_rlimit_nofile 65536;" in raised
    assert "\tworker_connections 16384;\n" in raised
    assert "768" in conf.with_name("nginx.conf.before-gonghui").read_text()

    conf.write_text(raised.replace("16384", "30000"))
    install(stage, "wx.example.org")

    assert "worker_connections 30000;" in conf.read_text(), "more is left as it is"


def test_every_tap_after_a_push_gets_through_but_pages_are_rationed(running: Site) -> None:
    with ThreadPoolExecutor(16) as crowd:
        taps = list(crowd.map(lambda _: running.post("/wx", b"<xml/>").status_code, range(100)))
        pages = list(crowd.map(lambda _: running.get("/").status_code, range(100)))

    assert set(taps) == {200}
    assert set(pages) == {200, 429}


def test_a_factory_behind_one_address_may_open_a_vote_with_all_its_photos(running: Site) -> None:
    asked = ["/h5/c/food"] * 100 + [f"/h5/photo/{number}/small" for number in range(200)]
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda path: running.get(path).status_code, asked))

    assert set(answers) == {200}


def test_the_open_road_leads_to_https(running: Site) -> None:
    answer = running.get_open("/h5/riddle")

    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://wx.example.org/h5/riddle"


def test_the_domain_can_be_proved_to_wechat(running: Site) -> None:
    answer = running.get("/MP_verify_abc123.txt")

    assert answer.text == "abc123"
    assert running.seen == []


def test_the_command_line_of_staff_comes_to_the_program(tmp_path: Path) -> None:
    """`gonghui check` with every path below a scratch root, and a program that tells what it was asked."""
    (tmp_path / "program").write_text('#!/bin/sh\nprintf "%s " "$PWD" "$@"\n')
    (tmp_path / "program").chmod(0o755)
    script = (ROOT / "deploy/gonghui").read_text()
    script = script.replace("/opt/gonghui/.venv/bin/python", str(tmp_path / "program"))
    script = script.replace("/var/lib/gonghui", str(tmp_path)).replace("= gonghui ]", f"= {whoami()} ]")

    told = subprocess.run(
        ["sh", "-c", script, "gonghui", "push", "list"], capture_output=True, text=True, check=True
    )

    assert told.stdout.split() == [
        str(tmp_path), "/opt/gonghui/app.py", "push", "list", "--config", "/etc/gonghui/config.toml",
    ]  # fmt: skip


# --- cast --------------------------------------------------------------------------------------------------------


def whoami() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def judge_units(stage: Path, program: Callable[..., str]) -> str:
    """What systemd has to say against the units; '' is nothing."""
    words = [program("systemd-analyze"), "verify", f"--root={stage}", *UNITS]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 or done.stderr
    return done.stderr


@pytest.fixture
def running(site: Site) -> Iterator[Site]:
    """nginx with the staged site, and behind it a program that says yes to everything."""

    class Program(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.seen.append(Seen(self.path, dict(self.headers), body))
            self.send_response(200)
            if self.path.startswith("/console/export/") and self.command == "GET":
                self.export()
                return
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def export(self) -> None:
            self.send_header("Content-Length", str(100 * MB))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked for it has left
                for _ in range(100):
                    self.wfile.write(bytes(MB))
                    site.exported += MB

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Program) as behind:
        behind.daemon_threads = True
        thread = threading.Thread(target=behind.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        with nginx(site, behind.server_port):
            yield site
        behind.shutdown()
        thread.join()
