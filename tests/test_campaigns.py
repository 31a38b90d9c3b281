"""The clerk writes a year of pushes; each comes on its day, and an edited file reaches the running worker."""

import logging
import os
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from config_cast import PUSH, Config, read, said, written

from campaigns.campaign import Campaign, named
from campaigns.push import Push
from campaigns.watch import Watch
from ground.days import lunar_words, read_day
from settings import load

TABLE = {  # Node's Chinese calendar gives the same days except 2027 and 2030, where the known dates stand
    "01-01": """2016-02-08 2017-01-28 2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10
        2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 2030-02-03 2031-01-23 2032-02-11 2033-01-31 2034-02-19
        2035-02-08 2036-01-28""",
    "01-15": """2016-02-22 2017-02-11 2018-03-02 2019-02-19 2020-02-08 2021-02-26 2022-02-15 2023-02-05 2024-02-24
        2025-02-12 2026-03-03 2027-02-20 2028-02-09 2029-02-27 2030-02-17 2031-02-06 2032-02-25 2033-02-14 2034-03-05
        2035-02-22 2036-02-11""",
    "05-05": """2016-06-09 2017-05-30 2018-06-18 2019-06-07 2020-06-25 2021-06-14 2022-06-03 2023-06-22 2024-06-10
        2025-05-31 2026-06-19 2027-06-09 2028-05-28 2029-06-16 2030-06-05 2031-06-24 2032-06-12 2033-06-01 2034-06-20
        2035-06-10 2036-05-30""",
    "08-15": """2026-09-25 2027-09-15 2028-10-03 2029-09-22 2030-09-12 2031-10-01 2032-09-19 2033-09-08 2034-09-27
        2035-09-16 2036-10-04""",
    "09-09": """2026-10-18 2027-10-08 2028-10-26 2029-10-16 2030-10-05 2031-10-24 2032-10-12 2033-10-01 2034-10-20
        2035-10-09 2036-10-27""",
    "12-08": """2026-01-26 2027-01-15 2028-01-04 2029-01-22 2030-01-11 2031-01-01 2032-01-20 2033-01-08 2034-01-27
        2035-01-16 2036-01-05""",
    "12-last": """2016-02-07 2017-01-27 2018-02-15 2019-02-04 2020-01-24 2021-02-11 2022-01-31 2023-01-21 2024-02-09
        2025-01-28 2026-02-16 2027-02-05 2028-01-25 2029-02-12 2030-02-02 2031-01-22 2032-02-10 2033-01-30 2034-02-18
        2035-02-07 2036-01-27""",
}
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def push(**keys: Any) -> Push:
    return Push.model_validate({"id": "p", "channel": "mass", "text": "甲", **keys})


def local(found: Push, after: datetime, until: datetime) -> list[str]:
    return [f"{due + timedelta(hours=8):%Y-%m-%d %H:%M}" for due in found.occurrences(after, until)]


@pytest.mark.parametrize("day", TABLE)
def test_a_lunar_festival_comes_on_the_day_the_calendar_says(day):
    dates = TABLE[day].split()
    after, until = (datetime.fromisoformat(f"{year}-01-01T00:00+08:00") for year in (dates[0][:4], "2037"))
    assert local(push(lunar=f"{day} 10:00"), after, until) == [f"{each} 10:00" for each in dates]


