"""Days and times as the staff write them: `02-21`, `2027-02-21`, `lunar 01-15`, `12-last 10:00`, `30m`."""

import calendar
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from borax.calendars.lunardate import LCalendars, LunarDate
from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from ground.wide import hint

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 1901, 2099  # inside borax's table of lunar years
_DAY = re.compile(r"(lunar\s+)?(leap\s+)?(?:(\d{4})-)?(\d{1,2})-(\d{1,2}|last)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of one year or of every year; `day` 0 is the last day of its month, `year` 0 is every year; `leap` is the day of
    a lunar leap month (闰月)."""

    month: int
    day: int
    year: int = 0
    lunar: bool = False
    leap: bool = False

    def on(self, year: int) -> date:
        """The date in this (lunar) year; in a year with a leap month the ordinary month counts."""
        if self.lunar:
            day = self.day or LCalendars.ndays(year, self.month)
            solar: date = LunarDate(year, self.month, day).to_solar_date()
            return solar
        return date(year, self.month, self.day or calendar.monthrange(year, self.month)[1])

    @property
    def rare(self) -> bool:
        """Whether there are years that have no such day."""
        leap_day = (self.month, self.day, self.year, self.lunar) == (2, 29, 0, False)
        return self.leap or leap_day or (self.lunar and self.day == 30)

    def near(self, year: int, instead: str) -> date | None:
        """The date in this (lunar) year. In a year without it: the last day `before`, the next one `after`, or none (`skip`);
        for a leap month that the year has not, the same day of the ordinary month is the one before."""
        if self.leap:
            return self._in_leap_month(year, instead)
        last = replace(self, day=0).on(year)
        longest = LCalendars.ndays(year, self.month) if self.lunar else last.day
        if self.day <= longest:
            return self.on(year)
        return {"before": last, "after": last + timedelta(1)}.get(instead)

    def _in_leap_month(self, year: int, instead: str) -> date | None:
        if LCalendars.leap_month(year) != self.month:
            return replace(self, leap=False).on(year) if instead == "before" else None
        day = self.day or LCalendars.ndays(year, self.month, 1)
        solar: date = LunarDate(year, self.month, day, 1).to_solar_date()
        return solar


def read_day(text: str, rare: bool = False) -> Day:
    """The day that the text names; ValueError says in Chinese why it is none, and why a day is none that some years have
    not, unless `rare` lets it pass."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        words = "日期应写成 月-日，例如 02-21；农历写成 lunar 01-15；某年的一天写成 2027-02-21"
        raise ValueError(f"{words}{hint(text)}")
    lunar, leap, year, month = bool(match[1]), bool(match[2]), int(match[3] or 0), int(match[4])
    day = 0 if match[5] == "last" else int(match[5])
    if not 1 <= month <= 12:
        raise ValueError(f"没有 {month} 月，月份是 01 至 12")
    if leap and not lunar:
        raise ValueError("只有农历有闰月：leap 写在 lunar 后面，例如 lunar leap 06-01")
    if lunar and rare and not year and day == 30 and not leap:
        return Day(month, day, lunar=True)
    if lunar:
        _check_lunar(year, month, day, given=match[5])
        if leap and not rare:
            raise ValueError(
                f"闰{month}月不是每年都有，写 leap 会有年份不发；闰月不算的写 {month:02d}-{match[5]}"
            )
    elif year and not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"年份应在 {FIRST_YEAR} 至 {LAST_YEAR} 之间")
    elif (month, day, year) == (2, 29, 0):
        if rare:
            return Day(month, day)
        raise ValueError("2 月 29 日四年才有一次；每年 2 月的最后一天请写 02-last")
    elif match[5] != "last" and not 1 <= day <= calendar.monthrange(year or 2023, month)[1]:
        raise ValueError(f"{month} 月没有 {match[5]} 日")
    return Day(month, day, year, lunar, leap)


def _check_lunar(year: int, month: int, day: int, given: str) -> None:
    if year:
        raise ValueError("农历日期不写年份，每年都算，例如 lunar 01-15")
    if (month, day) == (12, 30):
        raise ValueError(
            "腊月有的年份只有 29 天，写三十会有好几年不发；"
            "除夕是腊月的最后一天，请写 12-last，例如 12-last 10:00"
        )
    if day == 30:
        raise ValueError(f"农历月份有的只有 29 天，写三十会有年份不发；月末请写 {month:02d}-last")
    if given != "last" and not 1 <= day <= 29:
        raise ValueError(f"农历没有 {given} 日，日子是 01 至 29，月末写 last")


def read_time(text: str) -> tuple[int, int]:
    """Hour and minute of `10:00`; ValueError in Chinese."""
    match = _TIME.fullmatch(text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f"几点几分应写成 10:00 的样子（24 小时制，英文冒号）{hint(text)}")
    return int(match[1]), int(match[2])


def periods(first: Day, last: Day, years: range) -> list[tuple[date, date]]:
    """Each (first day, last day) that begins in one of these years; a period may run over New Year."""
    found = []
    for year in (first.year,) if first.year else years:
        if FIRST_YEAR <= year <= LAST_YEAR:
            start = first.on(year)
            # A lunar year begins one to two months after the year of its number, so the end may lie a year either way.
            ends = [last.on(last.year)] if last.year else [last.on(year + shift) for shift in (-1, 0, 1)]
            found.append((start, min(end for end in ends if end >= start)))
    return found


class ImpossibleError(ValueError):
    """Two days that are each right but make no period."""


