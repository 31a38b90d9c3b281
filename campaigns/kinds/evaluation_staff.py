"""What the staff read of evaluations, each figure with how many gave it and out of how many; and their looks at words that others read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds.evaluation_subjects import Rules, title
from ground.few import FEWEST
from ground.table import Table
from models import edition as editions
from models import evaluation, notice
from models.base import Connection
from models.edition import Edition
from models.evaluation import REFUSED, SHOWN, WAITS, Evaluation, Figure

COLUMNS = (
    "评的是",
    "份数",
    "能评的",
    "评了的占",
    "平均几星",
    "满意的占",
    "5 星",
    "4 星",
    "3 星",
    "2 星",
    "1 星",
    "上一届平均",
)


def tables(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """The figures, whose groups are too small for one, and the words, without their people."""
    figures = _figures(connection, edition)
    seen = {one.about for one in figures}
    small = [
        (title(connection, rules, about),)
        for about in evaluation.waiting(connection, edition.id)
        if about not in seen
    ]
    waits = evaluation.words_of(connection, edition.id, (WAITS,))
    every = evaluation.words_of(connection, edition.id, ("", WAITS, SHOWN, REFUSED), 10_000)
    return [
        _table(connection, edition, rules),
        Table(f"评的人还太少、没有列的（每次至少加进 {FEWEST} 份）", ("评的是",), small),
        Table(
            "等您看的话",
            ("编号", "评的是", "话"),
            [(one.id, title(connection, rules, one.about), one.words) for one in waits],
        ),
        Table(
            "大家说的话（不写是谁、给了几星）",
            ("评的是", "话"),
            [(title(connection, rules, one.about), one.words) for one in every],
        ),
    ]


def result(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """What everybody may read: the figures once it is over, and the words that the staff have looked at."""
    if edition.state not in (editions.CLOSED, editions.PUBLISHED):
        return []
    shown = evaluation.words_of(connection, edition.id, (SHOWN,), 10_000)
    words = [(title(connection, rules, one.about), one.words) for one in shown]
    return [_table(connection, edition, rules), Table("大家说的话", ("评的是", "话"), words)]


def lines(connection: Connection, edition: Edition, rules: Rules) -> Iterator[str]:
    """The figures in words."""
    for one in _figures(connection, edition):
        yield (
            f"{title(connection, rules, one.about)}：平均 {one.mean} 星，满意的占 {one.content}"
            f"（{one.number} 份，占能评的 {one.rate}）。"
        )


def _table(connection: Connection, edition: Edition, rules: Rules) -> Table:
    before = next(
        (one for one in editions.of(connection, edition.campaign) if one.opens_at < edition.opens_at), None
    )
    last = {one.about: one.mean for one in _figures(connection, before)} if before else {}
    rows: list[tuple[str | int, ...]] = [
        (title(connection, rules, one.about), one.number, max(one.asked, one.number), one.rate, one.mean, one.content,
         *one.stars, last.get(one.about, ""))
        for one in _figures(connection, edition)
    ]  # fmt: skip
    return Table(f"满意度（满意：4 星和 5 星；不到 {FEWEST} 份的不列）", COLUMNS, rows)


def _figures(connection: Connection, edition: Edition) -> list[Figure]:
    return evaluation.counted(connection, edition.id)


# --- words -------------------------------------------------------------------------------------------------------


def show_words(work: Work, words: Sequence[str]) -> str:
    """Let everybody read them."""
    one = _found(work, words[0])
    if not evaluation.judge(work.connection, one.id, (WAITS, REFUSED), SHOWN):
        raise Impossible(f"{one.id} 号没有等着看的话。")
    return f"{one.id} 号的话大家都看得到了，不写是谁说的。"


def hide_words(work: Work, words: Sequence[str]) -> str:
    """Let nobody; their person learns why. The stars count all the same."""
    one = _found(work, words[0])
    if not evaluation.judge(work.connection, one.id, (WAITS, SHOWN), REFUSED):
        raise Impossible(f"{one.id} 号没有等着看的话。")
    told = f"您在“{work.edition.title}”里写的话没有公开：{words[1]}。星数照样算。觉得不对，回复“申诉”。"
    people = [one.openid] if one.openid else []
    name = f"{work.edition.campaign}/words:{one.id}-{work.now:%m%d%H%M%S}"
    notice.tell(work.connection, name, told, people, work.now)
    return f"{one.id} 号的话不公开，会告诉本人；星数照样算。"


def _found(work: Work, word: str) -> Evaluation:
    one = evaluation.get(work.connection, int(word)) if word.isascii() and word.isdigit() else None
    if one is None or one.edition_id != work.edition.id or not one.counted:
        raise Impossible(f"这一届没有 {word} 号的话。编号写在“等您看的话”那张表里。")
    return one


DEEDS: Mapping[str, Deed] = {
    "show-words": Deed("让大家看到一句话", ("编号",), show_words),
    "hide-words": Deed("不让大家看到一句话，星数照样算", ("编号", "理由"), hide_words),
}
