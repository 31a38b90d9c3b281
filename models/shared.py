"""What all processes share: rows with an end, and Redis in front of them where there is one.

Redis holds only what can be rebuilt. When it is away or slow (200 ms), the rows do its work until it is back.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.exc import IntegrityError

from models.base import MARIADB, Connection, Id, Store, Utc, Words, metadata

shared = sa.Table(
    "shared",
    metadata,
    sa.Column("name", Id(190), primary_key=True),
    sa.Column("value", Words(), nullable=False),
    sa.Column("expires_at", Utc()),
    sa.Column("updated_at", Utc(), nullable=False),
    **MARIADB,
)

HALT = "halt"
HEART = "heart:"  # and the process that lives
REST = "rest:"  # and the channel on which WeChat takes nothing for now
HEART_S = 20.0  # a worker silent for longer is taken for dead, and begins no call itself
REDIS_S = 0.2
REDIS_REST_S = 5.0  # so long nobody asks a Redis that did not answer
LONG_S = 60.0  # the row of a pace is kept for so long at least

T = TypeVar("T")
log = logging.getLogger(__name__)


# --- rows --------------------------------------------------------------------------------------------------------


def read(connection: Connection, name: str, now: datetime) -> tuple[str, datetime | None] | None:
    """The value under this name and its end, or None when there is none or it is over."""
    row = connection.execute(
        sa.select(shared.c.value, shared.c.expires_at).where(shared.c.name == name)
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    return row.value, row.expires_at


def write(
    connection: Connection, name: str, value: str, now: datetime, expires_at: datetime | None = None
) -> None:
    """Put a value under this name, whatever stood there."""
    values = {"value": value, "expires_at": expires_at, "updated_at": now}
    if not connection.execute(shared.update().where(shared.c.name == name).values(values)).rowcount:
        try:
            with connection.begin_nested():
                connection.execute(shared.insert().values(name=name, **values))
        except IntegrityError:  # another process was first
            connection.execute(shared.update().where(shared.c.name == name).values(values))


def take(connection: Connection, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Become the only holder of this name until then; False while another holds it."""
    values = {"value": holder, "expires_at": until, "updated_at": now}
    free = sa.or_(shared.c.expires_at <= now, shared.c.value == holder)
    if connection.execute(shared.update().where(shared.c.name == name, free).values(values)).rowcount:
        return True
    try:
        with connection.begin_nested():
            connection.execute(shared.insert().values(name=name, **values))
    except IntegrityError:
        return False
    return True


def drop(connection: Connection, name: str, value: str | None = None) -> bool:
    """Remove the row of this name (only if it has this value); whether there was one."""
    found = shared.c.name == name
    if value is not None:
        found = sa.and_(found, shared.c.value == value)
    return bool(connection.execute(shared.delete().where(found)).rowcount)


# --- the brake and the pulse -------------------------------------------------------------------------------------


def halt(connection: Connection, words: str, now: datetime) -> None:
    """Stop everything that goes out, on all machines, until `unhalt`; `words` say to staff why."""
    write(connection, HALT, words, now)


def unhalt(connection: Connection) -> bool:
    """Let things go out again; whether they had been stopped."""
    return drop(connection, HALT)


def halted(connection: Connection) -> str | None:
    """Why nothing may go out, or None when it may."""
    return connection.execute(sa.select(shared.c.value).where(shared.c.name == HALT)).scalar()


def rest(connection: Connection, channel: str, words: str, until: datetime, now: datetime) -> None:
    """Let nothing more go by this channel until then, on no machine: WeChat's limit of the minute or of the day is reached."""
    write(connection, REST + channel, words, now, until)


def resting(connection: Connection, now: datetime) -> dict[str, tuple[datetime, str]]:
    """The channels that rest: until when, and why."""
    found = sa.and_(shared.c.name.startswith(REST, autoescape=True), shared.c.expires_at > now)
    rows = connection.execute(sa.select(shared.c.name, shared.c.expires_at, shared.c.value).where(found))
    return {name.removeprefix(REST): (until, words) for name, until, words in rows}


def beat(connection: Connection, who: str, now: datetime) -> None:
    """A worker's sign of life; the last part of its name (after a colon) is the word by which it holds rows."""
    write(connection, HEART + who, "", now, now + timedelta(seconds=HEART_S))


