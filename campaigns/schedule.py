"""When a push comes: its days by each way of writing them, moved to working days and out of the quiet hours."""

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ground.days import (
    FIRST_YEAR,
    LAST_YEAR,
    SHANGHAI,
    Day,
    DayText,
    TimeText,
    check_period,
    periods,
    read_day,
    read_moment,
    read_time,
)
from ground.festivals import festival, named
from ground.part import Part
from ground.quiet import Quiet
from ground.wide import hint
from ground.workdays import Workdays

WHEN = ("at", "yearly", "lunar", "festival", "daily", "weekly", "monthly")
WEEKDAYS = "一二三四五六日"
INSTEAD = {"before": "往前，到有的那一天", "after": "往后顺延", "skip": "不发"}
"""What is done where a day does not exist (`or`) or is not worked (`workday`)."""
WAYS = "，".join(f'"{each}" {words}' for each, words in INSTEAD.items())
NTH = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
_NTH = re.compile(
    r"(?:第\s*([一二三四五1-5])\s*个?|(最后)\s*一?\s*个?)\s*(?:周|星期|礼拜)([一二三四五六日天])"
)
_FARTHEST = 60  # days between a festival and a push for it


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the whole config says about days: which are worked, and when it is quiet."""

    workdays: Workdays = field(default_factory=Workdays)
    quiet: Quiet | None = None

    def fit(self, day: date, clock: time, workday: str | None) -> datetime | None:
        """The moment on this day, moved as the writer and the quiet hours say; None where it is left out."""
        moved = self.workdays.move(day, workday) if workday else day
        return self.awake(datetime.combine(moved, clock, SHANGHAI)) if moved else None

    def awake(self, moment: datetime) -> datetime:
        """The moment, or the end of the quiet hours that it falls into."""
        return self.quiet.over(moment) if self.quiet else moment


# --- spans ---------------------------------------------------------------------------------------------------


class _Span(Part):
    """From one day to another, both included; without years it comes again each year."""

    def _edges(self) -> tuple[str, str]:
        raise NotImplementedError

    def spans(self, years: range) -> Iterator[tuple[date, date]]:
        """Each (first day, last day) that begins in these years; whole years where no days are written."""
        first, last = self._edges()
        if first and last:
            yield from periods(read_day(first), read_day(last), years)
            return
        yield from ((date(year, 1, 1), date(year, 12, 31)) for year in years if year <= LAST_YEAR)


class Daily(_Span):
    """Every day at one time."""

    from_: DayText = Field(alias="from")
    to: DayText
    at: TimeText

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_period(self.from_, self.to)
        return self

    def _edges(self) -> tuple[str, str]:
        return self.from_, self.to

    def days(self, years: range) -> Iterator[date]:
        """Each day of the periods that begin in these years."""
        for start, end in self.spans(years):
            yield from (start + timedelta(days) for days in range((end - start).days + 1))


class _Often(_Span):
    """All year, or from one day to another."""

    from_: DayText | None = Field(default=None, alias="from")
    to: DayText | None = None
    at: TimeText

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise ValueError("from 和 to 要么都写，要么都不写（不写就是全年）")
        if self.from_ and self.to:
            check_period(self.from_, self.to)
        return self

    def _edges(self) -> tuple[str, str]:
        return self.from_ or "", self.to or ""


def _weekday(text: str) -> str:
    found = re.fullmatch(r"(?:周|星期|礼拜)([一二三四五六日天])", text.strip())
    if not found:
        raise ValueError(f'星期几应写成 "周五"，几天写成 ["周一", "周四"]{hint(text)}')
    return f"周{found[1].replace('天', '日')}"


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Weekly(_Often):
    """On one weekday or several."""

    on: Annotated[
        tuple[Annotated[str, AfterValidator(_weekday)], ...],
        BeforeValidator(_several),
        Field(min_length=1, max_length=7),
    ]

    def days(self, years: range) -> Iterator[date]:
        """Each of its days in the periods that begin in these years."""
        wanted = {WEEKDAYS.index(each[1]) for each in self.on}
        for start, end in self.spans(years):
            every = (start + timedelta(days) for days in range((end - start).days + 1))
            yield from (day for day in every if day.weekday() in wanted)


def _day_of_month(value: object) -> object:
    text = str(value).strip() if isinstance(value, str | int) else ""
    if not (text == "last" or _NTH.fullmatch(text) or (text.isdigit() and 1 <= int(text) <= 31)):
        raise ValueError(
            '每月的哪一天应写成 "15"（15 日）、"last"（最后一天）、"第二个周五" 或 "最后一个周五"'
        )
    return text


class Monthly(_Often):
    """On one day of the month, or on its first to fifth or last weekday of a name."""

    on: Annotated[str, BeforeValidator(_day_of_month)]

    @property
    def rare(self) -> bool:
        """Whether some months have no such day."""
        nth = _NTH.fullmatch(self.on)
        return NTH.get(nth[1], 0) == 5 if nth else self.on in ("29", "30", "31")

    def days(self, years: range, instead: str = "skip") -> Iterator[date]:
        """Each of its days in the periods that begin in these years."""
        for start, end in self.spans(years):
            year, month = start.year, start.month
            while (year, month) <= (end.year, end.month):
                day = self._in(year, month, instead)
                if day and start <= day <= end:
                    yield day
                year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def _in(self, year: int, month: int, instead: str) -> date | None:
        length = calendar.monthrange(year, month)[1]
        first, last = date(year, month, 1), date(year, month, length)
        if nth := _NTH.fullmatch(self.on):
            weekday, step = WEEKDAYS.index(nth[3].replace("天", "日")), 7
            latest = last - timedelta((last.weekday() - weekday) % 7)
            earliest = first + timedelta((weekday - first.weekday()) % 7)
            day = latest if nth[2] else earliest + timedelta(7 * (NTH[nth[1]] - 1))
        else:
            step, latest = 1, last
            day = last if self.on == "last" else first + timedelta(int(self.on) - 1)
        if day <= last:
            return day
        return {"before": latest, "after": latest + timedelta(step)}.get(instead)


# --- festivals -----------------------------------------------------------------------------------------------


def _festival(text: str) -> str:
    name, _, clock = text.strip().rpartition(" ")
    if not name:
        raise ValueError(f'节日应写成 "元宵 10:00" 的样子：名字、空格、几点{hint(text)}')
    hours, minutes = read_time(clock)
    return f"{named(name)} {hours:02d}:{minutes:02d}"


def _offset(text: str) -> str:
    found = re.fullmatch(r"([+-]?\d{1,3})d", text.strip())
    if not found or abs(int(found[1])) > _FARTHEST:
        raise ValueError(f'offset 写提前或推后几天："-3d" 提前 3 天，"1d" 后一天，最多 {_FARTHEST} 天')
    return text.strip()


def _instead(text: str) -> str:
    if text not in INSTEAD:
        raise ValueError(f"只能写 {WAYS}")
    return text


Festival = Annotated[str, AfterValidator(_festival)]
Offset = Annotated[str, AfterValidator(_offset)]
Instead = Annotated[str, AfterValidator(_instead)]


# --- all of them ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of writing a push's days, with its time of day."""

    key: str
    value: Any
    offset: str | None = None
    instead: str | None = None

    @property
    def clock(self) -> time:
        """The time of day that is written."""
        if isinstance(self.value, str):
            return time(*read_time(self.value.strip().rpartition(" ")[2]))
        return time(*read_time(self.value.at))

    def days(self, years: range) -> Iterator[date]:
        """Its days, in order, as they are written: not yet moved to working days."""
        instead = self.instead or "skip"
        if isinstance(self.value, Monthly):
            yield from self.value.days(years, instead)
        elif isinstance(self.value, Daily | Weekly):
            yield from self.value.days(years)
        else:
            for year in (year for year in years if FIRST_YEAR <= year <= LAST_YEAR):
                if (day := self._once(year, instead)) is not None:
                    yield day

    def _once(self, year: int, instead: str) -> date | None:
        if self.key == "festival":
            return festival(self.value.rpartition(" ")[0], year) + timedelta(int((self.offset or "0d")[:-1]))
        return _day(self.key, self.value).near(year, instead)


