"""A quiz: papers that are drawn once, why after each answer, the ranking and its tie rule, rulings that judge everybody anew, and
which right is least clear; and the bank."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from kind_cast import QUESTIONS, QUIZ, Pages, Union, campaign

from campaigns.kinds.quiz_bank import of_folder
from campaigns.kinds.quiz_staff import result, tables
from campaigns.kinds.ranks import DEEDS
from ground.sheet import UnusableError
from ground.table import Table, write_xlsx
from models import edition, question, quiz, score
from models.base import Connection, Store
from models.delivery import deliveries
from models.push import pushes
from models.quiz import choices, papers
from models.score import scores
from wx.simulator import Phone

RIGHT = {one["stem"]: [dict(one["options"])[letter] for letter in one["right"]] for one in QUESTIONS}
DAYS, WORK = "国家规定的产假有多少天？", "单位不能因为怀孕做哪些事？"


@pytest.fixture
def union(sqlite_store: Store) -> Iterator[Union]:
    with quizzed(sqlite_store) as made:
        yield made


@contextmanager
def quizzed(store: Store, **rules: Any) -> Iterator[Union]:
    keys: dict[str, Any] = {**QUIZ, "quiz": {**QUIZ["quiz"], **rules}}  # type: ignore[dict-item]
    made = Union(store, [campaign(keys)])
    yield made
    made.close()


def draws(union: Union, name: str) -> Phone:
    """Somebody opens the quiz and takes a paper."""
    person = union.phone(name)
    union.waits(timedelta(seconds=1))
    person.taps("YEAR")
    person.says("1")
    person.says("1")
    return person


def asked(text: str) -> str:
    """The question at the end of what was said."""
    (stem,) = re.findall(r"第 \d+ 题（.*?）：(.*?？)？", text)
    return str(stem)


def numbers(text: str, wanted: list[str]) -> str:
    """By which numbers of the list these options are chosen."""
    listed = {words: number for number, words in re.findall(r"^(\d) (.+)$", text, re.MULTILINE)}
    return " ".join(listed[words] for words in wanted)


def answers(union: Union, person: Phone, *, right: bool = True) -> str:
    """Somebody answers what is asked of them, five seconds later."""
    union.waits(timedelta(seconds=5))
    wrong = {DAYS: ["90 天"], WORK: ["降工资"]}
    stem = asked(person.last)
    return person.says(numbers(person.last, RIGHT[stem] if right else wrong[stem]))


def plays(union: Union, name: str, *right: bool) -> Phone:
    """Somebody answers a whole paper, rightly or not in the order of the bank."""
    person = draws(union, name)
    for _ in right:
        answers(union, person, right=right[[DAYS, WORK].index(asked(person.last))])
    return person


def ends(union: Union) -> None:
    period = union.campaigns[0].period(union.clock.now())
    assert period is not None
    union.waits(period[1] - union.clock.now() + timedelta(minutes=2))
    union.tends()


def ranks(union: Union) -> list[tuple[int, str | None, int]]:
    with union.store.reading() as connection:
        newest = edition.latest(connection, "women-quiz")
        assert newest is not None
        found = list(score.ranking(connection, newest.id))
        assert recomputed(connection, speed='"speed"' in newest.rules) == [
            (rank, one.points) for rank, one in found
        ]
    return [(rank, one.openid, one.points) for rank, one in found]


def recomputed(connection: Connection, *, speed: bool) -> list[tuple[int, int]]:
    """Ranks and points by another way: from what was chosen, by the frozen keys, in Python."""
    keys = {row.id: json.loads(row.accepted) for row in connection.execute(question.questions.select())}
    best: dict[str, tuple[int, int]] = {}
    for paper in connection.execute(papers.select()):
        given = connection.execute(choices.select().where(choices.c.paper_id == paper.id)).all()
        points = 10 * sum(not keys[row.question_id] or row.letters in keys[row.question_id] for row in given)
        took = max((row.at for row in given), default=paper.issued_at) - paper.issued_at
        mine = (-points, int(took.total_seconds()) if speed else 0)
        best[paper.openid or str(paper.id)] = min(best.get(paper.openid or str(paper.id), mine), mine)
    order = sorted(one for one in best.values() if one[0])
    return [(1 + order.index(one), -one[0]) for one in order]


def told(union: Union, like: str) -> list[str]:
    query = sa.select(deliveries.c.recipient).join(pushes, pushes.c.id == deliveries.c.push_id)
    with union.store.reading() as connection:
        return sorted(connection.execute(query.where(pushes.c.name.like(f"women-quiz/{like}"))).scalars())


def shown(union: Union, title: str, of: Any = tables) -> list[tuple[Any, ...]]:
    with union.store.reading() as connection:
        found = edition.latest(connection, "women-quiz")
        assert found is not None
        rules = union.campaigns[0].rules
        return [
            row for one in of(connection, found, rules) if one.title.startswith(title) for row in one.rows
        ]


# --- answering ---------------------------------------------------------------------------------------------------


def test_a_paper_is_answered_question_by_question_with_why_and_the_law(union: Union) -> None:
    wang = draws(union, "王师傅")
    assert "卷子领好了，一共 2 题" in wang.last
    first = answers(union, wang, right=asked(wang.last) == DAYS)
    second = answers(union, wang, right=asked(first) == DAYS)

    both = first + second
    assert both.count("答对了！") == 1
    assert "不对。正确答案是：降工资、辞退。" in both
    assert "产前可以休 15 天。（依据：《女职工劳动保护特别规定》第七条）" in both
    assert "2 题答对 1 题，10 分，用时 10 秒" in second
    mine = wang.says("我的")
    assert "2 题答对 1 题，10 分" in mine
    assert "现在是第 1 名" in mine
    assert "您选了：98 天，对。" in wang.says("J1 查看")
    union.waits(timedelta(seconds=1))
    wang.taps("YEAR")
    assert "领卷子" not in wang.says("1")


def test_letters_are_taken_as_well_as_numbers_and_several_may_be_written_together(union: Union) -> None:
    wang = draws(union, "王师傅")
    for _ in range(2):
        stem = asked(wang.last)
        places = numbers(wang.last, RIGHT[stem]).split()
        wang.says("".join("ABC"[int(place) - 1] for place in places) if stem == DAYS else "".join(places))

    assert ranks(union) == [(1, wang.openid, 20)]


def test_a_paper_that_was_drawn_stays_the_same_through_either_door_and_after_a_restart(union: Union) -> None:
    wang = draws(union, "王师傅")
    stem = asked(wang.last)
    union.restarts()
    wang.says("00")
    union.waits(timedelta(seconds=1))
    wang.taps("YEAR")
    assert asked(wang.says("1")) == stem
    browser = Pages(union).browser()
    browser.signs_in(wang, "/h5/c/women-quiz")
    assert all(stem in browser.opens("/h5/c/women-quiz") for _ in range(3))
    with union.store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(papers)).scalar_one() == 1


def test_on_a_page_a_question_is_answered_without_javascript_and_an_old_page_changes_nothing(
    union: Union,
) -> None:
    browser = Pages(union).browser()
    browser.signs_in(union.phone("李大姐"), "/h5/c/women-quiz")
    browser.opens("/h5/c/women-quiz?start=1")
    browser.sends("/h5/c/women-quiz", start="1")
    old = browser.text
    letters = "B" if DAYS in old else "A B"
    first = browser.sends("/h5/c/women-quiz", q1=letters)
    browser.text = old.replace('name="once" value="', 'name="once" value="x')
    late = browser.sends("/h5/c/women-quiz", q1="C")

    assert "答对了！" in first
    assert "第 2 题" in first
    assert "第 2 题" in late
    with union.store.reading() as connection:
        assert [row.hit for row in connection.execute(choices.select())] == [True]


def test_a_paper_with_a_time_limit_counts_what_was_answered_and_the_next_one_may_be_better(
    sqlite_store: Store,
) -> None:
    with quizzed(sqlite_store, minutes=5, papers=2) as union:
        wang = draws(union, "王师傅")
        assert "还剩 5 分钟" in wang.last
        answers(union, wang)
        union.waits(timedelta(minutes=6))
        late = wang.says("1")

        assert "没有“1”这个选项" in late
        assert "上一张卷子时间到了" in late
        assert ranks(union) == [(1, wang.openid, 10)]
        wang.says("8")
        answers(union, wang)
        answers(union, wang)
        assert ranks(union) == [(1, wang.openid, 20)]
        union.waits(timedelta(seconds=1))
        wang.taps("YEAR")
        assert "领卷子" not in wang.says("1")


def test_two_messages_at_once_answer_a_question_once(store: Store) -> None:
    with quizzed(store) as union:
        wang = draws(union, "王师傅")
        with wang.delivers(3):
            answers(union, wang)
        with union.store.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(choices)).scalar_one() == 1


# --- ranks -------------------------------------------------------------------------------------------------------


def test_with_points_alone_equals_share_a_rank_and_with_speed_the_quicker_is_first(
    sqlite_store: Store,
) -> None:
    with quizzed(sqlite_store) as union:
        wang, li = plays(union, "王师傅", True, True), plays(union, "李大姐", True, True)
        zhang = plays(union, "小张", True, False)
        assert [(rank, who) for rank, who, _ in ranks(union)] == [
            (1, wang.openid),
            (1, li.openid),
            (3, zhang.openid),
        ]


def test_the_quicker_of_two_with_the_same_points_comes_first_where_the_rules_say_so(store: Store) -> None:
    with quizzed(store, ranking="speed") as union:
        slow = draws(union, "王师傅")
        union.waits(timedelta(seconds=20))
        answers(union, slow)
        answers(union, slow)
        quick = plays(union, "李大姐", True, True)
        assert [(rank, who) for rank, who, _ in ranks(union)] == [(1, quick.openid), (2, slow.openid)]
        assert shown(union, "名次")[0][5] == 10


def test_without_a_ranking_nobody_is_ranked_and_no_name_is_asked(sqlite_store: Store) -> None:
    with quizzed(sqlite_store, ranking="none", prizes=[]) as union:
        wang = draws(union, "王师傅")
        answers(union, wang)
        answers(union, wang)
        assert shown(union, "名次") == []
        union.waits(timedelta(seconds=1))
        wang.taps("YEAR")
        assert "卷子您都答过了" in wang.says("1")


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 10_000)), max_size=30))
def test_a_place_sorts_as_points_then_seconds_do(people: list[tuple[int, int]]) -> None:
    placed = [(quiz.place_of(*one), (-one[0], one[1])) for one in people if one[0]]

    assert [key for _, key in sorted(placed)] == sorted(key for _, key in placed)


def test_names_and_prizes_are_those_of_every_ranking(union: Union) -> None:
    wang = plays(union, "王师傅", True, True)
    union.waits(timedelta(seconds=1))
    wang.taps("YEAR")
    for said in ("1", "2", "追风人"):
        wang.says(said)
    li = plays(union, "李大姐", True, False)
    union.staff_does("show-name", "1")
    ends(union)
    union.staff_does("post", "名单贴在职工之家")
    union.waits(timedelta(days=12))
    union.staff_does("publish", "带身份证来领")

    assert set(DEEDS) == {"show-name", "refuse-name", "post", "publish"}
    assert told(union, "prize:1-1") == [wang.openid]
    assert told(union, "result:1") == [li.openid]
    assert shown(union, "名次", result)[0][1] == "追风人"


# --- a wrong question --------------------------------------------------------------------------------------------


def test_a_ruling_judges_everybody_anew_tells_them_and_keeps_what_was(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with quizzed(store) as union:
        right, wrong = plays(union, "王师傅", True, True), plays(union, "李大姐", False, True)
        assert [rank for rank, _, _ in ranks(union)] == [1, 2]
        union.staff_does("correct-key", "1", "A", "条文改了")

        assert "2 个人的分数变了" in capsys.readouterr().out
        assert [who for _, who, _ in ranks(union)] == [wrong.openid, right.openid]
        assert told(union, "key:%") == sorted([right.openid, wrong.openid])
        assert shown(union, "改过的答案", result)[0][1:6] == (1, 2, "B", "A", "条文改了")
        union.waits(timedelta(seconds=1))
        union.staff_does("correct-key", "1", "A或B", "两种说法都有")
        union.staff_does("correct-key", "2", "都算对", "题目有歧义")
        assert [(rank, points) for rank, _, points in ranks(union)] == [(1, 20), (1, 20)]
        for words in (("9", "A", "错"), ("1", "D", "错"), ("1", "AB", "错"), ("1", "B或A", "一样")):
            with pytest.raises(SystemExit):
                union.staff_does("correct-key", *words)


# --- which right is least clear ----------------------------------------------------------------------------------


def test_which_right_is_least_clear_is_said_from_five_people_on_and_only_when_it_is_over(
    union: Union,
) -> None:
    for number in range(4):
        plays(union, f"{number} 号", number > 0, True)
    assert shown(union, "哪条权利最不清楚") == []
    plays(union, "王师傅", False, True)

    assert shown(union, "哪条权利最不清楚") == [("产假", 5, "60%"), ("不降薪", 5, "100%")]
    assert shown(union, "哪条权利最不清楚", result) == []
    assert shown(union, "都选了什么") == [(2, "AB", "降工资、辞退", 5)]
    ends(union)
    assert shown(union, "哪条权利最不清楚", result) == [("产假", 5, "60%"), ("不降薪", 5, "100%")]
    assert shown(union, "每道题答对的比例", result)[0] == (
        *("产假", DAYS, "《女职工劳动保护特别规定》", "第七条", 5, "60%"),
    )


def test_who_is_forgotten_is_in_the_figures_without_a_name(union: Union) -> None:
    wang = plays(union, "王师傅", True, True)
    wang.unfollows()
    with union.store.reading() as connection:
        assert connection.execute(sa.select(papers.c.openid)).scalars().all() == [None]
        assert connection.execute(sa.select(scores.c.openid)).scalars().all() == [None]
        assert connection.execute(sa.select(sa.func.count()).select_from(choices)).scalar_one() == 2


# --- the bank ----------------------------------------------------------------------------------------------------

HEAD = "题目,选项A,选项B,选项C,答案,解释,法律,条款\n"


def test_the_sample_bank_can_be_used_and_every_question_has_its_law() -> None:
    found = of_folder(Path(), "women.csv").lines

    assert len(found) >= 20
    assert all(one.law and one.article and one.about and one.why for one in found)


def test_a_bank_from_excel_is_the_same_bank(tmp_path: Path) -> None:
    row = ("产假几天？", "90", "98", "", "b", "产前 15 天", "《女职工劳动保护特别规定》", "第七条")
    write_xlsx(tmp_path / "bank.xlsx", [Table("题库", tuple(HEAD.strip().split(",")), [row])])

    (one,) = of_folder(tmp_path, "bank.xlsx").lines

    assert (one.right, one.options) == ("B", (("A", "90"), ("B", "98")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("产假？,1,2,,B,因为,劳动法,第七条\n", "法律写的是“劳动法”，应当是全名"),
        ("产假？,1,2,,B,因为,《劳动法》,七\n", "条款写的是“七”，应当写成“第七条”"),
        ("产假？,1,2,,C,因为,《劳动法》,第七条\n", "答案写的是“C”，应当是选项的字母"),
        ("产假？,1,2,,对,因为,《劳动法》,第七条\n", "答案写的是“对”"),
        ("产假？,1,1,,A,因为,《劳动法》,第七条\n", "有两个选项是一样的"),
        ("产假？,1,,3,A,因为,《劳动法》,第七条\n", "选项要从 A 起挨着写，现在写了 A、C"),
        ("产假？,1,2,,A,,,\n", "没有写解释；第 2 行：没有写法律；第 2 行：没有写条款"),
        ("产假？,1,2,,A,因为,《劳动法》,第七条\n产假,1,2,,A,因为,《劳动法》,第七条\n", "题目和第 2 行重复"),
        ("", "有 0 道题"),
    ],
)
def test_a_bank_with_a_fault_is_refused_whole_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "题.csv").write_text(HEAD + text, "utf-8")

    with pytest.raises(UnusableError) as fault:
        of_folder(tmp_path, "题.csv")

    assert words in str(fault.value)


def test_rules_that_contradict_each_other_are_refused_in_words() -> None:
    for rules, words in (({"size": 3}, "只有 2 道题"), ({"ranking": "none"}, "写了奖项")):
        with pytest.raises(ValueError, match=words):
            campaign({**QUIZ, "quiz": {**QUIZ["quiz"], **rules}})  # type: ignore[dict-item]
