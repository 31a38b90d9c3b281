"""Builds the parts and hands them to each other; names the commands. What a command does stands in its noun's room."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Self

from flask import Flask
from pydantic import create_model, model_validator

import handlers
from campaigns.campaign import Campaign, follow
from campaigns.moderation import Moderation
from campaigns.schedule import Calendar
from campaigns.watch import Watch, tell, tell_of_guides
from campaigns.year import Year
from channels import CHANNELS, Channel, Gear, SendLimits, open_channels, reasons, sections
from channels.alarm import Alarms, ways
from commands import alarm as alarms
from commands import asking, steering
from commands import backup as backups
from commands import campaign as joining
from commands import check as forecast
from commands import demo as demonstration
from commands import doctor as diagnosis
from commands import follower as people
from commands import halt as stopping
from commands import push as pushes
from commands import report as reports
from commands import talk as talking
from commands.command_line import COMMANDS, Options, in_words, log_to_stderr, parse, refuse, why
from commands.outlook import AudienceSize, unknown
from commands.sample import Demonstration
from commands.supervise import supervise
from ground.days import SHANGHAI
from ground.part import Part
from ground.quiet import read_quiet
from ground.toml import Loaded
from ground.workdays import Holiday, workdays
from handlers.replay import replay as handle_again
from handlers.turn import House
from jobs.alarm import Herald
from jobs.audience import Audience, sizes, tags
from jobs.followers import compare
from jobs.lookout import Lookout, Place
from jobs.pace import Pace
from jobs.push import Sender
from jobs.worker import Worker
from jobs.worker import work as run_worker
from menus import check as menu_check
from menus import publish as menu_publish
from menus.directory import Directory, reminders
from menus.facts import table as table_of_facts
from menus.reading import load as load_guides
from menus.reading import read as read_guides
from menus.shelf import Shelf as Guides
from models import backup, last_address, schema, shared, use
from models.address import Backups, Database, Redis
from models.base import Store, StoreError
from models.clock import Clock
from models.condition import unready
from models.delivery import REASONS
from models.media import Shelf
from models.menu import Versions
from settings import MISSING, load, loosely, risky, salvage
from web import address, create_app
from web.address import Serving, Site, in_the_way
from web.parts import Demo, Parts
from web.paths import PATHS
from web.server import Server
from web.webhook import Webhook
from wx import account as accounts
from wx.account import WORDS, Account, missing
from wx.client import Api, MemoryTokens
from wx.envelope import Envelope
from wx.errors import WeChatError
from wx.reach import reachable

HERE = Path(__file__).parent
CONFIG, EXAMPLE = Path("config.toml"), HERE / "config.example.toml"
STATE = Path("var")  # what a machine keeps for itself, from the folder in which the program was started
GOOD, PROBLEM = 0, 1
ROOMS = ("wx", "models", "menus", "campaigns", "channels", "handlers", "jobs", "commands", "web")
log = logging.getLogger("app")
__all__ = ["COMMANDS", "RUN", "Built", "Config", "build_from", "main", "parse"]


class Config(Part):
    """The whole of config.toml; each section stands beside the part that it is for."""

    account: Account = Account()
    database: Database = Database()
    redis: Redis = Redis()
    site: Site = Site()
    server: Serving = Serving()
    limits: SendLimits = SendLimits()
    alarms: Alarms = Alarms()
    moderation: Moderation = Moderation()
    demonstration: Demonstration = Demonstration()
    backup: Backups = Backups()
    holidays: tuple[Holiday, ...] = ()
    campaigns: tuple[Campaign, ...] = ()

    @model_validator(mode="after")
    def _one_calendar(self) -> Self:
        calendar = Calendar(workdays(self.holidays), read_quiet(self.limits.quiet))
        follow(self.campaigns, calendar, refuse=self.limits.quiet_then == "refuse")
        return self


def read(path: Path, environ: Mapping[str, str]) -> Loaded[Config]:
    """The config file, with the table that each channel may have of its own."""
    own: dict[str, Any] = {name: (section, section()) for name, section in sections().items()}
    return load(create_model("Config", __base__=Config, **own), path, environ)


# --- the parts -------------------------------------------------------------------------------------------------


class Built:
    """The parts of one process, each made when it is first asked for."""

    def __init__(self, path: Path, config: Config, environ: Mapping[str, str]) -> None:
        self.path = path
        self.config = config
        self.environ = environ
        self.demo: Demo | None = None  # set before anything else is asked for
        self.held: int | None = None  # what says that the database is in use, as long as we live

    @cached_property
    def store(self) -> Store:
        return Store(self.config.database.url.get_secret_value())

    @property
    def file(self) -> Path | None:
        """The SQLite database, where it is one."""
        return Path(str(self.store.url.database)) if self.store.dialect == "sqlite" else None

    @property
    def backups(self) -> Path:
        """Where backups are kept: beside a SQLite file, else under var/."""
        return (self.file.parent if self.file else Path("var")) / "backups"

    @property
    def lacks(self) -> str:
        """What the database needs before it can be used, '' when nothing; none is made here. Raises StoreError."""
        if self.file and not self.file.exists():
            return f"还没有数据库（{self.file}）。启动 serve、work 或 run 会自己建好；也可以运行 db upgrade。"
        return "" if schema.standing(self.store).current else "数据库还没有升级，请先运行 db upgrade。"

    @cached_property
    def clock(self) -> Clock:
        return Clock(partial(demonstration.offset, self.store) if self.demo else None)

    @cached_property
    def shared(self) -> shared.Shared:
        return shared.Shared(self.store, self.config.redis.url.get_secret_value())

    @cached_property
    def api(self) -> Api:
        return Api(self.config.account, self.shared)

    @cached_property
    def year(self) -> Year:
        return Year(Watch(self.path, self._read, self.config))

    def _read(self) -> Loaded[Config]:
        """The file as it is now; the demonstration shows no blanks."""
        loaded = read(self.path, self.environ)
        if self.demo is None or loaded.value is None:
            return loaded
        told = loaded.value.demonstration.told(loaded.value.campaigns)
        return replace(loaded, value=loaded.value.model_copy(update={"campaigns": told}))

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        return open_channels(
            Gear(
                api=self.api,
                shelf=Shelf(self.store, self.clock.now),
                folder=self.path.absolute().parent,
                sections={name: getattr(self.config, name) for name in sections()},
            )
        )

    @cached_property
    def worker(self) -> Worker:
        account, limits, now = self.config.account, self.config.limits, self.clock.now
        audience = Audience(self.store, self.api, account, self.path.absolute().parent)
        pace, demo = Pace(self.shared, limits), self.demo is not None
        sender = Sender(self.store, pace, account, self.channels, audience, limits, now, blanks_leave=demo)
        self.year.listen(lambda standing: tell(self.store, self.path, standing, now()))
        guides = Guides(hears=lambda reading: tell_of_guides(self.store, reading.problems, now()))
        guides.open(load_guides())
        return Worker(
            self.store,
            self.clock,
            self.shared,
            self.year.campaigns,
            sender,
            guides.poll,
            self.config.moderation,
        )

    @cached_property
    def herald(self) -> Herald:
        """Who tells the staff."""
        account, settings = self.config.account, self.config.alarms
        return Herald(self.store, lambda: ways(settings, account, self.api), account.name)

    def lookout(self, *, reaches: bool = True) -> Lookout:
        """Who sees what nobody else would tell of; with `reaches` also whether WeChat can be reached."""
        place = Place(self.backups.parent, self.backups, self.path)
        far = f"{self.config.account.api_base}/cgi-bin/token"
        return Lookout(
            self.store,
            self.herald,
            place,
            self.clock.now,
            (lambda: reachable(far)) if reaches else None,
            also=lambda: compare(self.store, self.api, self.clock.now),
        )

    @cached_property
    def guides(self) -> Guides:
        """The service directory in force, laid out before anybody asks."""
        return Guides(ready=lambda directory: handlers.lay_out(self.house, directory)).open(load_guides())

    def _directory(self) -> Directory:
        return self.guides.current()  # which is laid out for this house, and so comes after it

    @cached_property
    def house(self) -> House:
        account, site, demo = self.config.account, self.config.site, self.demo is not None
        return House(
            account.name, account.live, account.verified, site.base_url, self._directory,
            self.year.campaigns, demo=demo, testers=account.testers,
            sensitive=self.config.moderation.words, guide_pages=demo or site.is_public,
        )  # fmt: skip

    @cached_property
    def webhook(self) -> Webhook:
        account = self.config.account
        envelope = Envelope(
            mode=account.mode,
            token=account.token.get_secret_value(),
            app_id=account.app_id,
            freshness_s=account.freshness_s,
            aes_key=account.encoding_aes_key.get_secret_value(),
            aes_key_previous=account.encoding_aes_key_previous.get_secret_value(),
        )
        return Webhook(envelope, self.store, self.clock, self.house, handlers.answer, account.original_id)

    @cached_property
    def pages(self) -> Flask:
        """Every page and the webhook."""
        parts = Parts(
            account=self.config.account,
            store=self.store,
            clock=self.clock,
            house=self.house,
            find=handlers.look_up,
            site=self.config.site,
            ways={name: channel.title for name, channel in CHANNELS.items()},
            why=REASONS | reasons(),
            year=lambda: self.year.rows(self.store, self.clock.now()),
            ready=lambda: unready(self.store, self.clock.now(), HERE),
            demo=self.demo,
            sign_in=self.api.sign_in,
            follows=self.api.follows,
        )
        return create_app(parts, self.webhook)

    def move_clock(self) -> datetime | None:
        """The demonstration's clock to just before the next push; when that is due."""
        due = self.year.next_due(self.clock.now())
        if due is not None:
            demonstration.move_clock(self.store, due)
        return due


