"""Alarms, as the staff hear of them: by mail, in their group, on WeChat; once each, with what to do, whatever is halted."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import free_port
from phone_cast import parts
from pydantic import SecretStr
from simulator_cast import ACCOUNT, START, Time

import app
from channels.alarm import Alarms, ways
from commands import alarm as commands
from jobs import lookout
from jobs.alarm import WAITS, Herald
from jobs.lookout import Lookout, Place
from models import alarm, shared
from models.base import Store
from web import Demo, create_app
from wx.account import Account
from wx.client import Api, MemoryTokens
from wx.reach import reachable
from wx.simulator import Phone, Platform, PlatformServer

ROOT = Path(__file__).parent.parent


def test_an_alarm_reaches_the_mailbox_and_the_group_once_each(staff: Staff, store: Store) -> None:
    with store.writing() as connection:
        alarm.sound(connection, "missed x/y", "推送 x/y 没有发。要补发请运行 push start x/y。", START)

    for _ in range(3):
        staff.herald(store).step(START)

    (letter,) = staff.letters
    assert "push start x/y" in letter.text
    assert letter.to == "zhang@example.cn, li@example.cn"
    assert letter.subject.startswith("【盘锦市总工会公众号】推送 x/y 没有发")
    (said,) = staff.group
    assert "push start x/y" in said["text"]["content"]


def test_what_happens_together_is_told_together(staff: Staff, sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        for number in range(12):
            alarm.sound(connection, f"missed {number}", f"第 {number} 件", START)

    staff.herald(sqlite_store).step(START)

    (letter,) = staff.letters
    assert all(f"第 {number} 件" in letter.text for number in range(12))
    assert "共 12 件" in letter.subject


def test_two_processes_tell_it_once(staff: Staff, store: Store) -> None:
    with store.writing() as connection:
        for number in range(5):
            alarm.sound(connection, f"a{number}", f"第 {number} 件", START)

    heralds = [threading.Thread(target=staff.herald(store).step, args=(START,)) for _ in range(4)]
    for each in heralds:
        each.start()
    for each in heralds:
        each.join()

    for number in range(5):
        assert sum(letter.text.count(f"第 {number} 件") for letter in staff.letters) == 1


def test_a_way_that_fails_is_tried_again_and_the_other_does_not_hear_it_twice(
    staff: Staff, sqlite_store: Store
) -> None:
    staff.group_is_broken = True
    with sqlite_store.writing() as connection:
        alarm.sound(connection, "a", "磁盘快满了", START)
    herald = staff.herald(sqlite_store)
    herald.step(START)
    assert (len(staff.letters), staff.group) == (1, [])

    herald.step(START + WAITS[0] / 2)  # not yet
    staff.group_is_broken = False
    herald.step(START + WAITS[0])

    assert (len(staff.letters), len(staff.group)) == (1, 1)


def test_a_robot_that_says_no_with_a_good_status_has_not_told_anybody(
    staff: Staff, sqlite_store: Store
) -> None:
    staff.group_answers = {"errcode": 93000, "errmsg": "invalid webhook url"}
    with sqlite_store.writing() as connection:
        alarm.sound(connection, "a", "磁盘快满了", START)
    staff.herald(sqlite_store).step(START)

    staff.group_answers = {"errcode": 0}
    staff.herald(sqlite_store).step(START + WAITS[0])

    assert len(staff.group) == 2
    assert commands.try_out(staff.ways(), "盘锦市总工会", START, say=lambda _: None) == 0


def test_nobody_is_tried_for_ever(staff: Staff, sqlite_store: Store) -> None:
    staff.group_is_broken = True
    with sqlite_store.writing() as connection:
        alarm.sound(connection, "a", "磁盘快满了", START)
    now = START
    for _ in range(40):
        staff.herald(sqlite_store).step(now)
        now += timedelta(hours=20)

    assert staff.asked == 1 + len(WAITS)


def test_what_comes_and_goes_is_told_once_an_hour_and_what_is_over_not_at_all(
    staff: Staff, sqlite_store: Store
) -> None:
    herald, now = staff.herald(sqlite_store), START
    for _ in range(30):
        with sqlite_store.writing() as connection:
            alarm.sound(connection, "wechat away", "连不上微信", now)
        herald.step(now)
        now += timedelta(minutes=3)
        with sqlite_store.writing() as connection:
            alarm.clear(connection, "wechat away", now)
        herald.step(now)
        now += timedelta(minutes=1)

    assert 2 <= len(staff.letters) <= 3


def test_alarms_go_out_while_everything_else_is_halted(staff: Staff, sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        shared.halt(connection, "稿子有错", START)
        alarm.sound(connection, "halted", "所有推送已停止：稿子有错 处理好以后，请运行 unhalt 继续。", START)

    staff.herald(sqlite_store).step(START)

    assert "unhalt" in staff.letters[0].text


class TestOnWeChat:
    def test_a_tester_who_spoke_hears_it_and_nobody_else_before_the_account_is_live(
        self, wechat: WeChat, sqlite_store: Store
    ) -> None:
        tester, stranger = wechat.people("张主任", "过路人")
        account = wechat.account.model_copy(update={"live": False, "testers": (tester,)})
        settings = Alarms(openids=(tester, stranger))
        with sqlite_store.writing() as connection:
            alarm.sound(connection, "a", "推送已暂停", START)

        herald = Herald(sqlite_store, lambda: ways(settings, account, wechat.api), account.name)
        herald.step(START)
        herald.step(START + timedelta(hours=1))

        assert [row.openid for row in wechat.platform.log] == [tester]

    def test_by_template_its_fields_are_filled_and_short_enough(
        self, wechat: WeChat, sqlite_store: Store
    ) -> None:
        (person,) = wechat.people("张主任")
        words = "推送 yuanxiao/festival 已暂停：内容里还有没填的〔待填：时间〕，没有发出。"
        settings = Alarms(
            openids=(person,),
            template_id="t" * 43,
            template_data={"thing1": "{words}", "time2": "{time}", "thing3": "请尽快处理"},
        )
        with sqlite_store.writing() as connection:
            alarm.sound(connection, "a", words, START)

        Herald(sqlite_store, lambda: ways(settings, wechat.account, wechat.api), "工会").step(START)

        (sent,) = wechat.platform.log
        text = json.dumps(sent.content, ensure_ascii=False)
        assert words[:20] in text
        assert words[:21] not in text
        assert "2027-02-20 10:00" in text

    def test_somebody_outside_the_48_hours_is_not_asked_again_and_again(
        self, wechat: WeChat, sqlite_store: Store
    ) -> None:
        (silent,) = wechat.people("没说过话的人", spoke=False)
        with sqlite_store.writing() as connection:
            alarm.sound(connection, "a", "推送已暂停", START)
        settings = Alarms(openids=(silent,))
        herald = Herald(sqlite_store, lambda: ways(settings, wechat.account, wechat.api), "工会")
        for minutes in range(0, 600, 30):
            herald.step(START + timedelta(minutes=minutes))

        assert wechat.platform.calls["message/custom/send"] == 1


class TestTheLookout:
    def test_a_worker_without_a_sign_of_life_for_a_minute_is_told_of(self, post: Post) -> None:
        post.looks()
        post.time.passes(seconds=59)
        post.looks()
        assert post.staff.letters == []

        post.time.passes(seconds=2)
        post.looks()
        post.looks()

        (letter,) = post.staff.letters
        assert "systemctl restart gonghui-work" in letter.text

    def test_a_worker_that_lives_is_no_alarm_and_one_that_comes_back_ends_it(self, post: Post) -> None:
        post.looks()
        post.time.passes(minutes=2)
        post.looks()
        assert post.stands("no worker")

        post.beats()
        post.looks()

        assert not post.stands("no worker")

    def test_wechat_away_for_a_minute_is_told_of_and_a_hiccup_is_not(self, post: Post) -> None:
        post.far.stop()
        for seconds in (0, 30, 29):
            post.time.passes(seconds=seconds)
            post.beats()
            post.looks()
        assert post.staff.letters == []

        post.time.passes(seconds=5)
        post.looks()

        assert "连不上微信" in post.staff.letters[0].text

    def test_a_database_that_is_away_is_told_of_once_by_whoever_looks(self, post: Post) -> None:
        with closing(Store(f"postgresql://nobody@127.0.0.1:{free_port()}/none")) as gone:
            for _ in range(6):
                post.looks(gone)  # each look may be another process
                post.time.passes(seconds=40)

        (letter,) = post.staff.letters
        assert "数据库连不上" in letter.text
        post.beats()
        post.looks()
        assert not (post.place.state / "database-away.json").exists()

    def test_a_disk_that_fills_up_is_told_of(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lookout, "LEAST_DISK_BYTES", 1 << 60)
        post.beats()

        post.looks()

        assert "腾出地方" in post.staff.letters[0].text

    def test_backups_that_nobody_makes_any_more_are_told_of(self, post: Post) -> None:
        (post.place.backups / "gonghui-20270220-100000.db").touch()  # when it was made, its name says
        post.beats()
        post.looks()
        assert post.staff.letters == []

        post.time.passes(days=3)
        post.beats()
        post.looks()

        assert "db backup" in post.staff.letters[0].text

    def test_machines_whose_files_differ_are_told_of_when_it_lasts(self, post: Post, tmp_path: Path) -> None:
        other = tmp_path / "other.toml"
        other.write_text("[account]\nname = '另一个'\n")
        for seconds in (0, 30, 35):
            post.time.passes(seconds=seconds)
            post.beats()
            post.looks()
            post.looks(place=Place(post.place.state, post.place.backups, other, "gh2"))

        (letter,) = post.staff.letters
        assert "gh2" in letter.text
        assert "gh1" in letter.text

        other.write_text(post.place.config.read_text())
        post.looks(place=Place(post.place.state, post.place.backups, other, "gh2"))
        post.looks()
        assert not post.stands("config differs")


class TestWhatStaffType:
    def test_a_list_says_what_stands_and_a_mark_ends_it(self, sqlite_store: Store) -> None:
        with sqlite_store.writing() as connection:
            alarm.sound(connection, "no result x/y", "群发 x/y 已过了一天", START)
        said: list[str] = []
        assert commands.show(sqlite_store, said.append) == 1
        mark = said[0].split("　")[0]

        assert commands.clear(sqlite_store, mark, START, said.append) == 0
        assert commands.clear(sqlite_store, mark, START, said.append) == 1

        assert "群发 x/y 已过了一天" in said[0]
        assert commands.show(sqlite_store, said.append) == 0

    def test_trying_it_out_names_each_way_and_what_is_wrong_with_it(self, staff: Staff) -> None:
        staff.group_is_broken = True
        said: list[str] = []

        assert commands.try_out(staff.ways(), "盘锦市总工会", START, said.append) == 1

        assert said[0].startswith("✓ 邮件")
        assert said[1].startswith("✗ 群机器人")
        assert commands.try_out([], "盘锦市总工会", START, said.append) == 1
        assert "[alarms]" in said[-1]

    @pytest.mark.parametrize(
        "slip",
        [
            "[[campaigns]]\nid = 'a'\ntitle = “坏了”\n",
            "[[campaigns]]\nid = 'a b'\ntitle = 'x'\n",
            "nonsense\n",
        ],
    )
    def test_a_config_that_keeps_the_worker_from_starting_is_told_of_all_the_same(
        self, slip: str, staff: Staff, sqlite_url: str, tmp_path: Path
    ) -> None:
        config = tmp_path / "config.toml"
        config.write_text(staff.section() + f"[database]\nurl = '{sqlite_url}'\n" + slip)
        config.chmod(0o600)

        assert app.main(["alarm", "fell", "gonghui-work", "--config", str(config)]) == 0

        (letter,) = staff.letters
        assert "配置文件" in letter.text
        assert "gonghui-work" in letter.text

    def test_the_timers_look_tells_of_a_broken_file_once(
        self, staff: Staff, sqlite_url: str, tmp_path: Path
    ) -> None:
        config = tmp_path / "config.toml"
        config.write_text(staff.section() + f"[database]\nurl = '{sqlite_url}'\n[[campaigns]]\nid = 7\n")
        config.chmod(0o600)

        for _ in range(2):
            assert app.main(["alarm", "look", "--config", str(config)]) == 0

        assert ["配置文件" in letter.text for letter in staff.letters] == [True]


def test_the_staffs_page_the_monitor_and_the_number_say_it(sqlite_store: Store) -> None:
    client = create_app(parts(sqlite_store, demo=Demo("http://127.0.0.1:9", lambda: None))).test_client()
    assert client.get("/readyz").json["alarms"] == []
    assert "要处理" not in client.get("/").text
    with sqlite_store.writing() as connection:
        alarm.sound(connection, "config broken", "配置文件 config.toml 有 2 处错误。请运行 check。", START)

    answer = client.get("/readyz")

    assert answer.status_code == 200  # the old file goes on serving: a balancer must not take us out
    assert answer.json["alarms"] == ["配置文件 config.toml 有 2 处错误。请运行 check。"]
    assert "gonghui_alarms 1.0" in client.get("/metrics").text
    assert "要处理：</strong>配置文件 config.toml 有 2 处错误" in client.get("/").text
    assert "配置文件 config.toml" in client.get("/phone/api/board").json["alarms"]


def test_workers_never_see_an_alarm(sqlite_store: Store) -> None:
    with sqlite_store.writing() as connection:
        alarm.sound(connection, "a", "磁盘快满了", START)

    assert "磁盘快满了" not in create_app(parts(sqlite_store)).test_client().get("/").text


# --- cast --------------------------------------------------------------------------------------------------------


@dataclass
class Letter:
    to: str
    subject: str
    text: str


@dataclass
class Staff:
    """The staff's mailbox and their group, behind a real mail server and a real robot."""

    mail_port: int
    robot_port: int
    letters: list[Letter] = field(default_factory=list)
    group: list[dict[str, dict[str, str]]] = field(default_factory=list)
    group_is_broken: bool = False
    group_answers: dict[str, object] = field(default_factory=lambda: {"errcode": 0})
    asked: int = 0

    def settings(self) -> Alarms:
        return Alarms(
            email=("zhang@example.cn", "li@example.cn"),
            smtp_host="127.0.0.1",
            smtp_port=self.mail_port,
            smtp_user="gonghui@example.cn",
            webhook=SecretStr(f"http://127.0.0.1:{self.robot_port}/robot?key=1"),
        )

    def section(self) -> str:
        return (
            "[alarms]\nemail = ['zhang@example.cn']\nsmtp_host = '127.0.0.1'\n"
            f"smtp_port = {self.mail_port}\nsmtp_user = 'gonghui@example.cn'\n"
        )

    def ways(self) -> list[object]:
        return ways(self.settings(), ACCOUNT, Api(ACCOUNT, MemoryTokens()))

    def herald(self, store: Store) -> Herald:
        return Herald(store, self.ways, "盘锦市总工会")


