"""What the staff read of a quiz and do with it: which right is least clear to people, and a ruling on a wrong question, which judges
everybody anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds import ranks
from campaigns.kinds.quiz_bank import letters
from ground.days import minute
from ground.few import FEWEST
from ground.table import Table
from models import edition as editions
from models import notice, question, quiz, score
from models.base import Connection
from models.edition import Edition
from models.question import Question, Verdict

EVERY, OR = "都算对", "或"  # what a ruling may say


def source(one: Question) -> str:
    """The law and the article behind a question."""
    return f"依据：{one.law}{one.article}"


def key_words(one: Question) -> str:
    """What is right, in the words of its options."""
    if not one.accepted:
        return "都算对"
    return "，或者".join("、".join(one.options[letter] for letter in each) for each in one.accepted)


def key(accepted: Sequence[str]) -> str:
    """What is right, by letters, as it is typed."""
    return OR.join(accepted) or EVERY


def ruling_words(one: Verdict) -> str:
    """A ruling as everybody reads it."""
    return f"第 {one.number} 号题的答案由 {key(one.was)} 改为 {key(one.became)}：{one.reason}。{one.changed}"


# --- tables ------------------------------------------------------------------------------------------------------


def tables(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """The questions with their keys, what was answered, names that wait, and what everybody may read."""
    every = question.of_edition(connection, edition.id)
    rows = [
        (one.number, one.version, one.stem, "；".join(f"{letter} {words}" for letter, words in one.options.items()),
         key(one.accepted), one.law, one.article, one.about)
        for one in every
    ]  # fmt: skip
    return [
        Table("题目", ("题号", "第几版", "题目", "选项", "答案", "法律", "条款", "权利"), rows),
        _picked(connection, every),
        ranks.waiting(connection, edition),
        *_clear(connection, every),
        *_ranked(connection, edition, rules),
    ]


def result(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """What everybody may read: the ranking and what was ruled, and once nobody can answer any more, how clear each right is."""
    over = edition.state in (editions.CLOSED, editions.PUBLISHED)
    clear = _clear(connection, question.of_edition(connection, edition.id)) if over else []
    return [*clear, *_ranked(connection, edition, rules)]


def _picked(connection: Connection, every: Sequence[Question]) -> Table:
    """Which wrong answers draw people, where at least FEWEST answered and nobody is alone with an answer."""
    found = quiz.picked(connection, every[0].edition_id) if every else {}
    rows = []
    for one in every:
        given = {chosen: number for (asked, chosen), number in found.items() if asked == one.id}
        if given and min(given.values()) >= FEWEST:
            rows += [
                (one.number, chosen, "、".join(one.options[each] for each in chosen), number)
                for chosen, number in sorted(given.items())
            ]
    return Table(f"都选了什么（每种都有 {FEWEST} 人以上的题）", ("题号", "选的", "内容", "人次"), rows)


def _clear(connection: Connection, every: Sequence[Question]) -> list[Table]:
    """哪条权利最不清楚: per question and per right, the least clear first; below FEWEST nothing, neither by difference."""
    counts = quiz.clear(connection, every[0].edition_id) if every else {}
    shown = [(one, *counts[one.id]) for one in every if counts.get(one.id, (0, 0))[0] >= FEWEST]
    ordered = sorted(shown, key=lambda each: (each[2] / each[1], each[0].number))
    rows = [
        (one.about, one.stem, one.law, one.article, number, f"{100 * hits // number}%")
        for one, number, hits in ordered
    ]
    rights: dict[str, tuple[int, int]] = {}
    for (
        one,
        number,
        hits,
    ) in shown:  # only of what the other table shows, so that nothing is left between the two
        before = rights.get(one.about, (0, 0))
        rights[one.about] = (before[0] + number, before[1] + hits)
    order = sorted(rights.items(), key=lambda each: (each[1][1] / each[1][0], each[0]))
    by_right = [(about, number, f"{100 * hits // number}%") for about, (number, hits) in order if about]
    return [
        Table("哪条权利最不清楚", ("权利", "答题人次", "答对的占"), by_right),
        Table(
            f"每道题答对的比例（不到 {FEWEST} 人次的不列）",
            ("权利", "题目", "法律", "条款", "答题人次", "答对的占"),
            rows,
        ),
    ]


def _ranked(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    best = [
        (rank, ranks.public_name(rank, one), one.points, one.solved, one.wrong, one.seconds or 0, one.prize)
        for rank, one in score.ranking(connection, edition.id, ranks.LISTED)
    ]
    ruled = [
        (minute(one.at), one.number, one.version, key(one.was), key(one.became), one.reason, one.changed)
        for one in question.ruled(connection, edition.id)
    ]
    return [
        Table("名次", ("名次", "名字", "得分", "答对", "答错", "用时（秒）", "奖项"), best),
        Table("改过的答案", ("时间", "题号", "第几版", "原来", "改为", "理由", "名次的变化"), ruled),
    ]


# --- a ruling ----------------------------------------------------------------------------------------------------


def correct_key(work: Work, words: Sequence[str]) -> str:
    """Put a wrong question right: everybody is judged anew, and it is said whose rank changed and why."""
    if work.edition.state == editions.PUBLISHED:
        raise Impossible("结果已经公布，不能再改答案。")
    one = _question(work, words[0])
    accepted = _accepted(one, words[1])
    if set(accepted) == set(one.accepted):
        raise Impossible(f"第 {one.number} 号题的答案本来就是 {key(accepted)}。")
    before = ranks.placed(work)
    people = quiz.rule(work.connection, one, accepted)
    if work.rules.ranking != "none":
        speed = work.rules.ranking == "speed"
        for openid in people:
            quiz.recount(work.connection, work.edition.id, openid, work.rules.points, speed=speed)
    changed = ranks.moved(before, ranks.placed(work)) if work.rules.ranking != "none" else ""
    question.note(work.connection, one, accepted, words[2], changed, work.now)
    told = (
        f"【{work.edition.title}】“{one.stem}”这道题的答案改为 {key(accepted)}：{words[2]}。"
        "您的分数已经重新算过，回复“我的”查看。"
    )
    name = f"{work.edition.campaign}/key:{one.number}-{ranks.second(work)}"
    notice.tell(work.connection, name, told, people, work.now)
    again = ranks.posted_anew(work)
    return f"第 {one.number} 号题的答案改为 {key(accepted)}，{len(people)} 个人的分数变了。{changed}{again}"


def _question(work: Work, word: str) -> Question:
    every = question.of_edition(work.connection, work.edition.id)
    found = next((one for one in every if str(one.number) == word), None)
    if found is None:
        raise Impossible(f"这一届没有第 {word} 号题。题号写在“题目”那张表里。")
    return found


def _accepted(one: Question, words: str) -> tuple[str, ...]:
    """What is to count: letters, 或 between several answers, or that every answer does."""
    if words.strip() == EVERY:
        return ()
    found = tuple(dict.fromkeys(letters(piece) for piece in words.split(OR)))
    known = all(each and set(each) <= set(one.options) for each in found)
    if not known or (not one.several and any(len(each) > 1 for each in found)):
        what = "、".join(one.options)
        more = f"，多选题写成 {what.replace('、', '')[:2]}" if one.several else ""
        raise Impossible(
            f"答案写的是“{words[:20]}”。可以写选项的字母（{what}）{more}，几个都对写成 A或B，全都对写“{EVERY}”。"
        )
    return found


DEEDS: Mapping[str, Deed] = {
    **ranks.DEEDS,
    "correct-key": Deed("题目或答案有错：改答案，所有人重新算分", ("题号", "答案", "理由"), correct_key),
}