def build(options: Options) -> Built:
    """The parts of the config file. Ends the program with words when it is wrong."""
    return build_from(options.config or CONFIG, os.environ)


def build_from(path: Path, environ: Mapping[str, str]) -> Built:
    loaded = read(path, environ)
    if loaded.value is None:
        problems = (f"  ✗ {problem}" for problem in loaded.problems)
        raise refuse(f"配置文件有 {len(loaded.problems)} 处要改：", *problems)
    return Built(path, loaded.value, environ)


def stored(options: Options) -> Built:
    """The parts, for a command that needs what is stored. Ends the program with words when nothing is yet."""
    built = build(options)
    if built.lacks:
        raise refuse(built.lacks)
    last_address.remember(STATE, built.config.database.url.get_secret_value())
    return built


def risks(built: Built) -> list[str]:
    """What the config allows and what is dangerous all the same, a sentence each."""
    config = built.config
    return [*accounts.risky(config.account), *address.risky(config.server), *risky(built.environ)]


# --- serve, work, run, demo ------------------------------------------------------------------------------------


def prepared(options: Options, *, listens: bool = True) -> Built:
    """What serve, work and run begin with: nothing is missing, the address is free, the schema is up to date."""
    built = build(options)
    for room in ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)
    lacking = "、".join(f"{WORDS[name]}（account.{name}）" for name in missing(built.config.account))
    if lacking:
        raise refuse(f"还不能启动：{built.path} 里 {lacking} 是空的。请从微信公众平台抄过来。")
    bind = built.config.server.bind
    if listens and (fault := in_the_way(bind)):
        raise refuse(f"{bind} 用不了：{why(fault)}。请停下那个程序，或在配置文件里换一个：[server] bind。")
    for words in risks(built):
        log.warning("危险的设置：%s", words)
    load_guides()  # a fault in it is said before anything starts
    try:
        built.held = use.occupy(built.store)
    except use.InUse as fault:
        raise refuse(str(fault)) from None
    if backups.upgrade(built.store, built.backups, built.clock.now(), built.config.backup.encrypt_to) != GOOD:
        raise SystemExit(PROBLEM)
    built.store.close()  # its connections must not be shared by processes to come
    last_address.remember(STATE, built.config.database.url.get_secret_value())
    return built