@pytest.fixture
def staff() -> Iterator[Staff]:
    made = Staff(0, 0)
    with mailbox(made) as made.mail_port, robot(made) as made.robot_port:
        yield made


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[int]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@contextmanager
def mailbox(staff: Staff) -> Iterator[int]:
    """A mail server that takes every letter."""

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 mail")
            while line := self.rfile.readline():
                verb = line.split()[0].upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    self.take()
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                self.say("250 ok")

        def take(self) -> None:
            lines = iter(self.rfile.readline, b".\r\n")
            found = message_from_bytes(b"".join(lines), policy=default)
            staff.letters.append(Letter(found["To"], found["Subject"], found.get_content()))

        def say(self, words: str) -> None:
            self.wfile.write(words.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    with served(Server(("127.0.0.1", 0), Mail)) as port:
        yield port


@contextmanager
def robot(staff: Staff) -> Iterator[int]:
    """A group's robot."""

    class Robot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            staff.asked += 1
            if not staff.group_is_broken:
                staff.group.append(body)
            self.send_response(502 if staff.group_is_broken else 200)
            self.end_headers()
            self.wfile.write(json.dumps(staff.group_answers).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Robot)) as port:
        yield port


@dataclass
class WeChat:
    platform: Platform
    account: Account
    api: Api

    def people(self, *names: str, spoke: bool = True) -> list[str]:
        found = [self.platform.add_follower(name).openid for name in names]
        for name in names if spoke else ():
            Phone(self.platform, name).says("在吗")
        self.platform.settle(5)
        return found