def test_the_eve_of_the_spring_festival_comes_every_single_year():
    found = local(
        push(lunar="12-last 20:00"), datetime(2016, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
    )
    assert [each[:4] for each in found] == [str(year) for year in range(2016, 2037)]
    assert {lunar_words(date.fromisoformat(each[:10])) for each in found} == {"除夕"}


def test_a_leap_month_does_not_bring_the_push_twice():
    year = partial(local, after=datetime(2025, 1, 1, tzinfo=UTC), until=datetime(2026, 1, 1, tzinfo=UTC))
    assert year(push(lunar="06-01 10:00")) == ["2025-06-25 10:00"]
    assert year(push(lunar="06-last 10:00")) == ["2025-07-24 10:00"]
    assert lunar_words(date(2025, 7, 25)) == "闰六月初一"


def test_times_are_shanghai_times_and_come_as_utc():
    (due,) = push(yearly="02-21 07:30").occurrences(NOW, NOW + timedelta(days=365))
    assert due == datetime(2027, 2, 20, 23, 30, tzinfo=UTC)
    assert due.tzinfo is UTC
    for at in (datetime.fromisoformat("2027-02-20T10:00:00"), datetime(2027, 2, 20, 2, tzinfo=UTC)):
        assert local(push(at=at), NOW, NOW + timedelta(days=365)) == ["2027-02-20 10:00"]


def test_a_due_time_belongs_to_exactly_one_of_two_neighbouring_spans():
    due = datetime(2027, 2, 21, 2, tzinfo=UTC)
    found = push(yearly="02-21 10:00")
    assert list(found.occurrences(due - timedelta(hours=1), due)) == [due]
    assert list(found.occurrences(due, due + timedelta(hours=1))) == []


def test_a_daily_push_comes_on_every_day_of_its_span():
    year = partial(local, after=NOW, until=NOW + timedelta(days=365))
    may = {"from": "05-01", "to": "05-31", "at": "10:00"}
    found = year(push(daily=may))
    assert (len(found), found[0], found[-1]) == (31, "2027-05-01 10:00", "2027-05-31 10:00")
    over_new_year = {"from": "12-30", "to": "01-02", "at": time(9)}
    assert [each[:10] for each in year(push(daily=over_new_year))] == [
        *("2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02")
    ]
    once = {"from": date(2027, 5, 1), "to": date(2027, 5, 3), "at": "09:00"}
    assert len(local(push(daily=once), NOW, NOW + timedelta(days=3650))) == 3
    festival = {"from": "lunar 12-23", "to": "lunar 01-15", "at": "09:00"}
    found = year(push(daily=festival))
    assert (found[0][:10], found[-1][:10]) == ("2027-01-30", "2027-02-20")


@pytest.mark.parametrize(
    ("keys", "advice"),
    [
        ({"lunar": "12-30"}, "12-last"),
        ({"lunar": "12-30 10:00"}, "除夕是腊月的最后一天，请写 12-last"),
        ({"lunar": "06-30 10:00"}, "06-last"),
        ({"lunar": "13-01 10:00"}, "没有 13 月"),
        ({"lunar": "2027-01-15 10:00"}, "农历日期不写年份"),
        ({"yearly": "02-29 10:00"}, "02-last"),
        ({"yearly": "02-30 10:00"}, "2 月没有 30 日"),
        ({"yearly": "00-10 10:00"}, "没有 0 月"),
        ({"yearly": "01-00 10:00"}, "1 月没有 00 日"),
        ({"yearly": "02-21 24:00"}, "24 小时制"),
        ({"yearly": "02-21 10：00"}, "英文冒号"),
        ({"yearly": "2027-02-21 10:00"}, "某一年的用 at"),
        ({"yearly": "正月十五"}, "lunar 01-15"),
        ({"at": date(2027, 2, 20)}, "2027-02-20T10:00:00"),
        ({"at": "2月20日"}, "2027-02-20T10:00:00"),
        ({"daily": {"from": "05-01", "to": date(2027, 5, 3), "at": "9:00"}}, "from 也要写年份"),
        ({"daily": {"from": date(2027, 5, 3), "to": date(2027, 5, 1), "at": "9:00"}}, "还早"),
        ({"yearly": "01-01 9:00", "late_ok": "soon"}, '"30m"'),
        ({"yearly": "01-01 9:00", "late_ok": "31d"}, "最多 30 天"),
        ({"yearly": "01-01 9:00", "audience": "everyone"}, "openids:名单文件"),
        ({"yearly": "01-01 9:00", "audience": "tag:"}, "tag:标签名"),
        ({"yearly": "01-01 9:00", "audience": "tag:" + "长" * 31}, "最多 30 个字"),
        ({"yearly": "01-01 9:00", "text": "长" * 683}, "2048 字节"),
        ({"yearly": "01-01 9:00", "id": "a/b"}, "不能有空格"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_advice(keys, advice):
    with pytest.raises(ValueError, match=r".") as refused:
        push(**keys)
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("written_text", "words"),
    [
        ('channel = "mass"\ntext = "甲"', "没有写时间"),
        ('channel = "mass"\nyearly = "01-01 9:00"', "没有写内容：text、article、image"),
        ('channel = "mass"\nyearly = "01-01 9:00"\ntext = "甲"\nimage = "a.jpg"', "text、image，只能留一个"),
        (
            'channel = "mass"\nyearly = "01-01 9:00"\nmenu = { head = "甲", items = [{ id = "1", content = "乙" }] }',
            "不能写 menu",
        ),
        ('channel = "mass"\nyearly = "01-01 9:00"\narticle = { title = "甲" }', "封面图片文件"),
        (
            'channel = "service"\nyearly = "01-01 9:00"\narticle = { title = "甲", cover = "a.jpg" }',
            "article.url",
        ),
        ('channel = "service"\nyearly = "01-01 9:00"\nimage = "a.jpg"', "不能写 image"),
    ],
)
def test_a_push_whose_keys_do_not_go_together_is_refused_at_its_own_line(tmp_path, written_text, words):
    loaded = read(
        tmp_path, f'[[campaigns]]\nid = "a"\ntitle = "甲"\n\n[[campaigns.pushes]]\nid = "p"\n{written_text}\n'
    )
    assert words in "\n".join(problem.words for problem in loaded.problems)
    assert set(said(loaded)) == {(5, "campaigns[a].pushes[p]")}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"thing1": "长" * 21}, "thing1 最多 20 个字符"),
        ({"character_string2": "编号7"}, "不能写汉字"),
        ({"phone_number3": "1" * 18}, "最多 17"),
        ({"phone_number3": "打电话"}, "电话号码"),
        ({"thing1": "第一行\n第二行"}, "不能换行"),
        ({"thing1": "看不见\u200b"}, "看不见的字符"),
        ({"first": ""}, "first 不能空着"),
        ({"remark": "  "}, "remark 不能空着"),
        ({"key word": "x"}, "照微信后台的写法"),
        ({"thing1 ": "x"}, "「thing1␣」"),
        ({"标题": "x"}, "照微信后台的写法"),
        ({"amount4": "一百元"}, "一个币种符号加"),
        ({"amount4": "￥12345678901"}, "一个币种符号加"),
        ({"number5": "三"}, "应是数字"),
        ({"time6": "明天上午"}, "应是时间"),
        ({}, "at least 1"),
    ],
)
def test_a_template_value_that_wechat_would_refuse_is_refused_here(data, words):
    with pytest.raises(ValueError, match=words):
        push(yearly="01-01 9:00", channel="template", text=None, template={"id": "t", "data": data})


