"""Every state that a push, a delivery, an alarm and an approval can be in, what it means, and who moves it on.

What a state means is read from the docstring of its module. `python -m models.states` writes docs/states.md; a test walks all
moves and finds one that is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from ground.words import DELIVERIES, PUSHES
from models import alarm, approval, delivery, push

NEW, GONE = "", "gone"  # before there is a row, and after


@dataclass(frozen=True, slots=True)
class Move:
    """From one state to another, and who does it: staff, the clock, a worker, or WeChat."""

    before: str
    after: str
    who: str


@dataclass(frozen=True, slots=True)
class Life:
    """One noun: its module, what staff read for its states, and its moves."""

    module: ModuleType
    words: Mapping[str, str]
    moves: tuple[Move, ...]

    @property
    def name(self) -> str:
        return self.module.__name__.partition(".")[2]

    @property
    def states(self) -> dict[str, str]:
        """Each state and what it means."""
        return dict(re.findall(r"^([a-z]+) {2,}(.+)$", self.module.__doc__ or "", re.MULTILINE))


LIVES = (
    Life(push, PUSHES, (
        Move(NEW, push.DUE, "the clock: its time has come; or staff: `push start`"),
        Move(NEW, push.PAUSED, "the clock: the same push went out within twelve hours"),
        Move(NEW, push.MISSED, "the clock: found later than `late_ok`"),
        Move(NEW, push.CANCELLED, "staff: `push cancel` of the next one"),
        Move(push.DUE, push.SENDING, "a worker: all recipients are written down"),
        Move(push.DUE, push.PAUSED, "staff: `push pause`; or a worker: a blank, approvals that lack, nobody to find, a refusal"),
        Move(push.DUE, push.MISSED, "a worker: held up until later than `late_ok`"),
        Move(push.DUE, push.CANCELLED, "staff: `push cancel`"),
        Move(push.SENDING, push.PAUSED, "staff: `push pause`; or a worker: a refusal, a run of errors, WeChat away for two hours"),
        Move(push.SENDING, push.FINISHED, "a worker: nothing is open any more"),
        Move(push.SENDING, push.CANCELLED, "staff: `push cancel`"),
        Move(push.PAUSED, push.DUE, "staff: `push resume`, before the recipients were written down"),
        Move(push.PAUSED, push.SENDING, "staff: `push resume`"),
        Move(push.PAUSED, push.CANCELLED, "staff: `push cancel`"),
        Move(push.CANCELLED, GONE, "staff: `push resume` before its time; the clock makes it anew"),
    )),
    Life(delivery, DELIVERIES, (
        Move(NEW, delivery.PLANNED, "a worker: written down as owed"),
        Move(NEW, delivery.SKIPPED, "a worker: may not get anything while the account is not live"),
        Move(delivery.PLANNED, push.SENDING, "a worker: claimed, before the call"),
        Move(delivery.PLANNED, delivery.SKIPPED, "a worker: has left, the allowance is spent, alone in a mass call; staff: `push cancel`"),
        Move(delivery.PLANNED, delivery.UNKNOWN, "a worker: WeChat forgot the first try; staff: `push cancel` after it"),
        Move(push.SENDING, delivery.SENT, "WeChat accepted it"),
        Move(push.SENDING, delivery.FAILED, "WeChat refused it"),
        Move(push.SENDING, delivery.PLANNED, "a worker: not made, or to be tried again; or its worker died and WeChat remembers"),
        Move(push.SENDING, delivery.SKIPPED, "a worker: outside the window of answers"),
        Move(push.SENDING, delivery.UNKNOWN, "a worker: no answer, or its worker died, and WeChat does not remember"),
        Move(delivery.SENT, delivery.FAILED, "WeChat, later: it did not arrive"),
    )),
    Life(alarm, {alarm.STANDING: "要处理", alarm.CLEARED: "已了结"}, (
        Move(NEW, alarm.STANDING, "whoever sees it: a worker, the lookout, a command"),
        Move(alarm.STANDING, alarm.CLEARED, "staff: `alarm clear`, or the deed that it asks for; or whoever sees that it is over"),
        Move(alarm.CLEARED, alarm.STANDING, "whoever sees it again"),
    )),
    Life(approval, {approval.GIVEN: "有效", approval.VOID: "作废", approval.WITHDRAWN: "收回"}, (
        Move(NEW, approval.GIVEN, "staff: `push approve`"),
        Move(approval.GIVEN, approval.VOID, "staff: whoever changes the push, its lists or its pictures"),
        Move(approval.GIVEN, approval.WITHDRAWN, "staff: `push withdraw`"),
        Move(approval.VOID, approval.GIVEN, "staff: whoever changes the push back"),
        Move(approval.VOID, approval.WITHDRAWN, "staff: `push withdraw`"),
        Move(approval.WITHDRAWN, approval.GIVEN, "staff: `push approve` again"),
    )),
)  # fmt: skip


def page() -> str:
    """docs/states.md."""
    lines = [
        "# States",
        "",
        "Every state that a push, a delivery, an alarm and an approval can be in, and who moves it on. Written by",
        "`.venv/bin/python -m models.states > docs/states.md`; `tests/test_moves.py` walks every move.",
    ]
    for life in LIVES:
        lines += ["", f"## {life.name.capitalize()}", "", "| state | staff read | meaning |", "|---|---|---|"]
        lines += [f"| {state} | {life.words[state]} | {means} |" for state, means in life.states.items()]
        lines += ["", "| from | to | who |", "|---|---|---|"]
        lines += [f"| {move.before or 'new'} | {move.after} | {move.who} |" for move in life.moves]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
