"""灯谜: a batch of riddles each day, a few guesses at each, a hint that costs points, and a ranking whose rule is shown before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from campaigns import form as forms
from campaigns.kind import Asked, Finished, Kind, Nothing, Offer, Refused, Taken, Told, Visit
from campaigns.kinds import ranks
from campaigns.kinds.ranks import Prize
from campaigns.kinds.riddle_bank import Bank, BankLine, plain
from campaigns.kinds.riddle_staff import DEEDS, result, tables
from ground.days import SHANGHAI, TimeOrNone, TimeText, read_time
from ground.part import Part
from models import entry, riddle, score
from models.base import Connection
from models.edition import Edition
from models.riddle import Mine, Riddle

NAME = "999"  # what is chosen to be called by a name; more riddles than there can be
HINT = ("提示", "看提示", "要提示", "给个提示")
RULE = "排名先比得分，得分一样的，猜错次数少的在前，再一样的，先得到这个分数的在前；全都一样就并列。"


class Rules(Part):
    """`[campaigns.riddle]`: the bank, how many riddles a day from when to when, guesses, points, the price of a hint, prizes."""

    bank: Bank
    per_day: Annotated[int, Field(ge=1, le=50)] = 10
    opens: TimeText = "09:00"
    closes: TimeOrNone = ""
    tells: TimeOrNone = ""
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    points: Annotated[int, Field(ge=1, le=100)] = 10
    hint_price: Annotated[int, Field(ge=0, le=99)] = 5
    posted_workdays: Annotated[int, Field(ge=1, le=60)] = 5
    prizes: tuple[Prize, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.hint_price >= self.points:
            raise ValueError("hint_price 要比 points 小，看了提示再猜中也要有分")
        if self.tells and (not self.closes or read_time(self.tells) < read_time(self.closes)):
            raise ValueError("写了 tells，也要写 closes，并且不能比它早：还能猜的时候不能公布谜底")
        if self.closes and read_time(self.closes) <= read_time(self.opens):
            raise ValueError("closes 要比 opens 晚")
        return self


# --- the days ----------------------------------------------------------------------------------------------------


def opened(connection: Connection, edition: Edition, rules: Rules) -> None:
    """Lay the bank into a new edition, each riddle with its day's own moments."""
    for number, (line, day) in enumerate(by_day(rules), 1):
        riddle.lay(connection, edition.id, number, _values(edition, rules, line, day))


def by_day(rules: Rules) -> list[tuple[BankLine, int]]:
    """The riddles with the day on which each opens, 1 for the first: where the sheet says none, the next day that has room."""
    taken: dict[int, int] = {}
    found = []
    for line in rules.bank.lines:
        day = line.day or next(day for day in range(1, 1000) if taken.get(day, 0) < rules.per_day)
        taken[day] = taken.get(day, 0) + 1
        found.append((line, day))
    return sorted(found, key=lambda each: each[1])


