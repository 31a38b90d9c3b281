"""When pushes come due. APScheduler says when to look; the unique row of `pushes` says whether; any number may look.

APScheduler reads the wall clock itself, so a due time becomes a wall time (due minus the clock's offset), and everything
is laid anew when that offset or the campaigns change. What nobody looked at in time is found by the next look: sent if
it is not later than `late_ok`, else written down as missed. The past before a push was first known is nobody's business,
except what is still inside its `late_ok`, and a single day (`at`) of the last week: somebody wrote it and waits for it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from campaigns.campaign import Campaign, named
from campaigns.push import Push
from ground.days import minute
from jobs.acts import LEFT_OUT, TOO_LATE, missed_alarm
from jobs.push import plan_of
from models import alarm, push, shared
from models.base import Connection, Store, deadlocked, disconnected, timed_out
from models.clock import Clock

log = logging.getLogger(__name__)

SEEN = "timetable"  # the row that says when somebody looked last, and at which pushes
SEEN_EVERY = timedelta(seconds=5)
AHEAD = timedelta(days=400)
PROMPT = timedelta(seconds=10)  # never too late, whatever `late_ok` says
TWICE = timedelta(hours=12)  # the same push twice within it is hardly meant
LONG_AGO = timedelta(days=7)
A_DAY, SETTLED = timedelta(days=1), timedelta(minutes=10)
NO_CLOCK = datetime(
    2026, 1, 1, tzinfo=UTC
)  # before this program was: a machine that does not know the time yet


class Timetable:
    """Writes a row for each push as it comes due, then calls `due`."""

    def __init__(self, store: Store, clock: Clock, due: Callable[[], None] = lambda: None) -> None:
        self.store = store
        self.clock = clock
        self._due = due
        self._pushes: dict[str, Push] = {}  # by mark: another time makes it another push
        self._since: dict[str, datetime] = {}  # up to when each was looked at
        self._followed: dict[str, datetime] = {}  # since when, by this process
        self._noted_at: datetime | None = None
        self._next: datetime | None = None
        self._offset = timedelta(0)
        self._mine = threading.RLock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True},
        )

    def start(self) -> None:
        """Let the scheduler's own thread look at each due time."""
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def adopt(self, campaigns: Iterable[Campaign]) -> None:
        """Follow these campaigns from now on."""
        with self._mine:
            self._pushes = {_mark(wanted): wanted for wanted in named(campaigns).values()}
            self._since = {mark: at for mark, at in self._since.items() if mark in self._pushes}
            now = self.clock.now()
            self._followed = {mark: self._followed.get(mark, now) for mark in self._pushes}
            self.look(now)

    def keep(self, now: datetime) -> None:
        """Called again and again by the worker: sees that the clock was moved, and looks if the scheduler did not."""
        with self._mine:
            moved = self.clock.offset() != self._offset
            overdue = self._next is not None and now >= self._next
            if moved or overdue or self._noted_at is None or abs(now - self._noted_at) >= SEEN_EVERY:
                self.look(now, lay=moved or overdue)

    def look(self, now: datetime, lay: bool = True) -> int:
        """Write down everything that came due since the last look; how many pushes that were not known before."""
        if now < NO_CLOCK:
            return 0  # nothing is noted either: else all since then would be late when the clock is right
        with self._mine:
            number = self._look(now)
            if lay:
                self._lay(now)
        if number:
            self._due()
        return number

    def unwritten(self, now: datetime) -> list[tuple[str, datetime]]:
        """What came due in the last day, while it was followed here, and has no row: there must be none."""
        with self._mine, self.store.reading() as connection:
            return [
                (wanted.name, due)
                for mark, wanted in self._pushes.items()
                for due in wanted.occurrences(max(self._followed[mark], now - A_DAY), now - SETTLED)
                if push.at(connection, wanted.name, due) is None
            ]

    def next_due(self) -> datetime | None:
        """The next due time of all pushes."""
        return self._next

    def _look(self, now: datetime) -> int:
        number = 0
        with self.store.writing() as connection:
            seen_at, marks = _read(connection, now)
            for mark, wanted in self._pushes.items():
                since = self._since.get(mark) or (seen_at if mark in marks else _first(wanted, now))
                if since < now:
                    number += _owe_all(connection, wanted, max(since, now - AHEAD), now)
            seen = json.dumps([now.isoformat(), sorted(self._pushes)])
            shared.write(connection, SEEN, seen, now)
        self._since = dict.fromkeys(self._pushes, now)  # only what is committed has been looked at
        self._noted_at = now
        return number

    def _lay(self, now: datetime) -> None:
        """Tell the scheduler the next due time of each push, as the wall clock will show it."""
        self._offset = self.clock.offset()
        dues = {due for wanted in self._pushes.values() for due in _following(wanted, now)}
        self._next = min(dues, default=None)
        self._scheduler.remove_all_jobs()
        for due in dues:
            self._scheduler.add_job(self._fire, DateTrigger(due - self._offset), args=[due])

    def _fire(self, due: datetime) -> None:
        if self.clock.now() < due - SEEN_EVERY:
            return  # the clock was moved back; the worker lays everything anew
        self.look(max(due, self.clock.now()))


