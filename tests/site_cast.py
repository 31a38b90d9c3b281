"""The site of deploy/ on a machine of its own: laid below a scratch root, on free ports of 127.0.0.1, with a certificate."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from conftest import found, free_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parent.parent


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


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A root with Debian's nginx and units, the files of deploy/ and the program's Python."""
    root = tmp_path / "stage"
    (root / "etc/nginx").mkdir(parents=True)
    temporary = "".join(
        f"{kind}_temp_path {root}/tmp_{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (root / "etc/nginx/nginx.conf").write_text(
        f"{user}\nworker_processes auto;\npid {root}/nginx.pid;\nerror_log {root}/error.log;\n"
        f"events {{\n\tworker_connections 768;\n\t# multi_accept on;\n}}\n"
        f"http {{ {temporary} include sites-enabled/*.conf; }}\n"
    )
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


@contextlib.contextmanager
def nginx(site: Site, behind: int) -> Iterator[subprocess.Popen[bytes]]:
    """nginx with the staged site, before what listens on this port."""
    conf = site.stage / "etc/nginx/sites-available/gonghui.conf"
    conf.write_text(conf.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{behind}"))
    words = [found("nginx"), "-p", str(site.stage), "-c", str(site.stage / "etc/nginx/nginx.conf"), "-g"]
    with subprocess.Popen([*words, "daemon off;"], stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(site.port)
            yield process
        finally:
            process.terminate()
