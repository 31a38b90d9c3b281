"""Sending: what is due is planned, claimed a little at a time, sent, and settled, until nothing is open."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from campaigns.push import Push
from channels import Allowance, Channel, ChannelError, Parcel, SendLimits
from ground.days import SHANGHAI
from ground.text import BLANK
from jobs import policy
from jobs.audience import Audience, NoAudience
from jobs.brake import Brake, FarEnd
from jobs.pace import Pace
from jobs.policy import Verdict
from models import alarm, delivery, ledger, push, shared
from models.base import Connection, Store, StoreError
from models.ledger import Claimed, Outcome, Rules
from models.push import Occasion, Plan
from wx.account import Account
from wx.errors import ApiError, WeChatError, explain

log = logging.getLogger(__name__)

IDLE_S = 0.5  # how long a worker with nothing to do waits before it looks again
IN_FLIGHT = 16  # calls at the same time
LEASE = timedelta(minutes=2)  # longer than the slowest call: after so long a silent worker's rows are freed
GATHER_S = 0.2
SETTLE_TRIES = 8
CLOSING_S = 8.0  # how long calls under way may still take when the worker is told to stop
PATIENCE = timedelta(hours=2)  # without reaching WeChat, before a push is paused
REST = timedelta(seconds=10)
A_DAY = timedelta(days=1)
UNREACHED = "wechat unreached"
TOO_LATE = "发现得太晚，超过了 late_ok，没有自动发出"


def plan_of(wanted: Push) -> Plan:
    """The push as it is frozen when it starts."""
    text = json.dumps(wanted.content, ensure_ascii=False)
    return Plan(wanted.name, wanted.channel, wanted.audience, text, wanted.late_ok)


class Sender:
    """Sends what the ledger owes. Several may run on several machines; `now` is the moment of the step.

    On a live account a text with 〔待填…〕 stays here, unless `blanks_leave` (the demonstration).
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
        self._blanks_stay = account.live and not blanks_leave
        self.far_end = FarEnd()
        self.holder = secrets.token_hex(8)
        self.stopping = threading.Event()
        self._stop_at = 0.0
        self.left_behind = False  # calls that were not over when the worker had to stop
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="send")
        self._rules = {name: self._rules_of(channel) for name, channel in channels.items()}

    def _rules_of(self, channel: Channel) -> Rules:
        lease = self.lease * (5 if channel.batch > 1 else 1)  # before such a call pictures are uploaded
        only = None if self.account.live else frozenset(self.account.testers)
        return Rules(lease, channel.remembers_for, only, channel.batch)

    def close(self) -> None:
        """Give the threads back."""
        self.stop()
        self._pool.shutdown(wait=False)

    def stop(self) -> None:
        """Begin no more calls."""
        if not self.stopping.is_set():
            self._stop_at = time.monotonic()
            self.stopping.set()

    # --- plan ----------------------------------------------------------------------------------------------

    def plan(self) -> bool:
        """Write down who gets what is due; whether there was anything."""
        now = self.now()
        with self.store.reading() as connection:
            due = push.standing(connection, (push.DUE,), now)
            if shared.halted(connection) is not None:
                return False
        for occasion in due:
            if now - occasion.due_at > timedelta(seconds=occasion.late_ok_s) and not occasion.planned_up_to:
                self._miss(occasion, now)
            elif self._blanks_stay and (blank := BLANK.search(occasion.content)):
                self._unfilled(occasion, blank[0], now)
            else:
                self._lay_out(occasion)
        return bool(due)

    def _miss(self, occasion: Occasion, now: datetime) -> None:
        with self.store.writing() as connection:
            if push.move(connection, occasion.id, (push.DUE,), push.MISSED, now, reason=TOO_LATE):
                missed_alarm(connection, occasion.name, occasion.due_at, now)

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

    def _lay_out(self, occasion: Occasion) -> None:
        after = occasion.planned_up_to
        try:
            for portion in self.audience.portions(occasion):
                up_to = portion[-1].recipient
                with self.store.writing() as connection:
                    if not ledger.plan(connection, occasion, portion, after, up_to, self.now()):
                        return
                after = up_to
                if self.stopping.is_set():
                    return
        except NoAudience as fault:
            with self.store.writing() as connection:
                pause(connection, occasion, str(fault), None, self.now())
        except ApiError as error:
            row = explain(error.errcode)
            words = f"{row.means_zh}（{error.errcode}）。{row.action_zh}"
            with self.store.writing() as connection:
                pause(connection, occasion, words, error.errcode, self.now())
        except WeChatError:
            later = self.now() + REST
            with self.store.writing() as connection:
                push.hold(connection, occasion.id, later, self.now(), "连不上微信，稍后再试")
        else:
            with self.store.writing() as connection:
                size = ledger.planned(connection, occasion.id, self.now())
            log.info("push planned", extra={"push": occasion.name, "size": size})

    # --- send ----------------------------------------------------------------------------------------------

    def send(self) -> float:
        """Send a little of each push that is under way; the seconds after which to look again (0: at once)."""
        now = self.now()
        with self.store.reading() as connection:
            under_way = push.standing(connection, (push.SENDING,), now)
            if shared.halted(connection) is not None:
                return IDLE_S
        again = IDLE_S
        for occasion in under_way:
            if self.stopping.is_set() or self.far_end.resting:
                break
            again = min(again, self._send_some(occasion))
        return again

    def _send_some(self, occasion: Occasion) -> float:
        channel, rules = self.channels[occasion.channel], self._rules[occasion.channel]
        batched, allowance = channel.batch > 1, channel.allowance(self.account, self.limits)
        wanted = 1 if batched or self.far_end.broken else self._portion(channel)
        now = self.now()
        with self.store.reading() as connection:
            ready = ledger.ready(connection, occasion.id, rules, now, wanted)
        if not ready:
            self._close(occasion)
            return IDLE_S
        if allowance and self._spent(occasion, channel, allowance, now):
            return 0.0
        granted, wait_s = self.pace.admit(channel, ready)
        if not granted:
            return wait_s
        with self.store.writing() as connection:
            claimed = ledger.claim(connection, occasion, granted, self.holder, rules, self.now())
        groups = [claimed] if batched and claimed else [[one] for one in claimed]
        if channel.window and groups:
            groups = self._inside_window(occasion, channel, channel.window, groups)
        self._send_all(occasion, channel, groups)
        self._close(occasion)
        return 0.0

    def _spent(self, occasion: Occasion, channel: Channel, allowance: Allowance, now: datetime) -> bool:
        """Skip what the far end would refuse for this month or for today."""
        monthly, most = allowance.monthly, allowance.most
        with self.store.writing() as connection:
            skipped = ledger.skip_spent(connection, occasion, allowance.since(now), most, not monthly, now)
            if skipped:
                when, later = ("本月", "下个月") if monthly else ("今天", "明天")
                words = (
                    f"推送 {occasion.name} 有 {skipped} 份没有发：{when}的{channel.title}次数（{most} 次）已经用完。"
                    f"请改到{later}，{allowance.remedy}。"
                )
                alarm.sound(connection, f"{channel.name} limit {occasion.name}", words, now)
        return bool(skipped)

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
                    ledger.settle(connection, self.holder, [skip], now)
                else:
                    kept.append(group)
        return kept

    def _send_all(self, occasion: Occasion, channel: Channel, groups: Sequence[Sequence[Claimed]]) -> None:
        brake = Brake(self.store, occasion.id)
        content = json.loads(occasion.content)
        calls: set[Future[Verdict]] = set()
        for group in groups:
            recipients = tuple(one.recipient for one in group)
            parcel = Parcel(occasion.name, group[0].key, recipients, content, group[0].repeat)
            calls.add(self._pool.submit(self._call, channel, parcel, group, brake))
        # What WeChat would not know again is written down at once, the rest a little later and together.
        when = ALL_COMPLETED if channel.remembers_for else FIRST_COMPLETED
        while calls and not self._out_of_time():
            done, calls = wait(calls, timeout=GATHER_S, return_when=when)
            if done:
                self._settle(occasion, [call.result() for call in done])
        self.left_behind = bool(calls)

    def _portion(self, channel: Channel) -> int:
        """How many rows are held at a time: what a crash leaves unknown, or to be sent again with the same id."""
        return self.in_flight * (4 if channel.remembers_for else 1)

    def _out_of_time(self) -> bool:
        """Told to stop, and the calls under way take too long: their rows are freed by their lease."""
        return self.stopping.is_set() and time.monotonic() > self._stop_at + CLOSING_S

    def _call(self, channel: Channel, parcel: Parcel, held: Sequence[Claimed], brake: Brake) -> Verdict:
        """One call, in one of the threads, if it may still be made."""
        if self.stopping.is_set() or brake.pressed():
            return policy.untouched(held)
        verdict = self._sent(channel, parcel, held)
        brake.note(verdict.effect)
        return verdict

    def _sent(self, channel: Channel, parcel: Parcel, held: Sequence[Claimed]) -> Verdict:
        """What the call came to. Whatever is no ChannelError leaves open whether it was delivered."""
        batched, remembers = channel.batch > 1, channel.remembers_for is not None
        try:
            far_id = channel.send(parcel)
        except ChannelError as error:
            return policy.refused(held, error, batched, self.now())
        except WeChatError as error:
            log.warning("no answer", extra={"push": parcel.push, "error": type(error).__name__})
        except Exception:
            log.exception("a channel broke", extra={"push": parcel.push, "channel": channel.name})
        else:
            return policy.delivered(held, far_id)
        return policy.silent(held, remembers, batched, self.now())

    # --- settle --------------------------------------------------------------------------------------------

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
            ledger.settle(connection, self.holder, [verdict.outcome for verdict in verdicts], now)
            for verdict in verdicts:
                if verdict.effect == "unreached":
                    self.far_end.missed(now)
                elif verdict.outcome.counted and self.far_end.reached():
                    alarm.clear(connection, UNREACHED, now)
            for effect, act in _ACTS.items():
                if effect in effects:
                    act(connection, occasion, effects[effect], now)
                    break
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
        """Finish the push if nothing of it is open."""
        with self.store.reading() as connection:
            if delivery.is_open(connection, occasion.id):
                return
        with self.store.writing() as connection:
            finished = ledger.close(connection, occasion.id, self.now())
            books = delivery.books(connection, occasion.id)
        if finished:
            log.info("push finished", extra={"push": occasion.name, **counts(books)})

    # --- recover -------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Free what dead workers held, let go of what was cancelled, and bring early results to their rows."""
        now = self.now()
        memories = {channel.name: channel.remembers_for for channel in self.channels.values()}
        with self.store.reading() as connection:
            if not ledger.neglected(connection, memories, now) and not delivery.has_early(connection, now):
                return
        with self.store.writing() as connection:
            freed = sum(ledger.release(connection, *memory, now) for memory in memories.items())
            ledger.call_off(connection, now)
            delivery.apply_early(connection, now)
        if freed:
            log.warning("rows freed", extra={"rows": freed})

    def look_for_silence(self) -> None:
        """Raise an alarm for a mass push of which WeChat has told nothing for a day."""
        now = self.now()
        with self.store.reading() as connection:
            names = delivery.untold(connection, now, A_DAY)
        for name in names:
            words = f"群发 {name} 已过了一天，微信还没有告诉结果。请登录微信公众平台，在“发表记录”里看它是否发出。"
            with self.store.writing() as connection:
                alarm.sound(connection, f"no result {name}", words, now)


