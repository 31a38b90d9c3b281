"""What colleagues do on the spot: write moments down, correct and withdraw them in the open, and put in results, which rank themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from campaigns.kind import Deed, Impossible, Work
from ground.days import SHANGHAI, minute
from ground.table import Table
from models import moment, notice, photo, standing
from models.base import Connection
from models.edition import Edition
from models.moment import PUBLISHED, WITHDRAWN, Moment
from models.standing import Scored, Standing

NOW = ("", "现在")
LONGEST = 500  # characters of a moment
MOST = 200  # contestants
ORDERS = {"高的在前": False, "低的在前": True}
SCORE = re.compile(r"\d{1,3}:[0-5]?\d(\.\d{1,3})?|\d{1,6}(\.\d{1,3})?")
WORDS = {PUBLISHED: "大家看得到", WITHDRAWN: "撤下了"}


def clock(at: datetime, now: datetime) -> str:
    """14:05, or 7月1日 14:05 on another day."""
    here, today = at.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    return f"{here:%H:%M}" if here.date() == today else f"{here.month}月{here.day}日 {here:%H:%M}"


# --- tables ------------------------------------------------------------------------------------------------------


def tables(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """The moments with who wrote them, what they said before, and the standings."""
    found = moment.of_edition(connection, edition.id, 10_000)
    before = moment.amended(connection, [one.id for one in found])
    rows = [
        (one.number, minute(one.at), minute(one.posted_at), one.by, one.words, "有" if one.photo else "",
         WORDS[one.state], one.reason, len(before.get(one.id, [])))
        for one in found
    ]  # fmt: skip
    columns = ("编号", "什么时候", "写下的时间", "谁写的", "话", "照片", "状态", "撤下的理由", "改过几次")
    return [Table("实录", columns, rows), *_open_tables(connection, edition)]


def result(connection: Connection, edition: Edition, rules: object) -> list[Table]:
    """What everybody may read: the standings, what was corrected, and the moments."""
    found = [one for one in moment.of_edition(connection, edition.id, 10_000) if one.state == PUBLISHED]
    rows = [(one.number, minute(one.at), one.words) for one in reversed(found)]
    return [*_open_tables(connection, edition), Table("实录", ("编号", "什么时候", "话"), rows)]


def _open_tables(connection: Connection, edition: Edition) -> list[Table]:
    every = standing.versions(connection, edition.id)
    found = moment.of_edition(connection, edition.id, 10_000)
    numbers = {one.id: one.number for one in found}
    amended = [
        (minute(each.at), f"{numbers[each.moment_id]} 号", each.was, each.reason)
        for some in moment.amended(connection, list(numbers)).values()
        for each in some
    ]
    amended += [
        (minute(one.at), one.title, _moved(every, one), one.reason) for one in every if one.version > 1
    ]
    return [*standing_tables(every), Table("更正过的", ("时间", "哪一条", "原来", "理由"), sorted(amended))]


def standing_tables(every: Sequence[Standing]) -> Iterator[Table]:
    """Each contest's ranking; a corrected one says since when."""
    for one in standing.newest(every):
        rows = [(rank, each.name, each.unit, each.score) for rank, each in one.ranked]
        since = f"（{minute(one.at)} 更正：{one.reason}）" if one.version > 1 else ""
        yield Table(f"{one.title}{since}", ("名次", "姓名", "单位", "成绩"), rows)


def _moved(every: Sequence[Standing], one: Standing) -> str:
    """What the version before said where this one says something else."""
    before = next(each for each in every if (each.title, each.version) == (one.title, one.version - 1))
    gone = [each for each in before.lines if each not in one.lines]
    return "，".join(f"{each.name} {each.score}" for each in gone) or "少了人"


# --- moments -----------------------------------------------------------------------------------------------------


def post(work: Work, words: Sequence[str]) -> str:
    """Write down what happens."""
    once = f"{work.staff}:{work.now:%Y%m%d%H%M%S%f}"[:64]
    return posted(work, words[0], words[1], "", once)


