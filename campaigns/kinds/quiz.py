"""竞答: everybody draws a paper from a bank, answers question by question, and reads after each one why, and by which law."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Kind, Nothing, Refused, Taken, Told, Visit
from campaigns.kinds import ranks
from campaigns.kinds.quiz_bank import Bank
from campaigns.kinds.quiz_staff import DEEDS, key_words, result, ruling_words, source, tables
from campaigns.kinds.ranks import Prize
from ground.part import Part
from models import entry, question, quiz, score
from models.base import Connection
from models.edition import Edition
from models.question import Question
from models.quiz import Choice, Paper

PAPER, NAME = ("1", "8"), ("2", "9")  # a late answer to a paper whose time is up must not draw the next one
RULES = {
    "none": "这次不排名，答完就知道对了几道。",
    "points": "排名只比得分，得分一样的并列。",
    "speed": "排名先比得分，得分一样的，用时少的在前（从领卷子到答最后一题），都一样就并列。",
}


class Rules(Part):
    """`[campaigns.quiz]`: the bank, how many questions a paper has, how many papers one may draw and for how long, points, the
    ranking's rule, prizes."""

    bank: Bank
    size: Annotated[int, Field(ge=1, le=50)] = 10
    papers: Annotated[int, Field(ge=1, le=10)] = 1
    minutes: Annotated[int, Field(ge=0, le=180)] = 0  # for one paper; 0 for as long as the edition lasts
    points: Annotated[int, Field(ge=1, le=100)] = 10
    ranking: Literal["none", "points", "speed"] = "points"
    posted_workdays: Annotated[int, Field(ge=1, le=60)] = 5
    prizes: tuple[Prize, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.bank.lines and self.size > len(self.bank.lines):
            raise ValueError(f"size 是 {self.size}，题库里只有 {len(self.bank.lines)} 道题")
        if self.prizes and self.ranking == "none":
            raise ValueError('写了奖项，ranking 就要是 "points" 或 "speed"')
        return self


def opened(connection: Connection, edition: Edition, rules: Rules) -> None:
    """Lay the bank into a new edition."""
    for number, line in enumerate(rules.bank.lines, 1):
        values = {name: getattr(line, name) for name in ("stem", "options", "why", "law", "article", "about")}
        answers = {"accepted": [line.right], "several": len(line.right) > 1}
        question.lay(connection, edition.id, number, {**values, **answers})


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """The next question of the paper that is open; else whether to draw one, or a name to be read by."""
    mine = quiz.of_person(visit.connection, visit.edition.id, visit.openid)
    if mine and (following := _next(visit, mine[-1])) is not None:
        return _question(visit, mine[-1], following)
    lapsed = _lapsed(visit, mine)
    options = list(_options(visit, mine, bool(lapsed)))
    if not options:
        return Nothing(f"{lapsed}卷子您都答过了，谢谢您！回复“我的”看得了多少分。")
    fields: dict[str, Any] = {
        "start": forms.one("上一张卷子时间到了，接下来" if lapsed else "准备好了吗", options)
    }
    if visit.said.get("start") in NAME:
        fields["name"] = ranks.name_field()
    return Asked(forms.form_of(fields), f"{lapsed}{_rule(visit.rules)}", recap=False, links=False)


def _options(visit: Visit, mine: Sequence[Paper], late: bool) -> Sequence[forms.Option]:
    left = visit.rules.papers - len(mine)
    found = [(PAPER[late], f"领卷子，开始答题（还可以领 {left} 张）")] if left > 0 else []
    if visit.rules.ranking != "none":
        found.append((NAME[late], "起一个上榜用的名字"))
    return found


def _next(visit: Visit, paper: Paper) -> int | None:
    """Which question of the paper comes next, 0 for the first; None where it is answered or its time is up."""
    if paper.over(visit.now):
        return None
    answers = quiz.chosen(visit.connection, paper.id)
    return next((at for at, (number, _) in enumerate(paper.items) if number not in answers), None)


def _lapsed(visit: Visit, mine: Sequence[Paper]) -> str:
    if not mine or not mine[-1].over(visit.now):
        return ""
    answered = len(quiz.chosen(visit.connection, mine[-1].id))
    return "" if answered == len(mine[-1].items) else f"时间到了，已经答的 {answered} 题都算数。"


def _question(visit: Visit, paper: Paper, at: int) -> Asked:
    number, letters = paper.items[at]
    one = question.get(visit.connection, number)
    assert one is not None
    options = [(letter, one.options[letter]) for letter in letters]
    label = f"第 {at + 1} 题（共 {len(paper.items)} 题，{'多选' if one.several else '单选'}）：{one.stem}"
    every = forms.several(label, options, 1, len(options), "选全选对才得分")
    field = every if one.several else forms.one(label, options)
    return Asked(forms.form_of({f"q{at + 1}": field}), _left(paper, visit.now), recap=False, links=False)


def _left(paper: Paper, now: datetime) -> str:
    if paper.expires_at is None:
        return ""
    return f"这张卷子还剩 {max(1, round((paper.expires_at - now).total_seconds() / 60))} 分钟。"


def _rule(rules: Rules) -> str:
    time = f"每张限时 {rules.minutes} 分钟，" if rules.minutes else ""
    more = "取最好的一张。" if rules.papers > 1 else ""
    return (
        f"每张卷子 {rules.size} 题，每题 {rules.points} 分，{time}答完一题就看到对不对、为什么。"
        f"每人可以领 {rules.papers} 张。{more}{RULES[rules.ranking]}"
    )


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """A paper, an answer, or a name."""
    if answers.get("start") in NAME:
        return ranks.choose_name(visit, str(answers["name"]))
    if "start" in answers:
        return _drawn(visit)
    paper = quiz.of_person(visit.connection, visit.edition.id, visit.openid)[-1]
    (name, value), *_ = answers.items()
    one = question.get(visit.connection, paper.items[int(name[1:]) - 1][0])
    assert one is not None
    letters = "".join(sorted([value] if isinstance(value, str) else value))
    if not quiz.answer(visit.connection, paper, one, letters, visit.now):
        return Refused("这一题您已经答过了。")
    _count(visit)
    words = f"{_judged(one, letters)}\n{one.why}（{source(one)}）"
    if _next(visit, paper) is not None:
        return Taken(words, again=True)
    return Taken(f"{words}\n{_done(visit, paper)}", _number(paper))


def _drawn(visit: Visit) -> Taken | Refused:
    rules = visit.rules
    paper = quiz.draw(
        visit.connection, visit.edition.id, visit.openid, size=rules.size, most=rules.papers,
        seed=secrets.token_hex(8), lasts=timedelta(minutes=rules.minutes) or None, now=visit.now,
    )  # fmt: skip
    if paper is None:
        return Refused("卷子您都领过了。")
    _count(visit)
    return Taken(f"卷子领好了，一共 {len(paper.items)} 题。", again=True)


def _count(visit: Visit) -> None:
    rules = visit.rules
    if rules.ranking == "none":
        return
    speed = rules.ranking == "speed"
    quiz.recount(visit.connection, visit.edition.id, visit.openid, rules.points, speed=speed)


def _judged(one: Question, letters: str) -> str:
    if one.counts(letters):
        return "答对了！"
    return f"不对。正确答案是：{key_words(one)}。"


def _number(paper: Paper) -> str:
    """What a paper is called by its person."""
    return f"J{paper.id}"


def _done(visit: Visit, paper: Paper) -> str:
    left = visit.rules.papers - paper.n
    more = f"还可以再领 {left} 张卷子，取最好的一张。" if left > 0 else ""
    name = _number(paper)
    return f"这张卷子答完了：{_stands(visit, paper)}。回复“{name} 查看”能再看一遍题目和解释。{more}"


def _stands(visit: Visit, paper: Paper) -> str:
    _, seconds, _, right, _ = quiz.worth(paper, quiz.chosen(visit.connection, paper.id))
    minutes, rest = divmod(seconds, 60)
    took = f"{minutes} 分 {rest} 秒" if minutes else f"{rest} 秒"
    return f"{len(paper.items)} 题答对 {right} 题，{right * visit.rules.points} 分，用时 {took}"


def _line(visit: Visit, paper: Paper) -> str:
    at = _next(visit, paper) if visit.edition.takes(visit.now) else None
    return _stands(visit, paper) if at is None else f"正在答第 {at + 1} 题，一共 {len(paper.items)} 题"


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The rule, the prizes, the best, what was ruled; and this person's own papers, each with its questions and why."""
    lines = [_rule(visit.rules), *ranks.names_the_prizes(visit.rules.prizes), *ranks.names_the_best(visit)]
    lines += [ruling_words(one) for one in question.ruled(visit.connection, visit.edition.id)]
    if not visit.openid:
        return Told("".join(lines))
    mine = quiz.of_person(visit.connection, visit.edition.id, visit.openid)
    own = [f"{_number(paper)}：{_line(visit, paper)}" for paper in mine]
    stands = score.of(visit.connection, visit.edition.id, visit.openid)
    own += ranks.names_the_place(visit, stands) if stands else ()
    steps = {_number(paper): _review(visit, paper) for paper in mine}
    return Told("".join(lines), tuple(own), steps=steps)


def _review(visit: Visit, paper: Paper) -> tuple[str, ...]:
    """What was answered, question by question, with what is right and why."""
    answers = quiz.chosen(visit.connection, paper.id)
    known = {one.id: one for one in question.some(visit.connection, [number for number, _ in paper.items])}
    return tuple(
        _reviewed(at, known[number], answers[number])
        for at, (number, _) in enumerate(paper.items, 1)
        if number in answers
    )


def _reviewed(at: int, one: Question, choice: Choice) -> str:
    said = "、".join(one.options[letter] for letter in choice.letters)
    judged = "对" if choice.hit else f"不对，正确答案是：{key_words(one)}"
    return f"第 {at} 题：{one.stem}您选了：{said}，{judged}。{one.why}（{source(one)}）"


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing more: who stands where is kept with every answer, and nobody can answer any more."""


KIND = Kind(
    "竞答",
    Rules,
    form,
    take,
    told,
    tables,
    ended,
    DEEDS,
    score.waiting_since,
    ranks.hidden,
    opened,
    result,
    finished=Finished("人答过题", entry.people),
)
