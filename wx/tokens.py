"""The one access token that all processes of this account share."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wx.errors import ApiError, NoAnswer, NotSent, WeChatError

# The platform renews a stable token five minutes before its end and honours both meanwhile (platform guide,
# 获取稳定版接口调用凭据): asking earlier than that gets the same token again.
SOONEST_S, LATEST_S = 240.0, 60.0
ASK_AGAIN_S = 20.0  # while the old token still works
THIRTY_S = timedelta(seconds=30)  # between two forced tokens, by the platform's rule
FORCE_GAP = timedelta(minutes=80)  # ours, because it allows 20 a day
QUIET = timedelta(minutes=5)  # no question about a token that we know is bad
REFUSED_S = 120.0  # a wrong password does not become right by asking
UNREACHED_S = 1.0  # twenty waiting threads shall not wait for twenty time-outs
LEASE_S = 30.0  # longer than the slowest token call
WAIT_S = 20.0

Ask = Callable[[bool], tuple[str, int]]  # force_refresh -> token, seconds that it lives


class Tokens(Protocol):
    """A shelf that all processes see, and a lock that one of them holds."""

    def read(self, name: str) -> tuple[str, datetime] | None: ...
    def write(self, name: str, value: str, expires: datetime) -> None: ...
    def lock(self, name: str, seconds: float) -> AbstractContextManager[bool]: ...


class MemoryTokens:
    """A shelf in this process's memory."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, datetime]] = {}
        self._locks: dict[str, threading.Lock] = {}

    def read(self, name: str) -> tuple[str, datetime] | None:
        return self._values.get(name)

    def write(self, name: str, value: str, expires: datetime) -> None:
        self._values[name] = (value, expires)

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[bool]:
        """True for the one who holds it; never waits."""
        lock = self._locks.setdefault(name, threading.Lock())
        held = lock.acquire(blocking=False)
        try:
            yield held
        finally:
            if held:
                lock.release()


class Keyring:
    """Gives the account's token, and another one when WeChat says that this one is bad.

    `ask(force)` calls WeChat: it gives a token and the seconds that it lives. One thread of one process asks
    at a time, and once per bad token at most: whoever comes second finds the new one on the shelf.
    """

    def __init__(self, name: str, shelf: Tokens, ask: Ask, now: Callable[[], datetime]) -> None:
        self._name, self._shelf, self._ask, self._now = name, shelf, ask, now
        self._mine = threading.Lock()  # one thread at a time waits for the other processes
        self._last: tuple[str, datetime] | None = None
        self._renew_after = 0.0
        self._failed: tuple[float, WeChatError] | None = None
        # Processes that started together would otherwise all renew in the same second.
        self._early = timedelta(seconds=random.uniform(LATEST_S, SOONEST_S))  # noqa: S311

    def token(self) -> str:
        """A token that should be good. Raises NotSent when none can be had, ApiError when WeChat refuses one."""
        last = self._last
        if last and last[1] - self._now() > self._early:
            return last[0]
        if not last or last[1] <= self._now():
            return self._renewed("") or ""
        if time.monotonic() > self._renew_after:
            self._renew_after = time.monotonic() + ASK_AGAIN_S
            try:
                return self._renewed("") or last[0]
            except WeChatError:
                pass  # the old one is good for minutes yet
        return last[0]

    def another(self, bad: str) -> str | None:
        """The token to try instead of `bad`, which may be the same when the platform has just vouched for it.

        None when it has been asked about `bad` a moment ago. Raises as token.
        """
        return self._renewed(bad)

    def forgive(self) -> None:
        """The next who needs a token asks for it, whatever came of the last question."""
        self._failed = None

    def _renewed(self, bad: str) -> str | None:
        end = time.monotonic() + WAIT_S
        if not self._mine.acquire(timeout=WAIT_S):
            raise NotSent("no token: it is being fetched")
        try:
            while time.monotonic() < end:
                with self._shelf.lock(self._name, LEASE_S) as held:
                    found = self._shelf.read(self._name)
                    if found and self._good(found, bad):
                        self._last = found
                        return found[0]
                    if held:
                        return self._asked(bad)
                time.sleep(0.05)
        finally:
            self._mine.release()
        raise NotSent("no token: another process is fetching it")

    def _good(self, found: tuple[str, datetime], bad: str) -> bool:
        # After a refusal any other token will do; otherwise we came for one that lives longer.
        return found[0] != bad and found[1] - self._now() > (timedelta(0) if bad else self._early)

    def _asked(self, bad: str) -> str | None:
        if self._failed and time.monotonic() < self._failed[0]:
            raise self._failed[1].with_traceback(None)
        try:
            return self._first_answer(bad)
        except NoAnswer as error:
            failure: WeChatError = NotSent(f"no token: {error}")
        except (NotSent, ApiError) as error:
            failure = error
        silence = REFUSED_S if isinstance(failure, ApiError) else UNREACHED_S
        self._failed = (time.monotonic() + silence, failure)
        raise failure

    def _first_answer(self, bad: str) -> str | None:
        now = self._now()
        trouble = self._trouble()
        known = bool(bad) and trouble.mark == _mark(bad)
        if known and now < trouble.ask_after:
            return None
        force = known and now >= trouble.force_after
        token, lives_s = self._ask(force)
        if force:
            self._note(_Trouble(_mark(token), now + QUIET, now + FORCE_GAP))
        elif token == bad:
            # The platform holds it for good. Only a forced one helps, at least 30 s later (platform guide).
            force_after = max(trouble.force_after, now + THIRTY_S)
            self._note(_Trouble(_mark(bad), min(force_after, now + QUIET), force_after))
            return token
        self._last = (token, now + timedelta(seconds=lives_s))
        self._shelf.write(self._name, *self._last)
        return token

    def _trouble(self) -> "_Trouble":
        found = self._shelf.read(f"{self._name}:trouble")
        if not found:
            return _Trouble("", _LONG_AGO, _LONG_AGO)
        mark, ask_after, force_after = found[0].split()
        return _Trouble(mark, datetime.fromisoformat(ask_after), datetime.fromisoformat(force_after))

    def _note(self, trouble: "_Trouble") -> None:
        value = f"{trouble.mark} {trouble.ask_after.isoformat()} {trouble.force_after.isoformat()}"
        self._shelf.write(f"{self._name}:trouble", value, self._now() + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class _Trouble:
    """The last token that WeChat called bad and yet gave again, and when to ask or to force another."""

    mark: str
    ask_after: datetime
    force_after: datetime


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]
