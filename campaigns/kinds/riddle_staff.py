"""What the staff do with riddles: look at chosen names, rule that an answer counts as well, post the prizes, publish; the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds.riddle_bank import plain
from ground.days import minute
from ground.part import Part
from ground.table import Table
from models import edition as editions
from models import notice, riddle
from models.base import Connection
from models.edition import Edition
from models.riddle import REFUSED, SHOWN, WAITS, Riddle, Score

LISTED = 1000  # ranks in a table
COMPARED = 200  # ranks that a ruling is looked at for
NAMED = 10  # changed ranks that a ruling tells one by one


class Prize(Part):
    """`[[campaigns.riddle.prizes]]`: what it is called, how many get it, what they get."""

    name: Annotated[str, Field(min_length=1, max_length=12)]
    count: Annotated[int, Field(ge=1, le=10_000)]
    what: Annotated[str, Field(max_length=60)] = ""


def public_name(rank: int, one: Score) -> str:
    """What others read: the chosen name once the staff have let it stand, else the rank alone."""
    return one.name if one.name_state == SHOWN and one.name else f"（第 {rank} 名）"


def is_over(edition: Edition, now: datetime) -> bool:
    """Whether nobody can guess any more."""
    return not edition.takes(now)


def tables(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """The riddles with how many solved them, the ranking, the names that wait, and what was ruled."""
    every = riddle.of_edition(connection, edition.id)
    counts = {number: (people, solved) for number, people, solved in riddle.guessed(connection, edition.id)}
    rows = [
        (one.number, one.face, one.target, "、".join(one.answers), one.points, *counts.get(one.id, (0, 0)))
        for one in every
    ]
    waiting = [(one.id, one.name, one.points) for one in riddle.names_waiting(connection, edition.id)]
    return [
        Table("灯谜", ("编号", "谜面", "谜目", "谜底", "分数", "猜过的人数", "猜中的人数"), rows),
        Table("等您看的名字", ("编号", "名字", "得分"), waiting),
        *result(connection, edition, rules),
    ]


def result(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """What everybody may read: the ranking by chosen names, and what was ruled."""
    ranks = [
        (rank, public_name(rank, one), one.points, one.solved, one.wrong, _at(one), one.prize)
        for rank, one in riddle.ranking(connection, edition.id, LISTED)
    ]
    ruled = [
        (minute(at), number, answer, reason, changed)
        for number, answer, reason, changed, at in riddle.ruled(connection, edition.id)
    ]
    return [
        Table("名次", ("名次", "名字", "得分", "猜中", "猜错", "得到这个分数的时间", "奖项"), ranks),
        Table("也算对的答案", ("时间", "灯谜编号", "答案", "理由", "名次的变化"), ruled),
    ]


def _at(one: Score) -> str:
    return minute(one.reached_at) if one.reached_at else ""


# --- names -------------------------------------------------------------------------------------------------------


def show_name(work: Work, words: Sequence[str]) -> str:
    """Let others read a chosen name."""
    one = _person(work, words[0])
    if not riddle.judge_name(work.connection, one.id, (WAITS, REFUSED), SHOWN):
        raise Impossible(f"{one.id} 号没有等着看的名字。")
    return f"榜上显示“{one.name}”。"


def refuse_name(work: Work, words: Sequence[str]) -> str:
    """Let nobody read it; its person learns why."""
    one = _person(work, words[0])
    if not riddle.judge_name(work.connection, one.id, (WAITS, SHOWN), REFUSED):
        raise Impossible(f"{one.id} 号没有等着看的名字。")
    told = f"您起的名字“{one.name}”不能上榜：{words[1]}。可以再起一个；觉得不对，回复“申诉”。"
    people = [one.openid] if one.openid else []
    notice.tell(
        work.connection, f"{work.edition.campaign}/name:{one.id}-{_second(work)}", told, people, work.now
    )
    return f"“{one.name}”不上榜，会告诉本人。"


def _second(work: Work) -> str:
    return f"{work.now:%m%d%H%M%S}"


def _person(work: Work, word: str) -> Score:
    found = riddle.get_score(work.connection, int(word)) if word.isascii() and word.isdigit() else None
    mine = found and found.openid and riddle.score(work.connection, work.edition.id, found.openid)
    if found is None or mine is None or not mine or mine.id != found.id:
        raise Impossible(f"这一届没有 {word} 号。编号写在“等您看的名字”那张表里。")
    return found


# --- "my answer is right as well" --------------------------------------------------------------------------------


def accept_alias(work: Work, words: Sequence[str]) -> str:
    """Let an answer count as well: everybody is graded anew, and it is said whose rank changed and why."""
    if work.edition.state == editions.PUBLISHED:
        raise Impossible("结果已经公布，不能再改名次。")
    one = _riddle(work, words[0])
    answer, said = words[1].strip(), plain(words[1])
    if not said or any(said == plain(each) for each in one.answers):
        raise Impossible(f"“{answer}”本来就算对，或者里面没有字。")
    before = _ranks(work)
    people = riddle.accept(work.connection, one, answer, said, work.rules.hint_price)
    after = _ranks(work)
    changed = _changed(before, after)
    riddle.note_ruling(work.connection, one.id, answer, words[2], changed, work.now)
    told = f"【{work.edition.title}】第 {one.number} 条，您答的“{answer}”也算对：{words[2]}。分数已经补上，回复“我的”查看。"
    name = f"{work.edition.campaign}/accept:{one.number}-{_second(work)}"
    notice.tell(work.connection, name, told, people, work.now)
    again = _posted_anew(work)
    return f"第 {one.number} 条“{answer}”也算对，给 {len(people)} 个人重新算了分。{changed}{again}"


def _riddle(work: Work, word: str) -> Riddle:
    every = riddle.of_edition(work.connection, work.edition.id)
    found = next((one for one in every if str(one.number) == word), None)
    if found is None:
        raise Impossible(f"这一届没有第 {word} 条灯谜。")
    return found


def _ranks(work: Work) -> dict[int, tuple[int, str]]:
    ranking = riddle.ranking(work.connection, work.edition.id, COMPARED)
    return {one.id: (rank, public_name(rank, one)) for rank, one in ranking}


def _changed(before: Mapping[int, tuple[int, str]], after: Mapping[int, tuple[int, str]]) -> str:
    """Whose rank is another now, among the best, in words that name nobody who did not choose it."""
    moved = [(before.get(one, (0, ""))[0], rank, name) for one, (rank, name) in after.items()]
    moved = [each for each in moved if each[0] != each[1]]
    if not moved:
        return f"前 {COMPARED} 名的名次没有变。"
    lines = [_move(*each) for each in moved[:NAMED]]
    more = f"，等 {len(moved)} 人" if len(moved) > NAMED else ""
    return f"名次有变的：{'，'.join(lines)}{more}。"


def _move(before: int, after: int, name: str) -> str:
    whose = "" if name.startswith("（") else f"{name} "
    return f"{whose}{f'从第 {before} 名' if before else '新'}到第 {after} 名"


# --- prizes ------------------------------------------------------------------------------------------------------


def post(work: Work, words: Sequence[str]) -> str:
    """公示: post who gets which prize, for so long that anybody can object."""
    _needs_end(work)
    if not riddle.post(work.connection, work.edition.id, words[0], work.now):
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
    for rank, one in riddle.ranking(work.connection, work.edition.id):
        if rank > most:
            break
        prizes[one.id] = next(name for limit, name in limits if rank <= limit)
    riddle.award(work.connection, work.edition.id, prizes)
    return len(prizes)


def _posted_anew(work: Work) -> str:
    """Prizes that are posted already follow a ruling."""
    if riddle.posted_at(work.connection, work.edition.id) is None:
        return ""
    return f"正在公示的名单也重新排了，现在 {_award(work)} 个人得奖。"


def publish(work: Work, words: Sequence[str]) -> str:
    """Make the result final after its days of posting, and tell everybody who has points."""
    _needs_end(work)
    posted = riddle.posted_at(work.connection, work.edition.id)
    if posted is None or work.now < _posted_until(work, posted):
        until = f"要公示到 {minute(_posted_until(work, posted))}" if posted else "还没有公示，请先 post"
        raise Impossible(f"{until}，才能公布。")
    editions.publish(work.connection, work.edition, work.now)
    won = riddle.winners(work.connection, work.edition.id)
    told = sum(_tell_winners(work, prize.name, won, words[0]) for prize in work.rules.prizes)
    lucky = {one.openid for one in won}
    others = [openid for openid in riddle.players(work.connection, work.edition.id) if openid not in lucky]
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
    "accept-alias": Deed("一个答案也算对，所有人重新算分", ("灯谜编号", "答案", "理由"), accept_alias),
    "post": Deed("公示得奖名单", ("说明",), post),
    "publish": Deed("公示期满，公布结果并告诉大家", ("领奖办法",), publish),
}
