"""How good a reply is to what somebody said: `good`, `so-so` or `bad`, as a person would judge who knows what it must say."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

NOT_UNDERSTOOD = re.compile(r"没(有)?(太)?(听|看)?(懂|明白)|换(个|一种)说法|没(有)?找到|答不上|我不会")
NOT_READY = re.compile(r"正在核对|正在整理|建设中|敬请期待|暂未开放")
FOOTER = re.compile(r"都不是的话|^\s*回复\s*0|^\s*点下面的菜单|^\s*更新于|^\s*急[事用]请拨")
LINE = re.compile(r"^\s*(\d{1,2}\s+\S|[①-⑳])")
ASKS = re.compile(r"回复(对应的?)?数字|想问的是|哪一(个|项|件|条)")
ANYWHERE = {"greeting", "navigation"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is said, what an answer must and must not hold, and what kind of answer it is."""

    say: str
    group: str
    kind: str
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    note: str

    @classmethod
    def read(cls, row: dict[str, Any]) -> Phrase:
        must, must_not = tuple(row["must"]), tuple(row["not"])
        return cls(row["say"], row["group"], row["kind"], must, must_not, row["note"])


def judged(phrase: Phrase, reply: str, general: Collection[str] = ()) -> str:
    """`general` are the replies to nonsense: they are no answer to somebody who asked something."""
    if not reply or any(re.search(bad, reply) for bad in phrase.must_not):
        return "bad"
    if phrase.kind == "crisis" or "menu ok" in phrase.note:
        return "good" if _has(phrase.must, reply) else "bad"
    if phrase.kind == "decline":
        return "good" if _has(phrase.must, reply) else "bad"
    choice, items, rest = _parts(reply)
    lost = NOT_UNDERSTOOD.search(reply.splitlines()[0][:60]) is not None
    if (phrase.group not in ANYWHERE and reply in general) or (lost and not choice):
        return "bad"
    if not _has(phrase.must[:1], f"{items}\n{rest}"):
        return "bad"
    if choice:
        return "good" if phrase.kind == "choice" else "so-so"
    if not _has(phrase.must[1:], reply):
        return "bad"
    ready = phrase.kind != "answer" or "local" in phrase.note or not NOT_READY.search(reply)
    return "good" if ready else "so-so"


def _has(wanted: Collection[str], text: str) -> bool:
    return all(re.search(pattern, text, re.IGNORECASE) for pattern in wanted)


def _parts(reply: str) -> tuple[bool, str, str]:
    """Whether it is a list to choose from, its lines, and the text around them; footers left out."""
    lines = [line for line in reply.splitlines() if not FOOTER.search(line)]
    items = [line for line in lines if LINE.match(line)]
    rest = "\n".join(line for line in lines if not LINE.match(line))
    short = [line for line in items if len(line) <= 60 and not re.search("[。；]", line)]
    choice = bool(items) and len(short) == len(items) and ASKS.search(rest) is not None
    return choice, "\n".join(items), rest