def _values(edition: Edition, rules: Rules, line: BankLine, day: int) -> dict[str, Any]:
    last = (edition.closes_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
    date = min(edition.opens_at.astimezone(SHANGHAI).date() + timedelta(days=day - 1), last)
    moments = [
        datetime.combine(date, time(*read_time(text)), SHANGHAI).astimezone(UTC) if text else None
        for text in (rules.opens, rules.closes, rules.tells or rules.closes)
    ]
    return {
        "face": line.face,
        "target": line.target,
        "answers": line.answers,
        "why": line.why,
        "hint": line.hint,
        "points": rules.points * line.level,
        "opens_at": moments[0],
        "closes_at": moments[1],
        "told_at": moments[2],
    }


# --- what is asked -----------------------------------------------------------------------------------------------


def form(visit: Visit) -> Asked | Nothing:
    """Which riddle, then its answer; or the name by which others read of this person."""
    mine = riddle.mine(visit.connection, visit.edition.id, visit.openid)
    every = riddle.of_edition(visit.connection, visit.edition.id)
    open_now = [one for one in every if _may(visit, one, mine)]
    if not open_now and visit.said.get("riddle") != NAME:
        return Nothing(_none_left(visit, every))
    options = [(str(one.number), f"{one.face}（{one.target}）") for one in open_now]
    fields: dict[str, Any] = {
        "riddle": forms.one("猜哪一条（回复编号）", [*options, (NAME, "起一个上榜用的名字")])
    }
    chosen = next((one for one in open_now if str(one.number) == visit.said.get("riddle")), None)
    if visit.said.get("riddle") == NAME:
        fields["name"] = ranks.name_field()
    elif chosen is not None:
        fields["words"] = _answer(visit, chosen, mine)
    return Asked(forms.form_of(fields), RULE, recap=False)


def _may(visit: Visit, one: Riddle, mine: Mine) -> bool:
    left = visit.rules.tries - mine.tried.get(one.id, 0)
    return one.takes(visit.now) and one.id not in mine.solved and left > 0


def _none_left(visit: Visit, every: list[Riddle]) -> str:
    coming = min((one.opens_at for one in every if one.opens_at > visit.now), default=None)
    if coming is None:
        return "能猜的灯谜您都猜过了，谢谢您！回复“我的”看得了多少分。"
    at = coming.astimezone(SHANGHAI)
    return f"现在能猜的您都猜过了，下一批 {at.month}月{at.day}日 {at:%H:%M} 开猜。"


def _answer(visit: Visit, one: Riddle, mine: Mine) -> Any:
    left = visit.rules.tries - mine.tried.get(one.id, 0)
    notes = [f"猜中得 {one.points} 分，还可以猜 {left} 次。"]
    if one.id in mine.hinted:
        notes.append(f"提示：{one.hint}")
    elif one.hint:
        notes.append(f"想看提示就写“提示”，猜中后少得 {visit.rules.hint_price} 分。")
    label = f"第 {one.number} 条：{one.face}（{one.target}）"
    return forms.line(label, 40, "\n".join(notes), knows=lambda words: is_right(one, words))


def is_right(one: Riddle, words: str) -> bool:
    """Whether the words are one of its answers, as a whole."""
    said = plain(words)
    return bool(said) and any(said == plain(answer) for answer in one.answers)


# --- what becomes of it ------------------------------------------------------------------------------------------


def take(visit: Visit, answers: Mapping[str, Any]) -> Taken | Refused:
    """A guess, a hint, or a name."""
    number = str(answers["riddle"])
    if number == NAME:
        return ranks.choose_name(visit, str(answers["name"]))
    every = riddle.of_edition(visit.connection, visit.edition.id)
    one = next(one for one in every if str(one.number) == number)
    words = str(answers["words"])
    right = is_right(one, words)
    if not right and words.strip(" 。！!") in HINT:
        return _hint(visit, one)
    given = riddle.guess(
        visit.connection, one, visit.openid, words, plain(words), hit=right, tries=visit.rules.tries,
        price=visit.rules.hint_price, now=visit.now,
    )  # fmt: skip
    if given is None:
        return Refused("这一条您已经猜过了。")
    return _right(visit, one, every) if right else _wrong(visit, one, given)


def _right(visit: Visit, one: Riddle, every: list[Riddle]) -> Taken:
    stands = score.of(visit.connection, visit.edition.id, visit.openid)
    why = f"{one.why}\n" if one.why else ""
    mine = riddle.mine(visit.connection, visit.edition.id, visit.openid)
    words = f"猜对了！第 {one.number} 条的谜底就是“{one.answers[0]}”，得 {mine.solved[one.id]} 分。\n{why}"
    if stands is not None:
        words += f"您一共猜中 {stands.solved} 条，{stands.points} 分。"
    after = [each for each in every if _may(visit, each, mine)]
    following = next((each for each in after if each.number > one.number), None)
    said = {"riddle": str(following.number)} if following else {}
    return Taken(words, str(one.number), again=True, said=said)


def _wrong(visit: Visit, one: Riddle, given: int) -> Taken:
    left = visit.rules.tries - given
    if left:
        words = f"“{_short(visit.said.get('words', ''))}”不对，还可以再猜 {left} 次。"
        return Taken(words, str(one.number), again=True, said={"riddle": str(one.number)})
    words = f"也不对，第 {one.number} 条的机会用完了。谜底公布以后，回到这里就能看到；觉得自己的答案也对，请拨 12351 说一声。"
    return Taken(words, str(one.number), again=True)


def _hint(visit: Visit, one: Riddle) -> Taken | Refused:
    if not one.hint:
        return Refused("这一条没有提示。")
    riddle.take_hint(visit.connection, one, visit.openid, visit.now)
    return Taken(f"提示：{one.hint}", str(one.number), again=True, said={"riddle": str(one.number)})


def _short(words: str) -> str:
    return words if len(words) <= 12 else f"{words[:12]}…"


# --- where it stands ---------------------------------------------------------------------------------------------


def told(visit: Visit) -> Told:
    """The best, the rule, what was ruled, the riddles that are open and those that are told; and this person's own."""
    every = riddle.of_edition(visit.connection, visit.edition.id)
    mine = (
        riddle.mine(visit.connection, visit.edition.id, visit.openid)
        if visit.openid
        else Mine({}, {}, frozenset())
    )
    offers = tuple(_offer(visit, one, mine) for one in every if one.opens_at <= visit.now)
    return Told(_words(visit, len(offers)), _mine(visit, every, mine), offers)


def _words(visit: Visit, number: int) -> str:
    lines = [f"已经出了 {number} 条灯谜，每条可以猜 {visit.rules.tries} 次。{RULE}"]
    lines += ranks.names_the_prizes(visit.rules.prizes)
    lines += ranks.names_the_best(visit)
    for number, answer, reason, changed, _ in riddle.ruled(visit.connection, visit.edition.id):
        lines.append(f"第 {number} 条“{answer}”也算对：{reason}。{changed}")
    return "".join(lines)


def _offer(visit: Visit, one: Riddle, mine: Mine) -> Offer:
    solved = one.id in mine.solved
    if _is_told(visit, one):
        note = f"谜底：{one.answers[0]}{f'。{one.why}' if one.why else ''}"
    elif solved:
        note = f"您猜对了：{one.answers[0]}"
    else:
        left = visit.rules.tries - mine.tried.get(one.id, 0)
        note = f"{one.points} 分，还可以猜 {left} 次" if one.takes(visit.now) else "已经截止，还没有公布谜底"
    can = _may(visit, one, mine) and visit.edition.takes(visit.now)
    words = f"{one.face}（{one.target}）"
    return Offer(
        words,
        "猜" if can else "",
        {"riddle": str(one.number)} if can else {},
        str(one.number),
        note,
        chosen=solved,
    )


def _is_told(visit: Visit, one: Riddle) -> bool:
    return visit.now >= min(one.told_at or visit.edition.closes_at, visit.edition.closes_at)


def _mine(visit: Visit, every: list[Riddle], mine: Mine) -> tuple[str, ...]:
    stands = score.of(visit.connection, visit.edition.id, visit.openid) if visit.openid else None
    if stands is None:
        return ()
    line = f"猜中 {stands.solved} 条，{stands.points} 分，猜错 {stands.wrong} 次"
    return (line, *ranks.names_the_place(visit, stands))


def ended(connection: Connection, edition: Edition, rules: Rules, now: datetime) -> None:
    """Nothing more: who stands where is kept with every guess, and nobody can guess any more."""


KIND = Kind(
    "灯谜",
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
    finished=Finished("人猜过灯谜", entry.people),
)
