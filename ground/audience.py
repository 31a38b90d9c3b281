"""Whom a push is for, as the staff write it: `all`, `tag:矿工 and active:30d`, `not (joined:yuanxiao or openids:vip.txt)`.

`not` binds closer than `and`, `and` closer than `or`. A name runs to the next `and`, `or` or closing bracket that is not its
own; one that has such a word in it stands in quotes: `tag:"R and D"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from ground.shape import nearest
from ground.wide import hint

TAG_LENGTH = 30  # platform guide, 标签名
MOST_DAYS = 3650
DEPTH = 8  # brackets within brackets
CAMPAIGN = re.compile(r"(?P<id>[^\s/@()]{1,64})(/(?P<year>\d{4}))?")
CODE = re.compile(r"[\w-]{1,32}")  # of a union
UNITS = {"d": "天", "h": "小时"}


@dataclass(frozen=True, slots=True)
class Those:
    """One kind of people: of this tag, on this list …"""

    kind: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Not:
    """Every follower but these."""

    those: Whom


@dataclass(frozen=True, slots=True)
class Both:
    """Who is in every part."""

    parts: tuple[Whom, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Who is in any part."""

    parts: tuple[Whom, ...]


Whom = Those | Not | Both | Either
EVERYONE = Those("all")


# --- what there is ---------------------------------------------------------------------------------------------------


def span(text: str) -> timedelta:
    """How long `30d` or `48h` is. Raises ValueError in Chinese."""
    match = re.fullmatch(r"(\d{1,4})([dh])", text)
    number = int(match[1]) if match else 0
    if not match or not 1 <= number <= MOST_DAYS:
        raise ValueError(f"active 后面写多久，例如 active:30d（30 天）、active:48h（48 小时），现在是 {text}")
    return timedelta(days=number) if match[2] == "d" else timedelta(hours=number)


def edition(text: str) -> tuple[str, int | None]:
    """The campaign and the year in `yuanxiao/2027`; no year means the newest edition. Raises ValueError in Chinese."""
    match = CAMPAIGN.fullmatch(text)
    if not match:
        raise ValueError(
            f"joined 后面写活动代号，例如 joined:yuanxiao，某一年的写 joined:yuanxiao/2027，现在是 {text}"
        )
    return match["id"], int(match["year"]) if match["year"] else None


def _tag(name: str) -> None:
    if len(name) > TAG_LENGTH:
        raise ValueError(f"标签名最多 {TAG_LENGTH} 个字，现在是 {len(name)} 个")


def _file(name: str) -> None:
    if name.startswith(("/", "~")) or ".." in re.split(r"[\\/\s]+", name):
        raise ValueError("名单文件要放在配置文件旁边，只写文件名，例如 openids:劳模.txt")


