"""The year's campaigns as workers are told of them: what the config file says, and nothing that pretends to take part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from campaigns.campaign import OPEN_END, Campaign
from campaigns.taking_part import NOT_YET, may
from ground.days import SHANGHAI, moment
from ground.text import without_blanks
from handlers.book import URGENT, book
from handlers.page import BACK, Page, listing, page, show
from handlers.titles import Titles
from handlers.turn import House, Turn
from menus.guide import HOTLINE
from wx.replies import News, Text

INWARD = ("preparation", "report", "newspaper")  # the staff's own work: no worker is told of it
FRESH_S = 10  # a changed config is told of this much later at most
MOST = 15  # lines of one list; what is more follows on a list of its own
LONGEST_TITLE = 20  # characters of a title in a list: all lines fit into one reply
LONGEST_TEXT = 500  # characters of a campaign's own words that fit into one reply with the rest
CARD = "card:"  # before the id of a campaign in which workers can take part
PICTURE = "reeds.png"
PICTURES = {"riddle": "crab.png", "poll": "helmet.png"}
STANDING = timedelta(days=200)  # what goes on for longer stands behind what passes
ONLY_TOLD = f"怎么参加、在哪里参加，以活动通知为准；想问清楚，请拨 {HOTLINE}。"
ITEMS: Mapping[str, tuple[str, ...]] = {
    "WISH": ("wish",),
    "RIDDLE": ("riddle",),
    "POLL": ("poll",),
    "YEAR": (),
}
"""The menu items that campaigns answer, and of which kinds; () for all."""
REST = "后面的活动"


def told(house: House, now: datetime, kinds: Collection[str] = ()) -> list[Campaign]:
    """The campaigns that workers are told of: those of these kinds, or all; the next one first."""
    return [each.campaign for each in _of(house, now, kinds)]


@dataclass(frozen=True, slots=True)
class Told:
    """A campaign and its days as they are now (Shanghai, from and to), for which a year must be laid out."""

    campaign: Campaign
    dates: tuple[tuple[date, date | None], ...]
    next_push_at: datetime | None


def titles(house: House, now: datetime) -> Titles:
    """What they are called."""
    return _titles(house, lately(now))


def _of(house: House, now: datetime, kinds: Collection[str] = ()) -> list[Told]:
    return [each for each in _told(house, lately(now)) if not kinds or each.campaign.kind in kinds]


def lately(now: datetime) -> datetime:
    """The moment, a few seconds rough, by which what is laid out for it is found again."""
    seconds = int(now.timestamp())
    return datetime.fromtimestamp(seconds - seconds % FRESH_S, UTC)


@lru_cache(maxsize=8)
def _titles(house: House, now: datetime) -> Titles:
    return Titles(each.campaign for each in _told(house, now))


@lru_cache(maxsize=8)
def _told(house: House, now: datetime) -> tuple[Told, ...]:
    # laying out a year's dates takes milliseconds, which a sentence in the chat must not cost each time
    today = now.astimezone(SHANGHAI).date()
    seen = [
        Told(one, one.dates(today), one.next_push(now)) for one in house.campaigns() if one.kind not in INWARD
    ]
    return tuple(sorted(seen, key=_place))


def _place(each: Told) -> tuple[bool, date]:
    """The next one first, and last what is always on."""
    first, last = each.dates[0] if each.dates else (date.max, None)
    return last is not None and last - first > STANDING, first


def answer(turn: Turn, key: str, skip: int = 0) -> Text:
    """A menu item that is answered by campaigns: a single one at once, several as a list to choose from, behind `skip`."""
    empty = book(turn.house).pages[key]
    parent = empty.state.split("|")[1]
    campaigns = _of(turn.house, turn.now, ITEMS[key])
    title = book(turn.house).finder.titles[key]
    if not campaigns:
        words = f"【{title}】\n今年的安排还没有定下来，定了会写在这里。\n{URGENT}\n{BACK}"
        return show(turn, page(key, words, parent=parent))
    if len(campaigns) == 1:
        return show(turn, _about(campaigns[0], turn, parent))
    lines = [_listed(each, turn.now) for each in campaigns[skip:]]
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], (REST, f"rest:{key}:{skip + MOST - 1}")]
    name = f"rest:{key}:{skip}" if skip else key
    return show(turn, listing(name, title, lines, parent=key if skip else parent, head="回复数字看活动："))


def rest(turn: Turn, name: str) -> Text | None:
    """The list that follows on a longer one, by what stands behind its name's stroke; None for none that we know."""
    key, _, skip = name.partition(":")
    return answer(turn, key, int(skip)) if key in ITEMS and skip.isdigit() else None


