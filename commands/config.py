"""The config file as one typed value, and what it allows that is dangerous."""

from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from campaigns.campaign import Campaign, follow
from campaigns.moderation import Moderation
from campaigns.schedule import Calendar
from channels import SendLimits
from channels.alarm import Alarms
from commands.sample import Demonstration
from ground import address
from ground.address import Console, Serving, Site
from ground.part import Part
from ground.quiet import read_quiet
from ground.workdays import Holiday, workdays
from models.address import Backups, Database, PersonalData, Redis
from wx import account
from wx.account import Account

LIVE = "GONGHUI_ACCOUNT__LIVE"


class Config(Part):
    """The whole of config.toml; each section stands beside the part that it is for."""

    account: Account = Account()
    database: Database = Database()
    data: PersonalData = PersonalData()
    redis: Redis = Redis()
    site: Site = Site()
    console: Console = Console()
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


def risks(config: Config, environ: Mapping[str, str]) -> list[str]:
    """What is allowed and dangerous all the same, a sentence each with its remedy."""
    found = [*account.risky(config.account), *address.risky(config.server)]
    if environ.get(LIVE, "").strip().lower() == "true":
        words = f"live = true 来自环境变量 {LIVE}：打开配置文件的人看不出已经正式开通"
        found.append(f"{words}。请删掉这个变量，写进配置文件")
    return found
