"""What staff type and what they are told: every command, against a simulated WeChat, and every slip answered in words."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from config_cast import REPO, written
from line_cast import SECRETS, YEAR, Desk, desk, listening, reached

import app
from models import alarm, in_force, shared
from models.base import Store, StoreError
from models.follower import followers
from models.interaction import interactions

__all__ = ["desk"]

CONTRACT = {
    *("demo", "serve", "work", "run", "check", "menu", "push", "db", "doctor", "report", "halt", "unhalt"),
    *(
        "replay",
        "talk",
        "campaign",
        "alarm",
        "follower",
        "recount",
        "key",
        "retention",
        "staff",
        "audit",
        "union",
        "member",
    ),
}
DEEDS = {
    "menu": {"check", "diff", "publish", "rollback"},
    "push": {"list", "preview", "test", "approve", "withdraw", "start", "pause", "resume", "cancel"},
    "db": {"upgrade", "backup", "restore", "verify"},
    "campaign": {"list", "show", "extend", "export", "do"},
    "follower": {"import"},
    "key": {"make", "list", "rotate", "seal"},
    "alarm": {"list", "look", "clear", "test", "fell"},
    "staff": {"add", "list", "lock", "reset"},
    "audit": {"list", "verify"},
    "union": {"list", "import", "move", "merge", "close"},
    "member": {"import"},
}
SAMPLES = {  # every command that needs the config file, as one would type it
    "serve": (),
    "work": (),
    "run": (),
    "check": (),
    "menu": ("publish",),
    "push": ("list",),
    "db": ("upgrade",),
    "doctor": (),
    "report": (),
    "halt": (),
    "unhalt": (),
    "replay": (),
}


class TestTheLine:
    def test_help_shows_every_command_of_the_contract_and_only_what_exists(self, desk: Desk) -> None:
        told = desk.types("--help")

        assert told.code == 0
        shown = re.findall(r"^    ([a-z]+) ", told.out, re.MULTILINE)
        assert set(shown) == CONTRACT == set(app.RUN) == set(app.COMMANDS)
        assert {name: set(one.deeds) for name, one in app.COMMANDS.items() if one.deeds} == DEEDS

    @pytest.mark.parametrize("name", sorted(CONTRACT))
    def test_each_command_explains_itself(self, desk: Desk, name: str) -> None:
        told = desk.types(name, "--help")

        assert told.code == 0
        assert app.COMMANDS[name].words in told.out
        assert all(about in told.out for about, _ in app.COMMANDS[name].deeds.values())
        assert told.out.count("可以加的") == 1

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("", "后面还要写 命令"),
            ("push", "后面还要写 做什么"),
            ("puhs list", "没有 puhs 这个命令，是不是 push？"),
            ("push strat lantern/riddles", "没有 strat 这个命令，是不是 start？"),
            ("push start", "后面还要写 活动/推送"),
            ("push test lantern/riddles", "后面还要写 编号"),
            ("db restore", "后面还要写 备份文件"),
            ("check --all", "不认识 --all"),
            ("check --config", "--config 后面还要写内容"),
            ("report --from 2027-02-30", "没有“2027-02-30”这一天，日子写成 2027-02-21 的样子"),
            ("report --to yesterday", "没有“yesterday”这一天"),
            ("report --from 2027-02-02 --to 2027-02-01", "比开始的日子"),
            ("replay abc", "“abc”不是编号"),
            ("doctor abc", "请写微信返回的错误代码"),
        ],
    )
    def test_a_slip_is_answered_in_words_with_code_two(self, desk: Desk, line: str, words: str) -> None:
        desk.types("db", "upgrade")

        told = desk.types(*line.split())

        assert told.code == 2
        assert words in told.words
        assert not re.search(r"invalid|required|unrecognized|usage|error", told.words)

    def test_the_config_file_may_be_named_before_and_after_the_words(self, desk: Desk) -> None:
        path = desk.writes().rename(desk.folder / "ours.toml")

        before = desk.types("--config", str(path), "db", "upgrade")
        after = desk.types("db", "upgrade", "--config", str(path))
        between = desk.types("db", "--config", str(path), "upgrade")

        assert [before.code, after.code, between.code] == [0, 0, 0]
        assert "已升级到" in before.out
        assert "不用升级" in after.out
        assert after == between

    @pytest.mark.parametrize("name", sorted(SAMPLES))
    def test_without_a_config_file_it_says_how_to_make_one(self, desk: Desk, name: str) -> None:
        (desk.folder / "config.toml").unlink()

        told = desk.types(name, *SAMPLES[name])

        assert told.code == 1
        assert "cp config.example.toml config.toml" in told.words

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "这不是一个文件（可能是文件夹）"),
            (b"\x00\xff\xfe" * 100, "文件不是 UTF-8 编码"),
            ("没有等号".encode(), "名字"),
            (b"", "填好之前不能启动服务"),
        ],
    )
    def test_what_is_no_config_file_is_told_apart(
        self, desk: Desk, content: bytes | None, words: str
    ) -> None:
        place = desk.folder / "other.toml"
        if content is None:
            place.mkdir()
        else:
            place.write_bytes(content)

        told = desk.types("check", "--config", str(place))

        assert told.code == (0 if content == b"" else 1)
        assert words in told.words

    @pytest.mark.parametrize(
        "words", ["alarm list", "alarm clear 3f2a", "doctor", "push list", "report", "db backup"]
    )
    def test_looking_makes_no_database(self, desk: Desk, words: str) -> None:
        told = desk.types(*words.split())

        assert told.code == 1
        assert "还没有" in told.words
        assert "db upgrade" in told.words
        assert not (desk.folder / "gonghui.db").exists()

    def test_a_file_that_is_no_database_is_told_apart_from_a_server_that_is_away(self, desk: Desk) -> None:
        (desk.folder / "gonghui.db").write_bytes(b"rubbish " * 1000)

        told = desk.types("report")

        assert told.code == 1
        assert "文件坏了" in told.words
        assert "db restore" in told.words

    @pytest.mark.parametrize("words", ["follower import", "menu diff"])
    def test_an_account_that_is_not_filled_in_is_not_taken_for_a_silent_wechat(
        self, desk: Desk, words: str
    ) -> None:
        desk.writes(app_secret="")
        desk.types("db", "upgrade")

        told = desk.types(*words.split())

        assert told.code == 1
        assert "AppSecret（开发者密码）" in told.words
        assert "网络" not in told.words

    @pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"halt", "unhalt"}))
    def test_a_broken_config_file_is_told_with_every_line(self, desk: Desk, name: str) -> None:
        text = desk.config().replace('kind = "service"', 'kind = "servic"')
        written(desk.folder, text.replace("processes = 1", "proceses = 1"))

        told = desk.types(name, *SAMPLES[name])

        assert told.code == 1
        assert re.search(r"config\.toml:3：account\.kind：", told.words)
        assert re.search(r"config\.toml:\d+：server\.proceses：.*processes", told.words)

    def test_the_environment_wins_and_a_wrong_name_gets_the_nearest(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GONGHUI_ACCOUNT__NAME", "大洼区总工会")
        assert "大洼区总工会" in desk.types("check").out

        monkeypatch.setenv("GONGHUI_ACCOUNT__LIV", "false")
        told = desk.types("check")
        assert told.code == 1
        assert (
            "来自环境变量 GONGHUI_ACCOUNT__LIV：没有这个配置项，是否想写 GONGHUI_ACCOUNT__LIVE？"
            in told.words
        )

    def test_a_reader_that_has_enough_and_a_terminal_without_our_signs_do_no_harm(self, desk: Desk) -> None:
        line = [sys.executable, str(REPO / "app.py"), "check"]

        cut = subprocess.run(
            ["bash", "-c", f"{' '.join(line)} | head -1"], capture_output=True, text=True, check=False
        )
        gbk = subprocess.run(
            line, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "gbk"}, check=False
        )

        assert "能用" in cut.stdout
        assert cut.stderr == ""
        assert gbk.returncode == 0, gbk.stderr
        assert "检查通过" in gbk.stdout.decode("gbk")


class TestCheck:
    def test_says_what_the_year_brings_and_that_all_is_well(self, desk: Desk) -> None:
        told = desk.types("check")

        assert told.code == 0
        assert "2 次推送" in told.out
        assert "正月十五 10:00　lantern/riddles" in told.out
        assert "检查通过" in told.out
        assert not (desk.folder / "gonghui.db").exists(), "looking makes nothing"

    def test_knows_how_many_follow(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        enrol(desk, 3)

        assert "全体关注者（3 人）" in desk.types("check").out

    def test_lists_what_is_not_filled_in_and_stops_a_live_account(self, desk: Desk) -> None:
        desk.writes(YEAR.replace("元宵灯谜", "〔待填：活动名称〕"))
        live = desk.types("check")
        desk.writes(YEAR.replace("元宵灯谜", "〔待填：活动名称〕"), live=False)
        not_live = desk.types("check")

        assert (live.code, not_live.code) == (1, 0)
        for told in (live, not_live):
            assert re.search(r"config\.toml:\d+：还没有填 〔待填：活动名称〕", told.out)
            assert "办事指南" in told.out

    def test_empty_credentials_are_a_warning(self, desk: Desk) -> None:
        desk.writes(app_secret="", token="")

        told = desk.types("check")

        assert told.code == 0
        assert "还没有填 AppSecret（开发者密码）（app_secret）；填好之前不能启动服务" in told.out

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            (
                'kind = "service"',
                'kind = "service"\nmode = "compat"',
                "mode = compat：微信不给消息的内容签名",
            ),
            ('kind = "service"', 'kind = "service"\nfreshness_s = 0', "截到的旧请求可以一直重放"),
            ('bind = "127.0.0.1:', 'bind = "0.0.0.0:', "绕过 nginx"),
            ('bind = "127.0.0.1:', 'bind = "[::]:', "绕过 nginx"),
            ("api_base = ", 'api_base = "https://proxy.example" #', "不是微信的服务器"),
        ],
    )
    def test_warns_of_what_is_dangerous_and_says_why(
        self, desk: Desk, old: str, new: str, words: str
    ) -> None:
        official = "https://api.weixin.qq.com"
        written(desk.folder, desk.config(api_base=official).replace(old, new, 1))

        told = desk.types("check")

        assert told.code == 0, told.out
        assert words in told.out

    def test_warns_of_a_live_account_that_only_the_environment_knows_of(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GONGHUI_ACCOUNT__LIVE", "true")

        assert "GONGHUI_ACCOUNT__LIVE" in desk.types("check").out

    def test_a_database_that_is_away_does_not_stop_it(self, desk: Desk) -> None:
        written(desk.folder, desk.config(database="postgresql://u@127.0.0.1:1/gonghui"))

        assert desk.types("check").code == 0


class TestMenu:
    def test_from_the_first_publishing_to_the_way_back(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        assert desk.types("menu", "check").code == 0
        nothing = desk.types("menu", "diff")
        published = desk.types("menu", "publish")
        same = desk.types("menu", "diff")
        no_way_back = desk.types("menu", "rollback")
        assert [nothing.code, published.code, same.code, no_way_back.code] == [1, 0, 0, 1]
        assert "新加　服务大厅" in nothing.out
        assert "读回来核对无误" in published.out

        ours = desk.platform.world.menu
        older = {"button": [{"type": "click", "name": "春节", "key": "SPRING"}]}
        desk.platform.world.menu = older
        assert desk.types("menu", "publish").code == 0
        assert desk.platform.world.menu == ours
        assert desk.types("menu", "rollback").code == 0
        assert desk.platform.world.menu["button"][0]["name"] == "春节"

    def test_a_refusal_of_wechats_is_explained(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        desk.platform.issuer.allowed_ips = frozenset({"203.0.113.9"})

        told = desk.types("menu", "publish")

        assert told.code == 1
        assert "40164" in told.out
        assert "IP白名单" in told.out


class TestPush:
    def test_from_the_preview_to_the_last_delivery(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        people = enrol(desk, 30)

        preview = desk.types("push", "preview", "lantern/riddles")
        assert preview.code == 0
        assert "全体关注者（现在 30 人）" in preview.out
        test = desk.types("push", "test", "lantern/riddles", people[0])
        assert test.code == 0
        assert [row.openid for row in desk.platform.log] == [people[0]]

        started = desk.types("push", "start", "lantern/riddles", "--yes")
        again = desk.types("push", "start", "lantern/riddles", "--yes")
        assert (started.code, again.code) == (0, 1)
        assert "现在没有推送进程在运行" in started.out
        assert "没有重新开始" in again.out
        works(desk)
        listed = desk.types("push", "list")
        assert listed.code == 0
        assert "共 30 份：已发 30，没发成 0，没有发 0，不知道是否送到 0，还没发完 0" in listed.out
        assert sorted(row.openid for row in desk.platform.log) == sorted([*people, people[0]])

    def test_it_can_be_paused_resumed_and_cancelled(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        enrol(desk, 3)
        desk.types("push", "start", "lantern/riddles", "--yes")

        assert desk.types("push", "resume", "lantern/riddles").code == 1
        assert desk.types("push", "pause", "lantern/riddles").code == 0
        assert desk.types("push", "pause", "lantern/riddles").code == 1
        works(desk)
        assert desk.platform.log == []
        assert "已暂停" in desk.types("push", "list").out
        assert desk.types("push", "resume", "lantern/riddles").code == 0
        cancelled = desk.types("push", "cancel", "lantern/riddles")
        assert cancelled.code == 0
        works(desk)
        assert desk.platform.log == []
        next_one = desk.types("push", "cancel", "lantern/thanks", "--yes")
        assert next_one.code == 0
        assert "的这一次不会发了" in next_one.out

    def test_nothing_leaves_between_halt_and_unhalt(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        enrol(desk, 3)
        assert desk.types("halt").code == 0
        desk.types("push", "start", "lantern/riddles", "--yes")
        works(desk)
        assert desk.platform.log == []
        listed = desk.types("push", "list")
        assert listed.code == 1
        assert "所有推送都已停止" in listed.out
        assert "测试也不发" in desk.types("push", "test", "lantern/riddles", "oSomebody").out

        assert desk.types("unhalt").code == 0
        assert "本来就没有停" in desk.types("unhalt").out
        works(desk)
        assert len(desk.platform.log) == 3

    def test_words_that_are_not_filled_in_do_not_leave_a_live_account(self, desk: Desk) -> None:
        desk.writes(YEAR.replace("元宵灯谜", "〔待填：活动名称〕"))
        desk.types("db", "upgrade")
        enrol(desk, 3)
        assert "没填的〔待填：活动名称〕" in desk.types("push", "start", "lantern/riddles", "--yes").out
        works(desk)

        listed = desk.types("push", "list")
        assert desk.platform.log == []
        assert listed.code == 1
        assert "已暂停" in listed.out
        assert "内容里还有没填的〔待填：活动名称〕" in listed.out
        assert "push cancel lantern/riddles" in listed.out

        desk.writes()
        desk.types("push", "cancel", "lantern/riddles")
        assert desk.types("push", "start", "lantern/riddles", "--yes").code == 0
        works(desk)
        assert len(desk.platform.log) == 3
        assert desk.types("push", "list").code == 0

    def test_words_that_are_not_filled_in_may_go_to_the_testers(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        people = enrol(desk, 3)
        desk.writes(YEAR.replace("元宵灯谜", "〔待填：活动名称〕"), live=False, testers=people[:1])
        desk.types("push", "start", "lantern/riddles", "--yes")
        works(desk)

        assert [row.openid for row in desk.platform.log] == people[:1]
        assert "没有发 2" in desk.types("push", "list").out

    @pytest.mark.parametrize("deed", ["preview", "start"])
    def test_an_unknown_name_gets_the_nearest(self, desk: Desk, deed: str) -> None:
        desk.types("db", "upgrade")

        told = desk.types("push", deed, "lantern/ridles")

        assert told.code == 1
        assert "是不是 lantern/riddles？" in told.words

    def test_a_message_outside_the_window_is_explained(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        (openid,) = enrol(desk, 1)

        told = desk.types("push", "test", "lantern/thanks", openid)

        assert told.code == 1
        assert "没有发成" in told.out


class TestTheDatabase:
    def test_is_kept_proved_and_put_back(self, desk: Desk) -> None:
        assert desk.types("db", "upgrade").code == 0
        people = enrol(desk, 5)
        backed = desk.types("db", "backup")
        assert backed.code == 0
        (file,) = (desk.folder / "backups").glob("gonghui-*.db")
        assert desk.types("db", "verify", str(file)).code == 0
        with stored(desk) as store, store.writing() as connection:
            connection.execute(followers.delete())

        restored = desk.types("db", "restore", str(file))

        assert restored.code == 0
        assert "unhalt" in restored.out
        with stored(desk) as store, store.reading() as connection:
            assert sorted(connection.execute(sa.select(followers.c.openid)).scalars()) == sorted(people)
            assert shared.halted(connection)

    @pytest.mark.parametrize("deed", ["verify", "restore"])
    def test_what_is_no_backup_is_refused(self, desk: Desk, deed: str) -> None:
        (desk.folder / "rubbish.db").write_bytes(b"rubbish" * 1000)

        assert desk.types("db", deed, "rubbish.db").code == 1
        assert "找不到备份文件" in desk.types("db", deed, "nowhere.db").words
        assert desk.types("db", deed, ".").code == 1

    def test_a_push_is_looked_at_before_there_is_one(self, desk: Desk) -> None:
        told = desk.types("push", "preview", "lantern/riddles")

        assert told.code == 0
        assert "下一次" in told.words
        assert not (desk.folder / "gonghui.db").exists()

    @pytest.mark.parametrize("name", ["menu publish", "push list", "report", "halt", "unhalt", "replay"])
    def test_that_is_not_there_yet_is_said_and_not_made(self, desk: Desk, name: str) -> None:
        told = desk.types(*name.split())

        assert told.code == 1
        assert "还没有数据库" in told.words
        assert "db upgrade" in told.words
        assert not (desk.folder / "gonghui.db").exists()

    @pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"check"}))
    def test_that_cannot_be_reached_is_said_in_words(self, desk: Desk, name: str) -> None:
        url = f"postgresql://gonghui:{SECRETS[3]}@127.0.0.1:1/gonghui"
        written(desk.folder, desk.config(database=url))

        told = desk.types(name, *SAMPLES[name])

        assert told.code == 1
        assert "数据库" in told.words

    @pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"check"}))
    def test_that_is_a_folder_or_another_file_is_said_in_words(self, desk: Desk, name: str) -> None:
        for place in ("folder", "text.db"):
            (desk.folder / "folder").mkdir(exist_ok=True)
            (desk.folder / "text.db").write_text("这不是数据库" * 100)
            written(desk.folder, desk.config(database=f"sqlite:///{desk.folder}/{place}"))

            told = desk.types(name, *SAMPLES[name])

            assert told.code == 1
            assert "数据库" in told.words

    def test_in_a_place_where_nothing_can_be_made_is_said_in_words(self, desk: Desk) -> None:
        (desk.folder / "text").write_text("no folder")
        written(desk.folder, desk.config(database=f"sqlite:///{desk.folder}/text/gonghui.db"))

        told = desk.types("db", "upgrade")

        assert told.code == 1
        assert "读写不了" in told.words

    @pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///a.db?mode=ro", "oracle://x/y", "", "x"])
    def test_with_an_address_that_makes_no_sense_is_refused(self, desk: Desk, url: str) -> None:
        written(desk.folder, desk.config().replace(f"sqlite:///{desk.folder}/gonghui.db", url))

        told = desk.types("push", "list")

        assert told.code == 1
        assert "database.url" in told.words


class TestDoctor:
    def test_explains_a_code_without_any_config(self, desk: Desk) -> None:
        (desk.folder / "config.toml").unlink()

        known, unknown = desk.types("doctor", "40164"), desk.types("doctor", "12345")

        assert (known.code, unknown.code) == (0, 1)
        assert "IP白名单" in known.out
        assert "没有记录" in unknown.out

    def test_finds_a_wrong_secret_and_a_missing_white_list(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        desk.platform.issuer.allowed_ips = frozenset({"203.0.113.9"})
        barred = desk.types("doctor")
        desk.platform.issuer.allowed_ips = None
        desk.writes(app_secret="0123456789abcdef0123456789abcdef")
        wrong = desk.types("doctor")

        assert (barred.code, wrong.code) == (1, 1)
        assert re.search(r"✗ 账号：.*（40164）", barred.out)
        assert "本服务器的公网地址是 127.0.0.1" in barred.out
        assert re.search(r"✗ 账号：.*（40125）", wrong.out)
        assert "✗ 网址：" in wrong.out, "nobody serves"
        assert "0123456789abcdef" not in wrong.words

    def test_goes_through_an_empty_installation(self, desk: Desk) -> None:
        desk.writes(app_id="", app_secret="", token="", encoding_aes_key="")

        told = desk.types("doctor")

        assert told.code == 1
        assert "还没有填 AppSecret（开发者密码）" in told.out
        assert "db upgrade" in told.out


class TestReport:
    def test_counts_a_day_on_the_screen_and_in_a_file(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        desk.platform.callback.target = desk.built().webhook.answer
        phone = desk.follows("王师傅")
        phone.says("工伤")
        phone.says("量子纠缠的问题 13812345678")

        told = desk.types("report", "--csv", "二月.csv")

        assert told.code == 0
        assert "盘锦市总工会" in told.out
        assert "量子纠缠的问题" in told.out
        assert "13812345678" not in told.out
        assert (desk.folder / "二月.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        assert desk.types("report", "--from", "2027-01-01", "--to", "2027-01-31").code == 0
        to_folder = desk.types("report", "--csv", ".")
        assert to_folder.code == 1
        assert "没有存成" in to_folder.out


class TestReplay:
    def test_handles_again_what_failed(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        desk.platform.callback.target = desk.built().webhook.answer
        desk.follows("王师傅").says("工伤")
        with stored(desk) as store, store.writing() as connection:
            broken = {"state": "failed", "reply": "", "topic": "KeyError"}
            connection.execute(interactions.update().where(interactions.c.content == "工伤").values(broken))

        first, second = desk.types("replay"), desk.types("replay")

        assert (first.code, second.code) == (0, 0)
        assert "重新处理好 1 条，还是没有处理好的 0 条" in first.out
        assert "重新处理好 0 条" in second.out
        with stored(desk) as store, store.reading() as connection:
            query = sa.select(interactions.c.state, interactions.c.reply)
            (row,) = connection.execute(query.where(interactions.c.content == "工伤")).all()
        assert row.state == "answered"
        assert "工伤" in row.reply


class TestStarting:
    @pytest.mark.parametrize("name", ["serve", "work", "run"])
    @pytest.mark.parametrize(
        ("key", "words"),
        [
            ("token", "令牌 Token"),
            ("app_id", "AppID"),
            ("app_secret", "AppSecret"),
            ("encoding_aes_key", "EncodingAESKey"),
        ],
    )
    def test_is_refused_while_a_credential_is_empty(
        self, desk: Desk, name: str, key: str, words: str
    ) -> None:
        desk.writes(**{key: ""})

        told = desk.types(name)

        assert told.code == 1
        assert f"account.{key}" in told.words
        assert words in told.words
        assert not (desk.folder / "gonghui.db").exists()

    @pytest.mark.parametrize("name", ["serve", "run"])
    def test_at_a_taken_address_names_the_key_to_change(
        self, desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("web.server.prefork.TAKEN_S", 0.2)
        with listening(desk.port):
            told = desk.types(name)

        assert told.code == 1
        assert f"127.0.0.1:{desk.port} 用不了：已经被别的程序占用" in told.words
        assert "[server] bind" in told.words

    def test_at_an_address_of_another_machine_is_refused(self, desk: Desk) -> None:
        written(
            desk.folder, desk.config().replace(f'bind = "127.0.0.1:{desk.port}"', 'bind = "203.0.113.9:80"')
        )

        told = desk.types("serve")

        assert told.code == 1
        assert "这台机器没有这个地址" in told.words

    def test_warns_of_dangerous_settings_in_the_log(self, desk: Desk) -> None:
        desk.writes(api_base="https://proxy.example", freshness_s=0)
        worker = desk.starts("work")

        worker.until(lambda: alive(desk) == 1, "it does not live")
        assert "api_base 指向 proxy.example" in worker.told()
        assert "freshness_s = 0" in worker.told()
        assert worker.ends() == 0

    def test_two_at_once_on_an_empty_database_both_live(self, desk: Desk) -> None:
        two = [desk.starts("work"), desk.starts("work")]

        two[0].until(lambda: alive(desk) == 2, "they do not both live")
        assert [each.ends() for each in two] == [0, 0]
        assert alive(desk) == 0, "they said goodbye"

    def test_run_serves_and_sends_until_told_to_end(self, desk: Desk) -> None:
        running = desk.serves("run")
        running.until(lambda: reached(desk.port, "/readyz"), "it is not ready")
        phone = desk.follows("王师傅")
        assert "欢迎" in phone.last
        desk.types("menu", "publish")
        assert phone.taps((0, 0))
        assert desk.types("push", "start", "lantern/riddles", "--yes", "--wait").code == 0
        assert [row.openid for row in desk.platform.log] == [phone.openid]
        healthy = desk.types("doctor")
        assert healthy.code == 0, healthy.out
        with stored(desk) as store, store.reading() as connection:
            configs = shared.living(connection, in_force.ROW, datetime.now(UTC))
        assert any(" web " in name for name in configs), "each web process says by which file it runs"

        web_and_work = running.children()
        assert len(web_and_work) == 2
        for pid in web_and_work:
            os.kill(pid, signal.SIGKILL)
        running.until(
            lambda: len(running.children()) == 2 and not running.children() & web_and_work, "none comes back"
        )
        running.until(lambda: reached(desk.port), "nobody answers after the fall")
        assert "工伤" in phone.says("工伤")

        assert running.ends() == 0
        assert "push finished push=lantern/riddles size=1" in running.told()

    def test_serve_and_work_end_well_on_ctrl_c(self, desk: Desk) -> None:
        both = [desk.serves("serve"), desk.starts("work")]
        both[1].until(lambda: reached(desk.port, "/readyz"), "it is not ready")

        assert [each.ends(signal.SIGINT) for each in both] == [0, 0]
        assert not reached(desk.port)

    def test_a_running_worker_tells_of_a_broken_config_and_takes_up_the_mended_one(self, desk: Desk) -> None:
        desk.types("db", "upgrade")
        worker = desk.starts("work")
        worker.until(lambda: alive(desk) == 1, "it does not live")

        desk.writes(YEAR.replace("lunar =", "lunr ="))
        worker.until(lambda: any("没有采用" in words for words in alarms(desk)), "no alarm")
        desk.writes(YEAR.replace("03-08", "03-09"), name="新的名字")
        worker.until(lambda: any("account.name" in words for words in alarms(desk)), "no word of the restart")
        assert not any("没有采用" in words for words in alarms(desk))
        assert worker.ends() == 0
        assert "活动已按新的配置文件更新" in worker.told()


# --- small things ------------------------------------------------------------------------------------------------


def enrol(desk: Desk, number: int) -> list[str]:
    """So many have followed for long; their openids."""
    now = datetime.now(UTC)
    row = {"subscribed": True, "state_at": now, "first_seen_at": now, "last_seen_at": now}
    people = [desk.platform.add_follower(f"职工{n}").openid for n in range(number)]
    with stored(desk) as store, store.writing() as connection:
        connection.execute(followers.insert(), [{"openid": openid, **row} for openid in people])
    return people


@contextmanager
def stored(desk: Desk) -> Iterator[Store]:
    store = Store(f"sqlite:///{desk.folder}/gonghui.db")
    yield store
    store.close()


def alive(desk: Desk) -> int:
    """How many workers say that they live; -1 while there is no database yet."""
    with stored(desk) as store:
        try:
            with store.reading() as connection:
                return len(shared.beats(connection, datetime.now(UTC)))
        except StoreError:
            return -1


def alarms(desk: Desk) -> list[str]:
    """What staff would read in `push list` and `doctor`."""
    with stored(desk) as store, store.reading() as connection:
        return [each.words for each in alarm.standing(connection)]


def works(desk: Desk) -> None:
    """A worker does all that can be done now."""
    worker = desk.built().worker
    idle = 0
    while idle < 2:
        idle = idle + 1 if worker.step() >= 0.5 else 0
    desk.platform.callback.target = desk.opened[-1].webhook.answer
    desk.platform.settle(10)