def _code(code: str) -> None:
    if not CODE.fullmatch(code):
        raise ValueError(f"union 后面写单位代码，例如 union:2111，现在是 {code}")


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of people: how staff write it, how it is said, and what is asked of the name behind the colon."""

    written: str
    words: Callable[[str], str]
    judge: Callable[[str], object] | None = None  # None: nothing stands behind it


KINDS: Mapping[str, _Kind] = {
    "all": _Kind("all（全体关注者）", lambda _: "全体关注者"),
    "tag": _Kind("tag:标签名", lambda of: f"标签“{of}”", _tag),
    "openids": _Kind("openids:名单文件", lambda of: f"名单 {of}", _file),
    "active": _Kind("active:30d（30 天内来过的）", lambda of: f"{of[:-1]} {UNITS[of[-1]]}内来过的人", span),
    "window": _Kind("window（48 小时内说过话的）", lambda _: "48 小时内说过话的人"),
    "joined": _Kind("joined:活动代号（参加过的）", lambda of: f"参加过 {of} 的人", edition),
    "union": _Kind("union:单位代码（这个单位和它的下级）", lambda of: f"绑定单位 {of} 和它的下级的人", _code),
    "members": _Kind("members（核对过名册的会员）", lambda _: "核对过名册的会员"),
}


# --- reading ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def read(text: str) -> Whom:
    """Whom the text means. Raises ValueError in Chinese: what was found, what is allowed."""
    reader = _Reader(text)
    found = reader.either(0)
    if reader.rest:
        raise ValueError(f"“{reader.rest}”前面少了 and 或 or，或者多了括号{hint(text)}")
    return found


class _Reader:
    """What is left of the text, from the front."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rest = text.strip()

    def _word(self, *words: str) -> str:
        """The first of these words, if the rest begins with it; it is taken away."""
        for word in words:
            if re.match(rf"{re.escape(word)}(?=[\s()]|$)" if word.isalpha() else re.escape(word), self.rest):
                self.rest = self.rest[len(word) :].lstrip()
                return word
        return ""

    def either(self, depth: int) -> Whom:
        parts = [self.both(depth)]
        while self._word("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self, depth: int) -> Whom:
        parts = [self.one(depth)]
        while self._word("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def one(self, depth: int) -> Whom:
        if depth > DEPTH:
            raise ValueError(f"括号和 not 最多套 {DEPTH} 层")
        if self._word("not"):
            return Not(self.one(depth + 1))
        if not self._word("("):
            return self._those()
        inner = self.either(depth + 1)
        if not self._word(")"):
            raise ValueError(f"括号没有关上，少了一个 ){hint(self.text)}")
        return inner

    def _those(self) -> Those:
        match = re.match(r'(?P<kind>[^\s:()"]*)(?P<colon>:?)\s*', self.rest)
        assert match  # it may be empty
        kind = match["kind"]
        self.rest = self.rest[match.end() :]
        of = self._name() if match["colon"] else ""
        if kind not in KINDS or bool(of) != (KINDS[kind].judge is not None):
            raise ValueError(f"发给谁应写 {_allowed()}{self._found(kind, of)}{hint(self.text)}")
        if judge := KINDS[kind].judge:
            judge(of)
        return Those(kind, of)

    def _found(self, kind: str, of: str) -> str:
        written = f"{kind}:{of}" if of else kind
        close = nearest(kind, list(KINDS)) if kind not in KINDS else ""
        return f"，现在是 {written}{close}" if written and written != self.text else close

    def _name(self) -> str:
        if quoted := re.match(r'"([^"]*)"\s*', self.rest):
            self.rest = self.rest[quoted.end() :]
            return quoted[1].strip()
        name = re.split(r"\s+(?:and|or)(?=\s|$)", self.rest, maxsplit=1)[0]
        name = name[: _own(name)]
        self.rest = self.rest[len(name) :].lstrip()
        return name.strip()


def _own(name: str) -> int:
    """How far a name goes: to the first closing bracket that it has not opened itself."""
    open_ = 0
    for place, sign in enumerate(name):
        open_ += (sign == "(") - (sign == ")")
        if open_ < 0:
            return place
    return len(name)


def _allowed() -> str:
    *most, last = (kind.written for kind in KINDS.values())
    return f"{'、'.join(most)} 或 {last}，可以用 and、or、not 和括号连起来"


# --- asking ----------------------------------------------------------------------------------------------------------


def all_of(whom: Whom) -> Iterator[Those]:
    """Every kind of people that it names, from the left."""
    if isinstance(whom, Those):
        yield whom
    elif isinstance(whom, Not):
        yield from all_of(whom.those)
    else:
        for part in whom.parts:
            yield from all_of(part)


def may_be_empty(text: str) -> bool:
    """Whether it is for people who come and go by what they do themselves, so that having none is no mistake."""
    try:
        named = all_of(read(text))
    except ValueError:  # of a notice, whose people are written down with it
        return False
    return any(those.kind in ("active", "window", "joined", "union", "members") for those in named)


def is_whole(text: str) -> bool:
    """Whether WeChat itself can be told so: everyone, or all of one tag."""
    try:
        whom = read(text)
    except ValueError:  # of a notice, whose people are written down with it
        return False
    return isinstance(whom, Those) and whom.kind in ("all", "tag")


def words(text: str) -> str:
    """For staff, in one line."""
    return _said(read(text), top=True)


def _said(whom: Whom, *, top: bool = False) -> str:
    if isinstance(whom, Those):
        return KINDS[whom.kind].words(whom.of)
    if isinstance(whom, Not):
        return f"不含{_said(whom.those)}"
    joint = "，并且" if isinstance(whom, Both) else "，或者"
    said = joint.join(_said(part) for part in whom.parts)
    return said if top else f"（{said}）"
