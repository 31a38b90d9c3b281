"""`replay`: messages whose handler failed, handled again after a fix."""

from __future__ import annotations

from commands.command_line import GOOD, PROBLEM, Options
from commands.parts import Parts, stored
from handlers.replay import replay


def run(options: Options, parts: Parts) -> int:
    """Says how many came to an answer."""
    done = replay(stored(parts).store, parts.handle, options.ids or None)
    print(f"重新处理好 {done.answered} 条，还是没有处理好的 {done.failed} 条。")
    return PROBLEM if done.failed else GOOD
