"""A clerk edits config.toml, sometimes wrongly; the operator sets variables and secrets."""

import re

import pytest
from config_cast import EXAMPLE, KEY, PUSH, Config, read, said, written
from hypothesis import given, settings
from hypothesis import strategies as st

import app
from settings import load


def test_an_empty_file_is_an_account_without_credentials(tmp_path):
    value = read(tmp_path, "").value
    assert value is not None
    assert (value.account.live, value.account.freshness_s, value.campaigns) == (False, 300, ())


def test_the_clerk_hears_of_every_mistake_at_once_with_its_line(tmp_path):
    loaded = read(
        tmp_path,
        f"""
[account]
naem = "盘锦市总工会"
mode = "saef"
verified = "是"
freshness_s = "300"
testers = [
    "oAlice",
    7,
]
api_base = "http://example.com"

[databse]
url = "sqlite:///x.db"

[server]
processes = 0
{PUSH}lunar = "12-30 10:00"
yearly = "02-30 10:00"

[[campaigns.pushes]]
id = "open"
channel = "mas"
yearly = "02-21"
text = "a"

[[campaigns]]
id = "yuanxiao"
title = ""
pushes = [
    {{ id = "p", daily = {{ from = "05-01", to = "04-31", at = "9点" }}, channel = "mass", text = "a" }},
    {{ id = "q", yearly = "05-01 9:00", channel = "template", text = "a" }},
]
""",
    )
    assert loaded.value is None
    assert said(loaded) == [
        (3, "account.naem"),
        (4, "account.mode"),
        (5, "account.verified"),
        (6, "account.freshness_s"),
        (9, "account.testers[第 2 个]"),
        (11, "account.api_base"),
        (13, "databse"),
        (17, "server.processes"),
        (24, "campaigns[yuanxiao].pushes[open]"),
        (28, "campaigns[yuanxiao].pushes[open].lunar"),
        (29, "campaigns[yuanxiao].pushes[open].yearly"),
        (32, "campaigns[yuanxiao].pushes[open].id"),
        (33, "campaigns[yuanxiao].pushes[open].channel"),
        (34, "campaigns[yuanxiao].pushes[open].yearly"),
        (38, "campaigns[yuanxiao].id"),
        (39, "campaigns[yuanxiao].title"),
        (41, "campaigns[yuanxiao].pushes[p].daily.to"),
        (41, "campaigns[yuanxiao].pushes[p].daily.at"),
        (42, "campaigns[yuanxiao].pushes[q]"),
    ]
    words = "\n".join(map(str, loaded.problems))
    for sentence in (
        "account.naem：不认识的配置项，是否想写 name？（这里可以写：name、kind、",
        "只能写 safe、compat、plain 之一，是否想写 safe？（写的是「saef」）",
        "只能写 true 或 false，不加引号（写的是「是」）",
        "databse：不认识的配置项，是否想写 database？",
        "不能小于 1（写的是 0）",
        "除夕是腊月的最后一天，请写 12-last",
        "「open」重复了，第 25 行已经用过",
        "日期后面还要写几点",
        "channel 是 template 时，内容只能写 template，不能写 text",
    ):
        assert sentence in words
    assert "pydantic" not in words
    assert "Input should" not in words


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[account]\nname = “盘锦”\n", 2, "中文标点 “"),
        ('[account]\nname ＝ "盘锦"\n', 2, "中文标点 ＝"),
        ('[account]\nname = "盘锦\nkind = "service"\n', 2, "引号没有成对"),
        ('[account]\nname = """\n盘锦\n\n', 2, "没有成对，少了后一半"),
        ("[account]\nname = 盘锦\n", 2, "文字要放在英文双引号里"),
        ('[account]\nname = "a"\nname = "b"\n', 3, "写过一次"),
        ('[account]\n[account]\nname = "b"\n', 2, "写过一次"),
        ('[account]\nname = "a" kind = "b"\n', 2, "后面多了东西"),
        ("[account]\nat = 02-21 10:00\n", 2, "写到秒"),
        ('[account\nname = "a"\n', 1, "方括号没有成对"),
        ('[account]\ntesters = ["a",\n"b"\n', 2, "少了 ]"),
        ("[account]\n账号 = 1\n", 2, "名字用英文字母"),
        ('[account]\nname = "\\z"\n', 2, "反斜杠"),
        ("[account]\nat = 2027-02-30T10:00:00\n", 2, "没有这个日期"),
        ("x = " + "[" * 5000, 0, "括号套得太深"),
    ],
)
def test_a_slip_of_the_keyboard_is_told_in_chinese_with_its_line(tmp_path, text, line, words):
    loaded = read(tmp_path, text)
    assert loaded.value is None
    (problem,) = loaded.problems
    assert words in problem.words
    assert problem.line == line


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('about = "点“服务大厅”和"维权"。"', "第 18 个字的英文引号"),
        ('about = "他说"好"，就走了"', "里面的引号请用中文的“ ”"),
        ("about = '他说'好'，就走了'", "第 12 个字的英文引号"),
        ('about = "点 " 维权 "。"', "里面的引号请用中文的“ ”"),
        ('testers = ["甲"乙"丙"]', "里面的引号请用中文的“ ”"),
        ("live = True", "true（是）和 false（否），全部小写，不加引号"),
        ("live = FALSE,", "全部小写"),
        ("live = 是", "true（是）"),
        ("live = yes", "true（是）"),
        ('标题 = "春节"', "“标题”是不是想写 title？"),
        ('封面＝"a.png"', "“封面”是不是想写 cover？"),
        ("[活动]", "“活动”是不是想写 campaigns？"),
        ("【account】", "中文标点 【 ，请换成英文的 ["),
        ("freshness_s =　300", "全角空格"),
        ("　freshness_s = 300", "全角空格"),
        ("at = 2027－02－20T10:00:00", "中文标点 － ，请换成英文的 -"),
        ("freshness_s = 300；", "中文标点 ； ，请删掉"),
        ('testers = ["a"；"b"]', "中文标点 ； ，请换成英文的 ,"),
        ('testers = ["a"、"b"]', "中文标点 、 ，请换成英文的 ,"),
        ('name："甲"', "中文标点 ： ，请换成英文的 ="),
    ],
)
def test_each_slip_gets_the_remedy_that_fits_it(tmp_path, line, remedy):
    (problem,) = read(tmp_path, f"[account]\n{line}\n").problems
    assert problem.line == 2
    assert remedy in problem.words
    assert "“ ，请换成" not in problem.words, "the right quotes are not to blame"


