"""One entry of the service directory, and the words a worker reads for it."""

from dataclasses import dataclass
from datetime import date

from ground.text import BLANK

HOTLINE = "12351"
"""The trade unions' nationwide service line, and the only telephone number that any text of ours names."""

TEXT_BYTES = 2048
"""What a text reply holds (platform guide, 被动回复)."""

_STEPS = "①②③④⑤⑥⑦⑧⑨"


@dataclass(frozen=True, slots=True)
class Guide:
    """How one service is used.

    `words` are what workers call it: each answers by itself and belongs to one entry only. A local fact that nobody has
    given us yet is written 〔待填：what is missing〕; on a live account such an entry is not shown.
    """

    id: str
    title: str
    item: str  # the key of the menu item it is listed under
    words: tuple[str, ...]
    who: str
    bring: tuple[str, ...]
    how: tuple[str, ...]
    updated: date
    valid_until: date  # the last day it is shown without the advice to ask first
    source: str = ""  # the law or rule it stands on
    note: str = ""


def placeholders(guide: Guide) -> tuple[str, ...]:
    """The blanks that staff still have to fill in this entry, as they stand in its text."""
    return tuple(BLANK.findall("\n".join((guide.title, guide.who, *guide.bring, *guide.how, guide.note))))


def text(guide: Guide) -> str:
    """The entry as a worker reads it in the chat."""
    lines = [f"【{guide.title}】", f"谁能办：{guide.who}"]
    if guide.bring:
        lines.append("带什么：" + "、".join(guide.bring))
    lines.append("怎么办：")
    lines += [f"{mark} {step}" for mark, step in zip(_STEPS, guide.how, strict=False)]
    if guide.note:
        lines.append(f"提醒：{guide.note}")
    if guide.source:
        lines.append(f"依据：{guide.source}")
    lines.append(f"更新于 {guide.updated:%Y-%m-%d}。拿不准就拨 {HOTLINE} 问一问。")
    return "\n".join(lines)


def withheld(guide: Guide) -> str:
    """What a worker reads on a live account while the entry still has blanks."""
    return (
        f"【{guide.title}】\n这项服务的具体办法正在核对，核对好了才放上来。\n急用请拨 {HOTLINE} 问清楚再办。"
    )


def stale(guide: Guide) -> str:
    """The entry after its valid-until day: still there, but the worker is told to ask first."""
    return f"这一条已过核对日期，办理前请先拨 {HOTLINE} 问清楚。\n{text(guide)}"
