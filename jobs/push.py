"""Sending: what is due is planned, claimed a little at a time, sent, and settled, until nothing is open."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from campaigns.approval import Approvals
from campaigns.push import Push
from channels import Channel, ChannelError, Parcel, SendLimits, instead
from ground.audience import may_be_empty
from jobs import acts, policy
from jobs.audience import Audience
from jobs.brake import Brake, Departure, FarEnd, Lease, Pulse
from jobs.flight import Flight
from jobs.hearts import Hearts
from jobs.pace import Pace
from jobs.planning import Planner
from jobs.policy import Verdict
from jobs.quota import Quota
from jobs.streak import Streak
from models import alarm, delivery, ledger, push, shared
from models.base import Connection, Store, StoreError, deadlocked, disconnected, named, timed_out
from models.ledger import Claimed, Outcome, Rules
from models.push import Occasion, Plan
from wx.account import Account
from wx.errors import HeldBack, WeChatError

log = logging.getLogger(__name__)

IDLE_S = 0.5  # how long a worker with nothing to do waits before it looks again
IN_FLIGHT = 16  # calls at the same time
AHEAD = 8  # times as many are claimed, so that no call waits for a disk; never more than go within a second
LEASE = timedelta(minutes=2)  # longer than the slowest call: after so long a silent worker's rows are freed
SETTLE_TRIES = 8
CLOSING_S = 8.0  # how long calls under way may still take when the worker is told to stop
FAULTS = 5  # deadlocks and time-outs of one push in a row, before it waits and the staff hear of it
PATIENCE = timedelta(hours=2)  # without reaching WeChat, before a push is paused
UNREACHED = "wechat unreached"


def plan_of(wanted: Push) -> Plan:
    """The push as it is frozen when it starts."""
    text, quiet = json.dumps(wanted.content, ensure_ascii=False), wanted.calendar.quiet
    hours = quiet.text if quiet else ""
    return Plan(wanted.name, wanted.channel, wanted.audience, text, wanted.late_ok, wanted.missed, hours)


class Sender:
    """Sends what the ledger owes. Several may run on several machines; `now` is the moment of the step.

    Each push stands alone: a fault of one holds that one, with an alarm, and the others go on. Only a database that is
    away ends the step, by StoreError.
    """

    def __init__(
        self,
        store: Store,
        pace: Pace,
        account: Account,
        channels: Mapping[str, Channel],
        audience: Audience,
        limits: SendLimits,
        now: Callable[[], datetime],
        *,
        in_flight: int = IN_FLIGHT,
        lease: timedelta = LEASE,
        blanks_leave: bool = False,
        hearts: Hearts | None = None,
    ) -> None:
        self.store = store
        self.pace = pace
        self.account = account
        self.channels = channels
        self.audience = audience
        self.limits = limits
        self.now = now
        self.in_flight = in_flight
        self.lease = lease
        self.hearts = hearts or Hearts()
        self.quota = Quota(account, limits)
        self.far_end = FarEnd()
        self.holder = secrets.token_hex(8)
        self.pulse = Pulse()
        self.stopping = threading.Event()
        self._stop_at = 0.0
        self._halted = False
        self._faults: Counter[int] = Counter()
        self._brakes: dict[int, Brake] = {}
        self._streak = Streak(limits.errors_in_a_row)
        self.approvals = Approvals(account.approvals, audience.folder, live=account.live)
        self.flight = Flight(in_flight)
        self._planner = Planner(
            store,
            audience,
            account,
            self.approvals,
            self.far_end,
            self.stopping,
            now,
            blanks_leave=blanks_leave,
        )
        self._rules = {name: self._rules_of(channel) for name, channel in channels.items()}

    def _rules_of(self, channel: Channel) -> Rules:
        lease = self.lease * (5 if channel.batch > 1 else 1)  # before such a call pictures are uploaded
        only = None if self.account.live else frozenset(self.account.testers)
        monthly = channel.monthly(self.account, self.limits)
        return Rules(lease, channel.remembers_for, only, channel.batch, monthly.most if monthly else None)

    def stop(self) -> None:
        """Begin no more calls."""
        if not self.stopping.is_set():
            self._stop_at = time.monotonic()
            self.stopping.set()

    def finish(self) -> None:
        """Stop, and settle the calls under way, as long as they may take."""
        self.stop()
        while self.flight.calls and time.monotonic() < self._stop_at + CLOSING_S:
            self._settle_landed()
        self.pace.return_unused()

    def close(self) -> None:
        """Give the threads back."""
        self.finish()
        self.flight.close()

    @property
    def left_behind(self) -> bool:
        """Calls that were not over when the worker had to stop: their rows are freed by their lease."""
        return bool(self.flight.calls)

    def _alone(self, occasion: Occasion, step: Callable[[Occasion], float | None]) -> float | None:
        """One step for one push; a fault that is its own stays its own. One that passes by itself is tried again soon."""
        try:
            done = step(occasion)
        except Exception as error:
            if disconnected(error):
                raise
            self._faults[occasion.id] += 1
            if (deadlocked(error) or timed_out(error)) and self._faults[occasion.id] < FAULTS:
                log.warning("a push is tried again", extra={"push": occasion.name, "error": named(error)})
                return IDLE_S
            log.exception("a push is held back", extra={"push": occasion.name})
            why = f"出了意料之外的错（{type(error).__name__}）"
            with self.store.writing() as connection:
                acts.hold_back(connection, occasion, why, self.now(), tell=True)
            return IDLE_S
        self._faults.pop(occasion.id, None)
        return done

    # --- plan ----------------------------------------------------------------------------------------------

    def plan(self) -> bool:
        """Write down who gets what is due; whether there was anything."""
        with self.store.reading() as connection:
            due = push.standing(connection, (push.DUE,), self.now())
            halted = shared.halted(connection) is not None
        self._note_halt(halted)
        self._planner.is_busy = False
        if halted:
            return False
        for occasion in due:
            self._alone(occasion, self._planner.plan)
        return bool(due)

    def _note_halt(self, halted: bool) -> None:
        """After a halt somebody has repaired something: what WeChat refused before it is asked anew."""
        if self._halted and not halted:
            self.audience.api.ask_anew()
        self._halted = halted

    # --- send ----------------------------------------------------------------------------------------------

    def send(self) -> float:
        """Settle what has landed and fill the flight up again; the seconds after which to look again (0: at once)."""
        now = self.now()
        with self.store.reading() as connection:
            under_way = push.standing(connection, (push.SENDING,), now)
            halted = shared.halted(connection) is not None
            resting = shared.resting(connection, now)
        self._note_halt(halted)
        again = IDLE_S
        for occasion in () if halted else under_way:
            if self.stopping.is_set() or self.far_end.resting:
                break
            if occasion.channel in resting:
                self._rest(occasion, *resting[occasion.channel])
                continue
            again = min(again, self._alone(occasion, self._fill) or 0.0)
        if self.flight.calls:
            self._settle_landed()
            return 0.0
        self.pace.return_unused()
        return 0.0 if self._planner.is_busy else again

    def _rest(self, occasion: Occasion, until: datetime, words: str) -> None:
        """What came due meanwhile rests with the others of its channel."""
        with self.store.writing() as connection:
            push.hold(connection, occasion.id, until, self.now(), words)

    def _fill(self, occasion: Occasion) -> float:
        """Claim and launch as much of this push as there is room for."""
        channel, rules = self.channels[occasion.channel], self._rules[occasion.channel]
        wanted = self._room(occasion, channel)
        if wanted <= 0:
            return 0.0
        now = self.now()
        with self.store.reading() as connection:
            ready = ledger.ready(connection, occasion.id, rules, now)
        if not ready:
            if not self.flight.of(occasion.id):
                self._close(occasion)
            return IDLE_S
        lease = Lease(rules.lease)
        with self.store.writing() as connection:
            left = self.quota.left(connection, channel, wanted, now)
            claimed = ledger.claim(
                connection, occasion, left or wanted, self.holder, rules, now, again=not left
            )
            self.quota.spend(connection, channel, claimed, now)
            if claimed and occasion.not_before:
                acts.went_on(connection, occasion, now)
            if not left and not claimed:
                return self._used_up(connection, occasion, channel, now)
        groups = [claimed] if channel.batch > 1 and claimed else [[one] for one in claimed]
        if channel.window and groups:
            groups = self._inside_window(occasion, channel, channel.window, groups)
        self._launch(occasion, channel, groups, lease)
        return 0.0

    def _used_up(self, connection: Connection, occasion: Occasion, channel: Channel, now: datetime) -> float:
        """The rest goes tomorrow, once nothing is left that WeChat may have got today and would have forgotten by then."""
        daily = self.quota.daily(channel)
        if daily and not ledger.under_way(connection, occasion.id):
            acts.wait_for_tomorrow(connection, occasion, channel, daily, now)
        return IDLE_S

    def _room(self, occasion: Occasion, channel: Channel) -> int:
        """How many rows may be claimed now: one batch, one to try a far end that was silent, or what fills the flight.

        How many are held at a time is what a crash leaves unknown, or to be sent again with the same id."""
        flying = self.flight.of(occasion.id)
        if channel.batch > 1 or self.far_end.broken:
            return 0 if flying else 1
        speed = channel.speed(self.limits)
        ahead = min(AHEAD, speed.calls / speed.window_s / self.in_flight) if channel.remembers_for else 1
        return int(self.in_flight * max(1, ahead)) - flying

    def _inside_window(
        self, occasion: Occasion, channel: Channel, window: timedelta, groups: list[list[Claimed]]
    ) -> list[list[Claimed]]:
        """Those whose last act may still be answered; the others are skipped with the reason."""
        people = [group[0].recipient for group in groups]
        now, kept = self.now(), []
        with self.store.writing() as connection:
            acts = delivery.last_acts(connection, people)
            went = delivery.sent_since(connection, channel.name, people, now - window, occasion.id)
            for group in groups:
                one = group[0]
                spoke_at, tapped_at = acts.get(one.recipient, (None, None))
                why = channel.closed(spoke_at, tapped_at, went.get(one.recipient, []), self.limits, now)
                if why:
                    skip = Outcome((one.id,), delivery.SKIPPED, why, counted=False, in_vain=True)
                    if ledger.settle(connection, self.holder, [skip], now):
                        self.quota.give_back(connection, channel, [skip], now)
                else:
                    kept.append(group)
        return kept

    def _launch(
        self, occasion: Occasion, channel: Channel, groups: Sequence[Sequence[Claimed]], lease: Lease
    ) -> None:
        if not self.flight.of(
            occasion.id
        ):  # what was noted before is written down by now, and a person may have acted
            self._brakes[occasion.id] = Brake(self.store, occasion, self.now, fresh=channel.batch > 1)
        brake, content = self._brakes[occasion.id], json.loads(occasion.content)
        for group in groups:
            departure = Departure(brake, lease, self.pulse, partial(self.pace.wait, channel), self.stopping)
            recipients = tuple(one.recipient for one in group)
            parcel = Parcel(
                occasion.name, group[0].key, recipients, content, group[0].repeat, may_go=departure
            )
            call = partial(self._call, channel, parcel, group, brake, departure)
            self.flight.launch(occasion, call, hurry=channel.remembers_for is None)

    def _call(
        self, channel: Channel, parcel: Parcel, held: Sequence[Claimed], brake: Brake, departure: Departure
    ) -> Verdict:
        """One call, in one of the threads, if it may still be made."""
        if self.stopping.is_set() or brake.pressed() or not (channel.asks or departure()):
            return policy.untouched(held)
        verdict = self._sent(channel, parcel, held, departure)
        brake.note(verdict.effect)
        return verdict

    def _sent(
        self, channel: Channel, parcel: Parcel, held: Sequence[Claimed], departure: Departure
    ) -> Verdict:
        """What the call came to. Whatever is no ChannelError leaves open whether it was delivered, once it had left."""
        batched, remembers = channel.batch > 1, channel.remembers_for is not None
        try:
            far_id = channel.send(parcel)
        except ChannelError as error:
            return policy.refused(held, error, batched, self.now())
        except HeldBack:
            return policy.untouched(held)
        except WeChatError as error:
            log.warning("no answer", extra={"push": parcel.push, "error": type(error).__name__})
        except Exception as error:
            log.exception("a channel broke", extra={"push": parcel.push, "channel": channel.name})
            if channel.asks and not departure.gone:
                return policy.unmade(held, f"准备时出了错（{type(error).__name__}），没有发出", self.now())
        else:
            return policy.delivered(held, far_id)
        return policy.silent(held, remembers, batched, self.now())

    # --- settle --------------------------------------------------------------------------------------------

    def _settle_landed(self) -> None:
        """Wait a moment, and write down what has come to an end meanwhile, push by push."""
        for occasion, verdicts in self.flight.landed():
            self._alone(occasion, partial(self._settle, verdicts=verdicts))

    def _settle(self, occasion: Occasion, verdicts: Sequence[Verdict]) -> None:
        """Write down what became of the calls; a database that is away for a moment is asked again."""
        for attempt in range(SETTLE_TRIES):
            try:
                self._write(occasion, verdicts)
            except StoreError:
                if attempt == SETTLE_TRIES - 1:
                    raise  # the rows are freed by their lease
                time.sleep(1)
            else:
                return

    def _write(self, occasion: Occasion, verdicts: Sequence[Verdict]) -> None:
        now = self.now()
        effects = {verdict.effect: verdict for verdict in verdicts}
        with self.store.writing() as connection:
            outcomes = [verdict.outcome for verdict in verdicts]
            if ledger.settle(connection, self.holder, outcomes, now) == sum(
                len(each.ids) for each in outcomes
            ):
                self.quota.give_back(connection, self.channels[occasion.channel], outcomes, now)
            for verdict in verdicts:
                if verdict.effect == "unreached":
                    self.far_end.missed(now)
                elif verdict.outcome.counted and self.far_end.reached():
                    alarm.clear(connection, UNREACHED, now)
            acts.act(connection, occasion, effects, now)
            if why := self._streak.too_long(occasion.id, verdicts):
                acts.pause(connection, occasion, why, None, now)
            if self.far_end.broken:
                self._unreached(connection, occasion, now)

    def _unreached(self, connection: Connection, occasion: Occasion, now: datetime) -> None:
        words = "连不上微信，推送在等待。请检查这台机器的网络；恢复后会自己接着发。"
        alarm.sound(connection, UNREACHED, words, now)
        if self.far_end.since and now - self.far_end.since > PATIENCE:
            reason = "两个小时都连不上微信。请检查网络，再用 push resume 继续，或用 push cancel 取消。"
            push.pause(connection, occasion.id, now, reason)
            alarm.sound(connection, f"paused {occasion.name}", f"推送 {occasion.name} 已暂停：{reason}", now)

    def _close(self, occasion: Occasion) -> None:
        """Finish the push if nothing of it is open; one that reached nobody is told."""
        with self.store.reading() as connection:
            if delivery.is_open(connection, occasion.id):
                return
        now = self.now()
        with self.store.writing() as connection:
            finished = ledger.close(connection, occasion.id, now)
            books = delivery.books(connection, occasion.id)
            if finished:
                acts.went_on(connection, occasion, now)
                if not self._tell_of_spent(connection, occasion, now):
                    self._tell_of_nobody(connection, occasion, books, now)
        self._brakes.pop(occasion.id, None)
        self._streak.forget(occasion.id)
        if finished:
            log.info("push finished", extra={"push": occasion.name, **counts(books)})

    def _tell_of_spent(self, connection: Connection, occasion: Occasion, now: datetime) -> bool:
        """Who had got all that they may get this month was skipped; whether there was anybody."""
        channel = self.channels[occasion.channel]
        monthly = channel.monthly(self.account, self.limits)
        number = delivery.number(connection, occasion.id, delivery.SKIPPED, delivery.SPENT) if monthly else 0
        if monthly and number:
            words = (
                f"推送 {occasion.name} 有 {number} 份没有发：本月的{channel.title}次数（{monthly.most} 次）已经用完。"
                f"请改到下个月{instead(channel.name, self.account)}。"
            )
            alarm.sound(connection, f"{channel.name} limit {occasion.name}", words, now)
        return bool(number)

    def _tell_of_nobody(
        self, connection: Connection, occasion: Occasion, books: delivery.Books, now: datetime
    ) -> None:
        if books.sent or books.unknown or not self.account.live:
            return
        if not books.size and may_be_empty(occasion.audience):
            return
        why = "发送对象里一个人也没有" if not books.size else f"{books.size} 份里没有一份发成"
        words = (
            f"推送 {occasion.name} 一个人也没有收到：{why}。请运行 push list 看原因；"
            f"改好以后要补发，请运行 push start {occasion.name}。"
        )
        alarm.sound(connection, f"nobody {occasion.name}", words, now)

    # --- recover -------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Free what dead workers held, let go of what was cancelled, and bring early results to their rows."""
        now = self.now()
        memories = {channel.name: channel.remembers_for for channel in self.channels.values()}
        with self.store.reading() as connection:
            gone = self.hearts.stopped(shared.holders(connection))
            if not ledger.neglected(connection, memories, now, gone) and not delivery.has_early(
                connection, now
            ):
                return
        with self.store.writing() as connection:
            freed = sum(ledger.release(connection, *memory, now, gone) for memory in memories.items())
            ledger.call_off(connection, now)
            delivery.apply_early(connection, now)
        if freed:
            log.warning("rows freed", extra={"rows": freed})


def counts(books: delivery.Books) -> dict[str, int]:
    """The books as numbers for a log line."""
    names = ("size", "open", "sent", "failed", "skipped", "unknown")
    return {name: getattr(books, name) for name in names}
