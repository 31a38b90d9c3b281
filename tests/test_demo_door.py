"""The demonstration has no sign-in, so its door opens to nobody but the browser on this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient
from phone_cast import parts

from models.base import Store
from web import Demo, create_app

EVIL = "https://evil.example/"
SEEN: list[str] = []


class Far(http.server.BaseHTTPRequestHandler):
    """A platform that sends the browser wherever the link says."""

    def do_GET(self) -> None:
        SEEN.append(self.path)
        self.send_response(302)
        self.send_header("Location", unquote(self.path.partition("redirect_uri=")[2]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        pass


@pytest.fixture
def visitor(sqlite_store: Store) -> Iterator[FlaskClient]:
    SEEN.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Far)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    far = f"http://127.0.0.1:{server.server_address[1]}"
    yield create_app(parts(sqlite_store, demo=Demo(far, lambda: None))).test_client()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "10.0.0.7:8000", "localhost.:8000", "[::2]"]
)
def test_another_name_for_this_machine_finds_nothing(visitor: FlaskClient, host: str) -> None:
    for path in ("/", "/phone", "/phone/api/chat", "/h5/", "/static/site.css"):
        assert visitor.get(path, headers={"Host": host}).status_code == 404, path
    assert visitor.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_this_machines_own_names_find_the_phone(visitor: FlaskClient, host: str) -> None:
    assert visitor.get("/phone", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "s/../simulator/workers", "s/%2e%2e/simulator/workers", "s/%252e%252e/simulator/workers", "s/./../simulator/do",
        "s/..%5csimulator", "s/%3f/../x", "s/a%23b", "simulator/picture/../control", "simulator/workers", "s/x%0d%0aX: 1",
    ],
)  # fmt: skip
def test_no_path_leaves_what_a_browser_may_follow(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(f"/phone/far/{path}").status_code == 404
    assert SEEN == []


@pytest.mark.parametrize(
    "where",
    [
        EVIL,
        "//evil.example/",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "http:evil.example",
    ],
)
def test_nobodys_link_sends_the_browser_to_another_site(visitor: FlaskClient, where: str) -> None:
    answer = visitor.get(f"/phone/far/connect/oauth2/authorize?redirect_uri={where}")

    assert answer.status_code == 404
    assert "Location" not in answer.headers


@pytest.mark.parametrize("where", ["/h5/sign-in?code=1", "http://localhost/h5/sign-in?code=1"])
def test_the_way_back_to_our_own_page_stays_open(visitor: FlaskClient, where: str) -> None:
    answer = visitor.get(f"/phone/far/connect/oauth2/authorize?redirect_uri={where}")

    assert (answer.status_code, answer.headers["Location"]) == (302, where)
