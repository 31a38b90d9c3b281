"""Days as the staff write them: `02-21`, `2027-02-21`, `lunar 01-15`, `lunar 12-last`; and lunar days in words."""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from borax.calendars.lunardate import LCalendars, LunarDate  # type: ignore[import-untyped]

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 1901, 2099  # inside borax's table of lunar years
_DAY = re.compile(r"(lunar\s+)?(?:(\d{4})-)?(\d{1,2})-(\d{1,2}|last)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of one year or of every year; `day` 0 is the last day of its month, `year` 0 is every year."""

    month: int
    day: int
    year: int = 0
    lunar: bool = False

    def on(self, year: int) -> date:
        """The date in this (lunar) year; in a year with a leap month the ordinary month counts."""
        if self.lunar:
            day = self.day or LCalendars.ndays(year, self.month)
            solar: date = LunarDate(year, self.month, day).to_solar_date()
            return solar
        return date(year, self.month, self.day or calendar.monthrange(year, self.month)[1])


def read_day(text: str) -> Day:
    """The day that the text names; ValueError says in Chinese why it is none."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        raise ValueError("日期应写成 月-日，例如 02-21；农历写成 lunar 01-15；某年的一天写成 2027-02-21")
    lunar, year, month = bool(match[1]), int(match[2] or 0), int(match[3])
    day = 0 if match[4] == "last" else int(match[4])
    if not 1 <= month <= 12:
        raise ValueError(f"没有 {month} 月，月份是 01 至 12")
    if lunar:
        _check_lunar(year, month, day, given=match[4])
    elif year and not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"年份应在 {FIRST_YEAR} 至 {LAST_YEAR} 之间")
    elif (month, day, year) == (2, 29, 0):
        raise ValueError("2 月 29 日四年才有一次；每年 2 月的最后一天请写 02-last")
    elif match[4] != "last" and not 1 <= day <= calendar.monthrange(year or 2023, month)[1]:
        raise ValueError(f"{month} 月没有 {match[4]} 日")
    return Day(month, day, year, lunar)


def _check_lunar(year: int, month: int, day: int, given: str) -> None:
    if year:
        raise ValueError("农历日期不写年份，每年都算，例如 lunar 01-15")
    if (month, day) == (12, 30):
        raise ValueError(
            "腊月有的年份只有 29 天，写三十会有好几年不发；除夕是腊月的最后一天，请写 12-last，例如 12-last 10:00"
        )
    if day == 30:
        raise ValueError(f"农历月份有的只有 29 天，写三十会有年份不发；月末请写 {month:02d}-last")
    if given != "last" and not 1 <= day <= 29:
        raise ValueError(f"农历没有 {given} 日，日子是 01 至 29，月末写 last")


def read_time(text: str) -> tuple[int, int]:
    """Hour and minute of `10:00`; ValueError in Chinese."""
    match = _TIME.fullmatch(text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("几点几分应写成 10:00 的样子（24 小时制，英文冒号）")
    return int(match[1]), int(match[2])


def periods(first: Day, last: Day, years: range) -> list[tuple[date, date]]:
    """Each (first day, last day) that begins in one of these years; a period may run over New Year."""
    found = []
    for year in (first.year,) if first.year else years:
        if FIRST_YEAR <= year <= LAST_YEAR:
            start, end = first.on(year), last.on(last.year or year)
            found.append((start, end if end >= start else last.on(year + 1)))
    return found


def check_period(first: str, last: str) -> None:
    """ValueError in Chinese when the second day can never follow the first."""
    start, end = read_day(first), read_day(last)
    if end.year and not start.year:
        raise ValueError("to 写了年份，from 也要写年份")
    if end.year and end.on(end.year) < start.on(start.year):
        raise ValueError(f"to（{last}）比 from（{first}）还早")


def lunar_words(day: date) -> str:
    """The lunar day as people say it: 正月十五, 闰六月初一, 除夕."""
    lunar = LunarDate.from_solar(day)
    if (lunar.month, lunar.leap) == (12, 0) and lunar.day == LCalendars.ndays(lunar.year, 12):
        return "除夕"
    return f"{'闰' if lunar.leap else ''}{lunar.cn_month.removeprefix('闰')}月{lunar.cn_day}"
