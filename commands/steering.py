"""What staff type to start and stop pushes: `push start|pause|resume|cancel`. Each gives the exit code.

What cannot be taken back is shown and asked first (`sure`); what stops something is done at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

from tqdm import tqdm

from campaigns import steering
from campaigns.approval import Approvals, asks
from campaigns.campaign import Campaign, named
from campaigns.push import Push
from channels import CHANNELS
from commands import asking
from commands.approval import push_approve, push_withdraw
from commands.audience import counted_by_wechat, size_of
from commands.command_line import Options, refuse
from commands.compliance import of_push
from commands.deed import note_afterwards, staff
from commands.halt import address, braking
from commands.outlook import AudienceSize, unknown
from commands.parts import Parts, lacks, stored
from commands.push import (
    GOOD,
    PROBLEM,
    Reaching,
    Say,
    books_words,
    find,
    last_words,
    push_list,
    push_preview,
    push_test,
    shown,
    stands,
)
from commands.reach import reach_of
from commands.waiting import waiting
from ground.days import minute
from ground.text import BLANK
from ground.words import PUSHES
from jobs.push import plan_of
from models import audit, delivery, push, shared
from models.base import Store, StoreError
from models.delivery import Books
from models.push import Occasion
from models.shared import Shared
from wx.account import Account

LOOK_S = 0.3
SILENT_S = 60.0  # so long may nobody work on a push that a person waits for
Sure = Callable[[], bool]


def run(options: Options, parts: Parts) -> int:
    """What was typed after `push`. What must also work when something is wrong asks for less than the rest."""
    name = options.name
    if options.deed == "pause":
        return braking(parts, lambda store, now: push_pause(store, name, now))
    if options.deed == "cancel" and braking(parts, lambda store, now: push_stop(store, name, now)) == GOOD:
        return GOOD  # what runs is stopped whatever is wrong with the file; the next one is looked up in it
    if options.deed == "preview":
        return _preview(name, parts)
    if options.deed == "list" and parts.loaded.value is None:
        return _list_all_the_same(parts)
    store, common, now = stored(parts).store, parts.shared, parts.clock.now()
    campaigns, account, size = parts.config.campaigns, parts.config.account, size_of(parts)
    sure, warned = partial(asking.sure, options.yes), partial(_warned, options, parts)
    mass_wait = timedelta(0) if options.yes else parts.config.limits.mass_wait
    approvals = Approvals(account.approvals, parts.path.absolute().parent, live=account.live)
    deeds: Mapping[str, Callable[[], int]] = {
        "list": lambda: (
            waiting(store, campaigns, approvals, now) if options.waiting else push_list(store, campaigns, now)
        ),
        "test": lambda: push_test(store, campaigns, account, parts.channels, name, options.openid),
        "start": lambda: push_start(
            store,
            common,
            campaigns,
            account,
            name,
            now,
            size,
            warned,
            approvals=approvals,
            mass_wait=mass_wait,
            wait=options.wait,
            reach=reach_of(parts, now),
        ),
        "approve": lambda: push_approve(store, campaigns, account, approvals, name, now, size, warned),
        "withdraw": lambda: push_withdraw(store, name, now),
        "resume": lambda: push_resume(store, common, name, now),
        "cancel": lambda: push_cancel(store, campaigns, account, name, now, size, sure),
    }
    return deeds[options.deed]()


def _warned(options: Options, parts: Parts) -> bool:
    """Sure, having read which words break a rule."""
    for line in of_push(parts.config, parts.path.absolute().parent, options.name):
        print(line)
    return asking.sure(options.yes)


def _list_all_the_same(parts: Parts) -> int:
    """`push list` with a broken config file: what is wrong with it, and what goes out all the same."""
    print(f"配置文件有 {len(parts.loaded.problems)} 处要改，正在运行的仍按原来的活动执行：")
    for problem in parts.loaded.problems:
        print(f"  ✗ {problem}")
    with closing(Store(address(parts))) as store:
        if words := lacks(store):
            raise refuse(words)
        return push_list(store, (), datetime.now(UTC), broken=True)


def _preview(name: str, parts: Parts) -> int:
    """Needs the file and nothing else: who writes a push looks at it long before there is a database."""
    config, now = parts.config, datetime.now(UTC)
    try:
        store = None if lacks(parts.store) else parts.store
    except (StoreError, OSError):
        store = None
    code = push_preview(
        store,
        config.campaigns,
        config.account,
        name,
        now,
        size_of(parts) if store else unknown,
        theirs=lambda: counted_by_wechat(parts),
        reach=reach_of(parts, now) if store else lambda push, due: (),
    )
    for line in of_push(config, parts.path.absolute().parent, name):
        print(line)
    return code


def push_start(
    store: Store,
    common: Shared,
    campaigns: Sequence[Campaign],
    account: Account,
    name: str,
    now: datetime,
    size: AudienceSize,
    sure: Sure,
    *,
    approvals: Approvals,
    mass_wait: timedelta = timedelta(0),
    wait: bool = False,
    reach: Reaching = lambda push, due: (),
    say: Say = print,
) -> int:
    """Make a push due now, once a person has seen it and is sure; `work` sends it. With `wait`, show how far it is.

    A mass push is due after `mass_wait`, so that it can still be cancelled."""
    wanted = find(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    due = now + (mass_wait if CHANNELS[wanted.channel].whole else timedelta(0))
    with store.reading() as connection:
        standing = push.latest(connection, name, push.OPEN)
    if standing is not None:
        return _not_again(name, f"它{stands(standing, now)}", say)
    with store.reading() as connection:
        lacking = approvals.lacking(connection, plan_of(wanted))
    if lacking:
        return _not_again(name, f"{asks(name, lacking)}批准以后再运行一次", say)
    for line in (
        *shown(campaigns, wanted, account, size),
        *reach(wanted, None),
        last_words(store, name),
        _soon(due, now),
    ):
        say(line)
    if not sure():
        say("没有开始，什么也没有发。")
        return PROBLEM
    push_id, halted, working = _owe(store, wanted, due, now)
    if push_id is None:
        return _not_again(name, "刚刚已经开始了一次", say)
    common.ring()
    for line in _begun(wanted, due, now, halted, working=working):
        say(line)
    return _watch(store, push_id, say) if wait else GOOD


def _begun(wanted: Push, due: datetime, now: datetime, halted: str | None, *, working: bool) -> Iterator[str]:
    """That it was started, and all that may still keep it from going out."""
    name = wanted.name
    if due == now:
        yield f"推送 {name} 已经开始。"
    else:
        yield f"推送 {name} 在 {minute(due)} 发；后悔了就运行 push cancel {name}。"
    if blank := BLANK.search(plan_of(wanted).content):
        yield f"内容里还有没填的{blank[0]}：正式开通（live = true）的账号不会发出，只有测试人员收得到。"
    if halted is not None:
        yield f"现在所有推送都已停止（{halted}），运行 unhalt 以后才会发出。"
    if not working:
        yield "现在没有推送进程在运行，请启动 work（systemctl start gonghui-work），它会接着发。"


def _owe(store: Store, wanted: Push, due: datetime, now: datetime) -> tuple[int | None, str | None, bool]:
    """The push's row, None where somebody was faster; why everything is halted; whether a worker lives."""
    with store.writing() as connection:
        halted = shared.halted(connection)
        working = bool(shared.beats(connection, now))
        push_id = steering.start(connection, plan_of(wanted), due, now)
        if push_id is not None:
            audit.note(connection, staff(), "start", wanted.name, {"due_at": due}, now)
    return push_id, halted, working