def _web(built: Built) -> int:
    serving = built.config.server
    Server(built.pages, built.webhook, serving.bind, serving.processes, paths=PATHS).run()
    return GOOD


def _work(built: Built) -> int:
    return run_worker(built.worker, None if built.demo else built.lookout())


def run(options: Options) -> int:
    built = prepared(options)
    return supervise({"web": lambda: _web(built), "work": lambda: _work(built)})


def demo(options: Options) -> int:
    stage = demonstration.Stage.set(os.environ)
    path = options.config or (CONFIG if CONFIG.exists() else EXAMPLE)
    built = build_from(path, os.environ | stage.environment)
    built.demo = Demo(stage.far, built.move_clock)
    logging.getLogger("web.webhook").setLevel(
        logging.ERROR
    )  # what was under way when the clock moved is refused as stale
    built.held = use.occupy(built.store)
    backup.bring_up(built.store, built.backups, datetime.now(UTC))
    built.store.close()
    children = {
        "platform": lambda: stage.platform(built.config.account, built.clock.now),
        "web": lambda: _web(built),
        "work": lambda: _work(built),
    }
    return supervise(children, lambda: stage.open(lambda: _publish(built, say=log.info)))


def _publish(built: Built, say: Callable[[str], None] = print) -> int:
    versions, now = Versions(built.store), built.clock.now()
    return menu_publish.publish(built.api, load_guides().menu, handlers.TAPS, versions, now, say=say)


