"""`report`: what came in and went out in a period, as a plain table for staff or as a file for their spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from channels import reasons, title
from commands.command_line import Options
from commands.parts import Parts, stored
from ground.days import SHANGHAI, minute
from ground.normal import normal
from ground.table import Table, lines, write_csv, write_xlsx
from ground.text import visible
from ground.words import BOOKS, DELIVERIES, said
from menus.directory import Directory
from menus.reading import read
from models import delivery, edition, reach, report
from models.base import Store
from models.report import Counts, Sent

LISTED = 30  # lines of a ranking on the screen; the file has all
MORE = "用 --csv 或 --xlsx 存成表格可以看到全部"
TOPICS = {
    "near": "拿不准，给了几条让选",
    "nothing": "老实说不会",
    "both": "一句问了几件事",
    "crisis": "像是遇到危险，给了电话",
    "talk": "闲聊",
    "leave": "不想收消息",
    "person": "找真人",
    "faces": "只发了表情",
    "thanks": "道谢",
    "goodbye": "道别",
    "good": "说好",
    "voice": "语音",
    "scanned": "扫了别的码",
    "scan": "扫码进来",
    "welcome": "新关注的欢迎语",
    "welcome-back": "重新关注的欢迎语",
    "complaint": "投诉",
    "unknown-key": "点了旧菜单",
    "no-such-number": "回复了没有的数字",
    "home": "首页",
    "picture": "图片",
    "video": "视频",
    "link": "链接",
    "file": "文件",
    "place": "位置",
    "sign-in": "登录网页",
    "mine": "我的",
    "appeal": "申诉",
    "photo": "重发照片",
    "form": "参加活动",
    "form-left": "没有填完就离开",
    "form-done": "填完了",
    "unsupported": "微信没有转来的消息",
}
# Seven digits or more, with what people write between them: 138 1234 5678, +86-138-1234-5678, 6222 0200 …
LONG_NUMBER = re.compile(r"\d(?:[\s.·+()（）_/－\u2010-\u2015-]{0,3}\d){6,}(?:\s?[XxＸ])?")


def run(options: Options, parts: Parts) -> int:
    """The days that were typed, else the last thirty."""
    store, config = stored(parts).store, parts.config
    last = options.to or parts.clock.now().astimezone(SHANGHAI).date()
    return show(
        store,
        config.account.name,
        options.from_ or last - timedelta(days=29),
        last,
        {each.id: each.title for each in config.campaigns},
        read().directory,
        options.csv,
        xlsx=options.xlsx,
    )


def show(
    store: Store,
    name: str,
    first: date,
    last: date,
    campaigns: Mapping[str, str],
    guides: Directory | None,
    csv: Path | None = None,
    say: Callable[[str], None] = print,
    xlsx: Path | None = None,
) -> int:
    """`report`: the days from `first` to `last` (Shanghai, both included) of the account `name`. The exit code.

    `campaigns` are their titles by id; `guides` gives topics their names (None while its files are wrong); with `csv` or
    `xlsx` everything also goes into such a file, which is replaced."""
    if last < first:
        say(f"结束的日子（{last}）比开始的日子（{first}）还早。")
        return 2
    since, until = _start(first), _start(last + timedelta(days=1))
    counts = report.counts(store, since, until, normal)
    tables = [*_tables(counts, campaigns, guides), _joined(store, since, until)]
    say(f"{name}　{first} 至 {last}（北京时间）")
    for table in tables:
        for line in lines(table, LISTED, MORE):
            say(line)
    for file, write in ((csv, write_csv), (xlsx, write_xlsx)):
        if file is not None:
            try:
                write(file, tables)
            except OSError as error:
                say(f"\n表格没有存成（{error.strerror}）：请换一个能写的位置，或先关上打开着的 {file}。")
                return 1
            say(f"\n全部内容已存到 {file}，可以用 WPS 或 Excel 打开。")
    return 0


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


# --- the tables --------------------------------------------------------------------------------------------------


def _tables(counts: Counts, campaigns: Mapping[str, str], guides: Directory | None) -> Iterable[Table]:
    people = counts.people
    yield Table(
        "关注者",
        ("现在关注", "新关注", "取消关注", "和公众号互动过的人"),
        ((people.following, people.came, people.left, people.active),),
    )
    missed = sum(one.times for one in counts.missed)
    yield Table(
        "收到的消息和点击", ("收到", "没有答上来", "处理出错"), ((counts.received, missed, counts.failed),)
    )
    names = _names(campaigns, guides)
    heard = [(*_topic(one.topic, names), one.times, one.people) for one in counts.heard]
    sections: dict[str, int] = {}
    for section, _, times, _ in heard:
        sections[section] = sections.get(section, 0) + times
    ranked = sorted(sections.items(), key=lambda pair: -pair[1])
    yield Table("各栏目被问到的次数", ("栏目", "次数"), tuple(ranked))
    yield Table("最常问的", ("栏目", "内容", "次数", "人数"), tuple(heard))
    words = tuple((_masked(one.words), one.times, one.people) for one in counts.missed)
    guesses = tuple(
        (_masked(one.words), one.times, one.people, _called(one.offered, names), _picked(one.chosen, names))
        for one in counts.guessed
    )
    yield Table("没有答上来的话（请加进办事指南的 asks）", ("原话", "次数", "人数"), words)
    yield Table(
        "靠猜回答的话（请加进办事指南的 asks）", ("原话", "次数", "人数", "给的是", "职工选了"), guesses
    )
    yield from _of_pushes(counts)


def _of_pushes(counts: Counts) -> Iterable[Table]:
    yield Table(
        "推送",
        ("推送", "时间", "方式", "状态", "共几份", *BOOKS),
        tuple(_push_row(one) for one in counts.sent),
    )
    known = delivery.REASONS | reasons()
    yield Table(
        "没有送到的原因",
        ("推送", "时间", "结果", "原因", "份数"),
        tuple(
            (
                one.name,
                minute(one.due_at),
                DELIVERIES.get(state, state),
                known.get(reason, reason),
                number,
            )
            for one in counts.sent
            for state, reason, number in one.reasons
        ),
    )
    yield Table(
        "微信报告的群发结果（人数）",
        ("推送", "时间", "符合条件", "准备发送", "成功", "失败"),
        tuple(_told_row(one) for one in counts.sent if one.books.told),
    )


def _joined(store: Store, since: datetime, until: datetime) -> Table:
    """What workers could take part in, from its beginning on."""
    with store.reading() as connection:
        editions = edition.between(connection, since, until)
    rows = []
    for one in editions:
        days = reach.of(store, one).days
        figures = [sum(getattr(day, name) for day in days) for name in ("delivered", "opened", "people")]
        rows.append(
            (
                one.title,
                minute(one.opens_at),
                minute(one.closes_at),
                *figures,
                sum(day.chat + day.page for day in days),
            )
        )
    return Table("活动", ("活动", "开始", "截止", "送达", "打开次数", "参加人数", "填完次数"), rows)


def _push_row(sent: Sent) -> tuple[str | int, ...]:
    books = sent.books
    channel, state = title(sent.channel), said(sent.state, books.copies)
    figures = (books.size, books.sent, books.failed, books.skipped, books.unknown, books.open)
    if books.whole and books.told:  # people, as WeChat has counted them, not the one call
        figures = (books.told["total"], books.told["sent"], books.told["failed"], *figures[3:])
    return (sent.name, minute(sent.due_at), channel, state, *figures)


def _told_row(sent: Sent) -> tuple[str | int, ...]:
    told = sent.books.told
    return (
        sent.name,
        minute(sent.due_at),
        told["total"],
        told["filtered"],
        told["sent"],
        told["failed"],
    )


def _names(campaigns: Mapping[str, str], guides: Directory | None) -> dict[str, tuple[str, str]]:
    """What answers → its section and its name."""
    names = {name: ("其他", words) for name, words in TOPICS.items()}
    for button in guides.menu if guides else ():
        for item in (button, *button.sub_button):
            if item.key:
                names[item.key] = (button.name, f"菜单“{item.name}”")
    for section, entries in (guides.sections() if guides else {}).items():
        names |= {f"guide:{guide.id}": (section, guide.title) for guide in entries}
    if guides:
        for one in guides.talk:
            names.setdefault(one.id, ("闲聊", f"“{one.words[0]}”" if one.words else one.id))
        names |= {f"crisis:{kind.id}": ("紧急", kind.title) for kind in guides.crisis.kinds}
    names |= {f"campaign:{ident}": ("活动", title) for ident, title in campaigns.items()}
    return names


def _called(pages: Sequence[str], names: Mapping[str, tuple[str, str]]) -> str:
    return "、".join(_topic(page, names)[1] for page in pages)


def _picked(chosen: Sequence[tuple[str, int]], names: Mapping[str, tuple[str, str]]) -> str:
    return "、".join(f"{_topic(page, names)[1]} {times} 次" for page, times in chosen)


def _topic(topic: str, names: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    return names.get(topic) or names.get(topic.partition(":")[0]) or ("其他", topic)


def _masked(words: str) -> str:
    """What a worker wrote, without line breaks and with telephone and identity numbers made unreadable."""
    return LONG_NUMBER.sub(_stars, " ".join(visible(words).split()))[:60]


def _stars(number: re.Match[str]) -> str:
    signs = "".join(sign for sign in number[0] if sign.isalnum())
    return f"{signs[:3]}****{signs[-2:]}"
