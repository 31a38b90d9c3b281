"""What the staff do with wishes: look, merge, price, promise, decline, fulfil, each with its words to the people; and the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from ground.table import Table
from models import notice, wish
from models.base import Connection
from models.edition import Edition
from models.wish import ACCEPTED, DECLINED, FULFILLED, HIDDEN, MERGED, OPEN, PENDING, SHOWN, WITHDRAWN, Wish

WORDS = {
    PENDING: "等工作人员看过",
    OPEN: "大家都看得到",
    MERGED: "和别的心愿合在一起",
    HIDDEN: "没有公开",
    DECLINED: "这次实现不了",
    ACCEPTED: "已经答应",
    FULFILLED: "已经实现",
    WITHDRAWN: "已经收回",
}


def short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 24 else f"{line[:24]}…"


def tables(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """All wishes without their people, and how far money reaches."""
    every = wish.of_edition(connection, edition.id, tuple(WORDS), 100_000)
    columns = ("编号", "心愿", "状态", "支持人数", "并入", "答复", "费用（元）", "什么时候")
    rows = [
        (
            *(one.id, one.words, WORDS[one.state], one.supporters, str(one.merged_into or ""), one.reason),
            *("" if one.cost is None else str(one.cost), one.due),
        )
        for one in every
    ]
    return [Table("心愿", columns, rows), coverage(connection, every)]


def result(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """What everybody may read: the wishes that are shown, with how many stand behind them and the answers."""
    every = wish.of_edition(connection, edition.id, SHOWN, 100_000)
    columns = ("编号", "心愿", "支持人数", "状态", "答复", "什么时候")
    rows = [(one.id, one.words, one.supporters, WORDS[one.state], one.reason, one.due) for one in every]
    return [Table("大家的心愿和答复", columns, rows)]


def coverage(connection: Connection, every: Sequence[Wish]) -> Table:
    """So much money fulfils these and reaches so many of those who asked: the cheapest per person first."""
    priced = [one for one in every if one.cost is not None and one.state in (OPEN, ACCEPTED, FULFILLED)]
    asked = wish.reach(connection, [one.id for one in every if one.state in SHOWN])
    reached: set[str] = set()
    rows: list[tuple[str | int, ...]] = []
    money = 0
    for one in sorted(priced, key=lambda each: ((each.cost or 0) / max(each.supporters, 1), each.id)):
        money += one.cost or 0
        reached |= wish.reach(connection, [one.id])
        share = f"{100 * len(reached) // max(len(asked), 1)}%"
        rows.append((one.id, short(one.words), one.cost or 0, money, len(reached), share))
    columns = ("编号", "心愿", "费用（元）", "累计费用（元）", "累计覆盖人数", "占许愿人数")
    return Table("花多少钱、满足多少人", columns, rows)


# --- deeds -------------------------------------------------------------------------------------------------------


def _found(work: Work, word: str) -> Wish:
    found = wish.get(work.connection, int(word)) if word.isdigit() else None
    if found is None or found.edition_id != work.edition.id:
        raise Impossible(f"这一届没有 {word} 号心愿。")
    return found


def _moved(work: Work, one: Wish, states: Sequence[str], state: str, **more: object) -> None:
    if not wish.move(work.connection, one.id, states, {"state": state, "decided_at": work.now, **more}):
        raise Impossible(f"{one.id} 号心愿现在是“{WORDS[one.state]}”，不能这样做。")


def _tell(work: Work, deed: str, one: Wish, words: str) -> str:
    people = wish.supporters(work.connection, one.id)
    name = f"{work.edition.campaign}/{deed}:{one.id}"
    number = notice.tell(work.connection, name, f"【{work.edition.title}】{words}", people, work.now)
    return f"已经记下，会告诉支持它的 {number} 个人。"


def show(work: Work, words: Sequence[str]) -> str:
    """Let everybody see it; also what was hidden or declined by mistake."""
    one = _found(work, words[0])
    _moved(work, one, (PENDING, HIDDEN, DECLINED, ACCEPTED), OPEN, reason="", due="", cost=None)
    return f"{one.id} 号心愿大家都看得到了。"


def hide(work: Work, words: Sequence[str]) -> str:
    """Let nobody see it; its person learns why, and how to object."""
    one = _found(work, words[0])
    _moved(work, one, (PENDING, OPEN), HIDDEN, reason=words[1])
    people = [one.openid] if one.openid else []
    told = f"您的 {one.id} 号心愿没有公开：{words[1]}。觉得不对，回复“申诉”。"
    notice.tell(work.connection, f"{work.edition.campaign}/hide:{one.id}", told, people, work.now)
    return f"{one.id} 号心愿不再公开，会告诉许愿的人。"


def merge(work: Work, words: Sequence[str]) -> str:
    """Let another hold it with everybody behind it; each of them is told and may leave."""
    one, into = _found(work, words[0]), _found(work, words[1])
    if into.state != OPEN:
        raise Impossible(f"{into.id} 号心愿现在是“{WORDS[into.state]}”，不能并进去。")
    people = wish.merge(work.connection, one.id, into.id, work.now)
    if people is None:
        raise Impossible(f"{one.id} 号心愿现在是“{WORDS[one.state]}”，不能并入别的。")
    told = (
        f"{one.id} 号心愿和 {into.id} 号“{short(into.words)}”是一个意思，已经合在一起，您的支持也算上了。"
        "不愿意的话，点菜单里的心愿就能收回。"
    )
    name = f"{work.edition.campaign}/merge:{one.id}"
    number = notice.tell(work.connection, name, f"【{work.edition.title}】{told}", people, work.now)
    return f"{one.id} 号已经并入 {into.id} 号，会告诉 {number} 个人。"


def unmerge(work: Work, words: Sequence[str]) -> str:
    """Take a merging back."""
    one = _found(work, words[0])
    if not wish.unmerge(work.connection, one.id):
        raise Impossible(f"{one.id} 号心愿没有并入别的。")
    return f"{one.id} 号心愿重新独立，由合并来的支持也退回了。"


def accept(work: Work, words: Sequence[str]) -> str:
    """Promise it: cost, day, reason."""
    one = _found(work, words[0])
    if not words[1].isdigit():
        raise Impossible(f"费用要写成整数（元），写的是“{words[1]}”。")
    _moved(work, one, (OPEN,), ACCEPTED, cost=int(words[1]), due=words[2], reason=words[3])
    return _tell(
        work, "accept", one, f"{one.id} 号心愿“{short(one.words)}”工会答应了：{words[3]}，{words[2]}。"
    )


def decline(work: Work, words: Sequence[str]) -> str:
    """Say that it cannot be, and why."""
    one = _found(work, words[0])
    _moved(work, one, (OPEN,), DECLINED, reason=words[1])
    return _tell(work, "decline", one, f"{one.id} 号心愿“{short(one.words)}”这次实现不了：{words[1]}。")


def fulfil(work: Work, words: Sequence[str]) -> str:
    """Say that it is done."""
    one = _found(work, words[0])
    _moved(work, one, (ACCEPTED,), FULFILLED, reason=words[1])
    return _tell(
        work, "fulfil", one, f"{one.id} 号心愿“{short(one.words)}”实现了：{words[1]}。谢谢您说出来。"
    )


def price(work: Work, words: Sequence[str]) -> str:
    """What it would cost, for the curve."""
    one = _found(work, words[0])
    if not words[1].isdigit():
        raise Impossible(f"费用要写成整数（元），写的是“{words[1]}”。")
    _moved(work, one, (OPEN,), OPEN, cost=int(words[1]))
    return f"{one.id} 号心愿估价 {int(words[1])} 元。"


DEEDS: Mapping[str, Deed] = {
    "show": Deed("让大家看到；也用来撤销不公开、答应和不答应", ("编号",), show),
    "hide": Deed("不公开", ("编号", "理由"), hide),
    "merge": Deed("并入另一个心愿", ("编号", "并入的编号"), merge),
    "unmerge": Deed("撤销合并", ("编号",), unmerge),
    "price": Deed("估算费用", ("编号", "元"), price),
    "accept": Deed("答应", ("编号", "元", "什么时候", "理由"), accept),
    "decline": Deed("说明为什么实现不了", ("编号", "理由"), decline),
    "fulfil": Deed("实现了", ("编号", "经过"), fulfil),
}