# --- the other commands ----------------------------------------------------------------------------------------


def check(options: Options) -> int:
    if options.facts:
        print(table_of_facts(load_guides()))
        return GOOD
    path, now = options.config or CONFIG, datetime.now(UTC)
    loaded = read(path, os.environ)
    if loaded.value is None:
        return forecast.check(path, loaded, now=now)
    built = Built(path, loaded.value, os.environ)
    reading, notes = read_guides(), [*risks(built), *address.lacking(built.config.site)]
    try:
        size = unknown if built.lacks else sizes(built.store)
    except (StoreError, OSError):
        size = unknown
        notes.append("数据库现在连不上，启动不了服务；请检查 [database] url 和数据库服务")
    notes += [str(hint) for hint in reading.hints]
    if reading.directory:
        notes += reminders(reading.directory, now.astimezone(SHANGHAI).date())
    return forecast.check(
        path,
        loaded,
        now=now,
        audience_size=size,
        limits=loaded.value.limits,
        notes=notes,
        wrong=[str(problem) for problem in reading.problems],
        tags=_tags(built, notes),
    )


def _tags(built: Built, notes: list[str]) -> Mapping[str, int] | None:
    """The tags that WeChat knows, where a push goes to one; None where it was not asked or did not answer."""
    named = any(push.audience.startswith("tag:") for each in built.config.campaigns for push in each.pushes)
    if not named or missing(built.config.account):
        return None
    try:
        return tags(Api(built.config.account, MemoryTokens()))
    except WeChatError:
        notes.append("有推送发给标签，可是没能问到微信有哪些标签；请运行 doctor 看看是不是连不上")
        return None


def menu(options: Options) -> int:
    if options.deed == "check":
        return menu_check.check(load_guides().menu, handlers.TAPS)
    built = stored(options)
    if options.deed == "diff":
        return menu_publish.diff(built.api, load_guides().menu)
    if options.deed == "publish":
        return _publish(built)
    return menu_publish.rollback(built.api, Versions(built.store), built.clock.now())


