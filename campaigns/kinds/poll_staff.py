"""What the staff do with a poll: take a candidate out, annul ballots with a reason, post the result, publish it; the tables and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from campaigns.kind import Deed, File, Impossible, Work
from campaigns.kinds import poll_marks, poll_nominee, poll_posted, poll_result
from campaigns.kinds.poll_count import ballot_lines, receipt_lines
from campaigns.kinds.poll_result import Entrant, Place
from campaigns.kinds.poll_rules import SIDE_WORDS, SIDES, Rules
from ground.days import minute
from ground.sheet import UnusableError
from ground.table import Table
from models import ballot, candidate, entry, notice, objection, poll
from models import edition as editions
from models.base import Connection
from models.candidate import Candidate
from models.edition import Edition

EXIT_SIGNS = 8  # of an exit's mark that are shown and typed


def result(connection: Connection, edition: Edition, rules: Rules) -> list[Place]:
    """Who stands where; [] before it is counted. Who withdrew is left out."""
    tally = next(iter(poll.tallied(connection, edition.id)), None)
    if tally is None:
        return []
    standing = [
        Entrant(one.number, one.groups) for one in candidate.of_edition(connection, edition.id) if one.stands
    ]
    sides = {"public": tally.votes, **poll.marks_of(connection, edition.id)}
    weights = {side: getattr(rules.weights, side) for side in SIDES}
    places = poll_result.ranked(standing, sides, weights)
    if not rules.seats:
        return places
    try:
        return poll_result.chosen(places, standing, rules.seats, rules.quotas)
    except poll_result.NoList:
        return places


# --- tables and files --------------------------------------------------------------------------------------------


def tables(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """What is published, and the exits that many ballots came from. While it runs and the rules hide it, nobody of the staff sees
    votes either."""
    return [
        *published(connection, edition, rules),
        Table(
            "票数多的网络出口（工厂、大楼也会共用一个出口，只供核对，不会自动作废）",
            ("出口", "选票", "第一张", "最后一张"),
            [
                (mark[:EXIT_SIGNS], number, minute(first), minute(last))
                for mark, number, first, last in ballot.exits(connection, edition.id, rules.exit_flag)
            ],
        ),
        *([poll_nominee.table(connection, edition.id, rules.nominate.checks)] if rules.nominate else []),
        poll_posted.table(connection, edition.id),
    ]


def published(connection: Connection, edition: Edition, rules: Rules) -> list[Table]:
    """What everybody may read: the sheet, what was annulled, every counting with its digests, the chain's heads."""
    every = candidate.of_edition(connection, edition.id)
    places = result(connection, edition, rules)
    counted = [
        (minute(one.at), one.reason, one.ballots, one.annulled, one.ballots_digest, one.receipts_digest)
        for one in poll.tallied(connection, edition.id)
    ]
    return [
        _sheet(every, places, rules),
        *_quotas(every, places, rules),
        Table("作废的选票", ("理由", "张数"), ballot.reasons(connection, edition.id)),
        Table(
            "每一次计票",
            ("时间", "为什么重计", "有效选票", "作废", "选票文件的校验码", "回执文件的校验码"),
            counted,
        ),
        Table("每天公布的校验码", ("日期", "选票", "校验码"), poll.shown_heads(connection, edition.id)),
    ]


def _sheet(every: Sequence[Candidate], places: Sequence[Place], rules: Rules) -> Table:
    """Everything by which the result can be reckoned again: what each side gave, its weight, the score, the place."""
    by_number = {one.number: one for one in every}
    columns = ["名次", "编号", "名称", "单位", "类别"]
    columns += [f"{SIDE_WORDS[side]}（占 {getattr(rules.weights, side)}%）" for side in SIDES]
    rows: list[tuple[str | int, ...]] = [
        (
            str(place.place), place.number, *_named(by_number[place.number]), *map(str, place.given),
            decimal(place.score), "入选" if place.chosen else "",
        )
        for place in places
    ]  # fmt: skip
    left = [one for one in every if one.number not in {place.number for place in places}]
    rows += [
        ("", one.number, *_named(one), "", "", "", "", "" if one.stands else f"已退出：{one.reason}")
        for one in left
    ]
    return Table("候选和结果", (*columns, "总分", "结果"), rows)


def _named(one: Candidate) -> tuple[str, str, str]:
    return one.name, one.unit, "、".join(one.groups)


def decimal(score: Fraction) -> str:
    """A score with six digits, cut and not rounded, so that equal ones look equal."""
    millionths = score.numerator * 1_000_000 // score.denominator
    return f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}"


def _quotas(every: Sequence[Candidate], places: Sequence[Place], rules: Rules) -> list[Table]:
    if not rules.quotas:
        return []
    groups = {one.number: one.groups for one in every}
    listed = [one.number for one in places if one.chosen]
    rows: list[tuple[str | int, ...]] = []
    for quota in rules.quotas:
        inside = sum(quota.group in groups[number] for number in listed)
        least, most = quota.bounds(rules.seats)
        kept = "" if not listed else "满足" if least <= inside <= most else "不满足"
        rows.append((quota.group, quota.words, least, most, inside, kept))
    return [Table("名单的比例", ("类别", "要求", "至少", "至多", "入选人数", "结果"), rows)]


def files(connection: Connection, edition: Edition, rules: Rules) -> list[File]:
    """Both published files, once it is counted."""
    if not poll.tallied(connection, edition.id):
        return []
    return [
        File("ballots.txt", "每张有效选票选了谁，一张一行，按内容排序", ballot_lines),
        File("receipts.txt", "每张有效选票的回执的校验码（SHA-256），按内容排序", receipt_lines),
    ]


