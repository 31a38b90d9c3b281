"""Builds the parts and hands them to each other; reads the command line. What a command does stands in its noun's room."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictInt

import handlers
from channels import Channel, Gear, open_channels
from handlers.turn import CampaignView, House
from jobs import commands as pushes
from jobs import doctor as diagnosis
from jobs import forecast
from jobs import report as reports
from jobs.audience import Audience, sizes
from jobs.campaigns import Campaign
from jobs.days import SHANGHAI
from jobs.pace import Limits, Pace
from jobs.push import Sender
from jobs.supervise import supervise
from jobs.watch import Watch
from jobs.worker import Worker
from jobs.worker import work as run_worker
from jobs.year import Year
from menus import check as menu_check
from menus import directory as guides
from menus import publish as menu_publish
from menus import tree
from models import backup, base, schema, shared
from models.base import Store, StoreError
from models.clock import Clock
from models.media import Shelf
from models.menu import Versions
from settings import load
from web import create_app
from web.parts import Demo, Parts, YearRow
from web.server import Carried, Server
from web.webhook import Webhook
from wx.account import Account, missing
from wx.client import Api
from wx.envelope import Envelope
from wx.simulator import Phone, Platform, PlatformServer

HERE = Path(__file__).parent
CONFIG, EXAMPLE = Path("config.toml"), HERE / "config.example.toml"
GOOD, PROBLEM, WRONG_USE = 0, 1, 2
OFFSET = "clock_offset_s"
LEAST_DISK_BYTES = 100_000_000
log = logging.getLogger("app")


# --- the config file -------------------------------------------------------------------------------------------


def _database(url: SecretStr) -> SecretStr:
    try:
        base.place(url.get_secret_value())
    except ValueError:
        raise ValueError(
            "应写成 sqlite:///var/gonghui.db、postgresql://用户@主机/库名 或 mariadb://用户@主机/库名 的样子"
        ) from None
    return url


class Part(BaseModel):
    """A section of the config file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _redis(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("应写成 redis://主机:6379/0 的样子，不用 Redis 就留空")
    return url


def _bind(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("应写成 127.0.0.1:8000 的样子，端口从 1 到 65535")
    return text


def _site(text: str) -> str:
    if text and not text.startswith(("https://", "http://")):
        raise ValueError("应是完整的网址，写成 https://… 的样子")
    return text.rstrip("/")


class Database(Part):
    url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///var/gonghui.db")


class Redis(Part):
    url: Annotated[SecretStr, AfterValidator(_redis)] = SecretStr("")


class Site(Part):
    base_url: Annotated[str, AfterValidator(_site)] = "http://127.0.0.1:8000"


class Serving(Part):
    bind: Annotated[str, AfterValidator(_bind)] = "127.0.0.1:8000"
    processes: Annotated[StrictInt, Field(ge=1, le=64)] = 2


class Config(Part):
    """The whole of config.toml."""

    account: Account = Account()
    database: Database = Database()
    redis: Redis = Redis()
    site: Site = Site()
    server: Serving = Serving()
    limits: Limits = Limits()
    campaigns: tuple[Campaign, ...] = ()


# --- the parts -------------------------------------------------------------------------------------------------


class Built:
    """The parts of one process, each made when it is first asked for."""

    def __init__(self, path: Path, config: Config, environ: Mapping[str, str]) -> None:
        self.path = path
        self.config = config
        self.environ = environ
        self.demo: Demo | None = None  # set before anything else is asked for

    @property
    def backups(self) -> Path:
        """Where backups are kept: beside a SQLite file, else under var/."""
        database = self.store.url.database if self.store.dialect == "sqlite" else None
        return (Path(database).parent if database else Path("var")) / "backups"

    @cached_property
    def store(self) -> Store:
        return Store(self.config.database.url.get_secret_value())

    @property
    def has_data(self) -> bool:
        """Whether there is a database with our tables, without making one."""
        database = self.store.url.database
        if self.store.dialect == "sqlite" and not (database and Path(database).exists()):
            return False
        try:
            return schema.standing(self.store).current
        except StoreError:
            return False

    @cached_property
    def clock(self) -> Clock:
        return Clock(self._offset if self.demo else None)

    @cached_property
    def shared(self) -> shared.Shared:
        return shared.Shared(self.store, self.config.redis.url.get_secret_value())

    @cached_property
    def api(self) -> Api:
        return Api(self.config.account, self.shared)

    @cached_property
    def year(self) -> Year:
        watch = Watch(self.path, lambda: load(Config, self.path, self.environ), self.config)
        return Year(watch, self.config.campaigns)

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        return open_channels(Gear(self.api, Shelf(self.store, self.clock.now), self.path.absolute().parent))

    @cached_property
    def worker(self) -> Worker:
        account, limits, folder = self.config.account, self.config.limits, self.path.absolute().parent
        audience = Audience(self.store, self.api, account, folder)
        pace = Pace(self.shared, limits)
        sender = Sender(self.store, pace, account, self.channels, audience, limits, self.clock.now)
        return Worker(self.store, self.clock, self.shared, self.year.campaigns, sender)

    @cached_property
    def webhook(self) -> Webhook:
        account = self.config.account
        house = House(
            name=account.name,
            live=account.live,
            has_menu=account.verified,
            base_url=self.config.site.base_url,
            directory=guides.load(),
            year=self._views,
        )
        envelope = Envelope(
            mode=account.mode,
            token=account.token.get_secret_value(),
            app_id=account.app_id,
            freshness_s=account.freshness_s,
            aes_key=account.encoding_aes_key.get_secret_value(),
            aes_key_previous=account.encoding_aes_key_previous.get_secret_value(),
        )
        return Webhook(envelope, self.store, self.clock, house, handlers.answer, account.original_id)

    @cached_property
    def site(self) -> Carried:
        """Every page and the webhook."""
        parts = Parts(
            account=self.config.account,
            store=self.store,
            clock=self.clock,
            sections=guides.sections(),
            year=self._year_rows,
            ready=self.unready,
            demo=self.demo,
        )
        return Carried(create_app(parts, self.webhook), self.webhook)

    def unready(self) -> list[str]:
        """Why this installation cannot do its work now; none is good."""
        reasons = []
        try:
            if not schema.standing(self.store).current:
                reasons.append("数据库还没有升级：请运行 app.py db upgrade")
            with self.store.reading() as connection:
                if not shared.beats(connection, self.clock.now()):
                    reasons.append("没有推送进程在运行：请启动 app.py work")
        except StoreError:
            reasons.append("数据库连不上：请检查 [database] url 和数据库服务")
        if shutil.disk_usage(HERE).free < LEAST_DISK_BYTES:
            reasons.append("磁盘快满了：请清理出至少 100 MB")
        return reasons

    def move_clock(self) -> datetime | None:
        """The demonstration's clock to just before the next push; when that is due."""
        due = self.year.next_due(self.clock.now())
        if due is not None:
            offset = (due - datetime.now(due.tzinfo)).total_seconds() - 1
            with self.store.writing() as connection:
                shared.write(connection, OFFSET, str(offset), datetime.now(due.tzinfo))
        return due

    def _offset(self) -> timedelta:
        with self.store.reading() as connection:
            found = shared.read(connection, OFFSET, datetime.now(UTC))
        return timedelta(seconds=float(found[0])) if found else timedelta(0)

    def _views(self, now: datetime) -> Sequence[CampaignView]:
        today = now.astimezone(SHANGHAI).date()
        return [
            CampaignView(
                each.id, each.title, each.kind, each.about, each.dates(today), self.year.next_push(each, now)
            )
            for each in self.year.campaigns()
        ]

    def _year_rows(self) -> list[YearRow]:
        rows = self.year.rows(self.store, self.clock.now())
        return [YearRow(r.name, r.title, r.due_at, r.channel, r.state, r.audience) for r in rows]


def config_path(options: Options) -> Path:
    """The config file that was named, or config.toml."""
    return options.config or CONFIG


def build(options: Options) -> Built:
    """The parts of the config file. Ends the program with words when it is wrong."""
    return build_from(config_path(options), os.environ)


def build_from(path: Path, environ: Mapping[str, str]) -> Built:
    loaded = load(Config, path, environ)
    if loaded.value is None:
        print(f"配置文件有 {len(loaded.problems)} 处要改：", file=sys.stderr)
        for problem in loaded.problems:
            print(f"  ✗ {problem}", file=sys.stderr)
        raise SystemExit(PROBLEM)
    return Built(path, loaded.value, environ)


# --- commands --------------------------------------------------------------------------------------------------


def _prepared(built: Built) -> Built:
    """Refuse to run with what is missing, and bring the schema up. What serve, work and run begin with."""
    lacking = missing(built.config.account)
    if lacking:
        names = "、".join(f"account.{name}" for name in lacking)
        print(
            f"还不能启动：配置文件里 {names} 是空的。到微信公众平台“设置与开发 → 基本配置”里抄过来。",
            file=sys.stderr,
        )
        raise SystemExit(PROBLEM)
    if backup.upgrade(built.store, built.backups, built.clock.now()) != GOOD:
        raise SystemExit(PROBLEM)
    built.store.close()  # its connections must not be shared by processes to come
    return built


def _web(built: Built) -> int:
    serving = built.config.server
    Server(built.site, serving.bind, serving.processes).run()
    return GOOD


def _work(built: Built) -> int:
    return run_worker(built.worker)


def serve(options: Options) -> int:
    return _web(_prepared(build(options)))


def work(options: Options) -> int:
    return _work(_prepared(build(options)))


def run(options: Options) -> int:
    built = _prepared(build(options))
    return supervise({"web": lambda: _web(built), "work": lambda: _work(built)})


def check(options: Options) -> int:
    path, now = config_path(options), datetime.now(UTC)
    loaded = load(Config, path, os.environ)
    directory = guides.load()
    blanks = guides.unfilled(directory).items()
    notes = [f"办事指南“{title}”还没有填：{'、'.join(words)}" for title, words in blanks]
    notes += [
        f"办事指南“{guide.title}”过了核对日期，请重新核对" for guide in guides.overdue(directory, now.date())
    ]
    if loaded.value is None:
        return forecast.check(path, loaded, now=now)
    built = Built(path, loaded.value, os.environ)
    size = sizes(built.store) if built.has_data else forecast.unknown
    per_month = loaded.value.limits.mass_per_month
    return forecast.check(path, loaded, now=now, audience_size=size, per_month=per_month, notes=notes)


def menu(options: Options) -> int:
    if options.deed == "check":
        return menu_check.check(tree.MENU, handlers.TAPS)
    built = build(options)
    if options.deed == "diff":
        return menu_publish.diff(built.api, tree.MENU)
    versions, now = Versions(built.store), built.clock.now()
    if options.deed == "publish":
        return menu_publish.publish(built.api, tree.MENU, handlers.TAPS, versions, now)
    return menu_publish.rollback(built.api, versions, now)


def db(options: Options) -> int:
    built = build(options)
    store, folder, now = built.store, built.backups, built.clock.now()
    if options.deed == "upgrade":
        return backup.upgrade(store, folder, now)
    if options.deed == "backup":
        return backup.back_up(store, folder, now)
    if options.deed == "verify":
        return backup.verify(options.file)
    return backup.restore(store, options.file, folder, now)


def push(options: Options) -> int:
    built = build(options)
    store, now, campaigns = built.store, built.clock.now(), built.config.campaigns
    account, common, name = built.config.account, built.shared, options.name
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: pushes.push_list(store, campaigns, now),
        "preview": lambda: pushes.push_preview(store, campaigns, account, name, now),
        "test": lambda: pushes.push_test(store, campaigns, account, built.channels, name, options.openid),
        "start": lambda: pushes.push_start(store, common, campaigns, name, now, wait=options.wait),
        "pause": lambda: pushes.push_pause(store, name, now),
        "resume": lambda: pushes.push_resume(store, common, name, now),
        "cancel": lambda: pushes.push_cancel(store, campaigns, name, now),
    }
    return deeds[options.deed]()


def report(options: Options) -> int:
    built = build(options)
    today = built.clock.now().astimezone(SHANGHAI).date()
    last = options.to or today
    first = options.from_ or last - timedelta(days=29)
    titles = {each.id: each.title for each in built.config.campaigns}
    return reports.show(built.store, built.config.account.name, first, last, titles, options.csv)


def halt(options: Options) -> int:
    built = build(options)
    return pushes.halt(built.store, built.clock.now())


def unhalt(options: Options) -> int:
    built = build(options)
    return pushes.unhalt(built.store, built.shared, built.clock.now())


def doctor(options: Options) -> int:
    if options.code:
        return diagnosis.explain(options.code)
    built = build(options)
    config = built.config
    return diagnosis.doctor(
        diagnosis.Installation(
            config=built.path,
            account=config.account,
            base_url=config.site.base_url,
            store=built.store,
            redis_url=config.redis.url.get_secret_value(),
            backups=built.backups,
            api=built.api,
            now=datetime.now(UTC),
        )
    )


# --- the demonstration -----------------------------------------------------------------------------------------

WORKERS = ("王师傅", "李大姐", "小张")
DEMO_DATABASE = Path("var/demo.db")


def demo(options: Options) -> int:
    port = os.environ.get("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65536:
        print(f"PORT={port} 不是端口号：写成 PORT=8001 的样子。", file=sys.stderr)
        return WRONG_USE
    if _taken("127.0.0.1", int(port)):
        print(f"端口 {port} 已经被别的程序占用。换一个：PORT={int(port) + 1} make run", file=sys.stderr)
        return PROBLEM
    far_port = _free_port()
    path = options.config or (CONFIG if CONFIG.exists() else EXAMPLE)
    built = build_from(path, os.environ | _demo_environment(int(port), far_port))
    far = f"http://127.0.0.1:{far_port}"
    built.demo = Demo(far, built.move_clock)
    if backup.bring_up(built.store, built.backups, datetime.now(UTC)):
        built.store.close()
    children = {
        "platform": lambda: _platform(built, far_port),
        "web": lambda: _web(built),
        "work": lambda: _work(built),
    }
    return supervise(children, lambda: _welcome(built, far, int(port)))


def _demo_environment(port: int, far_port: int) -> dict[str, str]:
    """A simulated account in the place of the real one, a database of its own, and this machine only."""
    values = {
        "ACCOUNT__KIND": "service",
        "ACCOUNT__VERIFIED": "true",
        "ACCOUNT__LIVE": "true",
        "ACCOUNT__MODE": "safe",
        "ACCOUNT__ORIGINAL_ID": "gh_demonstration",
        "ACCOUNT__APP_ID": "wxdemonstration000",
        "ACCOUNT__APP_SECRET": secrets.token_hex(16),
        "ACCOUNT__TOKEN": secrets.token_hex(12),
        "ACCOUNT__ENCODING_AES_KEY": secrets.token_hex(22)[:43],
        "ACCOUNT__ENCODING_AES_KEY_PREVIOUS": "",
        "ACCOUNT__API_BASE": f"http://127.0.0.1:{far_port}",
        "ACCOUNT__OAUTH_BASE": f"http://127.0.0.1:{far_port}/connect/oauth2/authorize",
        "REDIS__URL": "",
        "SITE__BASE_URL": f"http://127.0.0.1:{port}",
        "SERVER__BIND": f"127.0.0.1:{port}",
        "SERVER__PROCESSES": "1",
    }
    if "GONGHUI_DATABASE__URL" not in os.environ:
        for old in DEMO_DATABASE.parent.glob(f"{DEMO_DATABASE.name}*"):
            old.unlink()  # the simulated WeChat begins anew as well
        values["DATABASE__URL"] = f"sqlite:///{DEMO_DATABASE}"
    return {f"GONGHUI_{name}": value for name, value in values.items()}


def _platform(built: Built, port: int) -> int:
    """The simulated WeChat, until told to end."""
    bind = built.config.server.bind
    platform = Platform(built.config.account, f"http://{bind}/wx", now=built.clock.now)
    for name in WORKERS:
        Phone(platform, name)
    with PlatformServer(platform, port):
        signal.pause()
    return GOOD


def _welcome(built: Built, far: str, port: int) -> None:
    """Once everything answers: the menu is published, and the last line is the address."""
    for url in (f"{far}/simulator/workers", f"http://127.0.0.1:{port}/healthz"):
        _wait_for(url)
    versions = Versions(built.store)
    menu_publish.publish(built.api, tree.MENU, handlers.TAPS, versions, built.clock.now(), say=log.info)
    built.store.close()
    print(
        "工会公众号平台已经启动（演示：微信是模拟的，不会真的发出任何消息）。按 Ctrl-C 停止。在浏览器里打开："
    )
    print(f"http://127.0.0.1:{port}", flush=True)


def _wait_for(url: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback, our own
                return
        except OSError:
            time.sleep(0.05)
    print(f"等了 {seconds:.0f} 秒，{url} 还没有回应，请看上面的记录。", file=sys.stderr)


def _taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the command line ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Options:
    """What was typed."""

    config: Path | None = None
    deed: str = ""
    file: Path = Path()
    name: str = ""
    openid: str = ""
    code: str = ""
    wait: bool = False
    from_: date | None = None
    to: date | None = None
    csv: Path | None = None


@dataclass(frozen=True, slots=True)
class Take:
    """One argument of a command, and how it is spelt on the line."""

    name: str
    words: str
    options: Mapping[str, Any] = field(default_factory=dict)


FILE = Take("file", "备份文件", {"type": Path})
DAY = {"type": date.fromisoformat, "metavar": "YYYY-MM-DD"}
PUSH = Take("name", "推送的名字，写成 活动/推送")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is for, its deeds with what they take, and what runs."""

    words: str
    run: Callable[[Options], int]
    deeds: Mapping[str, tuple[str, tuple[Take, ...]]] = field(default_factory=dict)
    takes: tuple[Take, ...] = ()


COMMANDS: Mapping[str, Command] = {
    "demo": Command("启动全套演示：模拟的微信，数据放在 var/", demo),
    "serve": Command("启动网页服务，接收微信消息", serve),
    "work": Command("启动推送进程：到点发送", work),
    "run": Command("一台机器上同时启动网页服务和推送进程", run),
    "check": Command("检查配置文件，列出未来十二个月的推送", check),
    "menu": Command(
        "公众号菜单",
        menu,
        {
            "check": ("检查菜单是否合乎微信的规定", ()),
            "diff": ("看本地菜单和线上菜单哪里不同", ()),
            "publish": ("把本地菜单发布到公众号", ()),
            "rollback": ("退回上一次的菜单", ()),
        },
    ),
    "push": Command(
        "推送",
        push,
        {
            "list": ("看最近的和接下来的推送", ()),
            "preview": ("看一次推送的内容和对象，不发送", (PUSH,)),
            "test": ("只发给一个人看看，不记入账本", (PUSH, Take("openid", "收的人"))),
            "start": (
                "现在就发",
                (PUSH, Take("--wait", "等到发完，显示进度", {"action": "store_true"})),
            ),
            "pause": ("暂停", (PUSH,)),
            "resume": ("继续", (PUSH,)),
            "cancel": ("取消正在发的，或者取消下一次", (PUSH,)),
        },
    ),
    "halt": Command("立刻停止一切发送", halt),
    "unhalt": Command("恢复发送", unhalt),
    "db": Command(
        "数据库",
        db,
        {
            "upgrade": ("升级数据库结构", ()),
            "backup": ("备份，并当场验证能恢复", ()),
            "verify": ("验证一份备份", (FILE,)),
            "restore": ("用一份备份恢复", (FILE,)),
        },
    ),
    "report": Command(
        "一段时间的统计：关注、来信、没答上的话、推送",
        report,
        takes=(
            Take("--from", "从哪天起（默认三十天前）", {"dest": "from_", **DAY}),
            Take("--to", "到哪天止（默认今天）", DAY),
            Take("--csv", "同时存成表格文件", {"type": Path, "metavar": "FILE"}),
        ),
    ),
    "doctor": Command(
        "检查整套系统，或者解释一个微信错误代码",
        doctor,
        takes=(Take("code", "微信的错误代码，例如 40164", {"nargs": "?", "default": ""}),),
    ),
}


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"命令写得不对：{message}\n看用法：python app.py --help", file=sys.stderr)
        raise SystemExit(WRONG_USE)


def parse(words: Sequence[str]) -> tuple[Command, Options]:
    """The command and its options. Ends the program with code 2 for a wrong line."""
    anywhere = Parser(add_help=False)
    anywhere.add_argument(
        "--config", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="配置文件（默认 config.toml）"
    )
    parser = Parser("app.py", description="工会公众号平台", parents=[anywhere])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.words, description=command.words, parents=[anywhere])
        for take in command.takes:
            one.add_argument(take.name, help=take.words, **take.options)
        if command.deeds:
            deeds = one.add_subparsers(dest="deed", required=True, metavar="WHAT")
            for deed, (words_of_deed, takes) in command.deeds.items():
                what = deeds.add_parser(
                    deed, help=words_of_deed, description=words_of_deed, parents=[anywhere]
                )
                for take in takes:
                    what.add_argument(take.name, help=take.words, **take.options)
    typed = vars(parser.parse_args(words))
    options = Options(**{name: value for name, value in typed.items() if name != "command"})
    return COMMANDS[typed["command"]], options


def main(words: Sequence[str]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    command, options = parse(words)
    try:
        return command.run(options)
    except KeyboardInterrupt:
        return GOOD
    except StoreError as error:
        print(
            f"数据库用不了（{type(error).__name__}）：请检查 [database] url、数据库服务和磁盘空间。",
            file=sys.stderr,
        )
        return PROBLEM


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