def _following(wanted: Push, now: datetime) -> Iterator[datetime]:
    due = next(iter(wanted.occurrences(now, now + AHEAD)), None)
    if due is not None:
        yield due


def _mark(wanted: Push) -> str:
    """A push with its times: written anew for another time, it is another one."""
    return f"{wanted.name} {hashlib.sha256(wanted.times.encode()).hexdigest()[:8]}"


def _first(wanted: Push, now: datetime) -> datetime:
    """From when on a push counts that nobody looked at before."""
    back = max(wanted.late_ok, PROMPT)
    return now - (max(back, LONG_AGO) if wanted.at else back)


def _read(connection: Connection, now: datetime) -> tuple[datetime, frozenset[str]]:
    found = shared.read(connection, SEEN, now)
    if found is None:
        return now, frozenset()
    seen_at, marks = json.loads(found[0])
    return datetime.fromisoformat(seen_at), frozenset(marks)


def _owe_all(connection: Connection, wanted: Push, since: datetime, now: datetime) -> int:
    """Write down what came due of one push; a fault in it is told, and the others come due all the same."""
    try:
        dues = list(wanted.occurrences(since, now))
        if not dues:
            return 0
        with connection.begin_nested():
            return sum(_owe(connection, wanted, due, now) for due in dues)
    except Exception as error:
        if disconnected(error) or timed_out(error) or deadlocked(error):
            raise
        log.exception("a push cannot come due", extra={"push": wanted.name})
        words = f"推送 {wanted.name} 到了时间却写不进账本（{type(error).__name__}），没有发。请把这句话和日志发给技术人员。"
        alarm.sound(connection, f"timetable {wanted.name}", words, now)
        return 0


def _owe(connection: Connection, wanted: Push, due: datetime, now: datetime) -> bool:
    late = now - due > max(wanted.late_ok, PROMPT)
    asks = wanted.missed == "ask"
    twin = None if late else push.lately(connection, wanted.name, now - TWICE)
    state, reason = (push.MISSED, TOO_LATE if asks else LEFT_OUT) if late else (push.DUE, "")
    if twin and twin.due_at != due and not _planned(wanted, twin.due_at):
        state, reason = push.PAUSED, _twice(twin)
    new = push.owe(connection, plan_of(wanted), due, now, state, reason) is not None
    if new:
        log.info("push due", extra={"push": wanted.name, "due_at": minute(due), "late": late})
        if late and asks:
            missed_alarm(connection, wanted.name, due, now)
        elif state == push.PAUSED:
            words = (
                f"推送 {wanted.name} 没有发：{reason}要再发一遍请运行 push resume {wanted.name}，"
                f"不发请运行 push cancel {wanted.name}。"
            )
            alarm.sound(connection, f"paused {wanted.name}", words, now)
    return new


def _planned(wanted: Push, due: datetime) -> bool:
    """Whether it was due then as it is written now."""
    return any(moment == due for moment in wanted.occurrences(due - SEEN_EVERY, due))


def _twice(twin: push.Occasion) -> str:
    """A time corrected after it went out, or `push start` shortly before its own time: a person says whether once more."""
    return f"同一个推送 {minute(twin.due_at)} 刚刚发过，再发一遍关注者会收到两次。"
