"""Festivals, working days and quiet hours come out as the official calendar has them."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from app import Config, read
from campaigns.campaign import named
from campaigns.push import Push
from campaigns.schedule import Calendar
from ground.days import SHANGHAI
from ground.festivals import festival
from ground.quiet import read_quiet
from ground.toml import Loaded
from ground.workdays import ANNOUNCED, Holiday, Workdays, workdays

FESTIVALS = {  # the almanac's days of 2017 to 2036; leap months lie in 2017, 2020, 2023, 2025, 2028, 2031, 2033 and 2036
    "春节": """2017-01-28 2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17
        2027-02-06 2028-01-26 2029-02-13 2030-02-03 2031-01-23 2032-02-11 2033-01-31 2034-02-19 2035-02-08 2036-01-28""",
    "元宵": """2017-02-11 2018-03-02 2019-02-19 2020-02-08 2021-02-26 2022-02-15 2023-02-05 2024-02-24 2025-02-12 2026-03-03
        2027-02-20 2028-02-09 2029-02-27 2030-02-17 2031-02-06 2032-02-25 2033-02-14 2034-03-05 2035-02-22 2036-02-11""",
    "清明": """2017-04-04 2018-04-05 2019-04-05 2020-04-04 2021-04-04 2022-04-05 2023-04-05 2024-04-04 2025-04-04 2026-04-05
        2027-04-05 2028-04-04 2029-04-04 2030-04-05 2031-04-05 2032-04-04 2033-04-04 2034-04-05 2035-04-05 2036-04-04""",
    "端午": """2017-05-30 2018-06-18 2019-06-07 2020-06-25 2021-06-14 2022-06-03 2023-06-22 2024-06-10 2025-05-31 2026-06-19
        2027-06-09 2028-05-28 2029-06-16 2030-06-05 2031-06-24 2032-06-12 2033-06-01 2034-06-20 2035-06-10 2036-05-30""",
    "七夕": """2017-08-28 2018-08-17 2019-08-07 2020-08-25 2021-08-14 2022-08-04 2023-08-22 2024-08-10 2025-08-29 2026-08-19
        2027-08-08 2028-08-26 2029-08-16 2030-08-05 2031-08-24 2032-08-12 2033-08-01 2034-08-20 2035-08-10 2036-08-28""",
    "中秋": """2017-10-04 2018-09-24 2019-09-13 2020-10-01 2021-09-21 2022-09-10 2023-09-29 2024-09-17 2025-10-06 2026-09-25
        2027-09-15 2028-10-03 2029-09-22 2030-09-12 2031-10-01 2032-09-19 2033-09-08 2034-09-27 2035-09-16 2036-10-04""",
    "重阳": """2017-10-28 2018-10-17 2019-10-07 2020-10-25 2021-10-14 2022-10-04 2023-10-23 2024-10-11 2025-10-29 2026-10-18
        2027-10-08 2028-10-26 2029-10-16 2030-10-05 2031-10-24 2032-10-12 2033-10-01 2034-10-20 2035-10-09 2036-10-27""",
    "腊八": """2017-01-05 2018-01-24 2019-01-13 2020-01-02 2021-01-20 2022-01-10 2022-12-30 2024-01-18 2025-01-07 2026-01-26
        2027-01-15 2028-01-04 2029-01-22 2030-01-11 2031-01-01 2032-01-20 2033-01-08 2034-01-27 2035-01-16 2036-01-05""",
    "除夕": """2017-01-27 2018-02-15 2019-02-04 2020-01-24 2021-02-11 2022-01-31 2023-01-21 2024-02-09 2025-01-28 2026-02-16
        2027-02-05 2028-01-25 2029-02-12 2030-02-02 2031-01-22 2032-02-10 2033-01-30 2034-02-18 2035-02-07 2036-01-27""",
}
NOTICES = {  # State Council: 国办发明电〔2023〕7号, 〔2024〕12号, 〔2025〕7号: first and last free day, weekends that are worked
    2024: """01-01 01-01; 02-10 02-17 02-04 02-18; 04-04 04-06 04-07; 05-01 05-05 04-28 05-11; 06-10 06-10;
        09-15 09-17 09-14; 10-01 10-07 09-29 10-12""",
    2025: """01-01 01-01; 01-28 02-04 01-26 02-08; 04-04 04-06; 05-01 05-05 04-27; 05-31 06-02; 10-01 10-08 09-28 10-11""",
    2026: """01-01 01-03 01-04; 02-15 02-23 02-14 02-28; 04-04 04-06; 05-01 05-05 05-09; 06-19 06-21; 09-25 09-27;
        10-01 10-07 09-20 10-10""",
}
PUSH = '[[campaigns.pushes]]\nid = "p"\nchannel = "mass"\ntext = "甲"\n{}\n'
A_WEEK_OF_2027 = {"name": "元旦", "from": "2027-01-01", "to": "2027-01-03", "work": ["2027-01-09"]}


def push(**keys: object) -> Push:
    return Push.model_validate({"id": "p", "channel": "mass", "text": "甲", **keys})


def days(wanted: Push, first: str, last: str, calendar: Calendar | None = None) -> list[str]:
    """Its days and times between two dates, the last excluded, as they are read in Shanghai."""
    wanted._calendar = calendar or Calendar()
    start, end = (datetime.combine(date.fromisoformat(each), time(), SHANGHAI) for each in (first, last))
    found = wanted.occurrences(start - timedelta(seconds=1), end - timedelta(seconds=1))
    return [f"{due.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" for due in found]


def announced() -> list[tuple[date, bool]]:
    """Every day of the three years, and whether it is worked by the notice."""
    free, worked = set(), set()
    for year, notice in NOTICES.items():
        for each in notice.split(";"):
            first, last, *work = (date.fromisoformat(f"{year}-{day}") for day in each.split())
            free |= {first + timedelta(n) for n in range((last - first).days + 1)}
            worked |= set(work)
    every = [date(2024, 1, 1) + timedelta(n) for n in range(1096)]
    return [(day, day in worked or (day.weekday() < 5 and day not in free)) for day in every]


@pytest.mark.parametrize("name", FESTIVALS)
def test_a_festival_comes_on_its_day_in_twenty_years(name):
    wanted = FESTIVALS[name].split()
    assert len(wanted) == 20
    assert days(push(festival=f"{name} 10:00"), "2017-01-01", "2037-01-01") == [
        f"{each} 10:00" for each in wanted
    ]


def test_every_day_of_three_years_is_worked_or_free_as_the_state_council_says():
    assert len(announced()) == 1096
    assert [(day, day in Workdays()) for day, _ in announced()] == announced()


def test_a_push_for_working_days_comes_on_each_of_them_and_on_no_other():
    every = push(daily={"from": "01-01", "to": "12-31", "at": "09:00"}, workday="skip")
    assert days(every, "2024-01-01", "2027-01-01") == [f"{day} 09:00" for day, work in announced() if work]


def test_a_push_comes_days_before_or_after_a_festival():
    assert days(push(festival="元宵节 18:30", offset="-3d"), "2026-01-01", "2028-01-01") == [
        "2026-02-28 18:30", "2027-02-17 18:30",
    ]  # fmt: skip
    assert days(push(festival="春节 9:00", offset="-30d"), "2026-01-01", "2027-12-31") == [
        "2026-01-18 09:00", "2027-01-07 09:00", "2027-12-27 09:00",
    ]  # fmt: skip
    assert days(push(festival="五一 9:00", offset="1d"), "2027-01-01", "2028-01-01") == ["2027-05-02 09:00"]


def test_weekly_and_monthly_pushes_come_on_their_days():
    weekly = push(weekly={"on": ["周一", "星期四"], "at": "10:00", "from": "03-01", "to": "03-10"})
    assert days(weekly, "2027-01-01", "2028-01-01") == [
        "2027-03-01 10:00", "2027-03-04 10:00", "2027-03-08 10:00",
    ]  # fmt: skip
    assert len(days(push(weekly={"on": "周五", "at": "10:00"}), "2027-01-01", "2028-01-01")) == 53
    second = push(monthly={"on": "第二个周五", "at": "10:00"})
    assert days(second, "2027-01-01", "2027-04-01") == [
        "2027-01-08 10:00", "2027-02-12 10:00", "2027-03-12 10:00",
    ]  # fmt: skip
    last = push(monthly={"on": "最后一个周日", "at": "10:00"})
    assert days(last, "2027-02-01", "2027-04-01") == ["2027-02-28 10:00", "2027-03-28 10:00"]
    end = push(monthly={"on": "last", "at": "10:00", "from": "01-01", "to": "03-15"})
    assert days(end, "2028-01-01", "2029-01-01") == ["2028-01-31 10:00", "2028-02-29 10:00"]
    assert len(days(push(monthly={"on": 15, "at": "10:00"}), "2027-01-01", "2028-01-01")) == 12


def test_a_push_is_moved_to_the_working_day_before_or_after():
    national = {"yearly": "10-01 10:00"}
    assert days(push(**national, workday="before"), "2026-01-01", "2027-01-01") == ["2026-09-30 10:00"]
    assert days(push(**national, workday="after"), "2026-01-01", "2027-01-01") == ["2026-10-08 10:00"]
    assert days(push(**national, workday="skip"), "2024-01-01", "2027-01-01") == []
    weekend = push(weekly={"on": ["周六", "周日"], "at": "9:00"}, workday="after")
    assert days(weekend, "2026-03-06", "2026-03-12") == ["2026-03-09 09:00"], "both days, one push"
    assert days(weekend, "2026-02-27", "2026-03-04") == ["2026-02-28 09:00", "2026-03-02 09:00"], "调休"


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"yearly": "02-29 10:00", "or": "before"}, "2027-02-28 2028-02-29"),
        ({"yearly": "02-29 10:00", "or": "after"}, "2027-03-01 2028-02-29"),
        ({"yearly": "02-29 10:00", "or": "skip"}, "2028-02-29"),
        ({"lunar": "12-30 10:00", "or": "before"}, "2027-02-05 2028-01-25"),
        ({"lunar": "12-30 10:00", "or": "after"}, "2027-02-06 2028-01-26"),
        ({"lunar": "12-30 10:00", "or": "skip"}, ""),
        ({"lunar": "leap 05-01 10:00", "or": "before"}, "2027-06-05 2028-06-23"),
        ({"lunar": "leap 05-01 10:00", "or": "skip"}, "2028-06-23"),
        ({"monthly": {"on": "31", "at": "10:00", "from": "02-01", "to": "04-30"}, "or": "before"},
         "2027-02-28 2027-03-31 2027-04-30 2028-02-29 2028-03-31 2028-04-30"),
        ({"monthly": {"on": "31", "at": "10:00", "from": "02-01", "to": "04-30"}, "or": "skip"},
         "2027-03-31 2028-03-31"),
        ({"monthly": {"on": "第五个周五", "at": "10:00", "from": "01-01", "to": "03-31"}, "or": "before"},
         "2027-01-29 2027-02-26 2027-03-26 2028-01-28 2028-02-25 2028-03-31"),
    ],
)  # fmt: skip
def test_a_day_that_some_years_have_not_is_resolved_as_the_writer_says(keys, found):
    assert days(push(**keys), "2027-01-01", "2029-01-01") == [f"{each} 10:00" for each in found.split()]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"yearly": "02-29 10:00"}, '02-last；或者另写一项 or："before"'),
        ({"lunar": "12-30 10:00"}, "12-last 10:00；或者另写一项 or"),
        ({"lunar": "leap 06-01 10:00"}, "闰6月不是每年都有"),
        ({"monthly": {"on": "31", "at": "10:00"}}, "不是每个月都有 31；或者另写一项 or"),
        ({"monthly": {"on": "第五个周一", "at": "10:00"}}, "不是每个月都有 第五个周一"),
        ({"yearly": "02-28 10:00", "or": "skip"}, "不用写 or"),
        ({"lunar": "leap 06-01 10:00", "or": "after"}, '"before"（没有闰月的年份在平月发）'),
        ({"yearly": "02-29 10:00", "or": "last"}, '只能写 "before"'),
        ({"yearly": "leap 02-01 10:00", "or": "skip"}, "只有农历有闰月"),
        ({"festival": "元宵"}, "元宵 10:00"),
        ({"festival": "圆宵 10:00"}, "没有叫“圆宵”的节日；可以写 春节、元宵"),
        ({"festival": "元宵 10:00", "offset": "-3"}, "-3d"),
        ({"festival": "元宵 10:00", "offset": "-61d"}, "最多 60 天"),
        ({"yearly": "02-21 10:00", "offset": "-3d"}, "offset 只和 festival 一起写"),
        ({"at": "2027-02-20T10:00:00", "workday": "after"}, "at 已经是定好的一天"),
        ({"weekly": {"on": "五", "at": "10:00"}}, "周五"),
        ({"weekly": {"on": [], "at": "10:00"}}, "on"),
        ({"weekly": {"on": "周五", "at": "10:00", "from": "05-01"}}, "要么都写"),
        ({"monthly": {"on": "32", "at": "10:00"}}, "第二个周五"),
        ({"monthly": {"on": "15", "at": "10点"}}, "24 小时制"),
        ({"yearly": "02-21 10:00", "weekly": {"on": "周五", "at": "10:00"}}, "yearly、weekly，只能留一个"),
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_meant_is_refused_with_advice(keys, words):
    with pytest.raises(ValueError, match=r".") as refused:
        push(**keys)
    assert words in str(refused.value)


def test_beyond_the_last_notice_the_law_is_kept_and_the_staffs_table_is_believed():
    assert ANNOUNCED.stop > 2026
    unknown = Workdays()
    beyond = max(ANNOUNCED) + 1
    assert unknown.lacking(2026) == []
    assert unknown.lacking(beyond) == ["元旦", "春节", "清明", "劳动节", "端午", "中秋", "国庆"]
    assert date(beyond, 10, 1) not in unknown
    assert festival("除夕", beyond - 1) not in unknown
    told = workdays(
        [
            Holiday.model_validate(
                {**A_WEEK_OF_2027, "from": "2033-01-01", "to": "2033-01-05", "work": ["2033-01-08"]}
            )
        ]
    )
    assert [date(2033, 1, day) in told for day in (1, 5, 6, 8, 9)] == [False, False, True, True, False]
    assert told.lacking(2033) == ["春节", "清明", "劳动节", "端午", "中秋", "国庆"]
    push_of_the_year = push(yearly="01-05 10:00", workday="after")
    assert days(push_of_the_year, "2033-01-01", "2034-01-01", Calendar(told)) == ["2033-01-06 10:00"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": "2026-12-31"}, "还早"),
        ({"to": "2027-02-01"}, "最多写 15 天"),
        ({"work": ["2027-01-02"]}, "在放假的日子里"),
        ({"work": ["2027-01-06"]}, "本来就是工作日（周三）"),
        ({"from": "01-01"}, "2027-02-05"),
        ({"work": ["明天"]}, "2027-02-05"),
    ],
)
def test_a_holiday_that_was_mistyped_is_refused(change, words):
    with pytest.raises(ValueError, match=r".") as refused:
        Holiday.model_validate({**A_WEEK_OF_2027, **change})
    assert words in str(refused.value)


def test_what_is_due_in_the_quiet_hours_comes_when_they_are_over():
    night, noon = Calendar(quiet=read_quiet("22:00-07:00")), Calendar(quiet=read_quiet("12:00-14:00"))
    times = {
        "21:59": "05 21:59",
        "22:00": "06 07:00",
        "23:30": "06 07:00",
        "06:59": "05 07:00",
        "07:00": "05 07:00",
    }
    for written, due in times.items():
        assert days(push(yearly=f"03-05 {written}"), "2027-01-01", "2028-01-01", night) == [f"2027-03-{due}"]
    assert days(push(yearly="03-05 13:00"), "2027-01-01", "2028-01-01", noon) == ["2027-03-05 14:00"]
    once = push(at="2027-03-05T23:30:00")
    assert days(once, "2027-01-01", "2028-01-01", night) == ["2027-03-06 07:00"]


def test_the_whole_file_lays_its_holidays_and_quiet_hours_under_every_push(tmp_path):
    holiday = '[[holidays]]\nname = "元旦"\nfrom = 2033-01-01\nto = 2033-01-05\nwork = ["2033-01-08"]\n'
    wanted = '[[campaigns]]\nid = "a"\ntitle = "甲"\n' + PUSH.format(
        'yearly = "01-05 23:00"\nworkday = "after"'
    )
    quiet = '[limits]\nquiet = "22:00-07:00"\n'

    (found,) = named(loaded(tmp_path, quiet + holiday + wanted).value.campaigns).values()
    refused = loaded(tmp_path, f'{quiet}quiet_then = "refuse"\n{wanted}')
    mistyped = loaded(tmp_path, holiday.replace("2033-01-08", "2033-01-07") + wanted)

    assert next(
        found.occurrences(datetime(2032, 12, 31, tzinfo=SHANGHAI), datetime(2034, 1, 1, tzinfo=SHANGHAI))
    ) == datetime(2033, 1, 7, 7, tzinfo=SHANGHAI)
    assert "这些推送定在安静时间（[limits] quiet）里，请改到别的时间：a/p（23:00）" in str(
        refused.problems[0]
    )
    assert [str(each).partition("config.toml")[2] for each in mistyped.problems] == [
        ":1：holidays[第 1 个]：work 里的 2033-01-07 本来就是工作日（周五）；这里只写调休上班的周六、周日"
    ]


def loaded(folder: Path, text: str) -> Loaded[Config]:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return read(path, {})
