"""What kinds that rank people have in common: the names that people chose to be read by, what a ruling moves, prizes that are posted
and then given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from campaigns import form as forms
from campaigns.kind import Deed, Hidden, Impossible, Taken, Visit, Work
from ground.days import minute
from ground.part import Part
from ground.table import Table
from ground.text import without_blanks
from models import edition as editions
from models import notice, score
from models.base import Connection
from models.edition import Edition
from models.score import REFUSED, SHOWN, WAITS, Score

LISTED = 1000  # ranks in a table
COMPARED = 200  # ranks that a ruling is looked at for
NAMED = 10  # changed ranks that a ruling tells one by one
TOP = 5  # that a page and the chat name
LONGEST_NAME = 8


class Prize(Part):
    """`[[campaigns.KIND.prizes]]`: what it is called, how many get it, what they get."""

    name: Annotated[str, Field(min_length=1, max_length=12)]
    count: Annotated[int, Field(ge=1, le=10_000)]
    what: Annotated[str, Field(max_length=60)] = ""


def public_name(rank: int, one: Score) -> str:
    """What others read: the chosen name once the staff have let it stand, else the rank alone."""
    return one.name if one.name_state == SHOWN and one.name else f"（第 {rank} 名）"


def _called(one: Score) -> str:
    return f" {one.name}" if one.name_state == SHOWN and one.name else ""


def is_over(edition: Edition, now: datetime) -> bool:
    """Whether nobody can take part any more."""
    return not edition.takes(now)


# --- what is told ------------------------------------------------------------------------------------------------


def names_the_prizes(prizes: Sequence[Prize]) -> Iterator[str]:
    """What can be won; a prize that nobody has settled yet is not named."""
    if prizes:
        yield f"奖项：{'，'.join(_prize(one) for one in prizes)}。名次并列的都得。"


def _prize(one: Prize) -> str:
    what = without_blanks(one.what)
    return f"{one.name} {one.count} 名{f'：{what}' if what else ''}"


def names_the_best(visit: Visit) -> Iterator[str]:
    """Who stands in front."""
    best = [
        f"第 {rank} 名{_called(one)}（{one.points} 分）"
        for rank, one in islice(score.ranking(visit.connection, visit.edition.id, TOP), TOP)
    ]
    if best:
        state = "" if is_over(visit.edition, visit.now) else "现在"
        yield f"{state}排在前面的：{'，'.join(best)}。"


def names_the_place(visit: Visit, one: Score) -> Iterator[str]:
    """Where somebody stands, what they won, and what became of the name that they chose."""
    if one.place is not None:
        rank = score.rank(visit.connection, visit.edition.id, one.place)
        yield f"第 {rank} 名" if is_over(visit.edition, visit.now) else f"现在是第 {rank} 名"
    if one.prize:
        yield f"得了{one.prize}"
    if one.name_state in _NAMED:
        yield f"上榜用的名字“{one.name}”{_NAMED[one.name_state]}"


_NAMED = {WAITS: "等工作人员看过", SHOWN: "已经显示", REFUSED: "不能用，请换一个"}


def hidden(visit: Visit) -> list[Hidden]:
    """The name that this person chose, where the staff let nobody read it."""
    stands = score.of(visit.connection, visit.edition.id, visit.openid)
    if stands is None or stands.name_state != REFUSED:
        return []
    return [Hidden(f"show-name {stands.id}", f"上榜用的名字“{stands.name}”", "")]


def waiting(connection: Connection, edition: Edition) -> Table:
    """The names at which nobody has looked."""
    rows = [(one.id, one.name, one.points) for one in score.names_waiting(connection, edition.id)]
    return Table("等您看的名字", ("编号", "名字", "得分"), rows)


def name_field() -> Any:
    """What asks for the name that others read."""
    hint = "大家在榜上会看到它，可以不用真名；工作人员看过以后才显示"
    return forms.line("上榜用的名字", LONGEST_NAME, hint, least=2)


def choose_name(visit: Visit, words: str) -> Taken:
    """Keep the name that somebody chose, for the staff to look at."""
    score.name(visit.connection, visit.edition.id, visit.openid, words, visit.now)
    return Taken(f"记下了，工作人员看过以后，榜上就显示“{words}”。", again=True)


def reached(one: Score) -> str:
    """When somebody reached the points that they have."""
    return minute(one.reached_at) if one.reached_at else ""


# --- names -------------------------------------------------------------------------------------------------------


def show_name(work: Work, words: Sequence[str]) -> str:
    """Let others read a chosen name."""
    one = _person(work, words[0])
    if not score.judge_name(work.connection, one.id, (WAITS, REFUSED), SHOWN):
        raise Impossible(f"{one.id} 号没有等着看的名字。")
    return f"榜上显示“{one.name}”。"


def refuse_name(work: Work, words: Sequence[str]) -> str:
    """Let nobody read it; its person learns why."""
    one = _person(work, words[0])
    if not score.judge_name(work.connection, one.id, (WAITS, SHOWN), REFUSED):
        raise Impossible(f"{one.id} 号没有等着看的名字。")
    told = f"您起的名字“{one.name}”不能上榜：{words[1]}。可以再起一个；觉得不对，回复“申诉”。"
    people = [one.openid] if one.openid else []
    notice.tell(
        work.connection, f"{work.edition.campaign}/name:{one.id}-{second(work)}", told, people, work.now
    )
    return f"“{one.name}”不上榜，会告诉本人。"


def second(work: Work) -> str:
    """What tells the notices of two deeds apart."""
    return f"{work.now:%m%d%H%M%S}"


def _person(work: Work, word: str) -> Score:
    found = score.get(work.connection, int(word)) if word.isascii() and word.isdigit() else None
    mine = found and found.openid and score.of(work.connection, work.edition.id, found.openid)
    if found is None or mine is None or not mine or mine.id != found.id:
        raise Impossible(f"这一届没有 {word} 号。编号写在“等您看的名字”那张表里。")
    return found


def placed(work: Work) -> dict[int, tuple[int, str]]:
    """The best with their ranks and names, by the scores' numbers."""
    ranking = score.ranking(work.connection, work.edition.id, COMPARED)
    return {one.id: (rank, public_name(rank, one)) for rank, one in ranking}


