"""What staff type: `push list|preview|test|start|pause|resume|cancel`. Each gives the exit code."""

from __future__ import annotations

import difflib
import json
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from tqdm import tqdm

from campaigns.campaign import Campaign, named
from campaigns.push import Push
from channels import Channel, ChannelError, Parcel, reasons, title
from ground.days import minute
from ground.text import BLANK
from ground.words import BOOKS, DELIVERIES, PUSHES
from jobs.push import plan_of
from models import alarm, delivery, ledger, push, shared
from models.base import Store
from models.delivery import REASONS, Books
from models.push import Occasion
from models.shared import Shared
from wx.account import Account
from wx.errors import WeChatError, explain

GOOD, PROBLEM = 0, 1
Say = Callable[[str], None]

AHEAD = timedelta(days=400)
LOOK_S = 0.3
SILENT_S = 60.0  # so long may nobody work on a push that a person waits for


# --- looking -----------------------------------------------------------------------------------------------------


def push_list(store: Store, campaigns: Iterable[Campaign], now: datetime, say: Say = print) -> int:
    """The last pushes with their books, the next ones, and what a person must look at."""
    with store.reading() as connection:
        past = push.recent(connection, 20)
        books = {one.id: delivery.books(connection, one.id) for one in past}
        why = {one.id: delivery.reasons(connection, one.id) for one in past if books[one.id].size}
        alarms = alarm.standing(connection, 20)
        halted = shared.halted(connection)
    if halted is not None:
        say(f"⚠ 所有推送都已停止：{halted}（运行 unhalt 继续）")
    say("最近的推送（北京时间）：" if past else "还没有推送过。")
    known = REASONS | reasons()
    for one in past:
        say(f"  {minute(one.due_at)}　{one.name}　{title(one.channel)}　{PUSHES[one.state]}")
        say(f"      {books_words(books[one.id])}")
        if one.reason:
            say(f"      {one.reason}")
        for state, reason, number in why.get(one.id, []):
            say(f"      {DELIVERIES[state]} {number} 份：{known.get(reason, reason) or '没有写原因'}")
    _say_next(campaigns, now, say)
    if alarms:
        say("需要您处理：")
        for each in alarms:
            say(f"  · {each.words}")
    return PROBLEM if alarms or halted is not None else GOOD


def _say_next(campaigns: Iterable[Campaign], now: datetime, say: Say) -> None:
    coming = [
        (due, wanted) for wanted in named(campaigns).values() if (due := wanted.next_due(now)) is not None
    ]
    if coming:
        say("接下来的推送：")
    for due, wanted in sorted(coming, key=lambda pair: pair[0])[:10]:
        say(f"  {minute(due)}　{wanted.name}　{title(wanted.channel)}")


def books_words(books: Books) -> str:
    """A push's books in one line; they always add up."""
    figures = (books.sent, books.failed, books.skipped, books.unknown, books.open)
    parts = (f"{name} {figure}" for name, figure in zip(BOOKS, figures, strict=True))
    words = f"共 {books.size} 份：{'，'.join(parts)}"
    if books.told:
        told = books.told
        words += f"；微信统计：应发 {told['total']} 人，送达 {told['sent']} 人，失败 {told['failed']} 人"
    return words