def counts(books: delivery.Books) -> dict[str, int]:
    """The books as numbers for a log line."""
    names = ("size", "open", "sent", "failed", "skipped", "unknown")
    return {name: getattr(books, name) for name in names}


def missed_alarm(connection: Connection, name: str, due_at: datetime, now: datetime) -> None:
    """Say that a push was found too late."""
    when = due_at.astimezone(SHANGHAI)
    words = (
        f"推送 {name} 本该在 {when:%m-%d %H:%M} 发出，发现时已经太晚，没有发。"
        f"要补发请运行 push start {name}。"
    )
    alarm.sound(connection, f"missed {name}", words, now)


def _halt(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    shared.halt(connection, verdict.words, now)
    words = f"所有推送已停止：{verdict.words} 处理好以后，请运行 unhalt 继续。"
    alarm.sound(connection, "halted", words, now)


def _pause(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    pause(connection, occasion, verdict.words, verdict.outcome.errcode, now)


def pause(connection: Connection, occasion: Occasion, words: str, errcode: int | None, now: datetime) -> None:
    """Stop a push that cannot go on until a person changes something, and say so."""
    if push.pause(connection, occasion.id, now, words, errcode):
        told = f"推送 {occasion.name} 已暂停：{words} 处理好以后，请运行 push resume {occasion.name}。"
        alarm.sound(connection, f"paused {occasion.name}", told, now)


def _hold(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    push.hold(connection, occasion.channel, verdict.until or now, now, verdict.words)


# The strongest comes first; the others are settled by it.
_ACTS: Mapping[policy.Effect, Callable[[Connection, Occasion, Verdict, datetime], None]] = {
    "halt": _halt,
    "pause": _pause,
    "hold": _hold,
}
