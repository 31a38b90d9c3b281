"""What each end of a call means for its rows, for its push and for everything else: one function, one table of waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from channels import ChannelError, Unreached
from ground.days import tomorrow
from models.delivery import FAILED, PLANNED, SENT, SILENCE, UNKNOWN
from models.ledger import ATTEMPTS, Claimed, Outcome
from wx.errors import Policy, explain

# Before the second, third, fourth and fifth attempt.
WAITS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2))
BATCH_WAIT = timedelta(seconds=65)  # WeChat refuses the same clientmsgid within a minute (45066)
MINUTE = timedelta(seconds=61)
UNREACHED_WAIT = timedelta(seconds=5)

Effect = Literal["none", "unreached", "hold", "pause", "halt"]

# What each of WeChat's policies means beyond the rows of the call; the same for finding people as for sending to them.
BEYOND: Mapping[Policy, Effect] = {
    "retry": "none",
    "sent": "none",
    "skip_person": "none",
    "skip_call": "none",
    "wait_minute": "hold",
    "wait_day": "hold",
    "pause_push": "pause",
    "bug": "pause",
    "stop_all": "halt",
}


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


def unmade(held: Sequence[Claimed], words: str, now: datetime) -> Verdict:
    """Something of ours broke before anything left: again a little later, a counted number of times."""
    if held[0].attempts >= ATTEMPTS:
        return Verdict(
            Outcome(_ids(held), PLANNED, words, counted=False, in_vain=not held[0].repeat),
            "pause",
            words=words,
        )
    wait = now + WAITS[min(held[0].attempts, len(WAITS)) - 1]
    return Verdict(Outcome(_ids(held), PLANNED, words, not_before=wait, in_vain=not held[0].repeat))


def silent(held: Sequence[Claimed], remembers: bool, batched: bool, now: datetime) -> Verdict:
    """Nobody knows whether it was delivered: again with the same id where WeChat remembers it, else a person decides."""
    if not remembers or held[0].attempts >= ATTEMPTS:
        return Verdict(Outcome(_ids(held), UNKNOWN, SILENCE), "unreached")
    return Verdict(Outcome(_ids(held), PLANNED, SILENCE, not_before=now + _wait(held, batched)), "unreached")


def refused(held: Sequence[Claimed], error: ChannelError, batched: bool, now: datetime) -> Verdict:
    """It was certainly not delivered this time.

    A repeat that is refused proves nothing of the call before it: only `sent` does, and what WeChat has by then forgotten
    ends as `unknown`, never as failed."""
    in_vain = not held[0].repeat

    def rows(state: str, wait: timedelta | None = None, counted: bool = True) -> Outcome:
        not_before = now + wait if wait else None
        return Outcome(_ids(held), state, error.reason, None, error.errcode, not_before, counted, in_vain)

    effect, until = beyond(error, now)
    words = _words(error)
    if effect == "unreached":
        return Verdict(rows(PLANNED, UNREACHED_WAIT, counted=False), effect, words=words)
    if error.policy == "sent":
        return Verdict(Outcome(_ids(held), SENT))
    if error.policy == "skip_call" or (error.policy == "skip_person" and not batched):
        return Verdict(rows(FAILED if in_vain else UNKNOWN))
    if error.policy == "skip_person":  # one of many, and WeChat does not say which
        return Verdict(rows(PLANNED, MINUTE, counted=False), "pause", words=f"其中有人不能发：{words}")
    if error.policy == "retry":
        if held[0].attempts >= ATTEMPTS:
            return Verdict(rows(FAILED if in_vain else UNKNOWN))
        return Verdict(rows(PLANNED, _wait(held, batched)))
    wait = MINUTE if batched and effect == "pause" else None
    return Verdict(rows(PLANNED, wait, counted=False), effect, until, words)


def unplanned(error: ChannelError, now: datetime) -> Verdict:
    """WeChat did not say whom a tag has, so nothing could be written down; there are no rows yet."""
    effect, until = beyond(error, now)
    if effect == "none" and error.policy != "retry":
        effect = "pause"  # a code about one person, where nobody was named
    return Verdict(Outcome((), PLANNED, errcode=error.errcode), effect, until, _words(error))


def beyond(error: ChannelError, now: datetime) -> tuple[Effect, datetime | None]:
    """What a refusal means beyond its rows, and until when."""
    if isinstance(error, Unreached):
        return "unreached", None
    until = {"wait_minute": now + MINUTE, "wait_day": tomorrow(now) + MINUTE}.get(error.policy)
    return BEYOND[error.policy], until


def _wait(held: Sequence[Claimed], batched: bool) -> timedelta:
    wait = WAITS[min(held[0].attempts, len(WAITS)) - 1]
    return max(wait, BATCH_WAIT) if batched else wait


def _words(error: ChannelError) -> str:
    action = explain(error.errcode).action_zh if error.errcode is not None else ""
    return f"{error.reason}。{action}" if action else error.reason


def _ids(held: Sequence[Claimed]) -> tuple[int, ...]:
    return tuple(one.id for one in held)
