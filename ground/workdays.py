"""Which days are worked: what the State Council has announced of holidays and 调休, and beyond it what is surely so.

Three sources, the first that speaks of a day wins: the staff's own `[[holidays]]`; the announcements of past years, to the
last that the library has; for a year that nobody has announced yet, weekends and the days that the law itself names
(《全国年节及纪念日放假办法》, as of 2025), which is right but for the days that are moved about.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

import chinese_calendar
from pydantic import BeforeValidator, Field, model_validator

from ground.days import FIRST_YEAR, LAST_YEAR, SHANGHAI
from ground.festivals import festival
from ground.part import Part
from ground.wide import hint

ANNOUNCED = range(min(chinese_calendar.holidays).year, max(chinese_calendar.holidays).year + 1)
"""The years of which the library has the State Council's announcement."""
LONGEST = timedelta(days=15)
_BY_LAW = {  # from which day on, and how many
    "元旦": (0, 1), "春节": (-1, 4), "清明": (0, 1), "劳动节": (0, 2), "端午": (0, 1), "中秋": (0, 1), "国庆": (0, 3),
}  # fmt: skip


def _date(value: object) -> object:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"日期要写全年月日，例如 2027-02-05{hint(value)}") from None
    if isinstance(value, datetime):
        raise ValueError("这里只写日期，不写几点，例如 2027-02-05")
    return value


FullDate = Annotated[date, BeforeValidator(_date)]


class Holiday(Part):
    """`[[holidays]]`: one holiday as the State Council's notice tells it, both days included, with the weekends that are worked."""

    name: Annotated[str, Field(min_length=1, max_length=20)]
    from_: FullDate = Field(alias="from")
    to: FullDate
    work: tuple[FullDate, ...] = ()

    @staticmethod
    def odds(table: dict[str, Any]) -> list[str]:
        """What is wrong between the keys of a raw table."""
        try:
            first, last = _date(table.get("from")), _date(table.get("to"))
            work = [_date(each) for each in table.get("work", ())]
        except (ValueError, TypeError):
            return []  # said of that key by itself
        if not isinstance(first, date) or not isinstance(last, date):
            return []
        return list(_odds(first, last, work))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if faults := list(_odds(self.from_, self.to, self.work)):
            raise ValueError("；".join(faults))
        return self

    @property
    def days(self) -> Iterator[date]:
        """Its free days."""
        return (self.from_ + timedelta(n) for n in range((self.to - self.from_).days + 1))


def _odds(first: date, last: date, work: Iterable[object]) -> Iterator[str]:
    if last < first:
        yield f"to（{last}）比 from（{first}）还早"
    elif last - first >= LONGEST:
        yield f"一次放假最多写 {LONGEST.days} 天，请核对 from 和 to"
    for day in work:
        if isinstance(day, date) and first <= day <= last:
            yield f"work 里的 {day} 在放假的日子里，请核对"
        elif isinstance(day, date) and day.weekday() < 5:
            yield f"work 里的 {day} 本来就是工作日（周{'一二三四五'[day.weekday()]}）；这里只写调休上班的周六、周日"


@dataclass(frozen=True, slots=True)
class Workdays:
    """What the staff's own table says; without one, what is announced and what is law."""

    free: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        """Whether it is worked."""
        if day in self.worked or day in self.free:
            return day in self.worked
        if day.year in ANNOUNCED:
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < 5 and day not in _by_law(day.year)

    def lacking(self, year: int) -> list[str]:
        """Which holidays of this year nobody has announced and no table tells; [] where the year is known."""
        if year in ANNOUNCED or not FIRST_YEAR < year < LAST_YEAR:
            return []
        law = _by_law(year)
        return [name for name in _BY_LAW if any(law[day] == name for day in law.keys() - self.free)]

    def move(self, day: date, whither: str) -> date | None:
        """The day itself where it is worked; else the last one `before`, the first one `after`, or None (`skip`)."""
        step = {"before": timedelta(-1), "after": timedelta(1)}.get(whither)
        while day not in self:
            if step is None:
                return None
            day += step
        return day

    def end_after(self, now: datetime, number: int) -> datetime:
        """The end of the so-manieth working day after the day of `now` in Shanghai: a posting counts no day that has begun."""
        day = now.astimezone(SHANGHAI).date()
        while number:
            day += timedelta(1)
            number -= day in self
        return datetime.combine(day + timedelta(1), time(), SHANGHAI)


def workdays(holidays: Iterable[Holiday]) -> Workdays:
    """What these tables say together."""
    every = list(holidays)
    return Workdays(
        frozenset(day for each in every for day in each.days),
        frozenset(day for each in every for day in each.work),
    )


def unannounced(year: int, lacking: list[str]) -> str:
    """What is said of a year whose holidays are not known, and what is to be done."""
    all_of_it = len(lacking) == len(_BY_LAW)
    what = "放假和调休安排还不知道" if all_of_it else f"放假安排还不全，缺 {'、'.join(lacking)}"
    return (
        f"{year} 年的{what}，暂时按周末和法定假日算，不知道哪天调休；"
        "国务院办公厅公布以后（一般在前一年 11 月），请写进 [[holidays]]，或请技术人员更新程序"
    )


@lru_cache(300)
def _by_law(year: int) -> dict[date, str]:
    return {
        festival(name, year) + timedelta(first + n): name
        for name, (first, number) in _BY_LAW.items()
        for n in range(number)
    }
