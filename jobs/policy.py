"""What each end of a call means for its rows, for its push and for everything else: one function, one table of waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from channels import ChannelError, Unreached
from ground.days import tomorrow
from models.delivery import FAILED, PLANNED, SENT, SILENCE, UNKNOWN
from models.ledger import ATTEMPTS, Claimed, Outcome
from wx.errors import explain

# Before the second, third, fourth and fifth attempt.
WAITS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2))
BATCH_WAIT = timedelta(seconds=65)  # WeChat refuses the same clientmsgid within a minute (45066)
MINUTE = timedelta(seconds=61)
UNREACHED_WAIT = timedelta(seconds=5)

Effect = Literal["none", "unreached", "hold", "pause", "halt"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to write into the rows, and what happens beyond them; `words` say to staff what is wrong and what to do."""

    outcome: Outcome
    effect: Effect = "none"
    until: datetime | None = None
    words: str = ""


def delivered(held: Sequence[Claimed], far_id: str) -> Verdict:
    """WeChat accepted it."""
    return Verdict(Outcome(_ids(held), SENT, far_id=far_id))


def untouched(held: Sequence[Claimed]) -> Verdict:
    """The call was not made."""
    return Verdict(Outcome(_ids(held), PLANNED, counted=False, in_vain=not held[0].repeat))


def silent(held: Sequence[Claimed], remembers: bool, batched: bool, now: datetime) -> Verdict:
    """Nobody knows whether it was delivered: again with the same id where WeChat remembers it, else a person decides."""
    if not remembers or held[0].attempts >= ATTEMPTS:
        return Verdict(Outcome(_ids(held), UNKNOWN, SILENCE), "unreached")
    return Verdict(Outcome(_ids(held), PLANNED, SILENCE, not_before=now + _wait(held, batched)), "unreached")


def refused(held: Sequence[Claimed], error: ChannelError, batched: bool, now: datetime) -> Verdict:
    """It was certainly not delivered this time."""
    in_vain = not held[0].repeat

    def rows(state: str, wait: timedelta | None = None, counted: bool = True) -> Outcome:
        not_before = now + wait if wait else None
        return Outcome(_ids(held), state, error.reason, None, error.errcode, not_before, counted, in_vain)

    words = _words(error)
    if isinstance(error, Unreached):
        return Verdict(rows(PLANNED, UNREACHED_WAIT, counted=False), "unreached", words=words)
    if error.policy == "sent":
        return Verdict(Outcome(_ids(held), SENT))
    if error.policy == "skip_person":
        return Verdict(rows(FAILED))
    if error.policy == "wait_minute":
        return Verdict(rows(PLANNED, counted=False), "hold", now + MINUTE, words)
    if error.policy == "wait_day":
        return Verdict(rows(PLANNED, counted=False), "hold", tomorrow(now) + MINUTE, words)
    if error.policy == "stop_all":
        return Verdict(rows(PLANNED, counted=False), "halt", words=words)
    if error.policy == "retry":
        if held[0].attempts >= ATTEMPTS:
            return Verdict(rows(FAILED if in_vain else UNKNOWN))
        return Verdict(rows(PLANNED, _wait(held, batched)))
    return Verdict(rows(PLANNED, MINUTE if batched else None, counted=False), "pause", words=words)


def _wait(held: Sequence[Claimed], batched: bool) -> timedelta:
    wait = WAITS[min(held[0].attempts, len(WAITS)) - 1]
    return max(wait, BATCH_WAIT) if batched else wait


def _words(error: ChannelError) -> str:
    action = explain(error.errcode).action_zh if error.errcode is not None else ""
    return f"{error.reason}。{action}" if action else error.reason


def _ids(held: Sequence[Claimed]) -> tuple[int, ...]:
    return tuple(one.id for one in held)
