"""Quiet hours: `22:00-07:00`, in which nothing is to come to people's phones."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator

from ground.days import SHANGHAI, read_time
from ground.wide import hint


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `start` on, until `end`, which is no longer quiet; over midnight where the end is the earlier."""

    start: time
    end: time

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def __contains__(self, moment: datetime) -> bool:
        return self.holds(moment.astimezone(SHANGHAI).time())

    def holds(self, clock: time) -> bool:
        """Whether this time of day is quiet."""
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def over(self, moment: datetime) -> datetime:
        """The moment itself, or the end of the quiet hours that it falls into."""
        local = moment.astimezone(SHANGHAI)
        if not self.holds(local.time()):
            return moment
        night = self.start > self.end and local.time() >= self.start
        return datetime.combine(local.date() + timedelta(days=night), self.end, SHANGHAI)


def read_quiet(text: str) -> Quiet | None:
    """The hours that the text names, None for ''; ValueError in Chinese."""
    if not text.strip():
        return None
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f'安静时间应写成 "22:00-07:00" 的样子{hint(text)}')
    hours = Quiet(time(*read_time(start)), time(*read_time(end)))
    if hours.start == hours.end:
        raise ValueError("安静时间的开始和结束不能一样")
    return hours


def _text(value: object) -> object:
    if isinstance(value, str):
        read_quiet(value)
    return value


QuietText = Annotated[str, BeforeValidator(_text)]
