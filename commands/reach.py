"""How many people a push would reach, and why not the others, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from campaigns.push import Push
from channels import CHANNELS, instead, reasons
from commands.parts import Parts
from commands.push import Reaching
from ground.days import SHANGHAI
from jobs.audience import NoAudience
from jobs.reach import Reach, Reckoner
from models.delivery import REASONS, SPENT
from wx.errors import WeChatError


def reach_of(parts: Parts, now: datetime) -> Reaching:
    """How many people a push reaches that is due then (None: now), in words."""
    reckoner = Reckoner(parts.audience, parts.config.account, parts.config.limits, now)
    return lambda wanted, due: told(reckoner, wanted, due)


def told(reckoner: Reckoner, wanted: Push, due_at: datetime | None = None) -> Iterator[str]:
    """A line of figures, then a line for each reason, then how many days it takes."""
    try:
        reach = reckoner.reach(wanted.channel, wanted.audience, due_at)
    except NoAudience as fault:
        yield f"⚠ 现在发不了：{fault}"
        return
    except WeChatError:
        yield "没能问到微信，不知道能发到多少人；请运行 doctor 看看是不是连不上。"
        return
    unreached = sum(reach.others.values())
    yield f"可达 {_n(reach.reached)} · 需短信 {_n(reach.gone)} · 不可达 {_n(unreached)}"
    if reach.gone:
        yield f"  需短信 {_n(reach.gone)} 人：已经取消关注，微信里送不到（短信系统还没有接上）"
    known = REASONS | reasons()
    for why, number in sorted(reach.others.items()):
        months = "到下个月才能再收群发" if why == SPENT else known.get(why, why)
        yield f"  不可达 {_n(number)} 人：{months}{instead(wanted.channel, reckoner.account)}"
    yield from _days(reckoner, wanted, reach, due_at or reckoner.now)


def _days(reckoner: Reckoner, wanted: Push, reach: Reach, due_at: datetime) -> Iterator[str]:
    daily = CHANNELS[wanted.channel].daily(reckoner.account, reckoner.limits)
    days = (reach.last - due_at.astimezone(SHANGHAI).date()).days
    if daily and days:
        yield (
            f"⚠ {daily.rule}，那天还能发 {_n(reach.left_today or 0)} 次，一天发不完："
            f"第二天同一时间自己接着发，一共 {days + 1} 天，{reach.last} 发完。"
        )


def _n(number: int) -> str:
    """8 214"""
    return f"{number:,}".replace(",", " ")