def push(options: Options) -> int:
    name = options.name

    def stop(store: Store, now: datetime) -> int:
        return steering.push_stop(store, name, now)

    if options.deed == "pause":
        return _braking(options, lambda store, now: steering.push_pause(store, name, now))
    if options.deed == "cancel" and _braking(options, stop) == GOOD:
        return GOOD  # what runs is stopped whatever is wrong with the file; the next one is looked up in it
    if options.deed == "preview":
        return _preview(options)
    built = stored(options)
    store, now, campaigns = built.store, built.clock.now(), built.config.campaigns
    account, common, size = built.config.account, built.shared, _size(built)
    sure, mass_wait = partial(asking.sure, options.yes), built.config.limits.mass_wait
    if options.yes:
        mass_wait = timedelta(0)
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: pushes.push_list(store, campaigns, now),
        "test": lambda: pushes.push_test(store, campaigns, account, built.channels, name, options.openid),
        "start": lambda: steering.push_start(
            store, common, campaigns, account, name, now, size, sure, mass_wait=mass_wait, wait=options.wait
        ),
        "resume": lambda: steering.push_resume(store, common, name, now),
        "cancel": lambda: steering.push_cancel(store, campaigns, account, name, now, size, sure),
    }
    return deeds[options.deed]()


def _preview(options: Options) -> int:
    """Needs the file and nothing else: who writes a push looks at it long before there is a database."""
    built = build(options)
    try:
        store = None if built.lacks else built.store
    except (StoreError, OSError):
        store = None
    campaigns, account, size = built.config.campaigns, built.config.account, _size(built)
    return pushes.push_preview(
        store,
        campaigns,
        account,
        options.name,
        datetime.now(UTC),
        size if store else unknown,
        theirs=lambda: _counted_by_wechat(built),
    )


def _counted_by_wechat(built: Built) -> int | None:
    if missing(built.config.account):
        return None
    try:
        return Api(built.config.account, MemoryTokens()).total()
    except WeChatError:
        return None


def campaign(options: Options) -> int:
    built = stored(options)
    store, now, name = built.store, built.clock.now(), options.name
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: joining.campaign_list(store, built.config.campaigns, now),
        "show": lambda: joining.campaign_show(store, name),
        "extend": lambda: joining.campaign_extend(store, name, options.until or now, now),
        "export": lambda: joining.campaign_export(store, name, options.out),
        "do": lambda: joining.campaign_do(store, name, options.what, options.words, now),
    }
    return deeds[options.deed]()


def _size(built: Built) -> AudienceSize:
    """How many people an audience reaches; WeChat is asked where it goes to a tag."""

    def size(audience: str) -> int | None:
        known = _tags(built, []) if audience.startswith("tag:") else None
        return forecast.counted(built.path.parent, sizes(built.store), known)(audience)

    return size


# --- what stops everything -------------------------------------------------------------------------------------


def halt(options: Options) -> int:
    return _braking(options, stopping.halt)


def unhalt(options: Options) -> int:
    return _braking(options, lambda store, now: stopping.unhalt(store, shared.Shared(store, ""), now))


def _braking(options: Options, deed: Callable[[Store, datetime], int]) -> int:
    """A deed that needs the database and nothing else: neither a config file without faults nor guides nor WeChat."""
    url = _database(options.config or CONFIG)
    try:
        with closing(Store(url)) as store:
            return deed(store, datetime.now(UTC))
    except (StoreError, OSError) as error:
        raise refuse(stopping.unwritable(error)) from None


def _database(path: Path) -> str:
    """The database's address: the environment's, else the file's, else the last good one. Ends the program with words
    where there is no database."""
    kept = last_address.recall(STATE)
    named = loosely(path, os.environ, "database", "url")
    default = Config().database.url.get_secret_value() if path.exists() else None
    for url in (named, kept, default):
        if url is not None and stopping.is_there(url):
            return url
    if not path.exists() and named is None:
        raise refuse(f"{path}：{MISSING}")
    raise refuse(stopping.no_database(named or default or ""))


def follower(options: Options) -> int:
    built = stored(options)
    return people.import_followers(built.store, built.api, built.clock.now)


