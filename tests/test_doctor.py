"""`doctor`: each thing that can be wrong, with the one thing to do about it, over a real HTTP platform and real databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import free_port

from commands import doctor, doctor_network
from commands.installation import Installation
from ground.workdays import ANNOUNCED
from models import alarm, backup, schema, shared
from models.base import Store
from models.interaction import interactions
from wx.account import Account
from wx.client import Api, MemoryTokens
from wx.errors import ERRCODES
from wx.reach import reach
from wx.simulator import Platform, PlatformServer


def test_a_healthy_installation_gets_a_clean_bill(house: Installation) -> None:
    code, told = visit(house)

    assert code == 0, told
    assert "都正常" in told
    assert "✗" not in told
    for subject in (
        "配置",
        "数据库",
        "磁盘",
        "推送进程",
        "备份",
        "网址",
        "微信",
        "账号",
        "微信到本机",
        "菜单",
        "群发",
    ):
        assert f"✓ {subject}：" in told, subject


def test_empty_credentials_are_named_with_the_place_where_they_belong(house: Installation) -> None:
    code, told = visit(replace(house, account=house.account.model_copy(update={"app_id": ""})))

    assert code == 1
    assert "✗ 配置：还没有填 AppID（开发者ID）" in told
    assert "[account] app_id" in told


def test_a_config_file_that_others_can_open_is_mentioned(house: Installation) -> None:
    house.config.chmod(0o644)

    assert "chmod 600" in visit(house)[1]


def test_an_nginx_that_one_stranger_could_fill_is_named(house: Installation, tmp_path: Path) -> None:
    (tmp_path / "sites-enabled").mkdir()
    house = replace(house, nginx=tmp_path)
    main, site = tmp_path / "nginx.conf", tmp_path / "sites-enabled/gonghui.conf"
    main.write_text("events {\n\tworker_connections 768;\n}\n")
    assert "✗ nginx" not in visit(house)[1], "the site is not ours"

    site.write_text("limit_req zone=gonghui_pages burst=40 nodelay;\n")
    code, told = visit(house)
    assert code == 1
    assert "✗ nginx：同时只接 768 个连接" in told
    assert "deploy/install" in told
    assert "没有限制一个地址能占多少连接" in told

    main.write_text("worker_rlimit_nofile 65536;\nevents {\n\tworker_connections 16384;\n}\n")
    site.write_text("limit_conn gonghui_addresses 200;\n")
    assert "✗ nginx" not in visit(house)[1]


def test_a_year_whose_holidays_nobody_has_announced_yet_is_said(house: Installation) -> None:
    last = max(ANNOUNCED)
    _, told = visit(replace(house, now=datetime(last, 11, 1, tzinfo=UTC)))

    assert f"✓ 放假安排：{last} 年的放假和调休都知道" in told
    assert f"· 放假安排：{last + 1} 年的放假和调休安排还不知道" in told
    assert "请写进 [[holidays]]" in told


def test_an_account_that_is_not_live_and_has_no_tester_reaches_nobody(house: Installation) -> None:
    account = house.account.model_copy(update={"live": False})

    assert "推送谁也不发" in visit(replace(house, account=account))[1]


def test_staff_find_their_own_openid_by_speaking_to_the_account(house: Installation) -> None:
    with house.store.writing() as connection:
        for number, openid in enumerate(("oColleague", "oMyself", "oColleague", "oMyself")):
            connection.execute(
                interactions.insert().values(
                    dedupe_key=str(number), openid=openid, msg_type="text", state="answered", missed=False,
                    sent_at=house.now, received_at=house.now + timedelta(seconds=number),
                )
            )  # fmt: skip
    account = house.account.model_copy(update={"live": False})

    told = visit(replace(house, account=account))[1]

    assert told.index("oMyself") < told.index("oColleague")
    assert told.count("oMyself") == 1


def test_a_server_outside_wechats_white_list_is_told_its_own_address(
    house: Installation, platform: Platform
) -> None:
    platform.issuer.allowed_ips = frozenset({"203.0.113.9"})

    code, told = visit(house)

    assert code == 1
    assert "40164" in told
    assert "本服务器的公网地址是 127.0.0.1。" in told
    assert "IP白名单" in told


@pytest.mark.parametrize(
    ("path", "errcode"), [("stable_token", 40125), ("menu/get", 48001), ("callback/check", 40201)]
)
def test_every_refusal_of_wechats_comes_with_its_remedy(
    path: str, errcode: int, house: Installation, platform: Platform
) -> None:
    platform.faults.add(path, errcode=errcode, times=None)

    code, told = visit(house)

    assert code == 1
    assert ERRCODES[errcode].means_zh in told
    assert ERRCODES[errcode].action_zh in told
    assert told.count("✗") == 1


def test_an_unreachable_wechat_is_one_finding_not_five(house: Installation) -> None:
    far = house.account.model_copy(update={"api_base": f"http://127.0.0.1:{free_port()}"})

    code, told = visit(replace(house, account=far))

    assert code == 1
    assert told.count("✗") == 1
    assert "连不上" in told


def test_a_site_that_does_not_open_says_where_to_look(house: Installation) -> None:
    code, told = visit(replace(house, base_url=f"http://127.0.0.1:{free_port()}"))

    assert code == 1
    assert "✗ 网址：" in told
    assert "nginx" in told


def test_a_real_account_needs_a_real_address(house: Installation) -> None:
    real = house.account.model_copy(update={"api_base": "https://api.example.invalid"})

    told = visit(replace(house, account=real, base_url="http://127.0.0.1:8000"))[1]

    assert "不是正式的网址" in told


def test_a_worker_that_is_silent_and_a_halt_are_both_said(house: Installation) -> None:
    with house.store.writing() as connection:
        shared.drop(connection, shared.HEART + "w1")
        shared.halt(connection, "稿子有错", house.now)
        alarm.sound(connection, "missed x", "元宵的推送错过了时间", house.now)

    code, told = visit(house)

    assert code == 1
    assert "systemctl start gonghui-work" in told
    assert "稿子有错" in told
    assert "元宵的推送错过了时间" in told


def test_a_schema_that_lags_behind_is_said(house: Installation, tmp_path: Path) -> None:
    place = tmp_path / "empty.db"
    with closing(Store(f"sqlite:///{place}")) as empty:
        _, none = visit(replace(house, store=empty))
        assert not place.exists(), "looking makes nothing"
        place.touch()
        code, told = visit(replace(house, store=empty))

    assert f"✗ 数据库：还没有（{place}）" in none
    assert code == 1
    assert "请运行 db upgrade" in told


def test_a_database_that_is_gone_is_said_and_the_rest_is_still_looked_at(house: Installation) -> None:
    with closing(Store(f"postgresql://nobody@127.0.0.1:{free_port()}/none")) as gone:
        code, told = visit(replace(house, store=gone))

    assert code == 1
    assert "✗ 数据库：没有回应" in told
    assert "✓ 账号" in told


def test_old_backups_are_said(house: Installation) -> None:
    assert "3 天前" in visit(replace(house, now=house.now + timedelta(days=3)))[1]


def test_redis_is_looked_at_where_it_is_used(house: Installation, redis_url: str) -> None:
    assert "✓ Redis" in visit(replace(house, redis_url=redis_url))[1]
    code, told = visit(replace(house, redis_url=f"redis://127.0.0.1:{free_port()}"))

    assert code == 1
    assert "✗ Redis" in told


def test_a_database_that_would_spoil_emoji_is_found(bare_url: str, house: Installation) -> None:
    with closing(Store(bare_url)) as store:
        schema.upgrade(store)
        assert "✗ 数据库" not in visit(replace(house, store=store))[1]
        if store.dialect != "mysql":
            return

        with store.writing() as connection:
            connection.execute(sa.text("ALTER TABLE followers MODIFY remark TEXT CHARACTER SET latin1"))

        code, told = visit(replace(house, store=store))
        assert code == 1
        assert "followers.remark" in told


def test_a_clock_that_is_wrong_is_measured_against_the_far_end(house: Installation) -> None:
    with answering(datetime.now(UTC) - timedelta(minutes=10)) as url:
        answer = reach(url)

    real = house.account.model_copy(update={"api_base": "https://api.example.invalid"})
    (finding,) = doctor_network._clock(answer, replace(house, account=real))
    assert finding.mark == doctor.BAD
    assert "600" in finding.words or "601" in finding.words
    assert "set-ntp" in finding.action


def test_staff_can_ask_what_a_code_means() -> None:
    for code, known in ERRCODES.items():
        told: list[str] = []
        assert doctor.explain(str(code), told.append) == 0
        assert known.action_zh in told[1]

    assert doctor.explain("99999", lambda _: None) == 1
    assert doctor.explain("四万", lambda _: None) == 2


# --- cast --------------------------------------------------------------------------------------------------------


def visit(house: Installation) -> tuple[int, str]:
    lines: list[str] = []
    return doctor.doctor(house, lines.append), "\n".join(lines)


ACCOUNT = Account(
    name="盘锦市总工会", kind="service", verified=True, live=True, original_id="gh_1", app_id="wx1", app_secret="s" * 32,
    token="abc", encoding_aes_key="a" * 43,
)  # fmt: skip


@pytest.fixture
def platform() -> Iterator[Platform]:
    made = Platform(ACCOUNT)
    yield made
    made.close()


@pytest.fixture
def house(platform: Platform, tmp_path: Path) -> Iterator[Installation]:
    """An installation where all is well: worker alive, backup fresh, menu published, site and WeChat reachable."""
    now = datetime.now(UTC)
    config = tmp_path / "config.toml"
    config.touch(0o600)
    with closing(Store(f"sqlite:///{tmp_path}/house.db")) as store, PlatformServer(platform) as far:
        schema.upgrade(store)
        with store.writing() as connection:
            shared.beat(connection, "w1", now)
        backup.make(store, tmp_path / "backups", now)
        account = ACCOUNT.model_copy(update={"api_base": far.url})
        api = Api(account, MemoryTokens())
        api.create_menu({"button": [{"type": "click", "name": "入会", "key": "JOIN"}]})
        with answering(now) as site:
            yield Installation(
                config, account, site, store, "", tmp_path / "backups", Api(account, MemoryTokens()), now
            )


@contextmanager
def answering(date: datetime) -> Iterator[str]:
    """A web server that answers 200 to everything and believes it is that time."""

    class Server(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(date, usegmt=True)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
