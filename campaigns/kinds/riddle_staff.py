"""What the staff do with riddles: look at chosen names, rule that an answer counts as well, post the prizes, publish; the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.kind import Deed, Impossible, Work
from campaigns.kinds import ranks
from campaigns.kinds.riddle_bank import plain
from ground.days import minute
from ground.table import Table
from models import edition as editions
from models import notice, riddle, score
from models.base import Connection
from models.edition import Edition
from models.riddle import Riddle


def tables(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """The riddles with how many solved them, the ranking, the names that wait, and what was ruled."""
    every = riddle.of_edition(connection, edition.id)
    counts = {number: (people, solved) for number, people, solved in riddle.guessed(connection, edition.id)}
    rows = [
        (one.number, one.face, one.target, "、".join(one.answers), one.points, *counts.get(one.id, (0, 0)))
        for one in every
    ]
    return [
        Table("灯谜", ("编号", "谜面", "谜目", "谜底", "分数", "猜过的人数", "猜中的人数"), rows),
        ranks.waiting(connection, edition),
        *result(connection, edition, rules),
    ]


def result(connection: Connection, edition: Edition, rules: Any) -> list[Table]:
    """What everybody may read: the ranking by chosen names, and what was ruled."""
    best = [
        (rank, ranks.public_name(rank, one), one.points, one.solved, one.wrong, ranks.reached(one), one.prize)
        for rank, one in score.ranking(connection, edition.id, ranks.LISTED)
    ]
    ruled = [
        (minute(at), number, answer, reason, changed)
        for number, answer, reason, changed, at in riddle.ruled(connection, edition.id)
    ]
    return [
        Table("名次", ("名次", "名字", "得分", "猜中", "猜错", "得到这个分数的时间", "奖项"), best),
        Table("也算对的答案", ("时间", "灯谜编号", "答案", "理由", "名次的变化"), ruled),
    ]


# --- "my answer is right as well" --------------------------------------------------------------------------------


def accept_alias(work: Work, words: Sequence[str]) -> str:
    """Let an answer count as well: everybody is graded anew, and it is said whose rank changed and why."""
    if work.edition.state == editions.PUBLISHED:
        raise Impossible("结果已经公布，不能再改名次。")
    one = _riddle(work, words[0])
    answer, said = words[1].strip(), plain(words[1])
    if not said or any(said == plain(each) for each in one.answers):
        raise Impossible(f"“{answer}”本来就算对，或者里面没有字。")
    before = ranks.placed(work)
    people = riddle.accept(work.connection, one, answer, said, work.rules.hint_price)
    after = ranks.placed(work)
    changed = ranks.moved(before, after)
    riddle.note_ruling(work.connection, one.id, answer, words[2], changed, work.now)
    told = f"【{work.edition.title}】第 {one.number} 条，您答的“{answer}”也算对：{words[2]}。分数已经补上，回复“我的”查看。"
    name = f"{work.edition.campaign}/accept:{one.number}-{ranks.second(work)}"
    notice.tell(work.connection, name, told, people, work.now)
    again = ranks.posted_anew(work)
    return f"第 {one.number} 条“{answer}”也算对，给 {len(people)} 个人重新算了分。{changed}{again}"


def _riddle(work: Work, word: str) -> Riddle:
    every = riddle.of_edition(work.connection, work.edition.id)
    found = next((one for one in every if str(one.number) == word), None)
    if found is None:
        raise Impossible(f"这一届没有第 {word} 条灯谜。")
    return found


DEEDS: Mapping[str, Deed] = {
    **ranks.DEEDS,
    "accept-alias": Deed("一个答案也算对，所有人重新算分", ("灯谜编号", "答案", "理由"), accept_alias),
}
