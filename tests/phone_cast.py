"""A whole house in one process: the simulated platform, the web with its webhook, and a browser to visit it with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from guides_cast import WHOLE
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

import handlers
from campaigns.year import Due
from ground.address import Site
from handlers.turn import House
from menus import tree
from models.base import Store
from models.clock import Clock
from web import Demo, Parts, create_app
from web.webhook import Webhook
from wx.account import Account
from wx.envelope import Envelope
from wx.simulator import Patience, Phone, Platform, PlatformServer

ACCOUNT = Account(
    name="盘锦市总工会",
    verified=True,
    original_id="gh_pages",
    app_id="wxpages00000000000",
    app_secret="s" * 32,
    token="pages-token",
    encoding_aes_key="A" * 43,
    mode="safe",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)
SITE = "https://union.example"
START = datetime(2027, 2, 18, 1, 0, tzinfo=UTC)  # Thursday, 9 o'clock in Panjin
LANTERN = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)
ROWS = (
    Due("wish/open", "春节发福利", datetime(2027, 1, 10, 2, tzinfo=UTC), "群发", "finished", 1234),
    Due("lantern/open", "正月十五闹元宵", LANTERN, "群发", "coming"),
    *(
        Due("model/day", "劳模故事", datetime(2027, 5, day, 2, tzinfo=UTC), "客服消息", "coming")
        for day in range(1, 32)
    ),
)


@dataclass
class Watch:
    """A clock that starts at START and can be moved."""

    ahead: timedelta = field(default_factory=lambda: START - datetime.now(UTC))

    def clock(self) -> Clock:
        return Clock(lambda: self.ahead)

    def moves_to(self, at: datetime) -> datetime:
        self.ahead = at - datetime.now(UTC)
        return at


def parts(
    store: Store, account: Account = ACCOUNT, demo: Demo | None = None, clock: Clock | None = None
) -> Parts:
    return Parts(
        account=account,
        store=store,
        clock=clock or Watch().clock(),
        house=House(account.name, account.live, account.verified, SITE, lambda: WHOLE, demo=demo is not None),
        find=handlers.look_up,
        site=Site(base_url=SITE),
        ways={"mass": "群发"},
        year=lambda: ROWS,
        ready=list,
        demo=demo,
    )


def webhook(store: Store, clock: Clock, account: Account = ACCOUNT) -> Webhook:
    house = House(account.name, account.live, True, "", lambda: WHOLE)
    envelope = Envelope.of(account)
    return Webhook(envelope, store, clock, house, handlers.answer, account.original_id)


class Visit:
    """The demonstration as somebody visits it. `stop` and `start` take the web process away and bring it back."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.watch = Watch()
        clock = self.watch.clock()
        self._server: BaseWSGIServer | None = None
        self.port = 0
        self.platform = Platform(ACCOUNT, self._carry, now=clock.now, patience=Patience(gap_s=0.05))
        self.platform.world.menu = dict(tree.body(WHOLE.menu))
        self.far = PlatformServer(self.platform).start()
        self.webhook = webhook(store, clock)
        demo = Demo(self.far.url, lambda: self.watch.moves_to(LANTERN))
        self.app = create_app(parts(store, demo=demo, clock=clock), self.webhook)
        self.start()

    def _carry(self, query: str, body: bytes) -> tuple[int, bytes]:
        return self.webhook.answer(query, body)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def phone(self, name: str) -> Phone:
        return Phone(self.platform, name)

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        self.stop()
        self.far.stop()
        self.platform.close()


def launched(program: Callable[..., str]) -> Iterator[Browser]:
    """A real browser, for a fixture. `program` finds it, or leaves the test out."""
    path = program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, width: int = 390, height: int = 844) -> Iterator[Page]:
    """A page in a fresh browser profile. It may talk to its own server only, and must not complain of anything."""
    complaints: list[str] = []

    def hears(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def watches(request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(url).netloc and not request.url.startswith(
            ("data:", "blob:")
        ):
            complaints.append(f"asked elsewhere: {request.url}")

    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 700)
    context.set_default_timeout(WAIT_MS)
    context.on("request", watches)
    context.on("console", hears)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    try:
        page = context.new_page()
        page.goto(url)
        yield page
    finally:
        context.close()
    assert complaints == []


def shot(page: Page, path: Path) -> None:
    """A screenshot as small as it stays sharp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as seen:
        seen.convert("RGB").quantize(200).save(path, optimize=True)


def barriers(page: Page) -> list[str]:
    """What keeps somebody from using the page, as axe finds it: serious and critical findings, each with its element.

    axe needs a script's promises, which a page without JavaScript never keeps: so it looks at a copy of what is shown.
    """
    browser, shown = page.context.browser, page.content()
    assert browser
    context = browser.new_context(viewport=page.viewport_size, bypass_csp=True)
    context.set_default_timeout(WAIT_MS)
    try:
        copy = context.new_page()
        copy.route(page.url, lambda asked: asked.fulfill(body=shown, content_type="text/html; charset=utf-8"))
        copy.goto(page.url)
        copy.evaluate(_axe())
        found = copy.evaluate("axe.run(document, {resultTypes: ['violations']})")
    finally:
        context.close()
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