def beats(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The workers that live, and when each last said so. `now` is the wall clock's."""
    living = sa.and_(shared.c.name.startswith(HEART, autoescape=True), shared.c.expires_at > now)
    rows = connection.execute(sa.select(shared.c.name, shared.c.updated_at).where(living))
    return {name.removeprefix(HEART): at for name, at in rows}


def holders(connection: Connection) -> dict[str, datetime]:
    """The word by which each worker holds rows, and when it last beat; dead ones too, until their rows are swept."""
    hearts = shared.c.name.startswith(HEART, autoescape=True)
    rows = connection.execute(sa.select(shared.c.name, shared.c.updated_at).where(hearts))
    return {name.rpartition(":")[2]: at for name, at in rows}


def living(connection: Connection, prefix: str, now: datetime) -> dict[str, str]:
    """The values whose names begin so and whose end has not come, by name."""
    found = sa.and_(shared.c.name.startswith(prefix, autoescape=True), shared.c.expires_at > now)
    rows = connection.execute(sa.select(shared.c.name, shared.c.value).where(found))
    return dict(rows.all())


def sweep(connection: Connection, now: datetime) -> int:
    """Remove the rows whose end was an hour ago or more."""
    return connection.execute(shared.delete().where(shared.c.expires_at < now - timedelta(hours=1))).rowcount


# --- the pace ----------------------------------------------------------------------------------------------------


class Leave(NamedTuple):
    """So many calls may go now; where none may, the seconds until the next. `at` is its moment as the rows have it, `given`
    by this machine's own monotonic clock, never later than the same moment."""

    calls: int
    wait_s: float
    at: float
    given: float


def admit(
    connection: Connection, bucket: str, limit: int, window_s: float, want: int, wall: Callable[[], float]
) -> Leave:
    """Leave for `want` calls or fewer: at most `limit` in every `window_s`. `wall` is read once the others wait, so that
    moments come in order."""
    name = f"pace:{bucket}"
    past = _moments(connection, name, wall())
    given, at = time.monotonic(), wall()
    past = [(moment, number) for moment, number in past if abs(at - moment) < window_s]
    granted = max(0, min(want, limit - sum(number for _, number in past)))
    if granted:
        past.append((at, granted))
        _keep(connection, name, past, window_s, at)
    wait_s = 0.0 if granted else max(0.0, min(past)[0] + window_s - at)
    return Leave(granted, wait_s, at, given)


def give_back(connection: Connection, bucket: str, unused: Sequence[float], wall: float) -> None:
    """Leaves of these moments were not used: others may go in their place."""
    name = f"pace:{bucket}"
    spare = Counter(unused)
    left = [(moment, number - spare[moment]) for moment, number in _moments(connection, name, wall)]
    _keep(connection, name, [each for each in left if each[1] > 0], LONG_S, wall)


def _moments(connection: Connection, name: str, wall: float) -> list[tuple[float, int]]:
    """Who went when; the others wait for this row until we are done."""
    now = datetime.fromtimestamp(wall, UTC)
    held = shared.update().where(shared.c.name == name).values(updated_at=now)
    if not connection.execute(held).rowcount:
        write(connection, name, "[]", now)
        connection.execute(held)
    text = connection.execute(sa.select(shared.c.value).where(shared.c.name == name)).scalar_one()
    return [tuple(each) if isinstance(each, list) else (each, 1) for each in json.loads(text)]


def _keep(
    connection: Connection, name: str, past: Sequence[tuple[float, int]], window_s: float, wall: float
) -> None:
    ends = datetime.fromtimestamp(wall, UTC) + timedelta(seconds=max(window_s, LONG_S))
    values = {"value": json.dumps(past), "expires_at": ends}
    connection.execute(shared.update().where(shared.c.name == name).values(values))


# --- Redis in front ----------------------------------------------------------------------------------------------

RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class Away(Exception):
    """Redis did not answer, or did not a moment ago."""


class Shared:
    """Tokens, locks and wake-ups between processes, in Redis where `redis_url` is given, else in rows; pace in rows always.

    `wall` is the wall clock: what is shared here is about machines, which the demonstration's clock does not move.
    """

    def __init__(self, store: Store, redis_url: str = "", wall: Callable[[], datetime] | None = None) -> None:
        self.store = store
        self.wall = wall or _wall_clock
        self._given = wall
        self._redis = _client(redis_url) if redis_url else None
        self._rest_until = float("-inf")
        self._mine = threading.Lock()

    def _ask(self, act: Callable[[redis.Redis], T]) -> T:
        if self._redis is None or time.monotonic() < self._rest_until:
            raise Away
        try:
            return act(self._redis)
        except (redis.RedisError, OSError) as error:
            with self._mine:
                self._rest_until = time.monotonic() + REDIS_REST_S
            log.warning("redis away", extra={"error": type(error).__name__})
            raise Away from None

    # tokens (wx.tokens.Tokens)

    def read(self, name: str) -> tuple[str, datetime] | None:
        """The value on the shelf and its end; None when there is none or it is over."""
        try:
            text = self._ask(lambda quick: quick.get(_key(name)))
        except Away:
            with self.store.reading() as connection:
                found = read(connection, name, self.wall())
            return (found[0], found[1]) if found and found[1] else None
        if not isinstance(text, str):
            return None
        ends, _, value = text.partition(" ")
        return value, datetime.fromtimestamp(float(ends), UTC)

    def write(self, name: str, value: str, expires: datetime) -> None:
        """Put a value on the shelf until then."""
        left = max(1, int((expires - self.wall()).total_seconds() * 1000))
        try:
            self._ask(lambda quick: quick.set(_key(name), f"{expires.timestamp()} {value}", px=left))
        except Away:
            with self.store.writing() as connection:
                write(connection, name, value, self.wall(), expires)

    @contextmanager
    def lock(self, name: str, seconds: float) -> Iterator[bool]:
        """True for the one process that holds the name; never waits. It is free again after `seconds` at the latest."""
        name, holder = f"lock:{name}", secrets.token_hex(8)
        try:
            held = bool(
                self._ask(lambda quick: quick.set(_key(name), holder, nx=True, px=int(seconds * 1000)))
            )
            in_redis = True
        except Away:
            in_redis = False
            with self.store.writing() as connection:
                until = self.wall() + timedelta(seconds=seconds)
                held = take(connection, name, holder, self.wall(), until)
        try:
            yield held
        finally:
            if held:
                self._let_go(name, holder, in_redis)

    def _let_go(self, name: str, holder: str, in_redis: bool) -> None:
        if in_redis:
            with suppress(Away):  # it ends by itself
                self._ask(lambda quick: quick.eval(RELEASE, 1, _key(name), holder))
            return
        with self.store.writing() as connection:
            drop(connection, name, holder)

    # pace: in rows also with Redis, for a Redis that dies, hangs or comes back empty would let twice as many go

    def admit(self, bucket: str, limit: int, window_s: float, want: int) -> Leave:
        """Leave for `want` calls or fewer."""
        with self.store.writing(lasting=False) as connection:
            return admit(connection, bucket, limit, window_s, want, lambda: self._instant(connection))

    def give_back(self, bucket: str, unused: Sequence[float]) -> None:
        """These leaves were not used."""
        with self.store.writing(lasting=False) as connection:
            give_back(connection, bucket, unused, self._instant(connection))

    def _instant(self, connection: Connection) -> float:
        """Now, by the clock that all machines share: the database server's, where there is one."""
        if self._given or self.store.dialect == "sqlite":
            return (self._given or _wall_clock)().timestamp()
        clock = (
            "extract(epoch from clock_timestamp())"
            if self.store.dialect == "postgresql"
            else "unix_timestamp(sysdate(6))"
        )
        return float(connection.execute(sa.select(sa.literal_column(clock))).scalar_one())

    # wake-ups

    def ring(self) -> None:
        """Wake the workers that wait. Without Redis they look at the rows twice a second anyway."""
        with suppress(Away):
            self._ask(lambda quick: quick.incr(_key("bell")))

    def bell(self) -> str | None:
        """A text that changes when somebody rings; None when there is no Redis to ask."""
        try:
            return str(self._ask(lambda quick: quick.get(_key("bell"))))
        except Away:
            return None

    def close(self) -> None:
        if self._redis is not None:
            self._redis.close()


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=REDIS_S,
        socket_connect_timeout=REDIS_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )


def _key(name: str) -> str:
    return f"gonghui:{name}"