def test_every_slip_of_the_keyboard_is_told_at_once(tmp_path):
    text = '[account]\nlive = True\nname = “甲”\nmode = "safe"\n[databse\nurl = x\n标题 = 1\n[server]\nprocesses = 2\n'
    assert [problem.line for problem in read(tmp_path, text).problems] == [2, 3, 5, 6, 7]


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ('[campaigns]\nid = "a"\ntitle = "甲"\n', (1, "campaigns"), "[[campaigns]]"),
        ('[[campaigns]]\nid = "a"\ntitle = "甲"\n[campaigns.pushes]\nid = "p"\n', (4, "campaigns[a].pushes"), "[[campaigns.pushes]]"),
        ('[[account]]\nname = "甲"\n', (1, "account"), "只写一层：[account]"),
        ('[account]\n"标题" = 1\n', (2, "account.标题"), "title"),
        ('[account]\nName = "甲"\n', (2, "account.Name"), "是否想写 name"),
        ('[[campaigns]]\nid = " a "\ntitle = "甲"\n', (2, "campaigns[ a ].id"), "「␣a␣」"),
        ('[[campaigns]]\nid = "a　b"\ntitle = "甲"\n', (2, "campaigns[a　b].id"), "全角空格"),
        ('[[campaigns]]\nid = "a；b"\ntitle = "甲"\n', (2, "campaigns[a；b].id"), "中文标点 ；"),
        ('[[campaigns]]\nid = "a"\ntitle = "甲"\nfrom = "02－21"\n', (4, "campaigns[a].from"), "中文标点 －"),
    ],
)  # fmt: skip
def test_what_was_meant_is_named_with_how_to_write_it(tmp_path, text, place, remedy):
    loaded = read(tmp_path, text)
    assert place in said(loaded)
    assert remedy in next(
        problem.words for problem in loaded.problems if (problem.line, problem.key) == place
    )


def test_two_tables_that_should_be_a_list_are_told_of_the_double_brackets(tmp_path):
    loaded = read(tmp_path, '[campaigns]\nid = "a"\n[campaigns]\nid = "b"\n')
    assert said(loaded) == [(3, "")]
    assert "[[campaigns]]（两层方括号）" in str(loaded.problems[0])


def test_a_file_saved_by_notepad_is_read_or_explained(tmp_path):
    assert read(tmp_path, b'\xef\xbb\xbf[account]\r\nname = "\xe7\x9b\x98\xe9\x94\xa6"\r\n').value is not None
    loaded = read(tmp_path, '[account]\nname = "盘锦"\n'.encode("gbk"))
    assert [problem.line for problem in loaded.problems] == [2]
    assert "UTF-8" in str(loaded.problems[0])