# --- deeds -------------------------------------------------------------------------------------------------------


def withdraw(work: Work, words: Sequence[str]) -> str:
    """A candidate leaves; the number stays theirs, the ballots stand."""
    every = candidate.of_edition(work.connection, work.edition.id)
    one = next((each for each in every if str(each.number) == words[0]), None)
    if one is None:
        raise Impossible(f"没有 {words[0]} 号候选。")
    if not candidate.withdraw(work.connection, one, words[1]):
        raise Impossible(f"{one.number} 号已经退出了。")
    return f"{one.number} 号 {one.name} 退出了。投过的票不变，计票时不算这个候选，页面上会写明。"


def annul(work: Work, words: Sequence[str]) -> str:
    """One ballot counts no more; its person reads why."""
    one = ballot.of_receipt(work.connection, work.edition.id, words[0].strip().upper())
    if one is None:
        raise Impossible(f"没有回执是 {words[0]} 的选票。")
    return _annulled(work, [one], words[1])


def annul_exit(work: Work, words: Sequence[str]) -> str:
    """All ballots behind an exit count no more."""
    if len(words[0]) < EXIT_SIGNS:
        raise Impossible(f"出口要写全表里的 {EXIT_SIGNS} 个字符。")
    return _annulled(work, ballot.behind(work.connection, work.edition.id, words[0]), words[1])


def _annulled(work: Work, every: Sequence[ballot.Ballot], reason: str) -> str:
    if work.edition.state == editions.PUBLISHED:
        raise Impossible("结果已经公布，不能再作废选票。")
    done = [one for one in every if ballot.annul(work.connection, one, reason, work.staff, work.now)]
    if not done:
        raise Impossible("没有这样的选票，或者已经作废了。")
    return (
        f"作废了 {len(done)} 张选票：{reason}。选票还留着，本人能看到理由；已经计过票的，几秒钟后重新计票。"
    )


def post(work: Work, words: Sequence[str]) -> str:
    """公示: the result may be objected to for so many working days."""
    _needs_count(work)
    until = work.workdays.end_after(work.now, work.rules.posted_workdays)
    if not poll.post(work.connection, work.edition.id, words[0], work.now, until):
        raise Impossible("结果已经在公示了。")
    days, name = work.rules.posted_workdays, work.edition.campaign
    return f"公示 {days} 个工作日，到 {minute(until)} 为止。到时候运行 campaign do {name} publish 说明。"


def _needs_count(work: Work) -> None:
    if work.edition.state != editions.CLOSED or not poll.tallied(work.connection, work.edition.id):
        raise Impossible("投票还没有结束并计好票（结束以后一两分钟），或者结果已经公布。")


def publish(work: Work, words: Sequence[str]) -> str:
    """Make the result final after its days of posting, destroy the key, and thank everybody."""
    _needs_count(work)
    here = poll.get(work.connection, work.edition.id)
    if here.posted_to is None or work.now < here.posted_to:
        until = f"要公示到 {minute(here.posted_to)}" if here.posted_to else "还没有公示，请先 post"
        raise Impossible(f"{until}，才能公布。")
    if objection.waiting_since(work.connection, work.edition.id) is not None:
        raise Impossible("还有异议没有答复，请先用 settle 答复。")
    editions.publish(work.connection, work.edition, work.now)
    poll.destroy_key(work.connection, work.edition.id)
    thanks = f"【{work.edition.title}】结果出来了，谢谢您投的票！{words[0]}"
    people = entry.openids(work.connection, work.edition.id)
    name = f"{work.edition.campaign}/result:{work.edition.id}"
    told = notice.tell(work.connection, name, thanks, people, work.now)
    return f"结果已经公布，会告诉投过票的 {told} 人。"


def give_expert(work: Work, words: Sequence[str]) -> str:
    """Take the experts' points from a sheet."""
    return _given(work, "expert", words[0])


def give_union(work: Work, words: Sequence[str]) -> str:
    """Take the unions' votes from a sheet."""
    return _given(work, "union", words[0])


def _given(work: Work, side: str, name: str) -> str:
    if poll.get(work.connection, work.edition.id).posted_at is not None:
        raise Impossible("结果已经公示，不能再改评分。")
    if not getattr(work.rules.weights, side):
        raise Impossible(f"规则里{SIDE_WORDS[side]}占 0%，用不着评分。")
    known = {one.number for one in candidate.of_edition(work.connection, work.edition.id)}
    try:
        rows = poll_marks.marks(name, Path(name).read_bytes(), known)
    except OSError:
        raise Impossible(f"{name} 读不出来，请看文件名和权限对不对。") from None
    except UnusableError as fault:
        raise Impossible(str(fault)) from None
    number = poll.give_marks(work.connection, work.edition.id, side, rows)
    givers = len({giver for giver, _, _ in rows})
    return f"{SIDE_WORDS[side]}记下了：{givers} 位（家），{number} 个分数；以前的换成了这一份。"


DEEDS: Mapping[str, Deed] = {
    **poll_nominee.DEEDS,
    "experts": Deed("记下专家评分（一张表：评分人、编号、分数）", ("文件",), give_expert),
    "unions": Deed("记下工会推荐（一张表：评分人、编号、分数）", ("文件",), give_union),
    "withdraw": Deed("一个候选退出", ("编号", "理由"), withdraw),
    "annul": Deed("作废一张选票", ("回执", "理由"), annul),
    "annul-exit": Deed("作废一个网络出口的全部选票", ("出口", "理由"), annul_exit),
    "post": Deed("公示结果", ("说明",), post),
    **poll_posted.DEEDS,
    "publish": Deed("公示期满，公布结果并告诉大家", ("说明",), publish),
}
