"""A simulated platform, a worker with a phone, and an account's server that answers whatever it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from wx import messages
from wx.account import Account
from wx.client import Api, MemoryTokens
from wx.envelope import Envelope, Forged
from wx.replies import Reply, Text, render
from wx.simulator import Patience, Phone, Platform, PlatformServer, Results

ACCOUNT = Account(
    name="盘锦市总工会",
    kind="service",
    verified=True,
    original_id="gh_panjin",
    app_id="wxba5fad812f8e6fb9",
    app_secret=SecretStr("the-secret-nobody-may-see"),
    token=SecretStr("AAAAA"),
    encoding_aes_key=SecretStr("A" * 43),
    mode="safe",
)
START = datetime(2027, 2, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
TEMPLATE = "t" * 43
ARTICLE = {"title": "元宵节猜灯谜", "content": "<p>今年的灯谜在这里。</p>"}


class Time:
    """A clock that the test moves."""

    def __init__(self, now: datetime = START) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def passes(self, **span: float) -> None:
        self.at += timedelta(**span)


class Union:
    """The account's server: opens what comes with our own envelope, keeps it, and answers with `answer`."""

    def __init__(self, account: Account, now: Callable[[], datetime]) -> None:
        self.now = now
        self.envelope = Envelope.of(account)
        self.heard: list[messages.Message] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[messages.Message], Reply | bytes | int | None] = lambda _: None
        self._lock = threading.Lock()

    def __call__(self, query: str, body: bytes) -> tuple[int, bytes]:
        try:
            opened = self.envelope.open(query, body, self.now().timestamp())
        except Forged:
            return 403, b""
        message = messages.parse(opened.xml)
        with self._lock:
            self.heard.append(message)
            self.bodies.append(body)
        reply = self.answer(message)
        if isinstance(reply, int):
            return reply, b""
        if isinstance(reply, bytes):
            return 200, reply
        text = (
            render(reply, to=message.openid, sender=message.to, created=int(self.now().timestamp()))
            if reply
            else ""
        )
        return 200, self.envelope.seal(opened, text, self.now().timestamp())

    def results(self, event: str) -> list[messages.Message]:
        """The results that came, of one kind."""
        return [message for message in self.heard if message.event == event]


def echo(message: messages.Message) -> Reply | None:
    """Says a text back."""
    return Text(f"您说：{message.body.content}") if isinstance(message.body, messages.Text) else None


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def account() -> Account:
    return ACCOUNT


@pytest.fixture
def union(account: Account, clock: Time) -> Union:
    return Union(account, clock.now)


@pytest.fixture
def platform(account: Account, union: Union, clock: Time) -> Iterator[Platform]:
    """A platform whose account's server is `union`, in this process."""
    made = Platform(account, union, now=clock.now, patience=Patience(gap_s=0), results=Results(delay_s=0.01))
    yield made
    made.close()


@pytest.fixture
def phone(platform: Platform) -> Phone:
    """李师傅's phone; he does not follow yet."""
    return Phone(platform, "李师傅")


@pytest.fixture
def served(platform: Platform) -> Iterator[PlatformServer]:
    """The same platform over HTTP."""
    with PlatformServer(platform) as server:
        yield server


@pytest.fixture
def api(served: PlatformServer, account: Account, clock: Time) -> Api:
    """Our client, calling the simulated platform."""
    return Api(account.model_copy(update={"api_base": served.url}), MemoryTokens(), clock.now)
