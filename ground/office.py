"""Working time: when an office works, how much of that lies between two moments, and when so much of it has passed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator

from ground.days import SHANGHAI, read_time
from ground.wide import hint
from ground.workdays import Workdays

DAY = timedelta(1)


@dataclass(frozen=True, slots=True)
class Office:
    """From `opens` to `closes` after midnight, on every day that is worked (Shanghai, which has no summer time)."""

    opens: timedelta
    closes: timedelta
    workdays: Workdays = field(default_factory=Workdays)

    @property
    def day(self) -> timedelta:
        """The working time of one day."""
        return self.closes - self.opens

    def after(self, start: datetime, span: timedelta) -> datetime:
        """When so much working time has passed since `start`, in UTC. What ends with the day ends at closing time."""
        day, left = start.astimezone(SHANGHAI).date(), span
        while True:
            first, last = self._hours(day, start)
            if last - first >= left and last > first:
                return first + left
            left -= last - first
            day += DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from one moment to the other."""
        day, spent = start.astimezone(SHANGHAI).date(), timedelta(0)
        while _midnight(day) < end:
            first, last = self._hours(day, start)
            spent += max(min(last, end) - first, timedelta(0))
            day += DAY
        return spent

    def _hours(self, day: date, since: datetime) -> tuple[datetime, datetime]:
        """From when to when it works on this day, what lies before `since` left out; an empty span where it does not."""
        midnight = _midnight(day)
        if day not in self.workdays:
            return midnight, midnight
        last = midnight + self.closes
        return min(max(midnight + self.opens, since.astimezone(UTC)), last), last


def _midnight(day: date) -> datetime:
    """The moment at which this day begins in Shanghai, in UTC, so that adding hours to it is plain."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def read_hours(text: str) -> tuple[timedelta, timedelta]:
    """`08:30-17:30`, the end as 24:00 where it is midnight. ValueError in Chinese."""
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError(f'办公时间应写成 "08:30-17:30" 的样子{hint(text)}')
    first = _clock(opens)
    last = DAY if closes.strip() == "24:00" else _clock(closes)
    if first >= last:
        raise ValueError("办公时间的结束要比开始晚；到半夜的写 24:00")
    return first, last


def _clock(text: str) -> timedelta:
    hours, minutes = read_time(text.strip())
    return timedelta(hours=hours, minutes=minutes)


def _text(value: object) -> object:
    if isinstance(value, str):
        read_hours(value)
    return value


HoursText = Annotated[str, BeforeValidator(_text)]