def _listed(each: Told, now: datetime) -> tuple[str, str]:
    """A campaign's line, and its page."""
    words = f"{each.campaign.title[:LONGEST_TITLE]}　{_when(each, now)}".rstrip("　")
    return words, f"campaign:{each.campaign.id}"


def detail(turn: Turn, campaign_id: str) -> Text | None:
    """One campaign, or None when the config no longer has it."""
    for each in _of(turn.house, turn.now):
        if each.campaign.id == campaign_id:
            return show(turn, _about(each, turn, "YEAR"))
    return None


def _about(each: Told, turn: Turn, parent: str) -> Page:
    """A campaign's page."""
    one, now = each.campaign, turn.now
    days = _when(each, now)
    text = (without_blanks(one.about) if turn.house.live else one.about)[:LONGEST_TEXT]
    lines = [f"【{one.title}】", f"时间：{days}" if days else "", text]
    notice = _near(each, now)
    if notice is not None:
        lines.append(f"下一次通知：{_moment(notice, now)}")
    if one.rules is None:
        lines += [ONLY_TOLD, BACK]
        return page(f"campaign:{one.id}", "\n".join(line for line in lines if line), parent=parent)
    lines += [_how(one, turn), BACK]
    words = "\n".join(line for line in lines if line)
    return page(f"{CARD}{one.id}", words, parent=parent, choices=(f"join:{one.id}",))


def _near(each: Told, now: datetime) -> datetime | None:
    """When its next push is due, where that belongs to these days and not to those of a coming year."""
    due = each.next_push_at
    if due is None or not each.dates:
        return due if due is not None and due <= now + OPEN_END else None
    first, last = each.dates[0]
    return due if due.astimezone(SHANGHAI).date() <= (last or first + OPEN_END) else None


def _how(one: Campaign, turn: Turn) -> str:
    """How to take part now, or when it begins."""
    if not may(turn.message.openid, live=turn.house.live, testers=turn.house.testers):
        return NOT_YET
    period = one.period(turn.now)
    if period is None:
        return "现在不在活动时间里，可以回复“我的”看看参加过什么。"
    link = f'，或者<a href="{_address(turn, one)}">打开网页</a>' if turn.house.base_url else ""
    return f"回复 1 在这里参加{link}。{moment(period[1])} 截止。"


def _address(turn: Turn, one: Campaign) -> str:
    return f"{turn.house.base_url}/h5/c/{quote(one.id)}"


def picture_of(one: Campaign) -> str:
    """The file of the picture on its card, below /static/pictures/."""
    return PICTURES.get(one.kind, PICTURE)


def card(turn: Turn) -> News | None:
    """Instead of a campaign's words, where it is on and the account has pages: a card with a picture that opens its page."""
    name = turn.topic.removeprefix(CARD)
    one = next((each.campaign for each in _of(turn.house, turn.now) if each.campaign.id == name), None)
    if one is None or not turn.topic.startswith(CARD) or not turn.house.base_url:
        return None
    period = one.period(turn.now)
    if period is None or not may(turn.message.openid, live=turn.house.live, testers=turn.house.testers):
        return None
    days = f"还有 {(period[1] - turn.now).days} 天" if (period[1] - turn.now).days else "今天截止"
    words = f"{days}。点开就能参加；也可以回复 1，在聊天里参加。"
    picture = f"{turn.house.base_url}/static/pictures/{picture_of(one)}"
    return News(one.title, words, picture, _address(turn, one))


def _when(each: Told, now: datetime) -> str:
    """The campaign's days in words, '' when the config names none."""
    this_year = now.astimezone(SHANGHAI).year
    return "，".join(_days(start, end, this_year) for start, end in each.dates)


def _days(start: date, end: date | None, this_year: int) -> str:
    first = _day(start, this_year)
    return first if end is None or end == start else f"{first}至{_day(end, start.year)}"


def _day(day: date, known_year: int) -> str:
    year = "" if day.year == known_year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


def _moment(at: datetime, now: datetime) -> str:
    local = at.astimezone(SHANGHAI)
    return f"{_day(local.date(), now.astimezone(SHANGHAI).year)} {local:%H:%M}"