def test_no_file_a_folder_and_a_huge_file_are_named_as_such(tmp_path):
    for path, words in (
        (tmp_path / "none.toml", "cp config.example.toml config.toml"),
        (tmp_path, "文件夹"),
        (tmp_path / "nul\0.toml", "读不出来"),
        (tmp_path / ("x" * 5000), "读不出来"),
        (written(tmp_path, "# " + "x" * 1_100_000), "太大"),
    ):
        (problem,) = load(Config, path, {}).problems
        assert words in str(problem)


def test_a_variable_wins_over_the_file_and_is_read_as_its_kind(tmp_path):
    value = read(
        tmp_path,
        '[account]\nname = "甲"\nverified = false\noriginal_id = "gh_1"\n',
        {
            "GONGHUI_ACCOUNT__NAME": "乙",
            "GONGHUI_ACCOUNT__VERIFIED": "true",
            "GONGHUI_ACCOUNT__FRESHNESS_S": "0",
            "GONGHUI_ACCOUNT__TESTERS": "oAlice, oBob",
            "GONGHUI_ACCOUNT__ORIGINAL_ID": "",
            "GONGHUI_ACCOUNT__TOKEN": "123456",
            "GONGHUI_SERVER__PROCESSES": "3",
            "GONGHUI_TEST_REDIS": "somebody else's",
        },
    ).value
    assert value is not None
    account = value.account
    assert (account.name, account.verified, account.freshness_s, account.original_id) == ("乙", True, 0, "")
    assert account.testers == ("oAlice", "oBob")
    assert account.token.get_secret_value() == "123456"
    assert value.server.processes == 3


def test_an_empty_variable_empties_a_list(tmp_path):
    value = read(tmp_path, '[account]\ntesters = ["oAlice"]\n', {"GONGHUI_ACCOUNT__TESTERS": ""}).value
    assert value is not None
    assert value.account.testers == ()


def test_a_wrong_variable_is_named_and_an_unknown_one_gets_the_nearest(tmp_path):
    environ = {
        "GONGHUI_ACCOUNT__VERIFED": "true",
        "GONGHUI_ACCOUNT__MODE": "saef",
        "GONGHUI_ACOUNT__NAME": "x",
        "GONGHUI_ACCOUNT_KIND": "service",
        "GONGHUI_SERVER__PROCESSES": "many",
        "GONGHUI_CAMPAIGNS__ID": "x",
    }
    words = [str(problem) for problem in read(tmp_path, "", environ).problems]
    assert len(words) == len(environ)
    for start, end in (
        ("来自环境变量 GONGHUI_ACCOUNT__VERIFED：", "GONGHUI_ACCOUNT__VERIFIED？"),
        ("来自环境变量 GONGHUI_ACCOUNT__MODE：account.mode：", "（写的是「saef」）"),
        ("来自环境变量 GONGHUI_ACOUNT__NAME：", "GONGHUI_ACCOUNT__NAME？"),
        ("来自环境变量 GONGHUI_ACCOUNT_KIND：", "GONGHUI_ACCOUNT__KIND？"),
        ("来自环境变量 GONGHUI_SERVER__PROCESSES：server.processes：应为整数", "（写的是「many」）"),
    ):
        assert any(each.startswith(start) and each.endswith(end) for each in words), (start, words)


def test_secrets_come_from_a_variable_or_a_file(tmp_path):
    (tmp_path / "aes").write_text(KEY + "\n")
    (tmp_path / "aes").chmod(0o600)
    value = read(
        tmp_path,
        '[account]\ntoken = { env = "GONGHUI_WX_TOKEN" }\nencoding_aes_key = { file = "aes" }\n'
        '[database]\nurl = { env = "DSN" }\n',
        {"GONGHUI_WX_TOKEN": "sesame", "DSN": "postgresql://me:pw@db/x"},
        mode=0o644,
    ).value
    assert value is not None
    assert value.account.token.get_secret_value() == "sesame"
    assert value.account.encoding_aes_key.get_secret_value() == KEY
    assert value.database.url.get_secret_value() == "postgresql://me:pw@db/x"
    for secret in ("sesame", KEY, "pw@"):
        assert secret not in repr(value)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('{ env = "NOT_SET" }', "没有设置环境变量 NOT_SET"),
        ('{ file = "not-there" }', "没有找到存放密码的文件"),
        ('{ file = "." }', "读不出来"),
        ('{ fiel = "x" }', '{ env = "环境变量名" }'),
        ('{ env = "A", file = "b" }', '{ env = "环境变量名" }'),
        ("{}", '{ env = "环境变量名" }'),
        ("7", "应为文字"),
        ('"tok en"', "空格"),
    ],
)
def test_a_secret_that_cannot_be_had_is_one_problem_on_its_line(tmp_path, source, words):
    loaded = read(tmp_path, f"[account]\n\ntoken = {source}\n")
    assert said(loaded) == [(3, "account.token")]
    assert words in loaded.problems[0].words


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_secrets_own_file_that_others_can_open_is_refused(tmp_path, mode):
    (tmp_path / "token").write_text("sesame")
    (tmp_path / "token").chmod(mode)
    loaded = read(tmp_path, '[account]\ntoken = { file = "token" }\n')
    assert said(loaded) == [(2, "account.token")]
    assert f"chmod 600 {tmp_path / 'token'}" in loaded.problems[0].words


