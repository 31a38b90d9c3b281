"""Ways out: each takes a Parcel and gives the far end's id, or raises ChannelError (certainly not delivered)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from channels.mass import Mass
from channels.parcel import Channel, ChannelError, Gear, Parcel, Unreached
from channels.service import Service
from channels.template import Template

__all__ = ["CHANNELS", "Channel", "ChannelError", "Gear", "Parcel", "Unreached", "open_channels"]

CHANNELS: Mapping[str, Callable[[Gear], Channel]] = {
    "mass": Mass,
    "template": Template,
    "service": Service,
}


def open_channels(gear: Gear) -> dict[str, Channel]:
    """Every channel by its name."""
    return {name: make(gear) for name, make in CHANNELS.items()}