def posted(work: Work, when: str, words: str, photo_key: str, once: str) -> str:
    """The same, with a photo that is kept already. Raises Impossible."""
    if not work.edition.takes(work.now):
        raise Impossible("这场实录已经结束，不能再添；已经写下的还可以更正。")
    if not 2 <= len(words.strip()) <= LONGEST:
        raise Impossible(f"要写 2 到 {LONGEST} 个字，现在是 {len(words.strip())} 个字。")
    one = moment.post(
        work.connection, work.edition.id, words.strip(), _when(work, when.strip()), by=work.staff, photo=photo_key,
        once=once, now=work.now,
    )  # fmt: skip
    return f"{one.number} 号记下了，大家看得到了。"


def _when(work: Work, text: str) -> datetime:
    """Now, or a time of today; nothing that is still to come."""
    if text in NOW:
        return work.now
    found = re.fullmatch(r"([01]?\d|2[0-3])[:：]([0-5]\d)", text)
    if not found:
        raise Impossible(f"什么时候写的是“{text[:20]}”，应当写“现在”，或者今天的几点几分，例如 14:05。")
    here = work.now.astimezone(SHANGHAI)
    at = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if at > here + timedelta(minutes=1):
        raise Impossible(f"{text} 还没有到。")
    return at


def correct(work: Work, words: Sequence[str]) -> str:
    """Let a moment say something else; what it said stays to be seen."""
    one, new, reason = _found(work, words[0]), words[1].strip(), words[2].strip()
    if not 2 <= len(new) <= LONGEST or not reason or new == one.words:
        raise Impossible(f"要写新的话（2 到 {LONGEST} 个字，和原来不一样）和理由。")
    if not moment.correct(work.connection, one, new, reason, work.staff, work.now):
        raise Impossible(f"{one.number} 号刚刚被别人改过或者撤下了，请再看一看。")
    return f"{one.number} 号改好了，原来的话划掉留着。"


def withdraw(work: Work, words: Sequence[str]) -> str:
    """Take one back: a mark and the reason stay, the words and the photo go out of sight."""
    one = _found(work, words[0])
    if not words[1].strip() or not moment.move(work.connection, one, WITHDRAWN, words[1].strip()):
        raise Impossible(f"要写理由；{one.number} 号现在是“{WORDS[one.state]}”。")
    _photo(work, one, (photo.SHOWN,), photo.HIDDEN)
    return f"{one.number} 号撤下了，那里写着理由。"


def restore(work: Work, words: Sequence[str]) -> str:
    """Undo a withdrawal."""
    one = _found(work, words[0])
    if not moment.move(work.connection, one, PUBLISHED, ""):
        raise Impossible(f"{one.number} 号没有撤下。")
    _photo(work, one, (photo.HIDDEN,), photo.SHOWN)
    return f"{one.number} 号又看得到了。"


def _photo(work: Work, one: Moment, states: Sequence[str], state: str) -> None:
    kept = photo.get(work.connection, one.photo) if one.photo else None
    if kept is not None:
        photo.judge(work.connection, kept.id, states, state)


def _found(work: Work, word: str) -> Moment:
    number = int(word) if word.isascii() and word.isdigit() else 0
    one = moment.numbered(work.connection, work.edition.id, number)
    if one is None:
        raise Impossible(f"这一场没有 {word[:10]} 号。")
    return one


# --- results -----------------------------------------------------------------------------------------------------


def put_result(work: Work, words: Sequence[str]) -> str:
    """Put in the scores of a contest: they rank themselves, and whoever follows hears of it."""
    title, order = words[0].strip(), words[1].strip()
    if not 1 <= len(title) <= 20:
        raise Impossible("项目要写 1 到 20 个字。")
    if order not in ORDERS:
        raise Impossible(f"谁在前写的是“{order[:10]}”，只能写“高的在前”（分数）或“低的在前”（用时）。")
    lines = scored(words[2])
    if not _written(work, title, lines, 1, ORDERS[order], ""):
        raise Impossible(f"“{title}”已经有成绩了，要改请用 correct-result，写明理由。")
    return f"“{title}”的成绩记下了，{_told(work, title)}"


