"""The days that people call by a name: 春节, 元宵, 清明, 国庆 … and the date of each in a year."""

from datetime import date

from borax.calendars.lunardate import TermUtils

from ground.days import Day
from ground.shape import one_of

_LUNAR = {
    "春节": (1, 1), "元宵": (1, 15), "龙抬头": (2, 2), "端午": (5, 5), "七夕": (7, 7), "中秋": (8, 15), "重阳": (9, 9),
    "腊八": (12, 8), "小年": (12, 23), "除夕": (12, 0),
}  # fmt: skip
_SOLAR = {
    "元旦": (1, 1), "妇女节": (3, 8), "植树节": (3, 12), "劳动节": (5, 1), "青年节": (5, 4), "儿童节": (6, 1), "建党节": (7, 1),
    "建军节": (8, 1), "教师节": (9, 10), "国庆": (10, 1),
}  # fmt: skip
_TERMS = ("清明", "冬至")
_ALSO = {
    "五一": "劳动节",
    "十一": "国庆",
    "三八": "妇女节",
    "六一": "儿童节",
    "八一": "建军节",
    "七一": "建党节",
}
FESTIVALS = (*_LUNAR, *_SOLAR, *_TERMS)
"""The names that may be written; 元宵节 is 元宵, 五一 is 劳动节. 小年 is the North's, the 23rd of the twelfth month."""


def named(text: str) -> str:
    """The festival that the text means, as it stands in FESTIVALS; ValueError in Chinese with all names."""
    name = text.strip()
    for each in (name, name.removesuffix("节"), f"{name}节", _ALSO.get(name, "")):
        if each in FESTIVALS:
            return each
    raise ValueError(f"没有叫“{name}”的节日；可以写 {one_of(list(FESTIVALS))}")


def festival(name: str, year: int) -> date:
    """Its date in this year; a lunar one counts by the lunar year, so 腊八 and 除夕 may lie in the next January or February."""
    if name in _TERMS:
        day: date = TermUtils.nth_term_day(year, term_name=name)
        return day
    lunar = name in _LUNAR
    return Day(*(_LUNAR if lunar else _SOLAR)[name], lunar=lunar).on(year)