def alarm(options: Options) -> int:
    """Tells also what keeps the program itself from starting: a broken config file is read as far as it goes."""
    path, now = options.config or CONFIG, datetime.now(UTC)
    loaded = read(path, os.environ)
    built = Built(path, loaded.value or salvage(Config, path, os.environ), os.environ)
    problems, unit = [str(problem) for problem in loaded.problems], options.unit
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: alarms.show(built.store),
        "clear": lambda: alarms.clear(built.store, options.mark, now),
        "test": lambda: alarms.try_out(built.herald.ways(), built.config.account.name, now),
        "look": lambda: alarms.look(built.store, built.lookout(reaches=False), path, problems, now),
        "fell": lambda: alarms.fell(built.store, built.herald, unit, problems, now),
    }
    return deeds[options.deed]()


def db(options: Options) -> int:
    if options.deed == "verify":
        path = options.config or CONFIG
        here = Built(path, salvage(Config, path, os.environ), os.environ).backups
        return backups.verify(options.file, here, options.identity)
    built = build(options)
    store, folder, now, people = built.store, built.backups, built.clock.now(), built.config.backup.encrypt_to
    if options.deed == "upgrade":
        return backups.upgrade(store, folder, now, people)
    if options.deed == "backup":
        return _backed_up(built, backups.back_up(store, folder, now, recipients=people))
    return backups.restore(
        store,
        options.file,
        folder,
        now,
        identity=options.identity,
        unproved=options.unproved,
        recipients=people,
    )


def _backed_up(built: Built, code: int) -> int:
    """A backup that came to nothing is an alarm, until one is made."""
    with suppress(StoreError), built.store.writing() as connection:
        alarms.note_backup(connection, made=code == GOOD, now=built.clock.now())
    return code


def report(options: Options) -> int:
    built = stored(options)
    last = options.to or built.clock.now().astimezone(SHANGHAI).date()
    first = options.from_ or last - timedelta(days=29)
    titles = {each.id: each.title for each in built.config.campaigns}
    return reports.show(
        built.store,
        built.config.account.name,
        first,
        last,
        titles,
        read_guides().directory,
        options.csv,
        xlsx=options.xlsx,
    )


def talk(options: Options) -> int:
    house, now = build(options).house, datetime.now(UTC)
    if options.sayings is not None:
        return talking.try_out(house, options.sayings, now)
    if not options.saying:
        raise refuse("后面写上一句话，例如 talk 工资没发；或者 --file 说法表.csv。", code=2)
    return talking.ask(house, options.saying, now)


def replay(options: Options) -> int:
    built = stored(options)
    done = handle_again(built.store, built.webhook.handle, options.ids or None)
    print(f"重新处理好 {done.answered} 条，还是没有处理好的 {done.failed} 条。")
    return PROBLEM if done.failed else GOOD


def doctor(options: Options) -> int:
    if options.code:
        return diagnosis.explain(options.code)
    built = build(options)
    account, base_url = built.config.account, built.config.site.base_url
    redis_url, now = built.config.redis.url.get_secret_value(), datetime.now(UTC)
    house = diagnosis.Installation(
        built.path,
        account,
        base_url,
        built.store,
        redis_url,
        built.backups,
        built.api,
        now,
        built.config.alarms,
        workdays(built.config.holidays),
    )
    return diagnosis.doctor(house)


# --- the command line ------------------------------------------------------------------------------------------

RUN: Mapping[str, Callable[[Options], int]] = {
    "demo": demo,
    "serve": lambda options: _web(prepared(options)),
    "work": lambda options: _work(prepared(options, listens=False)),
    "run": run,
    "check": check,
    "menu": menu,
    "push": push,
    "campaign": campaign,
    "halt": halt,
    "unhalt": unhalt,
    "alarm": alarm,
    "follower": follower,
    "db": db,
    "report": report,
    "talk": talk,
    "replay": replay,
    "doctor": doctor,
}


def main(words: Sequence[str]) -> int:
    log_to_stderr()
    command, options = parse(words)
    return in_words(lambda: RUN[command](options))


if __name__ == "__main__":
    os.umask(0o077)  # what workers said is read by nobody else on this machine
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign
    raise SystemExit(main(sys.argv[1:]))