def correct_result(work: Work, words: Sequence[str]) -> str:
    """Put the scores of a contest right; what they were stays to be seen."""
    title, reason = words[0].strip(), words[2].strip()
    every = standing.versions(work.connection, work.edition.id)
    before = next((one for one in standing.newest(every) if one.title == title), None)
    if before is None:
        known = "、".join(one.title for one in standing.newest(every))
        raise Impossible(f"没有“{title[:20]}”的成绩。现在有的是：{known or '（还没有）'}。")
    lines = scored(words[1])
    if not reason or tuple(lines) == before.lines:
        raise Impossible("要写理由，成绩也要和原来不一样。")
    if not _written(work, title, lines, before.version + 1, before.lowest, reason):
        raise Impossible("刚刚有别人改过，请再看一看。")
    return f"“{title}”的成绩改好了，{_told(work, title)}"


def _written(
    work: Work, title: str, lines: Sequence[Scored], version: int, lowest: bool, reason: str
) -> bool:
    return standing.post(
        work.connection, work.edition.id, title, lines, version=version, lowest=lowest, reason=reason, by=work.staff,
        now=work.now,
    )  # fmt: skip


def scored(text: str) -> list[Scored]:
    """Names, units and scores, one contestant a line or between semicolons. Raises Impossible with every fault."""
    found: list[Scored] = []
    faults: list[str] = []
    pieces = [piece.strip() for piece in re.split(r"[；;\r\n]+", text) if piece.strip()]
    for number, piece in enumerate(pieces, 1):
        cells = [cell for cell in re.split(r"[\s，,、\t]+", piece.replace("：", ":")) if cell]
        if not 2 <= len(cells) <= 3 or not SCORE.fullmatch(cells[-1]):
            faults.append(f"第 {number} 行“{piece[:20]}”应当是 姓名 单位 成绩，成绩是数字或者 分:秒")
            continue
        one = Scored(cells[0], cells[1] if len(cells) == 3 else "", cells[-1])
        if any((one.name, one.unit) == (each.name, each.unit) for each in found):
            faults.append(f"第 {number} 行 {one.name} 写了两次")
        found.append(one)
    if not faults and not 1 <= len(pieces) <= MOST:
        faults.append(f"有 {len(pieces)} 个人的成绩，应有 1 到 {MOST} 个")
    if faults:
        raise Impossible(
            f"成绩没有记：{'；'.join(faults[:5])}。一人一行，或者用分号隔开，例如：王大力 一车间 95.5；李巧手 二车间 93"
        )
    return found


def _told(work: Work, title: str) -> str:
    every = standing.newest(standing.versions(work.connection, work.edition.id))
    one = next(each for each in every if each.title == title)
    best = "，".join(f"第 {rank} 名 {each.name}（{each.score}）" for rank, each in one.ranked[:3])
    state = "成绩更正了" if one.version > 1 else "成绩出来了"
    words = f"【{work.edition.title}】{title}{state}：{best}。"
    name = f"{work.edition.campaign}/result:{work.edition.id}-{work.now:%m%d%H%M%S%f}"
    number = notice.tell(
        work.connection, name, words, moment.followers(work.connection, work.edition.id), work.now
    )
    return f"会告诉跟着看的 {number} 人。"


DEEDS: Mapping[str, Deed] = {
    "post": Deed("写一条", ("什么时候", "话"), post),
    "correct-moment": Deed("更正一条，原来的话划掉留着", ("编号", "新的话", "理由"), correct),
    "withdraw": Deed("撤下一条，留下理由", ("编号", "理由"), withdraw),
    "restore": Deed("把撤下的放回来", ("编号",), restore),
    "result": Deed("记一个项目的成绩，自动排名次", ("项目", "谁在前", "成绩"), put_result),
    "correct-result": Deed("更正一个项目的成绩", ("项目", "成绩", "理由"), correct_result),
}
