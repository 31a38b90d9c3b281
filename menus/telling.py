"""An entry in a worker's chat: what was asked first, then how, what to bring, where; short, with the whole on demand."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from menus.directory import Directory
from menus.guide import HOTLINE, Guide, Mode

SHORT = 300  # characters that a reply shows
ROOM_BYTES = (
    1900  # of the 2048 of a text reply (platform guide, 被动回复): the rest is for the way back and a warning
)
CALLS, NEXT = 2, 3  # telephone numbers and related entries under a short answer
STEPS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫"
ASK_FIRST = f"这一条已过核对日期，办理前请先拨 {HOTLINE} 问清楚。"


def whole(directory: Directory, guide: Guide, mode: Mode) -> str:
    """Everything that the entry says."""
    lines = [f"【{guide.title}】", *_asked(directory, guide, mode), *_rest(directory, guide, mode)]
    lines += [*_phones(directory, guide, len(guide.phones)), f"更新于 {guide.updated}。"]
    source = _source(guide)
    if source and sum(len(line.encode()) + 1 for line in (*lines, source)) <= ROOM_BYTES:
        lines.insert(-1, source)
    return "\n".join(lines)


def short(directory: Directory, guide: Guide, mode: Mode, room: int = SHORT) -> tuple[str, bool]:
    """The entry in so many characters, and whether something was left out."""
    lines = [f"【{guide.title}】", *_asked(directory, guide, mode)]
    phones = _phones(directory, guide, CALLS)
    left = room - sum(len(line) + 1 for line in (*lines, *phones))
    rest = list(_rest(directory, guide, mode))
    kept = []
    for line in rest:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    if kept and kept[-1] == HOW:
        kept.pop()
    return "\n".join([*lines, *kept, *phones]), len(kept) < len(rest)


def linked(directory: Directory, guide: Guide) -> str:
    """The entries that people ask next, each to be tapped; '' for none."""
    known = [directory.by_id[name] for name in guide.related[:NEXT] if name in directory.by_id]
    return "还想问：" + "、".join(link(f"guide:{one.id}", one.title) for one in known) if known else ""


def link(page: str, words: str) -> str:
    """Words in a text that say themselves when they are tapped."""
    # only what would end the address or the tag is quoted: a 汉字 costs three bytes as it is, nine when quoted
    address = f"weixin://bizmsgmenu?msgmenucontent={_safe(words)}&msgmenuid={page}"
    return f'<a href="{address}">{words}</a>'


HOW = "怎么办："


def _asked(directory: Directory, guide: Guide, mode: Mode) -> list[str]:
    answer = guide.answer or guide.who
    return [line for line in (directory.filled(answer, mode),) if line]


def _rest(directory: Directory, guide: Guide, mode: Mode) -> Iterator[str]:
    """All lines behind the answer that may be seen."""
    steps = [step for line in guide.how if (step := directory.filled(line, mode))]
    if steps:
        yield HOW
        yield from (f"{mark} {step}" for mark, step in zip(STEPS, steps, strict=False))
    things = [thing for line in guide.bring if (thing := directory.filled(line, mode))]
    for head, words in (
        ("带什么：", "、".join(things)),
        ("去哪里：", directory.filled(guide.where, mode)),
        ("提醒：", directory.filled(guide.note, mode)),
        ("谁能办：", directory.filled(guide.who, mode) if guide.answer else ""),
    ):
        if words:
            yield head + words


def _phones(directory: Directory, guide: Guide, most: int) -> list[str]:
    """The first numbers with their names, in one line."""
    named = [
        f"{number}（{directory.numbers[number].name}）"
        for number in guide.phones[:most]
        if number in directory.numbers
    ]
    return [f"电话：{'、'.join(named)}"] if named else []


def _source(guide: Guide) -> str:
    """The rules that the entry stands on, each law once."""
    rules: dict[str, dict[str, None]] = {}
    for fact in guide.facts:
        rules.setdefault(fact.law.strip("《》"), {})[fact.article] = None
    named = "；".join(f"《{law}》{'、'.join(articles)}" for law, articles in rules.items())
    return f"依据：{named or guide.source}" if named or guide.source else ""


def _safe(words: str) -> str:
    return re.sub(r"[&#%+<>\"'\s]", lambda sign: quote(sign[0]), words)
