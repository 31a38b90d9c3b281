"""Ways out: each takes a Parcel and gives the far end's id, or raises ChannelError (certainly not delivered)."""

from __future__ import annotations

from channels.channel import Channel
from channels.limits import Allowance, SendLimits
from channels.mass import Mass
from channels.parcel import ChannelError, Gear, Parcel, Unreached
from channels.service import Service
from channels.template import Template
from ground.part import Part
from wx.account import Account

__all__ = [
    "CHANNELS",
    "Allowance",
    "Channel",
    "ChannelError",
    "Gear",
    "Parcel",
    "SendLimits",
    "Unreached",
    "instead",
    "open_channels",
    "reasons",
    "sections",
    "title",
]

CHANNELS: dict[str, type[Channel]] = {each.name: each for each in (Mass, Template, Service)}


def open_channels(gear: Gear) -> dict[str, Channel]:
    """Every channel by its name."""
    return {name: made(gear) for name, made in CHANNELS.items()}


def title(name: str) -> str:
    """What staff call the channel; its name where it is gone."""
    return CHANNELS[name].title if name in CHANNELS else name


def reasons() -> dict[str, str]:
    """Why channels skip somebody: code and what staff read."""
    return {code: words for channel in CHANNELS.values() for code, words in channel.reasons.items()}


def sections() -> dict[str, type[Part]]:
    """The channels' own tables of the config file."""
    return {name: channel.section for name, channel in CHANNELS.items() if channel.section is not None}


def instead(name: str, account: Account) -> str:
    """How the same people can be told all the same, as a clause: by a channel without a window and without a monthly limit,
    which costs nothing; "" where this account has none."""
    limits = SendLimits()
    free = [
        each.title
        for each in CHANNELS.values()
        if each.name != name
        and not each.can[account.standing].refused
        and each.window is None
        and each.monthly(account, limits) is None
    ]
    return f"，或者改用{free[0]}（不花钱）" if free else ""