@pytest.mark.parametrize("around", ["{}\r", "{}\r\n", " {}", "\t{} "])
def test_blanks_around_a_variable_are_nobodys_intention(tmp_path, around):
    value = read(
        tmp_path,
        '[account]\ntoken = { env = "TOKEN" }\n',
        {
            "GONGHUI_DATABASE__URL": around.format("sqlite:///var/ours.db"),
            "GONGHUI_ACCOUNT__APP_ID": around.format("wx0123456789abcdef"),
            "GONGHUI_ACCOUNT__LIVE": around.format("true"),
            "GONGHUI_ACCOUNT__TESTERS": around.format("oAlice"),
            "TOKEN": around.format("sesame"),
        },
    ).value
    assert value is not None
    assert value.database.url.get_secret_value() == "sqlite:///var/ours.db"
    assert (value.account.app_id, value.account.live) == ("wx0123456789abcdef", True)
    assert value.account.testers == ("oAlice",)
    assert value.account.token.get_secret_value() == "sesame"


@pytest.mark.parametrize("wrong", ["{} ", " {}", "{}\\r", "{}\\n", "{}\\u200b", "{}\\u0007", "{}　"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database.url", "sqlite:///var/ours.db"),
        ("redis.url", "redis://127.0.0.1:6379/0"),
        ("site.base_url", "https://union.example"),
        ("server.bind", "127.0.0.1:8000"),
        ("account.api_base", "https://api.weixin.qq.com"),
        ("account.oauth_base", "https://open.weixin.qq.com/connect"),
        ("account.original_id", "gh_1"),
        ("account.app_id", "wx0123456789abcdef"),
        ("account.token", "sesame"),
    ],
)
def test_blanks_and_invisible_signs_in_addresses_and_ids_are_refused(tmp_path, key, value, wrong):
    path = written(tmp_path, f'{key} = "{wrong.format(value)}"\n')
    loaded = load(app.Config, path, {})
    assert said(loaded) == [(1, key)]


@pytest.mark.parametrize(
    "key",
    [
        "account.api_base",
        "account.oauth_base",
        "site.base_url",
        "site.follow_url",
        "redis.url",
        "alarms.webhook",
    ],
)
@pytest.mark.parametrize("rest", ["[x", "a:b:c", "host:99999", ""])
def test_an_address_that_is_none_is_refused_in_words(tmp_path, key, rest):
    section, _, name = key.partition(".")
    scheme = "redis" if section == "redis" else "https"
    (tmp_path / "config.toml").write_text(f'[{section}]\n{name} = "{scheme}://{rest}"\n')

    loaded = app.read(tmp_path / "config.toml", {})

    if rest or section != "redis":  # redis:// is this machine's
        (problem,) = loaded.problems
        assert (problem.key, problem.line) == (key, 2)
        assert re.search("的样子|完整的?网址", problem.words)


@pytest.mark.parametrize(
    ("api_base", "mode", "refused"),
    [
        ("https://api.weixin.qq.com", "plain", True),
        ("https://proxy.example", "plain", True),
        ("http://127.0.0.1:9000", "plain", False),
        ("http://localhost:9000", "plain", False),
        ("https://api.weixin.qq.com", "compat", False),
        ("https://api.weixin.qq.com", "safe", False),
    ],
)
def test_a_live_account_takes_no_unsigned_messages_from_outside(tmp_path, api_base, mode, refused):
    text = f'[account]\nmode = "{mode}"\napi_base = "{api_base}"\nlive = '
    assert read(tmp_path, f"{text}false\n").value is not None
    for loaded in (
        read(tmp_path, f"{text}true\n"),
        read(tmp_path, text + "false", {"GONGHUI_ACCOUNT__LIVE": "true"}),
    ):
        assert ["明文模式" in problem.words for problem in loaded.problems] == [True] * refused


