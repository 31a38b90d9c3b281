"""The words of the demonstration's lists: one push, one thing said, one copy sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from itertools import groupby, pairwise

from campaigns.year import Due
from ground.days import SHANGHAI
from ground.words import COMING, DELIVERIES, ENDINGS, PUSHES
from models.recent import HeardRow, SentRow

WEEK = "一二三四五六日"
WORST = ("vain", "nobody", "unsent", "partly")  # what a line of many days is coloured by
KINDS = {
    "text": "说", "image": "发图片", "voice": "发语音", "video": "发视频", "shortvideo": "发小视频", "location": "发位置",
    "link": "发链接",
}  # fmt: skip
EVENTS = {
    "subscribe": "关注", "unsubscribe": "取消关注", "click": "点菜单", "view": "打开网页", "scan": "扫码",
    "masssendjobfinish": "微信回报：群发结果", "templatesendjobfinish": "微信回报：模板消息结果",
    "scancode_push": "菜单扫码", "scancode_waitmsg": "菜单扫码", "pic_sysphoto": "菜单拍照", "location": "报告位置",
    "pic_photo_or_album": "菜单发图", "pic_weixin": "菜单发图", "location_select": "菜单选位置",
}  # fmt: skip
_CONTENT = re.compile(r"<(?:Content|Title)>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</(?:Content|Title)>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PushLine:
    """One line of the year: a push, or all of one push's days in a month."""

    month: str
    day: str
    hour: str
    title: str
    name: str
    channel: str
    audience: int | None
    state: str
    tone: str  # the state's English name, for its colour
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class RowLine:
    """One line of what was said or sent, with the row as it was stored behind it."""

    id: int
    at: str
    who: str
    deed: str
    words: str
    answer: str
    tone: str
    columns: tuple[tuple[str, str], ...]


def dated(at: datetime) -> str:
    """2月21日 星期日 10:00, with the year in front: the demonstration travels through years."""
    here = at.astimezone(SHANGHAI)
    return f"{here.year}年{here.month}月{here.day}日 星期{WEEK[here.weekday()]} {here:%H:%M}"


def lines(rows: Sequence[Due], now: datetime) -> list[PushLine]:
    """The year's pushes in their order; one that comes on three or more days of a month is one line."""
    coming = min((row.due_at for row in rows if row.due_at > now and row.state == COMING), default=None)
    found: list[PushLine] = []
    for _, month in groupby(sorted(rows, key=lambda row: row.due_at), key=lambda row: _month(row.due_at)):
        by_name: dict[str, list[Due]] = {}
        for row in month:
            by_name.setdefault(row.name, []).append(row)
        for days in by_name.values():
            groups = [days] if len(days) > 2 else [[day] for day in days]
            found += [_line(group, now, coming) for group in groups]
    return found


def _line(days: list[Due], now: datetime, coming: datetime | None) -> PushLine:
    first, last = days[0], days[-1]
    start, end = first.due_at.astimezone(SHANGHAI), last.due_at.astimezone(SHANGHAI)
    is_daily = all(b.due_at - a.due_at == timedelta(days=1) for a, b in pairwise(days))
    state, tone = _state(days, now)
    return PushLine(
        month=_month(first.due_at),
        day=f"{start.day}日 周{WEEK[start.weekday()]}" if first is last else f"{start.day}—{end.day}日",
        hour=f"{start:%H:%M}"
        if first is last
        else (f"每天 {start:%H:%M}" if is_daily else f"共 {len(days)} 次"),
        title=first.title,
        name=first.name,
        channel=first.way,
        audience=next((row.audience for row in reversed(days) if row.audience is not None), None),
        state=state,
        tone=tone,
        is_next=any(row.due_at == coming and row.state == COMING for row in days),
    )


def _state(days: list[Due], now: datetime) -> tuple[str, str]:
    if len(days) == 1:
        state = days[0].state
        if state == COMING and days[0].due_at <= now:
            return "已过", "past"
        return ENDINGS.get(state) or PUSHES.get(state, state), state
    endings = [row.state for row in days if row.state in ENDINGS]
    if endings:
        gone = sum(state in ("finished", "partly") for state in endings)
        worst = next((state for state in WORST if state in endings), "finished")
        return f"{PUSHES['finished']} {gone}/{len(days)}", worst if len(endings) == len(days) else "sending"
    if days[-1].due_at <= now:
        return "已过", "past"
    return f"共 {len(days)} 次", COMING


def _month(at: datetime) -> str:
    here = at.astimezone(SHANGHAI)
    return f"{here.year}年{here.month}月"


def heard(row: HeardRow) -> RowLine:
    """One interaction: who did what, and the words that answered."""
    deed = EVENTS.get((row.event or "").lower()) if row.event else KINDS.get(row.msg_type)
    return RowLine(
        id=row.id,
        at=_clock(row.received_at),
        who="微信" if (row.event or "").lower().endswith("jobfinish") else _short(row.openid),
        deed=deed or row.event or row.msg_type,
        words=row.content or row.event_key or "",
        answer=_said(row.reply),
        tone=row.state,
        columns=_columns(row),
    )


def sent(
    row: SentRow, titles: Mapping[str, str], ways: Mapping[str, str], reasons: Mapping[str, str]
) -> RowLine:
    """One delivery: which push, to whom, and how it stands. `titles` by the push's name, `ways` by the channel's,
    `reasons` are the words for our own codes."""
    state = DELIVERIES.get(row.state, row.state)
    return RowLine(
        id=row.id,
        at=_clock(row.due_at),
        who="所有关注者" if row.recipient == "all" else _short(row.recipient),
        deed=f"{ways.get(row.channel, row.channel)} · {titles.get(row.name, row.name)}",
        words=state,
        answer=reasons.get(row.reason, row.reason) or "",
        tone=row.state,
        columns=_columns(row),
    )


def _clock(at: datetime) -> str:
    here = at.astimezone(SHANGHAI)
    return f"{here.month}月{here.day}日 {here:%H:%M:%S}"


def _short(openid: str) -> str:
    return openid if len(openid) <= 12 else f"{openid[:4]}…{openid[-4:]}"


def _said(reply: str | None) -> str:
    """The words of a stored passive reply; '' where nothing was answered."""
    found = _CONTENT.search(reply or "")
    return unescape(found[1]) if found else ""


def _columns(row: HeardRow | SentRow) -> tuple[tuple[str, str], ...]:
    """The row as it was stored: column and value, empty ones left out."""
    shown = []
    for name in type(row).__slots__:
        value = getattr(row, name)
        if value is not None and value != "":
            text = (
                value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
                if isinstance(value, datetime)
                else str(value)
            )
            shown.append((name, text))
    return tuple(shown)
