"""What the simulated platform knows: its account, the people, what was sent to them, and how much is allowed."""

import base64
import hashlib
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ground.days import SHANGHAI
from wx.account import Account

Json = dict[str, Any]

Act = Literal["message", "menu", "follow", "scan"]
Speaker = Literal["worker", "account", "system"]


class Errcode(Exception):
    """An errcode that the platform answers with; `more` are further fields of the answer."""

    def __init__(self, errcode: int, errmsg: str, **more: object) -> None:
        super().__init__(errcode, errmsg)
        self.errcode, self.errmsg, self.more = errcode, errmsg, more


@dataclass(slots=True)
class WeChatLimits:
    """How much is allowed. Numbers: platform guide, 接口调用额度说明, 客服消息, 群发; those in doubt are settings."""

    # After each act of a follower: how many customer-service messages, and for how long.
    windows: dict[Act, tuple[int, timedelta]] = field(
        default_factory=lambda: {
            "message": (5, timedelta(hours=48)),
            "menu": (3, timedelta(minutes=1)),
            "follow": (3, timedelta(minutes=1)),
            "scan": (3, timedelta(minutes=1)),
        }
    )
    mass_per_month: int = 4  # service account: per follower and calendar month
    mass_per_day: int = 1  # subscription account
    mass_per_minute: int = 60
    forced_tokens_per_day: int = 20
    page: int = 10_000  # openids per answer
    chat_kept: int = 200  # entries per follower
    log_kept: int = 200_000
    daily: dict[str, int] = field(
        default_factory=lambda: {
            "token": 2000,
            "stable_token": 500_000,
            "menu/create": 1000,
            "menu/get": 10_000,
            "menu/delete": 1000,
            "media/upload": 100_000,
            "message/custom/send": 500_000,
            "message/mass/sendall": 100,
            "message/mass/send": 100,
            "message/mass/preview": 100,
            "message/template/send": 100_000,
            "user/get": 500,
            "draft/add": 1000,
        }
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a person sees in the chat."""

    seq: int
    speaker: Speaker
    kind: str
    at: datetime
    text: str = ""
    articles: tuple[Json, ...] = ()
    items: tuple[Json, ...] = ()
    tail: str = ""  # below the items
    url: str = ""

    def shown(self) -> Json:
        """The entry as the control API gives it."""
        return {
            "seq": self.seq,
            "from": self.speaker,
            "kind": self.kind,
            "text": self.text,
            "articles": list(self.articles),
            "items": list(self.items),
            "tail": self.tail,
            "url": self.url,
            "at": self.at.isoformat(),
        }


@dataclass(slots=True)
class Sent:
    """One message that the platform accepted for one person, and how many repeats of it were absorbed."""

    seq: int
    at: datetime
    channel: str  # mass | template | service | preview
    openid: str
    content: Json
    client_id: str
    msg_id: int
    result: str = "success"
    repeats: int = 0

    def shown(self) -> Json:
        """The row as the control API gives it."""
        return {name: getattr(self, name) for name in Sent.__slots__} | {"at": self.at.isoformat()}


@dataclass(slots=True)
class Window:
    """Until when, and how many more, customer-service messages one act allows."""

    until: datetime
    left: int


@dataclass(slots=True)
class Follower:
    """A WeChat user as the platform knows him; `blocks` means that he refuses the account's messages."""

    openid: str
    name: str
    chat: deque[Entry]
    following: bool = False
    since: datetime | None = None
    scene: str = ""
    blocks: bool = False
    tags: list[int] = field(default_factory=list)
    windows: dict[Act, Window] = field(default_factory=dict)
    massed: tuple[str, int] = ("", 0)  # the month, and the mass messages received in it
    heard: dict[str, Sent] = field(default_factory=dict)  # template messages by client_msg_id


@dataclass(slots=True)
class Job:
    """A mass message that was accepted (`msg_id`) or, at `failed_at`, refused."""

    msg_id: int = 0
    at: datetime | None = None
    failed_at: datetime | None = None
    rows: list[Sent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
    """A result that the platform posts to the callback of its own accord."""

    openid: str
    fields: Json


@dataclass(frozen=True, slots=True)
class Media:
    """An uploaded file. Permanent ones have no `until`."""

    kind: str
    filename: str
    size_bytes: int
    until: datetime | None


class World:
    """The platform's whole memory. Hold `lock` for every change."""

    def __init__(self, account: Account, now: Callable[[], datetime], limits: WeChatLimits) -> None:
        self.account, self.limits = account, limits
        self.lock = threading.RLock()
        self._clock = now
        self._moment = threading.local()
        self.base_url = "https://mp.weixin.qq.com"  # PlatformServer puts its own address here
        self.followers: dict[str, Follower] = {}
        self.tags: dict[int, str] = {2: "星标组"}
        self.menu: Json | None = None
        self.media: dict[str, Media] = {}
        self.pictures: dict[str, bytes] = {}  # what the phone shows of them, the newest few
        self.drafts: dict[str, list[Json]] = {}
        self.articles: dict[str, Json] = {}
        self.templates: dict[str, tuple[str, dict[str, str]]] = {}
        self.jobs: dict[str, Job] = {}
        self.mass_at: deque[datetime] = deque(maxlen=limits.mass_per_minute)
        self.mass_days: Counter[str] = Counter()
        self.mass_status = "send success"  # what MASSSENDJOBFINISH says of the next jobs
        self.repeat_answer: Literal["same", "new", "error"] = "same"  # of a template repeat: undocumented
        self.log: deque[Sent] = deque(maxlen=limits.log_kept)
        self.events: list[Event] = []  # what the call in hand will post
        self._seq = 0
        self._msg_id = time.time_ns() // 10_000  # a platform that starts again does not begin anew
        self._names: dict[str, str] = {}
        self._chance = random.Random(account.app_id)  # noqa: S311 - the same world every time

    # -- time, days and numbers ----------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The time, which stands still for this thread inside `moment`."""
        still: datetime | None = getattr(self._moment, "still", None)
        return still or self._clock()

    @contextmanager
    def moment(self) -> Iterator[None]:
        """All that is done inside happens at one time: the clock may be far away, and is asked once."""
        self._moment.still = self._clock()
        try:
            yield
        finally:
            self._moment.still = None

    def seq(self) -> int:
        self._seq += 1
        return self._seq

    def msg_id(self) -> int:
        self._msg_id += 1
        return self._msg_id

    def media_id(self) -> str:
        return base64.urlsafe_b64encode(self._chance.randbytes(32)).decode()[:43]

    def day(self) -> str:
        return self.now().astimezone(SHANGHAI).strftime("%Y-%m-%d")

    def month(self) -> str:
        return self.day()[:7]

    # -- people --------------------------------------------------------------------------------------------

    def person(self, name: str) -> Follower:
        """The WeChat user of that name, made when new: the same openid in every run.

        Every fifth openid differs from the one before it only in case, as real ones may.
        """
        with self.lock:
            if name in self._names:
                return self.followers[self._names[name]]
            if len(self.followers) % 5 == 4:
                openid = "o" + list(self.followers)[-1][1:].swapcase()
            else:
                digest = hashlib.sha256(f"{self.account.app_id} {name}".encode()).digest()
                openid = "o" + base64.urlsafe_b64encode(digest).decode()[:27]
            self._names[name] = openid
            chat: deque[Entry] = deque(maxlen=self.limits.chat_kept)
            return self.followers.setdefault(openid, Follower(openid, name, chat))

    def known(self, openid: object) -> Follower:
        """Raises 40003."""
        follower = self.followers.get(openid) if isinstance(openid, str) else None
        if follower is None:
            raise Errcode(40003, "invalid openid")
        return follower

    def current(self) -> list[Follower]:
        return [follower for follower in self.followers.values() if follower.following]

    # -- chats and the log ---------------------------------------------------------------------------------

    def show(self, follower: Follower, speaker: Speaker, kind: str, **content: Any) -> Entry:
        """Puts an entry into the chat."""
        with self.lock:
            entry = Entry(self.seq(), speaker, kind, self.now(), **content)
            follower.chat.append(entry)
            return entry

    def accept(
        self, channel: str, follower: Follower, content: Json, msg_id: int, client_id: str = ""
    ) -> Sent:
        """Writes the delivery log."""
        row = Sent(self.seq(), self.now(), channel, follower.openid, content, client_id, msg_id)
        if follower.blocks:
            row.result = "failed:user block"
        self.log.append(row)
        return row

    # -- windows for customer-service messages -------------------------------------------------------------

    def open_window(self, follower: Follower, act: Act) -> None:
        """A follower's act allows some messages for some time."""
        count, span = self.limits.windows[act]
        follower.windows[act] = Window(self.now() + span, count)

    def spend(self, follower: Follower) -> None:
        """Takes one message from an open window. Raises 45015 when none is open, 45047 when all are used up."""
        now = self.now()
        follower.windows = {act: w for act, w in follower.windows.items() if w.until > now}
        if not follower.following or not follower.windows:
            raise Errcode(45015, "response out of time limit or subscription is canceled")
        for window in sorted(follower.windows.values(), key=lambda window: window.until):
            if window.left:
                window.left -= 1
                return
        raise Errcode(45047, "out of response count limit")


def text_of(fields: Mapping[str, Any], *path: str) -> str:
    """The text at the end of a path of keys, '' when something on the way is missing or no text."""
    value: Any = fields
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
