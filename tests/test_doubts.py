"""What is surely a mistake in a config file that is well written: `check` says it, and goes on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from config_cast import read
from line_cast import Desk, desk

from commands import check as forecast

__all__ = ["desk"]

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SERVICE = '[account]\nname = "盘锦市总工会"\nverified = true\n'
MASS = 'channel = "mass"\n'


def checked(folder: Path, text: str, **keys: Any) -> tuple[int, str]:
    lines: list[str] = []
    code = forecast.check(folder / "config.toml", read(folder, text), now=NOW, say=lines.append, **keys)
    return code, "\n".join(lines)


def campaign(*pushes: str, keys: str = "", name: str = "a") -> str:
    start = f'[[campaigns]]\nid = "{name}"\ntitle = "春节"\n{keys}\n'
    return start + "".join(f'[[campaigns.pushes]]\nid = "p{n}"\n{each}\n' for n, each in enumerate(pushes, 1))


def text(when: str, words: str = "甲") -> str:
    return f'{MASS}text = "{words}"\n{when}'


MARCH = 'yearly = "03-01 10:00"'


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (campaign(text("at = 2026-01-01T10:00:00")), "a/p1：时间 2026-01-01 10:00 已经过去"),
        (campaign(text("at = 2026-11-23T09:59:00")), "已经过去"),
        (campaign(text('yearly = "03-01 03:00"')), "a/p1：定在 3 点多发，大家正在休息"),
        (campaign(text('lunar = "12-last 23:30"')), "定在 23 点多发"),
        (campaign(text('daily = { from = "05-01", to = "05-03", at = "00:10" }')), "定在 0 点多发"),
        (campaign(keys='from = "05-10"\nto = "05-01"'), "a：从 05-10 到第二年的 05-01，共 357 天"),
        (campaign(keys='from = "lunar 01-15"\nto = "lunar 01-10"'), "是不是写反了"),
        (campaign('channel = "service"\ntext = "甲"\ndaily = { from = "05-31", to = "05-01", at = "10:00" }'), "a/p1：从 05-31 到第二年"),
        (
            campaign(text(MARCH), text('yearly = "06-19 10:00"'), keys='from = "02-20"\nto = "03-10"'),
            "a/p2：它写在活动“春节”（02-20 至 03-10）下面，可是 2027-06-19 离那时很远",
        ),
        (campaign(text('lunar = "08-15 9:00"'), keys='from = "01-10"'), "a/p1：它写在活动“春节”（01-10）下面"),
        (campaign(text(MARCH), text(MARCH)), "a/p1 和 a/p2 在同一分钟（2027-03-01 10:00）群发"),
        (
            campaign(text(MARCH), text(f'{MARCH}\naudience = "tag:矿工"')),
            "a/p1 和 a/p2 在同一分钟",
        ),
        (
            campaign(text(f'{MARCH}\naudience = "tag:矿工"'), text(f'{MARCH}\naudience = "tag:矿工"')),
            "a/p1 和 a/p2 在同一分钟",
        ),
        (campaign(text(MARCH, "{姓名}您好")), "a/p1：内容里有 {姓名}"),
        (campaign(text(MARCH, "${name}您好")), "内容里有 ${name}"),
        (campaign(text(MARCH, "{{ 姓名 }}您好")), "内容里有 {{ 姓名 }}"),
        (campaign(text(MARCH, "｛单位｝的工友")), "内容里有 ｛单位｝"),
        (campaign(text(MARCH, "【姓名】您好")), "内容里有 【姓名】"),
        (campaign(text(MARCH, "%s您好")), "内容里有 %s"),
        (
            campaign(f'channel = "template"\n{MARCH}\ntemplate = {{ id = "T", data = {{ thing1 = "{{姓名}}" }} }}'),
            "内容里有 {姓名}",
        ),
        (campaign(text(f'{MARCH}\naudience = "openids:empty.txt"')), "名单 empty.txt 里一个人也没有"),
        (campaign(text(f'{MARCH}\naudience = "openids:notes.txt"')), "名单 notes.txt 里一个人也没有"),
        (campaign(text(f'{MARCH}\naudience = "tag:木匠"')), "公众号里没有标签“木匠”（现有：矿工、闲人）"),
        (campaign(text(f'{MARCH}\naudience = "tag:闲人"')), "标签“闲人”下面一个人也没有"),
    ],
)  # fmt: skip
def test_what_is_surely_a_mistake_gets_a_warning(tmp_path, config, words):
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("# 名单以后再填\n\n")

    code, said = checked(tmp_path, SERVICE + config, tags={"矿工": 12, "闲人": 0})

    assert code == 0, said
    assert words in said.split("请留意")[1]


@pytest.mark.parametrize(
    "config",
    [
        campaign(text(MARCH), keys='from = "02-20"\nto = "03-10"'),
        campaign(text('yearly = "12-28 9:00"'), keys='from = "12-26"\nto = "01-05"'),
        campaign(text('yearly = "02-01 9:00"'), keys='from = "02-20"\nto = "03-10"'),
        campaign(text(MARCH, "奖品：{一等奖 : 保温杯}，比例 100%")),
        campaign(text(MARCH, "工会邀请【全体职工】参加")),
        campaign(text(f'{MARCH}\naudience = "tag:矿工"'), text(f'{MARCH}\naudience = "tag:木匠"')),
        campaign(text(MARCH), text('yearly = "03-01 10:01"')),
        campaign(text('yearly = "03-01 07:00"'), text('yearly = "04-01 21:59"')),
    ],
)
def test_what_may_well_be_meant_gets_none(tmp_path, config):
    hints = checked(tmp_path, SERVICE + config, tags={"矿工": 12, "木匠": 3})[1].split("请留意")[1]

    assert [line for line in hints.splitlines() if "·" in line and "还没有填" not in line] == []


def test_a_tag_is_counted_by_wechat(tmp_path):
    config = SERVICE + campaign(text(f'{MARCH}\naudience = "tag:矿工"'))

    assert "标签“矿工”（12 人）" in checked(tmp_path, config, tags={"矿工": 12})[1]
    assert "没有标签" not in checked(tmp_path, config)[1], "nobody asked WeChat"


@pytest.mark.parametrize("at", ["2028-11-24", "2029-03-01", "2031-12-31", "2098-06-01"])
def test_a_day_far_ahead_is_told_with_its_date_and_never_as_past(tmp_path, at):
    _, said = checked(tmp_path, SERVICE + campaign(text(f"at = {at}T10:00:00")))

    assert f"下一次是 {at}" in said
    assert "过去" not in said


class TestAtTheDesk:
    def test_wechat_is_asked_for_its_tags_only_where_a_push_goes_to_one(self, desk: Desk) -> None:
        desk.platform.add_follower("王师傅", "矿工")
        desk.types("check")
        assert desk.platform.calls["tags/get"] == 0

        desk.writes(
            campaign(text(f'{MARCH}\naudience = "tag:矿工"'), text(f'{MARCH}\naudience = "tag:木匠"'))
        )
        told = desk.types("check")

        assert "标签“矿工”（1 人）" in told.out
        assert "没有标签“木匠”" in told.out
        assert not (desk.folder / "gonghui.db").exists(), "looking makes nothing"

    def test_a_wechat_that_is_away_does_not_stop_it(self, desk: Desk) -> None:
        tagged = campaign(text(f'{MARCH}\naudience = "tag:矿工"'))
        desk.writes(tagged, api_base="http://127.0.0.1:1")

        told = desk.types("check")

        assert told.code == 0
        assert "没能问到微信有哪些标签" in told.out

    def test_push_list_and_preview_know_the_far_day_too(self, desk: Desk) -> None:
        desk.writes(campaign(text("at = 2031-03-01T10:00:00")))
        desk.types("db", "upgrade")

        assert "2031-03-01 10:00　a/p1" in desk.types("push", "list").out
        assert "下一次：2031-03-01 10:00" in desk.types("push", "preview", "a/p1").out
