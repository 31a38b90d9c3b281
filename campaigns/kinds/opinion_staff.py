"""What the staff do with opinions: adopt, decline, hide, show to everybody with the answer; and the tables, which name nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from ground.table import Table
from models import notice, opinion
from models.base import Connection
from models.edition import Edition
from models.opinion import ADOPTED, DECLINED, HIDDEN, RECEIVED, WITHDRAWN, Opinion

WORDS = {
    RECEIVED: "等答复",
    ADOPTED: "采纳了",
    DECLINED: "没有采纳",
    HIDDEN: "不公开也不答复",
    WITHDRAWN: "本人收回了",
}
ANSWERED = (RECEIVED, ADOPTED, DECLINED)


def tables(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """All of them without their people, by day."""
    every = opinion.of_edition(connection, edition.id, limit=100_000)
    columns = ("编号", "哪天", "有没有署名", "哪方面", "意见", "状态", "答复", "大家看得到")
    rows = [
        (
            *(one.number, one.day, "署名" if one.openid else "没有署名", one.topic, one.words),
            *(WORDS[one.state], one.answer, "是" if one.shown else ""),
        )
        for one in every
    ]
    return [Table("意见", columns, rows)]


def result(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """What everybody may read: what is shown, with the answers."""
    every = opinion.shown(connection, edition.id, 100_000)
    rows = [(one.topic, one.words, WORDS[one.state], one.answer) for one in every]
    return [Table("大家的意见和答复", ("哪方面", "意见", "结果", "答复"), rows)]


def _found(work: Work, word: str) -> Opinion:
    one = opinion.named(work.connection, work.edition.id, word)
    if one is None:
        raise Impossible(f"这一届没有编号是 {word} 的意见，或者不止一条，请把编号写全。")
    return one


def _moved(work: Work, one: Opinion, states: Sequence[str], **values: object) -> None:
    if not opinion.move(work.connection, one, states, **values):
        raise Impossible(f"{one.number} 现在是“{WORDS[one.state]}”，不能这样做。")


def _answer(work: Work, words: Sequence[str], state: str, told: str) -> str:
    one = _found(work, words[0])
    if not words[1].strip():
        raise Impossible("答复里要有字。")
    _moved(work, one, ANSWERED, state=state, answer=words[1])
    if one.openid is None:
        return f"{one.number} 的答复记下了。没有署名，用查询码才看得到。"
    name = f"{work.edition.campaign}/{state}:{one.number}"
    text = f"【{work.edition.title}】您的意见 {one.number} {told}：{words[1]}"
    notice.tell(work.connection, name, text, [one.openid], work.now)
    return f"{one.number} 的答复记下了，写在本人的“我的”里，微信允许的时候也发给他。"


def adopt(work: Work, words: Sequence[str]) -> str:
    """It is taken up, and how."""
    return _answer(work, words, ADOPTED, "采纳了")


def decline(work: Work, words: Sequence[str]) -> str:
    """It is not, and why."""
    return _answer(work, words, DECLINED, "这次没有采纳")


def hide(work: Work, words: Sequence[str]) -> str:
    """Spam or abuse: kept and not shown."""
    one = _found(work, words[0])
    _moved(work, one, ANSWERED, state=HIDDEN, answer=words[1], shown=False)
    return f"{one.number} 不公开也不答复，原文留着。"


def unhide(work: Work, words: Sequence[str]) -> str:
    """It was no spam after all."""
    one = _found(work, words[0])
    _moved(work, one, (HIDDEN,), state=RECEIVED, answer="")
    return f"{one.number} 重新等答复。"


def show(work: Work, words: Sequence[str]) -> str:
    """Let everybody read it with its answer, without a name."""
    one = _found(work, words[0])
    _moved(work, one, (ADOPTED, DECLINED), shown=True)
    return f"{one.number} 和答复大家都看得到了，不写是谁提的。"


DEEDS: Mapping[str, Deed] = {
    "adopt": Deed("采纳，写明怎么办", ("编号", "答复"), adopt),
    "decline": Deed("不采纳，写明为什么", ("编号", "理由"), decline),
    "show": Deed("连答复一起让大家看到（先答复）", ("编号",), show),
    "hide": Deed("垃圾信息或者骂人的话，不公开也不答复", ("编号", "理由"), hide),
    "unhide": Deed("撤销“不公开”", ("编号",), unhide),
}


def possible(one: Opinion) -> dict[str, Deed]:
    """What can be done with it as it stands."""
    fits = {
        "adopt": one.state in ANSWERED,
        "decline": one.state in ANSWERED,
        "show": one.state in (ADOPTED, DECLINED) and not one.shown,
        "hide": one.state in ANSWERED,
        "unhide": one.state == HIDDEN,
    }
    return {name: deed for name, deed in DEEDS.items() if fits[name]}