@pytest.mark.parametrize("value", ["￥100.00", "100元", "¥0.5", "￥1,200.00", "〔待填：金额〕"])
def test_an_amount_as_people_write_it_is_taken(value):
    assert push(
        channel="template", text=None, yearly="01-01 9:00", template={"id": "t", "data": {"amount1": value}}
    )


@pytest.mark.parametrize("ident", [" TPL ", "TPL\n", "T PL", "TPL\u200b", "模板", ""])
def test_a_template_id_with_anything_but_its_own_signs_is_refused(ident):
    with pytest.raises(ValueError, match=r"模板编号|at least 1"):
        push(
            channel="template",
            text=None,
            yearly="01-01 9:00",
            template={"id": ident, "data": {"thing1": "甲"}},
        )


def test_a_push_survives_being_written_down_and_read_again():
    first = push(lunar="12-last 20:00", late_ok="30d", audience="tag:矿工")
    second = push(daily={"from": "05-01", "to": "05-31", "at": "10:00"})
    third = push(
        at=datetime.fromisoformat("2027-02-20T10:00:00"),
        channel="template",
        text=None,
        template={"id": "t", "data": {"thing1": 7}},
    )
    for each in (first, second, third):
        again = Push.model_validate_json(each.model_dump_json(exclude_none=True))
        assert again == each
        assert local(again, NOW, NOW + timedelta(days=365)) == local(each, NOW, NOW + timedelta(days=365))


def test_pushes_are_named_after_their_campaign(tmp_path):
    value = read(tmp_path, f'{PUSH}lunar = "01-15 10:00"\n').value
    assert value is not None
    assert [(name, each.name, each.form) for name, each in named(value.campaigns).items()] == [
        ("yuanxiao/open", "yuanxiao/open", "text")
    ]


def test_workers_are_told_the_present_or_the_next_dates():
    def dates(today: str, **keys: str) -> tuple[tuple[date, date | None], ...]:
        return Campaign.model_validate({"id": "a", "title": "甲", **keys}).dates(date.fromisoformat(today))

    poll = {"from": "10-03", "to": "10-07"}
    assert dates("2027-10-07", **poll) == ((date(2027, 10, 3), date(2027, 10, 7)),)
    assert dates("2027-10-08", **poll) == ((date(2028, 10, 3), date(2028, 10, 7)),)
    riddle = {"from": "lunar 01-14", "to": "lunar 01-15"}
    assert dates("2026-11-23", **riddle) == ((date(2027, 2, 19), date(2027, 2, 20)),)
    visit = {"from": "01-10", "to": "lunar 12-last"}
    assert dates("2027-01-20", **visit) == ((date(2027, 1, 10), date(2027, 2, 5)),)
    assert dates("2027-01-20", **{"from": "01-10"}) == ((date(2027, 1, 10), None),)
    assert dates("2027-03-20", **{"from": "01-10"}) == ((date(2028, 1, 10), None),)
    assert dates("2027-03-20", **{"from": "2027-01-10", "to": "2027-01-12"}) == ()
    assert dates("2027-03-20") == ()