def _day(key: str, text: str) -> Day:
    return read_moment(f"lunar {text}" if key == "lunar" else text, rare=True)[0]


def odds(table: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong between the keys of a push's time in a raw table."""
    times = [key for key in WHEN if table.get(key) is not None]
    if not times:
        yield f"没有写时间：{'、'.join(WHEN)} 里要写一个"
    elif len(times) > 1:
        yield f"时间写了 {'、'.join(times)}，只能留一个"
    else:
        yield from _beside(times[0], table)


def _beside(key: str, table: Mapping[str, Any]) -> Iterator[str]:
    """What the keys beside the time must agree with."""
    if table.get("offset") is not None and key != "festival":
        yield "offset 只和 festival 一起写"
    if table.get("workday") is not None and key == "at":
        yield "at 已经是定好的一天，不用再写 workday"
    if table.get("or") is not None and why_rare(key, table[key]) == "":
        yield "这个时间每次都有，不用写 or"
    elif table.get("or") == "after" and key == "lunar" and "leap" in str(table[key]):
        yield '闰月没有“往后”的那一天：or 请写 "before"（没有闰月的年份在平月发）或 "skip"'


def why_rare(key: str, value: object) -> str | None:
    """Why there are years or months without such a day, '' where there are none, None where the value is no time."""
    try:
        if key in ("yearly", "lunar"):
            day = _day(key, str(value))
            return _strict(f"lunar {value}" if key == "lunar" else str(value)) if day.rare else ""
        if key == "monthly":
            monthly = Monthly.model_validate(value)
            return f"不是每个月都有 {monthly.on}" if monthly.rare else ""
    except ValueError:
        return None
    return ""


def _strict(text: str) -> str:
    try:
        read_moment(text)
    except ValueError as fault:
        return str(fault)
    return ""