def check_period(first: str, last: str) -> None:
    """ImpossibleError in Chinese when the second day can never follow the first."""
    (start, opens), (end, closes) = read_edge(first), read_edge(last)
    if start == end and closes is not None and closes <= (opens or time()):
        raise ImpossibleError(f"to（{last}）不比 from（{first}）晚，这样活动永远不会开")
    if end.year and not start.year:
        raise ImpossibleError("to 写了年份，from 也要写年份")
    if end.year and end.on(end.year) < start.on(start.year):
        raise ImpossibleError(f"to（{last}）比 from（{first}）还早")


def lunar_words(day: date) -> str:
    """The lunar day as people say it: 正月十五, 闰六月初一, 除夕."""
    lunar = LunarDate.from_solar(day)
    if (lunar.month, lunar.leap) == (12, 0) and lunar.day == LCalendars.ndays(lunar.year, 12):
        return "除夕"
    return f"{'闰' if lunar.leap else ''}{lunar.cn_month.removeprefix('闰')}月{lunar.cn_day}"


def moment(at: datetime) -> str:
    """2月6日 10:00; the midnight that ends a day is that day's 24:00."""
    here = at.astimezone(SHANGHAI)
    if (here.hour, here.minute) == (0, 0):
        before = here.fromtimestamp(here.timestamp() - 1, SHANGHAI)
        return f"{before.month}月{before.day}日 24:00"
    return f"{here.month}月{here.day}日 {here:%H:%M}"


def minute(at: datetime) -> str:
    """A moment as staff read it, in Shanghai: 2027-02-20 10:00."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def tomorrow(now: datetime) -> datetime:
    """The next 00:00 of Shanghai, when WeChat's daily counts start anew."""
    local = now.astimezone(SHANGHAI)
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), SHANGHAI)
    return midnight.astimezone(UTC)


def month_start(now: datetime) -> datetime:
    """The first moment of this calendar month in Shanghai."""
    local = now.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(UTC)


def day_start(now: datetime) -> datetime:
    """The first moment of today in Shanghai."""
    return tomorrow(now) - timedelta(days=1)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,5})([mhd])", value.strip()) if isinstance(value, str) else None
    if not match:
        named = hint(value) if isinstance(value, str) else ""
        raise ValueError(f'时长应写成 "30m"（分钟）、"2h"（小时）或 "1d"（天）{named}')
    unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
    length = timedelta(**{unit: int(match[1])})
    if length > timedelta(days=30):
        raise ValueError("时长最多 30 天")
    return length


def _duration_text(value: timedelta) -> str:
    return f"{int(value.total_seconds()) // 60}m"


def _instant(value: object) -> datetime:
    """A TOML time without an offset is Shanghai time."""
    named = hint(value) if isinstance(value, str) else ""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime):  # ValueError, because that is what becomes a sentence for the staff
        raise ValueError(f"时间要写全年月日和几点，例如 2027-02-20T10:00:00（北京时间，不加引号）{named}")
    return value if value.tzinfo else value.replace(tzinfo=SHANGHAI)


def _day_text(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str) and value:
        read_day(value)
    return value


def _time_text(value: object) -> object:
    if isinstance(value, time):
        value = f"{value:%H:%M}"
    if isinstance(value, str):
        read_time(value)
    return value


def read_moment(text: str, rare: bool = False) -> tuple[Day, time]:
    """The day and the time of `02-21 10:00`; every fault of both halves in one ValueError."""
    day_text, _, time_text = text.strip().rpartition(" ")
    if not day_text or re.fullmatch(r"\d{1,2}-\w+", time_text):
        day_text, time_text = text, ""
    faults, day, clock = [], None, None
    try:
        day = read_day(day_text, rare)
    except ValueError as fault:
        faults.append(str(fault))
    try:
        clock = time(*read_time(time_text))
    except ValueError as fault:
        faults.append(str(fault) if time_text else "日期后面还要写几点，例如 02-21 10:00")
    if day is None or clock is None:
        raise ValueError("；".join(faults))
    return day, clock


def read_edge(text: str) -> tuple[Day, time | None]:
    """The day of `04-08` or `04-08 09:00`, and its time where one is written; ValueError in Chinese."""
    day_text, _, time_text = text.strip().rpartition(" ")
    if ":" not in time_text:
        return read_day(text), None
    return read_day(day_text), time(*read_time(time_text))


def _edge_text(value: object) -> object:
    if isinstance(value, datetime):
        value = f"{value:%Y-%m-%d %H:%M}"
    elif isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str) and value:
        read_edge(value)
    return value


def _moment(text: str) -> Day:
    """Its day; where some years have no such day, that is told only if something else is wrong too."""
    try:
        return read_moment(text)[0]
    except ValueError:
        with suppress(ValueError):
            return read_moment(text, rare=True)[0]
        raise


def _yearly(text: str) -> str:
    day = _moment(text)
    if day.year or day.lunar:
        raise ValueError("yearly 写公历的 月-日 时:分，例如 02-21 10:00；某一年的用 at，农历的用 lunar")
    return text


def _lunar(text: str) -> str:
    _moment(f"lunar {text}")
    return text


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(_duration_text, return_type=str)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
EdgeText = Annotated[str, BeforeValidator(_edge_text)]
DayText = Annotated[str, BeforeValidator(_day_text)]
TimeText = Annotated[str, BeforeValidator(_time_text)]
TimeOrNone = Annotated[str, BeforeValidator(lambda value: value and _time_text(value))]
Yearly = Annotated[str, AfterValidator(_yearly)]
Lunar = Annotated[str, AfterValidator(_lunar)]
