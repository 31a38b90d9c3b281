"""Builds the parts and hands them to each other; names the commands, whose rooms say what they do."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from flask import Flask
from pydantic import create_model

import handlers
from campaigns import sensitive
from campaigns.approval import Approvals
from campaigns.kind import Setting
from campaigns.watch import Watch, tell, tell_of_guides
from campaigns.where import where
from campaigns.year import Year
from channels import CHANNELS, Channel, Gear, open_channels, reasons, sections
from channels.alarm import ways
from commands import RUN, demo
from commands.audience import size_of
from commands.command_line import COMMANDS, in_words, log_to_stderr, parse, refuse
from commands.config import Config
from commands.parts import CONFIG, STATE
from commands.push import push_test
from ground.toml import Loaded
from handlers.turn import House
from jobs.alarm import Herald
from jobs.audience import Audience
from jobs.followers import compare
from jobs.lookout import Lookout, Place
from jobs.menu import Switch
from jobs.pace import Pace
from jobs.photos import Fetcher
from jobs.push import Sender, plan_of
from jobs.retention import Purger
from jobs.worker import Beside, Worker
from jobs.worker import work as run_worker
from menus.directory import Directory
from menus.in_force import InForce as Guides
from menus.reading import load as load_guides
from models.base import Store
from models.clock import Clock
from models.condition import unready
from models.delivery import REASONS
from models.guide_version import InForce as Edited
from models.media import Shelf
from models.recording import Answer
from models.retention import Rules
from models.shared import Shared
from models.synonym import InForce as Synonyms
from settings import load, loosely, salvage
from web import create_app, parts
from web.parts import Demo
from web.paths import PATHS
from web.pulse import beat
from web.server import Server, listen
from web.webhook import Webhook
from wx.client import Api
from wx.envelope import Envelope
from wx.reach import reachable

HERE = Path(__file__).parent
__all__ = ["COMMANDS", "RUN", "Built", "Config", "main", "parse"]


def read(path: Path, environ: Mapping[str, str]) -> Loaded[Config]:
    """The config file, with the table that each channel may have of its own."""
    own: dict[str, Any] = {name: (section, section()) for name, section in sections().items()}
    return load(create_model("Config", __base__=Config, **own), path, environ)


class Built:
    """The parts of one process (commands/parts.py), each made when it is first asked for."""

    def __init__(self, path: Path, environ: Mapping[str, str], simulator_url: str = "") -> None:
        self.path = path
        self.environ = environ
        self.simulator_url = simulator_url
        self.held: int | None = None

    def staged(self, path: Path, environ: Mapping[str, str], simulator_url: str) -> Built:
        return Built(path, environ, simulator_url)

    # -- the config file -----------------------------------------------------------------------------------

    @cached_property
    def loaded(self) -> Loaded[Config]:
        return read(self.path, self.environ)

    @cached_property
    def config(self) -> Config:
        if self.loaded.value is None:
            problems = (f"  ✗ {problem}" for problem in self.loaded.problems)
            raise refuse(f"配置文件有 {len(self.loaded.problems)} 处要改：", *problems)
        return self.loaded.value

    def salvage(self) -> None:
        self.config = self.loaded.value or salvage(Config, self.path, self.environ)

    def written(self, section: str, key: str) -> str | None:
        return loosely(self.path, self.environ, section, key)

    # -- the parts -----------------------------------------------------------------------------------------

    @cached_property
    def store(self) -> Store:
        url, data = self.config.database.url.get_secret_value(), self.config.data
        keys = self.path.absolute().parent / data.key_file if data.key_file else None
        return Store(url, keys, seal_messages=data.seal_messages)

    @property
    def backups(self) -> Path:
        """Where backups are kept: beside a SQLite file, else under var/."""
        return (self.store.file.parent if self.store.file else STATE) / "backups"

    @cached_property
    def clock(self) -> Clock:
        return Clock(partial(demo.offset, self.store) if self.simulator_url else None)

    @cached_property
    def shared(self) -> Shared:
        return Shared(self.store, self.config.redis.url.get_secret_value())

    @cached_property
    def api(self) -> Api:
        return Api(self.config.account, self.shared)

    @cached_property
    def year(self) -> Year:
        return Year(Watch(self.path, self._read, self.config))

    def _read(self) -> Loaded[Config]:
        """The file as it is now; the demonstration shows no blanks."""
        loaded = read(self.path, self.environ)
        if not self.simulator_url or loaded.value is None:
            return loaded
        told = loaded.value.demonstration.told(loaded.value.campaigns)
        return replace(loaded, value=loaded.value.model_copy(update={"campaigns": told}))

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        shelf = Shelf(self.store, self.clock.now)
        own = {name: getattr(self.config, name) for name in sections()}
        return open_channels(Gear(self.api, shelf, self.path.absolute().parent, own))

    @cached_property
    def audience(self) -> Audience:
        return Audience(self.store, self.api, self.config.account, self.path.absolute().parent)

    @cached_property
    def worker(self) -> Worker:
        account, limits = self.config.account, self.config.limits
        now, audience = self.clock.now, self.audience
        pace, staged = Pace(self.shared, limits), bool(self.simulator_url)
        sender = Sender(self.store, pace, account, self.channels, audience, limits, now, blanks_leave=staged)
        self.year.listen(lambda standing: tell(self.store, self.path, standing, now()))
        guides = Guides(hears=lambda reading: tell_of_guides(self.store, reading.problems, now()))
        guides.open(load_guides())
        campaigns, moderation = self.year.campaigns, self.config.moderation
        return Worker(self.store, self.clock, self.shared, campaigns, sender, guides.poll, moderation)

    @cached_property
    def herald(self) -> Herald:
        """Who tells the staff."""
        account, settings = self.config.account, self.config.alarms
        return Herald(self.store, lambda: ways(settings, account, self.api), account.name)

    def lookout(self, *, reaches: bool = True) -> Lookout:
        """Who sees what nobody else would tell of; with `reaches` also whether WeChat can be reached."""
        place = Place(self.backups.parent, self.backups, self.path)
        far = f"{self.config.account.api_base}/cgi-bin/token"
        reach, now = (lambda: reachable(far)) if reaches else None, self.clock.now
        also = partial(compare, self.store, self.api, now)
        runs_by = self.year.in_force if reaches else None  # who only looks runs by none
        return Lookout(self.store, self.herald, place, now, reach, also=also, in_force=runs_by)

    @cached_property
    def guides(self) -> Guides:
        """The service directory in force, laid out before anybody asks."""
        return Guides(
            ready=lambda directory: handlers.lay_out(self.house, directory), written=self._edited.current
        ).open(load_guides())

    @cached_property
    def _edited(self) -> Edited:
        return Edited(self.store)

    def take_up(self) -> None:
        self._edited.begin()
        self.guides.look()

    def _directory(self) -> Directory:
        return self.guides.current()  # which is laid out for this house, and so comes after it

    @cached_property
    def house(self) -> House:
        account, site, staged = self.config.account, self.config.site, bool(self.simulator_url)
        return House(
            account.name, account.live, account.verified, site.base_url, self._directory,
            self.year.campaigns, demo=staged, testers=account.testers,
            sensitive=sensitive.read(self.config.moderation, self.path.absolute().parent).words, guide_pages=staged or site.is_public,
            beside=Setting(limits=self.config.limits), synonyms=Synonyms(self.store).current,
        )  # fmt: skip

    @cached_property
    def webhook(self) -> Webhook:
        envelope, me = Envelope.of(self.config.account), self.config.account.original_id
        return Webhook(envelope, self.store, self.clock, self.house, handlers.answer, me)

    @cached_property
    def pages(self) -> Flask:
        """Every page and the webhook."""
        account = self.config.account
        shown = parts.Parts(
            account=account,
            store=self.store,
            clock=self.clock,
            house=self.house,
            find=handlers.look_up,
            site=self.config.site,
            console=self.config.console,
            plan=plan_of,
            approvals=Approvals(account.approvals, self.path.absolute().parent, live=account.live),
            size=size_of(self),
            test=self.test_push,
            wait=lambda channel: self.config.limits.mass_wait if CHANNELS[channel].whole else timedelta(0),
            where=lambda name: where(self.path, name),
            ways={name: channel.title for name, channel in CHANNELS.items()},
            why=REASONS | reasons(),
            year=lambda: self.year.rows(self.store, self.clock.now()),
            ready=lambda: unready(self.store, self.clock.now(), HERE),
            demo=Demo(self.simulator_url, self.move_clock) if self.simulator_url else None,
            sign_in=self.api.sign_in,
            make_code=self.api.create_code,
            menu=self.api,
            follows=self.api.follows,
            ticket=self.api.ticket if account.verified else None,
        )
        return create_app(shown, self.webhook)

    def test_push(self, name: str, openid: str) -> str:
        """One copy of a push to one person, as the desk asks for it; what came of it."""
        said: list[str] = []
        push_test(
            self.store, self.year.campaigns(), self.config.account, self.channels, name, openid, said.append
        )
        return "".join(said)

    def move_clock(self) -> datetime | None:
        """The demonstration's clock to just before the next push; when that is due."""
        due = self.year.next_due(self.clock.now())
        if due is not None:
            demo.move_clock(self.store, due)
        return due

    @property
    def handle(self) -> Answer:
        return self.webhook.handle

    # -- what runs -----------------------------------------------------------------------------------------

    def try_to_listen(self) -> None:
        listen(self.config.server.bind, 0)

    def serve(self) -> int:
        serving = self.config.server
        pulse = partial(beat, self.store, self.year.in_force, self.take_up)
        Server(self.pages, self.webhook, serving.bind, serving.processes, paths=PATHS, pulse=pulse).run()
        return 0

    def work(self) -> int:
        photos = Fetcher(self.store, self.api, self.clock.now)
        menus = Switch(self.store, self.api, self.clock.now)
        purger = Purger(self.store, Rules(self.config.data.kept), self.clock.now)
        real: list[Beside] = [self.lookout(), purger]
        return run_worker(self.worker, photos, menus, *([] if self.simulator_url else real))


# --- the command line ------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    log_to_stderr()
    command, options = parse(words)
    return in_words(lambda: RUN[command](options, Built(options.config or CONFIG, os.environ)))


if __name__ == "__main__":
    os.umask(0o077)  # what workers said is read by nobody else on this machine
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign
    raise SystemExit(main(sys.argv[1:]))