def _soon(due: datetime, now: datetime) -> str:
    if due == now:
        return "马上就发，发出去收不回来。"
    return f"{minute(due)} 发，在那以前可以取消；发出去收不回来。"


def _not_again(name: str, why: str, say: Say) -> int:
    say(f"推送 {name} 没有重新开始：{why.rstrip('。')}。看进度请运行 push list。")
    return PROBLEM


def _watch(store: Store, push_id: int, say: Say) -> int:
    """A progress bar until the push is over, paused, or nobody works on it."""
    quiet_since, before = time.monotonic(), None
    with tqdm(total=None, unit="份", leave=False) as bar:
        while True:
            with store.reading() as connection:
                standing = push.get(connection, push_id)
                books = delivery.books(connection, push_id)
            if standing is None or standing.state not in (push.DUE, push.SENDING):
                break
            if books != before:
                quiet_since, before = time.monotonic(), books
            if time.monotonic() - quiet_since > SILENT_S:
                say("一分钟没有动静了，推送会在后台继续；看进度请运行 push list。")
                break
            bar.total = standing.size
            bar.n = books.size - books.open
            bar.refresh()
            time.sleep(LOOK_S)
    return _say_end(standing, books, say)


def _say_end(standing: Occasion | None, books: Books, say: Say) -> int:
    say(books_words(books))
    if standing is None or standing.state != push.FINISHED:
        if standing is not None:
            say(f"{PUSHES[standing.state]}。{standing.reason}")
        return PROBLEM
    return PROBLEM if books.failed or books.unknown else GOOD


