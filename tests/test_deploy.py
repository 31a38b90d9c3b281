"""What deploy/ puts on a machine: laid below a scratch root, then judged by nginx and systemd themselves."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from conftest import free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import app
from models import seal
from web.paths import MB, PATHS
from web.server import PathLimits
from web.server.limits import ELSEWHERE

ROOT = Path(__file__).parent.parent
SERVICES = (
    "gonghui-serve.service", "gonghui-work.service", "gonghui-backup.service", "gonghui-look.service",
    "gonghui-alarm@gonghui-work.service",
)  # fmt: skip
UNITS = (*SERVICES, "gonghui-backup.timer", "gonghui-look.timer")


def test_systemd_accepts_the_units(stage: Path, program: Callable[..., str]) -> None:
    judged = judge_units(stage, program)

    assert judged == ""


def test_systemd_would_refuse_a_unit_with_a_slip_in_it(stage: Path, program: Callable[..., str]) -> None:
    unit = stage / "etc/systemd/system/gonghui-work.service"
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=allways"))

    assert "allways" in judge_units(stage, program)


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


def test_every_tap_after_a_push_gets_through_but_pages_are_rationed(running: Site) -> None:
    with ThreadPoolExecutor(16) as crowd:
        taps = list(crowd.map(lambda _: running.post("/wx", b"<xml/>").status_code, range(100)))
        pages = list(crowd.map(lambda _: running.get("/").status_code, range(100)))

    assert set(taps) == {200}
    assert set(pages) == {200, 429}


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


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """The staged site on ports of its own, before a program that says yes to everything."""

    stage: Path
    port: int
    open_port: int
    seen: list[Seen] = field(default_factory=list)
    exported: int = 0  # bytes that the program could hand over

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> requests.Response:
        return self._ask("POST", f"https://127.0.0.1:{self.port}{path}", body, headers or {})

    def get(self, path: str) -> requests.Response:
        return self._ask("GET", f"https://127.0.0.1:{self.port}{path}", None, {})

    def get_open(self, path: str) -> requests.Response:
        return self._ask("GET", f"http://127.0.0.1:{self.open_port}{path}", None, {})

    def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> requests.Response:
        return requests.request(
            method, url, data=body, headers={"Host": "wx.example.org", **headers}, timeout=10,
            allow_redirects=False, verify=str(self.stage / "etc/nginx/gonghui/fullchain.pem"),
        )  # fmt: skip

    def tls_socket(self) -> socket.socket:
        context = ssl.create_default_context(cafile=str(self.stage / "etc/nginx/gonghui/fullchain.pem"))
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), 5), server_hostname="wx.example.org"
        )


def install(stage: Path, domain: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(ROOT / "deploy/install"), domain],
        env={**os.environ, "DESTDIR": str(stage)}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def whoami() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def judge_units(stage: Path, program: Callable[..., str]) -> str:
    """What systemd has to say against the units; '' is nothing."""
    words = [program("systemd-analyze"), "verify", f"--root={stage}", *UNITS]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 or done.stderr
    return done.stderr


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A root with the files of deploy/, the program's Python, and Debian's own units."""
    root = tmp_path / "stage"
    done = install(root, "wx.example.org")
    assert done.returncode == 0, done.stderr
    python = root / "opt/gonghui/.venv/bin/python"
    python.parent.mkdir(parents=True)
    shutil.copy(Path(sys.executable).resolve(), python)
    (root / "opt/gonghui/docs").mkdir()
    shutil.copy(ROOT / "docs/manual.zh.md", root / "opt/gonghui/docs")
    if Path("/usr/lib/systemd/system").is_dir():
        shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    return root


@pytest.fixture
def site(stage: Path) -> Site:
    folder = stage / "etc/nginx"
    made = Site(stage, free_port(), free_port())
    conf = folder / "sites-available/gonghui.conf"
    words = conf.read_text().replace("/var/log/nginx/gonghui.log", str(stage / "access.log"))
    words = words.replace("listen 443 ", f"listen 127.0.0.1:{made.port} ")
    words = words.replace("listen 80;", f"listen 127.0.0.1:{made.open_port};")
    conf.write_text(words.replace("/var/www/gonghui", str(stage / "var/www/gonghui")))
    temporary = "".join(
        f"{kind}_temp_path {stage}/tmp_{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} pid {stage}/nginx.pid; error_log {stage}/error.log; events {{}}\n"
        f"http {{ {temporary} include sites-enabled/*.conf; }}\n"
    )
    (stage / "var/www/gonghui/MP_verify_abc123.txt").write_text("abc123")
    make_certificate(folder / "gonghui")
    return made


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wx.example.org")])
    names = [x509.DNSName("wx.example.org"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(
            issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1
        )
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture
def running(site: Site, program: Callable[..., str]) -> Iterator[Site]:
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

    conf = site.stage / "etc/nginx/sites-available/gonghui.conf"
    with ThreadingHTTPServer(("127.0.0.1", 0), Program) as behind:
        behind.daemon_threads = True
        conf.write_text(conf.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind.server_port}"))
        thread = threading.Thread(target=behind.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        words = [
            program("nginx"),
            "-p",
            str(site.stage),
            "-c",
            str(site.stage / "etc/nginx/nginx.conf"),
            "-g",
            "daemon off;",
        ]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as nginx:
            try:
                wait_for(site.port)
                yield site
            finally:
                nginx.terminate()
        behind.shutdown()
        thread.join()


def wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx did not start")