def test_a_variable_replaces_a_secret_that_cannot_be_had(tmp_path):
    text = '[account]\ntoken = { file = "not-there" }\n'
    value = read(tmp_path, text, {"GONGHUI_ACCOUNT__TOKEN": "sesame"}).value
    assert value is not None
    assert value.account.token.get_secret_value() == "sesame"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ('[account]\ntoken = "sesame"\n', True),
        ('[database]\nurl = "postgresql://me:pw@db/x"\n', True),
        ('[database]\nurl = "postgresql://me@db/x"\n', False),
        ('[database]\nurl = "sqlite:///var/x.db"\n[account]\ntoken = ""\n', False),
    ],
)
def test_only_secrets_written_in_the_file_make_its_permissions_matter(tmp_path, text, refused):
    assert read(tmp_path, text).value is not None
    problems = read(tmp_path, text, mode=0o640).problems
    assert ["chmod 600" in problem.words for problem in problems] == [True] * refused


def test_no_secret_is_ever_shown(tmp_path):
    text = f"""
[account]
app_secret = 20160222
app_secrt = "hunter2"
token = "hunter2 hunter2"
encoding_aes_key = "{KEY}hunter2"

[database]
url = ["postgresql://me:hunter2@db/x"]
"""
    loaded = read(tmp_path, text, {"GONGHUI_ACCOUNT__ENCODING_AES_KEY_PREVIOUS": "hunter2"}, mode=0o644)
    words = "\n".join(map(str, loaded.problems))
    assert len(loaded.problems) == 7
    assert "hunter2" not in words
    assert "20160222" not in words
    assert "***" in words


def test_lines_are_right_whatever_way_the_clerk_writes(tmp_path):
    loaded = read(
        tmp_path,
        '''server.procesess = 2
account = { name = "甲", mode = "x" }   # one line
[[campaigns]]
id = "a"
title = "甲"
about = """
[[campaigns]]
id = "not this one"
"""
kind = 7
  [[campaigns.pushes]]
  id = "p"
  text = "甲"
  channel = "mass"
  yearly = "13-01 10:00"
  [[campaigns.pushes]]
  channel = "template"
  yearly = "01-01 10:00"
  template.id = "t"
  template.data.thing1 = "二十个字写不下的内容二十个字写不下的内容多"
  [campaigns.pushes.tempate]
[[campaigns]]
title = "乙"
"id" = "b b"
''',
    )
    assert said(loaded) == [
        (1, "server.procesess"),
        (2, "account.mode"),
        (10, "campaigns[a].kind"),
        (15, "campaigns[a].pushes[p].yearly"),
        (16, "campaigns[a].pushes[第 2 个].id"),
        (20, "campaigns[a].pushes[第 2 个].template.data"),
        (21, "campaigns[a].pushes[第 2 个].tempate"),
        (24, "campaigns[b b].id"),
    ]


VALUES = (
    "7",
    "true",
    '"x"',
    "[]",
    "{}",
    "[{}]",
    "[[1]]",
    "{ a = 1 }",
    "nan",
    "2027-01-01",
    "10:00:00",
    '{ env = "X" }',
    "",
)
LINES = (
    "[account]",
    "[[account]]",
    "[campaigns]",
    "[[campaigns]]",
    "[[campaigns.pushes]]",
    "[campaigns.pushes.daily]",
    "id = 3",
    "a.b = 1",
)


@given(st.data())
@settings(max_examples=100)
def test_whatever_the_clerk_does_to_the_file_is_answered_in_words(tmp_path_factory, data):
    lines = EXAMPLE.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        number = data.draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        column = data.draw(st.integers(0, len(line)))
        key, equals, _ = line.partition(" = ")
        value = data.draw(st.sampled_from(VALUES))
        lines[number] = data.draw(
            st.sampled_from(
                [
                    f"{key}{equals}{value}" if equals else line,
                    f"{data.draw(st.sampled_from(LINES))}\n{line}",
                    line[:column] + data.draw(st.sampled_from("\"'[]{}\\“\0=.#\r")) + line[column:],
                    "",
                ]
            )
        )
    loaded = read(tmp_path_factory.mktemp("clerk"), "\n".join(lines))
    assert (loaded.value is None) == bool(loaded.problems)
    for problem in loaded.problems:
        assert re.search("[一-龥]", problem.words)
        assert not any(
            words in problem.words for words in ("这样写不行", "写法不合")
        )  # said of what nobody foresaw