def test_a_campaign_that_ends_before_it_begins_is_refused_whatever_else_is_wrong(tmp_path):
    loaded = read(
        tmp_path, '[[campaigns]]\nid = "a a"\ntitle = "甲"\nfrom = "2027-05-02"\nto = "2027-05-01"\n'
    )
    assert said(loaded) == [(1, "campaigns[a a]"), (2, "campaigns[a a].id")]


def test_every_day_that_can_be_written_exists_in_every_year():
    for text in ("02-last", "lunar 12-last", "lunar 09-last", "lunar 02-29", "12-31"):
        for year in range(1901, 2100):
            assert read_day(text).on(year).year - year in (0, 1)


# --- a running worker ---


@pytest.fixture
def edited(tmp_path):
    """A worker that runs with one push, and the clerk's hand on its file."""
    clerk = Clerk(tmp_path)
    clerk.write(f'{PUSH}lunar = "01-15 10:00"\n')
    running = clerk.load().value
    assert running is not None
    clerk.watch = Watch(clerk.path, clerk.load, running)
    return clerk


class Clerk:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.load = partial(load, Config, self.path, {})
        self.edits = 0
        self.watch: Any = None

    def write(self, text: str) -> None:
        self.edits += 1
        written(self.path.parent, text)
        os.utime(self.path, (self.edits, self.edits))


def test_a_worker_takes_up_an_edited_campaign_once(edited):
    assert edited.watch.poll() is None
    edited.write(f'{PUSH}lunar = "01-15 18:00"\n')
    change = edited.watch.poll()
    assert [each.lunar for each in named(change.campaigns).values()] == ["01-15 18:00"]
    assert edited.watch.poll() is None
    os.utime(edited.path, (99, 99))
    assert edited.watch.poll() is None


def test_an_edit_between_the_start_and_the_first_look_is_not_lost(edited):
    edited.write(f'{PUSH}lunar = "01-15 18:00"\n')
    assert edited.watch.poll().campaigns is not None


def test_a_broken_file_is_refused_loudly_and_the_old_campaigns_stay(edited, caplog):
    edited.watch.poll()
    edited.write(f'{PUSH}lunar = "12-30 10:00"\nchanel = "mass"\n')
    change = edited.watch.poll()
    assert change.campaigns is None
    assert len(change.problems) == 2
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "没有采用，仍按原来的活动执行" in errors[0]
    assert errors[1:] == list(change.problems)
    edited.path.unlink()
    assert "没有找到配置文件" in edited.watch.poll().problems[0]
    edited.write(f'{PUSH}lunar = "01-15 10:00"\n')
    assert edited.watch.poll() is None


def test_other_keys_are_named_as_needing_a_restart(edited, caplog):
    edited.watch.poll()
    edited.write(f'[account]\nlive = true\ntoken = "sesame"\n{PUSH}lunar = "01-15 10:00"\n')
    change = edited.watch.poll()
    assert change.campaigns is None
    assert change.restart == ("account.live", "account.token")
    assert "要重新启动后才生效：account.live、account.token" in caplog.text
    assert "sesame" not in caplog.text


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "~/list", "a/../../b", "..\\list", " ../x"]
)
def test_a_list_of_people_lies_beside_the_config_file(name: str) -> None:
    with pytest.raises(ValueError, match="只写文件名"):
        Push(id="a", yearly="01-01 9:00", channel="mass", audience=f"openids:{name}", text="甲")


def test_a_closing_before_the_opening_of_the_same_day_is_refused() -> None:
    days = {"id": "wish", "title": "心愿", "from": "01-10 10:00", "to": "01-10 09:00"}

    with pytest.raises(ValueError, match="不比 from（01-10 10:00）晚"):
        Campaign.model_validate(days)
    assert Campaign.model_validate({**days, "to": "01-10 11:00"})
