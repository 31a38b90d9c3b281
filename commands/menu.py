"""`menu`: the custom menu here and the one in WeChat."""

from __future__ import annotations

from collections.abc import Callable

from commands.command_line import Options
from commands.parts import Parts, filled, stored
from handlers import TAPS
from menus import check
from menus import publish as live
from menus.reading import load
from models.menu import Versions


def run(options: Options, parts: Parts) -> int:
    """What was typed after `menu`."""
    if options.deed == "check":
        return check.check(load().menu, TAPS)
    filled(parts, "还不能问微信")
    stored(parts)
    if options.deed == "diff":
        return live.diff(parts.api, load().menu)
    if options.deed == "publish":
        return publish(parts)
    return live.rollback(parts.api, Versions(parts.store), parts.clock.now())


def publish(parts: Parts, say: Callable[[str], None] = print) -> int:
    """Our menu into the account."""
    return live.publish(parts.api, load().menu, TAPS, Versions(parts.store), parts.clock.now(), say=say)
