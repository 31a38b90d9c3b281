"""What the lines of a list of unions or members say: values where they can be taken, else a Fault each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ground.audience import CODE
from ground.long_sheet import Line
from ground.personal import numbers
from ground.sheet import Sheet
from models import member, tree
from models.union import KINDS, LEVELS, LONGEST_PATH, Union

CODE_OF, NAME_OF, PARENT, LEVEL, KIND, WORD = "单位代码", "单位名称", "上级代码", "级别", "种类", "口令"
NAME, PHONE, NUMBER, STATE = "姓名", "手机号", "会员编号", "状态"
UNIONS = Sheet("单位名单", (CODE_OF, NAME_OF, PARENT, LEVEL, KIND, WORD), (CODE_OF, NAME_OF, PARENT))
MEMBERS = Sheet("会员名单", (CODE_OF, NAME, PHONE, NUMBER, STATE), (CODE_OF, NAME))
LONGEST_NAME = 60
STATES = {"": False, "在会": False, "退会": True, "转出": True}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line cannot be taken: its number in the file, the column, what stands there, what is wrong with it."""

    line: int
    column: str
    value: str
    reason: str


Blame = Callable[[Fault], object]


# --- unions ------------------------------------------------------------------------------------------------------


def union_lines(lines: Iterable[Line], known: Sequence[Union], blame: Blame) -> list[tree.New]:
    """The unions of a list, those above before those below. What hangs on a line with a fault has one too."""
    found: dict[str, tuple[int, tree.New]] = {}
    words: dict[str, str] = {one.word: one.code for one in known if one.word}
    closed = {one.code for one in known if one.closed_at}
    for line in lines:
        one, fault = _union(line, found, closed, words)
        if one is None:
            blame(Fault(line.number, *fault))
        else:
            found[one.code] = (line.number, one)
            words |= {one.word: one.code} if one.word else {}
    return _in_order(found, {one.code: one for one in known if not one.closed_at}, blame)


def _union(
    line: Line, found: Mapping[str, tuple[int, tree.New]], closed: set[str], words: Mapping[str, str]
) -> tuple[tree.New | None, tuple[str, str, str]]:
    code, name, parent, level, kind, word = (
        line.cells.get(column, "") for column in (CODE_OF, NAME_OF, PARENT, LEVEL, KIND, WORD)
    )
    fault = ("", "", "")
    if line.too_long:
        fault = ("", "", "这一行的格子比表头多；一格里有逗号的，前后要加英文双引号")
    elif not CODE.fullmatch(code):
        fault = (CODE_OF, code, "应是 1 到 32 个字母、数字、汉字或横线")
    elif code in found:
        fault = (CODE_OF, code, f"和第 {found[code][0]} 行重复了")
    elif code in closed:
        fault = (CODE_OF, code, "这个单位已经撤销或者合并，代码不能再用")
    elif not 0 < len(name) <= LONGEST_NAME:
        fault = (NAME_OF, name, f"应是 1 到 {LONGEST_NAME} 个字")
    elif parent == code:
        fault = (PARENT, parent, "上级不能是它自己")
    elif level and _named(level, LEVELS) is None:
        fault = (LEVEL, level, f"可以写的是：{'、'.join(LEVELS.values())}")
    elif kind and _named(kind, KINDS) is None:
        fault = (KIND, kind, f"可以写的是：{'、'.join(KINDS.values())}")
    elif word and (len(word) > 20 or any(sign.isspace() for sign in word)):
        fault = (WORD, word, "最多 20 个字，中间不能有空格")
    elif word and words.get(word, code) != code:
        fault = (WORD, word, f"已经是单位 {words[word]} 的口令")
    if fault[2]:
        return None, fault
    plain = tree.New(code, name, parent, _named(level, LEVELS) or "", _named(kind, KINDS) or "", word)
    return _filled(plain), fault


def _filled(one: tree.New) -> tree.New:
    """What a list leaves blank: the first is the city, all others are at the base."""
    level = one.level or ("base" if one.parent else "city")
    return replace(one, level=level, kind=one.kind or ("enterprise" if level == "base" else "federation"))