def moved(before: Mapping[int, tuple[int, str]], after: Mapping[int, tuple[int, str]]) -> str:
    """Whose rank is another now, among the best, in words that name nobody who did not choose it."""
    found = [(before.get(one, (0, ""))[0], rank, name) for one, (rank, name) in after.items()]
    found = [each for each in found if each[0] != each[1]]
    if not found:
        return f"前 {COMPARED} 名的名次没有变。"
    lines = [_move(*each) for each in found[:NAMED]]
    more = f"，等 {len(found)} 人" if len(found) > NAMED else ""
    return f"名次有变的：{'，'.join(lines)}{more}。"


def _move(before: int, after: int, name: str) -> str:
    whose = "" if name.startswith("（") else f"{name} "
    return f"{whose}{f'从第 {before} 名' if before else '新'}到第 {after} 名"


# --- prizes ------------------------------------------------------------------------------------------------------


def post(work: Work, words: Sequence[str]) -> str:
    """公示: post who gets which prize, for so long that anybody can object."""
    _needs_end(work)
    if not score.post(work.connection, work.edition.id, words[0], work.now):
        raise Impossible("名单已经在公示了。")
    number = _award(work)
    until = minute(_posted_until(work, work.now))
    days, name = work.rules.posted_workdays, work.edition.campaign
    return f"{number} 个人得奖，公示 {days} 个工作日，到 {until}。到时候运行 campaign do {name} publish 领奖办法。"


def _posted_until(work: Work, posted: datetime) -> datetime:
    return work.workdays.end_after(posted, work.rules.posted_workdays)


def _needs_end(work: Work) -> None:
    if work.edition.state != editions.CLOSED:
        raise Impossible("活动还没有结束（结束以后一分钟才能公示），或者结果已经公布。")


def _award(work: Work) -> int:
    prizes: dict[int, str] = {}
    last = 0
    most = sum(prize.count for prize in work.rules.prizes)
    limits: list[tuple[int, str]] = []
    for prize in work.rules.prizes:
        last += prize.count
        limits.append((last, prize.name))
    for rank, one in score.ranking(work.connection, work.edition.id):
        if rank > most:
            break
        prizes[one.id] = next(name for limit, name in limits if rank <= limit)
    score.award(work.connection, work.edition.id, prizes)
    return len(prizes)


def posted_anew(work: Work) -> str:
    """Prizes that are posted already follow a ruling."""
    if score.posted_at(work.connection, work.edition.id) is None:
        return ""
    return f"正在公示的名单也重新排了，现在 {_award(work)} 个人得奖。"


def publish(work: Work, words: Sequence[str]) -> str:
    """Make the result final after its days of posting, and tell everybody who has points."""
    _needs_end(work)
    posted = score.posted_at(work.connection, work.edition.id)
    if posted is None or work.now < _posted_until(work, posted):
        until = f"要公示到 {minute(_posted_until(work, posted))}" if posted else "还没有公示，请先 post"
        raise Impossible(f"{until}，才能公布。")
    editions.publish(work.connection, work.edition, work.now)
    won = score.winners(work.connection, work.edition.id)
    told = sum(_tell_winners(work, prize.name, won, words[0]) for prize in work.rules.prizes)
    lucky = {one.openid for one in won}
    others = [openid for openid in score.players(work.connection, work.edition.id) if openid not in lucky]
    thanks = f"【{work.edition.title}】结果出来了，谢谢您参加！回复“我的”看您的名次。"
    name = f"{work.edition.campaign}/result:{work.edition.id}"
    thanked = notice.tell(work.connection, name, thanks, others, work.now)
    return f"结果已经公布，会告诉得奖的 {told} 人和另外参加的 {thanked} 人。"


def _tell_winners(work: Work, prize: str, won: Sequence[Score], how: str) -> int:
    people = [one.openid for one in won if one.prize == prize and one.openid]
    number = next(at for at, each in enumerate(work.rules.prizes, 1) if each.name == prize)
    told = f"【{work.edition.title}】恭喜您得了{prize}！{how}"
    name = f"{work.edition.campaign}/prize:{work.edition.id}-{number}"
    return notice.tell(work.connection, name, told, people, work.now)


DEEDS: Mapping[str, Deed] = {
    "show-name": Deed("让一个名字上榜", ("编号",), show_name),
    "refuse-name": Deed("不让一个名字上榜", ("编号", "理由"), refuse_name),
    "post": Deed("公示得奖名单", ("说明",), post),
    "publish": Deed("公示期满，公布结果并告诉大家", ("领奖办法",), publish),
}