@pytest.fixture
def wechat() -> Iterator[WeChat]:
    live = ACCOUNT.model_copy(update={"live": True})
    time_ = Time(START)
    platform = Platform(live, lambda query, body: (200, b""), now=time_.now)
    with PlatformServer(platform) as far:
        account = live.model_copy(update={"api_base": far.url})
        yield WeChat(platform, account, Api(account, MemoryTokens(), time_.now))
    platform.close()


@dataclass
class Post:
    """Where the lookout stands: a database, a far end, the staff to be told."""

    store: Store
    staff: Staff
    place: Place
    far: PlatformServer
    time: Time
    made: dict[str, Lookout] = field(default_factory=dict)

    def looks(self, store: Store | None = None, place: Place | None = None) -> None:
        store, place = store or self.store, place or self.place
        known = self.made.get(place.machine)
        if known is None or known.store is not store:
            url = f"{self.far.url}/cgi-bin/token"
            known = Lookout(
                store, self.staff.herald(store), place, self.time.now, lambda: reachable(url),
                in_force=lambda: sha256(place.config.read_bytes()).hexdigest(),
            )  # fmt: skip
            if store is self.store:
                self.made[place.machine] = known
        known.step()

    def beats(self) -> None:
        with self.store.writing() as connection:
            shared.beat(connection, "w1", self.time.now())

    def stands(self, name: str) -> bool:
        with self.store.reading() as connection:
            return alarm.stands(connection, name)


@pytest.fixture
def post(sqlite_store: Store, staff: Staff, tmp_path: Path) -> Iterator[Post]:
    place = Place(tmp_path / "state", tmp_path / "state" / "backups", tmp_path / "config.toml", "gh1")
    place.backups.mkdir(parents=True)
    place.config.write_text("[account]\n")
    platform = Platform(ACCOUNT)
    far = PlatformServer(platform)
    far.start()
    staff.group_is_broken = False
    mail_only = Staff(staff.mail_port, staff.robot_port, staff.letters)
    yield Post(sqlite_store, mail_only, place, far, Time(START))
    far.stop()
    platform.close()