def _named(text: str, table: Mapping[str, str]) -> str | None:
    """The key of what staff call it, which may be the key itself."""
    return text if text in table else next((key for key, words in table.items() if words == text), None)


def _in_order(
    found: Mapping[str, tuple[int, tree.New]], known: Mapping[str, Union], blame: Blame
) -> list[tree.New]:
    """Each after the one above it; faults for those that hang on nothing, on themselves, or beside the city."""
    top = next((one.code for one in known.values() if one.parent_id is None), "")
    path: dict[str, str] = {one.code: one.path for one in known.values() if one.code not in found}
    ordered: list[tree.New] = []
    left = dict(found)
    while left:
        ready = [code for code, (_, one) in left.items() if one.parent in path or not one.parent]
        for code in ready:
            number, one = left.pop(code)
            if not one.parent and top not in ("", code):
                blame(Fault(number, PARENT, "", f"最上面的一级已经是 {top}，只能有一个；请写它的上级代码"))
                continue
            if code == top and one.parent:
                blame(Fault(number, PARENT, one.parent, "它是最上面的一级，不能有上级"))
                continue
            top = top or code
            path[code] = f"{path[one.parent]}{code}/" if one.parent else ""
            if len(path[code]) > LONGEST_PATH:
                blame(
                    Fault(number, CODE_OF, code, f"级数太多：所有上级的代码加起来最多 {LONGEST_PATH} 个字符")
                )
                del path[code]
                continue
            ordered.append(one)
        if not ready:
            for number, one in left.values():
                here = one.parent in left
                reason = "绕了一圈，或者上级那一行不对" if here else "没有这个代码的单位，或者它那一行不对"
                blame(Fault(number, PARENT, one.parent, reason))
            break
    return ordered


# --- members -----------------------------------------------------------------------------------------------------


def member_lines(
    lines: Iterable[Line], known: Mapping[str, Union], blame: Blame
) -> Iterator[tuple[int, member.New]]:
    """The members of a list with their lines. Of the keys seen so far only a number each is kept in memory."""
    seen: set[int] = set()
    for line in lines:
        one, fault = _member(line, known)
        if one is not None:
            mark = hash(one.key)
            if mark not in seen:
                seen.add(mark)
                yield line.number, one
                continue
            column = NUMBER if one.number else PHONE
            fault = (column, one.number or one.phone, "前面有一行是同一个人")
        blame(Fault(line.number, *fault))


def _member(line: Line, known: Mapping[str, Union]) -> tuple[member.New | None, tuple[str, str, str]]:
    code, name, phone, number, state = (
        line.cells.get(column, "") for column in (CODE_OF, NAME, PHONE, NUMBER, STATE)
    )
    union = known.get(code)
    if line.too_long:
        return None, ("", "", "这一行的格子比表头多；一格里有逗号的，前后要加英文双引号")
    if union is None:
        return None, (CODE_OF, code, "没有这个代码的单位，或者不归您管；有哪些，请看“组织”")
    if union.closed_at is not None:
        return None, (CODE_OF, code, "这个单位已经撤销或者合并，请写现在的单位")
    if not 0 < len(name) <= member.LONGEST_NAME:
        return None, (NAME, name[:60], f"应是 1 到 {member.LONGEST_NAME} 个字")
    if any(numbers(name)):
        return None, (NAME, name, "姓名里有号码，是不是写错了格子？")
    if phone and not member.PHONE.fullmatch(phone):
        return None, (PHONE, phone, "应是 11 位手机号，不要空格和横线")
    if number and not member.NUMBER.fullmatch(number):
        return None, (NUMBER, number, "应是 4 到 30 个字母、数字或横线")
    if not phone and not number:
        return None, (PHONE, "", "手机号和会员编号至少要写一个，不然认不出是谁")
    if state not in STATES:
        return None, (STATE, state, f"可以写的是：{'、'.join(word for word in STATES if word)}，或者空着")
    return member.New(union.id, name, phone, number, STATES[state]), ("", "", "")
