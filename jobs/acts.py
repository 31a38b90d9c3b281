"""What happens to a push beyond its rows: missed, paused, held, or everything halted; and the staff are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from channels import Allowance, Channel
from ground.days import SHANGHAI, minute
from ground.quiet import read_quiet
from jobs import policy
from jobs.policy import Verdict
from jobs.quota import days_for, next_morning
from models import alarm, delivery, push, shared
from models.base import Connection
from models.push import Occasion

TOO_LATE = "发现得太晚，超过了 late_ok，没有自动发出"
LEFT_OUT = '发现得太晚，超过了 late_ok，按 missed = "skip" 没有发，也没有报警'
PROMPT = timedelta(minutes=1)  # never too late, whatever `late_ok` says: a worker may be busy for so long
AGAIN = timedelta(minutes=1)  # after a fault of our own
LONG = timedelta(hours=1)  # who waited for so long does not go on in the quiet hours
HELD = "held"


def begins_at(occasion: Occasion, now: datetime) -> datetime | None:
    """When a push that is due may begin: now, or at the end of the quiet hours that it was found late in; None when that is
    later than its writer allows. What was taken up in time, and what a person wants, begins now."""
    late = now - occasion.due_at
    if occasion.started_at is not None or late <= PROMPT:
        return now
    quiet = read_quiet(occasion.quiet or "")
    at = quiet.over(now) if quiet else now
    return at if at - occasion.due_at <= timedelta(seconds=occasion.late_ok_s) else None


def missed_alarm(connection: Connection, name: str, due_at: datetime, now: datetime) -> None:
    """Say that a push was found too late."""
    when = due_at.astimezone(SHANGHAI)
    words = (
        f"推送 {name} 本该在 {when:%m-%d %H:%M} 发出，发现时已经太晚，没有发。"
        f"要补发请运行 push start {name}。"
    )
    alarm.sound(connection, f"missed {name}", words, now)


def miss(connection: Connection, occasion: Occasion, now: datetime) -> None:
    """A push that nobody took up in time; a person may still start it, and is asked where its writer wants that."""
    asks = occasion.missed != "skip"
    reason = TOO_LATE if asks else LEFT_OUT
    if push.move(connection, occasion.id, (push.DUE,), push.MISSED, now, reason=reason) and asks:
        missed_alarm(connection, occasion.name, occasion.due_at, now)


def pause(connection: Connection, occasion: Occasion, words: str, errcode: int | None, now: datetime) -> None:
    """Stop a push that cannot go on until a person changes something, and say so."""
    if push.pause(connection, occasion.id, now, words, errcode):
        told = f"推送 {occasion.name} 已暂停：{words} 处理好以后，请运行 push resume {occasion.name}。"
        alarm.sound(connection, f"paused {occasion.name}", told, now)


def hold_back(connection: Connection, occasion: Occasion, why: str, now: datetime, *, tell: bool) -> None:
    """Let this push alone wait a minute and try again by itself; with `tell`, the staff hear of it."""
    words = f"{why}，一分钟后再试，别的推送照常。"
    push.hold(connection, occasion.id, now + AGAIN, now, words)
    if tell:
        told = f"推送 {occasion.name} 发不下去：{words}如果一直这样，请把这句话和日志发给技术人员。"
        alarm.sound(connection, f"{HELD} {occasion.name}", told, now)


def wait_for_morning(connection: Connection, occasion: Occasion, until: datetime, now: datetime) -> None:
    """Found late and in the quiet hours: it begins when they are over."""
    words = f"到点时没有发成，现在是安静时间，{minute(until)} 再发。"
    push.hold(connection, occasion.id, until, now, words)


def wait_for_tomorrow(
    connection: Connection, occasion: Occasion, channel: Channel, daily: Allowance, now: datetime
) -> None:
    """Today's allowance is used up: the rest goes on by itself tomorrow, at the push's own hour, as long as it takes."""
    open_ = delivery.number(connection, occasion.id, delivery.PLANNED)
    again = next_morning(occasion.due_at, now)
    last = again + timedelta(days=days_for(open_, channel, daily) - 1)
    words = f"{daily.rule}，今天的用完了，还剩 {open_} 份，{minute(again)} 自己接着发"
    words += f"，{last.astimezone(SHANGHAI):%m-%d} 发完。" if last > again else "。"
    push.hold(connection, occasion.id, again, now, words)
    if delivery.number(connection, occasion.id, delivery.SENT) == 0:
        told = f"推送 {occasion.name} 今天没有发：{words}不想明天发，请运行 push cancel {occasion.name}。"
        alarm.sound(connection, f"{HELD} {occasion.name}", told, now)


def went_on(connection: Connection, occasion: Occasion, now: datetime) -> None:
    """What held it back is over."""
    alarm.clear(connection, f"{HELD} {occasion.name}", now)
    push.go_on(connection, occasion.id, now)


def act(
    connection: Connection, occasion: Occasion, verdicts: Mapping[policy.Effect, Verdict], now: datetime
) -> None:
    """Do the strongest of what these verdicts ask for; the others are settled by it."""
    for effect, deed in _DEEDS.items():
        if effect in verdicts:
            deed(connection, occasion, verdicts[effect], now)
            return


def _halt(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    shared.halt(connection, verdict.words, now)
    words = f"所有推送已停止：{verdict.words} 处理好以后，请运行 unhalt 继续。"
    alarm.sound(connection, "halted", words, now)


def _pause(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    pause(connection, occasion, verdict.words, verdict.outcome.errcode, now)


def _hold(connection: Connection, occasion: Occasion, verdict: Verdict, now: datetime) -> None:
    """For all that go out by this channel, also those that come due meanwhile, on every machine."""
    until = verdict.until or now
    if until - now > LONG and (quiet := read_quiet(occasion.quiet or "")):
        until = quiet.over(until)  # the day's limit ends at midnight
    shared.rest(connection, occasion.channel, verdict.words, until, now)
    push.hold(connection, occasion.channel, until, now, verdict.words)


_DEEDS: Mapping[policy.Effect, Callable[[Connection, Occasion, Verdict, datetime], None]] = {
    "halt": _halt,
    "pause": _pause,
    "hold": _hold,
}
