"""Staff run `check` before they start: the year ahead, what the account cannot do, what is still blank."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from config_cast import EXAMPLE, KEY, REPO, read, written
from pydantic import BaseModel

from app import Config as Root
from campaigns.campaign import Campaign
from campaigns.content import Article, Choice, Menu, Template
from campaigns.push import Push
from campaigns.schedule import Daily, Monthly, Weekly
from channels import SendLimits
from commands import check as forecast
from ground.workdays import Holiday
from settings import load
from wx.account import Account, missing

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SERVICE = '[account]\nname = "盘锦市总工会"\nverified = true\n'
FILLED = f'app_id = "wx0123456789abcdef"\napp_secret = "s"\ntoken = "sesame"\nencoding_aes_key = "{KEY}"\n'


def checked(folder: Path, text: str, **keys: Any) -> tuple[int, str]:
    lines: list[str] = []
    loaded = read(folder, text)
    code = forecast.check(folder / "config.toml", loaded, now=NOW, say=lines.append, **keys)
    return code, "\n".join(lines)


def pushes(*each: str) -> str:
    start = '[[campaigns]]\nid = "a"\ntitle = "春节"\nkind = "notice"\n'
    return start + "".join(f'[[campaigns.pushes]]\nid = "p{n}"\n{keys}\n' for n, keys in enumerate(each, 1))


def mass(when: str) -> str:
    return f'channel = "mass"\ntext = "甲"\n{when}'


def test_the_year_is_told_in_order_with_days_channels_and_audiences(tmp_path):
    text = SERVICE + pushes(
        mass('yearly = "09-16 10:00"'),
        mass('lunar = "01-15 10:00"\naudience = "tag:矿工"'),
        'channel = "service"\ntext = "甲"\ndaily = { from = "10-03", to = "10-07", at = "19:00" }',
        'channel = "template"\ntemplate = { id = "t", data = { thing1 = "甲" } }\nat = 2026-01-01T10:00:00',
    )
    code, words = checked(tmp_path, text, audience_size={"all": 700, "tag:矿工": 200}.get)
    assert code == 0
    year = words.split("（北京时间）：\n")[1].split("\n\n")[0].splitlines()
    assert [line.strip() for line in year] == [
        "2027-02-20 周六 正月十五 10:00　a/p2　群发　标签“矿工”（200 人）　春节",
        "2027-09-16 周四 八月十六 10:00　a/p1　群发　全体关注者（700 人）　春节",
        "2027-10-03 周日 九月初四 至 10-07 每天 19:00（5 次）　a/p3　客服消息　全体关注者（700 人）　春节",
    ]
    assert "再往后十二个月：\n  2028-02-09 周三 正月十五 10:00　a/p2　群发" in words
    assert "这两年里不发：\n  a/p4　模板消息　全体关注者（700 人）　春节（没有下一次了）" in words


def test_two_years_of_weekly_pushes_stay_readable(tmp_path):
    template = 'channel = "template"\ntemplate = { id = "t", data = { thing1 = "甲" } }\n'
    text = SERVICE + pushes(
        f'{template}weekly = {{ on = "周五", at = "10:00" }}',
        f'{template}daily = {{ from = "01-01", to = "12-31", at = "09:00" }}\nworkday = "skip"',
        f'{template}yearly = "02-29 10:00"\nor = "skip"',
    )
    code, words = checked(tmp_path, text)
    assert code == 0
    assert "2026-11-27 周五 十月十九 至 2027-11-19 每周五 10:00（52 次）" in words
    assert "2027-11-26 周五 十月廿九 至 2028-11-17 每周五 10:00（52 次）" in words
    assert re.search(r"2026-11-24 周二 十月十六 至 2027-11-23 每个工作日 09:00（2\d\d 次）", words)
    assert "2028-02-29 周二 二月初五 10:00　a/p3" in words
    assert len(words.splitlines()) < 30


def test_a_plan_that_no_year_can_keep_is_refused(tmp_path):
    text = SERVICE + pushes(
        mass('yearly = "10-01 10:00"\nworkday = "skip"'),
        mass('yearly = "10-01 10:00"\nworkday = "after"'),
        mass('lunar = "leap 01-01 10:00"\nor = "skip"'),
        mass('yearly = "02-29 10:00"\nor = "skip"'),
    )
    code, words = checked(tmp_path, text)
    assert code == 1
    assert re.findall(r"✗ (\S+)：照这样写，哪一年也没有这一天，永远不会发", words) == ["a/p1", "a/p3"]


def test_a_year_whose_working_days_are_not_known_is_named_where_it_matters(tmp_path):
    after_the_holiday = mass('festival = "国庆 10:00"\nworkday = "after"')
    words = checked(tmp_path, SERVICE + pushes(after_the_holiday))[1]
    assert "2027-10-04 周一 九月初五 10:00" in words, "the law's three days, and no 调休"
    assert "2027 年的放假和调休安排还不知道，暂时按周末和法定假日算" in words
    assert "2028 年的" in words
    assert "还不知道" not in checked(tmp_path, SERVICE + pushes(mass('festival = "国庆 10:00"')))[1]
    told = '[[holidays]]\nname = "国庆"\nfrom = 2027-10-01\nto = 2027-10-07\nwork = []\n'
    words = whole(tmp_path, SERVICE + told + pushes(after_the_holiday))[1]
    assert "2027-10-08 周五 九月初九 10:00" in words
    assert "2027 年的放假安排还不全，缺 元旦、春节、清明、劳动节、端午、中秋" in words


def test_what_happens_to_a_push_in_the_quiet_hours_is_said(tmp_path):
    quiet = '[limits]\nquiet = "21:30-08:00"\n'
    code, words = whole(tmp_path, SERVICE + quiet + pushes(mass('yearly = "03-05 22:10"')))
    assert code == 0
    assert "2027-03-06 周六 正月廿九 08:00　a/p1" in words
    assert "· a/p1：定在 22:10，是安静时间，会等到 08:00 再发" in words
    code, words = whole(
        tmp_path, SERVICE + f'{quiet}quiet_then = "refuse"\n' + pushes(mass('yearly = "03-05 22:10"'))
    )
    assert code == 1
    assert "定在安静时间（[limits] quiet）里，请改到别的时间：a/p1（22:10）" in words


def whole(folder: Path, text: str) -> tuple[int, str]:
    """What `check` says of a file with every section that the program knows."""
    lines: list[str] = []
    path = written(folder, text)
    code = forecast.check(path, load(Root, path, {}), now=NOW, say=lines.append)
    return code, "\n".join(lines)


def test_empty_credentials_pass_with_a_warning_and_are_named_for_the_start(tmp_path):
    code, words = checked(tmp_path, SERVICE)
    assert code == 0
    for key in ("app_id", "app_secret", "token", "encoding_aes_key"):
        assert f"（{key}）；填好之前不能启动服务" in words
    assert "检查通过" not in words, "the service cannot start"
    assert "还不能启动服务：AppID" in words
    filled = checked(tmp_path, SERVICE + FILLED)[1]
    assert "填好之前" not in filled
    assert "检查通过" in filled
    assert missing(Account(mode="plain")) == ["app_id", "app_secret", "token"]


def test_a_wrong_file_is_told_whole_and_fails(tmp_path):
    code, words = checked(tmp_path, '[account]\nmode = "x"\nknd = "service"\n')
    assert code == 1
    assert "配置文件有 2 处要改" in words
    assert "config.toml:2：account.mode" in words


def test_a_fifth_mass_push_in_a_month_is_refused_with_the_names_of_all(tmp_path):
    week = [mass(f'yearly = "05-{day:02d} 10:00"') for day in (1, 8, 15, 22, 29)]
    code, words = checked(tmp_path, SERVICE + pushes(*week))
    assert code == 1
    assert "✗ 2027 年 5 月有 5 次群发，服务号每人每月最多收到 4 次" in words
    assert "a/p1（1 次）、a/p2（1 次）、a/p3（1 次）、a/p4（1 次）、a/p5（1 次）" in words
    assert checked(tmp_path, SERVICE + pushes(*week[:4]))[0] == 0
    assert checked(tmp_path, SERVICE + pushes(*week), limits=SendLimits(mass_per_month=5))[0] == 0


def test_different_tags_do_not_use_up_each_others_month(tmp_path):
    week = [
        mass(f'yearly = "05-{day:02d} 10:00"\naudience = "tag:{tag}"') for day in (1, 8, 15) for tag in "甲乙"
    ]
    assert checked(tmp_path, SERVICE + pushes(*week))[0] == 0
    assert checked(tmp_path, SERVICE + pushes(*week, *[mass('yearly = "05-20 10:00"')] * 2))[0] == 1


def test_a_lunar_shift_that_fills_a_later_month_is_a_hint(tmp_path):
    text = SERVICE + pushes(
        *(mass(f'yearly = "02-{day} 10:00"') for day in ("01", "02", "03")),
        *(mass(f'lunar = "01-{day} 10:00"') for day in ("14", "15")),
    )
    code, words = checked(tmp_path, text)
    assert code == 1
    assert "✗ 2027 年 2 月有 5 次" in words
    march = text.replace('yearly = "02-', 'yearly = "03-')
    code, words = checked(tmp_path, march)
    assert code == 0
    assert "· 2034 年 3 月有 5 次群发" in words


@pytest.mark.parametrize(
    ("account", "push", "words"),
    [
        ("verified = false", mass('yearly = "05-01 10:00"'), "a/p1：账号没有认证，发不了群发"),
        (
            'verified = true\nkind = "subscription"',
            'channel = "template"\nyearly = "05-01 10:00"\ntemplate = { id = "t", data = { thing1 = "甲" } }',
            "a/p1：订阅号没有模板消息",
        ),
        (
            'verified = true\nkind = "subscription"',
            mass('yearly = "05-01 10:00"\naudience = "openids:vip.txt"'),
            "a/p1：订阅号不能按名单群发",
        ),
    ],
)
def test_what_the_account_cannot_do_is_refused(tmp_path, account, push, words):
    (tmp_path / "vip.txt").write_text("oAlice\noBob\n")
    code, said = checked(tmp_path, f"[account]\n{account}\n" + pushes(push))
    assert code == 1
    assert f"✗ {words}" in said


def test_what_passes_a_days_allowance_is_told_beforehand_with_its_last_day(tmp_path):
    often = mass('daily = { from = "05-01", to = "05-02", at = "10:00" }'), mass('yearly = "05-02 12:00"')
    account = '[account]\nverified = true\nkind = "subscription"\n'
    code, words = checked(tmp_path, account + pushes(*often))
    assert code == 0
    assert "· a/p2：订阅号每天只能群发 1 次，2027-05-02 12:00 的一次当天发不完" in words
    assert "2027-05-03 发完" in words

    letter = 'channel = "template"\nyearly = "05-01 10:00"\ntemplate = { id = "t", data = { thing1 = "甲" } }'
    code, words = checked(tmp_path, SERVICE + pushes(letter), audience_size={"all": 250_000}.get)
    assert code == 0
    assert "· a/p1：模板消息每天最多 100000 条，2027-05-01 10:00 的一次当天发不完" in words
    assert "2027-05-03 发完" in words


def test_what_falls_behind_further_every_day_is_refused(tmp_path):
    twice = [mass(f'daily = {{ from = "01-01", to = "12-31", at = "{hour}:00" }}') for hour in (10, 15)]
    code, words = checked(tmp_path, '[account]\nverified = true\nkind = "subscription"\n' + pushes(*twice))
    assert code == 1
    assert "越拖越晚" in words


def test_blanks_are_listed_with_their_line_and_stop_a_live_account(tmp_path):
    text = (
        SERVICE
        + FILLED
        + "# 〔待填：说明里的不算〕\n"
        + pushes(mass('yearly = "05-01 10:00"').replace("甲", "在〔待填：地点〕领"))
    )
    code, words = checked(tmp_path, text)
    assert code == 0
    assert "config.toml:16：还没有填 〔待填：地点〕" in words
    assert "说明里的不算" not in words
    assert "还没有正式开通" in words
    assert checked(tmp_path, text.replace("verified", "live = true\nverified"))[0] == 1


def test_lists_and_pictures_beside_the_file_are_looked_for_and_counted(tmp_path):
    text = SERVICE + pushes(
        mass('yearly = "05-01 10:00"\naudience = "openids:vip.txt"'),
        'channel = "mass"\nyearly = "06-01 10:00"\n'
        "article = { title = '甲', content = '<img src=\"in.png\">', cover = 'cover.png' }",
    )
    code, words = checked(tmp_path, text)
    assert code == 1
    for name in ("vip.txt", "in.png", "cover.png"):
        assert f"没有找到文件 {name}" in words
        (tmp_path / name).write_text("# 名单\noAlice\n")
    code, words = checked(tmp_path, text)
    assert code == 0
    assert "名单 vip.txt（1 人）" in words
    assert "只有一个人" in words


def test_other_parts_may_add_what_they_noticed(tmp_path):
    assert "· 办事指南还有 3 处待填" in checked(tmp_path, SERVICE, notes=["办事指南还有 3 处待填"])[1]


# --- the example that ships ---


def example() -> tuple[Campaign, ...]:
    table = tomllib.loads(EXAMPLE)
    return tuple(Campaign.model_validate(each) for each in table["campaigns"])


def test_the_example_keeps_every_month_of_every_year_within_four_mass_pushes():
    months: Counter[str] = Counter()
    for push in (push for campaign in example() for push in campaign.pushes if push.channel == "mass"):
        for due in push.occurrences(NOW, datetime(2099, 1, 1, tzinfo=UTC)):
            months[f"{due + timedelta(hours=8):%Y-%m}"] += 1
    assert max(months.values()) == 4
    assert all(count == 4 for month, count in months.items() if month.endswith("-05"))


def test_the_example_holds_the_years_plan_with_yearly_and_lunar_times_only():
    campaigns = example()
    assert all(push.yearly or push.lunar for campaign in campaigns for push in campaign.pushes)
    starts = {campaign.from_ for campaign in campaigns}
    assert starts >= {
        *("11-16", "01-01", "01-10", "lunar 12-28", "lunar 01-14", "03-08", "04-08", "05-01"),
        *("06-28", "07-01", "08-10", "09-16", "10-03", "11-20", "12-26"),
    }
    plan = {
        date
        for campaign in campaigns
        for push in campaign.pushes
        for date in [(push.yearly or push.lunar or "")[:5]]
    }
    assert plan >= {
        "01-10",
        "01-15",
        "03-08",
        "04-08",
        "06-28",
        "07-01",
        "08-10",
        "09-16",
        "10-03",
        "11-20",
        "12-26",
    }


def test_the_example_names_no_telephone_but_the_hotline():
    texts = [push.text or "" for campaign in example() for push in campaign.pushes] + [
        each.about for each in example()
    ]
    digits = {word for text in texts for word in _numbers(text) if len(word) > 2}
    assert digits == {"12351"}


def _numbers(text: str) -> Iterator[str]:
    yield from "".join(c if c.isascii() and c.isdigit() else " " for c in text).split()


def test_the_example_loads_as_it_is_with_the_defaults_it_names():
    loaded = load(Root, REPO / "config.example.toml", {})
    assert loaded.problems == ()
    assert loaded.value is not None
    written, default = (
        loaded.value.model_dump(exclude={"campaigns", "demonstration"}),
        Root().model_dump(exclude={"campaigns", "demonstration"}),
    )
    ours = {"name": "盘锦市总工会", "verified": True}
    assert written == {**default, "account": {**default["account"], **ours}}


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The root's sections and everything that a campaign is made of."""
    yield from (
        field.annotation for field in model.model_fields.values() if isinstance(field.annotation, type)
    )
    yield from (Campaign, Push, Daily, Weekly, Monthly, Holiday, Template, Article, Menu, Choice)


@pytest.mark.parametrize("model", list(_models(Root)), ids=lambda model: model.__name__)
def test_every_key_stands_in_the_example_with_a_word_about_it(model):
    for name, field in model.model_fields.items():
        key = field.alias or name
        lines = [line for line in EXAMPLE.splitlines() if re.search(rf"\b{key}\b", line, re.ASCII)]
        assert any(re.search("#.*[一-龥]", line) for line in lines), key


def test_the_samples_in_the_comments_are_right():
    samples = [
        line[2:]
        for line in EXAMPLE.splitlines()
        if line.startswith(("# article =", "# image =", "# template =", "# menu ="))
    ]
    times = [
        line[2:]
        for line in EXAMPLE.splitlines()
        if line.startswith(("# daily =", "# at =", "# weekly =", "# monthly =", "# festival ="))
    ]
    assert (len(samples), len(times)) == (4, 5)
    channels = {"template": "template", "menu": "service"}
    for content in samples:
        for when in times:
            table = tomllib.loads(f"{content}\n{when}\n")
            Push.model_validate({"id": "p", "channel": channels.get(content.split()[0], "mass"), **table})
