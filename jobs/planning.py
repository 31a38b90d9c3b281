"""Planning: who gets what is due is written down, a thousand at a time; each push stands alone."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from campaigns.approval import Approvals, asks
from channels.parcel import refused
from ground.text import BLANK
from jobs import acts, policy
from jobs.audience import Audience, NoAudience, NotOpened
from jobs.brake import FarEnd
from jobs.policy import Verdict
from models import alarm, ledger, push, shared
from models.base import Store
from models.ledger import Owed
from models.push import Occasion
from wx.account import Account
from wx.errors import ApiError, BadAnswer, NoAnswer, NotSent

log = logging.getLogger(__name__)

REST = timedelta(seconds=10)
OPENING = timedelta(minutes=1)  # within it an edition of the same hour is opened
LOOK_AGAIN = timedelta(seconds=5)
TURN_S = 0.5  # so long one push is written down before the others have a turn
LEASE = timedelta(seconds=15)  # a planner silent for longer is dead, and another takes over
PATIENCE = timedelta(minutes=10)  # so long a passing refusal is nobody's business


class Planner:
    """Takes up a push that is due and writes its recipients down, unless something says that it must not go.

    On a live account a text with 〔待填…〕 stays here, unless `blanks_leave` (the demonstration)."""

    def __init__(
        self,
        store: Store,
        audience: Audience,
        account: Account,
        approvals: Approvals,
        far_end: FarEnd,
        stopping: threading.Event,
        now: Callable[[], datetime],
        *,
        blanks_leave: bool,
    ) -> None:
        self.store = store
        self.audience = audience
        self.far_end = far_end
        self.stopping = stopping
        self.now = now
        self.approvals = approvals
        self._blanks_stay = account.live and not blanks_leave
        self.is_busy = False  # whether something is left to be written down at once
        self._holder = secrets.token_hex(8)
        self._begun: dict[
            int, tuple[str, Iterator[list[Owed]]]
        ] = {}  # up to whom it is written down, and the rest

    def plan(self, occasion: Occasion) -> None:
        """Write down who gets it. What WeChat says when it is asked for people is judged as when it is sent to."""
        now = self.now()
        begins_at = acts.begins_at(occasion, now)
        if begins_at is None:
            with self.store.writing() as connection:
                acts.miss(connection, occasion, now)
        elif begins_at > now:
            with self.store.writing() as connection:
                acts.wait_for_morning(connection, occasion, begins_at, now)
        elif self._blanks_stay and (blank := BLANK.search(occasion.content)):
            self._unfilled(occasion, blank[0], now)
        elif lacking := self._lacking(occasion):
            self._unapproved(occasion, lacking, now)
        else:
            self._take_up(occasion, now)

    def _unfilled(self, occasion: Occasion, blank: str, now: datetime) -> None:
        """Hold a push whose words are not finished: what has gone out to everyone cannot be taken back."""
        reason = f"内容里还有没填的{blank}，没有发出。"
        words = (
            f"推送 {occasion.name} 已暂停：{reason}请在配置文件里填好，先运行 push cancel {occasion.name}，"
            f"再运行 push start {occasion.name}。"
        )
        with self.store.writing() as connection:
            if push.pause(connection, occasion.id, now, reason):
                alarm.sound(connection, f"paused {occasion.name}", words, now)

    def _lacking(self, occasion: Occasion) -> int:
        with self.store.reading() as connection:
            return self.approvals.lacking(connection, occasion)

    def _unapproved(self, occasion: Occasion, lacking: int, now: datetime) -> None:
        """Hold a push that too few of the staff have approved as it is now."""
        reason = f"{asks(occasion.name, lacking)}（改过的推送要重新批准。）"
        with self.store.writing() as connection:
            acts.pause(connection, occasion, reason, None, now)

    def _take_up(self, occasion: Occasion, now: datetime) -> None:
        with self.store.writing() as connection:  # a long list is read by one worker, not by each
            if not shared.take(connection, f"plan:{occasion.id}", self._holder, now, now + LEASE):
                return
            push.take_up(connection, occasion.id, now)
        begun = occasion.started_at or now
        try:
            size = self._lay_out(occasion, now)
        except NoAudience as fault:
            with self.store.writing() as connection:
                if isinstance(fault, NotOpened) and now - begun < OPENING:
                    push.hold(connection, occasion.id, now + LOOK_AGAIN, now, "等活动开始")
                else:
                    acts.pause(connection, occasion, str(fault), None, self.now())
        except (ApiError, NotSent) as error:
            self._refused(occasion, policy.unplanned(refused(error), self.now()))
        except BadAnswer as error:
            log.warning(
                "an answer that cannot be read", extra={"push": occasion.name, "error": str(error)[:200]}
            )
            with self.store.writing() as connection:
                why = "微信的回答读不懂，没能问到发给谁"
                acts.hold_back(connection, occasion, why, self.now(), tell=True)
        except NoAnswer as error:
            self._refused(occasion, policy.unplanned(refused(NotSent(str(error))), self.now()))
        else:
            if size is not None:
                log.info("push planned", extra={"push": occasion.name, "size": size})

    def _lay_out(self, occasion: Occasion, now: datetime) -> int | None:
        """Its size; None when its turn is over, another worker was faster, or it stands still."""
        until = time.monotonic() + TURN_S
        after, at = occasion.planned_up_to, occasion.started_at or now
        begun_after, rest = self._begun.pop(occasion.id, (None, iter(())))
        if begun_after != after:
            rest = self.audience.portions(occasion.channel, occasion.audience, at, after)
        for portion in rest:
            if portion:
                up_to = portion[-1].recipient
                with self.store.writing() as connection:
                    if not ledger.plan(connection, occasion, portion, after, up_to, self.now()):
                        return None
                after = up_to
            if self.stopping.is_set():
                with self.store.writing() as connection:
                    shared.drop(connection, f"plan:{occasion.id}", self._holder)
                return None
            if time.monotonic() > until:
                self._begun[occasion.id] = (after, rest)
                self.is_busy = True
                return None
        with self.store.writing() as connection:
            size = ledger.planned(connection, occasion.id, self.now())
            shared.drop(connection, f"plan:{occasion.id}", self._holder)
            if size is not None:
                acts.went_on(connection, occasion, self.now())
        return size

    def _refused(self, occasion: Occasion, verdict: Verdict) -> None:
        now = self.now()
        with self.store.writing() as connection:
            if verdict.effect in ("halt", "pause"):
                acts.act(connection, occasion, {verdict.effect: verdict}, now)
            elif verdict.effect == "hold":  # of one of WeChat's lists, not of the channel
                push.hold(connection, occasion.id, verdict.until or now, now, verdict.words)
            elif verdict.effect == "unreached":
                self.far_end.missed(now)
                push.hold(connection, occasion.id, now + REST, now, "连不上微信，稍后再试")
            else:
                long = now - occasion.due_at > PATIENCE
                acts.hold_back(connection, occasion, verdict.words.rstrip("。"), now, tell=long)