def push_preview(
    store: Store, campaigns: Iterable[Campaign], account: Account, name: str, now: datetime, say: Say = print
) -> int:
    """What a push will say, to whom, and when; sends nothing."""
    wanted = _named(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    due = wanted.next_due(now)
    with store.reading() as connection:
        following = ledger.count_following(connection)
    whom = {"all": f"全体关注者（现在 {following} 人）"}.get(wanted.audience, wanted.audience)
    say(f"{wanted.name}　{title(wanted.channel)}　发给{whom}")
    say(f"下一次：{minute(due) if due else '没有了，时间已经过去'}")
    if not account.live:
        say(f"账号还没有正式开通（live = false），只会发给 {len(account.testers)} 位测试人员。")
    say("内容：")
    for line in _content_lines(wanted):
        say(f"  {line}")
    return GOOD


def _content_lines(wanted: Push) -> list[str]:
    if wanted.text:
        return wanted.text.splitlines()
    if wanted.article:
        article = wanted.article
        found = [
            f"标题：{article.title}",
            f"摘要：{article.digest}",
            f"封面：{article.cover}",
            article.content,
        ]
        return [line for part in found for line in part.splitlines()]
    if wanted.template:
        values = [f"{key}：{value}" for key, value in wanted.template.data.items()]
        return [f"模板 {wanted.template.id}", *values, f"点开：{wanted.template.url or '没有链接'}"]
    if wanted.menu:
        choices = [f"[{item.content}]" for item in wanted.menu.items]
        return [wanted.menu.head, *choices, wanted.menu.tail]
    return [f"图片 {wanted.image}"]


def push_test(
    store: Store,
    campaigns: Iterable[Campaign],
    account: Account,
    channels: Mapping[str, Channel],
    name: str,
    openid: str,
    say: Say = print,
) -> int:
    """Send one copy to one person at once, outside the books."""
    wanted = _named(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    with store.reading() as connection:
        halted = shared.halted(connection)
    if halted is not None:
        say(f"所有推送都已停止（{halted}），测试也不发。运行 unhalt 以后再试。")
        return PROBLEM
    if not account.live and openid not in account.testers:
        say("账号还没有正式开通（live = false），只能发给测试人员：请先把这个编号写进配置文件的 testers。")
        return PROBLEM
    content = json.loads(plan_of(wanted).content)
    try:
        channels[wanted.channel].show(Parcel(name, secrets.token_hex(16), (openid,), content))
    except ChannelError as error:
        action = explain(error.errcode).action_zh if error.errcode is not None else ""
        say(f"没有发成：{error.reason}。{action}")
        return PROBLEM
    except WeChatError:
        say("发出后没有收到微信的回答，不知道是否送到。请看一看那部手机。")
        return PROBLEM
    say(f"已发出一份测试：{name}。请看一看那部手机。")
    return GOOD


# --- starting and stopping ---------------------------------------------------------------------------------------


def push_start(
    store: Store,
    common: Shared,
    campaigns: Iterable[Campaign],
    name: str,
    now: datetime,
    *,
    wait: bool = False,
    say: Say = print,
) -> int:
    """Make a push due now; `work` sends it. With `wait`, show how far it is until it is over."""
    wanted = _named(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    with store.writing() as connection:
        standing = push.latest(connection, name, push.OPEN)
        halted = shared.halted(connection)
        working = bool(shared.beats(connection, now))
        push_id = None if standing else push.owe(connection, plan_of(wanted), now, now)
        if push_id is not None:
            alarm.clear(connection, f"missed {name}", now)
    if push_id is None:
        why = f"它{PUSHES[standing.state]}" if standing else "刚刚已经开始了一次"
        say(f"推送 {name} 没有重新开始：{why}。看进度请运行 push list。")
        return PROBLEM
    common.ring()
    say(f"推送 {name} 已经开始。")
    if blank := BLANK.search(plan_of(wanted).content):
        say(f"内容里还有没填的{blank[0]}：正式开通（live = true）的账号不会发出，只有测试人员收得到。")
    if halted is not None:
        say(f"现在所有推送都已停止（{halted}），运行 unhalt 以后才会发出。")
    if not working:
        say("现在没有推送进程在运行，请启动 app.py work，它会接着发。")
    if not wait:
        return GOOD
    return _watch(store, push_id, say)


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
        standing = push.latest(connection, name, (push.DUE, push.SENDING))
        done = standing is not None and push.pause(connection, standing.id, now, "有人暂停了它")
    say(f"推送 {name} 已暂停；继续请运行 push resume {name}。" if done else _nothing(name, "正在进行的"))
    return GOOD if done else PROBLEM


def push_resume(store: Store, common: Shared, name: str, now: datetime, say: Say = print) -> int:
    """Go on with a paused push where it stood."""
    with store.writing() as connection:
        standing = push.latest(connection, name, (push.PAUSED,))
        done = standing is not None and push.resume(connection, standing.id, now)
        if done:
            alarm.clear(connection, f"paused {name}", now)
    common.ring()
    say(f"推送 {name} 继续发送。" if done else _nothing(name, "暂停的"))
    return GOOD if done else PROBLEM


def push_cancel(
    store: Store, campaigns: Iterable[Campaign], name: str, now: datetime, say: Say = print
) -> int:
    """End a push that is under way, or call off the next one; what has gone out stays out."""
    with store.writing() as connection:
        standing = push.latest(connection, name, push.OPEN)
        if standing is not None:
            push.move(connection, standing.id, push.OPEN, push.CANCELLED, now, reason="有人取消了它")
            ledger.call_off(connection, now)
            alarm.clear(connection, f"paused {name}", now)
            books = delivery.books(connection, standing.id)
    if standing is not None:
        say(f"推送 {name} 已取消。{books_words(books)}")
        return GOOD
    wanted = named(campaigns).get(name)
    due = wanted.next_due(now) if wanted else None
    if wanted is None or due is None:
        say(_nothing(name, "可以取消的"))
        return PROBLEM
    with store.writing() as connection:
        push.owe(connection, plan_of(wanted), due, now, push.CANCELLED, "有人提前取消了它")
    say(f"推送 {name} 在 {minute(due)} 的这一次不会发了。以后的照常。")
    return GOOD


# --- words -------------------------------------------------------------------------------------------------------


def _named(campaigns: Iterable[Campaign], name: str, say: Say) -> Push | None:
    every = named(campaigns)
    if name not in every:
        near = _nearest(name, list(every))
        say(f"配置文件里没有推送 {name}。{f'是不是 {near}？' if near else '名字写成 活动/推送。'}")
    return every.get(name)


def _nearest(name: str, names: Sequence[str]) -> str:
    found = difflib.get_close_matches(name, names, 1, 0.5)
    return found[0] if found else ""


def _nothing(name: str, what: str) -> str:
    return f"没有{what}推送 {name}。看一看有哪些：push list。"
