"""What staff type to look at pushes: `push list|preview|test`. Each gives the exit code."""

from __future__ import annotations

import difflib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from campaigns.campaign import Campaign, named
from campaigns.push import Push
from campaigns.watch import kept
from channels import CHANNELS, Channel, ChannelError, Parcel, reasons, title
from commands.outlook import AudienceSize
from ground.audience import words
from ground.days import minute
from ground.words import BOOKS, DELIVERIES, said
from jobs.followers import differ
from jobs.push import plan_of
from models import alarm, delivery, push, shared
from models.base import Store
from models.delivery import REASONS, Books
from models.push import Occasion
from wx.account import Account
from wx.errors import WeChatError, explain

GOOD, PROBLEM = 0, 1
Say = Callable[[str], None]
Reaching = Callable[[Push, datetime | None], Iterable[str]]
"""How many people a push reaches that is due then (None: now), in words."""


# --- looking -----------------------------------------------------------------------------------------------------


def push_list(
    store: Store,
    campaigns: Iterable[Campaign],
    now: datetime,
    say: Say = print,
    *,
    broken: bool = False,
) -> int:
    """The last pushes with their books, the next ones, and what a person must look at. Where the config file is broken, the
    next ones are those of the process that goes by the old one."""
    with store.reading() as connection:
        past = push.recent(connection, 20)
        books = {one.id: delivery.books(connection, one.id) for one in past}
        why = {one.id: delivery.reasons(connection, one.id) for one in past if books[one.id].size}
        alarms = alarm.standing(connection, 20)
        halted = shared.halted(connection)
        held = kept(connection, now) if broken else None
    if halted is not None:
        say(f"⚠ 所有推送都已停止：{halted}（运行 unhalt 继续）")
    say("最近的推送（北京时间）：" if past else "还没有推送过。")
    known = REASONS | reasons()
    for one in past:
        say(f"  {minute(one.due_at)}　{one.name}　{title(one.channel)}　{stands(one, now, books[one.id])}")
        say(f"      {books_words(books[one.id])}")
        if one.reason:
            say(f"      {one.reason}")
        for state, reason, number in why.get(one.id, []):
            say(f"      {DELIVERIES[state]} {number} 份：{known.get(reason, reason) or '没有写原因'}")
    if not broken:
        _say_next(_next(campaigns, now), say)
    elif held is None:
        say("没有推送进程还按原来的活动执行：配置文件改好之前，什么也不会发。")
    else:
        _say_next(held, say)
    if alarms:
        say("需要您处理：")
        for each in alarms:
            say(f"  · {each.words}")
    return PROBLEM if alarms or broken or halted is not None else GOOD


def stands(one: Occasion, now: datetime, books: Books | None = None) -> str:
    """Where a push stands, in words."""
    if one.state == push.DUE and one.due_at > now:
        return f"等到 {minute(one.due_at)} 发，在那以前可以取消（push cancel {one.name}）"
    return said(one.state, books.copies if books else {})


def _next(campaigns: Iterable[Campaign], now: datetime) -> list[tuple[datetime, str, str]]:
    """Of every push the next time: when, name, channel."""
    found = ((each.next_due(now), each) for each in named(campaigns).values())
    return sorted((due, each.name, each.channel) for due, each in found if due is not None)


def _say_next(coming: Sequence[tuple[datetime, str, str]], say: Say) -> None:
    if coming:
        say("接下来的推送：")
    for due, name, channel in coming[:10]:
        say(f"  {minute(due)}　{name}　{title(channel)}")


def books_words(books: Books) -> str:
    """A push's books in one line; they always add up."""
    figures = (books.sent, books.failed, books.skipped, books.unknown, books.open)
    parts = (f"{name} {figure}" for name, figure in zip(BOOKS, figures, strict=True))
    head = "按一次群发记账" if books.whole else f"共 {books.size} 份"
    words = f"{head}：{'，'.join(parts)}"
    if books.whole and not books.told:
        words += "；微信还没有报来人数" if books.sent else ""
    if books.told:
        told = books.told
        words += f"；微信统计：应发 {told['total']} 人，送达 {told['sent']} 人，失败 {told['failed']} 人"
    return words


def push_preview(
    store: Store | None,
    campaigns: Sequence[Campaign],
    account: Account,
    name: str,
    now: datetime,
    size: AudienceSize,
    say: Say = print,
    theirs: Callable[[], int | None] = lambda: None,
    reach: Reaching = lambda push, due: (),
) -> int:
    """What a push will say, to whom, and when; sends nothing. Without a database it is not said how many that are, nor when it
    last went out. `theirs`: how many follow by WeChat's count, None where it did not say."""
    wanted = find(campaigns, name, say)
    if wanted is None:
        return PROBLEM
    due = wanted.next_due(now)
    for line in (*shown(campaigns, wanted, account, size), *reach(wanted, due)):
        say(line)
    if wanted.audience == "all" and not CHANNELS[wanted.channel].whole:
        ours, counted = size("all"), theirs()
        if ours is not None and counted is not None and differ(ours, counted):
            say(
                f"⚠ 微信说有 {counted} 位关注者，系统只认得 {ours} 位，其余的人收不到。请先运行 follower import。"
            )
    say(f"下一次：{minute(due) if due else '没有了，时间已经过去'}")
    if store is not None:
        say(last_words(store, name))
    return GOOD


def shown(campaigns: Iterable[Campaign], wanted: Push, account: Account, size: AudienceSize) -> Iterator[str]:
    """A push as a person looks it over: its title, to whom and how many, and what it says."""
    of_year = wanted.title or next(each.title for each in campaigns if wanted in each.pushes)
    number = size(wanted.audience)
    people = "人数未知" if number is None else f"现在 {number} 人"
    yield f"{wanted.name}　{title(wanted.channel)}　发给{words(wanted.audience)}（{people}）　{of_year}"
    if not account.live:
        yield f"账号还没有正式开通（live = false），只会发给 {len(account.testers)} 位测试人员。"
    yield "内容："
    yield from (f"  {line}" for line in _content_lines(wanted))


def last_words(store: Store, name: str) -> str:
    """When a push of this name last went out, and what became of it."""
    with store.reading() as connection:
        last = push.latest(connection, name, (*push.OPEN, push.FINISHED))
        books = delivery.books(connection, last.id) if last else None
    if last is None or books is None:
        return "上一次：以前没有发过。"
    return f"上一次：{minute(last.due_at)}，{said(last.state, books.copies)}。{books_words(books)}"


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
    wanted = find(campaigns, name, say)
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


# --- words -------------------------------------------------------------------------------------------------------


def find(campaigns: Iterable[Campaign], name: str, say: Say) -> Push | None:
    """The push of this name; the nearest is said where there is none."""
    every = named(campaigns)
    if name not in every:
        near = _nearest(name, list(every))
        say(f"配置文件里没有推送 {name}。{f'是不是 {near}？' if near else '名字写成 活动/推送。'}")
    return every.get(name)


def _nearest(name: str, names: Sequence[str]) -> str:
    found = difflib.get_close_matches(name, names, 1, 0.5)
    return found[0] if found else ""