def push_pause(store: Store, name: str, now: datetime, say: Say = print) -> int:
    """Stop a push where it stands."""
    with store.writing() as connection:
        done = steering.pause(connection, name, now, "有人暂停了它")
    if done:
        note_afterwards(store, "pause", name, now)
    say(f"推送 {name} 已暂停；继续请运行 push resume {name}。" if done else _nothing(name, "正在进行的"))
    return GOOD if done else PROBLEM


def push_resume(store: Store, common: Shared, name: str, now: datetime, say: Say = print) -> int:
    """Go on with a paused push where it stood, or take back the cancelling of the next one."""
    with store.writing() as connection:
        done = steering.resume(connection, name, now)
        if done.going_on or done.back:
            audit.note(connection, staff(), "resume", name, {}, now)
    common.ring()
    if done.back is not None:
        say(f"收回了取消：推送 {name} 在 {minute(done.back)} 照常发。")
        return GOOD
    say(f"推送 {name} 继续发送。" if done.going_on else _nothing(name, "暂停的，也没有提前取消的"))
    return GOOD if done.going_on else PROBLEM


def push_cancel(
    store: Store,
    campaigns: Sequence[Campaign],
    account: Account,
    name: str,
    now: datetime,
    size: AudienceSize,
    sure: Sure,
    say: Say = print,
) -> int:
    """End a push that is under way, or call off the next one once a person is sure; what has gone out stays out."""
    if push_stop(store, name, now, say) == GOOD:
        return GOOD
    wanted = named(campaigns).get(name)
    due = wanted.next_due(now) if wanted else None
    if wanted is None or due is None:
        say(_nothing(name, "可以取消的"))
        return PROBLEM
    with store.reading() as connection:
        known = push.at(connection, name, due)
    if known is not None:
        say(f"下一次（{minute(due)}）已经取消过了，没有再取消别的。要收回取消请运行 push resume {name}。")
        return PROBLEM
    for line in (*shown(campaigns, wanted, account, size), last_words(store, name)):
        say(line)
    say(f"没有正在进行的；要取消的是下一次：{minute(due)}。以后的照常。")
    if not sure():
        say("没有取消。")
        return PROBLEM
    with store.writing() as connection:
        steering.call_off(connection, plan_of(wanted), due, now, "有人提前取消了它")
        audit.note(connection, staff(), "call off", name, {"due_at": due}, now)
    say(f"推送 {name} 在 {minute(due)} 的这一次不会发了。以后的照常。要收回请运行 push resume {name}。")
    return GOOD


def push_stop(store: Store, name: str, now: datetime, say: Say = print) -> int:
    """End a push that is under way; 1 and no word when there is none. Needs nothing but the database."""
    with store.writing() as connection:
        books = steering.stop(connection, name, now, "有人取消了它")
    if books is None:
        return PROBLEM
    say(f"推送 {name} 已取消。{books_words(books)}")
    note_afterwards(store, "cancel", name, now)
    return GOOD


def _nothing(name: str, what: str) -> str:
    return f"没有{what}推送 {name}。看一看有哪些：push list。"
